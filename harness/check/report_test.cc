// SPDX-License-Identifier: Apache-2.0
#include "harness/check/report.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "harness/base/text.h"
#include "harness/check/check_result.h"
#include "harness/check/tally.h"
#include "harness/report/run_report.h"
#include "harness/session/trace.h"
#include "harness/target/target.h"
#include "models/congestion/profiles.h"
#include "models/oracle.h"
#include "models/rule.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

using nlohmann::json;

// MUST_2 is violated, SA4_1_ack departed from, MUST_3 obeyed.
CheckResult sample() {
  TraceResult one{.scenario = "corpus/a<b>.pkt", .replay = "tcpassay run corpus/a<b>.pkt --target own"};
  one.counts.resize(rules().size());
  one.counts[static_cast<std::size_t>(Rule::MUST_3)].judged = 4;
  one.traits.resize(traits().size());
  Verdict verdict{.rule = Rule::MUST_2, .event = 7, .at = std::chrono::milliseconds(1500)};
  verdict.state = "ESTABLISHED";
  verdict.allowed = "<SEQ=1><ACK=11><CTL=ACK>";
  verdict.seen = "nothing & more";
  one.verdicts.push_back(verdict);
  verdict.rule = Rule::SA4_1_ack;
  verdict.kind = Verdict::Kind::kDeparted;
  one.verdicts.push_back(verdict);
  Tally tally;
  tally.add(one);
  tally.skip("corpus/c.pkt", "needs virtual-time");
  CheckResult result;
  result.target.name = "own";
  result.target.version = "1";
  result.target.abilities = {Ability::kVirtualTime};
  result.scenarios = 1;
  result.steps = 9;
  result.deviations = {{.deviation = {.rule = Rule::MUST_3, .reason = "was so once"}}};
  tally.write_to(result);
  return result;
}

const json& rule_of(const json& report, const std::string& id) {
  for (const auto& rule : report["rules"]) {
    if (rule["id"] == id) return rule;
  }
  static const json kNone;
  return kNone;
}

TEST(Report, JsonKeepsItsContract) {
  const json report = json::parse(check_json(sample()));
  for (const char* key : {"tool", "version", "target", "ruleset", "scenarios", "steps", "wall_s", "rules", "profile",
                          "summary", "skipped", "deviations", "tolerated", "freedoms", "congestion_control"}) {
    EXPECT_TRUE(report.contains(key)) << key;
  }
  EXPECT_EQ(report["target"]["abilities"], json::array({"virtual-time"}));
  ASSERT_EQ(report["rules"].size(), rules().size());
  for (const char* key : {"id", "level", "section", "standing", "judged", "broken", "evidence"}) {
    EXPECT_TRUE(report["rules"][0].contains(key)) << key;
  }
  for (const char* key :
       {"obeyed", "violated", "departed", "not_exercised", "inconclusive", "not_testable", "options"}) {
    EXPECT_TRUE(report["summary"].contains(key)) << key;
  }
  EXPECT_EQ(report["profile"].size(), traits().size());
}

TEST(Report, TellsWhichCongestionControlFits) {
  CheckResult result = sample();
  EXPECT_EQ(check_text(result, {}).find("CONGESTION CONTROL"), std::string::npos);
  result.profile_fits[static_cast<std::size_t>(Profile::kCubic)] = {.connections = 7, .explained = 6};
  EXPECT_NE(check_text(result, {}).find("cubic    6 of 7"), std::string::npos);
  const json cubic = json::parse(check_json(result))["congestion_control"]["cubic"];
  EXPECT_EQ(cubic, (json{{"connections", 7}, {"explained", 6}}));
}

TEST(Report, JsonCarriesTheEvidence) {
  const json report = json::parse(check_json(sample()));
  EXPECT_EQ(report["summary"]["violated"], 1);
  const json& rule = rule_of(report, "MUST_2");
  EXPECT_EQ(rule["standing"], "violated");
  ASSERT_EQ(rule["evidence"].size(), 1u);
  EXPECT_EQ(rule["evidence"][0]["event"], 7);
  EXPECT_EQ(rule["evidence"][0]["at_s"], 1.5);
  EXPECT_EQ(rule_of(report, "SA4_1_ack")["standing"], "departed");
  EXPECT_EQ(report["deviations"][0]["fate"], "no longer occurs");
}

TEST(Report, JunitFailsForWhatFails) {
  const std::string xml = check_junit(sample());
  EXPECT_NE(xml.find("failures=\"2\""), std::string::npos) << xml.substr(0, 300);  // and the deviation that is gone
  EXPECT_NE(xml.find("name=\"MUST_2\">\n    <failure message="), std::string::npos);
  EXPECT_NE(xml.find("allowed: &lt;SEQ=1&gt;"), std::string::npos);
  EXPECT_NE(xml.find("nothing &amp; more"), std::string::npos);
  EXPECT_NE(xml.find("<skipped message=\"not exercised\"/>"), std::string::npos);
  EXPECT_EQ(xml.find("a<b>"), std::string::npos);
}

TEST(Report, JunitTellsAssertionsOfScripts) {
  CheckResult result = sample();
  const Mismatch failed{.where = {.file = "a&b.pkt", .line = 12}, .expected = "read = 1", .seen = "0"};
  result.failed.push_back({.scenario = "a&b.pkt", .mismatch = failed});
  result.played.push_back({.id = "a&b", .path = "a&b.pkt", .outcome = ScenarioResult::Outcome::kFailed});
  const std::string xml = check_junit(result);
  EXPECT_NE(xml.find("failures=\"3\""), std::string::npos) << xml.substr(0, 300);
  EXPECT_NE(xml.find("name=\"a&amp;b\""), std::string::npos);
  EXPECT_NE(xml.find("line 12: expected: read = 1; seen: 0"), std::string::npos);
}

TEST(Report, TheTableIsAsWideAsThePaper) {
  for (const int columns : {60, 80, 100, 200}) {
    std::istringstream text(check_text(sample(), {.columns = columns}));
    bool in_table = true;
    for (std::string line; std::getline(text, line);) {
      in_table = in_table && !line.empty();
      if (!in_table) break;
      EXPECT_LE(line.size(), static_cast<std::size_t>(columns)) << line;
    }
  }
}

TEST(Report, TextNamesViolationReplayAndSummary) {
  const std::string text = check_text(sample(), {});
  for (const char* part : {"VIOLATED", "MUST MUST_2: Every segment", "replay:  tcpassay run", "DEPARTED",
                           "no longer occurs", "needs virtual-time", "1 violated, 1 departed", "does not conform"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(check_text(sample(), {.colour = true}).find("\x1b[31m"), std::string::npos);
}

TEST(Report, Wraps) {
  EXPECT_EQ(wrapped("one two three", 100, 2), "one two three");
  EXPECT_EQ(wrapped("aaaaaaaaaa bbbbbbbbbb cccccccccc", 22, 2), "aaaaaaaaaa bbbbbbbbbb\n  cccccccccc");
  EXPECT_EQ(wrapped(std::string(50, 'x') + " y", 22, 2), std::string(50, 'x') + "\n  y");
}

TEST(Report, ARunFailsByViolationOrAssertion) {
  RunResult run{.file = "a.pkt", .target = "own", .version = "1"};
  EXPECT_EQ(run.exit_status(), 0);
  run.mismatches.push_back({.where = {.file = "a.pkt", .line = 3}, .expected = "> . 1:1(0)", .seen = "nothing"});
  EXPECT_EQ(run.exit_status(), 1);
  EXPECT_NE(run_text(run, {}).find("a.pkt:3: the script's own assertion"), std::string::npos);
  const json report = json::parse(run_json(run));
  EXPECT_EQ(report["mismatches"][0]["line"], 3);
  EXPECT_TRUE(report["verdicts"].empty());
}

TEST(Report, JunitHasACaseForEachScenario) {
  CheckResult result = sample();
  using Outcome = ScenarioResult::Outcome;
  result.played = {{.id = "a", .outcome = Outcome::kPassed},
                   {.id = "b", .outcome = Outcome::kFailed, .violated = {Rule::MUST_2}},
                   {.id = "c", .ip = 6, .outcome = Outcome::kSkipped, .why = "needs virtual-time"},
                   {.id = "d", .outcome = Outcome::kInconclusive, .inconclusive = {Rule::MUST_3}},
                   {.id = "\xff", .outcome = Outcome::kListed, .violated = {Rule::MUST_2}}};
  const auto has = [&](const std::string& part) {
    EXPECT_NE(check_junit(result).find(part), std::string::npos) << part << "\n" << check_junit(result);
  };
  has("name=\"a\" file=\"\"/>");
  has("<failure message=\"MUST_2\">MUST_2 violated: Every segment");
  has("name=\"c (IPv6)\"");
  has("<skipped message=\"needs virtual-time\"/>");
  has("<skipped message=\"inconclusive: MUST_3\"/>");
  has("name=\"\xef\xbf\xbd\"");  // what is no UTF-8 does not break the file
  has("<skipped message=\"violated, listed: MUST_2\"/>");
  has(fmt::format("tests=\"{}\"", rules().size() + 5));
  result.played[2].why = "the target died: no answer";
  has("<error message=\"the target died: no answer\"/>");
  result.scenarios = 0;
  has("<error message=\"no scenario was played\"/>");
}

TEST(Report, PrintsOnlyWhatWasAskedFor) {
  CheckResult result = sample();
  result.whole = false;  // a part of the corpus
  const std::string part = check_text(result, {}), all = check_text(result, {}, {.all_rows = true});
  EXPECT_EQ(part.find("not exercised\n"), std::string::npos);
  EXPECT_NE(part.find("rules that were not exercised have no row"), std::string::npos);
  EXPECT_GT(std::count(all.begin(), all.end(), '\n'), std::count(part.begin(), part.end(), '\n') + 100);
  EXPECT_EQ(check_text(result, {}, {.quiet = true}), "own 1: does not conform\n");
  const std::string failed = check_text(result, {}, {.only_failed = true});
  EXPECT_NE(failed.find("VIOLATED"), std::string::npos);
  EXPECT_EQ(failed.find("DEPARTED"), std::string::npos);
  EXPECT_EQ(json::parse(check_json(result, {.only_failed = true}))["rules"].size(), 2u);  // one is gone from the list
  EXPECT_NE(check_text(result, {.columns = 60}, {.whole_rows = true}).find(std::string(info(Rule::MUST_2).sentence)),
            std::string::npos);
}

}  // namespace
}  // namespace tcpassay
