// SPDX-License-Identifier: Apache-2.0
// What a scenario may ask of a target's configuration (`//! settings: ecn=1`): names, ranges and meanings.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tcpassay {

struct Setting {
  std::string name;
  std::int64_t value = 0;
  friend bool operator==(const Setting&, const Setting&) = default;
};

// One row of harness/target/settings.def. A target may support all of them, some or none, and has its own defaults.
struct SettingInfo {
  std::string_view name;
  std::int64_t least, most;
  std::string_view what;  // one line
};

inline constexpr std::string_view kInitialSequenceNumber = "initial-sequence-number";

std::span<const SettingInfo> setting_table();
const SettingInfo* setting_named(std::string_view name);  // null when there is none

}  // namespace tcpassay
