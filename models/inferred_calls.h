// SPDX-License-Identifier: Apache-2.0
// Infers socket calls when no log of them exists. When a segment departs that only a call can have caused, the model
// makes that call first. What the user read, set or waited for stays unknown. Used with Environment::user_known =
// false.
#pragma once

#include "models/step.h"

namespace tcpassay {

// The calls without which `seg` could not leave: OPEN for a SYN (3.10.1), SEND for text (3.10.2), CLOSE for a FIN
// (3.10.4), ABORT for a RST that nothing else has caused (3.10.5). Where the segment could also leave without a call,
// both are tried.
void infer_calls(Step& on, const Departing& seg);

// Nothing was seen for a long time. In a capture that proves nothing: a segment that was due may have left and been
// lost before the capture point, or the user may have gone. So nothing is due any more afterwards.
void rest_unseen(Step& on);

// Resets the congestion window, which is not judged here, so that TCBs which differ in it alone are merged.
void forget_window(Candidate& tcb);
// The same for measured round trips, when it is not known which segments the endpoint had processed when another left.
void forget_round_trips(Candidate& tcb);
// The same for what tells which of the captured segments the endpoint has taken, and how often, when that is not known.
void forget_arrivals(Candidate& tcb);

// <SEQ=SND.NXT-1> without text: a keep-alive (3.8.4) or a probe of a zero window (3.8.6.1), as the user may have asked.
bool is_unprompted_probe(const Tcb& tcb, const Departing& seg);

}  // namespace tcpassay
