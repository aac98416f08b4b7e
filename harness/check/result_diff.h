// SPDX-License-Identifier: Apache-2.0
// Compares two results of check or of sweep, as JSON: what changed between two versions of a stack.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/check/check_result.h"

namespace tcpassay {

// A file that is no result, or not comparable with the other one. The message is one line with the file's name.
struct UnusableResult : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// One rule, cause, or scenario that stands otherwise than before.
struct Change {
  enum class Kind : std::uint8_t {
    kNewlyFailing,
    kNewRule,      // the older version of tcpassay had no such rule, or judged less by it
    kNewScenario,  // fails, and the older corpus had no such scenario
    kNewlyInconclusive,
    kNewlyConforming,
    kGone,  // of the rules and scenarios of the older run the newer one knows nothing
  };
  Kind kind = Kind::kNewlyFailing;
  std::string id;             // "MUST_10", "MUST_10 in ESTABLISHED: text", "3.4-sequence/wrap"
  std::string level{};        // "MUST"; empty of a scenario
  std::string before, after;  // "obeyed", "violated"; empty: not there
  std::string sentence{};     // of the rule, or the title of the scenario, or the change of the rule
  std::string replay{};       // of the newer run
  bool fails = false;         // in the newer run
};
const char* to_string(Change::Kind kind);  // "newly_failing"

struct ResultDiff {
  std::string target, before, after;  // the target's name and versions
  std::vector<std::string> notes{};   // what else differs: ruleset, how many scenarios were played
  std::vector<Change> changes{};

  // What fails now and did not before, at this level or a graver one. A new rule, or a new scenario, tells nothing of
  // the stack's change.
  bool worse(FailOn fail_on) const;
};

// Reads a file. Throws UnusableResult.
nlohmann::ordered_json read_result(const std::string& file);

// Of two results of check, two of sweep, or two of several targets (the targets that both have). Throws UnusableResult
// when they are of different kinds, or the newer run was interrupted.
std::vector<ResultDiff> compare(const nlohmann::ordered_json& before, const nlohmann::ordered_json& after);

std::string diff_text(const std::vector<ResultDiff>& diffs, const TextStyle& style, FailOn fail_on);
std::string diff_json(const std::vector<ResultDiff>& diffs, FailOn fail_on);

}  // namespace tcpassay
