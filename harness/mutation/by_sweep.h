// SPDX-License-Identifier: Apache-2.0
// How much of the zoo the sweep catches by itself: the defects that are named by a rule of SEGMENT ARRIVES.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/check/report.h"

namespace tcpassay {

struct SweepMutationOptions {
  std::vector<std::string> defects{};  // only these, whatever names them; empty: all that concern SEGMENT ARRIVES
  std::uint64_t cases_max = 100'000;   // questions put to each; a sweep has more
  int jobs = 2;                        // threads
  std::function<void(std::size_t, std::size_t, const std::string&)> progress{};
};

struct SweepDefectFate {
  std::string id, what;
  std::vector<std::string> expected{};  // the rules that name it
  std::vector<std::string> by{};        // those that were broken; the one that names it last, where it is caught
  bool caught = false;                  // a rule that names it was broken
  std::uint64_t cases = 0;              // until then
};

// The grid is visited in an order that mixes it, and no further than until the defect is caught.
std::vector<SweepDefectFate> sweep_mutation_test(const SweepMutationOptions& options);

// A rule of section 3.10.7, or of RFC 5961, which changes it.
bool concerns_arrivals(const std::string& rule);

std::string sweep_mutation_text(const std::vector<SweepDefectFate>& fates, const TextStyle& style);
std::string sweep_mutation_json(const std::vector<SweepDefectFate>& fates);

}  // namespace tcpassay
