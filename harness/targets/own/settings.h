// SPDX-License-Identifier: Apache-2.0
// The configuration of the whole stack; a reset restores the defaults.
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
  std::int64_t initial_sequence_number = -1;  // of the first connection; -1: as the clock and the secret have it
};

// Sets a setting by its name in harness/target/settings.def; false when the stack has no such setting.
bool set(Settings& settings, std::string_view name, std::int64_t value);

// The known names by number, counted from 0; null after the last.
const char* setting_name(int number);

}  // namespace own
