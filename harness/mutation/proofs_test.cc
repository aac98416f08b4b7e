// SPDX-License-Identifier: Apache-2.0
#include "harness/mutation/proofs.h"

#include <gtest/gtest.h>

#include "harness/script/parse.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

ScenarioFile file(const char* path, const char* text, std::uint8_t ip = 4) {
  return {.path = path, .scenario = parse_script(text, path), .ip = ip};
}

TraceResult broken(Rule rule) {
  TraceResult result;
  result.counts.resize(rules().size());
  result.counts[static_cast<std::size_t>(rule)] = {.judged = 1, .broken = 1};
  result.verdicts.push_back({.kind = Verdict::Kind::kViolated, .rule = rule});
  return result;
}

TEST(Proofs, ADefectMustStrikeWhereItsRuleIsCovered) {
  const std::vector<ScenarioFile> both = {file("a.pkt", "//! covers: MUST_40\n"),
                                          file("a.pkt", "//! covers: MUST_40\n", 6),
                                          file("b.pkt", "//! covers: MUST_36\n")};
  Strikes nowhere({"MUST_40"}), elsewhere({"MUST_40"}), half({"MUST_40"}), whole({"MUST_40"});
  elsewhere.add(both[2], broken(Rule::MUST_40));
  half.add(both[0], broken(Rule::MUST_40));
  whole.add(both[0], broken(Rule::MUST_40));
  whole.add(both[1], broken(Rule::MUST_40));
  EXPECT_FALSE(nowhere.in_covering_scenarios(both));
  EXPECT_FALSE(elsewhere.in_covering_scenarios(both));
  EXPECT_TRUE(half.in_covering_scenarios(both));  // over IPv6 the rule was not judged
  TraceResult obeyed = broken(Rule::MUST_40);
  obeyed.verdicts.clear();
  half.add(both[1], obeyed);
  EXPECT_FALSE(half.in_covering_scenarios(both));
  EXPECT_TRUE(half.in_covering_scenarios(both, 4));
  EXPECT_FALSE(half.in_covering_scenarios(both, 6));
  EXPECT_EQ(half.places(), std::vector<std::string>{"a.pkt: MUST_40 over IPv4"});
  EXPECT_TRUE(whole.in_covering_scenarios(both));
}

TEST(Proofs, ALineIsProvenByTheRuleThatItNames) {
  const std::vector<ScenarioFile> files = {file("a.pkt", "//! covers: MUST_40 MUST_36\n")};
  Proofs proofs(files);
  Strikes strikes({"MUST_40"});
  strikes.add(files[0], broken(Rule::MUST_3));
  proofs.add(strikes);
  EXPECT_EQ(proofs.proven(), 0u);
  strikes.add(files[0], broken(Rule::MUST_36));
  proofs.add(strikes);
  EXPECT_EQ(proofs.proven(), 1u);
  EXPECT_EQ(proofs.proven_by_name(), 0u);
  EXPECT_EQ(proofs.unproven(), std::vector<std::string>{"a.pkt: MUST_40"});
  strikes.add(files[0], broken(Rule::MUST_40));
  proofs.add(strikes);
  EXPECT_EQ(proofs.proven_by_name(), 1u);
  EXPECT_TRUE(proofs.unproven().empty());
}

// Where one clause stands in two sections, the verdict blames one rule and lists the other as applied.
TEST(Proofs, ARuleThatWasAppliedIsProvenByADefectThatNamesIt) {
  const std::vector<ScenarioFile> files = {file("a.pkt", "//! covers: SA4_2_outside MUST_36\n")};
  TraceResult result = broken(Rule::SA4_1_rst);
  result.verdicts.front().at_work = {Rule::SA4_2_outside, Rule::MUST_36};
  Strikes strikes({"SA4_1_rst", "SA4_2_outside"});
  strikes.add(files[0], result);
  Proofs proofs(files);
  proofs.add(strikes);
  EXPECT_EQ(proofs.unproven(), std::vector<std::string>{"a.pkt: MUST_36"});
  EXPECT_EQ(proofs.proven_by_name(), 0u);
  EXPECT_FALSE(strikes.in_covering_scenarios(files));  // that takes blame
}

// What the verdict names as odd in the peer's packet is what the defect is about, whatever rule the answer broke.
TEST(Proofs, WhatWasOddBeforeCounts) {
  const std::vector<ScenarioFile> files = {file("a.pkt", "//! covers: SA_A1_dscp\n")};
  Proofs proofs(files);
  Strikes strikes({"SA_A1_dscp"});
  TraceResult result = broken(Rule::SA4_7_deliver);
  result.verdicts.front().context = Rule::SA_A1_dscp;
  strikes.add(files[0], result);
  proofs.add(strikes);
  EXPECT_EQ(proofs.proven(), 1u);
  EXPECT_TRUE(strikes.in_covering_scenarios(files));
}

}  // namespace
}  // namespace tcpassay
