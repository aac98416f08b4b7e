// SPDX-License-Identifier: Apache-2.0
// Was text sent again in vain? Only an ACK that shows it may take back what a loss did to the congestion window: the
// echo of a timestamp (Eifel, RFC 3522), reports that all of it has come twice (RFC 3708), or the ACKs that follow a
// timeout (F-RTO, RFC 5682). RFC 4015 says what may follow.
#pragma once

#include <cstdint>

#include "models/segment.h"
#include "models/seq.h"

namespace tcpassay {

struct Step;

struct Spurious {
  enum class Frto : std::uint8_t {
    kNo,         // no timeout, or the conventional recovery from one
    kFirstAck,   // step 2: the first ACK of new text after the timeout is awaited
    kSecondAck,  // step 3: and now the next one
  };
  Frto frto = Frto::kNo;
  bool stamped = false;            // `resent_stamp` is set
  bool doubled = false;            // a D-SACK block has arrived since the loss
  std::uint32_t resent_stamp = 0;  // RetransmitTS: TSval of the first segment that was sent again since the loss
  std::uint32_t again = 0;         // octets sent again since the loss that no D-SACK block has reported
  SndSeq reported_to{};            // behind the highest octet that was reported before the timeout

  friend bool operator==(const Spurious&, const Spurious&) = default;
};

// A loss is assumed, and the window reduced: by a timeout, which is the first of its kind since all that was in flight
// has been acknowledged, or by something else.
void loss_is_assumed(Step& on, bool first_timeout);
// Text leaves again, and congestion control has seen it.
void text_sent_again(Step& on, const Departing& seg);
// An acceptable ACK has arrived; `una` is SND.UNA before it. Does it show that nothing was lost?
bool shows_nothing_lost(Step& on, const Arriving& seg, SndSeq una);

}  // namespace tcpassay
