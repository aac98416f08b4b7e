// SPDX-License-Identifier: Apache-2.0
// Reads scenarios from files and folders.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/script/scenario.h"

namespace tcpassay {

// A scenario and the file that it was read from.
struct ScenarioFile {
  std::string path;
  Scenario scenario;
  std::uint8_t ip = 4;  // the IP version to play it over, unless the scenario names one itself
};

// Reads every script among the paths, which are files or folders, sorted by path; folders called `deviations` and
// `records` (which are judged, not played) are left out. With a `suite` only the scripts of that suite or below a
// folder of that name. Throws std::runtime_error.
std::vector<ScenarioFile> read_scenarios(const std::vector<std::string>& paths, const std::string& suite = "",
                                         const std::vector<std::string>& defines = {});

// Repeats the scenarios for each IP version. A scenario that names its own version is there once.
std::vector<ScenarioFile> over_ip(const std::vector<ScenarioFile>& scenarios,
                                  const std::vector<std::uint8_t>& versions);

// The name of a capture or report, without folders and extension: "3.4-sequence/wrap.pkt" becomes "3.4-sequence_wrap".
std::string flat_name(const std::string& path);

}  // namespace tcpassay
