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

// Makes the target of that name; `own:DEFECT` is short for `own` with a planted defect. Throws TargetError, which lists
// the known names when there is no such target.
std::unique_ptr<Target> make_target(const std::string& name, const OwnStackOptions& own_options);
std::unique_ptr<Target> make_target(const std::string& name, const std::string& defect = "");

}  // namespace tcpassay
