// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/settings.h"

#include <array>

namespace own {
namespace {

struct Row {
  const char* name;
  void (*set)(Settings& settings, std::int64_t value);
};

constexpr std::array kRows{
    Row{"ecn", [](Settings& s, std::int64_t value) { s.ecn = static_cast<int>(value); }},
    Row{"fast-open", [](Settings& s, std::int64_t value) { s.fast_open = value != 0; }},
    Row{"timestamps", [](Settings& s, std::int64_t value) { s.timestamps = value != 0; }},
    Row{"window-scaling", [](Settings& s, std::int64_t value) { s.window_scaling = value != 0; }},
    Row{"sack", [](Settings& s, std::int64_t value) { s.sack = value != 0; }},
    Row{"initial-sequence-number", [](Settings& s, std::int64_t value) { s.initial_sequence_number = value; }},
};

}  // namespace

bool set(Settings& settings, std::string_view name, std::int64_t value) {
  for (const Row& row : kRows) {
    if (name != row.name) continue;
    row.set(settings, value);
    return true;
  }
  return false;
}

const char* setting_name(int number) {
  return number < static_cast<int>(kRows.size()) ? kRows[static_cast<std::size_t>(number)].name : nullptr;
}

}  // namespace own
