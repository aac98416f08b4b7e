// SPDX-License-Identifier: Apache-2.0
// The parts of "a segment departs" and "the target is silent". A function that returns bool returns false when it has
// refused the segment.
#pragma once

#include <optional>

#include "models/blame.h"
#include "models/segment_departs.h"

namespace tcpassay {

// The rule that tells most about the latest stimulus among those that leave no freedom (blame.h); `otherwise` where
// there is none.
Rule at_work(const Candidate& tcb, Rule otherwise);

// Whether the latest stimulus called upon the rule.
bool calls_upon(const Candidate& tcb, Rule rule);

// The rule that forbids every segment where there is no connection: that of the user's call, or of what arrived.
Rule forbids_any_segment(const Candidate& tcb, Rule otherwise);

// The rule that demands the reply that has not left. MUST-10 demands the answer to a SYN that crosses the target's own.
Rule unanswered(const Candidate& tcb);

// The front of the queue leaves again, or as the first probe of a window: not later than the timer should have expired.
void front_is_in_time(Step& on, bool again);

// A RST, in answer to a segment or because the user has aborted.
void reset_departs(Step& on, const Departing& seg);

// A SYN or SYN,ACK, first or sent again.
void syn_departs(Step& on, const Departing& seg);

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>: owed, called for by an arriving segment, or a window update.
void acknowledgment_departs(Step& on, const Departing& seg);

// Text or FIN: SND.UNA =< SEG.SEQ, nothing beyond what the user gave, new octets in order and inside the window.
void text_departs(Step& on, const Departing& seg);

// The acknowledgment field of a segment without SYN.
bool ack_is_current(Step& on, const Departing& seg);

// A segment has left with this acknowledgment: the target owes none now, and RCV.NXT is known.
void acknowledgment_seen(Step& on, RcvSeq ack, bool alone = true);  // alone: nothing but the ACK leaves

// RCV.NXT+RCV.WND as this segment offers it (3.8.6).
void window_offered(Step& on, const Departing& seg);

// The fifth step of SEGMENT ARRIVES may send text before the seventh has moved RCV.NXT.
// The acknowledgment that the target may delay has been delayed for too long.
bool delayed_ack_is_overdue(const Step& on);
bool early_ack(const Tcb& tcb, const Departing& seg);

}  // namespace tcpassay
