// SPDX-License-Identifier: Apache-2.0
// RFC 3465: Appropriate Byte Counting. Its congestion avoidance (section 2.1) is equation (3) of RFC 5681 counted in
// octets, and stands in rfc5681.cc.
#include "models/congestion/algorithms.h"

namespace tcpassay::rfc3465 {

// Section 2.2: L = 2*SMSS. Section 2.3: in the slow start that follows a timeout L = 1*SMSS.
std::uint32_t limit(std::uint32_t smss, bool after_timeout) {
  return (after_timeout ? 1 : 2) * smss;
}

}  // namespace tcpassay::rfc3465
