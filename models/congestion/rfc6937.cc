// SPDX-License-Identifier: Apache-2.0
// RFC 6937, section 3.1: Proportional Rate Reduction. Where the flight is within ssthresh already, its reduction bounds
// allow no more than the pipe of RFC 6675.
#include <algorithm>

#include "models/congestion/algorithms.h"

namespace tcpassay::rfc6937 {

// sndcnt = CEIL(prr_delivered * ssthresh / RecoverFS) - prr_out. Two segments more: the retransmission that begins
// recovery, and one that the judge has not seen delivered. The judge counts anew from each partial ACK.
bool has_room(const Congestion& cc, std::uint32_t ssthresh, std::uint32_t more) {
  const std::uint64_t fs = std::max(cc.recover_fs, 1u);
  const std::uint64_t share = (cc.delivered * std::min<std::uint64_t>(ssthresh, fs) + fs - 1) / fs;
  return cc.resent + more <= share + 2 * cc.smss;
}

}  // namespace tcpassay::rfc6937
