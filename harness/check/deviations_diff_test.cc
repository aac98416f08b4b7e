// SPDX-License-Identifier: Apache-2.0
#include "harness/check/deviations_diff.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "harness/check/check.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

class DeviationsDiff : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("tcpassay_diff_" + std::to_string(getpid()));
    fs::create_directories(folder_);
    file_ = (folder_ / "stack.txt").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  void list(const std::string& text) { std::ofstream(file_) << text; }
  CheckResult checked(const std::string& defect) {
    const auto scenarios = read_scenarios({TCPASSAY_SOURCE_DIR "/corpus"}, "");
    return check(scenarios, {.defect = defect, .deviations = read_deviations(folder_.string(), "stack")});
  }

  fs::path folder_;
  std::string file_;
};

TEST_F(DeviationsDiff, NothingToChange) {
  EXPECT_EQ(deviations_diff(checked(""), file_), "");
}

TEST_F(DeviationsDiff, WhatIsBrokenComesAndWhatIsGoneGoes) {
  list("# known\nMUST_1: because\n");
  const std::string diff = deviations_diff(checked("rst_out_of_window"), file_);
  EXPECT_TRUE(
      diff.starts_with("--- a/" + file_ + "\n+++ b/" + file_ + "\n@@ -2,1 +1,0 @@\n-MUST_1: because\n@@ -2,0 +2,"))
      << diff;
  EXPECT_NE(diff.find(": TODO why this is accepted (seen in "), std::string::npos) << diff;
}

TEST_F(DeviationsDiff, NamesTheFileAsGitTakesIt) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  const CheckResult result = checked("rst_out_of_window");
  for (const std::string& file : {std::string("./stack.txt"), std::string("stack.txt"), file_}) {
    EXPECT_TRUE(deviations_diff(result, file).starts_with("--- /dev/null\n+++ b/stack.txt\n@@")) << file;
  }
  fs::current_path(before);
}

TEST_F(DeviationsDiff, PatchTakesIt) {
  list("# known\nMUST_1: because\nMUST_2: because\n");
  const std::string diff = deviations_diff(checked("rst_out_of_window"), file_);
  std::ofstream(folder_ / "diff") << diff;
  const std::string command =
      "patch --version > /dev/null 2>&1 || exit 77; cd / && patch --quiet " + file_ + " " + (folder_ / "diff").string();
  const int status = std::system(command.c_str());
  if (status == 77 * 256) GTEST_SKIP() << "no patch here";
  EXPECT_EQ(status, 0);
  const auto now = read_deviations(folder_.string(), "stack");
  ASSERT_FALSE(now.empty());
  for (const Deviation& deviation : now) EXPECT_NE(info(deviation.rule).id, "MUST_1");
}

TEST_F(DeviationsDiff, ADeathIsListedByWhatIsToldOfIt) {
  CheckResult result = checked("");
  result.died.push_back({.scenario = "x.pkt", .how = "its process aborted: assertion \"n > 0\"", .replay = ""});
  const std::string diff = deviations_diff(result, file_);
  EXPECT_NE(diff.find("+dies \"its process aborted: assertion \": TODO"), std::string::npos) << diff;
}

}  // namespace
}  // namespace tcpassay
