// SPDX-License-Identifier: Apache-2.0
// RFC 3042, section 2: Limited Transmit; RFC 5681 section 3.2, step 1.
#include <algorithm>

#include "models/congestion/algorithms.h"
#include "models/congestion/steps.h"

namespace tcpassay::rfc3042 {

// FlightSize may be cwnd + 2*SMSS. The first duplicate ACK may bring both segments, for all the judge knows; what
// duplicate ACKs have shown to have left is not in the flight any more. With SACK a duplicate ACK must report something
// new for that.
std::uint32_t beyond_window(const Tcb& tcb) {
  const Congestion& cc = tcb.congestion;
  if (selective(tcb) && cc.left == 0) return 0;
  // An ACK that reports something new is a duplicate one, whatever it brings beside that (RFC 6675 section 2).
  const unsigned reports = selective(tcb) ? tcb.board.news : 0u;
  // One that reports nothing new is none there, and lets nothing go.
  const bool counts_reports = cc.duplicates == 0 || (reports > 0 && reports < cc.duplicates);
  const unsigned duplicates = counts_reports ? reports : cc.duplicates;
  if (cc.phase != Congestion::Phase::kOpen || duplicates == 0 || duplicates >= kDupAckThreshold) return 0;
  // A report of less than a segment has taken no more than that from the flight, and FlightSize counts it still.
  // What the path has refused has left, too, and comes back when it leaves again.
  const bool counted = selective(tcb) || tcb.snd_una < cc.refused_to;
  const std::uint32_t two = (kDupAckThreshold - 1u) * cc.smss, gone = duplicates * cc.smss;
  return two - (counted ? std::min(gone, cc.left) : gone);
}

}  // namespace tcpassay::rfc3042
