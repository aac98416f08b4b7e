// SPDX-License-Identifier: Apache-2.0
// The judge judged: every defect planted in the own stack has to be caught by a rule that names it, and no legal
// variation of the own stack, alone or with others, may be condemned.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/check/check.h"
#include "harness/check/report.h"

namespace tcpassay {

inline constexpr int kMutationJobs = 2;
inline constexpr std::size_t kManyAtOnce = 48;  // combinations in which about half of all temperaments are on

struct MutationTestOptions {
  std::vector<std::string> defects{};  // only these; empty: all
  bool plant = true;                   // the defects
  bool temper = true;                  // the temperaments, alone and many at once
  bool pairs = true;                   // and every pair of them
  int jobs = kMutationJobs;            // threads, each with a target of its own
  std::function<void(std::size_t, std::size_t, const std::string&)> progress{};  // as of CheckOptions
};

// A rule that was broken, how often, and where first.
struct Strike {
  Rule rule{};
  std::uint64_t broken = 0;
  std::string scenario{}, replay{};
};

struct DefectFate {
  std::string id, origin, what;
  std::vector<std::string> expected{};  // the rules that name it, by id
  std::vector<Strike> by{};             // those that were broken, the expected ones first
  std::vector<Rule> at_work{};          // of the expected ones, those at work when another was broken
  bool caught = false;                  // an expected rule was broken; any rule, where none is expected
};

// A combination of temperaments that was held to be wrong.
struct Condemned {
  std::vector<std::string> legal_variants{};  // none: the stack as it is
  Strike strike{};
};

struct Unproven {
  Rule rule{};
  std::string why{};  // it is exempt; empty: no defect strikes it although one should
};

struct MutationTestResult {
  std::vector<DefectFate> defects{};
  std::size_t proven = 0;
  std::vector<Unproven> unproven{};
  std::size_t combinations = 0, clean = 0;
  std::vector<Condemned> condemned{};
  bool whole = true;  // all defects were planted
  double wall_s = 0;

  std::size_t caught() const;
  int exit_status() const;  // 1 when a defect was not caught by a rule that names it or a combination was condemned
};

// Throws TargetError when a defect is not known.
MutationTestResult mutation_test(const std::vector<ScenarioFile>& scenarios, const MutationTestOptions& options);

std::string mutation_text(const MutationTestResult& result, const TextStyle& style);
std::string mutation_json(const MutationTestResult& result);

// None, every temperament alone, many at once, and, if wanted, every pair. Pairs are played over IPv4, the others over
// IPv6 too.
std::vector<std::vector<std::string>> combinations(bool pairs);

}  // namespace tcpassay
