// SPDX-License-Identifier: Apache-2.0
// What may leave the target, RFC 9293 section 3.8: each permission and each refusal.

#include <gtest/gtest.h>

#include "models/test_tcb.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The rule that forbids it; "" when it may leave.
std::string blamed(const Candidate& before, const Departing& seg, const Environment& env = kListening) {
  return departs(before, seg, env).blamed;
}

// Acknowledgments

TEST(Acknowledgment, ThatIsOwedMayLeave) {
  const Outcomes after = departs(with_text(), out(".", 1, 101));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED"});
  for (const Rule rule : {Rule::SA4_7_ack, Rule::MUST_40, Rule::S3_8_ack_current, Rule::R5681_4_2_500ms}) {
    EXPECT_TRUE(after.cite(rule)) << id(rule);
  }
}

TEST(Acknowledgment, MustBeOfAllThatWasTakenAndOfNothingMore) {
  EXPECT_EQ(blamed(with_text(), out(".", 1, 100)), "SA4_7_ack");
  EXPECT_EQ(blamed(with_text(), out(".", 1, 102)), "SA4_7_ack");
  EXPECT_EQ(blamed(given(established(), 10), out("P.", 1, 2, 10)), "S3_8_ack_current");
  // An unacceptable segment should be acknowledged; the form of that acknowledgment is no SHOULD.
  const Candidate owing = arrives(established(), in(".", 0, 1, 1)).all.at(0);
  EXPECT_EQ(blamed(owing, out(".", 1, 2)), "S3_8_ack_current");
  EXPECT_EQ(blamed(owing, out(".", 1, 0)), "S3_8_ack_current");
  EXPECT_EQ(blamed(owing, out(".", 2, 1)), "SA4_7_ack");  // nor does it stand where nothing was sent
  EXPECT_EQ(blamed(owing, out(".", 0, 1)), "SA4_7_ack");
}

// What an ACK lets go again leaves before the FIN that came with it is taken (3.10.7.4, fifth and eighth step).
TEST(Acknowledgment, OfAFinThatLeavesAgainMayBeTheOneBefore) {
  Candidate before = fin_wait_1(sent(established(), 100));
  before.congestion.arrived_since_quiet = true;
  const Candidate crossed = after_arrival(before, in("F.", 1, 101));
  EXPECT_NE(blamed(crossed, out("F.", 101, 1)), "SA4_8_ack");
  EXPECT_EQ(blamed(crossed, out("F.", 101, 0)), "SA4_8_ack");
  EXPECT_EQ(blamed(crossed, out(".", 102, 1)), "SA4_8_ack");
}

TEST(Acknowledgment, StandsAtSndNxt) {
  EXPECT_EQ(blamed(with_text(), out(".", 2, 101)), "SA4_7_ack");
  EXPECT_EQ(blamed(with_text(), out(".", 0, 101)), "SA4_7_ack");
}

TEST(Acknowledgment, MayRideOnText) {
  Candidate before = with_text();
  const Outcomes after = departs(given(before, 10), out("P.", 1, 101, 10));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, SND.NXT=11"});
  EXPECT_TRUE(after.cite(Rule::SA4_7_ack));
}

TEST(Acknowledgment, IsNotDelayedBeyondHalfASecond) {
  EXPECT_EQ(blamed(with_text(), out(".", 1, 101), at(kNow + milliseconds(499))), "");
  EXPECT_EQ(blamed(with_text(), out(".", 1, 101), at(kNow + milliseconds(500))), "MUST_40");
}

TEST(Acknowledgment, UnpromptedMayNotLeave) {
  EXPECT_EQ(blamed(established(), out(".", 1, 1)), "R5681_4_2_one_ack");
  const Candidate answered = after_departure(with_text(), out(".", 1, 101));
  EXPECT_EQ(blamed(answered, out(".", 1, 101)), "R5681_4_2_one_ack");
}

// One for each segment that arrived, and no more.
TEST(Acknowledgment, MayFollowEachSegment) {
  const Candidate two = after_arrival(with_text(), in("P.", 101, 1, 100));
  const Candidate once = after_departure(two, out(".", 1, 201));
  const Candidate twice = after_departure(once, out(".", 1, 201));
  EXPECT_EQ(blamed(twice, out(".", 1, 201)), "R5681_4_2_one_ack");
}

TEST(Acknowledgment, OfABiggerWindowMayLeaveAtAnyTime) {
  EXPECT_EQ(blamed(established(), out(".", 1, 1, 0, kRcvWnd + kMss)), "");
}

TEST(Acknowledgment, ShouldNotTakeWindowBack) {
  EXPECT_EQ(departs(with_text(), out(".", 1, 101, 0, kRcvWnd - 101)).texts, Texts{"ESTABLISHED, without SHLD_14"});
  EXPECT_TRUE(departs(with_text(), out(".", 1, 101, 0, kRcvWnd - 100)).cite(Rule::SHLD_14));
}

TEST(Acknowledgment, BelongsToEverySegment) {
  EXPECT_EQ(blamed(given(established(), 10), out("P", 1, 0, 10)), "S3_1_ack_always");
  EXPECT_EQ(blamed(with_text(), out("", 1)), "S3_1_ack_always");
}

// Held text was kept or dropped; the acknowledgment tells which, and what it tells is kept.
TEST(Acknowledgment, TellsWhetherHeldTextWasKept) {
  const Candidate filled = after_arrival(after_arrival(established(), in("P.", 101, 1, 100)), in("P.", 1, 1, 100));
  const Outcomes kept = departs(filled, out(".", 1, 201));
  EXPECT_TRUE(kept.cite(Rule::SHLD_31));
  EXPECT_EQ(kept.all.at(0).rcv_nxt, kIrs + 201);
  EXPECT_EQ(departs(filled, out(".", 1, 101)).texts, Texts{"ESTABLISHED, RCV.NXT=101, without SHLD_31"});
  EXPECT_NE(blamed(filled, out(".", 1, 202)), "");
}

// After the peer shrank its window SND.NXT lies beyond it, where an ACK would not be acceptable to the peer.
TEST(Acknowledgment, MayStandAtTheEdgeOfAShrunkWindow) {
  Candidate before = offered(sent(established(), 1000), 100);
  before.ack_now = true;
  EXPECT_EQ(blamed(before, out(".", 101, 1)), "");
  EXPECT_EQ(blamed(before, out(".", 1001, 1)), "");
  EXPECT_NE(blamed(before, out(".", 102, 1)), "");
}

TEST(Acknowledgment, AChallengeHasTheFormOfOne) {
  const Candidate before = after_arrival(with_trait(established(), Trait::kChallengesRst, true), in("R", 500));
  EXPECT_EQ(blamed(before, out(".", 1, 1)), "");
  EXPECT_EQ(blamed(before, out(".", 1, 501)), "SA4_2_inexact");
  EXPECT_EQ(blamed(before, out("R", 1)), "SA4_2_inexact");
}

// Text

TEST(Text, OfTheUserMayLeave) {
  const Outcomes after = departs(given(established(), 100), out("P.", 1, 1, 100));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, SND.NXT=101"});
  for (const Rule rule : {Rule::S3_10_2_established, Rule::S3_8_6_window, Rule::MUST_61, Rule::S3_9_1_2_order,
                          Rule::MUST_14, Rule::MUST_16, Rule::S3_1_ack_always}) {
    EXPECT_TRUE(after.cite(rule)) << id(rule);
  }
}

TEST(Text, MayBeCutAnywhere) {
  const Candidate first = after_departure(given(established(), 100), out(".", 1, 1, 30));
  EXPECT_EQ(blamed(first, out("P.", 31, 1, 70)), "");
}

TEST(Text, TheLastOfItHasPsh) {
  EXPECT_EQ(blamed(given(established(), 100), out(".", 1, 1, 100)), "MUST_61");
  EXPECT_EQ(blamed(given(established(), 100), out(".", 1, 1, 99)), "");
  Candidate without_push = given(established(), 100);
  without_push.corked = true;
  EXPECT_EQ(blamed(without_push, out(".", 1, 1, 100)), "");
}

TEST(Text, LeavesInOrderWithoutGap) {
  EXPECT_EQ(blamed(given(established(), 100), out("P.", 2, 1, 99)), "S3_9_1_2_order");
}

TEST(Text, BeyondWhatTheUserGaveDoesNotLeave) {
  EXPECT_EQ(blamed(given(established(), 100), out("P.", 1, 1, 101)), "S3_9_1_2_order");
  EXPECT_EQ(blamed(established(), out("P.", 1, 1, 1)), "S3_9_1_2_order");
  EXPECT_EQ(blamed(fin_wait_1(given(established(), 100)), out("P.", 1, 1, 101)), "S3_6_send_after_close");
}

TEST(Text, HasTheOctetsOfTheUser) {
  Departing seg = out("P.", 1, 1, 100);
  seg.text = target_text(2, 100);
  EXPECT_EQ(blamed(given(established(), 100), seg), "S3_10_2_established");
  EXPECT_EQ(blamed(sent(established(), 100), seg), "S3_8_1_same_octets");
}

TEST(Text, OfOneWrongOctetIsSeen) {
  std::vector<std::uint8_t> octets(target_text(1, 100).begin(), target_text(1, 100).end());
  octets[77] ^= 1;
  Departing seg = out("P.", 1, 1, 100);
  seg.text = octets;
  EXPECT_EQ(blamed(given(established(), 100), seg), "S3_10_2_established");
}

TEST(Text, StaysWithinTheWindow) {
  const Candidate before = offered(given(established(), 100), 50);
  EXPECT_EQ(blamed(before, out(".", 1, 1, 50)), "");
  EXPECT_EQ(blamed(before, out(".", 1, 1, 51)), "S3_8_6_window");
}

TEST(Text, StaysWithinTheMss) {
  EXPECT_EQ(blamed(given(established(), 2000), out(".", 1, 1, kMss)), "");
  EXPECT_EQ(blamed(given(established(), 2000), out(".", 1, 1, kMss + 1)), "MUST_14");
}

// An MSS of 100 octets stood among No-Operations: who ignores it sends 536, who cuts his text at 200 has read it.
TEST(Text, AnMssAmongOptionsThatWasReadIsAnotherFault) {
  Candidate before = given(established(), 2000);
  before.mss_among_options = true;
  before.snd_mss = 100;
  EXPECT_EQ(blamed(before, out(".", 1, 1, 536)), "MUST_4");
  EXPECT_EQ(blamed(before, out(".", 1, 1, 200)), "MUST_14");
  Candidate little = given(established(), 200);
  little.mss_among_options = true;
  little.snd_mss = 100;
  EXPECT_EQ(blamed(little, out("P.", 1, 1, 200)), "MUST_4");  // not cut at all
}

TEST(Text, WithoutAnMssOptionFromThePeerIs536AtMost) {
  Candidate before = given(established(), 2000);
  before.mss_given = false;
  before.snd_mss = 536;
  EXPECT_EQ(blamed(before, out(".", 1, 1, 536)), "");
  EXPECT_EQ(blamed(before, out(".", 1, 1, 537)), "MUST_15");
}

// MMS_S less the TCP header and its options.
TEST(Text, StaysWithinWhatIpCanSend) {
  Environment narrow = kListening;
  narrow.mms_s = 500;
  Departing seg = out(".", 1, 1, 480);
  EXPECT_EQ(blamed(given(established(), 2000), seg, narrow), "");
  seg.opt.octets = 12;
  EXPECT_EQ(blamed(given(established(), 2000), seg, narrow), "MUST_16");
}

TEST(Text, DoesNotLeaveBeforeEstablished) {
  EXPECT_EQ(blamed(given(syn_received(), 100), out("P.", 1, 1, 100)), "S3_10_2_unsynchronized");
  EXPECT_EQ(blamed(given(syn_sent(), 100), out("P.", 1, 1, 100)), "S3_10_1_active");
}

TEST(Text, LeavesInCloseWaitToo) {
  EXPECT_EQ(blamed(given(close_wait(), 100), out("P.", 1, 2, 100)), "");
}

// Retransmission

TEST(Retransmission, OfWhatIsOutstandingMayLeave) {
  const Outcomes after = departs(sent(established(), 100), out("P.", 1, 1, 100));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED"});
  EXPECT_TRUE(after.cite(Rule::S3_8_1_same_octets));
  EXPECT_TRUE(after.cite(Rule::SA8_retransmission));
}

TEST(Retransmission, MayBeSplitAndNeedsNoPsh) {
  EXPECT_EQ(blamed(sent(established(), 100), out(".", 1, 1, 40)), "");
  EXPECT_EQ(blamed(sent(established(), 100), out(".", 41, 1, 60)), "");
}

TEST(Retransmission, MayBeJoinedWithNewText) {
  EXPECT_EQ(departs(given(sent(established(), 50), 50), out("P.", 1, 1, 100)).texts, Texts{"ESTABLISHED, SND.NXT=101"});
}

TEST(Retransmission, OfWhatWasAcknowledgedDoesNotLeave) {
  Candidate before = sent(established(), 100);
  before.snd_una = kIss + 51;
  EXPECT_EQ(blamed(before, out(".", 1, 1, 50)), "SA4_5_new");
  EXPECT_EQ(blamed(before, out(".", 1, 1, 51)), "");
}

// SHLD-15, MAY-7 and MUST-35: the peer shrank its window below what was sent.
TEST(Retransmission, BeyondAShrunkWindowOldTextMayLeaveAndNewMayNot) {
  const Candidate before = offered(given(sent(established(), 1000), 500), 100);
  EXPECT_EQ(blamed(before, out("P.", 1001, 1, 500)), "SHLD_15");
  EXPECT_TRUE(departs(before, out(".", 1, 1, 1000)).cite(Rule::MAY_7));
  EXPECT_TRUE(departs(offered(before, 0), out(".", 1, 1, 1000)).cite(Rule::MUST_35));
}

TEST(Retransmission, OfTheFinMayLeave) {
  EXPECT_TRUE(departs(fin_wait_1(), out("F.", 1, 1)).cite(Rule::S3_6_fin_retransmit));
  EXPECT_EQ(blamed(fin_wait_2(), out("F.", 1, 1)), "SA4_5_new");
}

// Zero window

TEST(WindowProbe, OfOneOctetMayLeave) {
  const Outcomes after = departs(offered(given(established(), 100), 0), out(".", 1, 1, 1));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, SND.NXT=2"});
  EXPECT_TRUE(after.cite(Rule::MUST_36));
}

// "At least one octet of new data" (3.8.6.1): more may go, alone and once the window has been closed for a while.
TEST(WindowProbe, MayHaveMoreOctets) {
  Candidate before = offered(given(established(), 100), 0);
  before.zero_at = kNow - std::chrono::seconds(1);
  EXPECT_EQ(blamed(before, out(".", 1, 1, 4)), "");
  const Candidate probed = after_departure(before, out(".", 1, 1, 4));
  EXPECT_EQ(blamed(probed, out(".", 1, 1, 4)), "");
  EXPECT_EQ(blamed(probed, out(".", 5, 1, 4)), "SHLD_15");  // inside an edge that was offered before
}

TEST(WindowProbe, OfMoreOctetsWaits) {
  Candidate before = offered(given(established(), 100), 0);
  before.zero_at = kNow;
  EXPECT_EQ(blamed(before, out(".", 1, 1, 2)), "S3_8_6_window");
}

TEST(WindowProbe, MayRepeatItsOctet) {
  const Candidate probed = after_departure(offered(given(established(), 100), 0), out(".", 1, 1, 1));
  EXPECT_EQ(blamed(probed, out(".", 1, 1, 1)), "");
}

TEST(WindowProbe, MayBeAnOldNumberWithoutText) {
  EXPECT_TRUE(departs(offered(given(established(), 100), 0), out(".", 0, 1)).cite(Rule::MUST_36));
}

TEST(WindowProbe, NeedsSomethingToSend) {
  EXPECT_NE(blamed(offered(established(), 0), out(".", 0, 1)), "");
  EXPECT_NE(blamed(given(established(), 100), out(".", 0, 1)), "");
}

// 3.8.4: keep-alives may be sent, as SEG.SEQ = SND.NXT-1, on a connection for which the user has turned them on.
TEST(KeepAlive, MayLeaveAnIdleConnection) {
  Candidate tcb = established();
  EXPECT_NE(blamed(tcb, out(".", 0, 1), at(std::chrono::hours(3))), "");
  tcb.keep.on = true;
  EXPECT_EQ(blamed(tcb, out(".", 0, 1), at(std::chrono::hours(3))), "");
}

// FIN

TEST(Fin, LeavesBehindTheTextOrWithIt) {
  const Candidate before =
      outcomes_of(given(established(), 100), kListening, [](Step& on) { close_call(on, {}); }).all.at(0);
  EXPECT_EQ(departs(before, out("FP.", 1, 1, 100)).texts, Texts{"FIN-WAIT-1, SND.NXT=102"});
  EXPECT_EQ(departs(after_departure(before, out("P.", 1, 1, 100)), out("F.", 101, 1)).texts,
            Texts{"FIN-WAIT-1, SND.NXT=102"});
  EXPECT_TRUE(departs(before, out("FP.", 1, 1, 100)).cite(Rule::S3_10_4_established));
}

TEST(Fin, WaitsForClose) {
  EXPECT_EQ(blamed(established(), out("F.", 1, 1)), "S3_6_fin_by_user");
  EXPECT_EQ(blamed(given(close_wait(), 100), out("FP.", 1, 2, 100)), "S3_6_fin_by_user");
}

TEST(Fin, DoesNotOvertakeText) {
  Candidate before = given(established(), 100);
  before.fin_queued = true;
  EXPECT_EQ(blamed(before, out("F.", 1, 1)), "S3_10_4_established");
  EXPECT_EQ(blamed(before, out("FP.", 1, 1, 99)), "S3_10_4_established");
}

TEST(Fin, ThereIsOnlyOne) {
  EXPECT_EQ(blamed(fin_wait_1(), out("F.", 2, 1)), "S3_10_4_established");
  EXPECT_EQ(blamed(last_ack(), out("F.", 2, 2)), "S3_10_4_close_wait");
}

TEST(Fin, OfCloseWaitLeadsToLastAck) {
  const Candidate before = outcomes_of(close_wait(), kListening, [](Step& on) { close_call(on, {}); }).all.at(0);
  const Outcomes after = departs(before, out("F.", 1, 2));
  EXPECT_EQ(after.texts, Texts{"LAST-ACK, SND.NXT=2"});
  EXPECT_TRUE(after.cite(Rule::S3_10_4_close_wait));
}

// SYN

TEST(Syn, OfAnOpenRevealsIss) {
  const Outcomes after = departs(opening(), out("S", 0));
  EXPECT_TRUE(after.all.at(0).iss_known);
  EXPECT_EQ(after.all.at(0).iss, kIss);
  EXPECT_EQ(after.all.at(0).rcv_mss, kMss);
  for (const Rule rule : {Rule::S3_10_1_active, Rule::SHLD_5, Rule::MUST_67}) EXPECT_TRUE(after.cite(rule));
}

TEST(Syn, IsWhatAnOpenSends) {
  EXPECT_EQ(blamed(opening(), out(".", 0, 1)), "S3_10_1_active");
  EXPECT_EQ(blamed(opening(), out("S.", 0, 1)), "S3_10_1_active");
  EXPECT_EQ(blamed(opening(), out("SF", 0)), "S3_10_1_active");
}

TEST(Syn, CarriesAnMssOption) {
  Departing syn = out("S", 0);
  syn.opt = {};
  EXPECT_EQ(departs(opening(), syn).texts, Texts{"SYN-SENT, SND.UNA=0, SND.NXT=1, without SHLD_5"});
}

TEST(Syn, AnnouncesNoMoreThanIpCanReceive) {
  Departing syn = out("S", 0);
  syn.opt.mss = 1460;
  EXPECT_EQ(blamed(opening(), syn), "");
  syn.opt.mss = 1461;
  EXPECT_EQ(blamed(opening(), syn), "MUST_67");
}

// 3.10.1 and 3.10.2: "data associated with SEND may be sent with SYN segment". The octets are not counted in SND.NXT,
// so that their acknowledgment seems to be of something not sent and a RST is asked for.
TEST(Syn, MayCarryText) {
  Candidate before = opening();
  before.snd_end = before.snd_end + 10;
  Departing syn = out("S", 0);
  syn.text = target_text(1, 10);
  const Candidate sent_with_text = departs(before, syn).all.at(0);
  for (const Candidate& after : outcomes(arrives(sent_with_text, in("S.", 0, 11))))
    EXPECT_EQ(after.state, State::kEstablished);
}

TEST(Syn, IsRetransmittedWithTheSameNumber) {
  EXPECT_TRUE(departs(syn_sent(), out("S", 0)).cite(Rule::MUST_22));
  EXPECT_EQ(blamed(syn_sent(), out("S", 1)), "MUST_22");
}

TEST(Syn, DoesNotLeaveAnOpenConnection) {
  EXPECT_EQ(blamed(established(), out("S", 0)), "S3_10_1_again");
  EXPECT_NE(blamed(established(), out("S.", 0, 1)), "");
}

TEST(SynAck, AnswersASyn) {
  const Outcomes after = departs(answering(), out("S.", 0, 1));
  EXPECT_TRUE(after.cite(Rule::SA2_3_syn));
  EXPECT_EQ(after.all.at(0).snd_nxt, kIss + 1);
  EXPECT_EQ(after.all.at(0).rcv_edge, kIrs + 1 + kRcvWnd);
}

TEST(SynAck, AcknowledgesTheSynAndNothingMore) {
  EXPECT_EQ(blamed(answering(), out("S.", 0, 0)), "SA2_3_syn");
  EXPECT_EQ(blamed(answering(), out("S.", 0, 2)), "SA2_3_syn");
}

// The text on the SYN may be acknowledged, all of it or a part.
TEST(SynAck, MayAcknowledgeTextOnTheSyn) {
  const Candidate before = after_arrival(listen_tcb(), in("S", 0, 0, 10));
  for (const std::uint32_t ack : {1u, 5u, 11u}) EXPECT_EQ(blamed(before, out("S.", 0, ack)), "") << ack;
  EXPECT_EQ(blamed(before, out("S.", 0, 12)), "SA2_3_syn");
}

TEST(SynAck, NothingElseAnswersASyn) {
  EXPECT_EQ(blamed(answering(), out(".", 1, 1)), "SA2_3_syn");
  EXPECT_EQ(blamed(answering(), out("S", 0)), "SA2_3_syn");
  EXPECT_EQ(blamed(answering(), out("R.", 0, 1)), "SA2_3_syn");
}

TEST(SynAck, IsRetransmittedWithTheSameNumber) {
  EXPECT_TRUE(departs(syn_received(), out("S.", 0, 1)).cite(Rule::S3_8_3_synack));
  EXPECT_EQ(blamed(syn_received(), out("S.", 1, 1)), "MUST_22");
}

// 3.5, figure 7: the SYN,ACK of a simultaneous open has the number of the SYN.
TEST(SynAck, OfASimultaneousOpenKeepsIss) {
  const Candidate before = after_arrival(syn_sent(), in("S", 0));
  EXPECT_EQ(blamed(before, out("S.", 0, 1)), "");
  EXPECT_EQ(blamed(before, out("S.", 9, 1)), "SA3_4_syn_received");
}

// RST

Departing rst_ack(std::uint32_t ack) {
  Departing seg = out("R.", 0, ack);
  seg.seq = SndSeq{0};
  return seg;
}

TEST(Rst, UnpromptedDoesNotLeave) {
  for (const State state : kSynchronized) {
    EXPECT_EQ(blamed(in_state(state), out("R", 1)), state == State::kTimeWait ? "MUST_13" : "S3_5_2_unclear");
  }
  EXPECT_EQ(blamed(listen_tcb(), out("R", 1)), "S3_5_2_unclear");
}

// RST with an ACK flag is not forbidden as long as SEQ is right.
TEST(Rst, OfASegmentWithAckTakesItsNumber) {
  const Candidate before = after_arrival(closed_tcb(), in(".", 1, 77), kNobody);
  EXPECT_EQ(blamed(before, out("R", 77)), "");
  EXPECT_EQ(blamed(before, out("R.", 77, 1)), "");
  EXPECT_EQ(blamed(before, out("R", 78)), "SA1_ack");
  EXPECT_EQ(blamed(before, rst_ack(1)), "SA1_ack");
}

// Where it has ACK it acknowledges the segment that it answers, or what the connection has taken.
TEST(Rst, AcknowledgesNothingThatNeverCame) {
  const Candidate closed = after_arrival(closed_tcb(), in(".", 1, 77, 10), kNobody);
  EXPECT_EQ(blamed(closed, out("R.", 77, 11)), "");
  EXPECT_EQ(blamed(closed, out("R.", 77, 12)), "S3_1_ack_number");
  Departing zero = out("R.", 77);
  zero.ack = RcvSeq{0};
  EXPECT_EQ(blamed(closed, zero), "S3_1_ack_number");
  Candidate aborted = established();
  aborted.state = State::kClosed;
  aborted.reply = {.form = Reply::Form::kRst,
                   .seq = kIss + 1,
                   .other = kIss + 1,
                   .ack = kIrs + 1,
                   .rule = Rule::S3_10_5_established};
  EXPECT_EQ(blamed(aborted, out("R.", 1, 1)), "");
  EXPECT_EQ(blamed(aborted, out("R", 1, 9)), "");  // without ACK the field says nothing
  EXPECT_EQ(blamed(aborted, out("R.", 1, 2)), "S3_1_ack_number");
  EXPECT_EQ(blamed(aborted, out("R.", 1, 0)), "S3_1_ack_number");
}

// RFC 7323 section 2.1.
TEST(WindowScale, StandsOnNoSegmentButSyns) {
  Candidate scaled = with_text();
  scaled.scale.peer_offered = scaled.scale.target_offered = true;
  Departing seg = out(".", 1, 101);
  EXPECT_TRUE(departs(scaled, seg).cite(Rule::R7323_2_1_syn_only));
  seg.opt.window_scale = 0;
  EXPECT_EQ(blamed(scaled, seg), "R7323_2_1_syn_only");
  EXPECT_EQ(blamed(with_text(), seg), "R7323_2_1_syn_only");
  seg = out("R", 1);
  seg.opt.window_scale = 7;
  EXPECT_EQ(blamed(established(), seg), "R7323_2_1_syn_only");
}

TEST(Rst, OfASegmentWithoutAckHasSeqZeroAndAcknowledges) {
  const Candidate before = after_arrival(closed_tcb(), in("S", 0), kNobody);
  EXPECT_EQ(blamed(before, rst_ack(1)), "");
  EXPECT_EQ(blamed(before, rst_ack(0)), "SA1_noack");
  EXPECT_EQ(blamed(before, out("R.", 0, 1)), "SA1_noack");
  Departing bare = rst_ack(1);
  bare.ctl.ack = false;
  EXPECT_EQ(blamed(before, bare), "SA1_noack");
}

TEST(Rst, HasNeitherSynNorFin) {
  const Candidate before = after_arrival(closed_tcb(), in(".", 1, 77), kNobody);
  EXPECT_EQ(blamed(before, out("SR", 77)), "SA1_ack");
  EXPECT_EQ(blamed(before, out("FR", 77)), "SA1_ack");
}

TEST(Rst, IsNotReplacedByAnAck) {
  EXPECT_EQ(blamed(after_arrival(closed_tcb(), in(".", 1, 77), kNobody), out(".", 77, 1)), "SA1_ack");
}

TEST(Rst, LeavesOnce) {
  const Candidate before = after_arrival(closed_tcb(), in(".", 1, 77), kNobody);
  EXPECT_NE(blamed(after_departure(before, out("R", 77)), out("R", 77)), "");
}

TEST(Rst, DoesNotAnswerText) {
  EXPECT_NE(blamed(with_text(), out("R", 1)), "");
}

TEST(Closed, NothingLeavesButRsts) {
  EXPECT_EQ(blamed(listen_tcb(), out("S", 0)), "S3_10_1_passive");
  Candidate was_open = established();
  was_open.state = State::kClosed;
  EXPECT_EQ(blamed(was_open, out(".", 1, 1)), "SA4_2_established");
}

}  // namespace
}  // namespace tcpassay
