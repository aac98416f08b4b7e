// SPDX-License-Identifier: Apache-2.0
#include "harness/check/tally.h"

#include <gtest/gtest.h>

#include "models/rules.h"

namespace tcpassay {
namespace {

constexpr Rule kMustRule = Rule::MUST_2, kOther = Rule::MUST_3, kShouldRule = Rule::SA4_1_ack, kMayRule = Rule::MAY_12;

TraceResult trace() {
  TraceResult one{.scenario = "a.pkt", .replay = "tcpassay run a.pkt --target own"};
  one.counts.resize(rules().size());
  one.traits.resize(traits().size());
  return one;
}

Count& count(TraceResult& one, Rule rule) {
  return one.counts[static_cast<std::size_t>(rule)];
}

Verdict verdict(Rule rule, Verdict::Kind kind, bool consequence = false) {
  Verdict made;
  made.rule = rule;
  made.kind = kind;
  made.consequence = consequence;
  made.state = "ESTABLISHED";
  return made;
}

Standing standing(const Tally& tally, Rule rule) {
  CheckResult result;
  tally.write_to(result);
  return result.rules[static_cast<std::size_t>(rule)].standing;
}

TEST(Tally, KnowsNothingAtFirst) {
  EXPECT_EQ(standing(Tally(), kMustRule), Standing::kNotExercised);
}

TEST(Tally, AddsCountsUp) {
  Tally tally;
  TraceResult one = trace();
  count(one, kMustRule).judged = 3;
  tally.add(one);
  tally.add(one);
  CheckResult result;
  tally.write_to(result);
  EXPECT_EQ(result.rules[static_cast<std::size_t>(kMustRule)].judged, 6u);
  EXPECT_EQ(result.rules[static_cast<std::size_t>(kMustRule)].standing, Standing::kObeyed);
}

TEST(Tally, OneViolationOutweighsAll) {
  Tally tally;
  TraceResult one = trace();
  count(one, kMustRule).judged = 100;
  tally.add(one);
  one.verdicts = {verdict(kMustRule, Verdict::Kind::kViolated)};
  tally.add(one);
  EXPECT_EQ(standing(tally, kMustRule), Standing::kViolated);
}

TEST(Tally, KeepsTheEvidence) {
  Tally tally;
  TraceResult one = trace();
  one.verdicts = {verdict(kMustRule, Verdict::Kind::kViolated)};
  for (std::size_t i = 0; i < 2 * kEvidenceMax; ++i) tally.add(one);
  CheckResult result;
  tally.write_to(result);
  const auto& evidence = result.rules[static_cast<std::size_t>(kMustRule)].evidence;
  ASSERT_EQ(evidence.size(), kEvidenceMax);
  EXPECT_EQ(evidence[0].scenario, "a.pkt");
  EXPECT_EQ(evidence[0].replay, "tcpassay run a.pkt --target own");
}

TEST(Tally, AConsequenceIsNoFinding) {
  Tally tally;
  TraceResult one = trace();
  one.verdicts = {verdict(kMustRule, Verdict::Kind::kViolated, true)};
  tally.add(one);
  EXPECT_EQ(standing(tally, kMustRule), Standing::kInconclusive);
}

TEST(Tally, TellsDeparturesOptionsAndLimitsApart) {
  Tally tally;
  TraceResult one = trace();
  count(one, kMayRule) = {.judged = 2, .taken = 1};
  one.verdicts = {verdict(kShouldRule, Verdict::Kind::kDeparted), verdict(kOther, Verdict::Kind::kInconclusive)};
  tally.add(one);
  EXPECT_EQ(standing(tally, kShouldRule), Standing::kDeparted);
  EXPECT_EQ(standing(tally, kMayRule), Standing::kOption);
  EXPECT_EQ(standing(tally, kOther), Standing::kInconclusive);
}

TEST(Tally, ARuleWhoseScenariosWereSkippedIsNotTestable) {
  Tally tally;
  tally.skip("a.pkt", "needs state", {"MUST_2"});
  CheckResult result;
  tally.write_to(result);
  EXPECT_EQ(result.rules[static_cast<std::size_t>(kMustRule)].standing, Standing::kNotTestable);
  EXPECT_EQ(result.rules[static_cast<std::size_t>(kMustRule)].why, "needs state");
  ASSERT_EQ(result.skipped.size(), 1u);
}

TEST(Tally, ATraitThatChangesIsBoth) {
  Tally tally;
  TraceResult one = trace();
  const auto profile = [&] {
    CheckResult result;
    tally.write_to(result);
    return result.profile[0];
  };
  EXPECT_EQ(profile(), TraitValue::kUnknown);
  one.traits[0] = true;
  tally.add(one);
  EXPECT_EQ(profile(), TraitValue::kTrue);
  one.traits[0] = false;
  tally.add(one);
  EXPECT_EQ(profile(), TraitValue::kBoth);
}

CheckResult with_deviation(bool occurs, bool whole, const char* version = "") {
  Tally tally;
  TraceResult one = trace();
  count(one, kMustRule).judged = 1;
  if (occurs) one.verdicts = {verdict(kMustRule, Verdict::Kind::kViolated)};
  tally.add(one);
  CheckResult result;
  result.scenarios = 1;
  result.whole = whole;
  result.target.version = "6.18.44";
  result.deviations = {{.deviation = {.rule = kMustRule, .reason = "offload", .version = version}}};
  tally.write_to(result);
  return result;
}

TEST(ExitStatus, ListedDeviationsAreAccepted) {
  EXPECT_EQ(with_deviation(true, true).exit_status(), 0);
}
TEST(ExitStatus, ADeviationThatIsGoneFails) {
  EXPECT_EQ(with_deviation(false, true).exit_status(), 1);
}
TEST(ExitStatus, ADeviationOfAnotherVersionMayBeAbsent) {
  EXPECT_EQ(with_deviation(false, true, "6.18").exit_status(), 1);
  EXPECT_EQ(with_deviation(false, true, "6.1.").exit_status(), 0);
}
TEST(ExitStatus, APartOfTheCorpusProvesNothingGone) {
  EXPECT_EQ(with_deviation(false, false).exit_status(), 0);
}

TEST(ExitStatus, AViolationFailsAndADepartureDoesNot) {
  Tally tally;
  TraceResult one = trace();
  one.verdicts = {verdict(kShouldRule, Verdict::Kind::kDeparted)};
  tally.add(one);
  CheckResult result;
  result.scenarios = 1;
  tally.write_to(result);
  EXPECT_EQ(result.exit_status(), 0);
  one.verdicts = {verdict(kMustRule, Verdict::Kind::kViolated)};
  tally.add(one);
  tally.write_to(result);
  EXPECT_EQ(result.exit_status(), 1);
}

TEST(ExitStatus, NothingPlayedIsNoConformance) {
  CheckResult result = with_deviation(true, true);
  result.scenarios = 0;
  EXPECT_EQ(result.exit_status(), 2);
  EXPECT_EQ(result.conclusion(), "shows no conformance; no scenario was played");
}

TEST(ExitStatus, ATargetThatDiedDoesNotConform) {
  CheckResult result = with_deviation(true, true);
  result.deaths = 2;
  EXPECT_EQ(result.exit_status(), 2);
  EXPECT_EQ(result.conclusion(), "shows no conformance; the target died 2 times");
}

TEST(ExitStatus, AnInterruptedRunShowsOnlyFaults) {
  CheckResult result = with_deviation(true, true);
  result.interrupted = true;
  EXPECT_EQ(result.exit_status(), 2);
  result.failed.push_back({});
  EXPECT_EQ(result.exit_status(), 1);
}

}  // namespace
}  // namespace tcpassay
