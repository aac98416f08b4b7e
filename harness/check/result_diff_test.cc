// SPDX-License-Identifier: Apache-2.0
#include "harness/check/result_diff.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/check/check_result.h"
#include "harness/check/rule_changes.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

Json rule(const char* id, const char* standing, const char* level = "MUST") {
  return {{"id", id}, {"level", level}, {"standing", standing}, {"sentence", "what " + std::string(id) + " says"}};
}

Json scenario(const char* id, const char* outcome, const std::vector<std::string>& violated = {}) {
  Json json{{"id", id}, {"ip", 4}, {"title", "T"}, {"outcome", outcome}};
  if (!violated.empty()) json["violated"] = violated;
  return json;
}

// A result of check. `revision` is that of the catalogue.
Json result(std::vector<Json> rules, std::vector<Json> played = {}, int revision = 1) {
  return {{"target", {{"name", "lwip"}, {"version", "2"}}},
          {"catalogue", {{"revision", revision}, {"changes", Json::array()}}},
          {"scenarios", 3},
          {"interrupted", false},
          {"rules", rules},
          {"summary", Json::object()},
          {"played", played}};
}

// "newly_failing A" and so on, in their order.
std::vector<std::string> changes(const Json& before, const Json& after) {
  std::vector<std::string> all;
  const auto diffs = compare(before, after);
  for (const Change& change : diffs.front().changes) {
    all.push_back(std::string(to_string(change.kind)) + " " + change.id);
  }
  return all;
}

using Changes = std::vector<std::string>;

TEST(ResultDiff, SaysHowRulesStandNow) {
  const Json before = result({rule("A", "obeyed"), rule("B", "violated"), rule("C", "obeyed"), rule("D", "obeyed"),
                              rule("E", "not_exercised"), rule("F", "option", "MAY")});
  const Json after = result({rule("A", "violated"), rule("B", "obeyed"), rule("C", "inconclusive"), rule("E", "obeyed"),
                             rule("F", "option", "MAY"), rule("G", "violated")});
  EXPECT_EQ(changes(before, after),
            (Changes{"newly_failing A", "new_rule G", "newly_inconclusive C", "newly_conforming B", "gone D"}));
  EXPECT_TRUE(compare(before, before).front().changes.empty());
}

TEST(ResultDiff, OnlyWhatTheStackDoesWorseIsWorse) {
  const auto worse = [](const Json& before, const Json& after, FailOn fail_on = FailOn::kMust) {
    return compare(before, after).front().worse(fail_on);
  };
  const Json good = result({rule("A", "obeyed"), rule("S", "obeyed", "SHOULD")});
  const Json bad = result({rule("A", "violated"), rule("S", "obeyed", "SHOULD")});
  const Json departed = result({rule("A", "obeyed"), rule("S", "departed", "SHOULD")});
  EXPECT_TRUE(worse(good, bad));
  EXPECT_FALSE(worse(bad, good));
  EXPECT_FALSE(worse(good, bad, FailOn::kNever));
  EXPECT_FALSE(worse(good, departed));
  EXPECT_TRUE(worse(good, departed, FailOn::kShould));
  Json listed = bad;
  listed["rules"][0]["listed"] = true;
  EXPECT_FALSE(worse(good, listed));
  EXPECT_TRUE(worse(listed, bad));  // the list has lost it
  Json more = good;
  more["rules"].push_back(rule("N", "violated"));
  EXPECT_FALSE(worse(good, more));  // the judge has a new rule
}

TEST(ResultDiff, ARuleThatWasChangedIsNoChangeOfTheStack) {
  const Json before = result({rule("A", "obeyed")}, {scenario("s", "passed")});
  Json after = result({rule("A", "violated")}, {scenario("s", "failed", {"A"})}, 2);
  EXPECT_EQ(changes(before, after), (Changes{"newly_failing A", "newly_failing s"}));
  after["catalogue"]["changes"].push_back({{"revision", 2}, {"rule", "A"}, {"what", "it binds in CLOSED"}});
  EXPECT_EQ(changes(before, after), Changes{"new_rule A"});
  EXPECT_NE(diff_text(compare(before, after), {}, FailOn::kMust).find("the rule changed: it binds in CLOSED"),
            std::string::npos);
  after["catalogue"]["changes"][0]["revision"] = 1;  // the older run knew it
  EXPECT_EQ(changes(before, after).front(), "newly_failing A");
}

TEST(ResultDiff, ANewScenarioIsNoChangeOfTheStack) {
  const Json before = result({rule("A", "obeyed")}, {scenario("s", "passed"), scenario("t", "passed")});
  const Json by_new = result({rule("A", "violated")}, {scenario("s", "passed"), scenario("u", "failed", {"A"})});
  EXPECT_EQ(changes(before, by_new), (Changes{"new_scenario A", "new_scenario u", "gone t"}));
  const Json by_both =
      result({rule("A", "violated")}, {scenario("s", "failed", {"A"}), scenario("u", "failed", {"A"})});
  EXPECT_EQ(changes(before, by_both).front(), "newly_failing A");
}

TEST(ResultDiff, TellsDeaths) {
  const Json before = result({rule("A", "obeyed")});
  Json after = before;
  after["died"] = {{{"scenario", "s"}, {"how", "signal 11"}, {"listed", ""}, {"replay", "tcpassay run s.pkt"}}};
  EXPECT_EQ(changes(before, after), Changes{"newly_failing the implementation dies"});
  EXPECT_EQ(changes(after, after), Changes{});
}

Json sweep(const std::vector<std::string>& stimuli) {
  Json violations = Json::array();
  for (const std::string& each : stimuli) {
    violations.push_back({{"rule", "A"},
                          {"level", "MUST"},
                          {"state", "LISTEN"},
                          {"stimuli", each},
                          {"standing", "violated"},
                          {"steady", true},
                          {"listed", false}});
  }
  return {{"target", "lwip"},
          {"version", "2"},
          {"interrupted", false},
          {"grid", Json::array()},
          {"violations", violations}};
}

TEST(ResultDiff, ComparesSweepsByCause) {
  EXPECT_EQ(changes(sweep({"RST", "SYN"}), sweep({"SYN", "FIN"})),
            (Changes{"newly_failing A in LISTEN: FIN", "newly_conforming A in LISTEN: RST"}));
  EXPECT_THROW(compare(sweep({}), result({})), UnusableResult);
}

TEST(ResultDiff, RefusesWhatItCannotCompare) {
  Json interrupted = result({});
  interrupted["interrupted"] = true;
  EXPECT_THROW(compare(result({}), interrupted), UnusableResult);
  Json nothing = result({});
  nothing["scenarios"] = 0;
  EXPECT_THROW(compare(result({}), nothing), UnusableResult);
  EXPECT_THROW(compare({{"runs", Json::array()}}, result({})), UnusableResult);
  EXPECT_THROW(compare({{"runs", {result({})}}}, {{"runs", {{{"target", "lwip"}, {"failure", "none"}}}}}),
               UnusableResult);
  EXPECT_EQ(compare({{"runs", {result({})}}}, {{"runs", {result({})}}}).size(), 1u);
  const std::string path = ::testing::TempDir() + "/no_result.json";
  for (const char* text : {"", "{", "[]", "{\"rules\":3}", "7"}) {
    std::ofstream(path) << text;
    EXPECT_THROW(read_result(path), UnusableResult) << text;
  }
  EXPECT_THROW(read_result("/no/such.json"), UnusableResult);
}

TEST(RuleChanges, ResultsCarryThem) {
  EXPECT_GE(catalogue_revision(), 1);
  EXPECT_EQ(catalogue_json()["changes"].size(), rule_changes().size());
}

}  // namespace
}  // namespace tcpassay
