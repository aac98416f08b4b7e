// SPDX-License-Identifier: Apache-2.0
#include "harness/check/check.h"

#include <gtest/gtest.h>

#include <fstream>

#include "harness/script/parse.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

constexpr Rule kMustRule = Rule::MUST_2, kOther = Rule::MUST_3, kShouldRule = Rule::SA4_1_ack, kMayRule = Rule::MAY_12;

Judged trace() {
  Judged judged{.scenario = "a.pkt", .replay = "tcpassay run a.pkt --target own"};
  judged.counts.resize(rules().size());
  judged.traits.resize(traits().size());
  return judged;
}

Count& count(Judged& judged, Rule rule) {
  return judged.counts[static_cast<std::size_t>(rule)];
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
  tally.settle(result);
  return result.rules[static_cast<std::size_t>(rule)].standing;
}

TEST(Tally, KnowsNothingAtFirst) {
  EXPECT_EQ(standing(Tally(), kMustRule), Standing::kNotExercised);
}

TEST(Tally, AddsCountsUp) {
  Tally tally;
  Judged judged = trace();
  count(judged, kMustRule).judged = 3;
  tally.add(judged);
  tally.add(judged);
  CheckResult result;
  tally.settle(result);
  EXPECT_EQ(result.rules[static_cast<std::size_t>(kMustRule)].judged, 6u);
  EXPECT_EQ(result.rules[static_cast<std::size_t>(kMustRule)].standing, Standing::kObeyed);
}

TEST(Tally, OneViolationOutweighsAll) {
  Tally tally;
  Judged judged = trace();
  count(judged, kMustRule).judged = 100;
  tally.add(judged);
  judged.verdicts = {verdict(kMustRule, Verdict::Kind::kViolated)};
  tally.add(judged);
  EXPECT_EQ(standing(tally, kMustRule), Standing::kViolated);
}

TEST(Tally, KeepsTheEvidence) {
  Tally tally;
  Judged judged = trace();
  judged.verdicts = {verdict(kMustRule, Verdict::Kind::kViolated)};
  for (std::size_t i = 0; i < 2 * kEvidenceMax; ++i) tally.add(judged);
  CheckResult result;
  tally.settle(result);
  const auto& evidence = result.rules[static_cast<std::size_t>(kMustRule)].evidence;
  ASSERT_EQ(evidence.size(), kEvidenceMax);
  EXPECT_EQ(evidence[0].scenario, "a.pkt");
  EXPECT_EQ(evidence[0].replay, "tcpassay run a.pkt --target own");
}

TEST(Tally, AConsequenceIsNoFinding) {
  Tally tally;
  Judged judged = trace();
  judged.verdicts = {verdict(kMustRule, Verdict::Kind::kViolated, true)};
  tally.add(judged);
  EXPECT_EQ(standing(tally, kMustRule), Standing::kInconclusive);
}

TEST(Tally, TellsDeparturesOptionsAndLimitsApart) {
  Tally tally;
  Judged judged = trace();
  count(judged, kMayRule) = {.judged = 2, .taken = 1};
  judged.verdicts = {verdict(kShouldRule, Verdict::Kind::kDeparted), verdict(kOther, Verdict::Kind::kInconclusive)};
  tally.add(judged);
  EXPECT_EQ(standing(tally, kShouldRule), Standing::kDeparted);
  EXPECT_EQ(standing(tally, kMayRule), Standing::kOption);
  EXPECT_EQ(standing(tally, kOther), Standing::kInconclusive);
}

TEST(Tally, ARuleWhoseScenariosWereSkippedIsNotTestable) {
  Tally tally;
  tally.skip("a.pkt", "needs state", {"MUST_2"});
  CheckResult result;
  tally.settle(result);
  EXPECT_EQ(result.rules[static_cast<std::size_t>(kMustRule)].standing, Standing::kNotTestable);
  EXPECT_EQ(result.rules[static_cast<std::size_t>(kMustRule)].why, "needs state");
  ASSERT_EQ(result.skipped.size(), 1u);
}

TEST(Tally, ATraitThatChangesIsBoth) {
  Tally tally;
  Judged judged = trace();
  const auto profile = [&] {
    CheckResult result;
    tally.settle(result);
    return result.profile[0];
  };
  EXPECT_EQ(profile(), TraitValue::kUnknown);
  judged.traits[0] = true;
  tally.add(judged);
  EXPECT_EQ(profile(), TraitValue::kTrue);
  judged.traits[0] = false;
  tally.add(judged);
  EXPECT_EQ(profile(), TraitValue::kBoth);
}

CheckResult with_deviation(bool occurs, bool whole, const char* version = "") {
  Tally tally;
  Judged judged = trace();
  count(judged, kMustRule).judged = 1;
  if (occurs) judged.verdicts = {verdict(kMustRule, Verdict::Kind::kViolated)};
  tally.add(judged);
  CheckResult result;
  result.whole = whole;
  result.target.version = "6.18.44";
  result.deviations = {{.deviation = {.rule = kMustRule, .reason = "offload", .version = version}}};
  tally.settle(result);
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
  Judged judged = trace();
  judged.verdicts = {verdict(kShouldRule, Verdict::Kind::kDeparted)};
  tally.add(judged);
  CheckResult result;
  tally.settle(result);
  EXPECT_EQ(result.exit_status(), 0);
  judged.verdicts = {verdict(kMustRule, Verdict::Kind::kViolated)};
  tally.add(judged);
  tally.settle(result);
  EXPECT_EQ(result.exit_status(), 1);
}

std::string folder_with(const std::string& file, const std::string& text) {
  const std::string folder = ::testing::TempDir();
  std::ofstream(folder + "/" + file) << text;
  return folder;
}

TEST(Deviations, AreRead) {
  folder_with("base.txt", "# of both\nMUST_2: checksums are offloaded\n");
  const auto read = read_deviations(folder_with("raw.txt", "include base\n\nMUST_3: likewise # here\n"), "raw");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].rule, Rule::MUST_2);
  EXPECT_EQ(read[0].reason, "checksums are offloaded");
  EXPECT_TRUE(read_deviations(::testing::TempDir(), "no-such-target").empty());
}

TEST(Deviations, SomeOnlyTheSweepSees) {
  const std::string folder =
      folder_with("some.txt", "MUST_3: reason\nsweep SA4_2_exact closing LAST-ACK: a choice\nsweep MUST_3: anywhere\n");
  EXPECT_EQ(read_deviations(folder, "some").size(), 1u);
  const auto all = read_deviations(folder, "some", true);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1].states, (std::vector{State::kClosing, State::kLastAck}));
  EXPECT_TRUE(all[2].states.empty());
}

TEST(Deviations, SomeAreSeenOverOneVersionOfIpAlone) {
  const auto all = read_deviations(folder_with("ip.txt", "MUST_2: x\nip 4\nMUST_3: x\nip any\nMUST_6: x\n"), "ip");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].ip, 0);
  EXPECT_EQ(all[1].ip, 4);
  EXPECT_EQ(all[2].ip, 0);
}

TEST(Deviations, ABadLineIsNamed) {
  const auto error = [](const std::string& text) -> std::string {
    try {
      read_deviations(folder_with("bad.txt", text), "bad");
    } catch (const DeviationError& wrong) {
      return wrong.what();
    }
    return "";
  };
  EXPECT_NE(error("\nNO_RULE: x\n").find("bad.txt:2: unknown rule 'NO_RULE'"), std::string::npos);
  EXPECT_NE(error("MUST_2\n").find("bad.txt:1: expected 'RULE: reason'"), std::string::npos);
  EXPECT_NE(error("ip 5\n").find("bad.txt:1: expected ip 4, ip 6 or ip any, found 'ip 5'"), std::string::npos);
  EXPECT_NE(error("include bad\n").find("includes itself"), std::string::npos);
}

TEST(Check, TheOwnStackPlaysTheTextbook) {
  const auto scenarios = read_scenarios({std::string(TCPASSAY_SOURCE_DIR) + "/corpus"}, "textbook");
  const CheckResult result = check(scenarios, {});
  EXPECT_EQ(result.scenarios, scenarios.size());
  EXPECT_EQ(result.exit_status(), 0);
  EXPECT_GT(result.count(Standing::kObeyed), 20u);
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

TEST(Check, ScenariosArePlayedOverBothVersionsOfIp) {
  const std::vector<ScenarioFile> two = {
      {.path = "any.pkt", .scenario = parse_script("--mss=1400\n", "any.pkt")},
      {.path = "six.pkt", .scenario = parse_script("--ip_version=ipv6\n", "six.pkt")}};
  const auto both = over_ip(two, {4, 6});
  ASSERT_EQ(both.size(), 3u);
  EXPECT_EQ(both[2].path, "any.pkt");
  EXPECT_EQ(both[2].ip, 6);
  EXPECT_EQ(over_ip(two, {6}).size(), 2u);
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

TEST(Check, FlattensNames) {
  EXPECT_EQ(flat_name("./corpus/3.4-sequence/wrap.pkt"), "corpus_3.4-sequence_wrap");
}

}  // namespace
}  // namespace tcpassay
