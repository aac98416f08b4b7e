// SPDX-License-Identifier: Apache-2.0
// What was allowed and what was seen, with the words marked in which they differ.
#pragma once

#include <string_view>

#include "harness/site/html.h"

namespace tcpassay {

struct MarkedDifference {
  Html allowed{}, seen{};
};

// Marks single words where both say nearly the same, else all that was seen.
MarkedDifference marked_difference(std::string_view allowed, std::string_view seen);

}  // namespace tcpassay
