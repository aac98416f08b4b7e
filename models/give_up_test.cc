// SPDX-License-Identifier: Apache-2.0
// 3.8.3: what the user is told of text that is not acknowledged, from R1 on and at R2.
#include <gtest/gtest.h>

#include "models/test_trace.h"

namespace tcpassay {
namespace {

using std::chrono::seconds;

// 100 octets leave at 0 s and `times` more times, each after twice as long.
struct Unacknowledged : Trace {
  explicit Unacknowledged(int times) {
    open().write(100).out("P.", 1, 1, 100);
    for (int i = 0; i < times; ++i) quiet(seconds(1 << i)).out("P.", 1, 1, 100);
    quiet(seconds(1));
  }
};

// Whoever tells the user of a timeout has given up, and answers as a stack that has no connection.
Verdicts told_and_gone(int times) {
  Unacknowledged t(times);
  t.write_fails(UserError::kTimedOut).quiet().in(".", 1, 101).out("R", 101).quiet();
  return t.verdicts();
}

TEST(GiveUp, BeforeAHundredSecondsDepartsFromR2) {
  EXPECT_EQ(told_and_gone(4), Verdicts{"SHLD_11 departed"});
}

TEST(GiveUp, IsNoOtherErrorThanTimedOut) {
  Unacknowledged t(4);
  t.write_fails(UserError::kReset);
  EXPECT_EQ(t.verdicts(), Verdicts{"S3_10_2_established violated"});
}

TEST(GiveUp, IsNotForTextThatNeverLeftAgain) {
  Unacknowledged t(0);
  t.write_fails(UserError::kTimedOut);
  EXPECT_EQ(t.verdicts(), Verdicts{"S3_10_2_established violated"});
}

TEST(GiveUp, FromR1OnTheUserMayBeToldAndTheConnectionStays) {
  Unacknowledged t(4);
  t.read_fails(UserError::kTimedOut).quiet().in(".", 1, 101).write(10).out("P.", 101, 1, 10).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
}

TEST(GiveUp, AResetBeforeR2EndsTheConnectionForTheUserToo) {
  Unacknowledged innocent(4), guilty(4);
  innocent.out("R", 101).quiet().read_fails(UserError::kTimedOut);
  guilty.out("R", 101).quiet().in(".", 1, 101).quiet().write(10).out("P.", 101, 1, 10).quiet();
  EXPECT_EQ(innocent.verdicts(), Verdicts{"SHLD_11 departed"});
  EXPECT_NE(guilty.verdicts(), Verdicts{"SHLD_11 departed"});
}

// 3.10.7.3: the SYN is acknowledged, and then the text that came with it, at once or later.
struct SynAckWithText : Trace {
  SynAckWithText() {
    connect().out("S", 0).quiet().in("S.", 0, 1, 100).out(".", 1, 1).quiet(std::chrono::milliseconds(300));
  }
};

TEST(TextOfSynAck, IsAcknowledgedTwice) {
  SynAckWithText t;
  t.out(".", 1, 101).quiet().read(1, 100);
  EXPECT_EQ(t.verdicts(), Verdicts{});
}

TEST(TextOfSynAck, IsAcknowledgedAsFarAsItCame) {
  SynAckWithText beyond, again;
  beyond.out(".", 1, 151).quiet();
  again.out(".", 1, 101).quiet().out(".", 1, 101).quiet();
  EXPECT_NE(beyond.verdicts(), Verdicts{});
  EXPECT_NE(again.verdicts(), Verdicts{});
}

}  // namespace
}  // namespace tcpassay
