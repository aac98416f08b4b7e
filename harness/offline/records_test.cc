// SPDX-License-Identifier: Apache-2.0
// The records of corpus/records say what the judge must find: written from the texts of the RFCs without sight of the
// model (texts), small ones beside a clause (probes), and public reports of faults of deployed stacks (reports).
#include <gtest/gtest.h>

#include "harness/offline/judge_files.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

void expect_as_written(const std::string& folder, std::size_t least) {
  const auto results = judge_all({TCPASSAY_SOURCE_DIR "/corpus/records/" + folder}, {.jobs = 1});
  for (const FileResult& result : results) {
    ASSERT_TRUE(result.expected.has_value()) << result.file;
    EXPECT_TRUE(as_expected(result)) << result.file << ": expected " << to_string(*result.expected) << ", found "
                                     << to_string(found(result));
  }
  EXPECT_GE(results.size(), least);
}

TEST(Records, OfTheTextsAreDecidedRightly) {
  expect_as_written("texts", 235);
}

TEST(Records, BesideAClauseAreDecidedRightly) {
  expect_as_written("probes", 114);
}

TEST(Records, OfPublicReportsAreDecidedRightly) {
  expect_as_written("reports", 80);
}

TEST(Records, FailWhenSomethingElseIsFound) {
  FileResult result{.outcome = Outcome::kPass, .expected = Expectation{"fail", "MUST_40"}};
  EXPECT_FALSE(as_expected(result));
  EXPECT_EQ(exit_status_of({result}), 1);
  result.expected = Expectation{"pass", ""};
  EXPECT_TRUE(as_expected(result));
  EXPECT_EQ(exit_status_of({result}), 0);
  result.outcome = Outcome::kFail;
  result.verdicts.push_back({.kind = Verdict::Kind::kViolated, .rule = Rule::MUST_40});
  EXPECT_EQ(to_string(found(result)), "fail MUST_40");
  EXPECT_EQ(exit_status_of({result}), 1);
  result.expected = Expectation{"fail", "MUST_40"};
  EXPECT_EQ(exit_status_of({result}), 0);
}

}  // namespace
}  // namespace tcpassay
