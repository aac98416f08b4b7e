// SPDX-License-Identifier: Apache-2.0
// The retransmission timeout of RFC 6298.
#pragma once

#include <algorithm>

#include "harness/targets/own/time.h"

namespace own {

class Rto {
 public:
  static constexpr Time kInitial = 1 * kSecond;       // (2.1)
  static constexpr Time kMin = 1 * kSecond;           // (2.4)
  static constexpr Time kMax = 60 * kSecond;          // (2.5)
  static constexpr Time kAfterSynLoss = 3 * kSecond;  // (5.7)
  static constexpr Time kGranularity = 1 * kMillisecond;

  Time value() const { return rto_; }
  bool measured() const { return measured_; }
  Time mean() const { return measured_ ? std::max(srtt_, kGranularity) : rto_; }  // SRTT

  // (2.2) and (2.3). R is never taken from a segment that was retransmitted (Karn's algorithm).
  void sample(Time r) { sample(r, {}); }
  // For defects.
  struct Mistakes {
    bool srtt_first = false, slow = false, small = false, fast_mean = false, no_small_variance = false;
  };

  void sample(Time r, const Mistakes& mistakes) {
    if (!measured_) {
      srtt_ = r;
      rttvar_ = r / (mistakes.small ? 4 : 2);
      measured_ = true;
    } else {
      const Time share = mistakes.fast_mean ? 4 : 8;
      const Time mean = srtt_ - srtt_ / share + r / share, from = mistakes.srtt_first ? mean : srtt_;
      const Time part = mistakes.slow ? 8 : 4;
      rttvar_ = rttvar_ - rttvar_ / part + (from > r ? from - r : r - from) / part;
      srtt_ = mean;
    }
    const bool none = mistakes.no_small_variance && 4 * rttvar_ < 100 * kMillisecond;
    rto_ = std::clamp(srtt_ + (none ? 0 : std::max(kGranularity, 4 * rttvar_)), kMin, kMax);
  }

  void back_off() { rto_ = std::min(2 * rto_, kMax); }           // (5.5)
  void syn_was_lost() { rto_ = std::max(kAfterSynLoss, kMin); }  // (5.7)
  void start_from(Time rto) { rto_ = rto; }

 private:
  Time srtt_ = 0, rttvar_ = 0, rto_ = kInitial;
  bool measured_ = false;
};

}  // namespace own
