// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/judge_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

class JudgeAll : public testing::Test {
 protected:
  JudgeAll() : folder_(fs::path(testing::TempDir()) / "tcpassay_records") { fs::create_directories(folder_ / "below"); }
  ~JudgeAll() override { fs::remove_all(folder_); }
  void put(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }

  fs::path folder_;
};

TEST_F(JudgeAll, AFolderStandsForItsRecords) {
  put("b.pkt", "");
  put("below/a.pcap", "");
  put("notes.txt", "");
  const auto files = recorded_files({folder_.string()});
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(fs::path(files[0]).filename(), "b.pkt");
}

TEST_F(JudgeAll, AFolderWithoutRecordsIsRefused) {
  EXPECT_THROW(recorded_files({folder_.string()}), CaptureError);
  EXPECT_THROW(recorded_files({(folder_ / "nowhere").string()}), CaptureError);
}

TEST_F(JudgeAll, WhatCannotBeReadDoesNotKeepTheOthersFromBeingJudged) {
  put("a.pcap", "no capture");
  put("b.pkt",
      "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 connect(3, ..., ...) = -1 EINPROGRESS\n"
      "+0 > S 0:0(0) win 65535\n");
  const auto results = judge_all({folder_.string()}, {.jobs = 2});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_TRUE(results[0].unreadable);
  EXPECT_NE(results[0].why.find("a.pcap: is no capture file"), std::string::npos) << results[0].why;
  EXPECT_EQ(results[1].outcome, Outcome::kPass);
  EXPECT_EQ(exit_status_of(results), 2);
}

}  // namespace
}  // namespace tcpassay
