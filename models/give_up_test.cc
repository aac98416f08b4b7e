// SPDX-License-Identifier: Apache-2.0
// 3.8.3: what the user is told of text that is not acknowledged, from R1 on and at R2.
#include <gtest/gtest.h>

#include <map>

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

// The user, who has set three seconds, aborts what has been given up already. A RST leaves, or nothing.
Verdicts aborted_when_gone(bool resets) {
  Trace t;
  t.open().call({.kind = CallKind::kSetOption, .handle = t.user, .option = SocketOption::kUserTimeout, .value = 3000});
  t.write(100).out("P.", 1, 1, 100).quiet(seconds(1)).out("P.", 1, 1, 100).quiet(seconds(20));
  t.report(State::kClosed);
  t.call({.kind = CallKind::kSetOption, .handle = t.user, .option = SocketOption::kLinger, .value = 0}).close();
  if (resets) t.out("R", 101);
  return t.quiet().verdicts();
}

TEST(GiveUp, AnAbortOfWhatIsGoneSendsNothing) {
  EXPECT_EQ(aborted_when_gone(false), Verdicts{});
  EXPECT_EQ(aborted_when_gone(true), Verdicts{"S3_10_5_closed violated"});
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

// R2 and the user timeout begin with the text, however long the connection was idle before.
TEST(GiveUp, TextAfterALongIdleTimeIsNotGivenUpAtOnce) {
  Trace t;
  t.open().quiet(seconds(1000)).write(10).quiet(seconds(70)).in("P.", 1, 1, 10).out(".", 1, 11).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"MUST_60 violated"});
}

TEST(GiveUp, OfAWindowThatNothingOpensComesInTheEnd) {
  Trace t;
  t.open().in(".", 1, 1, 0, 0).quiet().write(10);
  for (int i = 0; i < 130; ++i) t.quiet(seconds(i < 6 ? 1 << i : 60)).out(".", 1, 1, 1);
  t.quiet(seconds(60));
  EXPECT_EQ(t.verdicts().at(0), "MUST_20 violated");
}

TEST(GiveUp, OfAWindowIsNotDueWhileThePeerAnswers) {
  Trace t;
  t.open().in(".", 1, 1, 0, 0).quiet().write(10);
  for (int i = 0; i < 130; ++i) {
    t.quiet(seconds(i < 6 ? 1 << i : 60)).out(".", 1, 1, 1).quiet().in(".", 1, 1, 0, 0).quiet();
  }
  EXPECT_EQ(t.verdicts(), Verdicts{});
}

// An error that nothing has told yet is told by the first question.
TEST(GiveUp, SoErrorTellsOfAReset) {
  const auto asked = [](UserError told) {
    Trace t;
    t.open().in("R", 1).quiet();
    t.call({.kind = CallKind::kGetOption,
            .handle = t.user,
            .option = SocketOption::kError,
            .value = static_cast<int>(told)});
    return t.verdicts();
  };
  EXPECT_EQ(asked(UserError::kReset), Verdicts{});
  EXPECT_EQ(asked(UserError::kNone), Verdicts{"MUST_12 violated"});
}

TEST(GiveUp, NoWriteWaitsForAConnectionThatWasReset) {
  Trace t;
  t.open().in("R", 1).quiet().write_fails(UserError::kWouldBlock);
  EXPECT_EQ(t.verdicts(), Verdicts{"S3_10_2_closed violated"});
}

// 3.10.5: an ACK that is owed may leave before the RST.
TEST(Abort, AnAckThatIsOwedMayLeaveFirst) {
  const auto aborted = [](std::uint32_t text) {
    Trace t;
    t.open();
    if (text > 0) t.in("P.", 1, 1, text);
    t.quiet()
        .call({.kind = CallKind::kSetOption, .handle = t.user, .option = SocketOption::kLinger, .value = 0})
        .close()
        .out(".", 1, 1 + text)
        .out("R", 1)
        .quiet();
    return t.verdicts();
  };
  EXPECT_EQ(aborted(10), Verdicts{});
  EXPECT_NE(aborted(0), Verdicts{});
}

// SHLD-31: a FIN ahead of a gap may be forgotten, and comes again.
// At a time when a timeout may or may not have deleted the TCB, an ACK of what was never sent comes. One of the two
// answers must leave: the connection's, or that of CLOSED.
Verdicts when_it_may_have_ended(Trace& t, std::uint32_t next, std::uint32_t ack, const char* answer) {
  t.in(".", ack, 9000);
  if (*answer == 'R') t.out("R", 9000);
  if (*answer == '.') t.out(".", next, ack);
  t.quiet().quiet(seconds(1));
  return t.verdicts();
}

TEST(Silence, IsNotExcusedByATimeoutBehindTheSegment) {
  for (const auto& [answer, said] :
       std::map<const char*, Verdicts>{{".", {}}, {"R", {}}, {"", {"SA4_5_unsent violated"}}}) {
    Trace closed;
    closed.open_actively().shutdown().out("F.", 1, 1).quiet().in("F.", 1, 2).out(".", 2, 2).quiet(seconds(250));
    EXPECT_EQ(when_it_may_have_ended(closed, 2, 2, answer), said) << "TIME-WAIT, " << answer;
    Trace text;
    text.open_actively().write(100).out("P.", 1, 1, 100);
    for (int i = 0; i < 7; ++i) text.quiet(seconds(1 << i)).out("P.", 1, 1, 100);
    text.quiet(seconds(1));
    EXPECT_EQ(when_it_may_have_ended(text, 101, 1, answer), said) << "R2, " << answer;
  }
}

TEST(FinAheadOfAGap, NeedNotBeHeld) {
  Trace t;
  t.open()
      .in("F.", 11, 1)
      .out(".", 1, 1)
      .quiet()
      .in("P.", 1, 1, 10)
      .out(".", 1, 11)
      .quiet()
      .report(State::kEstablished);
  t.in("F.", 11, 1).out(".", 1, 12).quiet().report(State::kCloseWait);
  EXPECT_EQ(t.verdicts(), Verdicts{"SHLD_31 departed"});
}

TEST(FinAheadOfAGap, IsTakenWhereItIsNext) {
  Trace t;
  t.open().in("FP.", 1, 1, 10).out(".", 1, 11).quiet().report(State::kEstablished);
  EXPECT_NE(t.verdicts(), Verdicts{});
  EXPECT_NE(t.verdicts(), Verdicts{"SHLD_31 departed"});
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
