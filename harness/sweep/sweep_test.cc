// SPDX-License-Identifier: Apache-2.0
#include "harness/sweep/sweep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <tuple>

#include "harness/script/parse.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

const Cause* cause_of(const SweepResult& result, Rule rule) {
  const auto found = std::find_if(result.causes.begin(), result.causes.end(),
                                  [&](const Cause& cause) { return cause.verdict.rule == rule; });
  return found == result.causes.end() ? nullptr : &*found;
}

std::string told(const SweepResult& result) {
  return sweep_text(result, {});
}

// A sparse grid over all roads: whatever the own stack does, no rule is broken, and no road leads astray.
TEST(Sweep, TheOwnStackConformsEverywhere) {
  const SweepResult result = sweep({.ip = {4, 6}, .one_in = 211, .findings = ""});
  EXPECT_TRUE(result.causes.empty()) << told(result);
  EXPECT_EQ(result.visited() + result.unreachable(), result.cells());
  for (const RoadSum& sum : result.roads) {
    EXPECT_GT(sum.visited, 0u) << to_string(sum.road->state) << " " << sum.road->name << "\n" << told(result);
    EXPECT_EQ(sum.inconclusive, 0u) << to_string(sum.road->state) << " " << sum.road->name;
  }
  EXPECT_EQ(result.exit_status(), 0);
}

TEST(Sweep, FindsAPlantedDefectAndWritesAScriptThatShowsIt) {
  const std::string folder = ::testing::TempDir() + "sweep_findings";
  const SweepResult result = sweep({.own_options = {.defect = "rst_out_of_window"},
                                    .states = {State::kEstablished},
                                    .flags = {0x04},
                                    .findings = folder});
  const Cause* cause = cause_of(result, Rule::SA4_1_rst);
  ASSERT_NE(cause, nullptr) << told(result);
  EXPECT_EQ(cause->stimuli, "RST, SEQ outside the window");
  EXPECT_GT(cause->cases, 1u);
  EXPECT_EQ(result.exit_status(), 1);
  const auto target = make_target("own", "rst_out_of_window");
  Session session(*target, {.keep_trace = false, .assertions = false});
  EXPECT_EQ(play_for_finding(read_script(cause->file), session), Rule::SA4_1_rst);
  EXPECT_NE(cause->replay.find("tcpassay run " + cause->file), std::string::npos);
  fs::remove_all(folder);
}

// A SYN without MSS departs from SHLD-5 on every road; what comes behind it is asked all the same.
TEST(Sweep, GoesOnBehindADepartureOnTheRoad) {
  const SweepResult result =
      sweep({.own_options = {.defect = "rst_out_of_window", .legal_variants = {"mss_not_offered"}},
             .states = {State::kEstablished},
             .road = "passive",
             .flags = {0x04},
             .findings = ""});
  EXPECT_GT(result.visited(), 0u) << told(result);
  EXPECT_TRUE(std::any_of(result.causes.begin(), result.causes.end(), [](const Cause& cause) {
    return cause.verdict.rule == Rule::SHLD_5 && cause.stimuli == "on the way there" && !cause.beside;
  })) << told(result);
  const Cause* cause = cause_of(result, Rule::SA4_1_rst);
  ASSERT_NE(cause, nullptr) << told(result);
  EXPECT_TRUE(cause->beside);
  EXPECT_TRUE(cause->steady) << cause->script;
}

// Of two segments only the second shows it: the cause says so, and so does the script.
TEST(Sweep, FindsWhatShowsOnlyAfterTheAnswer) {
  for (const auto& [defect, flags, state, rule, after] :
       {std::tuple{"deaf_after_challenge_to_rst", 0x04, State::kEstablished, Rule::R5961_3_2_legit,
                   "then RST at RCV.NXT"},
        std::tuple{"ack_range_of_latest_window", 0x10, State::kFinWait2, Rule::R5961_5_2_maxwnd,
                   "then text with an old ACK"}}) {
    const SweepResult result = sweep({.own_options = {.defect = defect},
                                      .states = {state},
                                      .road = "passive",
                                      .flags = {static_cast<std::uint8_t>(flags)},
                                      .findings = ""});
    const Cause* cause = cause_of(result, rule);
    ASSERT_NE(cause, nullptr) << defect << told(result);
    EXPECT_EQ(cause->stimuli, after);
    EXPECT_TRUE(cause->steady) << cause->script;
  }
}

// What waits on the road shows in the end: the script opens the window after some time and begins at the ISS of the
// road.
TEST(Sweep, FindsWhatWaitsAndWhereNumbersBeginAgain) {
  for (const auto& [defect, state, road, part] :
       {std::tuple{"close_wait_drops_text", State::kLastAck, "text waits", "write"},
        std::tuple{"paws_not_acked", State::kEstablished, "timestamps", "TS val 5000"},
        std::tuple{"una_compared_plainly", State::kEstablished, "ISS 2^3", "settings: initial-sequence-number="}}) {
    const SweepResult result =
        sweep({.own_options = {.defect = defect}, .states = {state}, .road = road, .one_in = 11, .findings = ""});
    ASSERT_FALSE(result.causes.empty()) << defect << told(result);
    EXPECT_TRUE(result.causes.front().steady) << result.causes.front().script;
    EXPECT_NE(result.causes.front().script.find(part), std::string::npos) << result.causes.front().script;
  }
}

TEST(Sweep, RoadsAreCountedByKind) {
  const SweepResult result = sweep({.states = {State::kLastAck}, .one_in = 1009, .findings = ""});
  const auto json = nlohmann::json::parse(sweep_json(result));
  std::uint64_t roads = 0, cells = 0;
  for (const auto& kind : json["kinds"]) {
    roads += kind["roads"].get<std::uint64_t>();
    cells += kind["cells"].get<std::uint64_t>();
    EXPECT_NE(told(result).find(kind["kind"].get<std::string>()), std::string::npos);
  }
  EXPECT_EQ(json["kinds"].size(), std::size_t{kRoadKinds});
  EXPECT_EQ(roads, result.roads.size());
  EXPECT_EQ(cells, result.cells());
}

// What is to be ignored beside a segment makes no difference, and the user is asked what is urgent.
TEST(Sweep, FindsWhatThePlainestSegmentsDoNotShow) {
  for (const auto& [defect, flags, state, dress] :
       {std::tuple{"unknown_option_drops", 0x10, State::kFinWait2, "unknown option"},
        std::tuple{"reserved_bits_drop", 0x10, State::kFinWait2, "reserved bit set"},
        std::tuple{"urgent_after_fin", 0x30, State::kCloseWait, ""}}) {
    const SweepResult result = sweep({.own_options = {.defect = defect},
                                      .states = {state},
                                      .road = "passive",
                                      .flags = {static_cast<std::uint8_t>(flags)},
                                      .findings = ""});
    EXPECT_FALSE(result.causes.empty()) << defect;
    for (const Cause& cause : result.causes) EXPECT_NE(cause.stimulus.find(dress), std::string::npos) << defect;
  }
}

// A listed rule is told as such and does not make the sweep fail.
TEST(Sweep, KnowsWhatIsListed) {
  const SweepOptions options{.own_options = {.defect = "unacceptable_not_acked"},
                             .states = {State::kEstablished},
                             .road = "passive",
                             .flags = {0x08},
                             .deviations = {{.rule = Rule::SA4_1_ack, .reason = "a choice"}},
                             .findings = ""};
  const SweepResult result = sweep(options);
  const Cause* cause = cause_of(result, Rule::SA4_1_ack);
  ASSERT_NE(cause, nullptr) << told(result);
  EXPECT_EQ(cause->listed, "a choice");
  EXPECT_EQ(result.exit_status(), 0) << told(result);
}

TEST(Sweep, SeveralProcessesFindTheSame) {
  SweepOptions options{.own_options = {.defect = "no_challenge_on_syn"}, .one_in = 503, .findings = ""};
  const SweepResult one = sweep(options);
  options.jobs = 3;
  const SweepResult three = sweep(options);
  EXPECT_EQ(one.visited(), three.visited());
  ASSERT_EQ(one.causes.size(), three.causes.size()) << told(one) << told(three);
  for (std::size_t i = 0; i < one.causes.size(); ++i) {
    EXPECT_EQ(one.causes[i].first, three.causes[i].first);
    EXPECT_EQ(one.causes[i].cases, three.causes[i].cases);
  }
}

TEST(Sweep, JsonKeepsItsContract) {
  const SweepResult result = sweep(
      {.own_options = {.defect = "rst_out_of_window"}, .states = {State::kEstablished}, .one_in = 101, .findings = ""});
  const auto json = nlohmann::json::parse(sweep_json(result));
  EXPECT_EQ(json["target"], "own");
  EXPECT_EQ(json["cells"]["total"].get<std::uint64_t>(),
            json["cells"]["visited"].get<std::uint64_t>() + json["cells"]["unreachable"].get<std::uint64_t>());
  for (const char* key : {"cases", "cases_per_s"}) EXPECT_GT(json[key].get<double>(), 0) << key;
  ASSERT_FALSE(json["violations"].empty());
  for (const char* key : {"rule", "state", "stimulus", "allowed", "seen", "replay"}) {
    EXPECT_TRUE(json["violations"][0].contains(key)) << key;
  }
}

TEST(Sweep, TheTableFitsThePaper) {
  const SweepResult result = sweep({.states = {State::kTimeWait}, .one_in = 1009, .findings = ""});
  const std::string text = sweep_text(result, {.columns = 100});
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start);
    EXPECT_LE(end - start, 100u) << text.substr(start, end - start);
    start = end + 1;
  }
}

// One script that cannot be written does not take the result with it.
TEST(Sweep, FindingsThatCannotBeWrittenAreNamed) {
  SweepOptions options;
  options.own_options.defect = "rst_out_of_window";
  options.states = {State::kEstablished};
  options.flags = {*flags_named("R")};
  options.findings = "/proc/no/such/folder";
  const SweepResult result = sweep(options);
  EXPECT_FALSE(result.causes.empty());
  ASSERT_EQ(result.unwritten.size() > 0, true);
  EXPECT_NE(result.unwritten.front().find("cannot write /proc/no/such/folder/"), std::string::npos);
  EXPECT_NE(sweep_text(result, {}).find("a finding is not written: cannot write"), std::string::npos);
}

TEST(Sweep, ACauseOutlivesTheDeathByAShorterScript) {
  SweepOptions options;
  options.target = "plugin:" TCPASSAY_TEST_PLUGINS "/own_plugin.so?fragile";
  options.states = {State::kEstablished};
  options.flags = {*flags_named("SA")};
  options.one_in = 50;
  options.findings = testing::TempDir() + "tcpassay_fragile";
  const SweepResult result = sweep(options);
  ASSERT_FALSE(result.causes.empty());
  for (const Cause& cause : result.causes) EXPECT_FALSE(read_script(cause.file).steps.empty());
}

TEST(Sweep, ADeathIsAFindingWithAShortScript) {
  SweepOptions options;
  options.target = "plugin:" TCPASSAY_TEST_PLUGINS "/own_plugin.so?segfault";
  options.states = {State::kEstablished};
  options.flags = {*flags_named("R")};
  options.one_in = 50;
  options.findings = testing::TempDir() + "tcpassay_deaths";
  SweepResult result = sweep(options);
  ASSERT_EQ(result.died.size(), 1u);
  const DeathCause& death = result.died.front();
  EXPECT_NE(death.how.find("signal 11"), std::string::npos);
  EXPECT_TRUE(death.steady);
  EXPECT_GT(death.cases, 1u);
  EXPECT_LE(read_script(death.file).steps.size(), 3u);  // it dies of its third packet
  EXPECT_EQ(result.exit_status(), 1);
  EXPECT_NE(sweep_text(result, {}).find("DIED in ESTABLISHED: its process crashed"), std::string::npos);
  EXPECT_NE(sweep_json(result).find("\"died\": ["), std::string::npos);
  options.listed_deaths = {{.text = "signal 11", .reason = "known", .where = ""}};
  result = sweep(options);
  ASSERT_EQ(result.died.size(), 1u);
  EXPECT_EQ(result.died.front().listed, "known");
  EXPECT_NE(result.exit_status(), 1);
}

TEST(Sweep, WhatWasFoundOutlivesTooManyDeaths) {
  SweepOptions options;
  options.target = "plugin:" TCPASSAY_TEST_PLUGINS "/own_plugin.so?segfault";
  options.states = {State::kEstablished};
  options.flags = {*flags_named("R")};
  options.one_in = 50;
  options.findings = "";
  options.lost_max = {};
  const SweepResult result = sweep(options);
  ASSERT_EQ(result.died.size(), 1u);
  EXPECT_EQ(result.died.front().cases, 1u);
  EXPECT_GT(result.target_deaths(), 0u);
  EXPECT_EQ(result.exit_status(), 1);
}

TEST(Sweep, NothingVisitedIsNoConformance) {
  SweepResult result;
  EXPECT_EQ(result.exit_status(), 2);
  result.roads = {{.road = &all_roads().front(), .cells = 2, .visited = 2}};
  EXPECT_EQ(result.exit_status(), 0);
  result.deaths = {"signal 6 (Aborted)"};
  EXPECT_EQ(result.exit_status(), 2);
  EXPECT_EQ(result.conclusion(), "shows no conformance; the target died 1 times");
}

}  // namespace
}  // namespace tcpassay
