// SPDX-License-Identifier: Apache-2.0
// Karn's algorithm (RFC 6298 section 3), where an ACK covers text that was sent again in pieces; timers that are late.

#include <gtest/gtest.h>

#include "models/test_trace.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A SYN,ACK that was sent twice gives no sample, and the next timeout is 3 s (5.7). Text of 100 octets leaves at 0, 3
// and 9 s. Half of it is acknowledged at 12 s, the rest `late` after that. Then new text leaves, and again after `gap`.
Verdicts in_two_pieces(Time late, Time gap) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1).quiet(seconds(1)).out("S.", 0, 1).quiet(seconds(1));
  t.in(".", 1, 1).quiet().accept().write(100).out("P.", 1, 1, 100);
  t.quiet(seconds(3)).out("P.", 1, 1, 100).quiet(seconds(6)).out("P.", 1, 1, 100);
  t.quiet(seconds(3)).in(".", 1, 51).quiet(late).in(".", 1, 101).write(100).out("P.", 101, 1, 100);
  t.quiet(gap).out("P.", 101, 1, 100).quiet();
  return t.verdicts();
}

TEST(Karn, NoSampleIsTakenOfTextThatWasSentAgainAndAcknowledgedInPieces) {
  EXPECT_EQ(in_two_pieces(seconds(11), seconds(12)), Verdicts{});
}

TEST(Karn, TheTimeoutStaysBackedOffUntilTextThatWasSentOnceIsAcknowledged) {
  EXPECT_EQ(in_two_pieces(seconds(11), seconds(3)), Verdicts{"R6298_3_karn violated"});
  EXPECT_EQ(in_two_pieces(seconds(11), seconds(40)), Verdicts{"MUST_18 violated"});
}

// Text of 1,000 octets leaves in two segments, and the first of them again at 1 s. It is acknowledged, and a part of
// the second, so that the timer runs anew; three duplicates send the rest at 2.5 s, and the timer at 3 s. It ran from 1
// s, so that the timeout is 4 s then: new text leaves again after `gap`.
Verdicts behind_a_fast_retransmission(Time gap) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1).quiet().in(".", 1, 1).quiet().accept().write(1000);
  t.out(".", 1, 1, 536).quiet(seconds(1)).out(".", 1, 1, 536).in(".", 1, 537).out("P.", 537, 1, 464);
  t.in(".", 1, 546).quiet().in(".", 1, 546).quiet(milliseconds(500)).in(".", 1, 546).quiet(milliseconds(999));
  t.in(".", 1, 546).out("P.", 546, 1, 455).quiet(milliseconds(500)).out("P.", 546, 1, 455).in(".", 1, 1001).write(1);
  t.out("P.", 1001, 1, 1).quiet(gap).out("P.", 1001, 1, 1).quiet();
  return t.verdicts();
}

TEST(Karn, ATimeoutThatRanBeforeAFastRetransmissionDoublesFromItsStart) {
  EXPECT_EQ(behind_a_fast_retransmission(seconds(4)), Verdicts{});
  EXPECT_EQ(behind_a_fast_retransmission(seconds(11)), Verdicts{"MUST_18 violated"});
  EXPECT_EQ(behind_a_fast_retransmission(milliseconds(500)), Verdicts{"R6298_3_karn violated"});
}

// Text leaves again at 3, 9, 21, 45 and 93 s, which a maximum of 120 s allows (2.5).
Verdicts behind_long_gaps(Time gap) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1).quiet(seconds(1)).out("S.", 0, 1).quiet(milliseconds(100));
  t.in(".", 1, 1).quiet().accept().write(100).out("P.", 1, 1, 100);
  for (const int wait : {3, 6, 12, 24, 48}) t.quiet(seconds(wait)).out("P.", 1, 1, 100);
  t.quiet(seconds(1)).in(".", 1, 101).write(100).out("P.", 101, 1, 100).quiet(gap).out("P.", 101, 1, 100).quiet();
  return t.verdicts();
}

TEST(Karn, AMaximumOfTwoMinutesIsNoTimeoutOfAnotherKind) {
  EXPECT_EQ(behind_long_gaps(seconds(96)), Verdicts{});
  EXPECT_EQ(behind_long_gaps(seconds(60)), Verdicts{});
  EXPECT_EQ(behind_long_gaps(seconds(30)), Verdicts{"R6298_3_karn violated"});
}

// Round trips of 0, 0.99 and 1.1 s give a timeout of 1.96 s. Then five segments leave; duplicate ACKs send the first of
// them again at 0.1 s, and it is acknowledged at 1.9 s, which sends the second. That one leaves again after `gap`.
Verdicts behind_a_partial_ack(Time gap, bool resent = true) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1).in(".", 1, 1).quiet().accept();
  std::uint32_t at = 1;
  for (const int ms : {0, 990, 1100}) {
    t.write(100).out("P.", at, 1, 100).quiet(milliseconds(ms)).in(".", 1, at + 100).quiet();
    at += 100;
  }
  t.write(2680);
  for (std::uint32_t i = 0; i < 5; ++i) t.out(i < 4 ? "." : "P.", at + 536 * i, 1, 536);
  t.quiet(milliseconds(100));
  for (int i = 0; resent && i < 3; ++i) t.in(".", 1, at);
  if (resent) t.out(".", at, 1, 536);
  t.quiet(milliseconds(1800)).in(".", 1, at + 536);
  if (resent) t.out(".", at + 536, 1, 536);
  t.quiet(gap).out(".", at + 536, 1, 536).quiet();
  return t.verdicts();
}

TEST(Karn, WhatFastRetransmitSendsAgainIsNotMeasured) {
  EXPECT_EQ(behind_a_partial_ack(milliseconds(1965)), Verdicts{});
  EXPECT_EQ(behind_a_partial_ack(milliseconds(3397)), Verdicts{"R6298_3_karn violated"});
}

// A coarse clock may tick half a second later, and a timeout that no sample explains is late by a SHOULD at most.
TEST(Karn, ATimeoutThatIsLateForAnotherReasonIsNoSample) {
  EXPECT_EQ(behind_a_partial_ack(milliseconds(2500)), Verdicts{});
  EXPECT_EQ(behind_a_partial_ack(milliseconds(4500)), Verdicts{});
}

// A round trip of 0.9 s gives a timeout of 2.7 s (2.2). Nothing arrives before what is lost leaves again.
Verdicts again_after(Time gap) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1).wait(milliseconds(900)).in(".", 1, 1).quiet().accept().write(100);
  t.out("P.", 1, 1, 100).quiet().wait(gap).out("P.", 1, 1, 100).quiet();
  return t.verdicts();
}

TEST(Late, ATimerIsAsLateWhenNothingArrivesMeanwhile) {
  EXPECT_EQ(again_after(milliseconds(2700)), Verdicts{});
  EXPECT_EQ(again_after(seconds(9)), Verdicts{"R6298_5_4 departed"});
}

// SHLD-29, of a window that the third segment of the handshake closes. The next probe may wait for twice as long.
Verdicts probed_after(Time gap) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1).quiet().in(".", 1, 1, 0, 0).quiet().accept().write(100).quiet();
  t.wait(gap).out(".", 1, 1, 1).quiet().wait(2 * gap).out(".", 1, 1, 1).quiet();
  return t.verdicts();
}

TEST(Late, AFirstProbeIsAsLateWhenNothingArrivesMeanwhile) {
  EXPECT_EQ(probed_after(seconds(3)), Verdicts{});
  EXPECT_EQ(probed_after(seconds(10)), (Verdicts{"SHLD_29 departed", "SHLD_30 departed"}));
}

// SHLD-30, of a FIN at a closed window; a segment without ACK arrives in between, which is dropped.
Verdicts probed_behind_dropped(Time last) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1).quiet().in(".", 1, 1, 0, 0).quiet().accept().close().quiet();
  for (const int gap : {2100, 4200}) t.quiet(milliseconds(gap)).out("F.", 1, 1).quiet();
  t.quiet(seconds(4)).in("", 1).quiet(milliseconds(4400)).out("F.", 1, 1).quiet();
  return t.quiet(last).out("F.", 1, 1).quiet().verdicts();
}

TEST(Late, AProbeBehindADroppedSegmentComesAtTwiceTheIntervalBefore) {
  EXPECT_EQ(probed_behind_dropped(milliseconds(16800)), Verdicts{});
  EXPECT_NE(probed_behind_dropped(seconds(40)), Verdicts{});
}

// 3.10.7.3, first: a bad ACK draws a RST, and is discarded. The SYN goes again by its timer alone (2.1).
Verdicts syn_again_after_a_bad_ack(Time gap) {
  Trace t;
  t.connect().out("S", 0).quiet(gap).in(".", 500, 500).out("R", 500).out("S", 0).quiet();
  return t.verdicts();
}

TEST(SynTimer, ABadAckDoesNotSendTheSynAgain) {
  EXPECT_EQ(syn_again_after_a_bad_ack(milliseconds(200)), Verdicts{"R6298_2_1 departed"});
  EXPECT_EQ(syn_again_after_a_bad_ack(seconds(1)), Verdicts{});
}

// A segment is acknowledged in two parts, the second after two seconds, which may be the first round trip that is
// measured: the timeout is six seconds then. New text is not sent again for `silence`.
Verdicts behind_two_parts(bool two, Time silence) {
  Trace t;
  t.open().write(100).out("P.", 1, 1, 100).quiet(milliseconds(800));
  t.in(".", 1, two ? 51 : 101).quiet(milliseconds(1200));
  if (two) t.in(".", 1, 101);
  return t.write(1).out("P.", 101, 1, 1).quiet(silence).verdicts();
}

TEST(Timer, MeasuresASegmentThatIsAcknowledgedInParts) {
  EXPECT_EQ(behind_two_parts(true, seconds(6)), Verdicts{});
  EXPECT_EQ(behind_two_parts(true, seconds(9)), Verdicts{"R6298_5_4 departed"});
  EXPECT_EQ(behind_two_parts(false, seconds(6)), Verdicts{"R6298_5_4 departed"});
}

// Ten octets leave, and 536 more once all but one of them are acknowledged. An ACK of the rest measures from when the
// ten left: 1.2 s, so that the timeout is 3.6 s.
Verdicts behind_the_rest(Time silence) {
  Trace t;
  t.open().write(10).out("P.", 1, 1, 10).quiet().write(536).quiet(milliseconds(700));
  t.in(".", 1, 10).out("P.", 11, 1, 536).quiet(milliseconds(500));
  return t.in(".", 1, 547).write(1).out("P.", 547, 1, 1).quiet(silence).verdicts();
}

TEST(Timer, MeasuresWhatWasCutTogetherWithWhatFollowed) {
  EXPECT_EQ(behind_the_rest(milliseconds(3700)), Verdicts{});
  EXPECT_EQ(behind_the_rest(seconds(7)), Verdicts{"R6298_5_4 departed"});
}

// Of two segments the timer sends the first one again after a second, or all is acknowledged before: all but one octet,
// then the rest. New text leaves again after the timeout that has backed off to two seconds, though 2.5 have passed
// since the second segment left; or after less than has passed.
Verdicts behind_a_timeout(bool timeout) {
  Trace t;
  t.open().write(1460).out(".", 1, 1, 536).out(".", 537, 1, 536).quiet();
  if (timeout) t.quiet(seconds(1)).out(".", 1, 1, 536).quiet(milliseconds(1500));
  if (!timeout) t.quiet(milliseconds(900));
  t.in(".", 1, 1072, 0, 1).in(".", 1, 1073).out("P.", 1073, 1, 388);
  t.quiet(timeout ? milliseconds(2000) : milliseconds(500)).out("P.", 1073, 1, 388);
  return t.quiet().verdicts();
}

TEST(Timer, MayHaveGivenUpItsSampleWhenItExpired) {
  EXPECT_EQ(behind_a_timeout(true), Verdicts{});
  EXPECT_EQ(behind_a_timeout(false), Verdicts{"R6298_2_4 departed"});
}

}  // namespace
}  // namespace tcpassay
