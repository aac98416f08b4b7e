// SPDX-License-Identifier: Apache-2.0
#include "harness/mutation/by_sweep.h"

#include <gtest/gtest.h>

namespace tcpassay {
namespace {

// One defect for each step of SEGMENT ARRIVES; `tcpassay zoo --sweep` plants them all.
TEST(SweepMutationTest, TheSweepAloneCatchesDefects) {
  const auto fates =
      sweep_mutation_test({.defects = {"closed_rst_wrong_ack", "listen_accepts_ack", "synsent_accepts_bad_ack",
                                       "unacceptable_not_acked", "rst_out_of_window", "no_challenge_on_syn",
                                       "ack_beyond_snd_nxt", "data_after_fin_delivered", "second_fin_counted"},
                           .cases_max = 20'000});
  ASSERT_EQ(fates.size(), 9u);
  for (const auto& fate : fates) {
    EXPECT_TRUE(fate.caught) << "tcpassay zoo --sweep --defect " << fate.id;
    EXPECT_GT(fate.cases, 0u);
  }
}

// One for each kind of road: pending text, old options, numbers near 2^32.
TEST(SweepMutationTest, EachKindOfRoadCatchesWhatTheOthersDoNot) {
  const auto fates = sweep_mutation_test(
      {.defects = {"close_wait_drops_text", "paws_not_acked", "una_compared_plainly"}, .cases_max = 50'000});
  ASSERT_EQ(fates.size(), 3u);
  for (const auto& fate : fates) EXPECT_TRUE(fate.caught) << "tcpassay zoo --sweep --defect " << fate.id;
}

TEST(SweepMutationTest, ARuleOfSegmentArrivesIsKnownByItsName) {
  EXPECT_TRUE(concerns_arrivals("SA4_2_exact"));
  EXPECT_TRUE(concerns_arrivals("R5961_4_2_syn"));
  EXPECT_TRUE(concerns_arrivals("R7323_5_3_R1"));
  EXPECT_FALSE(concerns_arrivals("R7323_5_5"));
  EXPECT_FALSE(concerns_arrivals("SA8_user"));
  EXPECT_FALSE(concerns_arrivals("MUST_3"));
}

}  // namespace
}  // namespace tcpassay
