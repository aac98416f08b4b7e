// SPDX-License-Identifier: Apache-2.0
// RFC 9293 section 3.8.5 and RFC 6093: urgent data in both directions.
#include "models/urgent.h"

#include <gtest/gtest.h>

#include "models/test_trace.h"  // IWYU pragma: keep

namespace tcpassay {
namespace {

Departing urgent_out(std::uint32_t seq, std::uint32_t octets, std::uint16_t up) {
  Departing seg = out("PU.", seq, 1, octets);
  seg.up = up;
  return seg;
}
Arriving urgent_in(std::uint32_t seq, std::uint32_t octets, std::uint16_t up) {
  Arriving seg = in("PU.", seq, 1, octets);
  seg.up = up;
  return seg;
}
// The user has sent so many octets, the last of them urgent.
Candidate urgently(std::uint32_t octets) {
  Candidate tcb = given(established(), octets);
  tcb.up.given = true;
  tcb.up.snd_up = tcb.snd_end;
  return tcb;
}
Candidate in_line() {
  Candidate tcb = established();
  tcb.up.in_line = true;
  return tcb;
}
UserCall polled(bool told) {
  return {.kind = CallKind::kPoll, .value = 3, .result = told ? 3 : 1};
}
std::string poll_blames(const Candidate& tcb, bool told) {
  return outcomes_of(tcb, kListening, [&](Step& on) { priority_polled(on, polled(told)); }).blamed;
}
std::string read_blames(const Candidate& tcb, std::uint32_t first, std::uint32_t octets) {
  const UserCall call{.kind = CallKind::kRead, .length = 5000, .result = octets, .text = peer_text(first, octets)};
  return outcomes_of(tcb, kListening, [&](Step& on) { receive_call(on, call); }).blamed;
}

std::string mark_blames(const Candidate& tcb, bool there) {
  const UserCall call{.kind = CallKind::kGetOption, .option = SocketOption::kAtMark, .value = there ? 1 : 0};
  return outcomes_of(tcb, kListening, [&](Step& on) { mark_asked(on, call); }).blamed;
}

TEST(UrgentSent, ThePointerNamesTheOctetThatFollows) {
  EXPECT_TRUE(departs(urgently(10), urgent_out(1, 10, 10)).cite(Rule::MUST_62));
  EXPECT_EQ(departs(urgently(10), urgent_out(1, 10, 9)).blamed, "MUST_62");
  EXPECT_EQ(departs(urgently(10), urgent_out(1, 10, 0)).blamed, "MUST_62");
}

TEST(UrgentSent, TheUrgentOctetsCarryUrg) {
  EXPECT_EQ(departs(urgently(10), out("P.", 1, 1, 10)).blamed, "MUST_30");
  EXPECT_EQ(departs(given(established(), 10), urgent_out(1, 10, 10)).blamed, "S3_8_5_needs_text");
}

TEST(UrgentSent, ASegmentBeforeThePointShouldCarryUrg) {
  EXPECT_TRUE(departs(urgently(2000), urgent_out(1, kMss, 2000)).cite(Rule::S3_8_5_span));
  const Outcomes without = departs(urgently(2000), out(".", 1, 1, kMss));
  ASSERT_EQ(without.blamed, "");
  EXPECT_TRUE(without.all.at(0).demerits.has(Rule::S3_8_5_span));
}

// 3.8.1, MAY-4: identical to the original; a pointer that was never the right one is wrong in a retransmission too.
TEST(UrgentSent, ARetransmissionMayBeIdenticalToTheOriginal) {
  Candidate before = sent(established(), 20);
  before.up.given = true;
  before.up.snd_up = before.snd_end;
  before.up.former.add(kIss + 11);
  EXPECT_EQ(departs(before, urgent_out(1, 10, 10)).blamed, "");
  EXPECT_EQ(departs(before, urgent_out(1, 10, 20)).blamed, "");
  EXPECT_EQ(departs(before, urgent_out(1, 10, 7)).blamed, "MUST_62");
}

TEST(UrgentSent, TextThatLeftWithoutUrgMayBeSentAgainWithoutIt) {
  Candidate before = sent(established(), 20);
  before.up.given = true;
  before.up.snd_up = before.snd_end;
  EXPECT_EQ(departs(before, out("P.", 1, 1, 10)).texts.count("ESTABLISHED"), 0u);
  before.up.plain_end = kIss + 11;
  EXPECT_EQ(departs(before, out("P.", 1, 1, 10)).texts.count("ESTABLISHED"), 1u);
}

TEST(UrgentReceived, TheUserIsToldUntilHeHasReadIt) {
  Candidate tcb = arrives(in_line(), urgent_in(1, 10, 10)).all.at(0);
  EXPECT_EQ(poll_blames(tcb, true), "");
  EXPECT_EQ(poll_blames(tcb, false), "MUST_32");
  tcb.rcv_user = tcb.rcv_user + 10;
  EXPECT_EQ(poll_blames(tcb, false), "");
  EXPECT_EQ(poll_blames(tcb, true), "MUST_33");
}

// Behind the FIN there is no octet to be told of.
TEST(UrgentReceived, APointerBeyondTheFinIsNothingToTell) {
  Candidate tcb = arrives(in_line(), urgent_in(1, 0, 1)).all.at(0);
  tcb = arrives(tcb, in("F.", 1, 1)).all.at(0);
  EXPECT_EQ(tcb.state, State::kCloseWait);
  EXPECT_EQ(poll_blames(tcb, false), "");
}

TEST(UrgentReceived, AReadDoesNotCrossTheMark) {
  const Candidate tcb = arrives(in_line(), urgent_in(1, 20, 10)).all.at(0);
  EXPECT_EQ(read_blames(tcb, 1, 20), "S3_9_1_3_boundary");
  EXPECT_EQ(read_blames(tcb, 1, 10), "");
  EXPECT_EQ(read_blames(tcb, 1, 9), "");
}

TEST(UrgentReceived, InLineNoOctetIsMissing) {
  EXPECT_EQ(read_blames(arrives(in_line(), urgent_in(1, 20, 10)).all.at(0), 2, 9), "MUST_31");
  EXPECT_EQ(read_blames(arrives(in_line(), urgent_in(1, 20, 1)).all.at(0), 2, 9), "R6093_6_in_line");
}

TEST(UrgentReceived, APointerOutOfOrderLeavesAllOpen) {
  const Candidate tcb = arrives(in_line(), urgent_in(11, 10, 5)).all.at(0);
  EXPECT_EQ(poll_blames(tcb, true), "");
  EXPECT_EQ(poll_blames(tcb, false), "");
}

TEST(UrgentReceived, WithoutUrgNothingIsTold) {
  Arriving seg = in("P.", 1, 1, 10);
  seg.up = 5;
  const Candidate tcb = arrives(in_line(), seg).all.at(0);
  EXPECT_EQ(poll_blames(tcb, true), "S3_1_urgent_pointer");
  EXPECT_EQ(poll_blames(tcb, false), "");
}

// MUST-66: URG counts at a closed window, though the text does not; when the text has come the user is told.
TEST(UrgentReceived, AtAClosedWindowThePointerCounts) {
  Candidate closed = in_line();
  closed.edge_known = true;
  closed.rcv_edge = closed.rcv_nxt;
  for (Candidate tcb : arrives(closed, urgent_in(1, 10, 10)).all) {
    ASSERT_TRUE(tcb.up.sure);
    tcb.ack_now = false;
    tcb.rcv_edge = tcb.rcv_nxt + 100;
    const Candidate after = arrives(tcb, in("P.", 1, 1, 10)).all.at(0);
    EXPECT_EQ(poll_blames(after, false), "MUST_66");
    EXPECT_EQ(poll_blames(after, true), "");
  }
}

// A lower pointer does not move RCV.UP back.
TEST(UrgentReceived, ThePointDoesNotRecede) {
  Candidate tcb = arrives(in_line(), urgent_in(1, 10, 20)).all.at(0);
  tcb = arrives(tcb, urgent_in(11, 20, 1)).all.at(0);
  EXPECT_EQ(tcb.up.rcv_up, kIrs + 21);
  EXPECT_TRUE(tcb.up.sure);
}

// Out of line the urgent octet is not read with the others: that one, once, and no octet of later text.
TEST(UrgentReceived, OutOfLineOneOctetGoesAnotherWay) {
  const auto reads = [](Candidate& tcb, std::uint32_t first, std::uint32_t octets) {
    const UserCall call{.kind = CallKind::kRead, .length = 5000, .result = octets, .text = peer_text(first, octets)};
    Outcomes after = outcomes_of(tcb, kListening, [&](Step& on) { receive_call(on, call); });
    if (!after.all.empty()) tcb = after.all[0];
    return after.blamed;
  };
  Candidate tcb = arrives(established(), urgent_in(1, 10, 10)).all[0];
  EXPECT_EQ(reads(tcb, 1, 9), "");
  tcb = arrives(tcb, in("P.", 11, 1, 10)).all[0];
  Candidate lost = tcb;
  EXPECT_EQ(reads(tcb, 11, 10), "");
  EXPECT_NE(reads(lost, 12, 9), "");
  EXPECT_EQ(reads(lost, 11, 10), "");
  EXPECT_NE(reads(lost, 22, 5), "");
}

// A dropped segment's pointer counts or not. Once all up to it has been read that makes no difference.
TEST(UrgentReceived, WhatIsReadIsKnownAgain) {
  Candidate tcb = in_line();
  urgent_may_arrive(tcb, urgent_in(1, 0, 5));
  EXPECT_FALSE(tcb.up.sure);
  EXPECT_EQ(poll_blames(tcb, true), "");
  tcb = arrives(tcb, in("P.", 1, 1, 10)).all[0];
  tcb.rcv_user = tcb.rcv_user + 10;
  urgent_consumed(tcb);
  EXPECT_EQ(poll_blames(tcb, true), "MUST_33");
}

// A pointer ahead of what was read stays there, whatever a dropped segment half the number space away says.
TEST(UrgentReceived, HalfTheNumberSpaceAwayNothingIsAhead) {
  const auto blames = [](bool urgent) {
    Candidate tcb = urgent ? arrives(in_line(), urgent_in(1, 1, 1500)).all[0] : in_line();
    urgent_may_arrive(tcb, urgent_in(0x80000000, 0, 500));
    tcb.rcv_user = tcb.rcv_user + 1;
    urgent_consumed(tcb);
    return poll_blames(tcb, true);
  };
  EXPECT_EQ(blames(true), "");
  EXPECT_EQ(blames(false), "MUST_33");
}

// URG came above a gap that is filled. Another pointer may have arrived since, and the user is told or not.
TEST(UrgentReceived, AboveAGapItIsOpenAgainOnceAnotherMayCount) {
  const auto blames = [](bool another) {
    Candidate tcb = arrives(in_line(), urgent_in(101, 100, 50)).all.at(0);
    tcb = arrives(tcb, in("P.", 1, 1, 100)).all.at(0);
    tcb.rcv_nxt = tcb.rcv_nxt_max = kIrs + 201;
    if (another) urgent_may_arrive(tcb, urgent_in(201, 0, 50));
    return poll_blames(tcb, false);
  };
  EXPECT_EQ(blames(true), "");
  EXPECT_EQ(blames(false), "MUST_32");
}

// So does a pointer beyond all that were seen.
TEST(UrgentReceived, AGreaterPointerIsKnown) {
  Candidate tcb = in_line();
  urgent_may_arrive(tcb, urgent_in(1, 0, 5));
  tcb = arrives(tcb, urgent_in(1, 10, 10)).all[0];
  EXPECT_TRUE(tcb.up.sure);
  EXPECT_EQ(poll_blames(tcb, false), "MUST_32");
}

// The user who has shut down reading is told of urgent data that is there, or not; of none there is nothing to tell.
TEST(UrgentMark, BehindAShutdownOfReadingItMayBeElsewhereButNotOfNothing) {
  Candidate none = in_line(), here = after_arrival(none, urgent_in(1, 10, 10));
  EXPECT_EQ(mark_blames(here, true), "MUST_33");
  EXPECT_EQ(poll_blames(here, false), "MUST_32");
  none.reads_shut = here.reads_shut = true;
  EXPECT_EQ(mark_blames(here, true), "");
  EXPECT_EQ(poll_blames(here, false), "");
  EXPECT_EQ(mark_blames(none, true), "MUST_33");
  EXPECT_EQ(poll_blames(none, true), "MUST_33");
}

}  // namespace
}  // namespace tcpassay
