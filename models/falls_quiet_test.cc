// SPDX-License-Identifier: Apache-2.0
// What must have left when the target is silent or says where it is (RFC 9293 section 3.8).
#include <gtest/gtest.h>

#include "models/test_tcb.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Quiet, NothingOwedIsNothingMissed) {
  for (int state = 0; state < kStates; ++state) EXPECT_EQ(silence(in_state(static_cast<State>(state))).blamed, "");
}

TEST(Quiet, AReplyThatMustLeaveIsMissed) {
  EXPECT_EQ(silence(answering()).blamed, "SA2_3_syn");
  EXPECT_EQ(silence(opening()).blamed, "S3_10_1_active");
  EXPECT_EQ(silence(after_arrival(closed_tcb(), in("S", 0), kNobody)).blamed, "SA1_noack");
}

TEST(Quiet, AReplyThatShouldLeaveIsADeparture) {
  EXPECT_EQ(silence(after_arrival(listen_tcb(), in(".", 1, 77))).texts, Texts{"LISTEN, without SA2_2_ack"});
}

TEST(Quiet, AReplyThatMayLeaveIsNotMissed) {
  const Candidate before = outcomes_of(last_ack(), kListening, [](Step& on) { abort_call(on, {}); }).all.at(0);
  EXPECT_EQ(silence(before).texts, Texts{"CLOSED"});
}

TEST(Quiet, AnAckThatMustLeaveIsMissed) {
  EXPECT_EQ(silence(after_arrival(established(), in(".", 1, 2))).blamed, "SA4_5_unsent");
}

TEST(Quiet, AnAckThatShouldLeaveIsADeparture) {
  EXPECT_EQ(silence(after_arrival(established(), in("P.", 0, 1, 1))).texts, Texts{"ESTABLISHED, without SA4_1_ack"});
}

// A challenge that must be answered, and before the answer an old segment, whose ACK only should be sent: the weaker
// debt replaces the stronger.
TEST(Quiet, AnAckThatMustLeaveStaysOneThatMust) {
  const Candidate challenged = after_arrival(with_trait(established(), Trait::kChallengesRst, true), in("R", 500));
  EXPECT_EQ(silence(after_arrival(challenged, in("P.", 0, 1, 1))).blamed, "SA4_2_inexact");
}

TEST(Quiet, ADelayedAckHasLessThanHalfASecond) {
  EXPECT_EQ(silence(with_text(), at(kNow + milliseconds(499))).blamed, "");
  EXPECT_EQ(silence(with_text(), at(kNow + milliseconds(500))).blamed, "MUST_40");
  const Candidate fin = after_arrival(established(), in("F.", 1, 1));
  EXPECT_EQ(silence(fin, at(kNow + seconds(1))).blamed, "SA4_8_ack");
  const Candidate opened = after_arrival(syn_sent(), in("S.", 0, 1));
  EXPECT_EQ(silence(opened, at(kNow + seconds(1))).blamed, "SA3_4_established");
}

TEST(Quiet, TextThatCouldLeaveHasAMinute) {
  const Candidate before =
      outcomes_of(established(), kListening, [](Step& on) { send_call(on, {.length = 10, .result = 10}); }).all.at(0);
  EXPECT_EQ(silence(before, at(kNow + seconds(60))).blamed, "");
  EXPECT_EQ(silence(before, at(kNow + seconds(61))).blamed, "MUST_60");
}

TEST(Quiet, TextGivenWithoutPushHasNoTime) {
  Candidate before = given(established(), 100);
  before.corked = true;
  for (const Candidate& after : silence(before, at(kNow + seconds(1))).all) EXPECT_FALSE(after.send_pending);
  before.corked = false;
  for (const Candidate& after : silence(before, at(kNow + seconds(1))).all) EXPECT_TRUE(after.send_pending);
}

TEST(Quiet, AFinThatCouldLeaveHasAMinute) {
  const Candidate before = outcomes_of(established(), kListening, [](Step& on) { close_call(on, {}); }).all.at(0);
  EXPECT_EQ(silence(before, at(kNow + seconds(61))).blamed, "S3_8_close_push");
}

// 3.10.2, SEND in SYN-SENT: "queue the data for transmission after entering ESTABLISHED state". Nothing asks for it
// then: send_pending is set by a SEND in ESTABLISHED alone.
TEST(Quiet, TextQueuedBeforeEstablishedMustLeave) {
  const Candidate opened = after_arrival(given(syn_sent(), 100), in("S.", 0, 1));
  const Candidate acknowledged = after_departure(opened, out(".", 1, 1));
  const Candidate waits = silence(acknowledged, at(kNow)).all.at(0);
  EXPECT_NE(silence(waits, at(kNow + seconds(61))).blamed, "");
}

// The same when the window opens behind which text has been waiting, and when an ACK lets go what Nagle had held.
TEST(Quiet, TextThatAnAckSetsFreeMustLeave) {
  const Candidate window = after_arrival(offered(given(established(), 100), 0), in(".", 1, 1));
  const Candidate nagle = after_arrival(given(sent(established(), 10), 10), in(".", 1, 11));
  for (const Candidate& before : {window, nagle}) {
    const Candidate waits = silence(before, at(kNow)).all.at(0);
    EXPECT_NE(silence(waits, at(kNow + seconds(61))).blamed, "");
  }
}

// Retransmission: 3 s at first, doubled each time; a tick of half a second or a tenth is for the clock.
// What is late departs; what has not come at the horizon is missed.
std::string missed(const Candidate& before, Time after) {
  Candidate waits = before;
  waits.sent_at = kNow;
  const Outcomes outcome = silence(silence(waits).all.at(0), at(kNow + after));
  if (outcome.blamed != "") return outcome.blamed;
  const auto& late = outcome.all.at(0).demerits;
  return late.empty() ? "" : id(late.items[0]) + " late";
}

TEST(Overdue, TextIsRetransmitted) {
  EXPECT_EQ(missed(sent(established(), 100), milliseconds(3500)), "");
  EXPECT_EQ(missed(sent(established(), 100), milliseconds(3501)), "R6298_5_4 late");
  EXPECT_EQ(missed(sent(established(), 100), seconds(99)), "R6298_5_4 late");
  EXPECT_EQ(missed(sent(established(), 100), seconds(101)), "SA8_retransmission");
}

TEST(Overdue, TheTimeDoubles) {
  Candidate before = sent(established(), 100);
  before.rexmits = 1;
  EXPECT_EQ(missed(before, milliseconds(6300)), "");
  EXPECT_EQ(missed(before, milliseconds(6700)), "R6298_5_4 late");
}

TEST(Overdue, ALongRoundTripStretchesIt) {
  Candidate before = sent(established(), 100);
  before.rtt_max = seconds(5);
  EXPECT_EQ(missed(before, seconds(18)), "");
  EXPECT_EQ(missed(before, seconds(20)), "R6298_5_4 late");
}

TEST(Overdue, TheFinAndTheSynAreRetransmittedToo) {
  EXPECT_EQ(missed(fin_wait_1(), seconds(101)), "S3_6_fin_retransmit");
  EXPECT_EQ(missed(last_ack(), seconds(101)), "S3_6_fin_retransmit");
  EXPECT_EQ(missed(syn_sent(), seconds(181)), "MUST_22");
  EXPECT_EQ(missed(syn_received(), seconds(181)), "S3_8_3_synack");
}

TEST(Overdue, AZeroWindowIsProbed) {
  EXPECT_EQ(missed(offered(given(established(), 100), 0), seconds(4)), "SHLD_29 late");
  EXPECT_EQ(missed(offered(given(established(), 100), 0), seconds(101)), "MUST_36");
  EXPECT_EQ(missed(offered(established(), 0), seconds(4)), "");
}

TEST(Overdue, NothingOnceAcknowledged) {
  const Candidate before = after_arrival(sent(established(), 100), in(".", 1, 101));
  EXPECT_EQ(missed(before, std::chrono::minutes(10)), "");
}

// 3.10.6: a white-box target says where it is

TEST(Report, OfTheRightStateIsTaken) {
  const Outcomes after = reports(established(), {.state = State::kEstablished, .snd_una = 1001, .rcv_nxt = 5001});
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED"});
  EXPECT_TRUE(after.cite(Rule::S3_10_6_status));
}

// What a step has done to the state is judged by the report that follows.
TEST(Report, JudgesTheRuleThatLedToTheState) {
  const Candidate before = after_arrival(established(), in("F.", 1, 1));
  const Outcomes after = reports(before, {.state = State::kCloseWait});
  EXPECT_TRUE(after.all.at(0).now.has({Rule::SA4_8_established}));
  EXPECT_EQ(reports(before, {.state = State::kEstablished}).blamed, "SA4_8_established");
}

TEST(Report, OfClosedAndListenAreOne) {
  EXPECT_EQ(reports(listen_tcb(), {.state = State::kClosed}).blamed, "");
  EXPECT_EQ(reports(closed_tcb(), {.state = State::kListen}).blamed, "");
}

TEST(Report, OfWrongNumbersIsSeen) {
  EXPECT_EQ(reports(established(), {.state = State::kEstablished, .rcv_nxt = 5002}).blamed, "SA4_7_deliver");
  EXPECT_EQ(reports(established(), {.state = State::kEstablished, .snd_una = 1002}).blamed, "SA4_5_new");
}

// Text beyond the window that is taken departs from a SHOULD, whether an ACK tells of it or RCV.NXT; octets that never
// came are another thing.
TEST(Report, OfTextBeyondTheWindowIsBlamedLikeItsAck) {
  Candidate before = fin_wait_1();
  before.rcv_edge = before.rcv_far = before.rcv_nxt + 100;
  before.edge_known = true;
  const Outcomes arrived = arrives(before, in("P.", 1, 1, 110));
  const Candidate& cut = arrived.all.at(0);
  EXPECT_EQ(reports(cut, {.state = State::kFinWait1, .rcv_nxt = 5101}).blamed, "");
  EXPECT_EQ(reports(cut, {.state = State::kFinWait1, .rcv_nxt = 5111}).blamed, "SA4_1_trim_right");
  EXPECT_EQ(reports(cut, {.state = State::kFinWait1, .rcv_nxt = 5112}).blamed, "SA4_7_deliver");
}

// RFC 5961 section 5.2: what has an ACK out of range is discarded, so its text does not count. Who never checks the
// range may take it.
TEST(Report, OfTextWithAnAckOutOfRangeIsBlamedOnTheRange) {
  for (const bool checks : {true, false}) {
    for (const Candidate& tcb : {established(), fin_wait_1()}) {
      Candidate after =
          after_arrival(with_trait(tcb, Trait::kChecksAckRange, checks), in("P.", 1, 1u - 0x50000000u, 10));
      after.prompted = after.now.size;
      EXPECT_EQ(reports(after, {.state = tcb.state, .rcv_nxt = 5011}).blamed, checks ? "R5961_5_2_ack" : "");
    }
  }
}

// Text above a gap, cut off at the right edge, is taken when the gap is filled.
TEST(Report, OfTextAboveAGapBeyondTheWindowIsBlamedOnTheTrim) {
  Candidate before = fin_wait_1();
  before.rcv_edge = before.rcv_far = before.rcv_nxt + 100;
  before.edge_known = true;
  const Candidate held = after_arrival(before, in("P.", 51, 1, 60));
  const Candidate filled = after_arrival(held, in("P.", 1, 1, 50));
  EXPECT_EQ(reports(filled, {.state = State::kFinWait1, .rcv_nxt = 5101}).blamed, "");
  EXPECT_EQ(reports(filled, {.state = State::kFinWait1, .rcv_nxt = 5111}).blamed, "SA4_1_trim_right");
  EXPECT_NE(reports(filled, {.state = State::kFinWait1, .rcv_nxt = 5112}).blamed, "SA4_1_trim_right");
}

// The FIN just below the window, whose ACK and window may be used (Appendix A.2), and the one at RCV.NXT.
TEST(Report, OfAFinBelowTheWindowIsBlamedOnTheStepThatDropsIt) {
  for (const Candidate& tcb : arrives(fin_wait_1(), in("F.", 0, 1, 0, 60000)).all) {
    EXPECT_EQ(reports(tcb, {.state = State::kClosing}).blamed, "SA4_1_drop");
  }
  EXPECT_EQ(reports(after_arrival(fin_wait_1(), in("F.", 1, 1)), {.state = State::kClosing}).blamed, "");
}

TEST(Report, MayComeBeforeTheQueuedFin) {
  Candidate before = given(close_wait(), 100);
  before = outcomes_of(before, kListening, [](Step& on) { close_call(on, {}); }).all.at(0);
  EXPECT_EQ(reports(before, {.state = State::kCloseWait}).blamed, "");
  EXPECT_EQ(reports(before, {.state = State::kLastAck}).blamed, "");
  EXPECT_NE(reports(last_ack(), {.state = State::kCloseWait}).blamed, "");
}

}  // namespace
}  // namespace tcpassay
