// SPDX-License-Identifier: Apache-2.0
// RFC 6928, section 2: Increasing TCP's Initial Window. The windows of RFC 5681 and of RFC 3390 are smaller.
#include <algorithm>

#include "models/congestion/algorithms.h"

namespace tcpassay::rfc6928 {

// (1): min (10*MSS, max (2*MSS, 14600))
std::uint32_t initial_window(std::uint32_t smss) {
  return std::min(10 * smss, std::max(2 * smss, 14600u));
}

}  // namespace tcpassay::rfc6928
