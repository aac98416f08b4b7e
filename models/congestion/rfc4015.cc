// SPDX-License-Identifier: Apache-2.0
// RFC 4015, section 3.2: The Eifel Response Algorithm. Which ACK is evidence that nothing was lost is told by RFC 3522,
// RFC 3708 and RFC 5682 (../spurious.cc).
#include <algorithm>

#include "models/congestion/algorithms.h"

namespace tcpassay::rfc4015 {

// (0): pipe_prev <- max (FlightSize, ssthresh); (9): ssthresh <- pipe_prev
std::uint32_t pipe_prev(std::uint32_t flight, std::uint32_t ssthresh) {
  return std::max(flight, ssthresh);
}

// (9): cwnd <- FlightSize + min (bytes_acked, IW)
std::uint32_t window(std::uint32_t flight, std::uint32_t acked, std::uint32_t initial) {
  return flight + std::min(acked, initial);
}

}  // namespace tcpassay::rfc4015
