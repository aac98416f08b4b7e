// SPDX-License-Identifier: Apache-2.0
#include "harness/check/matrix.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/check/check.h"

namespace tcpassay {
namespace {

MatrixRun run_of(const std::string& target, std::vector<std::string> variants = {}) {
  const auto scenarios = read_scenarios({TCPASSAY_SOURCE_DIR "/corpus/3.10.7.4-2-rst"}, "");
  const std::string defect = target.starts_with("own:") ? target.substr(4) : "";
  return {.target = target,
          .result = check(scenarios, {.target = "own", .defect = defect, .legal_variants = std::move(variants)})};
}

std::vector<std::string> lines_with(const std::string& text, const std::string& word) {
  std::vector<std::string> lines;
  std::size_t from = 0;
  for (std::size_t end; (end = text.find('\n', from)) != std::string::npos; from = end + 1) {
    const std::string line = text.substr(from, end - from);
    if (line.find(word) != std::string::npos) lines.push_back(line);
  }
  return lines;
}

// Rows on which both obey.
int alike(const std::string& text) {
  int count = 0;
  for (const std::string& line : lines_with(text, "obeyed")) {
    const bool row = line.starts_with("MUST ") || line.starts_with("SHOULD ");
    count += row && line.find("obeyed") != line.rfind("obeyed");
  }
  return count;
}

TEST(Matrix, Names) {
  EXPECT_EQ(target_list("own,lwip,plugin:./x.so"), (std::vector<std::string>{"own", "lwip", "plugin:./x.so"}));
  EXPECT_EQ(target_list("own"), std::vector<std::string>{"own"});
}

TEST(Matrix, ShowsTheRowsThatDiffer) {
  const std::vector<MatrixRun> runs{run_of("own"), run_of("own:rst_out_of_window")};
  const std::string text = matrix_text(runs, false, {});
  const auto rows = lines_with(text, "VIOLATED");
  ASSERT_FALSE(rows.empty());
  EXPECT_NE(rows[0].find("MUST"), std::string::npos);
  EXPECT_LT(rows[0].find("obeyed"), rows[0].find("VIOLATED"));
  EXPECT_EQ(alike(text), 0);
  EXPECT_GT(alike(matrix_text(runs, true, {})), 0);
  EXPECT_EQ(exit_status_of(runs), 1);
}

TEST(Matrix, TheSameTargetTwiceDiffersInNothing) {
  const std::vector<MatrixRun> runs{run_of("own"), run_of("own")};
  EXPECT_NE(matrix_text(runs, false, {}).find("no rule tells these targets apart"), std::string::npos);
  EXPECT_EQ(exit_status_of(runs), 0);
}

TEST(Matrix, ATargetThatCannotBeTestedIsTold) {
  const std::vector<MatrixRun> runs{run_of("own"), {.target = "gone", .failure = "no such file"}};
  EXPECT_NE(matrix_text(runs, false, {}).find("gone: could not be tested: no such file"), std::string::npos);
  EXPECT_EQ(exit_status_of(runs), 2);
  EXPECT_EQ(exit_status_of({{.target = "gone", .failure = "no such file"}}), 2);
}

TEST(Matrix, Json) {
  const auto json = nlohmann::json::parse(matrix_json({run_of("own"), run_of("own:rst_out_of_window")}));
  ASSERT_EQ(json["runs"].size(), 2u);
  EXPECT_EQ(json["runs"][0]["target"]["name"], "own");
  int differ = 0;
  for (const auto& row : json["matrix"]) {
    differ += row["differs"].get<bool>();
    if (!row["differs"]) continue;
    EXPECT_NE(row["standings"]["own"], row["standings"]["own:rst_out_of_window"]) << row["id"];
  }
  EXPECT_GT(differ, 0);
  EXPECT_FALSE(json["profiles"].empty());
}

}  // namespace
}  // namespace tcpassay
