// SPDX-License-Identifier: Apache-2.0
#include "harness/check/requirement_coverage.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace tcpassay {
namespace {

const RowAccount& row_of(const Account& account, std::string_view name) {
  for (const RowAccount& row : account.rows) {
    if (row.row->name == name) return row;
  }
  throw std::runtime_error("no such row");
}

CheckResult judged(std::string_view id) {
  CheckResult result{.target = {.name = "own", .version = "1"}};
  result.rules.resize(rules().size());
  result.rules[static_cast<std::size_t>(*rule_by_id(id))].judged = 3;
  return result;
}

TEST(Accounts, SumsAddUp) {
  const Account all = account();
  EXPECT_EQ(all.all.rows, rows().size());
  Sum sum;
  for (const auto& [rfc, one] : all.documents) {
    sum.rows += one.rows;
    sum.applied += one.applied;
    sum.exempt += one.exempt;
  }
  EXPECT_EQ(sum.rows, all.all.rows);
  EXPECT_EQ(sum.applied, all.all.applied);
  EXPECT_EQ(sum.exempt, all.all.exempt);
  EXPECT_EQ(all.appendix_b.rows, 119u);
  EXPECT_EQ(all.all.exercised + all.all.proven, 0u) << "nothing was played";
}

TEST(Accounts, ARowIsExercisedByOneOfItsRules) {
  const CheckResult checked = judged("MUST_10");
  const Account all = account(&checked);
  EXPECT_TRUE(row_of(all, "RFC9293-MUST-10").exercised);
  EXPECT_FALSE(row_of(all, "RFC9293-MUST-11").exercised);
  EXPECT_EQ(all.all.exercised, 1u);
  EXPECT_EQ(std::count(all.unexercised.begin(), all.unexercised.end(), "MUST_10"), 0);
  EXPECT_EQ(std::count(all.unexercised.begin(), all.unexercised.end(), "MUST_11"), 1);
}

TEST(Accounts, ARowIsProvenByTheDefectsThatStrikeItsRules) {
  const CheckResult checked = judged("MUST_10");
  const Strikes strikes{{"no_simultaneous_open", {"MUST_10"}}, {"harmless", {}}};
  const Account all = account(&checked, &strikes);
  EXPECT_EQ(row_of(all, "RFC9293-MUST-10").proven, std::set<std::string>{"no_simultaneous_open"});
  EXPECT_EQ(all.all.proven, 1u);
  EXPECT_EQ(std::count(all.unproven.begin(), all.unproven.end(), "MUST_11"), 1);
  EXPECT_EQ(std::count(all.unproven.begin(), all.unproven.end(), "MAY_2"), 0) << "an option cannot be broken";
}

TEST(Accounts, TheTextHasALineForEachDocumentAndAppendixB) {
  const std::string text = account_text(account(), 100);
  EXPECT_NE(text.find("RFC 9293    293"), std::string::npos) << text;
  EXPECT_NE(text.find("RFC 5961     16"), std::string::npos) << text;
  EXPECT_NE(text.find("Appendix B: "), std::string::npos);
  EXPECT_NE(text.find(" of 119 accounted for\n"), std::string::npos);
  EXPECT_EQ(text.find("EXERCISED"), std::string::npos);
}

TEST(Accounts, TheJsonHasEveryRow) {
  const CheckResult checked = judged("MUST_10");
  const auto json = nlohmann::json::parse(account_json(account(&checked)));
  EXPECT_EQ(json["rows"].size(), rows().size());
  EXPECT_EQ(json["appendix_b"]["rows"], 119);
  EXPECT_EQ(json["target"]["name"], "own");
  EXPECT_FALSE(json["all"].contains("proven"));
}

TEST(Accounts, AFileThatIsNoKillMatrixIsRefusedInOneLine) {
  const std::string file = testing::TempDir() + "strikes.json";
  std::ofstream(file) << "{\"defects\": 3}";
  EXPECT_THROW(read_strikes(file), std::runtime_error);
  std::ofstream(file) << "no json";
  EXPECT_THROW(read_strikes(file), std::runtime_error);
  EXPECT_THROW(read_strikes(file + ".not"), std::runtime_error);
  std::ofstream(file) << R"({"defects": [{"id": "isn_constant", "by": ["MUST_8", "MUST_9"]}]})";
  EXPECT_EQ(read_strikes(file).at("isn_constant").size(), 2u);
  std::filesystem::remove(file);
}

TEST(Accounts, ARowIsExplained) {
  EXPECT_NE(row_text(*row_named("RFC9293-MUST-10"), 100).find("stated by MUST_10 MUST: "), std::string::npos);
}

}  // namespace
}  // namespace tcpassay
