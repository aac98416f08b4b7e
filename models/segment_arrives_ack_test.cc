// SPDX-License-Identifier: Apache-2.0
// RFC 9293 section 3.10.7.4, Fifth: check the ACK field; and 3.10.8, what only time brings.
#include <gtest/gtest.h>

#include "models/test_tcb.h"

namespace tcpassay {
namespace {

using enum Trait;

TEST(CheckAckField, WithoutAckASegmentIsDropped) {
  for (const State state : kSynchronized) {
    const Candidate before = in_state(state);
    const Outcomes after = arrives(before, in("P", before.rcv_nxt - kIrs, 0, 10));
    EXPECT_EQ(after.texts, Texts{to_string(state)});
    EXPECT_TRUE(after.cite(Rule::SA4_5_off)) << to_string(state);
  }
}

TEST(CheckAckField, WithoutAckAFinIsDropped) {
  EXPECT_EQ(arrives(established(), in("F", 1)).texts, Texts{"ESTABLISHED"});
  EXPECT_EQ(arrives(syn_received(), in("F", 1)).texts, Texts{"SYN-RECEIVED"});
}

// SYN-RECEIVED

TEST(CheckAckField, TheAckOfOurSynEstablishes) {
  const Outcomes after = arrives(syn_received(), in(".", 1, 1, 0, 4000));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, SND.UNA=1, SND.WND=4000"});
  EXPECT_TRUE(after.cite(Rule::SA4_5_synrcvd_ok));
  EXPECT_EQ(after.all.at(0).snd_wl1, kIrs + 1);
  EXPECT_EQ(after.all.at(0).snd_wl2, kIss + 1);
}

TEST(CheckAckField, TheAckAfterASimultaneousOpenEstablishes) {
  const Outcomes after = arrives(syn_received(false), in(".", 1, 1));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, SND.UNA=1"});
  EXPECT_TRUE(after.cite(Rule::MUST_10));
}

TEST(CheckAckField, TextWithTheAckOfOurSynIsTaken) {
  EXPECT_EQ(arrives(syn_received(), in("P.", 1, 1, 10)).texts, Texts{"ESTABLISHED, SND.UNA=1, RCV.NXT=11, ACK later"});
}

// <SEQ=SEG.ACK><CTL=RST>, or an ACK where the range check of RFC 5961 comes first; the state stays.
TEST(CheckAckField, ABadAckInSynReceivedDrawsARstOrAnAck) {
  for (const std::uint32_t ack : {0u, 2u, 100u}) {
    const Outcomes after = arrives(syn_received(), in(".", 1, ack));
    EXPECT_EQ(after.texts, (Texts{"SYN-RECEIVED, RST " + std::to_string(ack), "SYN-RECEIVED, ACK now"})) << ack;
    EXPECT_TRUE(after.cite(Rule::SA4_5_synrcvd_bad));
    EXPECT_TRUE(after.may_cite(Rule::S3_5_2_same_state));
  }
}

TEST(CheckAckField, WhatCameWithTheSynMayBeTakenOnceEstablished) {
  Candidate before = syn_received();
  before.syn_text_end = kIrs + 11;  // and the SYN,ACK acknowledged the SYN alone
  EXPECT_EQ(arrives(before, in(".", 1, 1)).texts, Texts{"ESTABLISHED, SND.UNA=1, RCV.NXT=1..11"});
}

// CLOSE in SYN-RECEIVED had been queued.
TEST(CheckAckField, AQueuedCloseLeadsOnToFinWait1) {
  Candidate before = syn_received();
  before.fin_queued = true;
  const Outcomes after = arrives(before, in(".", 1, 1));
  EXPECT_EQ(after.texts, Texts{"FIN-WAIT-1, SND.UNA=1"});
  EXPECT_TRUE(after.cite(Rule::S3_10_4_syn_received));
  EXPECT_TRUE(after.all.at(0).send_pending);
}

TEST(CheckAckField, WithoutRoomTheAckMayBeIgnored) {
  Environment env = kListening;
  env.backlog_full = true;
  EXPECT_EQ(arrives(syn_received(), in(".", 1, 1), env).texts, (Texts{"ESTABLISHED, SND.UNA=1", "SYN-RECEIVED"}));
}

// ESTABLISHED

TEST(CheckAckField, ANewAckAdvancesSndUna) {
  const Outcomes after = arrives(sent(established(), 100), in(".", 1, 61));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, SND.UNA=61"});
  EXPECT_TRUE(after.cite(Rule::SA4_5_new));
  EXPECT_EQ(arrives(sent(established(), 100), in(".", 1, 101)).texts, Texts{"ESTABLISHED, SND.UNA=101"});
}

TEST(CheckAckField, ADuplicateIsIgnored) {
  const Outcomes after = arrives(sent(established(), 100), in(".", 1, 1));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED"});
  EXPECT_TRUE(after.cite(Rule::SA4_5_duplicate));
}

// The text beside an old ACK is taken all the same.
TEST(CheckAckField, TextBesideADuplicateIsTaken) {
  Candidate before = sent(established(), 100);
  before.snd_una = kIss + 101;
  EXPECT_EQ(arrives(before, in("P.", 1, 41, 10)).texts, Texts{"ESTABLISHED, RCV.NXT=11, ACK later"});
}

TEST(CheckAckField, AnAckOfSomethingNotSentDrawsAnAckAndIsDropped) {
  for (const State state : kSynchronized) {
    const Candidate before = in_state(state);
    const Outcomes after = arrives(before, in("P.", before.rcv_nxt - kIrs, before.snd_nxt - kIss + 1, 10));
    EXPECT_EQ(after.texts, Texts{to_string(state) + std::string(", ACK now")});
    EXPECT_TRUE(after.cite(Rule::SA4_5_unsent)) << to_string(state);
  }
}

// Its window is not used either.
TEST(CheckAckField, TheWindowOfAnAckOfSomethingNotSentIsNotUsed) {
  EXPECT_EQ(arrives(sent(established(), 100), in(".", 1, 102, 0, 77)).texts, Texts{"ESTABLISHED, ACK now"});
}

// The send window

TEST(SendWindow, IsTakenFromANewerSegment) {
  const Outcomes after = arrives(sent(established(), 100), in(".", 1, 101, 0, 9000));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, SND.UNA=101, SND.WND=9000"});
  EXPECT_TRUE(after.cite(Rule::SA4_5_window));
}

// SEG.ACK = SND.UNA updates too: an erratum of RFC 793 that RFC 1122 mended.
TEST(SendWindow, IsTakenFromADuplicate) {
  EXPECT_EQ(arrives(established(), in(".", 1, 1, 0, 9000)).texts, Texts{"ESTABLISHED, SND.WND=9000"});
}

// SND.WL1 = SEG.SEQ and SND.WL2 =< SEG.ACK.
TEST(SendWindow, OfTheSameSeqTheLaterAckDecides) {
  Candidate before = sent(established(), 100);
  before.snd_una = before.snd_wl2 = kIss + 51;
  EXPECT_EQ(arrives(before, in(".", 1, 51, 0, 9000)).all.at(0).snd_wnd, 9000u);
  EXPECT_EQ(arrives(before, in(".", 1, 50, 0, 9000)).all.at(0).snd_wnd, kSndWnd);
}

// SND.WL1 > SEG.SEQ: the segment is older than the last that gave a window, though its ACK is current.
TEST(SendWindow, IsNotTakenFromAnOlderSegment) {
  Candidate before = sent(established(), 100);
  before.snd_wl1 = before.snd_wl1_least = kIrs + 500;
  const Outcomes after = arrives(before, in(".", 1, 101, 0, 9000));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, SND.UNA=101"});
  EXPECT_TRUE(after.cite(Rule::SA4_5_window_old));
}

// SHLD-31: what is ahead of a gap should be held for later. Its window may be, too: then a segment below it is not old.
TEST(SendWindow, OfASegmentAheadOfAGapMayBeHeldBack) {
  const Outcomes ahead = arrives(sent(established(), 100), in(".", 501, 1, 0, 9000));
  EXPECT_EQ(ahead.texts, (Texts{"ESTABLISHED", "ESTABLISHED, SND.WND=9000"}));
  const Candidate same = arrives(sent(established(), 100), in(".", 501, 1)).all.at(0);
  EXPECT_EQ(arrives(same, in(".", 1, 101, 0, 9000)).texts,
            (Texts{"ESTABLISHED, SND.UNA=101", "ESTABLISHED, SND.UNA=101, SND.WND=9000"}));
}

TEST(SendWindow, MayShrinkBelowWhatWasSent) {
  const Outcomes after = arrives(sent(established(), 1000), in(".", 1, 1, 0, 100));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, SND.WND=100"});
  EXPECT_TRUE(after.cite(Rule::MUST_34));
}

// MAX.SND.WND is the largest ever seen (RFC 5961 section 5).
TEST(SendWindow, TheLargestIsRemembered) {
  const Candidate after =
      arrives(arrives(established(), in(".", 1, 1, 0, 9000)).all.at(0), in(".", 1, 1, 0, 10)).all.at(0);
  EXPECT_EQ(after.max_snd_wnd, 9000u);
}

TEST(SendWindow, AnAnsweredProbeKeepsTheConnection) {
  Candidate before = offered(given(established(), 100), 0);
  before.rexmits = 5;
  const Outcomes after = arrives(before, in(".", 1, 1, 0, 0), at(std::chrono::hours(1)));
  EXPECT_TRUE(after.cite(Rule::MUST_37));
  EXPECT_EQ(after.all.at(0).sent_at, std::chrono::hours(1));
}

// RFC 5961 section 5: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT

TEST(AckRange, AFarOldAckIsRefusedWhereItIsChecked) {
  const std::uint32_t old = 1u - 0x50000000u;
  const Outcomes after = arrives(established(), in("P.", 1, old, 10));
  EXPECT_EQ(after.texts, (Texts{"ESTABLISHED, ACK now", "ESTABLISHED, RCV.NXT=11, ACK later"}));
  EXPECT_TRUE(after.cite(Rule::MAY_12));
  EXPECT_TRUE(after.may_cite(Rule::R5961_5_2_range));
  EXPECT_TRUE(after.may_cite(Rule::R5961_5_2_ack));
}

TEST(AckRange, AStackThatChecksGoesOnChecking) {
  const std::uint32_t old = 1u - 0x50000000u;
  EXPECT_EQ(arrives(with_trait(established(), kChecksAckRange, true), in("P.", 1, old, 10)).texts,
            Texts{"ESTABLISHED, ACK now"});
  EXPECT_EQ(arrives(with_trait(established(), kChecksAckRange, false), in("P.", 1, old, 10)).texts,
            Texts{"ESTABLISHED, RCV.NXT=11, ACK later"});
}

// MAX.SND.WND is the target's own view, so just below it a stack that checks may still accept.
TEST(AckRange, JustBelowTheLargestWindowBothAnswersAreRight) {
  const Outcomes after = arrives(with_trait(established(), kChecksAckRange, true), in("P.", 1, 1u - 9000u, 10));
  EXPECT_EQ(after.texts, (Texts{"ESTABLISHED, ACK now", "ESTABLISHED, RCV.NXT=11, ACK later"}));
}

TEST(AckRange, WithinTheLargestWindowAnOldAckIsADuplicate) {
  Candidate before = with_trait(sent(established(), 20000), kChecksAckRange, true);
  before.snd_una = kIss + 20001;
  EXPECT_EQ(arrives(before, in("P.", 1, 20001 - kSndWnd, 10)).texts, Texts{"ESTABLISHED, RCV.NXT=11, ACK later"});
}

// Exactly half the number space away an ACK is as old as it is unsent. What it is not is new (3.10.7.4, Fifth: SND.UNA
// < SEG.ACK =< SND.NXT), yet SND.UNA goes there, beyond SND.NXT, since each comparison alone holds.
TEST(AckRange, HalfTheSpaceAwayItIsOldOrUnsent) {
  const Outcomes after = arrives(with_trait(established(), kChecksAckRange, false), in("P.", 1, 0x80000001u, 10));
  EXPECT_EQ(after.texts, (Texts{"ESTABLISHED, ACK now", "ESTABLISHED, RCV.NXT=11, ACK later"}));
}

// FIN-WAIT-1 to TIME-WAIT

TEST(CheckAckField, TheAckOfOurFinLeadsToFinWait2) {
  const Outcomes after = arrives(fin_wait_1(), in(".", 1, 2));
  EXPECT_EQ(after.texts, Texts{"FIN-WAIT-2, SND.UNA=2"});
  EXPECT_TRUE(after.cite(Rule::SA4_5_fin_wait_1));
}

TEST(CheckAckField, AnAckShortOfOurFinStaysInFinWait1) {
  EXPECT_EQ(arrives(fin_wait_1(sent(established(), 100)), in(".", 1, 101)).texts, Texts{"FIN-WAIT-1, SND.UNA=101"});
}

TEST(CheckAckField, FinWait2KeepsTheTcb) {
  const Outcomes after = arrives(fin_wait_2(), in(".", 1, 2, 0, 500));
  EXPECT_EQ(after.texts, Texts{"FIN-WAIT-2, SND.WND=500"});
  EXPECT_TRUE(after.cite(Rule::SA4_5_fin_wait_2));
}

TEST(CheckAckField, CloseWaitIsLikeEstablished) {
  const Outcomes after = arrives(sent(close_wait(), 100), in(".", 2, 61, 0, 500));
  EXPECT_EQ(after.texts, Texts{"CLOSE-WAIT, SND.UNA=61, SND.WND=500"});
  EXPECT_TRUE(after.cite(Rule::SA4_5_close_wait));
}

TEST(CheckAckField, TheAckOfOurFinLeadsFromClosingToTimeWait) {
  const Outcomes after = arrives(closing(), in(".", 2, 2));
  EXPECT_EQ(after.texts, Texts{"TIME-WAIT, SND.UNA=2"});
  EXPECT_TRUE(after.cite(Rule::SA4_5_closing));
}

TEST(CheckAckField, AnyOtherAckIsIgnoredInClosing) {
  const Outcomes after = arrives(closing(), in(".", 2, 1));
  EXPECT_EQ(after.texts, Texts{"CLOSING"});
  EXPECT_TRUE(after.cite(Rule::SA4_5_closing));
}

TEST(CheckAckField, TheAckOfOurFinEndsLastAck) {
  const Outcomes after = arrives(last_ack(), in(".", 2, 2));
  EXPECT_EQ(after.texts, Texts{"CLOSED"});
  EXPECT_TRUE(after.cite(Rule::SA4_5_last_ack));
  EXPECT_EQ(arrives(last_ack(), in(".", 2, 1)).texts, Texts{"LAST-ACK"});
}

// Step 1 acknowledges the FIN and drops it, steps 5 and 8 would restart the timer: the end lies between both readings.
TEST(CheckAckField, InTimeWaitTheFinAgainIsAcknowledged) {
  const Outcomes after = arrives(time_wait(), in("F.", 1, 2), at(std::chrono::minutes(1)));
  EXPECT_EQ(after.texts, Texts{"TIME-WAIT, ACK now"});
  EXPECT_TRUE(after.cite(Rule::SA4_5_time_wait));
  EXPECT_TRUE(after.cite(Rule::SA4_8_time_wait));
  EXPECT_EQ(after.all.at(0).time_wait.from, std::chrono::minutes(4));
  EXPECT_GT(after.all.at(0).time_wait.to, std::chrono::minutes(5));
}

TEST(CheckAckField, InTimeWaitAnotherFinMayRestartTheTimerOrNot) {
  for (const Arriving& fin : {in("F", 1), in("F.", 0, 2), in("F.", 1, 1)}) {
    EXPECT_EQ(arrives(time_wait(), fin, at(std::chrono::minutes(1))).all.at(0).time_wait.from, std::chrono::minutes(4));
  }
}

TEST(CheckAckField, AnAckInTimeWaitChangesNothing) {
  EXPECT_EQ(arrives(time_wait(), in(".", 2, 2)).texts, Texts{"TIME-WAIT"});
}

// 3.10.8. Timeouts

TEST(TimePasses, TimeWaitLastsTwoMsl) {
  Candidate before = arrives(closing(), in(".", 2, 2)).all.at(0);
  EXPECT_FALSE(time_matters(before, at(kNow + std::chrono::seconds(239))));
  EXPECT_TRUE(time_matters(before, at(kNow + std::chrono::seconds(240))));
}

TEST(TimePasses, TimeWaitMayEndAndThenMustHave) {
  EXPECT_EQ(time_goes_by(time_wait(), at(std::chrono::seconds(270))).texts, (Texts{"TIME-WAIT", "CLOSED"}));
  const Outcomes after = time_goes_by(time_wait(), at(std::chrono::seconds(301)));
  EXPECT_EQ(after.texts, Texts{"CLOSED"});
  EXPECT_TRUE(after.cite(Rule::SA8_time_wait));
}

// R2 for text is at least 100 s; a RST may tell the peer.
TEST(TimePasses, UnacknowledgedTextMayEndTheConnection) {
  const Candidate before = sent(established(), 100);
  EXPECT_FALSE(time_matters(before, at(std::chrono::seconds(99))));
  EXPECT_TRUE(time_matters(before, at(std::chrono::seconds(100))));
  EXPECT_EQ(time_goes_by(before, at(std::chrono::seconds(100))).texts,
            (Texts{"ESTABLISHED", "CLOSED, RST 101 or 1 (may), tells timed out"}));
}

TEST(TimePasses, ASynIsNotGivenUpBeforeThreeMinutes) {
  EXPECT_FALSE(time_matters(syn_sent(), at(std::chrono::seconds(179))));
  const Outcomes after = time_goes_by(syn_sent(), at(std::chrono::seconds(180)));
  EXPECT_EQ(after.texts, (Texts{"SYN-SENT", "CLOSED, RST 1 or 0 (may), tells timed out"}));
  EXPECT_TRUE(after.may_cite(Rule::MUST_23));
}

TEST(TimePasses, TheUserMaySetTheTimeout) {
  Candidate before = sent(established(), 100);
  before.user_timeout = std::chrono::seconds(5);
  EXPECT_TRUE(time_matters(before, at(std::chrono::seconds(5))));
  EXPECT_TRUE(time_goes_by(before, at(std::chrono::seconds(5))).may_cite(Rule::MUST_21));
}

TEST(TimePasses, AnIdleConnectionStaysForEver) {
  EXPECT_FALSE(time_matters(established(), at(std::chrono::hours(1000))));
  EXPECT_FALSE(time_matters(fin_wait_2(), at(std::chrono::hours(1000))));
  EXPECT_FALSE(time_matters(close_wait(), at(std::chrono::hours(1000))));
}

// Once its user is gone, stacks give FIN-WAIT-2 up; the RFC does not say when.
TEST(TimePasses, FinWait2WithoutAUserMayEnd) {
  Candidate before = fin_wait_2();
  before.user_gone = true;
  EXPECT_TRUE(time_matters(before, at(std::chrono::seconds(20))));
  EXPECT_EQ(time_goes_by(before, at(std::chrono::seconds(20))).texts, (Texts{"FIN-WAIT-2", "CLOSED"}));
}

}  // namespace
}  // namespace tcpassay
