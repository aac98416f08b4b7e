// SPDX-License-Identifier: Apache-2.0
// Changes the values of one move.
#pragma once

#include "harness/hunt/moves.h"
#include "harness/hunt/randomness.h"

namespace tcpassay {

// A field goes to an edge, another anchor, another set of control bits, other options.
void change_segment(SegmentMove& move, Random& random);
void change_call(Call& call, Random& random);

// Any field gets any value.
void change_octet(SegmentMove& move, Random& random);

}  // namespace tcpassay
