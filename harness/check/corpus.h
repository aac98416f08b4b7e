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
  std::uint8_t ip = 4;              // the IP version to play it over, unless the scenario names one itself
  std::vector<std::string> tags{};  // of its lines `//! tag: slow smoke`, to choose it by
  std::size_t number = 0;           // in the whole run, where this is a shard of it
  std::string id{};  // its stable name: the path within the corpus without the ending, "3.4-sequence/wrap"
};

// Reads every script among the paths, which are files or folders, sorted by path; folders called `deviations` and
// `records` (which are judged, not played) are left out. With a `suite` only the scripts of that suite or below a
// folder of that name (selection.h chooses by more). Throws std::runtime_error.
std::vector<ScenarioFile> read_scenarios(const std::vector<std::string>& paths, const std::string& suite = "",
                                         const std::vector<std::string>& defines = {});

// Repeats the scenarios for each IP version. A scenario that names its own version is there once.
std::vector<ScenarioFile> over_ip(const std::vector<ScenarioFile>& scenarios,
                                  const std::vector<std::uint8_t>& versions);

// The stable name of a scenario. What stands before a folder called `corpus` does not belong to it; where there is
// none, `folder`, in which it was found, does not.
std::string scenario_id(const std::string& path, const std::string& folder = "");

// The name of a capture or report, without folders and extension: "3.4-sequence/wrap.pkt" becomes "3.4-sequence_wrap".
std::string flat_name(const std::string& path);

}  // namespace tcpassay
