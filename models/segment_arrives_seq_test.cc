// SPDX-License-Identifier: Apache-2.0
// RFC 9293 section 3.10.7.4, First: check sequence number.
#include <gtest/gtest.h>

#include "models/test_tcb.h"

namespace tcpassay {
namespace {

// Table 6. RCV.NXT is 1 and the right edge that was offered 10001.

TEST(Table6, NoLengthAtAnOpenWindow) {
  const Candidate tcb = established();
  EXPECT_EQ(acceptable(tcb, in(".", 0)), Acceptable::kNo);
  EXPECT_EQ(acceptable(tcb, in(".", 1)), Acceptable::kYes);
  EXPECT_EQ(acceptable(tcb, in(".", 10000)), Acceptable::kYes);
  EXPECT_EQ(acceptable(tcb, in(".", 10001)), Acceptable::kNo);
  EXPECT_EQ(acceptable(tcb, in(".", 65537)), Acceptable::kNo);
}

TEST(Table6, NoLengthAtAZeroWindow) {
  const Candidate tcb = at_zero_window(established());
  EXPECT_EQ(acceptable(tcb, in(".", 0)), Acceptable::kNo);
  EXPECT_EQ(acceptable(tcb, in(".", 1)), Acceptable::kYes);
  EXPECT_EQ(acceptable(tcb, in(".", 2)), Acceptable::kNo);
  EXPECT_EQ(acceptable(tcb, in(".", 65537)), Acceptable::kNo);
}

// Not acceptable, but the user may have read meanwhile: a probe may be taken (3.8.6.1).
TEST(Table6, LengthAtAZeroWindow) {
  const Candidate tcb = at_zero_window(established());
  EXPECT_EQ(acceptable(tcb, in("P.", 1, 1, 1)), Acceptable::kEither);
  EXPECT_EQ(acceptable(tcb, in("F.", 1, 1)), Acceptable::kEither);
  EXPECT_EQ(acceptable(tcb, in("P.", 0, 1, 1)), Acceptable::kNo);
}

TEST(Table6, LengthAtAnOpenWindowFirstOctetInside) {
  const Candidate tcb = established();
  EXPECT_EQ(acceptable(tcb, in("P.", 1, 1, 1)), Acceptable::kYes);
  EXPECT_EQ(acceptable(tcb, in("P.", 10000, 1, 100)), Acceptable::kYes);
  EXPECT_EQ(acceptable(tcb, in("P.", 10001, 1, 1)), Acceptable::kNo);
  EXPECT_EQ(acceptable(tcb, in("P.", 65537, 1, 1)), Acceptable::kNo);
}

TEST(Table6, LengthAtAnOpenWindowLastOctetInside) {
  const Candidate tcb = established();
  EXPECT_EQ(acceptable(tcb, in("P.", 0u - 99u, 1, 101)), Acceptable::kYes);  // its last octet is 1
  EXPECT_EQ(acceptable(tcb, in("P.", 0u - 99u, 1, 100)), Acceptable::kNo);   // its last octet is 0
  EXPECT_EQ(acceptable(tcb, in("F.", 0u - 99u, 1, 100)), Acceptable::kYes);  // the FIN counts
}

// Neither end lies in the window though all of it is covered: by the letter it fails, in substance not.
TEST(Table6, ASegmentAroundTheWholeWindowMayGoEitherWay) {
  Candidate tcb = established();
  tcb.rcv_edge = tcb.rcv_far = tcb.rcv_nxt + 10;
  EXPECT_EQ(acceptable(tcb, in("P.", 0, 1, 100)), Acceptable::kEither);
}

TEST(Table6, CountsAcrossTheWrap) {
  Candidate tcb = established();
  tcb.rcv_nxt = tcb.rcv_nxt_max = RcvSeq{0xffffff00};
  tcb.rcv_edge = tcb.rcv_far = RcvSeq{0x100};
  const auto probe = [&](std::uint32_t seq) { return acceptable(tcb, Arriving{.seq = {seq}}); };
  EXPECT_EQ(probe(0xfffffeff), Acceptable::kNo);
  EXPECT_EQ(probe(0xffffff00), Acceptable::kYes);
  EXPECT_EQ(probe(0xff), Acceptable::kYes);
  EXPECT_EQ(probe(0x100), Acceptable::kNo);
}

// The window field leaves out what is less than a unit of the scale; before one was scaled nothing is known of more
// than 65535 units. A window that shrank may have been the smaller one or the greatest.
TEST(Table6, TheEdgeIsKnownUpToAUnitOfTheScale) {
  Candidate tcb = established();
  tcb.scale.peer_offered = tcb.scale.target_offered = true;
  tcb.scale.rcv_shift = 4;
  EXPECT_EQ(acceptable(tcb, in(".", 60000)), Acceptable::kEither);
  tcb.scaled_offered = true;
  EXPECT_EQ(acceptable(tcb, in(".", 10015)), Acceptable::kEither);
  EXPECT_EQ(acceptable(tcb, in(".", 10016)), Acceptable::kNo);
  tcb.rcv_far = tcb.rcv_edge + 500;
  EXPECT_EQ(acceptable(tcb, in(".", 10515)), Acceptable::kEither);
  EXPECT_EQ(acceptable(tcb, in(".", 10516)), Acceptable::kNo);
}

// Half the number space away a segment lies neither before the window nor around it.
TEST(Table6, NothingHalfTheSpaceAwayIsAcceptable) {
  EXPECT_EQ(acceptable(established(), in("P.", 1 + (1u << 31), 1, 1)), Acceptable::kNo);
  EXPECT_EQ(acceptable(established(), in("P.", (1u << 31), 1, 1)), Acceptable::kNo);
  EXPECT_EQ(acceptable(established(), in("R", 1 + (1u << 31))), Acceptable::kNo);
}

// Where it is open how far RCV.NXT has come, both ends of the doubt are in doubt.
TEST(Table6, WhatWasPerhapsTakenIsPerhapsAcceptable) {
  Candidate tcb = established();
  tcb.rcv_nxt_max = tcb.rcv_nxt + 100;
  EXPECT_EQ(acceptable(tcb, in(".", 1)), Acceptable::kEither);
  EXPECT_EQ(acceptable(tcb, in(".", 100)), Acceptable::kEither);
  EXPECT_EQ(acceptable(tcb, in(".", 101)), Acceptable::kYes);
}

// With a zero window a RST at RCV.NXT is processed even when it carries text (MUST-66).
TEST(Table6, ARstAtRcvNxtIsAcceptableAtAZeroWindow) {
  EXPECT_EQ(acceptable(at_zero_window(established()), in("R", 1, 0, 5)), Acceptable::kYes);
}

// What is not acceptable

TEST(CheckSequenceNumber, AnOldSegmentDrawsAnAckAndIsDropped) {
  for (const State state : kSynchronized) {
    const Outcomes after = arrives(in_state(state), in("P.", 0u - 499u, 1, 100));
    EXPECT_EQ(after.texts, Texts{to_string(state) + std::string(", ACK now (should)")});
    for (const Rule rule : {Rule::SA4_1_ack, Rule::SA4_1_drop, Rule::S3_5_2_unacceptable, Rule::S3_4_text_wnd}) {
      EXPECT_TRUE(after.cite(rule)) << to_string(state) << " " << id(rule);
    }
  }
}

TEST(CheckSequenceNumber, ASegmentBeyondAnyWindowDrawsAnAck) {
  const Outcomes after = arrives(established(), in("P.", 70000, 1, 100));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, ACK now (should)"});
}

// Its ACK field would be new, yet the segment lies far off: nothing of it is used.
TEST(CheckSequenceNumber, NothingOfAnUnacceptableSegmentIsUsed) {
  EXPECT_EQ(arrives(sent(established(), 50), in("FP.", 0u - 499u, 51, 100, 77)).texts,
            Texts{"ESTABLISHED, ACK now (should)"});
}

TEST(CheckSequenceNumber, BeyondTheOfferedEdgeNothingIsHeld) {
  const Outcomes after = arrives(established(), in("P.", 10001, 1, 10));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, ACK now (should)"});
  ASSERT_EQ(after.all.size(), 1u);
  EXPECT_TRUE(after.all[0].held.spans.empty());
}

// 3.5.2 (3) acknowledges whatever is not acceptable, 3.10.7.4 and RFC 5961 drop a RST in silence: beyond the window
// both are right. It resets nothing.
TEST(CheckSequenceNumber, ARstBeyondTheWindowIsDroppedOrAcknowledged) {
  const Candidate after = after_arrival(established(), in("R", 10001));
  EXPECT_EQ(silence(after).texts, Texts{"ESTABLISHED"});
  EXPECT_EQ(departs(after, out(".", 1, 1)).blamed, "");
  EXPECT_NE(departs(after_arrival(established(), in("R", 0u - 500u)), out(".", 1, 1)).blamed, "");
}

TEST(CheckSequenceNumber, AnUnacceptableRstIsDroppedInSilence) {
  for (const State state : kSynchronized) {
    for (const std::uint32_t seq : {0u - 500u, 70000u}) {
      const Outcomes after = arrives(in_state(state), in("R", seq));
      EXPECT_EQ(after.texts, Texts{to_string(state)});
      for (const Rule rule : {Rule::SA4_1_rst, Rule::SA4_2_outside, Rule::R5961_3_2_outside, Rule::S3_5_3_window}) {
        EXPECT_TRUE(after.cite(rule)) << to_string(state) << " " << id(rule);
      }
    }
  }
}

// A RST sent before the FIN that was taken meanwhile stands one before RCV.NXT: some stacks honour it.
TEST(CheckSequenceNumber, ARstJustBehindThePeersFinMayCount) {
  EXPECT_EQ(arrives(close_wait(), in("R", 1)).texts, (Texts{"CLOSE-WAIT", "CLOSED, tells reset"}));
  EXPECT_EQ(arrives(last_ack(), in("R", 1)).texts, (Texts{"LAST-ACK", "CLOSED"}));
  EXPECT_EQ(arrives(established(), in("R", 0)).texts, Texts{"ESTABLISHED"});
}

TEST(CheckSequenceNumber, SynReceivedIsCheckedToo) {
  const Outcomes after = arrives(syn_received(), in(".", 70000, 1));
  EXPECT_TRUE(after.texts.count("SYN-RECEIVED, ACK now (should)"));
  EXPECT_TRUE(after.cite(Rule::SA4_1_syn_received));
  for (const Candidate& tcb : outcomes(after)) EXPECT_EQ(tcb.state, State::kSynReceived);
}

// 3.5.2 group 2 sends a RST for an unacceptable ACK whatever SEG.SEQ is; step 1 of 3.10.7.4 sends an ACK first.
TEST(CheckSequenceNumber, InSynReceivedABadAckOutsideTheWindowHasTwoAnswers) {
  const Outcomes after = arrives(syn_received(), in(".", 70000, 99));
  EXPECT_EQ(after.texts, (Texts{"SYN-RECEIVED, ACK now (should)", "SYN-RECEIVED, RST 99"}));
}

// The peer's SYN again: a plain ACK by the letter, and a SYN,ACK again is permitted as a retransmission.
TEST(CheckSequenceNumber, TheSynAgainDrawsAnAckInSynReceived) {
  const Outcomes after = arrives(syn_received(), in("S", 0));
  ASSERT_EQ(after.texts, Texts{"SYN-RECEIVED, ACK now (should)"});
  EXPECT_EQ(departs(after.all.at(0), out("S.", 0, 1)).blamed, "");
  EXPECT_EQ(departs(after.all.at(0), out(".", 1, 1)).blamed, "");
}

// At a zero window

TEST(ZeroWindow, AProbeDrawsAnAckOrIsTaken) {
  const Outcomes after = arrives(at_zero_window(established()), in("P.", 1, 1, 1));
  EXPECT_TRUE(after.texts.count("ESTABLISHED, ACK now"));
  EXPECT_TRUE(after.may_cite(Rule::S3_8_6_1_ack));
  EXPECT_TRUE(after.may_cite(Rule::S3_4_text_wnd0));
  for (const Candidate& tcb : outcomes(after)) EXPECT_TRUE(tcb.ack_now || tcb.ack_later);
}

// No more than the octet of a probe is taken: an ACK of more breaks table 6, not the rule that text is acknowledged.
TEST(ZeroWindow, TextIsNotTaken) {
  for (const Candidate& tcb : outcomes(arrives(at_zero_window(established()), in("P.", 1, 1, 10)))) {
    EXPECT_EQ(departs(tcb, out(".", 1, 1, 0, 0)).blamed, "");
    EXPECT_NE(departs(tcb, out(".", 1, 11, 0, 0)).blamed, "");
  }
  const Outcomes after = arrives(at_zero_window(established()), in("P.", 1, 1, 10));
  const auto blames = [&](std::uint32_t ack) {
    const auto all = outcomes(after);
    return std::any_of(all.begin(), all.end(), [&](const Candidate& tcb) {
      return departs(tcb, out(".", 1, ack, 0, 0)).blamed == "S3_4_text_wnd0";
    });
  };
  EXPECT_FALSE(blames(2));
  EXPECT_TRUE(blames(3));
  EXPECT_TRUE(blames(11));
}

// A FIN takes a number (3.4), and the special allowance of step 1 names no FIN.
TEST(ZeroWindow, AFinIsNotTaken) {
  const auto blames = [](const Outcomes& after, std::uint32_t ack) {
    std::set<std::string> all;
    for (const Candidate& tcb : outcomes(after)) all.insert(departs(tcb, out(".", 1, ack, 0, 0)).blamed);
    return all;
  };
  const Outcomes alone = arrives(at_zero_window(established()), in("F.", 1, 1));
  EXPECT_TRUE(blames(alone, 1).count(""));
  EXPECT_FALSE(blames(alone, 2).count(""));
  EXPECT_TRUE(blames(alone, 2).count("S3_4_text_wnd0"));
  const Outcomes behind_a_probe = arrives(at_zero_window(established()), in("F.", 1, 1, 1));
  EXPECT_TRUE(blames(behind_a_probe, 2).count(""));
  EXPECT_FALSE(blames(behind_a_probe, 3).count(""));
  EXPECT_TRUE(blames(behind_a_probe, 3).count("S3_4_text_wnd0"));
}

// Whether the user has read meanwhile is not known in a capture, and the window may have opened without a word.
TEST(ZeroWindow, AFinMayBeTakenWhereTheUserMayHaveRead) {
  Environment env = kListening;
  env.user_known = false;
  bool taken = false;
  for (const Candidate& tcb : outcomes(arrives(at_zero_window(established()), in("F.", 1, 1), env))) {
    taken |= tcb.state == State::kCloseWait;
  }
  EXPECT_TRUE(taken);
}

// "Special allowance should be made to accept valid ACKs": a should, so leaving it out is a departure.
TEST(ZeroWindow, TheAckOfAProbeIsProcessed) {
  const Outcomes after = arrives(at_zero_window(sent(established(), 50)), in("P.", 1, 51, 1));
  EXPECT_TRUE(after.texts.count("ESTABLISHED, SND.UNA=51, ACK now"));
  EXPECT_TRUE(after.texts.count("ESTABLISHED, ACK now, without SA4_1_zero_window"));
}

TEST(ZeroWindow, APureAckAtRcvNxtIsAcceptable) {
  const Outcomes after = arrives(at_zero_window(sent(established(), 50)), in(".", 1, 51));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, SND.UNA=51"});
  EXPECT_TRUE(after.cite(Rule::S3_4_len0_wnd0));
}

TEST(ZeroWindow, ARstAtRcvNxtStillResets) {
  const Outcomes after = arrives(at_zero_window(established()), in("R", 1));
  EXPECT_EQ(after.texts, Texts{"CLOSED, tells reset"});
  EXPECT_TRUE(after.cite(Rule::MUST_66));
}

// Appendix A.2: the ACK of a segment just below the window may be used

TEST(JustBelow, ItsAckMayBeUsed) {
  const Outcomes after = arrives(sent(established(), 50), in(".", 0, 51));
  EXPECT_EQ(after.texts, (Texts{"ESTABLISHED, ACK now (should)", "ESTABLISHED, SND.UNA=51, ACK now (should)",
                                "ESTABLISHED, SND.UNA=51"}));
  EXPECT_TRUE(after.cite(Rule::SA_A2));
}

// 3.5, figure 7: the crossing SYN,ACK has SEQ = RCV.NXT-1, so by the letter step 1 drops what completes the handshake.
TEST(JustBelow, TheCrossingSynAckMayComplete) {
  const Outcomes after = arrives(syn_received(false), in("S.", 0, 1));
  EXPECT_TRUE(after.texts.count("SYN-RECEIVED, ACK now (should)"));
  EXPECT_TRUE(after.texts.count("ESTABLISHED, SND.UNA=1, ACK now (should)"));
  EXPECT_TRUE(after.texts.count("ESTABLISHED, SND.UNA=1, ACK later"));
}

// Half the sequence space away a number is neither above nor below; in a closed window there is only RCV.NXT.
TEST(Table6, HalfTheSpaceAwayIsOutside) {
  Candidate tcb = established();
  tcb.rcv_edge = tcb.rcv_far = tcb.rcv_nxt;
  EXPECT_EQ(acceptable(tcb, in("R", 0x80000001)), Acceptable::kNo);
  EXPECT_EQ(acceptable(tcb, in(".", 0x80000001, 1)), Acceptable::kNo);
}

// What straddles an edge

TEST(Straddling, OnlyTheNewPartIsProcessed) {
  const Outcomes after = arrives(established(), in("P.", 0u - 99u, 1, 150));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, RCV.NXT=51, ACK later"});
  EXPECT_TRUE(after.cite(Rule::SA4_1_trim_left));
}

// The window was 10; to take less departs.
TEST(Straddling, ThePartInsideTheWindowIsTaken) {
  Candidate tcb = established();
  tcb.rcv_edge = tcb.rcv_far = tcb.rcv_nxt + 10;
  const Outcomes after = arrives(tcb, in("P.", 1, 1, 30));
  EXPECT_EQ(after.texts,
            (Texts{"ESTABLISHED, RCV.NXT=11, ACK later", "ESTABLISHED, ACK now (should), without SA4_1_trim_right"}));
}

TEST(CheckSequenceNumber, ASegmentAcrossTheWrapIsSaidToBe) {
  Candidate tcb = established();
  tcb.rcv_nxt = tcb.rcv_nxt_max = RcvSeq{0xfffffff0};
  tcb.rcv_edge = tcb.rcv_far = RcvSeq{0x1000};
  Arriving seg = in("P.", 1, 1, 100);
  seg.seq = RcvSeq{0xfffffff0};
  const Outcomes after = arrives(tcb, seg);
  EXPECT_TRUE(after.cite(Rule::S3_4_modulo));
  EXPECT_EQ(after.all.at(0).rcv_nxt, RcvSeq{0x54});
}

}  // namespace
}  // namespace tcpassay
