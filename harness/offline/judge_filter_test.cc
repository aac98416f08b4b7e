// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/judge_filter.h"

#include <gtest/gtest.h>

#include "models/rules.h"

namespace tcpassay {
namespace {

FileResult file(const std::string& name, Outcome outcome, const std::vector<Rule>& rules) {
  FileResult result{.file = name, .outcome = outcome};
  for (const Rule rule : rules) result.verdicts.push_back({.rule = rule});
  return result;
}

// A capture with one condemned conversation and one that passed.
FileResult capture(const std::string& name, Rule rule) {
  FileResult result{.file = name, .outcome = Outcome::kFail};
  ConversationResult bad, good;
  bad.ends[1] = {.outcome = Outcome::kFail, .frame = 7, .verdict = Verdict{.rule = rule}};
  result.capture = CaptureResult{.outcome = Outcome::kFail};
  result.capture->conversations = {bad, good};
  return result;
}

std::vector<FileResult> sample() {
  return {file("a.pkt", Outcome::kPass, {}), file("b.pkt", Outcome::kFail, {Rule::MUST_10, Rule::MUST_10}),
          file("c.pkt", Outcome::kPass, {Rule::SHLD_18}), capture("d.pcap", Rule::MUST_10)};
}

TEST(JudgeFilter, SumsUpByRule) {
  const auto sums = by_rule(sample());
  ASSERT_EQ(sums.size(), 2u);
  EXPECT_EQ(sums[0].rule, Rule::MUST_10);
  EXPECT_EQ(sums[0].count, 2u);  // a script counts once
  EXPECT_EQ(sums[0].first, "b.pkt");
  EXPECT_EQ(sums[1].rule, Rule::SHLD_18);
  EXPECT_NE(by_rule_text(sums).find("MUST_10"), std::string::npos);
  EXPECT_EQ(by_rule_text({}), "");
}

TEST(JudgeFilter, KeepsWhatIsCondemned) {
  auto results = sample();
  keep_only(results, {.failed = true});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[1].capture->conversations.size(), 1u);
}

TEST(JudgeFilter, KeepsARuleOrALevel) {
  auto results = sample();
  keep_only(results, {.rules = {Rule::SHLD_18}});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].file, "c.pkt");
  results = sample();
  keep_only(results, {.level = Level::kMust});
  EXPECT_EQ(results.size(), 2u);
  results = sample();
  keep_only(results, {});
  EXPECT_EQ(results.size(), 4u);
}

}  // namespace
}  // namespace tcpassay
