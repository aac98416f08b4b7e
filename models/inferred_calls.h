// SPDX-License-Identifier: Apache-2.0
// A user whose calls nobody wrote down. What such a user may have called at any time is called for him when a segment
// departs that only he can have asked for; what he did not read, set or wait for is free. Used with
// Around::user_known = false.
#pragma once

#include "models/step.h"

namespace tcpassay {

// The calls without which `seg` could not leave: OPEN for a SYN (3.10.1), SEND for text (3.10.2), CLOSE for a FIN
// (3.10.4), ABORT for a RST that nothing else has asked for (3.10.5). Where he need not have called, both are tried.
void infer_calls(Step& on, const Departing& seg);

// So long was nothing seen. Silence proves nothing here: what was due may have left and been lost on the way to the
// capture point, or its user may have gone. So what was due is forgiven, and the connection comes to rest.
void rest_unseen(Step& on);

// The congestion window is not judged, so what was counted for it makes no TCB another one.
void forget_window(Candidate& tcb);
// Nor, when it is not known how much had been taken when something left, what round trips seemed to be.
void forget_round_trips(Candidate& tcb);

// <SEQ=SND.NXT-1> without text: a keep-alive (3.8.4) or a probe of a zero window (3.8.6.1), as the user may have asked.
bool is_unprompted_probe(const Tcb& tcb, const Departing& seg);

}  // namespace tcpassay
