// SPDX-License-Identifier: Apache-2.0
// RFC 3042, section 2: Limited Transmit; RFC 5681 section 3.2, step 1.
#include "models/congestion/algorithms.h"
#include "models/congestion/steps.h"

namespace tcpassay::rfc3042 {

// FlightSize may be cwnd + 2*SMSS. The first duplicate ACK may bring both segments, for all the judge knows; what
// duplicate ACKs have shown to have left is not in the flight any more. With SACK a duplicate ACK must report something
// new for that.
std::uint32_t beyond_window(const Congestion& cc, bool selective) {
  if (selective && cc.left == 0) return 0;
  const bool first_two = 0 < cc.duplicates && cc.duplicates < kDupAckThreshold;
  if (cc.phase != Congestion::Phase::kOpen || !first_two) return 0;
  return (kDupAckThreshold - 1u - cc.duplicates) * cc.smss;
}

}  // namespace tcpassay::rfc3042
