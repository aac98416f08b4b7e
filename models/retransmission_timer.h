// SPDX-License-Identifier: Apache-2.0
// The retransmission timer, RFC 6298: when the front of the queue may leave again, and when it should have. What a
// target measures is not seen, so the timeout is known exactly only where there is no doubt which segment was timed.
#pragma once

#include "models/event.h"
#include "models/rule.h"
#include "models/seq.h"

namespace tcpassay {

struct Step;
struct Tcb;

struct RetransmissionTimer {
  static constexpr Time kNone{-1};

  // SRTT and RTTVAR of (2.2) and (2.3).
  struct Estimate {
    Time srtt = kNone, rttvar{};

    void sample(Time r);
    Time rto() const;
    friend bool operator==(const Estimate&, const Estimate&) = default;
  };
  Estimate all, text;          // from every sure sample; from those that text gave, if the handshake was not timed
  Time first{};                // the timeout after the first sample
  Time rtt_min = kNone;        // the shortest round trip that was seen
  Time karn{};                 // what the timeout has been raised to, while no new sample may lower it; zero: nothing
  Time sent_at = kNone;        // when what is in flight was sent, if all of it left at once
  Time acked_at = kNone;       // when new text was last acknowledged
  Time runs_since{};           // the timer may have run since then: a fast retransmission need not restart it
  Time probed_at = kNone;      // when what may be a loss probe left: the timer starts anew (RFC 8985 section 7.3)
  SndSeq fresh_end{};          // behind the first new text that left since anything was sent again
  bool fresh = false;          // there is some: an ACK of all of it gives a sample
  bool karn_at_least = false;  // it may have been raised further since
  std::uint8_t samples = 0;
  bool exact = true;      // every sample was sure
  bool followed = false;  // new text has left behind the front since that did
  bool doubled = false;   // the gap before the last was half of it
  bool probed = false;    // the front, alone in flight, has left again once: that may have been a loss probe
  bool rested = true;     // that the timer is off was judged

  friend bool operator==(const RetransmissionTimer&, const RetransmissionTimer&) = default;
};

// The front of the retransmission queue, a SYN or a window probe leaves, for the first time or again. False: refused.
bool front_departs(Step& on, bool again);
// Text leaves behind the front, new or again.
void text_follows(Step& on, SndSeq seq, bool again);
// An ACK is about to move SND.UNA.
void timer_acked(Step& on, SndSeq ack);
// Nothing is in flight, and nothing was sent again.
void timer_rests(Step& on);
// By when the front must have left again.
Time retransmission_bound(const Tcb& tcb);

}  // namespace tcpassay
