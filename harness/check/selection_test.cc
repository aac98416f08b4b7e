// SPDX-License-Identifier: Apache-2.0
#include "harness/check/selection.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness/check/corpus.h"
#include "harness/script/parse.h"
#include "models/rule.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

ScenarioFile scenario(const std::string& id, const std::string& header) {
  const std::string path = "corpus/" + id + ".pkt";
  std::vector<std::string> tags;
  if (header.find("//! tag: slow lab") != std::string::npos) tags = {"slow", "lab"};
  return {.path = path, .scenario = parse_script(header, path), .tags = tags, .id = scenario_id(path)};
}

// Three scenarios: of a RST (3.10.7.4), of a checksum (3.1) and of timestamps (RFC 7323).
std::vector<ScenarioFile> three() {
  return {scenario("3.1-header/sum", "//! title: A checksum\n//! suite: header\n//! covers: MUST_2 MUST_3\n"),
          scenario("3.10.7.4-2-rst/in", "//! suite: states\n//! covers: SA4_1_rst\n//! tag: slow lab\n"),
          scenario("rfc7323-5-paws/old",
                   "//! suite: extensions\n//! covers: R7323_5_2_rst_nopaws\n//! needs: virtual-time\n")};
}

std::vector<std::string> ids(const std::vector<ScenarioFile>& scenarios) {
  std::vector<std::string> all;
  for (const auto& file : scenarios) all.push_back(file.id);
  return all;
}

std::string error_of(const Selection& selection) {
  try {
    selected(three(), selection);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

using Ids = std::vector<std::string>;

TEST(Selection, ASectionHasAllBelowIt) {
  const Rule rst = rule_named("SA4-1-rst");
  ASSERT_TRUE(section_named("3.10").has(info(rst)));
  EXPECT_TRUE(section_named("3.10.7.4").has(info(rst)));
  EXPECT_FALSE((Section{.number = "3.1"}).has(info(rst)));  // 3.1 is no part of 3.10
  EXPECT_FALSE(section_named("rfc7323").has(info(rst)));
  EXPECT_EQ(ids(selected(three(), {.sections = {section_named("3.10")}})), Ids{"3.10.7.4-2-rst/in"});
  EXPECT_EQ(ids(selected(three(), {.sections = {section_named("7323:5")}})), Ids{"rfc7323-5-paws/old"});
  EXPECT_EQ(rules_of(section_named("rfc7323")), rules_of(section_named("RFC7323")));
}

TEST(Selection, ListsNarrowEachOther) {
  EXPECT_EQ(selected(three(), {}).size(), 3u);
  EXPECT_EQ(selected(three(), {.suites = {"header", "states"}}).size(), 2u);
  EXPECT_EQ(selected(three(), {.suites = {"3.1-header"}}).size(), 1u);
  EXPECT_EQ(ids(selected(three(), {.suites = {"header", "states"}, .tags = {"lab"}})), Ids{"3.10.7.4-2-rst/in"});
  EXPECT_EQ(ids(selected(three(), {.rules = {rule_named("MUST-3")}})), Ids{"3.1-header/sum"});
}

TEST(Selection, ExcludesByAnyName) {
  for (const char* name : {"header", "3.1-header", "sum", "3.1-header/sum", "MUST_2", "*/sum", "3.1-*"}) {
    EXPECT_EQ(selected(three(), {.excluded = {name}}).size(), 2u) << name;
  }
  EXPECT_EQ(selected(three(), {.excluded = {"slow", "header"}}).size(), 1u);
}

TEST(Selection, NothingSelectedIsAnErrorThatSaysWhatWasMeant) {
  EXPECT_EQ(error_of({.suites = {"heade"}}), "no suite 'heade' here; did you mean header?");
  EXPECT_EQ(error_of({.tags = {"slwo"}}), "no scenario here has the tag 'slwo'; did you mean slow?");
  EXPECT_EQ(error_of({.excluded = {"3.1-heder"}}), "--exclude 3.1-heder excludes nothing; did you mean 3.1-header?");
  EXPECT_EQ(error_of({.excluded = {"*"}}), "nothing is selected: --exclude leaves no scenario");
  EXPECT_NE(error_of({.rules = {rule_named("MUST_10")}}).find("no scenario here names MUST_10"), std::string::npos);
  EXPECT_NE(error_of({.suites = {"header"}, .tags = {"slow"}}).find("nothing is selected"), std::string::npos);
  for (const char* word : {"3.10.77", "3.99", "7323:99", "rfc77", "3.", ""}) {
    EXPECT_THROW(section_named(word), std::runtime_error) << word;
  }
}

TEST(Selection, IdsDoNotDependOnTheMachine) {
  EXPECT_EQ(scenario_id("/home/a/tcpassay/corpus/3.4-sequence/wrap.pkt", "/home/a/tcpassay/corpus"),
            "3.4-sequence/wrap");
  EXPECT_EQ(scenario_id("./corpus/3.4-sequence/wrap.pkt", "corpus/3.4-sequence"), "3.4-sequence/wrap");
  EXPECT_EQ(scenario_id("/srv/mine/a/b.pkt", "/srv/mine/"), "a/b");
  EXPECT_EQ(scenario_id("mine/b.pkt"), "mine/b");
}

TEST(Selection, ListsSayWhatAScenarioIsAbout) {
  const auto json = scenario_list_json(three())["scenarios"];
  ASSERT_EQ(json.size(), 3u);
  EXPECT_EQ(json[0]["title"], "A checksum");
  EXPECT_EQ(json[1]["sections"][0], "3.10.7.4");
  EXPECT_EQ(json[2]["needs"][0], "virtual-time");
  EXPECT_NE(scenario_list_text(three(), 80).find("3 scenarios"), std::string::npos);
  const auto rules = chosen_rules(three(), {.rules = {rule_named("MUST_2")}});
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_EQ(rule_list_json(rules, three())["rules"][0]["scenarios"][0], "3.1-header/sum");
  EXPECT_NE(section_rules_text(rules, three(), 80).find("3.1-header/sum: A checksum"), std::string::npos);
}

}  // namespace
}  // namespace tcpassay
