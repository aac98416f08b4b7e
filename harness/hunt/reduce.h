// SPDX-License-Identifier: Apache-2.0
// Makes an input smaller in steps, values and time as long as it still shows what was found.
#pragma once

#include <functional>

#include "harness/hunt/moves.h"

namespace tcpassay {

// `shows` is asked at most `plays_max` times. If `moves` shows the finding, so does the result.
Moves reduced(const Moves& moves, const std::function<bool(const Moves&)>& shows, int plays_max);

}  // namespace tcpassay
