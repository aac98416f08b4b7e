// SPDX-License-Identifier: Apache-2.0
// Which scenarios prove what they say in their line `covers:`? One is proven for a rule when a defect makes it fail
// there, by that rule; or when the line of the defect names the rule, and the verdict lists it among those that were
// applied (the same clause often stands in several sections). The stricter count asks for a rule that was blamed and is
// named.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/check/corpus.h"
#include "harness/check/tally.h"

namespace tcpassay {

// Where one defect made rules fail. A rule that the verdict names as what was odd in the peer's last packet counts,
// too.
class Strikes {
 public:
  explicit Strikes(std::vector<std::string> expected) : expected_(std::move(expected)) {}
  void add(const ScenarioFile& file, const TraceResult& result);

  // An expected rule failed in a scenario that covers it, over each version of IP over which such scenarios were played
  // and judged the rule; or over the version `only`, if the defect is one of that version alone.
  bool in_covering_scenarios(const std::vector<ScenarioFile>& scenarios, std::uint8_t only = 0) const;
  // Where expected rules failed: "corpus/a.pkt: MUST_1 over IPv4".
  std::vector<std::string> places() const;

 private:
  friend class Proofs;
  struct Strike {
    std::string scenario, rule;
    std::uint8_t ip = 4;
    auto operator<=>(const Strike&) const = default;
  };
  std::vector<std::string> expected_;
  std::set<Strike> strikes_{};
  std::set<Strike> judged_{},
      applied_{};  // of the expected rules; applied_: on the way to a verdict that blames another
};

// The lines `covers:` of all scenarios, and what all defects together have proven of them.
class Proofs {
 public:
  explicit Proofs(const std::vector<ScenarioFile>& scenarios);
  void add(const Strikes& strikes);
  std::size_t all() const { return all_.size(); }
  std::size_t proven() const { return proven_.size(); }
  std::size_t proven_by_name() const { return by_name_.size(); }  // blamed, by a defect whose line names the rule
  std::vector<std::string> unproven() const;                      // "corpus/a.pkt: MUST_1"

 private:
  using Cover = std::pair<std::string, std::string>;  // scenario, rule
  std::set<Cover> all_{}, proven_{}, by_name_{};
};

}  // namespace tcpassay
