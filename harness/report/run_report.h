// SPDX-License-Identifier: Apache-2.0
// Prints the result of playing one script: text for people, JSON for programs.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/session/session.h"

namespace tcpassay {

// One script that was played: its trace, the verdicts, and the script's own assertions that failed.
struct RunResult {
  std::string file, target, version;
  Edition edition = kNewest;
  Trace trace{};
  std::vector<Verdict> verdicts{}, tolerated{};
  std::vector<Mismatch> mismatches{};
  std::map<Rule, std::string> listed{};  // rules that the target is known to break, and why that is accepted

  int exit_status() const;  // 1 when a MUST is violated that is not listed, or an assertion failed
};
std::string run_text(const RunResult& result, const TextStyle& style);
std::string run_rest(const RunResult& result, const TextStyle& style);  // what stands below the ladder
std::string run_json(const RunResult& result);
std::string runs_json(const std::vector<RunResult>& results);  // {"runs":[one object each]}

// A line for each use of a tolerated freedom.
std::string tolerated_text(const std::vector<Verdict>& tolerated, const TextStyle& style);

double seconds_of(Time at);

// JSON as text. Octets that are not UTF-8, as in a file name, are replaced, so that the report can be written anyway.
std::string dump(const nlohmann::ordered_json& json);

}  // namespace tcpassay
