// SPDX-License-Identifier: Apache-2.0
// What can be configured in the stack as a whole; a reset brings the defaults back.
#pragma once

#include <cstdint>
#include <string_view>

namespace own {

struct Settings {
  int ecn = 0;  // 1: asked for and agreed to; 2: agreed to when asked
  bool fast_open = false;
  bool timestamps = true;
  bool window_scaling = true;
  bool sack = true;
};

// Sets what is named as in harness/target/settings.def; false when the stack has no such setting.
bool set(Settings& settings, std::string_view name, std::int64_t value);

// The names, one after the other; null behind the last.
const char* setting_name(int number);

}  // namespace own
