// SPDX-License-Identifier: Apache-2.0
// Shell commands of a script: never run, but what they configure is known where it is one of our settings.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/target/settings.h"

namespace tcpassay {

// What the commands of one pair of backquotes come to.
struct ShellMeaning {
  std::vector<Setting> settings{};         // sysctls for which there is a setting
  std::vector<std::string> tuning{};       // sysctls for which there is none
  std::optional<std::string> unsupported;  // the first command that is none of these and may change something
};

ShellMeaning read_shell(const std::string& text);

// The sysctl that stands for a setting, as an argument of the command; empty when there is none.
std::string sysctl_of(const Setting& setting);

}  // namespace tcpassay
