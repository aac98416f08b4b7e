// SPDX-License-Identifier: Apache-2.0
// RFC 9293 section 3.10.7.4, Sixth to Eighth: urgent pointer, text and FIN; and all of it anywhere in the number space.
#include <gtest/gtest.h>

#include "models/test_tcb.h"

namespace tcpassay {
namespace {

// Sixth, check the URG bit

// The urgent octet may go another way than the stream, so it is remembered that there was one.
TEST(CheckUrgBit, UrgentTextIsTextAllTheSame) {
  Arriving seg = in("PU.", 1, 1, 10);
  seg.up = 5;
  const Outcomes after = arrives(established(), seg);
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, RCV.NXT=11, ACK later"});
  EXPECT_TRUE(after.all.at(0).up.arrived);
}

TEST(CheckUrgBit, AfterThePeersFinItIsIgnored) {
  for (const State state : {State::kCloseWait, State::kClosing, State::kLastAck, State::kTimeWait}) {
    for (const Candidate& after : outcomes(arrives(in_state(state), in("U.", 2, 1)))) EXPECT_FALSE(after.up.arrived);
  }
}

// Seventh, process the segment text

TEST(SegmentText, InSequenceItIsTakenAndAcknowledged) {
  for (const State state : {State::kEstablished, State::kFinWait1, State::kFinWait2}) {
    const Outcomes after = arrives(in_state(state), in("P.", 1, 1, 100));
    EXPECT_EQ(after.texts, Texts{to_string(state) + std::string(", RCV.NXT=101, ACK later")});
    EXPECT_TRUE(after.cite(Rule::SA4_7_deliver));
    EXPECT_EQ(after.cite(Rule::S3_6_half_close), state != State::kEstablished);
  }
}

// One acknowledgment may cover several segments; within half a second it must be there.
TEST(SegmentText, TheAcknowledgmentMayWaitHalfASecondFromTheFirst) {
  const Candidate first = arrives(established(), in("P.", 1, 1, 100)).all.at(0);
  const Candidate second = arrives(first, in("P.", 101, 1, 100), at(kNow + std::chrono::milliseconds(300))).all.at(0);
  EXPECT_EQ(second.ack_due, kNow + std::chrono::milliseconds(500));
  EXPECT_EQ(second.rcv_nxt, kIrs + 201);
}

TEST(SegmentText, TwoFullSegmentsAreAcknowledgedAtOnce) {
  const Candidate first = arrives(established(), in("P.", 1, 1, kMss)).all.at(0);
  EXPECT_FALSE(first.ack_now);
  const Outcomes after = arrives(first, in("P.", 1 + kMss, 1, kMss));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, RCV.NXT=2001, ACK now (should)"});
  EXPECT_TRUE(after.cite(Rule::SHLD_19));
}

// Where text that came with the SYN was perhaps taken, text behind it is in sequence or ahead of a gap.
TEST(SegmentText, BehindTextOfTheSynItIsPerhapsInSequence) {
  Candidate before = established();
  before.rcv_nxt_max = before.rcv_nxt + 10;
  EXPECT_EQ(arrives(before, in("P.", 11, 1, 10)).texts, Texts{"ESTABLISHED, RCV.NXT=1..21, ACK later"});
}

TEST(SegmentText, AheadOfAGapItIsHeldAndDrawsAnAck) {
  const Outcomes after = arrives(established(), in("P.", 101, 1, 100));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, ACK now (should)"});
  EXPECT_TRUE(after.cite(Rule::MAY_13));
  EXPECT_TRUE(after.cite(Rule::R5681_3_2_out_of_order));
  EXPECT_TRUE(after.all.at(0).held.spans.has({kIrs + 101, kIrs + 201}));
}

// What was held may have been dropped: the acknowledgment tells, and nothing is forked meanwhile.
TEST(SegmentText, FillingAGapTakesWhatWasHeldOrNot) {
  const Candidate gap = arrives(established(), in("P.", 101, 1, 100)).all.at(0);
  const Outcomes after = arrives(gap, in("P.", 1, 1, 100));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, RCV.NXT=101..201, ACK now (should)"});
  EXPECT_TRUE(after.cite(Rule::R5681_3_2_fill));
}

TEST(SegmentText, ManyHeldSegmentsMakeOneTcb) {
  Candidate tcb = established();
  for (std::uint32_t i = 20; i > 0; --i) {
    const Outcomes after = arrives(tcb, in("P.", 1 + 200 * i, 1, 100));
    ASSERT_EQ(after.all.size(), 1u);
    tcb = after.all.at(0);
  }
  EXPECT_TRUE(tcb.held.overflow);
}

// Of nine islands the highest is not remembered; that does not blur the first, and where it does the judge says so.
TEST(SegmentText, TheFirstIslandsStayKnown) {
  Candidate tcb = established();
  for (std::uint32_t i = 1; i <= 9; ++i) tcb = arrives(tcb, in("P.", 1 + 200 * i, 1, 100)).all[0];
  EXPECT_EQ(arrives(tcb, in("P.", 1, 1, 200)).texts, Texts{"ESTABLISHED, RCV.NXT=201..301, ACK now (should)"});
  const Candidate far = arrives(tcb, in("P.", 1, 1, 1460)).all[0];
  EXPECT_EQ(far.rcv_nxt_max, kIrs + 1501);
  EXPECT_EQ(far.limit, Limit::kNone);
  const Candidate beyond = arrives(tcb, in("P.", 341, 1, 1460)).all[0];
  EXPECT_EQ(arrives(beyond, in("P.", 1, 1, 340)).all[0].limit, Limit::kIslands);
}

// What is not remembered stays unknown until RCV.NXT has passed it, whatever the acknowledgments between tell.
TEST(SegmentText, WhatIsNotRememberedStaysUnknownUntilItIsPassed) {
  Candidate tcb = established();
  for (std::uint32_t i = 1; i <= 10; ++i) tcb = arrives(tcb, in("P.", 1 + 200 * i, 1, 100)).all[0];
  tcb = arrives(tcb, in("P.", 301, 1, 1500)).all[0];  // up to the ninth, which is not remembered
  const auto acknowledged = [&](std::uint32_t ack) { return departs(tcb, out(".", 1, ack)).all.at(0); };
  tcb = arrives(tcb, in("P.", 1, 1, 200)).all[0];
  EXPECT_EQ(tcb.rcv_nxt_max, kIrs + 2101);
  for (const std::uint32_t ack : {1801u, 1901u}) {
    tcb = acknowledged(ack);
    EXPECT_TRUE(tcb.held.overflow) << ack;
    tcb = arrives(tcb, in("P.", ack, 1, 10)).all[0];
    EXPECT_EQ(tcb.rcv_nxt_max, kIrs + 2101) << ack;
  }
  tcb = acknowledged(2101);
  EXPECT_FALSE(tcb.held.overflow);
  EXPECT_EQ(arrives(tcb, in("P.", 2101, 1, 50)).all[0].rcv_nxt_max, kIrs + 2151);
  EXPECT_TRUE(departs(tcb, out(".", 1, 2151)).all.empty());  // nothing has come that it would acknowledge
}

// Spans that touch are one.
TEST(SegmentText, HeldSpansJoin) {
  Candidate tcb = arrives(established(), in("P.", 101, 1, 100)).all.at(0);
  tcb = arrives(tcb, in("P.", 201, 1, 100)).all.at(0);
  EXPECT_EQ(tcb.held.spans.size, 1);
  EXPECT_EQ(arrives(tcb, in("P.", 1, 1, 100)).texts, Texts{"ESTABLISHED, RCV.NXT=101..301, ACK now (should)"});
}

TEST(SegmentText, AFillerShortOfTheNextHeldSpanLeavesItHeld) {
  Candidate tcb = arrives(established(), in("P.", 101, 1, 100)).all.at(0);
  tcb = arrives(tcb, in("P.", 301, 1, 100)).all.at(0);
  EXPECT_EQ(arrives(tcb, in("P.", 1, 1, 100)).texts, Texts{"ESTABLISHED, RCV.NXT=101..201, ACK now (should)"});
}

TEST(SegmentText, AfterThePeersFinItIsIgnored) {
  for (const State state : {State::kCloseWait, State::kClosing, State::kLastAck, State::kTimeWait}) {
    const Candidate before = in_state(state);
    const Outcomes after = arrives(before, in("P.", 2, before.snd_una - kIss, 100));
    EXPECT_EQ(after.texts, Texts{to_string(state)});
    // In CLOSING an ACK short of our FIN ends the matter in the fifth step.
    EXPECT_EQ(after.cite(Rule::SA4_7_late), state != State::kClosing);
  }
}

// SHLD-3: the user has left altogether, and new text would be lost without notice.
TEST(SegmentText, AfterAFullCloseItDrawsARst) {
  Candidate before = fin_wait_2();
  before.user_gone = true;
  const Outcomes after = arrives(before, in("P.", 1, 2, 100));
  EXPECT_EQ(after.texts, (Texts{"CLOSED, RST 2", "FIN-WAIT-2, RCV.NXT=101, RST 2, ACK later",
                                "FIN-WAIT-2, RCV.NXT=101, ACK later, without SHLD_3"}));
}

// Old text again is no new data.
TEST(SegmentText, OldTextAfterAFullCloseDrawsAnAck) {
  Candidate before = fin_wait_2();
  before.user_gone = true;
  EXPECT_EQ(arrives(before, in("P.", 0u - 99u, 2, 100)).texts, Texts{"FIN-WAIT-2, ACK now (should)"});
}

// Eighth, check the FIN bit

// A FIN ahead of a gap says that text was sent, and nobody is there to receive it.
TEST(CheckFinBit, AheadOfAGapAfterCloseItMayReset) {
  Candidate before = fin_wait_2();
  before.user_gone = true;
  EXPECT_TRUE(arrives(before, in("F.", 100, 2)).texts.count("CLOSED, RST 2"));
  EXPECT_FALSE(arrives(before, in("F.", 1, 2)).texts.count("CLOSED, RST 2"));
}

TEST(CheckFinBit, LeadsFromEstablishedToCloseWait) {
  const Outcomes after = arrives(established(), in("F.", 1, 1));
  EXPECT_EQ(after.texts, Texts{"CLOSE-WAIT, RCV.NXT=2, ACK later"});
  EXPECT_TRUE(after.cite(Rule::SA4_8_established));
  EXPECT_EQ(after.all.at(0).ack_rule, Rule::SA4_8_ack);
}

TEST(CheckFinBit, StandsBehindTheTextOfItsSegment) {
  EXPECT_EQ(arrives(established(), in("FP.", 1, 1, 100)).texts, Texts{"CLOSE-WAIT, RCV.NXT=102, ACK later"});
}

TEST(CheckFinBit, WithTheAckOfOurSynLeadsToCloseWait) {
  const Outcomes after = arrives(syn_received(), in("F.", 1, 1));
  EXPECT_EQ(after.texts, Texts{"CLOSE-WAIT, SND.UNA=1, RCV.NXT=2, ACK later"});
  EXPECT_TRUE(after.cite(Rule::SA4_8_syn_received));
}

TEST(CheckFinBit, LeadsFromFinWait1ToClosing) {
  const Outcomes after = arrives(fin_wait_1(), in("F.", 1, 1));
  EXPECT_EQ(after.texts, Texts{"CLOSING, RCV.NXT=2, ACK later"});
  EXPECT_TRUE(after.cite(Rule::SA4_8_fin_wait_1));
}

// Figure 5, note 2.
TEST(CheckFinBit, WithTheAckOfOurFinLeadsFromFinWait1ToTimeWait) {
  const Outcomes after = arrives(fin_wait_1(), in("F.", 1, 2));
  EXPECT_EQ(after.texts, Texts{"TIME-WAIT, SND.UNA=2, RCV.NXT=2, ACK later"});
  EXPECT_TRUE(after.cite(Rule::SA4_8_fin_wait_1_acked));
}

TEST(CheckFinBit, LeadsFromFinWait2ToTimeWait) {
  const Outcomes after = arrives(fin_wait_2(), in("F.", 1, 2));
  EXPECT_EQ(after.texts, Texts{"TIME-WAIT, RCV.NXT=2, ACK later"});
  EXPECT_TRUE(after.cite(Rule::SA4_8_fin_wait_2));
  EXPECT_EQ(after.all.at(0).time_wait.from, kNow + 2 * kListening.msl);
}

// Beyond the first FIN: it stands in the window, and leaves the state as it is.
TEST(CheckFinBit, AnotherFinChangesNothing) {
  for (const State state : {State::kCloseWait, State::kClosing, State::kLastAck, State::kTimeWait}) {
    const Candidate before = in_state(state);
    const Outcomes after = arrives(before, in("F.", 2, before.snd_una - kIss));
    EXPECT_EQ(after.texts, Texts{to_string(state)});
  }
}

TEST(CheckFinBit, TheSameFinAgainIsAcknowledged) {
  for (const State state : {State::kCloseWait, State::kClosing, State::kLastAck}) {
    const Candidate before = in_state(state);
    const Outcomes after = arrives(before, in("F.", 1, before.snd_una - kIss));
    EXPECT_EQ(after.texts, Texts{to_string(state) + std::string(", ACK now (should)")});
    EXPECT_TRUE(after.cite(Rule::SA4_8_stay));
  }
}

TEST(CheckFinBit, AheadOfAGapItTakesEffectOnlyInSequence) {
  const Outcomes after = arrives(established(), in("FP.", 101, 1, 100));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, ACK now (should)"});
  EXPECT_TRUE(after.cite(Rule::SA4_1_hold_fin));
  EXPECT_EQ(arrives(established(), in("F.", 101, 1)).texts, Texts{"ESTABLISHED, ACK now (should)"});
}

// The gap is filled: the FIN was kept, as it should be, or it was not.
TEST(CheckFinBit, WhenTheGapIsFilledAHeldFinIsTaken) {
  const Candidate gap = arrives(established(), in("FP.", 101, 1, 100)).all.at(0);
  EXPECT_EQ(arrives(gap, in("P.", 1, 1, 100)).texts,
            (Texts{"CLOSE-WAIT, RCV.NXT=202, ACK now (should)",
                   "ESTABLISHED, RCV.NXT=101..201, ACK now (should), without SHLD_31"}));
}

// A peer that contradicts itself: its FIN stands at 11, yet it fills the gap with octets beyond. A target that has not
// held the FIN takes 20 octets (3.10.7.4, Seventh); the bounds of RCV.NXT are then 21 and 11, and refuse every ACK.
TEST(CheckFinBit, TextBeyondAHeldFinMayBeTaken) {
  const Outcomes after = arrives(arrives(established(), in("F.", 11, 1)).all.at(0), in("P.", 1, 1, 20));
  bool permitted = false;
  for (const Candidate& tcb : outcomes(after)) {
    EXPECT_LE(tcb.rcv_nxt, tcb.rcv_nxt_max);
    permitted |= departs(tcb, out(".", 1, 21)).blamed.empty();
  }
  EXPECT_TRUE(permitted);
}

// The window ends before the FIN, which should be trimmed and left to its retransmission.
TEST(CheckFinBit, AtTheRightEdgeOfTheWindowItShouldBeLeft) {
  Candidate before = established();
  before.rcv_edge = before.rcv_far = before.rcv_nxt + 100;
  EXPECT_EQ(
      arrives(before, in("FP.", 1, 1, 100)).texts,
      (Texts{"CLOSE-WAIT, RCV.NXT=102, ACK later, without SA4_1_trim_right", "ESTABLISHED, RCV.NXT=101, ACK later"}));
}

// 3.4: all arithmetic is modulo 2^32, so what a segment does depends on distances alone.
Candidate moved(Candidate tcb, std::uint32_t snd, std::uint32_t rcv) {
  for (SndSeq* seq : {&tcb.iss, &tcb.snd_una, &tcb.snd_nxt, &tcb.snd_wl2, &tcb.snd_end}) *seq = *seq + snd;
  for (RcvSeq* seq : {&tcb.irs, &tcb.rcv_nxt, &tcb.rcv_nxt_max, &tcb.snd_wl1, &tcb.snd_wl1_least, &tcb.rcv_edge,
                      &tcb.rcv_far, &tcb.peer_end, &tcb.rcv_acked, &tcb.rcv_user, &tcb.user_at_offer, &tcb.fin_seq,
                      &tcb.syn_text_end, &tcb.held.top}) {
    *seq = *seq + rcv;
  }
  return tcb;
}

Texts when_moved(const Candidate& before, Arriving seg, std::uint32_t snd, std::uint32_t rcv) {
  seg.seq = seg.seq + rcv;
  seg.ack = seg.ack + snd;
  const Outcomes after = arrives(moved(before, snd, rcv), seg);
  Texts texts;
  for (Candidate tcb : outcomes(after)) {
    Candidate back = moved(tcb, 0u - snd, 0u - rcv);
    if (back.reply.form == Reply::Form::kRstAck) back.reply.ack = back.reply.ack - rcv;
    back.reply.seq = back.reply.seq - snd;
    back.reply.other = back.reply.other - snd;
    texts.insert(change(before, back));
  }
  return texts;
}

TEST(Modulo, WhatASegmentDoesDoesNotDependOnWhereTheNumbersStand) {
  for (const State state : kSynchronized) {
    for (const char* flags : {"", ".", "P.", "F.", "FP.", "S", "S.", "R", "R."}) {
      for (const std::uint32_t seq : {0u - 50u, 0u, 1u, 2u, 30u, 9990u, 10001u, 70000u}) {
        for (const std::uint32_t ack : {0u, 1u, 2u, 3u}) {
          const Arriving seg = in(flags, seq, ack, std::string_view(flags).find('P') == 0 ? 40 : 0);
          const Texts here = when_moved(in_state(state), seg, 0, 0);
          for (const std::uint32_t by : {0u - 1000u, 0u - 5001u, 0u - 5030u, 0x7fffffffu, 0x80000000u, 0xc0000000u}) {
            EXPECT_EQ(when_moved(in_state(state), seg, by, by), here)
                << to_string(state) << " " << flags << " seq " << static_cast<int>(seq) << " ack " << ack << " +" << by;
          }
        }
      }
    }
  }
}

// 3.8.6.1: a receiver whose window is zero answers a probe, whether it takes the octet or not. A window that the user's
// reading may have opened without a word leaves the time of a delayed ACK.
TEST(ProcessText, AProbeAtAZeroWindowIsAnswered) {
  Candidate full = after_arrival(established(), in("P.", 1, 1, kRcvWnd));
  full = after_departure(full, out(".", 1, 1 + kRcvWnd, 0, 0));
  const Arriving probe = in("P.", 1 + kRcvWnd, 1, 1);
  EXPECT_EQ(silence(after_arrival(full, probe)).blamed, "S3_8_6_1_ack");
  Candidate read = full;
  read.rcv_user = read.rcv_nxt;
  bool may_wait = false;
  for (const Candidate& tcb : arrives(read, probe).all) may_wait = may_wait || silence(tcb).blamed.empty();
  EXPECT_TRUE(may_wait);
}

// Before its first ACK the target's window is not known. The seventh and the eighth step compare with rcv_edge all the
// same, which is 0 on the wire then, so that how strictly they judge depends on the peer's ISS (3.4: modulo 2^32).
TEST(Modulo, NorBeforeAWindowWasAcknowledged) {
  const auto after_open = [](Arriving seg, std::uint32_t by) {
    Arriving syn = in("S.", 0, 1);
    syn.seq = syn.seq + by;
    Candidate opened = arrives(syn_sent(), syn).all.at(0);
    seg.seq = seg.seq + by;
    Texts texts;
    for (const Candidate& tcb : outcomes(arrives(opened, seg)))
      texts.insert(change(moved(opened, 0, 0u - by), moved(tcb, 0, 0u - by)));
    return texts;
  };
  for (const char* flags : {".", "P.", "F.", "FP.", "R"}) {
    const Arriving seg = in(flags, 1, 1, std::string_view(flags).find('P') == std::string_view::npos ? 0 : 40);
    for (const std::uint32_t by : {0x40000000u, 0x80000000u, 0xc0000000u, 0u - 5001u}) {
      EXPECT_EQ(after_open(seg, by), after_open(seg, 0)) << flags << " by " << by;
    }
  }
}

}  // namespace
}  // namespace tcpassay
