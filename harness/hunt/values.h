// SPDX-License-Identifier: Apache-2.0
// Values that mean something to a TCP, and changes of those of one move.
#pragma once

#include <cstdint>

#include "harness/hunt/moves.h"
#include "harness/hunt/randomness.h"

namespace tcpassay {

// A time that means something to a TCP: timeouts and their edges.
Time some_time(Random& random);
std::uint16_t some_window(Random& random);
std::uint32_t some_length(Random& random);

// A field goes to an edge, another anchor, another set of control bits, other options.
void change_segment(SegmentMove& move, Random& random);
void change_call(Call& call, Random& random);

// Any field gets any value.
void change_octet(SegmentMove& move, Random& random);

}  // namespace tcpassay
