// SPDX-License-Identifier: Apache-2.0
// Shell commands of a script. They are never run; sysctls among them that correspond to a setting are recognized.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/target/settings.h"

namespace tcpassay {

// The meaning of the commands in one pair of backquotes.
struct ShellMeaning {
  std::vector<Setting> settings{};         // sysctls for which there is a setting
  std::vector<std::string> tuning{};       // sysctls for which there is none
  std::optional<std::string> unsupported;  // the first other command that may change something
};

ShellMeaning read_shell(const std::string& text);

// The sysctl that stands for a setting, as an argument of the command; empty when there is none.
std::string sysctl_of(const Setting& setting);

}  // namespace tcpassay
