// SPDX-License-Identifier: Apache-2.0
// Shell commands of a script. They are not run, unless the user trusts the script. What they set is understood:
// sysctls, written as the command or into /proc/sys, also by files of commands; variables, sums and conditions as far
// as shell_words.h goes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/script/scenario.h"
#include "harness/target/settings.h"

namespace tcpassay {

// Names of settings that are no sysctls: the MTU of the interface and, for `--mss`, of how many octets the segments are
// from which the interface has put together a longer one.
inline constexpr const char *kInterfaceMtu = "interface.mtu", *kInterfaceSegment = "interface.segment";

// A setting of the system, by its own name; or a command for its interface: named "ip" or "tc", with the arguments.
struct Tuning {
  std::string name{}, value{};  // "net.ipv4.tcp_rmem", "4096 131072 6291456"
  bool optional = false;        // it stands in a condition: a system without it goes on
  bool decides = true;          // a refused value fails the script: as in a shell, only the last command's does
  friend bool operator==(const Tuning&, const Tuning&) = default;
};

// The meaning of the commands in one pair of backquotes.
struct ShellMeaning {
  std::vector<Setting> settings{};         // sysctls for which there is a setting
  std::vector<Tuning> tuning{};            // sysctls for which there is none
  std::optional<std::string> unsupported;  // the first other command that may change something
};

// For this process: a command that is not understood becomes a Tuning of the name kShellCommand, which is the whole
// text, for a shell to run in the target's namespace.
inline constexpr const char* kShellCommand = "shell";
void allow_shell(bool allowed);

// Files of commands are looked for from `folder`, where it is given.
ShellMeaning read_shell(const std::string& text, const std::string& folder = {});

// As a person would say it: "sysctl net.ipv4.tcp_rmem=4096", "shell command `tc qdisc`".
std::string print_tuning(const Tuning& tuning);

// The MTU of the interface, where an option or a command before the first other step says it.
std::optional<std::uint32_t> mtu_of(const Scenario& scenario);

// The folder of a script, for read_shell(); empty for a script without a file.
std::string folder_of(const std::string& file);

// The sysctl that stands for a setting, as an argument of the command; empty when there is none.
std::string sysctl_of(const Setting& setting);

}  // namespace tcpassay
