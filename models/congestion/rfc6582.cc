// SPDX-License-Identifier: Apache-2.0
// RFC 6582, section 3.2: The NewReno Modification to TCP's Fast Recovery Algorithm. In fast recovery cwnd is ssthresh
// and a segment for each duplicate ACK (RFC 5681 section 3.2, steps 3 and 4). The judge keeps that inflation apart:
// the flight less the inflation must stay within ssthresh.
#include <algorithm>

#include "models/congestion/algorithms.h"

namespace tcpassay::rfc6582 {

// (3), partial: "deflate the congestion window by the amount of new data acknowledged ... If the partial ACK
// acknowledges at least one SMSS of new data, then add back SMSS bytes".
std::uint32_t deflated(std::uint32_t inflation, std::uint32_t octets, std::uint32_t smss) {
  return inflation - std::min(inflation, octets) + smss;
}

// (3), full: "set cwnd to either (1) min (ssthresh, max(FlightSize, SMSS) + SMSS) or (2) ssthresh".
std::uint32_t conservative_exit(std::uint32_t flight, std::uint32_t smss) {
  return std::max(flight, smss) + smss;
}

}  // namespace tcpassay::rfc6582
