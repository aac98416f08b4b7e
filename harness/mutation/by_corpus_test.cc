// SPDX-License-Identifier: Apache-2.0
#include "harness/mutation/by_corpus.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "harness/target/target.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/own/legal_variants.h"

namespace tcpassay {
namespace {

std::vector<ScenarioFile> folder(const std::string& name) {
  return read_scenarios({std::string(TCPASSAY_SOURCE_DIR) + "/corpus/" + name});
}

std::vector<std::string> ids(std::string_view text) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    all.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

// A defect is named by rules that exist, and a legal variant departs from SHOULDs only.
TEST(MutationTest, NamesRules) {
  for (const auto& entry : own::all_defects()) {
    for (const auto& id : ids(entry.rules)) EXPECT_TRUE(rule_by_id(id)) << entry.id << " names " << id;
  }
  for (const auto& entry : own::all_legal_variants()) {
    for (const auto& id : ids(entry.departs)) {
      ASSERT_TRUE(rule_by_id(id)) << entry.id << " names " << id;
      EXPECT_EQ(info(*rule_by_id(id)).level, Level::kShould) << entry.id << " names " << id;
    }
  }
}

TEST(MutationTest, ACaughtDefect) {
  const MutationTestResult result = mutation_test(
      folder("textbook"), {.defects = {"fin_not_counted"}, .legal_variants = false, .pairs = false, .jobs = 1});
  ASSERT_EQ(result.defects.size(), 1u);
  EXPECT_TRUE(result.defects[0].caught);
  EXPECT_FALSE(result.defects[0].by.empty());
  EXPECT_EQ(result.exit_status(), 0);
  EXPECT_NE(mutation_text(result, {}).find("tcpassay run"), std::string::npos);
}

// No scenario of the textbook exercises this defect, so the mutation test fails.
TEST(MutationTest, AnUnnoticedDefect) {
  const MutationTestResult result =
      mutation_test(folder("textbook"), {.defects = {"listen_resets_on_rst"}, .legal_variants = false, .pairs = false});
  ASSERT_EQ(result.defects.size(), 1u);
  EXPECT_FALSE(result.defects[0].caught);
  EXPECT_EQ(result.exit_status(), 1);
}

TEST(MutationTest, UnknownDefect) {
  EXPECT_THROW(mutation_test(folder("textbook"), {.defects = {"listen_resets_on_rs"}}), TargetError);
}

TEST(MutationTest, TextbookIsCleanWithEveryLegalVariant) {
  const MutationTestResult result = mutation_test(folder("textbook"), {.plant = false, .pairs = false});
  EXPECT_EQ(result.clean, result.combinations) << mutation_text(result, {});
  EXPECT_EQ(result.combinations, 1 + own::kLegalVariants + kManyAtOnce);
  EXPECT_EQ(result.exit_status(), 0);
}

// In the rows with many at once every two variants meet in all four ways: both, one, the other, none.
TEST(MutationTest, EveryTwoMeet) {
  const auto all = combinations(false);
  const auto known = own::all_legal_variants();
  std::set<std::pair<std::size_t, std::size_t>> apart;
  for (std::size_t a = 0; a < known.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      std::set<int> ways;
      for (std::size_t row = 1 + known.size(); row < all.size(); ++row) {
        const auto on = [&](std::size_t i) {
          return std::find(all[row].begin(), all[row].end(), known[i].id) != all[row].end();
        };
        ways.insert(2 * on(a) + on(b));
      }
      EXPECT_EQ(ways.size(), 4u) << known[a].id << " and " << known[b].id;
    }
  }
  EXPECT_EQ(combinations(true).size(), all.size() + known.size() * (known.size() - 1) / 2);
}

TEST(MutationTest, JsonKeepsItsContract) {
  const MutationTestResult result = mutation_test(folder("textbook"), {.pairs = false});
  const auto json = nlohmann::json::parse(mutation_json(result));
  EXPECT_EQ(json["defects"].size(), own::all_defects().size());
  for (const char* key : {"id", "origin", "caught", "by", "expected"}) EXPECT_TRUE(json["defects"][0].contains(key));
  EXPECT_GT(json["rules"]["proven"].get<int>(), 0);
  EXPECT_TRUE(json["rules"]["unproven"].is_array());
  EXPECT_TRUE(json["rules"]["exempt"][0].contains("why"));
  EXPECT_EQ(json["temperaments"]["tested"], json["temperaments"]["clean"]);
  EXPECT_TRUE(json["temperaments"]["condemned"].empty());
}

}  // namespace
}  // namespace tcpassay
