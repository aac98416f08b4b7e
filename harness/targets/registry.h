// SPDX-License-Identifier: Apache-2.0
// The table of targets that the command line knows by name.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/target/target.h"

namespace tcpassay {

// How the own stack behaves, for targets named `own`.
struct OwnStackOptions {
  std::string defect{};                       // id of the defect to plant (targets/own/defects.def); empty: none
  std::vector<std::string> legal_variants{};  // ids of the legal variants to enable (targets/own/legal_variants.def)
};

struct TargetEntry {
  std::string_view name;
  std::string_view what;                    // one line
  std::optional<std::string> (*missing)();  // one line: what this machine lacks and how to get it; empty when it works
  std::unique_ptr<Target> (*make)(const OwnStackOptions& own_options);  // throws TargetError
};

std::span<const TargetEntry> target_table();

inline constexpr std::string_view kPlugin = "plugin:";         // FILE.so[?TEXT] follows: an adapter (plugin_file.h)
inline constexpr std::string_view kInProcess = "in-process:";  // a name follows: not in a child process

// Makes the target of that name:
//   own, linux ...            a row of the table; `own:DEFECT` is short for `own` with a planted defect
//   lwip                      an adapter that stands in one of the known folders (plugin/plugin_folder.h)
//   plugin:FILE.so            any adapter; `?TEXT` behind it or behind a name is handed to the adapter
//   in-process:NAME           an adapter without a child process around it: quicker, and a crash is ours
// Throws TargetError, which lists the known names when there is no such target.
std::unique_ptr<Target> make_target(const std::string& name, const OwnStackOptions& own_options);
std::unique_ptr<Target> make_target(const std::string& name, const std::string& defect = "");

bool is_built_in(const std::string& name);        // a row of the table, with or without a defect
std::string in_process(const std::string& name);  // the same target without a child process

// The name without what stands around it: "own" of "own:rst_out_of_window", "lwip" of "plugin:./lwip.so?mss=536". The
// file of deviations is called so.
std::string short_name(const std::string& name);

}  // namespace tcpassay
