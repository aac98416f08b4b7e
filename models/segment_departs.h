// SPDX-License-Identifier: Apache-2.0
// What a target may send, and when it must have sent: the replies of 3.10.7, the data communication of RFC 9293
// section 3.8.
#pragma once

#include "models/step.h"

namespace tcpassay {

// One segment seen out of the target: discharges what is owed or is permitted unprompted; otherwise it is refused.
void segment_departs(Step& on, const Departing& seg);

// The target is silent now: what had to leave before is overdue, what must leave later gets its time.
void falls_quiet(Step& on);

// A white-box target says where it is.
void state_reported(Step& on, const StateReport& report);

}  // namespace tcpassay
