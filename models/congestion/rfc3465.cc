// SPDX-License-Identifier: Apache-2.0
// RFC 3465: Appropriate Byte Counting.
#include <algorithm>

#include "models/congestion/algorithms.h"

namespace tcpassay::rfc3465 {

// Section 2.2: L = 2*SMSS. Section 2.3: in the slow start that follows a timeout L = 1*SMSS.
std::uint32_t limit(std::uint32_t smss, bool after_timeout) {
  return (after_timeout ? 1 : 2) * smss;
}

// Section 2.1: "When bytes_acked becomes greater than or equal to the value of the congestion window, bytes_acked is
// reduced by the value of cwnd. Next, cwnd is incremented by a full-sized segment (SMSS)." A round trip makes that a
// little more than equation (3) of RFC 5681 does.
void counts(Window& window, std::uint32_t octets, std::uint32_t smss) {
  if (window.whole == 0) return;
  window.counted += octets;
  if (window.counted < window.whole) return;
  window.counted -= window.whole;
  window.whole += smss;
  window.cwnd = std::max(window.cwnd, window.whole);
}

}  // namespace tcpassay::rfc3465
