// SPDX-License-Identifier: Apache-2.0
// Chooses what is printed of the results of judging many files, and sums them up by rule.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/offline/judge.h"
#include "models/rule.h"

namespace tcpassay {

struct JudgeFilter {
  std::vector<Rule> rules{};     // only findings about these; empty: about all
  std::optional<Level> level{};  // only findings of this level
  bool failed = false;           // only files and conversations that are condemned
};

// Leaves out what the filter does not choose. What is left keeps its outcome.
void keep_only(std::vector<FileResult>& results, const JudgeFilter& filter);

// In how many scripts and conversations each rule was broken, and where first.
struct RuleSum {
  Rule rule{};
  std::size_t count = 0;
  std::string first{};  // file, and line or frame
};
std::vector<RuleSum> by_rule(const std::vector<FileResult>& results);  // the most frequent first

std::string by_rule_text(const std::vector<RuleSum>& sums);  // empty when there is none

}  // namespace tcpassay
