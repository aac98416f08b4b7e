// SPDX-License-Identifier: Apache-2.0
// The mutation test of the judge: each defect that is planted in the own stack must be caught by a rule that names it,
// and no legal variant of the own stack, alone or with others, may fail.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/check/corpus.h"
#include "models/rule.h"

namespace tcpassay {

inline constexpr int kMutationJobs = 2;
inline constexpr std::size_t kManyAtOnce = 48;  // combinations with about half of all legal variants each

struct MutationTestOptions {
  std::vector<std::string> defects{};      // only these; empty: all
  bool plant = true;                       // plant defects
  bool legal_variants = true;              // play legal variants, each alone and many at once
  bool pairs = true;                       // play every pair of them too
  bool pairs_over_both = false;            // over IPv6, too
  std::chrono::milliseconds round_trip{};  // between peer and target, for the legal variants
  int jobs = kMutationJobs;                // threads, each with its own target
  std::function<void(std::size_t, std::size_t, const std::string&)> progress{};  // as of CheckOptions
};

// A rule that was broken: how often, and in which scenario first.
struct BrokenRule {
  Rule rule{};
  std::uint64_t times = 0;
  std::string scenario{}, replay{};
};

struct DefectFate {
  std::string id, origin, what;
  std::vector<std::string> expected{};  // ids of the rules that the defect is known to break
  std::vector<BrokenRule> by{};         // the rules that were broken, the expected ones first
  std::vector<Rule> at_work{};          // expected rules that the oracle applied on the way to blaming another one
  bool caught = false;                  // an expected rule was broken, anywhere; or any rule, if none is expected
  bool covered = false;                 // ... in a scenario that covers it, over both versions of IP
  std::vector<std::string> places{};    // where expected rules failed, if not covered: "a.pkt: MUST_1 over IPv4"
};

// A combination of legal variants that the judge failed although it conforms.
struct FalsePositive {
  std::vector<std::string> legal_variants{};  // empty: the stack as it is
  BrokenRule broken{};
};

struct Unproven {
  Rule rule{};
  std::string why{};  // why it is exempt; empty: it is not, and no defect breaks it
};

struct MutationTestResult {
  std::vector<DefectFate> defects{};
  std::size_t proven = 0;
  std::vector<Unproven> unproven{};
  std::size_t covers = 0, covers_proven = 0;  // scenarios and the rules that they cover; those that a defect proves
  std::size_t covers_by_name = 0;             // ... whose line names the rule
  std::vector<std::string> covers_unproven{};
  std::vector<std::string> indistinct{};  // evidence that reads the same under `allowed` and `seen`: "defect: rule"
  std::size_t combinations = 0, clean = 0;
  std::vector<FalsePositive> false_positives{};
  bool whole = true;                    // all defects were planted
  bool interrupted = false;             // what had not been played by then is missing
  std::vector<std::string> unplayed{};  // defects and combinations of which no scenario was played, or that died
  double wall_s = 0;

  std::size_t caught() const;
  std::size_t covered() const;
  // 1 when a defect was not caught, its evidence does not show what is wrong, or a legal variant failed; 2 when none
  // did, but not all were played.
  int exit_status() const;
};

// Throws TargetError when a defect is not known.
MutationTestResult mutation_test(const std::vector<ScenarioFile>& scenarios, const MutationTestOptions& options);

std::string mutation_text(const MutationTestResult& result, const TextStyle& style);
// The lines `covers:` that no defect proves, by rule, and the defects whose rule fails in no scenario that covers it.
std::string covers_text(const MutationTestResult& result, const TextStyle& style);
std::string mutation_json(const MutationTestResult& result);

// Combinations of legal variants: none, each alone, many at once, and with `pairs` every pair. Pairs are played over
// IPv4 only, since there are many of them; the others are played over IPv6 too.
std::vector<std::vector<std::string>> combinations(bool pairs);

}  // namespace tcpassay
