// SPDX-License-Identifier: Apache-2.0
// RFC 9406: HyStart++. A round trip that takes longer than the one before lets slow start end without a loss. It never
// lets a window be larger, so no profile needs it; but a sender may stop to double its window.
#include "models/congestion/algorithms.h"

namespace tcpassay::rfc9406 {
namespace {

constexpr std::uint32_t kSamplesMin = 8;  // section 4.3: N_RTT_SAMPLE, in each of two rounds that are compared

}  // namespace

bool may_leave_slow_start(std::uint32_t flight, std::uint32_t smss) {
  return 2 * kSamplesMin * smss <= flight;
}

}  // namespace tcpassay::rfc9406
