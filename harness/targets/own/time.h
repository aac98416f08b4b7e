// SPDX-License-Identifier: Apache-2.0
// Virtual time of the own stack: nanoseconds since reset. Nothing here reads a clock.
#pragma once

#include <cstdint>
#include <limits>

namespace own {

using Time = std::int64_t;

inline constexpr Time kMillisecond = 1'000'000;
inline constexpr Time kSecond = 1000 * kMillisecond;
inline constexpr Time kNever = std::numeric_limits<Time>::max();
inline constexpr Time kNotYet = -3600 * kSecond;  // longer ago than anything that is remembered

}  // namespace own
