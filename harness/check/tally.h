// SPDX-License-Identifier: Apache-2.0
// Adds up what the oracle said of each scenario, rule by rule.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "harness/check/check_result.h"
#include "models/oracle.h"

namespace tcpassay {

inline constexpr std::size_t kEvidenceMax = 10;  // kept for one rule; `broken` counts all

// What the oracle said of one scenario that was played.
struct TraceResult {
  std::string scenario, replay;
  std::vector<Verdict> verdicts{}, tolerated{};
  FreedomSet freedoms{};
  std::vector<Count> counts{};                // indexed by Rule
  std::vector<std::optional<bool>> traits{};  // indexed by Trait
  std::array<ProfileFit, kProfiles> profile_fits{};
};
TraceResult result_of(const Oracle& oracle);

// Adds up the results of all scenarios.
class Tally {
 public:
  Tally();
  void add(const TraceResult& trace);
  void skip(const std::string& scenario, const std::string& why, const std::vector<std::string>& covers = {});
  // Sets rules, profile and skipped of `result`, and the fate of each of its deviations.
  void write_to(CheckResult& result) const;

 private:
  struct Row {
    RuleResult result;
    bool violated = false, departed = false, consequence = false, inconclusive = false;
    std::string missing;  // why a scenario that covers the rule was skipped
  };
  Standing standing(const Row& row) const;

  std::vector<Row> rows_;
  std::vector<ToleratedResult> tolerated_;  // indexed by Freedom
  FreedomSet freedoms_{};
  std::vector<TraitValue> profile_;
  std::array<ProfileFit, kProfiles> profile_fits_{};
  std::vector<Skipped> skipped_;
};

}  // namespace tcpassay
