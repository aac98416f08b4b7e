// SPDX-License-Identifier: Apache-2.0
// Why text leaves again. The question is asked once for each segment that departs, and each file that judges what
// follows from the answer reads it in `Step::why`: the retransmission timer (RFC 6298), congestion control (RFC 5681)
// and loss recovery (RFC 6675, RFC 8985).
#pragma once

#include <cstdint>

#include "models/seq.h"

namespace tcpassay {

struct Step;

enum class Why : std::uint8_t {
  kNew,     // nothing of it was sent before
  kBehind,  // it lies behind SND.UNA: other rules judge what follows the front
  kNone,    // it begins at SND.UNA, and nothing calls for it
  // A timer has expired.
  kTimeout,          // RFC 6298 (5.4)
  kLossProbe,        // RFC 8985 section 7.3, of a flight of one segment
  kReorderingTimer,  // RFC 8985 section 6.2, step 5
  kWindowProbe,      // RFC 9293 section 3.8.6.1
  // A segment that has arrived calls for it.
  kThirdDuplicate,   // RFC 5681 section 3.2
  kEarlyRetransmit,  // RFC 5827: fewer duplicate ACKs, of a flight that can draw no more of them
  kReported,         // RFC 6675 section 5, RFC 8985 section 6.2: SACK options show a loss
  kPartialAck,       // RFC 6582 section 3.2, step 3, and slow start after a timeout
  kRefused,          // a closed window or a small path has kept it from arriving (RFC 9293 section 3.8.6, RFC 1191)
  kSynOnly,          // RFC 7413: the text of the SYN was not acknowledged with it
};

// Did the segment leave because a timer of the sender has expired?
constexpr bool by_timer(Why why) {
  return why == Why::kTimeout || why == Why::kLossProbe || why == Why::kReorderingTimer || why == Why::kWindowProbe;
}

// Text or FIN from `seq` to `end` departs. Where more than one timer may have sent it, each is tried.
Why why_it_departs(Step& on, SndSeq seq, SndSeq end);
// Has so much time passed since anything was sent or heard that a loss probe may leave?
bool probe_timeout_has_passed(const Step& on);
// May what leaves be a loss probe (RFC 8985 section 7)? New text is one, however little waits.
bool may_be_loss_probe(const Step& on);

}  // namespace tcpassay
