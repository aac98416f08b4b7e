// SPDX-License-Identifier: Apache-2.0
// The result of one script that was played, as text for people and JSON for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/session/session.h"

namespace tcpassay {

// One scenario played: its trace, what the oracle says of it, and the script's own assertions.
struct RunResult {
  std::string file, target, version;
  Edition edition = kNewest;
  Trace trace{};
  std::vector<Verdict> verdicts{};
  std::vector<Mismatch> mismatches{};

  int exit_status() const;  // 1 when a MUST is violated or an assertion failed
};
std::string run_text(const RunResult& result, const TextStyle& style);
std::string run_json(const RunResult& result);

const char* to_string(Verdict::Kind kind);       // "violated"
std::string level_text(const Verdict& verdict);  // "MUST", or "inconclusive"

// Of a verdict in any report for programs.
nlohmann::ordered_json verdict_json(const Verdict& verdict);

double seconds_of(Time at);

// JSON as text. Octets that are no UTF-8 become question marks, so that no report is lost for a file name.
std::string dump(const nlohmann::ordered_json& json);

}  // namespace tcpassay
