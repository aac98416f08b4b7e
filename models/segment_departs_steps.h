// SPDX-License-Identifier: Apache-2.0
// What the parts of "a segment departs" and "the target is silent" share.
#pragma once

#include "models/segment_departs.h"

namespace tcpassay {

// The rule most at work: the last that the latest stimulus called upon and that leaves no freedom.
Rule at_work(const Candidate& tcb, Rule otherwise);

// The rule that wants the reply that has not come. That a SYN which crosses ours is answered at all is MUST-10.
Rule unanswered(const Candidate& tcb);

// A segment has left with this acknowledgment: what was owed is paid, and RCV.NXT is known.
void acknowledgment_seen(Step& on, RcvSeq ack);

// RCV.NXT+RCV.WND as offered by this segment.
void window_offered(Step& on, const Departing& seg);

// The fifth step of SEGMENT ARRIVES may send text before the seventh has moved RCV.NXT.
bool early_ack(const Tcb& tcb, const Departing& seg);

// The acknowledgment field of a segment that is not the first of its kind.
bool ack_is_current(Step& on, const Departing& seg);

// Text or FIN: SND.UNA =< SEG.SEQ, nothing beyond what the user gave, new octets in order and inside the window.
void text_departs(Step& on, const Departing& seg);

}  // namespace tcpassay
