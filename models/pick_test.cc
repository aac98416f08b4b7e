// SPDX-License-Identifier: Apache-2.0
#include "models/pick.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace tcpassay {
namespace {

// All answers that a model with this many questions is given, in the order of its runs.
std::vector<std::string> runs_of(std::size_t questions) {
  std::vector<std::string> runs;
  Pick pick;
  do {
    std::string answers;
    for (std::size_t i = 0; i < questions; ++i) answers += pick.ask() ? 'y' : 'n';
    runs.push_back(answers);
  } while (pick.next());
  return runs;
}

TEST(Pick, WithoutAQuestionThereIsOneRun) {
  EXPECT_EQ(runs_of(0), std::vector<std::string>{""});
}

TEST(Pick, ChangesTheLastAnswerFirst) {
  EXPECT_EQ(runs_of(2), (std::vector<std::string>{"nn", "ny", "yn", "yy"}));
}

TEST(Pick, VisitsEveryCombinationOnce) {
  for (std::size_t questions = 1; questions <= Pick::kQuestionsMax; ++questions) {
    const auto runs = runs_of(questions);
    EXPECT_EQ(runs.size(), std::size_t{1} << questions);
    EXPECT_EQ(std::set<std::string>(runs.begin(), runs.end()).size(), runs.size());
  }
}

// A second question that is asked only after a yes: three runs, not four.
TEST(Pick, AQuestionMayDependOnAnAnswer) {
  std::vector<std::string> runs;
  Pick pick;
  do {
    runs.push_back(!pick.ask() ? "n" : pick.ask() ? "yy" : "yn");
  } while (pick.next());
  EXPECT_EQ(runs, (std::vector<std::string>{"n", "yn", "yy"}));
}

// The first branch asks twice, the second once: answers of one run do not leak into the next.
TEST(Pick, BranchesMayAskDifferently) {
  std::vector<std::string> runs;
  Pick pick;
  do {
    runs.push_back(pick.ask() ? (pick.ask() ? "yy" : "yn") : (pick.ask() ? (pick.ask() ? "nyy" : "nyn") : "nn"));
  } while (pick.next());
  EXPECT_EQ(runs, (std::vector<std::string>{"nn", "nyn", "nyy", "yn", "yy"}));
}

TEST(Pick, AtTheLimitItHasNotOverflowed) {
  Pick pick;
  for (std::size_t i = 0; i < Pick::kQuestionsMax; ++i) pick.ask();
  EXPECT_FALSE(pick.overflowed());
}

// Beyond the limit the answer is no, the overflow is remembered, and the run count stays bounded.
TEST(Pick, BeyondTheLimitTheAnswerIsNoAndItTells) {
  Pick pick;
  std::size_t runs = 0;
  do {
    for (std::size_t i = 0; i < Pick::kQuestionsMax; ++i) pick.ask();
    EXPECT_FALSE(pick.ask());
    ++runs;
  } while (pick.next());
  EXPECT_TRUE(pick.overflowed());
  EXPECT_EQ(runs, std::size_t{1} << Pick::kQuestionsMax);
}

}  // namespace
}  // namespace tcpassay
