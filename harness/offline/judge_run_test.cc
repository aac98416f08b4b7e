// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ios>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "harness/check/check.h"
#include "harness/check/check_result.h"
#include "harness/check/corpus.h"
#include "harness/offline/annotate.h"
#include "harness/offline/judge.h"
#include "harness/session/run_log.h"
#include "harness/wire/capture_file.h"
#include "models/edition.h"
#include "models/oracle.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

class RunLogs : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / "run_logs";
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::vector<ScenarioFile> scenarios(const std::vector<std::string>& folders) const {
    std::vector<std::string> paths;
    for (const std::string& folder : folders) paths.push_back(std::string(TCPASSAY_SOURCE_DIR) + "/corpus/" + folder);
    return read_scenarios(paths);
  }
  std::vector<std::string> captures() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().extension() == ".pcap") all.push_back(entry.path().string());
    }
    return all;
  }
  fs::path folder_;
};

// Every rule that the live run found broken, and no other: with ICMP, damaged packets and calls among what happened.
TEST_F(RunLogs, TheJudgementIsThatOfTheLiveRun) {
  const auto played = scenarios({"3.1-header", "3.9.2.2-icmp", "3.10.7.4-2-rst"});
  for (const char* defect : {"", "rst_out_of_window", "reset_reported_as_eof", "bad_checksum_accepted"}) {
    const CheckResult live = check(played, {.defect = defect, .pcap_folder = folder_.string()});
    std::set<Rule> broken, again;
    for (const RuleResult& rule : live.rules) {
      if (rule.broken > 0) broken.insert(rule.rule);
    }
    EXPECT_EQ(captures().size(), live.scenarios);
    for (const std::string& capture : captures()) {
      const FileResult result = judge_file(capture);
      for (const Verdict& verdict : result.verdicts) {
        if (!verdict.consequence && verdict.kind != Verdict::Kind::kInconclusive) again.insert(verdict.rule);
      }
    }
    EXPECT_EQ(again, broken) << defect;
    EXPECT_EQ(broken.empty(), std::string(defect).empty());
  }
}

// Beside the capture of a run that broke a rule stands the same with the verdicts as comments, and only there.
TEST_F(RunLogs, WhatBrokeARuleIsWrittenWithComments) {
  const auto commented = [&] {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().extension() != ".pcapng") continue;
      ++count;
      std::ostringstream octets;
      octets << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      EXPECT_NE(octets.str().find("tcpassay: "), std::string::npos) << entry.path();
    }
    return count;
  };
  check(scenarios({"3.10.7.4-2-rst"}), {.pcap_folder = folder_.string()});
  EXPECT_EQ(annotate_runs(folder_.string(), kNewest, false), 0u);
  EXPECT_EQ(commented(), 0u);
  check(scenarios({"3.10.7.4-2-rst"}), {.defect = "rst_out_of_window", .pcap_folder = folder_.string()});
  const std::size_t written = annotate_runs(folder_.string(), kNewest, false);
  EXPECT_GT(written, 0u);
  EXPECT_EQ(commented(), written);
}

// Judged by its packets alone a capture is another thing: the user's calls are unknown then.
TEST_F(RunLogs, MayBeLeftUnread) {
  check(scenarios({"textbook"}), {.pcap_folder = folder_.string()});
  ASSERT_FALSE(captures().empty());
  const std::string capture = captures().front();
  EXPECT_FALSE(judge_file(capture).capture.has_value());
  EXPECT_TRUE(judge_file(capture, {.packets_alone = true}).capture.has_value());
}

TEST_F(RunLogs, WhatDoesNotFitIsNamedByItsLine) {
  check(scenarios({"textbook"}), {.pcap_folder = folder_.string()});
  const std::string capture = captures().front(), log = run_log_of(capture);
  const auto error = [&]() -> std::string {
    try {
      judge_file(capture);
    } catch (const CaptureError& wrong) {
      return wrong.what();
    }
    return "";
  };
  EXPECT_EQ(error(), "");
  std::ostringstream whole;
  whole << std::ifstream(log).rdbuf();
  std::ofstream(log) << whole.str() << R"({"t":[1,1],"pair":[8080,40000],"in":4000,"oddity":0})";
  EXPECT_NE(error().find("frame 4000 is not in the capture"), std::string::npos) << error();
  std::ofstream(log) << whole.str() << "{\"t\":";
  EXPECT_NE(error().find(log + ":"), std::string::npos) << error();
  std::ofstream(log) << whole.str() << R"({"t":[1,1],"pair":[6.7e64,40000],"in":1,"oddity":0})";
  EXPECT_NE(error().find("a number is not whole"), std::string::npos) << error();
  std::ofstream(log) << "";
  EXPECT_NE(error().find("is empty"), std::string::npos) << error();
}

TEST_F(RunLogs, NothingHalfWrittenIsLeft) {
  const std::string path = (folder_ / "some.run").string();
  {
    RunLog log(path);
  }
  EXPECT_TRUE(fs::is_empty(folder_));
  EXPECT_THROW(RunLog((folder_ / "none" / "some.run").string()), CaptureError);
}

}  // namespace
}  // namespace tcpassay
