// SPDX-License-Identifier: Apache-2.0
// What the times of a capture are worth: the granularity of the clock that stamped the packets, and whether a clock
// stamped them at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "harness/wire/capture_reader.h"

namespace tcpassay {

class CaptureClock {
 public:
  void note(const Captured& captured);

  // The clock's tick, when it is so coarse that an end may seem nearer than it is; otherwise zero.
  Time tick() const;
  // Why the times cannot be believed; empty when they can.
  std::string distrusted() const;

 private:
  std::uint64_t packets_ = 0, steps_of_one_ = 0;  // steps_of_one_: packets a microsecond after the one before
  std::optional<Time> last_{};
  Time divisor_{};                // of all times
  std::uint64_t impossible_ = 0;  // the first frame whose time is none; 0: none
};

}  // namespace tcpassay
