// SPDX-License-Identifier: Apache-2.0
// Whole conversations, right and wrong, and the verdicts on them.
#include <gtest/gtest.h>

#include <vector>

#include "models/oracle.h"
#include "models/test_trace.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
const Verdicts kNone;

// Right conversations

TEST(Clean, HandshakeTextAndCloseByThePeer) {
  Trace t;
  t.open();
  t.in("P.", 1, 1, 100).out(".", 1, 101).quiet().read(1, 100).quiet();
  t.write(50).out("P.", 1, 101, 50).quiet().in(".", 101, 51).quiet();
  t.in("F.", 101, 51).out(".", 51, 102).quiet().read_end();
  t.close().out("F.", 51, 102).quiet().in(".", 102, 52).quiet();
  EXPECT_EQ(t.verdicts(), kNone);
  EXPECT_EQ(t.state(), "CLOSED");
  for (const Rule rule : {Rule::SA2_3_syn, Rule::SA4_7_deliver, Rule::SA4_7_ack, Rule::MUST_61, Rule::SA4_8_established,
                          Rule::S3_10_4_close_wait, Rule::S3_10_3_established, Rule::MUST_2}) {
    EXPECT_TRUE(t.judged(rule)) << id(rule);
  }
}

TEST(Clean, ActiveOpenAndClose) {
  Trace t;
  t.open_actively().write(10).out("P.", 1, 1, 10).quiet().in(".", 1, 11).quiet();
  t.shutdown().out("F.", 11, 1).quiet().in(".", 1, 12).quiet();
  t.in("P.", 1, 12, 20).out(".", 12, 21).quiet().read(1, 20);
  t.in("F.", 21, 12).out(".", 12, 22).quiet();
  EXPECT_EQ(t.verdicts(), kNone);
  EXPECT_EQ(t.state(), "TIME-WAIT");
  for (const Rule rule :
       {Rule::S3_10_1_active, Rule::SA3_4_established, Rule::SA4_5_fin_wait_1, Rule::S3_6_half_close}) {
    EXPECT_TRUE(t.judged(rule)) << id(rule);
  }
}

TEST(Clean, SimultaneousOpen) {
  Trace t;
  t.connect().out("S", 0).quiet().in("S", 0).out("S.", 0, 1).quiet().in("S.", 0, 1).quiet(milliseconds(100));
  t.in(".", 1, 1).quiet();
  EXPECT_EQ(t.verdicts(), kNone);
  EXPECT_EQ(t.state(), "ESTABLISHED");
}

// Trimmed of its SYN the crossing SYN,ACK brings text in sequence: taken, or answered like any SYN.
TEST(Clean, SimultaneousOpenWithTextOnTheSynAck) {
  for (const std::uint32_t ack : {2u, 1u}) {
    Trace t;
    t.connect().out("S", 0).quiet().in("S", 0).out("S.", 0, 1).quiet().in("S.", 0, 1, 1).out(".", 1, ack).quiet();
    EXPECT_EQ(t.verdicts(), kNone) << ack;
    EXPECT_EQ(t.state(), ack == 2 ? "ESTABLISHED" : "SYN-RECEIVED");
  }
}

// Of two numbers that are half the space apart neither is the greater.
TEST(Clean, ASynHalfTheSpaceAwayInTimeWait) {
  for (const bool begins : {true, false}) {
    Trace t;
    t.open().shutdown().out("F.", 1, 1).quiet().in("F.", 1, 2).out(".", 2, 2).quiet().in("S", 0x80000002);
    if (begins) {
      Departing synack = tcpassay::out("S.", 100'000'000, 0x80000003);
      t.event(synack);
    }
    t.quiet();
    EXPECT_EQ(t.verdicts(), kNone) << begins;
  }
}

TEST(Clean, SimultaneousClose) {
  Trace t;
  t.open().shutdown().out("F.", 1, 1).quiet().in("F.", 1, 1).out(".", 2, 2).quiet();
  EXPECT_EQ(t.state(), "CLOSING");
  t.in(".", 2, 2).quiet();
  EXPECT_EQ(t.state(), "TIME-WAIT");
  EXPECT_EQ(t.verdicts(), kNone);
}

TEST(Clean, TextOnASynTakenOrLeft) {
  for (const std::uint32_t ack : {1u, 11u}) {
    Trace t;
    t.listen().in("S", 0, 0, 10).out("S.", 0, ack).quiet().in(".", 11, 1);
    if (ack == 1) t.in("P.", 1, 1, 10).out(".", 1, 11);
    t.quiet().accept().read(1, 10);
    EXPECT_EQ(t.verdicts(), kNone) << ack;
  }
}

TEST(Clean, ADelayedAckOnTextOfItsOwn) {
  Trace t;
  t.open().in("P.", 1, 1, 100).quiet(milliseconds(200)).write(5).out("P.", 1, 101, 5).quiet();
  EXPECT_EQ(t.verdicts(), kNone);
  EXPECT_TRUE(t.judged(Rule::MUST_40));
}

TEST(Clean, OneAckForTwoSegments) {
  Trace t;
  t.open().in("P.", 1, 1, 100).in("P.", 101, 1, 100).out(".", 1, 201).quiet();
  EXPECT_EQ(t.verdicts(), kNone);
}

TEST(Clean, OutOfOrderTextKeptAndDropped) {
  for (const std::uint32_t ack : {201u, 101u}) {
    Trace t;
    t.open().in("P.", 101, 1, 100).out(".", 1, 1).quiet().in("P.", 1, 1, 100).out(".", 1, ack).quiet();
    EXPECT_EQ(t.verdicts(), ack == 201 ? kNone : Verdicts{"SHLD_31 departed"});
  }
}

TEST(Clean, RetransmissionAfterLoss) {
  Trace t;
  t.open().write(100).out("P.", 1, 1, 100).quiet().quiet(seconds(1)).out("P.", 1, 1, 100).quiet();
  t.quiet(seconds(2)).out(".", 1, 1, 60).out("P.", 61, 1, 40).quiet().in(".", 1, 101).quiet();
  EXPECT_EQ(t.verdicts(), kNone);
  EXPECT_TRUE(t.judged(Rule::SA8_retransmission));
}

TEST(Clean, ZeroWindowProbedAndOpened) {
  Trace t;
  t.open().in(".", 1, 1, 0, 0).quiet().write(100).quiet().quiet(seconds(2)).out(".", 1, 1, 1).quiet();
  t.in(".", 1, 1, 0, 0).quiet().in(".", 1, 1, 0, 500).out("P.", 1, 1, 100).quiet();
  EXPECT_EQ(t.verdicts(), kNone);
  EXPECT_TRUE(t.judged(Rule::MUST_36));
}

TEST(Clean, AResetTellsTheUser) {
  Trace t;
  t.open().in("R", 1).quiet().read_fails(UserError::kReset).quiet().read_end();
  EXPECT_EQ(t.verdicts(), kNone);
  EXPECT_TRUE(t.judged(Rule::MUST_12));
}

TEST(Clean, ASegmentToAClosedPort) {
  Trace t;
  t.in("S", 0).out_rst_ack(1).quiet().in(".", 1, 77).out("R", 77).quiet().in("R", 1).quiet();
  EXPECT_EQ(t.verdicts(), kNone);
  for (const Rule rule : {Rule::SA1_noack, Rule::SA1_ack, Rule::SA1_rst}) EXPECT_TRUE(t.judged(rule)) << id(rule);
}

TEST(Clean, AFullCloseAndTextThatComesLate) {
  Trace t;
  t.open().close().out("F.", 1, 1).quiet().in(".", 1, 2).quiet().in("P.", 1, 2, 10).out("R", 2).quiet();
  EXPECT_EQ(t.verdicts(), kNone);
  EXPECT_TRUE(t.judged(Rule::SHLD_3));
}

TEST(Clean, AFreshConnectionOutOfTimeWait) {
  Trace t;
  t.open().shutdown().out("F.", 1, 1).quiet().in("F.", 1, 2).out(".", 2, 2).quiet();
  ASSERT_EQ(t.state(), "TIME-WAIT");
  t.in("S", 900).out("S.", 50000, 901).quiet();
  EXPECT_EQ(t.verdicts(), kNone);
  EXPECT_EQ(t.state(), "SYN-RECEIVED");
  EXPECT_EQ(t.count(Rule::MAY_2).taken, 1u);
}

// Wrong conversations, each by its rule

// Only a SYN of the peer ends TIME-WAIT sooner.
TEST(Violated, AnActiveOpenOutOfTimeWait) {
  Trace t;
  t.open().shutdown().out("F.", 1, 1).quiet().in("F.", 1, 2).out(".", 2, 2).quiet().out("S", 50000);
  EXPECT_EQ(t.verdicts(), Verdicts{"MUST_13 violated"});
}

// MAY-2: SND.NXT of the old connection is 2.
TEST(Violated, AFreshConnectionOutOfTimeWaitWithNumbersOfTheOldOne) {
  for (const std::uint32_t iss : {2u, 1u}) {
    Trace t;
    t.open().shutdown().out("F.", 1, 1).quiet().in("F.", 1, 2).out(".", 2, 2).quiet();
    t.in("S", 900).out("S.", iss, 901).quiet();
    EXPECT_EQ(t.verdicts(), iss == 2 ? kNone : Verdicts{"S3_6_1_reopen_iss violated"}) << iss;
  }
}

// A connection out of TIME-WAIT scales its windows; its SYN is reset, and the old one, which does not, returns to
// TIME-WAIT and offers up to 10000 again. A segment without ACK is answered beyond that window, not inside it.
TEST(Violated, ATimeWaitThatReturnsScalesAsItDid) {
  for (const std::uint32_t seq : {20003u, 1000u}) {
    Trace t;
    t.open().shutdown().out("F.", 1, 1).quiet().in("F.", 1, 2).out(".", 2, 2).quiet();
    Arriving syn = in("S", 900);
    syn.opt.window_scale = 9;
    Departing answer = out("S.", 2, 901);
    answer.opt.window_scale = 7;
    t.event(syn).event(answer).quiet().in("R", 901).quiet().in("R", 3).out(".", 2, 2).quiet();
    t.in("P", seq).out(".", 2, 2).quiet();
    EXPECT_EQ(t.verdicts(), seq == 20003 ? kNone : Verdicts{"SA4_5_off violated"}) << seq;
  }
}

// Nobody has accepted the first connection when its listener is shut down; the next one is accepted, and the user sends
// on it, or does not.
TEST(Violated, TextOfTheConnectionThatIsAcceptedBehindAnAbandonedOne) {
  for (const bool given : {true, false}) {
    Trace t;
    t.listen().quiet().in("S", 0).out("S.", 0, 1).quiet().in(".", 1, 1).quiet();
    t.call({.kind = CallKind::kShutdown, .handle = 3, .how = 2}).out("R", 1).quiet().in(".", 1, 1).out("R", 1).quiet();
    t.wait(std::chrono::seconds(1)).call({.kind = CallKind::kListen, .handle = 3, .length = 1}).quiet();
    Departing answer = out("S.", 0, 901);
    answer.seq = answer.seq + 300000;
    Departing text = out("P.", 1, 901, 1);
    t.in("S", 900).event(answer).quiet();
    Arriving ack = in(".", 901, 1);
    ack.ack = answer.seq + 1;
    t.event(ack).quiet().accept();
    if (given) t.write(1);
    text.seq = answer.seq + 1;
    t.event(text).quiet();
    EXPECT_EQ(t.verdicts(), given ? kNone : Verdicts{"S3_9_1_2_order violated"}) << given;
  }
}

// 3.4.1: the clock may tick in steps of its own, so the number may stand for a hundredth of a second, and no longer.
TEST(Violated, AFirstNumberThatStands) {
  for (const auto& [passed, broken] : {std::pair{5, false}, std::pair{50, true}}) {
    Trace t;
    t.listen();
    for (int opened = 0; opened < 2; ++opened) {
      t.in("S", 0).out("S.", 0, 1).quiet().in("R", 1).quiet(std::chrono::milliseconds(passed));
    }
    EXPECT_EQ(t.verdicts(), broken ? Verdicts{"MUST_8 violated"} : Verdicts{}) << passed;
  }
}

TEST(Violated, NoSynAck) {
  Trace t;
  t.listen().in("S", 0).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"SA2_3_syn violated"});
}

TEST(Violated, ASynAckThatAcknowledgesTheWrongNumber) {
  Trace t;
  t.listen().in("S", 0).out("S.", 0, 2).quiet();
  EXPECT_EQ(t.verdicts()[0], "SA2_3_syn violated");
}

TEST(Violated, AnAckHalfASecondLate) {
  Trace t;
  t.open().in("P.", 1, 1, 100).quiet().quiet(milliseconds(501));
  EXPECT_EQ(t.verdicts(), Verdicts{"MUST_40 violated"});
}

TEST(Violated, TextNeverRetransmitted) {
  Trace t;
  t.open().write(100).out("P.", 1, 1, 100).quiet().quiet(seconds(3)).quiet(seconds(98));
  EXPECT_EQ(t.verdicts(), Verdicts{"SA8_retransmission violated"});
}

TEST(Violated, ASynNeverRetransmitted) {
  Trace t;
  t.connect().out("S", 0).quiet().quiet(seconds(181));
  EXPECT_EQ(t.verdicts(), Verdicts{"MUST_22 violated"});
}

TEST(Violated, TextRetransmittedWithOtherOctets) {
  Trace t;
  t.open().write(100).out("P.", 1, 1, 100).quiet().wait(seconds(1));
  Departing seg = out("P.", 1, 1, 100);
  seg.text = target_text(3, 100);
  t.event(seg).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"S3_8_1_same_octets violated"});
}

// The octets are coded by position: octets swapped within the stream are seen, though their number is right.
TEST(Violated, OctetsDeliveredFromTheWrongPlace) {
  Trace t;
  t.open().in("P.", 1, 1, 100).out(".", 1, 101).quiet().read(51, 50);
  EXPECT_EQ(t.verdicts(), Verdicts{"S3_10_3_established violated"});
}

TEST(Violated, OldTextDeliveredTwice) {
  Trace t;
  t.open().in("P.", 1, 1, 100).out(".", 1, 101).quiet().read(1, 100).in("P.", 1, 1, 100).out(".", 1, 101).quiet();
  t.read(1, 100);
  EXPECT_EQ(t.verdicts(), Verdicts{"S3_10_3_established violated"});
}

TEST(Violated, TextBehindAGapDelivered) {
  Trace t;
  t.open().in("P.", 101, 1, 100).out(".", 1, 1).quiet().read(101, 100);
  EXPECT_EQ(t.verdicts(), Verdicts{"S3_10_3_established violated"});
}

TEST(Violated, AResetReportedAsEndOfStream) {
  Trace t;
  t.open().in("R", 1).quiet().read_end();
  EXPECT_EQ(t.verdicts(), Verdicts{"MUST_12 violated"});
}

TEST(Violated, AFinNotReported) {
  Trace t;
  t.open().in("F.", 1, 1).out(".", 1, 2).quiet().read_fails(UserError::kWouldBlock);
  EXPECT_EQ(t.verdicts(), Verdicts{"S3_6_close_signal violated"});
}

TEST(Violated, AnEstablishedConnectionNotGivenToTheUser) {
  Trace t;
  t.listen().in("S", 0).out("S.", 0, 1).quiet().in(".", 1, 1).quiet();
  t.call({.kind = CallKind::kAccept, .handle = 3, .result = -1, .error = UserError::kWouldBlock});
  EXPECT_EQ(t.verdicts(), Verdicts{"SA4_5_synrcvd_ok violated"});
}

TEST(Violated, ARstWithoutReason) {
  Trace t;
  t.open().out("R", 1).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"S3_5_2_unclear violated"});
}

// 3.5.2, group 3: in a synchronized state an unacceptable segment "must" draw an empty acknowledgment, and no RST may
// leave where it is not clear that the segment is not for the connection. The rule blamed is SA4_1_ack, a SHOULD.
TEST(Violated, ARstForAnOldSegment) {
  Trace t;
  t.open().in("P.", 0u - 99u, 1, 100).out("R", 1).quiet();
  ASSERT_EQ(t.verdicts().size(), 1u);
  EXPECT_EQ(t.oracle.verdicts()[0].kind, Verdict::Kind::kViolated) << t.verdicts()[0];
}

TEST(Violated, ARstAnsweredByARst) {
  Trace t;
  t.in("R", 1).out("R", 0).quiet();
  EXPECT_EQ(t.verdicts()[0], "S3_5_2_rst_on_rst violated");
}

TEST(Violated, ARstInTheWindowThatIsIgnored) {
  Trace t;
  t.open().in("R", 1).quiet().in("P.", 1, 1, 10).out(".", 1, 11).quiet();
  ASSERT_FALSE(t.verdicts().empty());
  EXPECT_FALSE(t.oracle.verdicts()[0].consequence);
}

TEST(Violated, ABadChecksum) {
  Trace t;
  t.open().in("P.", 1, 1, 10);
  Departing seg = out(".", 1, 11);
  seg.fault = Fault::kChecksum;
  t.event(seg).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"MUST_2 violated"});
}

TEST(Violated, FormsOfTheHeader) {
  Trace t;
  t.open().in("P.", 1, 1, 10);
  Departing seg = out(".", 1, 11);
  seg.ctl.reserved = 4;
  seg.opt = {.mss = 1000, .nonzero_after_end = true, .octets = 8};
  t.event(seg).quiet();
  EXPECT_EQ(t.verdicts(), (Verdicts{"S3_1_reserved_sent violated", "MUST_65 violated", "MUST_69 violated"}));
}

// SHOULDs: a departure is a verdict of its own kind, and nothing follows from it

TEST(Departed, AWindowTakenBack) {
  Trace t;
  t.open().in("P.", 1, 1, 100).out(".", 1, 101, 0, 100).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"SHLD_14 departed"});
}

TEST(Departed, NoMssOption) {
  Trace t;
  t.listen().in("S", 0);
  Departing seg = out("S.", 0, 1);
  seg.opt = {};
  t.event(seg).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"SHLD_5 departed"});
}

// Where nobody has said what the link can carry, the receive MSS may be the default.
TEST(Departed, NoMssOptionOfATargetThatTakesMoreThanTheDefault) {
  for (const std::uint32_t octets : {536u, 537u}) {
    Trace t({.link_known = false});
    t.listen().in("S", 0);
    Departing seg = out("S.", 0, 1);
    seg.opt = {};
    t.event(seg).quiet().in(".", 1, 1).accept();
    EXPECT_EQ(t.verdicts(), Verdicts{});
    t.in("P.", 1, 1, octets).out(".", 1, 1 + octets).quiet();
    EXPECT_EQ(t.verdicts(), octets > 536 ? Verdicts{"SHLD_5 departed"} : Verdicts{}) << octets;
  }
}

TEST(Departed, NoAnswerToAnOldSegmentAndStillJudged) {
  Trace t;
  t.open().in("P.", 0u - 99u, 1, 100).quiet().in("P.", 1, 1, 10).out(".", 1, 11).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"SA4_1_ack departed"});
  EXPECT_FALSE(t.oracle.verdicts()[0].consequence);
  EXPECT_TRUE(t.judged(Rule::SA4_7_ack));
}

// Where a second explanation needs no departure, there is none.
TEST(Departed, NotWhereAnInnocentExplanationStands) {
  Trace t;
  t.open().in("P.", 10001, 1, 10).quiet();
  for (const Verdict& v : t.oracle.verdicts()) EXPECT_NE(v.kind, Verdict::Kind::kViolated);
}

}  // namespace
}  // namespace tcpassay
