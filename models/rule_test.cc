// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include "models/catalogue.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

bool begins(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

TEST(Rules, EveryIdAndEverySentenceIsThereOnce) {
  std::set<std::string_view> ids, sentences;
  for (const RuleInfo& rule : rules()) {
    EXPECT_TRUE(ids.insert(rule.id).second) << rule.id;
    EXPECT_TRUE(sentences.insert(rule.sentence).second || rule.rfc != 9293) << rule.id << " says what another says";
  }
}

TEST(Rules, AreFoundByTheirId) {
  for (std::size_t i = 0; i < rules().size(); ++i) {
    const auto found = rule_by_id(rules()[i].id);
    ASSERT_TRUE(found) << rules()[i].id;
    EXPECT_EQ(static_cast<std::size_t>(*found), i);
    EXPECT_EQ(&info(*found), &rules()[i]);
  }
  EXPECT_EQ(rule_by_id("MUST_10"), Rule::MUST_10);
}

TEST(Rules, WhatIsNotInTheCatalogueIsNotFound) {
  EXPECT_FALSE(rule_by_id(""));
  EXPECT_FALSE(rule_by_id("MUST_1000"));
  EXPECT_FALSE(rule_by_id("must_10"));
}

// MUST_n, SHLD_n and MAY_n are RFC 9293's own numbers, so their level and their document follow from the name.
TEST(Rules, ANumberedRuleHasTheLevelOfItsName) {
  for (const RuleInfo& rule : rules()) {
    if (begins(rule.id, "MUST_")) {
      EXPECT_EQ(rule.level, Level::kMust) << rule.id;
    }
    if (begins(rule.id, "SHLD_")) {
      EXPECT_EQ(rule.level, Level::kShould) << rule.id;
    }
    if (begins(rule.id, "MAY_")) {
      EXPECT_EQ(rule.level, Level::kMay) << rule.id;
    }
    if (!begins(rule.id, "MUST_") && !begins(rule.id, "SHLD_") && !begins(rule.id, "MAY_")) continue;
    EXPECT_EQ(rule.rfc, 9293) << rule.id;
    std::string row = "RFC9293-" + std::string(rule.id);
    std::replace(row.begin(), row.end(), '_', '-');
    EXPECT_EQ(rows_of(rule).front(), row);
  }
}

// SAx_ stands for SEGMENT ARRIVES 3.10.7.x (3.10.8 for SA8), Rnnnn_ for a companion RFC.
TEST(Rules, AnIdTellsItsSectionOrItsDocument) {
  for (const RuleInfo& rule : rules()) {
    for (int x = 1; x <= 4; ++x) {
      if (!begins(rule.id, "SA" + std::to_string(x) + "_")) continue;
      EXPECT_EQ(rule.section, "3.10.7." + std::to_string(x)) << rule.id;
    }
    if (begins(rule.id, "SA8_")) {
      EXPECT_EQ(rule.section, "3.10.8") << rule.id;
    }
    if (begins(rule.id, "R")) {
      EXPECT_TRUE(begins(rule.id, "R" + std::to_string(rule.rfc) + "_")) << rule.id;
    }
    if (begins(rule.id, "S3_10_")) {
      EXPECT_TRUE(begins(rule.section, "3.10")) << rule.id;
    }
    if (!begins(rule.id, "R")) {
      EXPECT_EQ(rule.rfc, 9293) << rule.id;
    }
  }
}

TEST(Rules, DocumentsAndSectionsArePlausible) {
  std::set<int> documents = {793, 1122};
  for (const RowInfo& row : rows()) documents.insert(row.rfc);
  for (const RuleInfo& rule : rules()) {
    EXPECT_TRUE(documents.count(rule.rfc)) << rule.id;
    ASSERT_FALSE(rule.section.empty()) << rule.id;
    if (rule.rfc == 9293) {
      EXPECT_TRUE(begins(rule.section, "3.") || begins(rule.section, "A.")) << rule.id;
    }
    EXPECT_TRUE(std::isdigit(static_cast<unsigned char>(rule.section.back()))) << rule.id;
    EXPECT_EQ(rule.section.find(' '), std::string_view::npos) << rule.id;
  }
}

TEST(Rules, ARowNamesItsDocument) {
  for (const RuleInfo& rule : rules()) {
    if (rule.row.empty()) continue;
    EXPECT_TRUE(begins(rule.row, "RFC" + std::to_string(rule.rfc) + "-")) << rule.id << " " << rule.row;
  }
}

TEST(Rules, ASentenceIsASentence) {
  for (const RuleInfo& rule : rules()) {
    ASSERT_GT(rule.sentence.size(), 20u) << rule.id;
    EXPECT_EQ(rule.sentence.back(), '.') << rule.id;
    EXPECT_TRUE(std::isupper(static_cast<unsigned char>(rule.sentence.front()))) << rule.id;
    EXPECT_EQ(rule.sentence.find("  "), std::string_view::npos) << rule.id;
    EXPECT_NE(rule.sentence[rule.sentence.size() - 2], '.') << rule.id;
  }
}

TEST(Rules, LevelsHaveNames) {
  EXPECT_STREQ(to_string(Level::kMust), "MUST");
  EXPECT_STREQ(to_string(Level::kShould), "SHOULD");
  EXPECT_STREQ(to_string(Level::kMay), "MAY");
}

// A trait is spelt in small letters with hyphens, and answers to the rule that leaves it free.
TEST(Traits, HaveANameARuleAndASentence) {
  std::set<std::string_view> names;
  for (const TraitInfo& trait : traits()) {
    EXPECT_TRUE(names.insert(trait.name).second) << trait.name;
    for (const char c : trait.name) EXPECT_TRUE(c == '-' || std::islower(static_cast<unsigned char>(c))) << trait.name;
    EXPECT_GT(trait.sentence.size(), 20u) << trait.name;
  }
}

TEST(Traits, AreIndexedByTheirEnumerator) {
  const auto of = [](Trait trait) { return traits()[static_cast<std::size_t>(trait)]; };
  EXPECT_EQ(of(Trait::kChallengesRst).name, "challenges-rst");
  EXPECT_EQ(of(Trait::kChallengesRst).rule, Rule::R5961_3_2_inexact);
  EXPECT_EQ(of(Trait::kChallengesSyn).rule, Rule::R5961_4_2_syn);
  EXPECT_EQ(of(Trait::kChecksAckRange).rule, Rule::MAY_12);
}

}  // namespace
}  // namespace tcpassay
