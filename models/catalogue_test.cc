// SPDX-License-Identifier: Apache-2.0
// The catalogue is whole: what rules and exemptions name exists, and every requirement is accounted for once.
#include "models/catalogue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "models/rules.h"

namespace tcpassay {
namespace {

TEST(Catalogue, EveryRowStandsThereOnce) {
  std::set<std::string_view> names;
  for (const RowInfo& row : rows()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.name.starts_with("RFC" + std::to_string(row.rfc) + "-")) << row.name;
    EXPECT_EQ(row_named(row.name), &row);
  }
  EXPECT_EQ(row_named("RFC9293-MUST-1000"), nullptr);
}

TEST(Catalogue, ARuleStatesRowsThatExist) {
  for (const RuleInfo& rule : rules()) {
    std::set<std::string_view> once;
    for (const std::string_view name : rows_of(rule)) {
      EXPECT_NE(row_named(name), nullptr) << rule.id << " states " << name;
      EXPECT_TRUE(once.insert(name).second) << rule.id << " states " << name << " twice";
    }
  }
}

TEST(Catalogue, ARuleHasTheLevelOfItsRows) {
  const auto meant = [](Rule rule, std::string_view row) {
    return std::any_of(other_levels().begin(), other_levels().end(),
                       [&](const OtherLevel& other) { return other.rule == rule && other.row == row; });
  };
  for (std::size_t i = 0; i < rules().size(); ++i) {
    for (const std::string_view name : rows_of(rules()[i])) {
      const RowInfo* row = row_named(name);
      if (row == nullptr) continue;
      EXPECT_NE(row->level == rules()[i].level, meant(static_cast<Rule>(i), name))
          << rules()[i].id << " is " << to_string(rules()[i].level) << ", " << name << " is " << to_string(row->level);
    }
  }
}

TEST(Catalogue, AnotherLevelHasAReason) {
  for (const OtherLevel& other : other_levels()) {
    const auto stated = rows_of(info(other.rule));
    EXPECT_NE(std::find(stated.begin(), stated.end(), other.row), stated.end()) << other.row;
    EXPECT_GT(other.reason.size(), 20u) << other.row;
  }
}

TEST(Catalogue, EveryRuleNamesAParagraph) {
  for (const RuleInfo& rule : rules()) EXPECT_GT(rule.paragraph, 0) << rule.id;
}

TEST(Catalogue, ARuleIsListedAsImperativeOnce) {
  std::set<std::string_view> once;
  for (const std::string_view id : {
#define IMPERATIVE(rule, wording) std::string_view(#rule),
#include "models/catalogue/imperative.def"
#undef IMPERATIVE
       }) {
    EXPECT_TRUE(once.insert(id).second) << id;
  }
  EXPECT_EQ(wording_of(Rule::SA1_text), Wording::kStep);
  EXPECT_EQ(wording_of(Rule::MUST_10), Wording::kKeyword);
}

TEST(Catalogue, AnExemptionNamesARowThatNoRuleStatesAndSaysWhy) {
  std::set<std::string_view> once;
  for (const Exemption& exemption : exemptions()) {
    EXPECT_NE(row_named(exemption.row), nullptr) << exemption.row;
    EXPECT_TRUE(once.insert(exemption.row).second) << exemption.row << " is exempt twice";
    EXPECT_TRUE(rules_stating(exemption.row).empty())
        << exemption.row << " is exempt, and " << info(rules_stating(exemption.row).front()).id << " states it";
    EXPECT_EQ(exemption.reason.back(), '.') << exemption.row;
    bool kind = false;
    for (const std::string_view known :
         {"not visible: ", "another layer: ", "not TCP's wire: ", "covered: ", "not exercised: "}) {
      kind = kind || (exemption.reason.starts_with(known) && exemption.reason.size() > known.size() + 20);
    }
    EXPECT_TRUE(kind) << exemption.row << ": " << exemption.reason;
  }
}

// "covered: RULE_ID ..." names a rule that there is.
TEST(Catalogue, WhatCoversARowExists) {
  constexpr std::string_view kCovered = "covered: ";
  for (const Exemption& exemption : exemptions()) {
    if (!exemption.reason.starts_with(kCovered)) continue;
    const std::string_view rest = exemption.reason.substr(kCovered.size());
    EXPECT_TRUE(rule_by_id(rest.substr(0, rest.find_first_of(" .,:")))) << exemption.row << ": " << exemption.reason;
  }
}

TEST(Catalogue, EveryRequirementIsAccountedFor) {
  std::string missing;
  for (const RowInfo& row : rows()) {
    if (!rules_stating(row.name).empty() || exemption_of(row.name) != nullptr) continue;
    missing += std::string(row.name) + " ";
  }
  EXPECT_EQ(missing, "");
}

TEST(Catalogue, AppendixBHasItsNumberOfRows) {
  EXPECT_EQ(std::count_if(rows().begin(), rows().end(), in_appendix_b), 119);
}

TEST(Catalogue, OneRuleMayStateSeveralRows) {
  const RuleInfo both{
      .id = "X", .level = Level::kMust, .rfc = 9293, .section = "3", .paragraph = 1, .row = "A B-1 C", .sentence = ""};
  EXPECT_EQ(rows_of(both), (std::vector<std::string_view>{"A", "B-1", "C"}));
  EXPECT_EQ(rules_stating("RFC9293-MUST-10"), std::vector<Rule>{Rule::MUST_10});
}

}  // namespace
}  // namespace tcpassay
