// SPDX-License-Identifier: Apache-2.0
// RFC 8985: RACK-TLP. It says when a segment counts as lost (../why_again.cc) and that loss probes leave
// (../loss_recovery.cc); how large the window is after that, other texts say (section 9.3). What remains is section
// 7.3: a loss probe of new text is one more segment in flight, beyond the congestion window.
#include "models/congestion/algorithms.h"

namespace tcpassay::rfc8985 {

std::uint32_t beyond_window(const Congestion& cc, bool may_probe) {
  return may_probe ? cc.smss : 0;
}

}  // namespace tcpassay::rfc8985
