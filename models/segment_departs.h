// SPDX-License-Identifier: Apache-2.0
// What a target may send, and by when it must have sent it: the replies of RFC 9293 section 3.10.7, and the data
// communication of section 3.8.
#pragma once

#include "models/step.h"

namespace tcpassay {

// The target has sent a segment: the segment is one that it owed, or one that it may send unprompted; otherwise it is
// refused.
void segment_departs(Step& on, const Departing& seg);

// The target is silent now: segments that had to leave before are overdue, and those that must leave later get a time.
void falls_quiet(Step& on, const Quiet& silence = {});
// An answer is due that nothing may put off.
bool owes_at_once(const Candidate& tcb);

// A white-box target reports its state.
void state_reported(Step& on, const StateReport& report);

}  // namespace tcpassay
