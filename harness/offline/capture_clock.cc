// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/capture_clock.h"

#include <fmt/format.h>

#include <numeric>

namespace tcpassay {
namespace {

constexpr Time kCoarse = std::chrono::milliseconds(1);
constexpr Time kMicrosecond = std::chrono::microseconds(1);
constexpr std::uint64_t kPacketsMin = 8;  // before so many nothing is concluded from the steps between packets

}  // namespace

void CaptureClock::note(const Captured& captured) {
  ++packets_;
  if (!captured.time_is_valid && impossible_ == 0) impossible_ = captured.number;
  if (last_ && captured.when - *last_ == kMicrosecond) ++steps_of_one_;
  if (!last_) {
    divisor_ = Time{};
  } else {
    divisor_ = Time{std::gcd(divisor_.count(), (captured.when - *last_).count())};
  }
  last_ = captured.when;
}

Time CaptureClock::tick() const {
  return divisor_ >= kCoarse ? divisor_ : Time{};
}

std::string CaptureClock::distrusted() const {
  if (impossible_ != 0)
    return fmt::format("the time of frame {} is none: the times in this file are wrong", impossible_);
  if (packets_ >= kPacketsMin && steps_of_one_ * 10 >= packets_ * 9) {
    return "the packets are one microsecond apart: no clock has written these times";
  }
  return {};
}

}  // namespace tcpassay
