// SPDX-License-Identifier: Apache-2.0
// The mutation test by the sweep: which defects of SEGMENT ARRIVES, and of text that waits while a connection closes,
// the sweep catches without the scenarios.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/check/report.h"

namespace tcpassay {

struct SweepMutationOptions {
  std::vector<std::string> defects{};  // only these; empty: all that are in its reach
  std::uint64_t cases_max = 600'000;   // cells of the grid tried for each; a whole sweep has more
  int jobs = 2;                        // threads
  std::function<void(std::size_t, std::size_t, const std::string&)> progress{};
};

struct SweepDefectFate {
  std::string id, what;
  std::vector<std::string> expected{};  // ids of the rules that the defect is known to break
  std::vector<std::string> by{};        // ids of the rules that were broken; if caught, an expected one comes last
  bool caught = false;                  // an expected rule was broken
  std::uint64_t cases = 0;              // cells that were tried
};

// Tries the cells of the grid in mixed order until the defect is caught. After an interrupt no other defect begins.
std::vector<SweepDefectFate> sweep_mutation_test(const SweepMutationOptions& options);

// Whether the rule is one of RFC 9293 section 3.10.7, SEGMENT ARRIVES, or of those that change that section: RFC 5961,
// RFC 7323 sections 5.2 and 5.3, RFC 6191.
bool concerns_arrivals(const std::string& rule);

std::string sweep_mutation_text(const std::vector<SweepDefectFate>& fates, const TextStyle& style);
std::string sweep_mutation_json(const std::vector<SweepDefectFate>& fates);

}  // namespace tcpassay
