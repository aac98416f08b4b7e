// SPDX-License-Identifier: Apache-2.0
// The retransmission timer, RFC 6298: when the first unacknowledged segment, the front of the queue, may leave again,
// and by when it should. The model does not see which round trips a target measures, so it knows the timeout exactly
// only as long as the target could time one segment and no other.
#pragma once

#include "models/event.h"
#include "models/rule.h"
#include "models/seq.h"

namespace tcpassay {

struct Step;
struct Tcb;

// The clock of a capture may leap by decades: what is multiplied must be less.
inline constexpr Time kRoundTripMax = std::chrono::hours(24);

struct RetransmissionTimer {
  static constexpr Time kNone{-1};

  // SRTT and RTTVAR of (2.2) and (2.3).
  struct Estimate {
    Time srtt = kNone, rttvar{};

    void sample(Time r);
    Time rto() const;
    friend bool operator==(const Estimate&, const Estimate&) = default;
  };
  Estimate all, text;       // from every sure sample; from those of text, for targets that time no handshake
  Time first{};             // the timeout after the first sample
  Time rtt_min = kNone;     // the shortest round trip seen
  Time sample_min = kNone;  // no round trip that the target can have measured is shorter
  Time backed_off_rto{};    // the timeout that the timer has backed off to, until a new sample; zero: it has not
  Time backed_off_most{};   // the same at its longest: when the timer was started may not be known
  Time gap_most{};          // between the last two expiries, at the longest
  Time sent_at = kNone;     // when the flight was sent, if all of it left at once
  Time first_left = kNone;  // when the front of the queue left for the first time
  // The timeouts, from `all` and `text`, had the round trip of what a fast retransmission sent again been measured.
  Time of_resent = kNone, of_resent_text = kNone;
  Time probe_gap{};        // between the last two window probes
  bool probing = false;    // what left last was a window probe
  Time acked_at = kNone;   // when new text was last acknowledged
  Time runs_since{};       // the timer may have run since then: a fast retransmission need not restart it
  Time probed_at = kNone;  // when a segment left that may be a loss probe, which restarts the timer (RFC 8985, 7.3)
  SndSeq fresh_end{};      // behind the first new text that left after the last retransmission
  bool fresh = false;      // there is such text: an ACK of all of it gives a sample
  bool backed_off_further = false;  // the timeout may be longer than `backed_off_rto` by now
  std::uint8_t samples = 0;
  bool exact = true;               // every sample was sure
  bool new_text_followed = false;  // new text has left since the front of the queue did
  bool doubled = false;            // the last gap between retransmissions was twice the one before
  bool stop_judged = true;         // rule (5.2), that the timer stops when all is acknowledged, was judged

  friend bool operator==(const RetransmissionTimer&, const RetransmissionTimer&) = default;
};

// The front of the retransmission queue, a SYN or a window probe leaves, for the first time or again. Returns false
// when it refuses the segment.
bool front_departs(Step& on, bool again);
// Text leaves behind the front, new or again.
void text_follows(Step& on, SndSeq seq, bool again);
// An ACK is about to move SND.UNA: it may give a sample of the round trip time.
void timer_acked(Step& on, SndSeq ack);
// A SACK option reports something new, and may give a sample of text that is not acknowledged yet.
void timer_informed(Step& on);
// The target is silent although the timer would have expired, had it not stopped: rule (5.2) is obeyed.
void timer_rests(Step& on);
// May the timer have expired since the front of the queue left, although something has arrived?
bool timer_may_have_expired(const Step& on);
// How long after it left the front of the queue must have left again, at the latest.
Time retransmission_bound(const Tcb& tcb);

}  // namespace tcpassay
