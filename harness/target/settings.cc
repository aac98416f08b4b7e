// SPDX-License-Identifier: Apache-2.0
#include "harness/target/settings.h"

#include <algorithm>

namespace tcpassay {
namespace {

constexpr SettingInfo kSettings[] = {
#define SETTING(name, least, most, what) {name, least, most, what},
#include "harness/target/settings.def"
#undef SETTING
};

}  // namespace

std::span<const SettingInfo> setting_table() {
  return kSettings;
}

const SettingInfo* setting_named(std::string_view name) {
  const auto* found = std::find_if(std::begin(kSettings), std::end(kSettings),
                                   [&](const SettingInfo& setting) { return setting.name == name; });
  return found == std::end(kSettings) ? nullptr : found;
}

}  // namespace tcpassay
