// SPDX-License-Identifier: Apache-2.0
// RFC 9293 section 3.10.7.4, Second and Fourth: a RST or a SYN that lies in the window.
#include <gtest/gtest.h>

#include "models/test_trace.h"

namespace tcpassay {
namespace {

using enum Trait;

// Second, check the RST bit

// A RST exactly at RCV.NXT resets, whether or not the stack follows RFC 5961.
TEST(CheckRstBit, AtRcvNxtItResetsAnOpenConnection) {
  for (const State state : {State::kEstablished, State::kFinWait1, State::kCloseWait}) {
    const Candidate before = in_state(state);
    const Outcomes after = arrives(before, in("R", before.rcv_nxt - kIrs));
    EXPECT_EQ(after.texts, Texts{"CLOSED, tells reset"}) << to_string(state);
    for (const Rule rule : {Rule::SA4_2_exact, Rule::SA4_2_established, Rule::R5961_3_2_exact}) {
      EXPECT_TRUE(after.cite(rule)) << to_string(state) << " " << id(rule);
    }
  }
}

TEST(CheckRstBit, AtRcvNxtItResetsFinWait2) {
  EXPECT_EQ(arrives(fin_wait_2(), in("R", 1)).texts, Texts{"CLOSED, tells reset"});
}

// The user is done with these: the TCB goes without a signal.
TEST(CheckRstBit, AtRcvNxtItEndsAClosingConnection) {
  for (const Candidate& before : {closing(), last_ack()}) {
    const Outcomes after = arrives(before, in("R", 2));
    EXPECT_EQ(after.texts, Texts{"CLOSED"});
    EXPECT_TRUE(after.cite(Rule::SA4_2_closing));
  }
}

// 3.10.7.4 closes; RFC 1337 F1 ignores the RST, and both are right.
TEST(CheckRstBit, InTimeWaitItMayBeIgnored) {
  const Outcomes after = arrives(time_wait(), in("R", 2));
  EXPECT_EQ(after.texts, (Texts{"CLOSED", "TIME-WAIT"}));
  EXPECT_TRUE(after.cite(Rule::R1337_3_F1));
}

TEST(CheckRstBit, AfterAPassiveOpenItLeadsBackToListen) {
  const Outcomes after = arrives(syn_received(true), in("R", 1));
  EXPECT_EQ(after.texts, Texts{"LISTEN"});
  EXPECT_TRUE(after.cite(Rule::SA4_2_passive));
  EXPECT_TRUE(after.cite(Rule::MUST_11));
}

TEST(CheckRstBit, AfterAPassiveOpenWhoseListenerIsGoneItLeadsToClosed) {
  EXPECT_EQ(arrives(syn_received(true), in("R", 1), kNobody).texts, Texts{"CLOSED"});
}

TEST(CheckRstBit, AfterAnActiveOpenItMeansRefused) {
  const Outcomes after = arrives(syn_received(false), in("R", 1));
  EXPECT_EQ(after.texts, Texts{"CLOSED, tells refused"});
  EXPECT_TRUE(after.cite(Rule::SA4_2_active));
  EXPECT_TRUE(after.cite(Rule::MUST_11));
}

// The ACK of a RST is not looked at, and a RST is never answered by a RST.
TEST(CheckRstBit, ItsAckDoesNotMatter) {
  for (const std::uint32_t ack : {0u, 1u, 5000u}) {
    const Outcomes after = arrives(established(), in("R.", 1, ack));
    EXPECT_EQ(after.texts, Texts{"CLOSED, tells reset"}) << ack;
    EXPECT_TRUE(after.cite(Rule::S3_5_2_rst_on_rst));
  }
}

TEST(CheckRstBit, TextOnItChangesNothing) {
  const Outcomes after = arrives(established(), in("R", 1, 0, 20));
  EXPECT_EQ(after.texts, Texts{"CLOSED, tells reset"});
  EXPECT_TRUE(after.cite(Rule::SHLD_2));
}

// The RST bit is looked at before the SYN and FIN bits.
TEST(CheckRstBit, SynAndFinBesideItDoNotMatter) {
  EXPECT_EQ(arrives(established(), in("RF", 1)).texts, Texts{"CLOSED, tells reset"});
  EXPECT_EQ(arrives(established(), in("SR", 1)).texts, Texts{"CLOSED, tells reset"});
}

// What is queued to be sent is flushed: after a reset nothing is owed.
TEST(CheckRstBit, NothingIsOwedAfterAReset) {
  Candidate before = sent(established(), 100);
  before.ack_later = before.send_pending = true;
  const Candidate after = arrives(before, in("R", 1)).all.at(0);
  EXPECT_FALSE(after.ack_later || after.ack_now || after.send_pending);
  EXPECT_EQ(departs(after, out("P.", 1, 1, 100)).blamed, "SA4_2_established");
}

// RFC 5961 section 3, for stacks that follow it.
TEST(CheckRstBit, ElsewhereInTheWindowItIsChallengedOrResets) {
  for (const State state : {State::kEstablished, State::kFinWait1, State::kFinWait2, State::kCloseWait}) {
    const Outcomes after = arrives(in_state(state), in("R", 500));
    EXPECT_EQ(after.texts,
              (Texts{to_string(state) + std::string(", ACK now"), "CLOSED, tells reset, without R5961_3_2_scope"}));
    EXPECT_TRUE(after.may_cite(Rule::SA4_2_inexact));
    EXPECT_TRUE(after.may_cite(Rule::R5961_3_2_inexact));
  }
}

TEST(CheckRstBit, AStackThatChallengesGoesOnChallenging) {
  EXPECT_EQ(arrives(with_trait(established(), kChallengesRst, true), in("R", 500)).texts,
            Texts{"ESTABLISHED, ACK now"});
}

TEST(CheckRstBit, AStackThatDoesNotGoesOnResetting) {
  EXPECT_EQ(arrives(with_trait(established(), kChallengesRst, false), in("R", 500)).texts,
            Texts{"CLOSED, tells reset, without R5961_3_2_scope"});
}

TEST(CheckRstBit, TheAnswerToOneInexactRstIsRemembered) {
  for (const Candidate& after : outcomes(arrives(established(), in("R", 500)))) {
    const auto trait = after.traits[static_cast<std::size_t>(kChallengesRst)];
    EXPECT_EQ(trait, after.state == State::kEstablished ? 1 : -1);
  }
}

TEST(CheckRstBit, InSynReceivedAnInexactOneIsChallengedToo) {
  EXPECT_EQ(arrives(with_trait(syn_received(), kChallengesRst, true), in("R", 500)).texts,
            Texts{"SYN-RECEIVED, ACK now"});
  EXPECT_EQ(arrives(with_trait(syn_received(), kChallengesRst, false), in("R", 500)).texts,
            Texts{"LISTEN, without R5961_3_2_scope"});
}

TEST(CheckRstBit, AfterTheChallengeItIsDropped) {
  const Outcomes after = arrives(with_trait(established(), kChallengesRst, true), in("R", 500, 0, 20));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, ACK now"});
  EXPECT_TRUE(after.cite(Rule::R5961_3_2_drop));
}

// Where RCV.NXT stands is open (text on a SYN, text that had been held), so is whether the RST is exact.
TEST(CheckRstBit, WhereRcvNxtIsOpenBothAnswersAreRight) {
  Candidate before = with_trait(established(), kChallengesRst, true);
  before.rcv_nxt_max = before.rcv_nxt + 100;
  for (const std::uint32_t seq : {1u, 101u}) {
    const Outcomes after = arrives(before, in("R", seq));
    EXPECT_TRUE(after.texts.count("ESTABLISHED, ACK now")) << seq;
    EXPECT_TRUE(after.texts.count("CLOSED, tells reset")) << seq;
  }
}

// RFC 5961 section 7: the first is answered; soon after the answer may be left out, and later it may not.
TEST(CheckRstBit, RepeatedChallengesMayBeThrottled) {
  const Candidate first = arrives(with_trait(established(), kChallengesRst, true), in("R", 500)).all.at(0);
  const Candidate answered = departs(first, out(".", 1, 1)).all.at(0);
  const Outcomes soon = arrives(answered, in("R", 500), at(kNow + std::chrono::seconds(1)));
  EXPECT_EQ(soon.texts, (Texts{"ESTABLISHED", "ESTABLISHED, ACK now"}));
  EXPECT_TRUE(soon.cite(Rule::R5961_7_throttle));
  EXPECT_EQ(arrives(answered, in("R", 500), at(kNow + std::chrono::minutes(1))).texts, Texts{"ESTABLISHED, ACK now"});
}

// The limit is the host's: a challenge ACK on another connection counts, and only for a while.
TEST(CheckRstBit, AChallengeElsewhereCountsToo) {
  const Candidate before = with_trait(established(), kChallengesRst, true);
  Environment env = at(kNow);
  env.challenged = kNow - std::chrono::seconds(1);
  EXPECT_EQ(arrives(before, in("R", 500), env).texts, (Texts{"ESTABLISHED", "ESTABLISHED, ACK now"}));
  env.challenged = kNow - std::chrono::seconds(6);
  EXPECT_EQ(arrives(before, in("R", 500), env).texts, Texts{"ESTABLISHED, ACK now"});
}

// An old SYN reopened TIME-WAIT, and the RST says so: the RFC returns to TIME-WAIT (MAY-2), stacks differ.
TEST(CheckRstBit, AfterAnOldSynInTimeWaitItMayReturnThere) {
  Candidate reopened;
  for (const Candidate& tcb : outcomes(arrives(time_wait(), in("S", 900)))) {
    if (tcb.state == State::kSynReceived) reopened = departs(tcb, out("S.", 70000, 901)).all.at(0);
  }
  ASSERT_EQ(reopened.state, State::kSynReceived);
  Texts states;
  for (const Candidate& tcb : outcomes(arrives(reopened, in("R", 901)))) states.insert(to_string(tcb.state));
  EXPECT_EQ(states, (Texts{"LISTEN", "TIME-WAIT"}));
}

// Third, check security: no security option is in use, so there is nothing to test.

// Fourth, check the SYN bit

TEST(CheckSynBit, InASynchronizedStateItIsChallengedOrResets) {
  for (const State state :
       {State::kEstablished, State::kFinWait1, State::kFinWait2, State::kCloseWait, State::kClosing, State::kLastAck}) {
    const Candidate before = in_state(state);
    const Outcomes after = arrives(before, in("S", 500));
    const std::string nxt = std::to_string(before.snd_nxt - kIss);
    EXPECT_EQ(after.texts, (Texts{to_string(state) + std::string(", ACK now"),
                                  "CLOSED, RST " + nxt + ", tells reset, without R5961_4_2_scope"}));
    EXPECT_TRUE(after.may_cite(Rule::SA4_4_challenge));
    EXPECT_TRUE(after.may_cite(Rule::SA4_4_reset));
  }
}

TEST(CheckSynBit, AStackThatChallengesGoesOnChallenging) {
  const Outcomes after = arrives(with_trait(established(), kChallengesSyn, true), in("S", 500));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, ACK now"});
  EXPECT_TRUE(after.cite(Rule::R5961_4_2_syn));
}

// RFC 793: the RST takes its SEQ from the ACK of the SYN when there is one; SND.NXT is right too.
TEST(CheckSynBit, AStackThatDoesNotResets) {
  const Candidate before = with_trait(sent(established(), 50), kChallengesSyn, false);
  EXPECT_EQ(arrives(before, in("S", 500)).texts, Texts{"CLOSED, RST 51, tells reset, without R5961_4_2_scope"});
  EXPECT_EQ(arrives(before, in("S.", 500, 20)).texts,
            Texts{"CLOSED, RST 20 or 51, tells reset, without R5961_4_2_scope"});
}

TEST(CheckSynBit, TextAndFinBesideAChallengedSynAreDropped) {
  const Outcomes after = arrives(with_trait(established(), kChallengesSyn, true), in("SF.", 1, 1, 20));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, ACK now"});
  EXPECT_TRUE(after.cite(Rule::R5961_4_2_drop));
}

// Outside the window the first step has answered already, with an ACK in any edition.
TEST(CheckSynBit, OutsideTheWindowTheFirstStepAnswers) {
  for (const bool challenges : {true, false}) {
    const Outcomes after = arrives(with_trait(established(), kChallengesSyn, challenges), in("S", 0));
    EXPECT_EQ(after.texts, Texts{"ESTABLISHED, ACK now (should)"});
    EXPECT_TRUE(after.cite(Rule::S3_5_1_halfopen_syn));
  }
}

// RFC 9293 returns to LISTEN, RFC 793 sends a RST first, RFC 5961 challenges, some drop it.
TEST(CheckSynBit, AfterAPassiveOpenItEndsTheAttemptOrIsChallenged) {
  const Outcomes after = arrives(syn_received(true), in("S", 500));
  EXPECT_EQ(after.texts, (Texts{"LISTEN", "LISTEN, RST,ACK 501", "SYN-RECEIVED, ACK now", "SYN-RECEIVED"}));
  EXPECT_TRUE(after.cite(Rule::SA4_4_passive));
}

// 3.5.2 resets for an ACK of what was not sent in every state that is not synchronized, and leaves the state.
TEST(CheckSynBit, AfterAPassiveOpenItsBadAckMayBeReset) {
  EXPECT_TRUE(arrives(syn_received(true), in("S.", 500, 99)).texts.count("SYN-RECEIVED, RST 99"));
  EXPECT_FALSE(arrives(syn_received(true), in("S.", 500, 1)).texts.count("SYN-RECEIVED, RST 1"));
}

// Timestamps that never came from the peer are not in use, and no reason to drop it in silence.
TEST(CheckSynBit, AfterCrossingSynsOnlyThePeersTimestampsLeaveItOpen) {
  Candidate tcb = syn_received(false);
  tcb.stamps.free = true;
  EXPECT_FALSE(arrives(tcb, in("S", 500)).texts.count("SYN-RECEIVED"));
  tcb.stamps.peer = true;
  EXPECT_TRUE(arrives(tcb, in("S", 500)).texts.count("SYN-RECEIVED"));
}

TEST(CheckSynBit, AfterAnActiveOpenItIsHandledAsInTheSynchronizedStates) {
  const Outcomes after = arrives(syn_received(false), in("S", 500));
  EXPECT_EQ(after.texts, (Texts{"SYN-RECEIVED, ACK now", "CLOSED, RST 1, tells reset, without R5961_4_2_scope"}));
  EXPECT_TRUE(after.may_cite(Rule::SA4_4_active));
}

// TIME-WAIT: a SYN may begin a new connection (MAY-2), be dropped (RFC 6191), or be handled like any segment.
TEST(CheckSynBit, InTimeWaitANewerOneMayOpen) {
  const Outcomes after = arrives(with_trait(time_wait(), kChallengesSyn, true), in("S", 900));
  EXPECT_EQ(after.texts,
            (Texts{"SYN-RECEIVED, RCV.NXT=901, SYN,ACK", "TIME-WAIT, ACK now, without R6191_2_prev_nots_seq",
                   "TIME-WAIT, without R6191_2_prev_nots_seq"}));
  EXPECT_TRUE(after.cite(Rule::MAY_2));
  EXPECT_TRUE(after.cite(Rule::SA4_4_time_wait));
}

TEST(CheckSynBit, InTimeWaitAnOlderOneOpensNothing) {
  EXPECT_EQ(arrives(time_wait(), in("S", 0u - 900u)).texts, (Texts{"TIME-WAIT", "TIME-WAIT, ACK now"}));
}

TEST(CheckSynBit, InTimeWaitWithoutAListenerNothingOpens) {
  EXPECT_EQ(arrives(with_trait(time_wait(), kChallengesSyn, true), in("S", 900), kNobody).texts,
            (Texts{"TIME-WAIT", "TIME-WAIT, ACK now"}));
}

// A SYN below RCV.NXT is no SYN in the window, be it that a FIN behind it is: both readings acknowledge it, and a reset
// in answer to a later SYN in the window is RFC 793's.
TEST(CheckSynBit, BelowTheWindowItTellsNotWhichReadingIsFollowed) {
  const auto story = [](std::uint32_t first) {
    Trace t;
    t.open().in("FS.", first, 1).out(".", 1, 1).quiet().in("S.", 500, 1).out("R", 1).quiet();
    return t.verdicts();
  };
  EXPECT_EQ(story(0), Verdicts{"R5961_4_2_scope departed"});
  EXPECT_NE(story(100), Verdicts{"R5961_4_2_scope departed"});
}

}  // namespace
}  // namespace tcpassay
