// SPDX-License-Identifier: Apache-2.0
// Which scenarios prove what they say in their line `covers:`? One is proven for a rule when a defect that breaks the
// rule makes it fail there, by that rule.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/check/corpus.h"
#include "harness/check/tally.h"

namespace tcpassay {

// Where one defect made its expected rules fail.
class Strikes {
 public:
  explicit Strikes(std::vector<std::string> expected) : expected_(std::move(expected)) {}
  void add(const ScenarioFile& file, const TraceResult& result);

  // An expected rule failed in a scenario that covers it, over each version of IP over which such scenarios are played.
  bool in_covering_scenarios(const std::vector<ScenarioFile>& scenarios) const;

 private:
  friend class Proofs;
  struct Strike {
    std::string scenario, rule;
    std::uint8_t ip = 4;
    auto operator<=>(const Strike&) const = default;
  };
  std::vector<std::string> expected_;
  std::set<Strike> strikes_{};
};

// The lines `covers:` of all scenarios, and what all defects together have proven of them.
class Proofs {
 public:
  explicit Proofs(const std::vector<ScenarioFile>& scenarios);
  void add(const Strikes& strikes);
  std::size_t all() const { return all_.size(); }
  std::size_t proven() const { return proven_.size(); }
  std::vector<std::string> unproven() const;  // "corpus/a.pkt: MUST_1"

 private:
  using Cover = std::pair<std::string, std::string>;  // scenario, rule
  std::set<Cover> all_{}, proven_{};
};

}  // namespace tcpassay
