// SPDX-License-Identifier: Apache-2.0
// Records that were written from the texts of the RFCs, without sight of the model, and what the judge must say of
// them. The second line of each is its expectation: "pass", "fail RULE" (a MUST) or "depart RULE" (a SHOULD).
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "harness/offline/judge.h"
#include "harness/script/parse.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

struct Expectation {
  std::string outcome, rule;
};

Expectation expectation(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line, comment, key;
  std::getline(in, line);  // the licence
  std::getline(in, line);
  Expectation found;
  std::istringstream(line) >> comment >> key >> found.outcome >> found.rule;
  return key == "expect:" ? found : Expectation{};
}

// The worst verdict of a level, consequences left out.
Expectation judged(const FileResult& result) {
  Expectation found{result.outcome == Outcome::kInconclusive ? "inconclusive" : "pass", ""};
  for (const Verdict& verdict : result.verdicts) {
    const bool violated = verdict.kind == Verdict::Kind::kViolated;
    if (verdict.consequence || found.outcome == "fail" || (!violated && found.outcome == "depart")) continue;
    found = {violated ? "fail" : "depart", std::string(info(verdict.rule).id)};
  }
  return found;
}

TEST(Blind, RecordsFromTheTextsAreDecidedRightly) {
  int records = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TCPASSAY_SOURCE_DIR "/harness/offline/blind")) {
    const Expectation expected = expectation(entry.path());
    const std::string name = entry.path().string();
    std::ifstream in(entry.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const Expectation found = judged(judge_script(parse_script(text, name), name));
    EXPECT_EQ(found.outcome, expected.outcome) << name;
    EXPECT_EQ(found.rule, expected.rule) << name;
    ++records;
  }
  EXPECT_GE(records, 148);
}

}  // namespace
}  // namespace tcpassay
