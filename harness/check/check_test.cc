// SPDX-License-Identifier: Apache-2.0
#include "harness/check/check.h"

#include <gtest/gtest.h>

#include "harness/target/target.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

TEST(Check, TheOwnStackPlaysTheTextbook) {
  const auto scenarios = read_scenarios({std::string(TCPASSAY_SOURCE_DIR) + "/corpus"}, "textbook");
  const CheckResult result = check(scenarios, {});
  EXPECT_EQ(result.scenarios, scenarios.size());
  EXPECT_EQ(result.exit_status(), 0);
  EXPECT_GT(result.count(Standing::kObeyed), 20u);
}

// How much text the SYN of the kernel has where the peer has given no MSS: over IPv6, and behind a message of a smaller
// path the same.
TEST(Check, WhatTheKernelWasToldOfAPathEndsWithItsScenario) {
  const std::string corpus = std::string(TCPASSAY_SOURCE_DIR) + "/corpus/";
  auto scenarios = read_scenarios(
      {corpus + "regressions/duplicates-before-a-smaller-path.pkt", corpus + "rfc7413/client-no-mss.pkt"});
  for (auto& file : scenarios) file.ip = 6;
  const auto standing = [](const auto& played) {
    return check(played, {.target = "linux", .jobs = 1})
        .rules[static_cast<std::size_t>(Rule::R7413_4_1_3_synlimit)]
        .standing;
  };
  try {
    const Standing behind = standing(scenarios);
    scenarios.erase(scenarios.begin());
    EXPECT_EQ(behind, standing(scenarios));
  } catch (const TargetError& error) {
    GTEST_SKIP() << error.what();
  }
}

TEST(Check, ProcessesSayTheSame) {
  const auto scenarios = read_scenarios({std::string(TCPASSAY_SOURCE_DIR) + "/corpus"}, "textbook");
  const CheckResult alone = check(scenarios, {.defect = "fin_not_counted"});
  const CheckResult together = check(scenarios, {.defect = "fin_not_counted", .jobs = 3});
  EXPECT_EQ(together.scenarios, alone.scenarios);
  EXPECT_EQ(together.target.version, alone.target.version);
  ASSERT_EQ(together.rules.size(), alone.rules.size());
  for (std::size_t i = 0; i < alone.rules.size(); ++i) {
    EXPECT_EQ(together.rules[i].standing, alone.rules[i].standing);
    EXPECT_EQ(together.rules[i].judged, alone.rules[i].judged);
    EXPECT_EQ(together.rules[i].at_work, alone.rules[i].at_work);
    ASSERT_EQ(together.rules[i].evidence.size(), alone.rules[i].evidence.size());
    for (std::size_t k = 0; k < alone.rules[i].evidence.size(); ++k) {
      EXPECT_EQ(together.rules[i].evidence[k].scenario, alone.rules[i].evidence[k].scenario);
      EXPECT_EQ(together.rules[i].evidence[k].at, alone.rules[i].evidence[k].at);
    }
  }
}

// 3.4: all arithmetic is modulo 2^32. Wherever the target's numbers begin, every rule is judged as often.
TEST(Check, InitialSequenceNumbersMakeNoDifference) {
  const auto scenarios = read_scenarios({std::string(TCPASSAY_SOURCE_DIR) + "/corpus"});
  const CheckResult first = check(scenarios, {});
  for (const std::uint64_t seed : {2u, 3u, 4u, 5u}) {
    const CheckResult other = check(scenarios, {.seed = seed});
    for (std::size_t i = 0; i < first.rules.size(); ++i) {
      EXPECT_EQ(other.rules[i].judged, first.rules[i].judged) << info(first.rules[i].rule).id << ", seed " << seed;
      EXPECT_EQ(other.rules[i].broken, first.rules[i].broken) << info(first.rules[i].rule).id << ", seed " << seed;
    }
  }
}

TEST(Check, ATargetThatCannotBeMadeIsAnError) {
  const auto scenarios = read_scenarios({std::string(TCPASSAY_SOURCE_DIR) + "/corpus"}, "textbook");
  EXPECT_THROW(check(scenarios, {.target = "nope"}), TargetError);
  EXPECT_THROW(check(scenarios, {.target = "nope", .jobs = 2}), TargetError);
}

TEST(Check, APlantedDefectIsFound) {
  const auto scenarios = read_scenarios({std::string(TCPASSAY_SOURCE_DIR) + "/corpus"}, "3.1-header");
  const CheckResult result = check(scenarios, {.defect = "bad_checksum_accepted"});
  const RuleResult& rule = result.rules[static_cast<std::size_t>(Rule::MUST_3)];
  EXPECT_EQ(rule.standing, Standing::kViolated);
  ASSERT_FALSE(rule.evidence.empty());
  EXPECT_NE(rule.evidence[0].replay.find("--plant bad_checksum_accepted"), std::string::npos);
}

TEST(Check, TheOwnStackPlaysTheTextbookOverIpv6) {
  const auto scenarios = over_ip(read_scenarios({std::string(TCPASSAY_SOURCE_DIR) + "/corpus"}, "textbook"), {6});
  const CheckResult result = check(scenarios, {});
  EXPECT_EQ(result.scenarios, scenarios.size());
  EXPECT_EQ(result.exit_status(), 0);
  const CheckResult wrong = check(scenarios, {.defect = "ipv6_mss_of_ipv4"});
  const RuleResult& rule = wrong.rules[static_cast<std::size_t>(Rule::MUST_67)];
  EXPECT_EQ(rule.standing, Standing::kViolated);
  ASSERT_FALSE(rule.evidence.empty());
  EXPECT_TRUE(rule.evidence[0].replay.ends_with(" --ip 6")) << rule.evidence[0].replay;
  EXPECT_EQ(check(over_ip(scenarios, {4}), {.defect = "ipv6_mss_of_ipv4"}).exit_status(), 0);
}

}  // namespace
}  // namespace tcpassay
