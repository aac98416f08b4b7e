// SPDX-License-Identifier: Apache-2.0
// RFC 9293 sections 3.10.1 to 3.10.5: each call in each state, with results that are right and results that are not.
#include "models/user_calls.h"

#include <gtest/gtest.h>

#include "models/test_tcb.h"
#include "models/test_trace.h"

namespace tcpassay {
namespace {

using Call = void (*)(Step&, const UserCall&);

Outcomes made(Call call, const Candidate& before, const UserCall& with) {
  return outcomes_of(before, kListening, [&](Step& on) { call(on, with); });
}

UserCall done(std::int64_t result = 0) {
  return {.result = result};
}
UserCall failed(UserError error) {
  return {.result = -1, .error = error};
}

Outcomes writes(const Candidate& before, std::uint32_t asked, std::int64_t taken, UserError error = UserError::kNone) {
  return made(send_call, before, {.length = asked, .result = taken, .error = error});
}
// A read of up to 1000 octets that delivers `octets` of the peer's stream, from `first` on.
Outcomes reads(const Candidate& before, std::uint32_t first, std::uint32_t octets) {
  return made(receive_call, before, {.length = 1000, .result = octets, .text = peer_text(first, octets)});
}
Outcomes reads_end(const Candidate& before) {
  return reads(before, 1, 0);
}
Outcomes read_fails(const Candidate& before, UserError error) {
  return made(receive_call, before, {.length = 1000, .result = -1, .error = error});
}

// 100 octets are on hand and unread.
Candidate with_text(Candidate tcb) {
  if (tcb.rcv_fin) {
    tcb.fin_seq = tcb.fin_seq + 100;
  }
  tcb.rcv_nxt = tcb.rcv_nxt_max = tcb.rcv_nxt + 100;
  return tcb;
}
// The connection has ended, and the user has not been told.
Candidate ended(Signal signal, Candidate tcb = established()) {
  tcb.state = State::kClosed;
  tcb.signal = signal;
  return tcb;
}

// 3.10.1. OPEN Call, active

TEST(OpenCall, SendsASynFromClosedAndFromListen) {
  for (const Candidate& before : {closed_tcb(), listen_tcb()}) {
    for (const UserCall& call : {done(), failed(UserError::kInProgress)}) {
      const Outcomes after = made(active_open_call, before, call);
      EXPECT_EQ(after.texts, Texts{"SYN-SENT, SYN"});
      EXPECT_TRUE(after.cite(Rule::S3_10_1_active));
    }
  }
}

TEST(OpenCall, ThatWasRefusedOpensNothing) {
  EXPECT_EQ(made(active_open_call, closed_tcb(), failed(UserError::kAddressInUse)).texts, Texts{"CLOSED"});
}

// What is known of the stack is kept, what belonged to an earlier connection is not.
TEST(OpenCall, BeginsAnew) {
  Candidate before = with_trait(ended(Signal::kReset), Trait::kChallengesRst, true);
  const Candidate after = made(active_open_call, before, done()).all.at(0);
  EXPECT_EQ(after.traits, before.traits);
  EXPECT_EQ(after.signal, Signal::kNone);
  EXPECT_FALSE(after.iss_known || after.was_open);
}

TEST(OpenCall, OnAnOpenConnectionIsAnError) {
  for (const Candidate& before : {syn_sent(), syn_received()}) {
    const Outcomes after = made(active_open_call, before, failed(UserError::kAlready));
    EXPECT_EQ(after.texts, Texts{to_string(before.state)});
    EXPECT_TRUE(after.cite(Rule::S3_10_1_again));
    EXPECT_EQ(made(active_open_call, before, done()).blamed, "S3_10_1_again");
  }
}

// Sockets report the success of the first OPEN by a second: 0 or EISCONN.
TEST(OpenCall, OnceEstablishedMayTellThatTheFirstSucceeded) {
  Candidate before = established();
  before.passive = false;
  for (const UserCall& call : {done(), failed(UserError::kIsConnected)}) {
    EXPECT_EQ(made(active_open_call, before, call).texts, Texts{"ESTABLISHED"});
  }
}

TEST(OpenCall, OfAPassiveOpenTellsOfNoFirstOne) {
  Candidate before = established();
  before.passive = true;
  EXPECT_EQ(made(active_open_call, before, done()).blamed, "S3_10_1_again");
  EXPECT_EQ(made(active_open_call, before, failed(UserError::kIsConnected)).texts, Texts{"ESTABLISHED"});
}

// 3.10.2. SEND Call

TEST(SendCall, WithoutAConnectionIsAnError) {
  for (const Candidate& before : {closed_tcb(), listen_tcb()}) {
    EXPECT_EQ(writes(before, 100, 100).blamed, "S3_10_2_closed");
    EXPECT_TRUE(writes(before, 100, -1, UserError::kNotConnected).cite(Rule::S3_10_2_closed));
  }
}

TEST(SendCall, BeforeEstablishedIsQueuedOrRefused) {
  for (const Candidate& before : {syn_sent(), syn_received()}) {
    const Outcomes after = writes(before, 100, 100);
    EXPECT_EQ(after.all.at(0).snd_end, before.snd_end + 100);
    EXPECT_TRUE(after.cite(Rule::S3_10_2_unsynchronized));
    EXPECT_FALSE(after.all.at(0).send_pending);
    EXPECT_EQ(writes(before, 100, -1, UserError::kNotConnected).blamed, "");
  }
}

TEST(SendCall, InEstablishedAndCloseWaitIsSent) {
  for (const Candidate& before : {established(), close_wait()}) {
    const Outcomes after = writes(before, 100, 100);
    EXPECT_EQ(after.all.at(0).snd_end, before.snd_end + 100);
    EXPECT_TRUE(after.cite(Rule::S3_10_2_established));
    EXPECT_TRUE(after.all.at(0).send_pending);
    EXPECT_EQ(writes(before, 100, -1, UserError::kPipe).blamed, "S3_10_2_established");
  }
}

// 3.9.2.2, SHLD-25: a SEND may be what tells the user of an ICMP message; it tells so once.
TEST(SendCall, MayTellOfAnIcmpMessageOnce) {
  Candidate before = established();
  before.ip.may_tell = before.ip.soft_error = true;
  const Outcomes after = writes(before, 100, -1, UserError::kUnreachable);
  EXPECT_TRUE(after.cite(Rule::SHLD_25));
  EXPECT_EQ(after.all.at(0).snd_end, before.snd_end);
  EXPECT_EQ(writes(after.all.at(0), 100, -1, UserError::kUnreachable).blamed, "S3_10_2_established");
  EXPECT_EQ(writes(before, 100, -1, UserError::kPipe).blamed, "S3_10_2_established");
}

// 3.9.1.2, MAY-15: text that the user gives without PUSH may wait for more.
TEST(SendCall, WithoutPushMayWait) {
  Candidate before = established();
  before.corked = true;
  EXPECT_FALSE(writes(before, 100, 100).all.at(0).send_pending);
  before.corked = false;
  EXPECT_TRUE(writes(before, 100, 100).all.at(0).send_pending);
}

TEST(SendCall, MayTakeAPartOrNothing) {
  EXPECT_EQ(writes(established(), 100, 40).all.at(0).snd_end, established().snd_end + 40);
  for (const UserError error : {UserError::kWouldBlock, UserError::kNoBuffers}) {
    EXPECT_EQ(writes(established(), 100, -1, error).all.at(0).snd_end, established().snd_end);
  }
}

// Nothing must leave at once while something is outstanding (Nagle), or the window is closed.
TEST(SendCall, BehindSomethingOutstandingMayWait) {
  EXPECT_FALSE(writes(sent(established(), 10), 100, 100).all.at(0).send_pending);
  EXPECT_FALSE(writes(offered(established(), 0), 100, 100).all.at(0).send_pending);
}

TEST(SendCall, AfterCloseIsAnError) {
  for (const State state : {State::kFinWait1, State::kFinWait2, State::kClosing, State::kLastAck, State::kTimeWait}) {
    EXPECT_EQ(writes(in_state(state), 100, 100).blamed, "S3_10_2_closing") << to_string(state);
    const Outcomes after = writes(in_state(state), 100, -1, UserError::kPipe);
    EXPECT_EQ(after.texts, Texts{to_string(state)});
    EXPECT_TRUE(after.cite(Rule::S3_10_2_closing));
    EXPECT_TRUE(after.cite(Rule::S3_6_send_after_close));
  }
}

TEST(SendCall, MayBringTheNewsOfAReset) {
  const Outcomes after = writes(ended(Signal::kReset), 100, -1, UserError::kReset);
  EXPECT_TRUE(after.cite(Rule::MUST_12));
  EXPECT_EQ(after.all.at(0).signal, Signal::kNone);
  EXPECT_TRUE(after.all.at(0).told);
}

// 3.10.3. RECEIVE Call

TEST(ReceiveCall, WithoutAConnectionDeliversNothing) {
  EXPECT_EQ(reads(closed_tcb(), 1, 10).blamed, "S3_10_3_closed");
  EXPECT_EQ(reads_end(closed_tcb()).blamed, "S3_10_3_closed");
  EXPECT_TRUE(read_fails(closed_tcb(), UserError::kNotConnected).cite(Rule::S3_10_3_closed));
}

TEST(ReceiveCall, OnASocketWithoutAConnectionIsAnError) {
  const auto answers = [](std::int64_t result, std::uint32_t length, bool listens) {
    Trace t;
    if (listens) t.listen();
    if (!listens) t.call({.kind = CallKind::kSocket, .result = 9});
    const int handle = listens ? 3 : 9;
    t.call({.kind = CallKind::kRead,
            .handle = handle,
            .length = length,
            .result = result,
            .error = result < 0 ? UserError::kNotConnected : UserError::kNone});
    return t.verdicts();
  };
  EXPECT_EQ(answers(-1, 100, false), Verdicts{});
  EXPECT_EQ(answers(0, 0, false), Verdicts{});
  EXPECT_EQ(answers(0, 100, false), Verdicts{"S3_10_3_closed violated"});
  EXPECT_EQ(answers(-1, 100, true), Verdicts{});
  EXPECT_EQ(answers(0, 100, true), Verdicts{"S3_10_3_unsynchronized violated"});
}

// The text may have arrived with the SYN; its user does not get it before the handshake is complete.
TEST(ReceiveCall, BeforeEstablishedDeliversNothing) {
  Candidate before = syn_received();
  before.rcv_nxt_max = before.syn_text_end = before.rcv_nxt + 10;
  EXPECT_EQ(reads(before, 1, 10).blamed, "S3_5_synrcvd_text");
  EXPECT_EQ(reads_end(before).blamed, "S3_10_3_unsynchronized");
  EXPECT_EQ(read_fails(before, UserError::kPipe).blamed, "S3_10_3_unsynchronized");  // it is not closing
  const Outcomes after = read_fails(before, UserError::kWouldBlock);
  EXPECT_TRUE(after.cite(Rule::S3_10_3_unsynchronized));
  EXPECT_TRUE(after.cite(Rule::S3_5_synrcvd_text));
}

TEST(ReceiveCall, DeliversWhatIsOnHandAllOrInParts) {
  for (const State state : {State::kEstablished, State::kFinWait1, State::kFinWait2}) {
    const Candidate before = with_text(in_state(state));
    const Outcomes after = reads(before, 1, 60);
    EXPECT_TRUE(after.cite(Rule::S3_10_3_established)) << to_string(state);
    EXPECT_TRUE(after.cite(Rule::SA4_7_deliver));
    EXPECT_EQ(after.all.at(0).rcv_user, kIrs + 61);
    EXPECT_EQ(reads(after.all.at(0), 61, 40).blamed, "");
  }
}

TEST(ReceiveCall, DeliversEachOctetOnceAndInOrder) {
  const Candidate before = with_text(established());
  EXPECT_EQ(reads(before, 2, 50).blamed, "S3_10_3_established");                          // an octet is missing
  EXPECT_EQ(reads(reads(before, 1, 50).all.at(0), 1, 50).blamed, "S3_10_3_established");  // the same again
}

TEST(ReceiveCall, DeliversNothingThatHasNotArrived) {
  EXPECT_EQ(reads(with_text(established()), 1, 101).blamed, "S3_10_3_established");
  EXPECT_EQ(reads(established(), 1, 1).blamed, "S3_10_3_established");
}

// How far RCV.NXT has come is open; what the user gets tells.
TEST(ReceiveCall, TellsHowMuchWasTaken) {
  Candidate before = established();
  before.rcv_nxt_max = before.rcv_nxt + 100;
  EXPECT_EQ(reads(before, 1, 100).texts, Texts{"ESTABLISHED, RCV.NXT=101"});
  EXPECT_EQ(read_fails(before, UserError::kWouldBlock).blamed, "");
}

TEST(ReceiveCall, WaitsWhenThereIsNothing) {
  EXPECT_TRUE(read_fails(established(), UserError::kWouldBlock).cite(Rule::S3_10_3_established));
  EXPECT_EQ(read_fails(with_text(established()), UserError::kWouldBlock).blamed, "SA4_7_deliver");
}

TEST(ReceiveCall, ReportsNoEndBeforeThePeersFin) {
  EXPECT_EQ(reads_end(established()).blamed, "S3_10_3_established");
  EXPECT_EQ(reads_end(fin_wait_2()).blamed, "S3_10_3_established");
}

TEST(ReceiveCall, ReportsNoErrorWithoutReason) {
  EXPECT_EQ(read_fails(established(), UserError::kReset).blamed, "S3_10_3_established");
  EXPECT_EQ(read_fails(established(), UserError::kTimedOut).blamed, "SHLD_11");
  EXPECT_EQ(read_fails(syn_sent(), UserError::kTimedOut).blamed, "MUST_23");
}

TEST(ReceiveCall, InCloseWaitDeliversTheRestAndThenTheEnd) {
  const Candidate before = with_text(close_wait());
  EXPECT_EQ(reads_end(before).blamed, "S3_10_3_close_wait");
  const Outcomes rest = reads(before, 1, 100);
  EXPECT_TRUE(rest.cite(Rule::S3_10_3_close_wait));
  const Outcomes end = reads_end(rest.all.at(0));
  EXPECT_TRUE(end.cite(Rule::S3_10_3_close_wait));
  EXPECT_TRUE(end.cite(Rule::S3_6_close_signal));
  EXPECT_EQ(reads_end(end.all.at(0)).blamed, "");
}

TEST(ReceiveCall, InCloseWaitDoesNotWait) {
  EXPECT_EQ(read_fails(close_wait(), UserError::kWouldBlock).blamed, "S3_6_close_signal");
}

TEST(ReceiveCall, InTheLastStatesReportsTheEnd) {
  for (const State state : {State::kClosing, State::kLastAck, State::kTimeWait}) {
    const Outcomes after = reads_end(in_state(state));
    EXPECT_TRUE(after.cite(Rule::S3_10_3_closing)) << to_string(state);
    EXPECT_TRUE(after.cite(Rule::MUST_12));
    EXPECT_EQ(read_fails(in_state(state), UserError::kWouldBlock).blamed, "S3_10_3_closing");
  }
}

// MUST-12: the user can tell a normal close from an abort.
TEST(ReceiveCall, AfterAResetReportsAnErrorAndNotTheEnd) {
  EXPECT_EQ(reads_end(ended(Signal::kReset)).blamed, "MUST_12");
  EXPECT_EQ(read_fails(ended(Signal::kReset), UserError::kWouldBlock).blamed, "MUST_12");
  const Outcomes after = read_fails(ended(Signal::kReset), UserError::kReset);
  EXPECT_TRUE(after.cite(Rule::MUST_12));
  EXPECT_TRUE(after.cite(Rule::SA4_2_established));
}

TEST(ReceiveCall, OnceToldTheEndMayFollow) {
  const Candidate told = read_fails(ended(Signal::kReset), UserError::kReset).all.at(0);
  EXPECT_EQ(told.signal, Signal::kNone);
  EXPECT_EQ(reads_end(told).blamed, "");
}

TEST(ReceiveCall, ReportsRefusedAndTimedOut) {
  EXPECT_TRUE(read_fails(ended(Signal::kRefused, syn_sent()), UserError::kRefused).cite(Rule::SA4_2_active));
  EXPECT_TRUE(read_fails(ended(Signal::kTimedOut), UserError::kTimedOut).cite(Rule::SA8_user));
}

TEST(ReceiveCall, DoesNotTellAResetAsATimeout) {
  EXPECT_EQ(read_fails(ended(Signal::kReset), UserError::kTimedOut).blamed, "SA4_2_established");
  EXPECT_EQ(read_fails(ended(Signal::kRefused, syn_sent()), UserError::kTimedOut).blamed, "SA4_2_active");
  EXPECT_EQ(read_fails(ended(Signal::kNotOpened, syn_sent()), UserError::kTimedOut).blamed, "SA3_2_reset");
  Candidate waited = ended(Signal::kReset);
  waited.rexmits = 1;  // the timeout may have been told of before
  EXPECT_EQ(read_fails(waited, UserError::kTimedOut).blamed, "");
}

// A user who takes urgent octets out of band misses them in the stream.
TEST(ReceiveCall, AnUrgentOctetMayGoAnotherWay) {
  Candidate before = with_text(established());
  EXPECT_NE(reads(before, 2, 50).blamed, "");
  before.up.arrived = true;
  before.up.out = {.least = kIrs + 1, .most = kIrs + 1, .there = true};
  before.up.out_left = 1;
  EXPECT_EQ(reads(before, 2, 50).blamed, "");
}

// poll, by which a user learns of text and of the remote close without a RECEIVE.

Outcomes polls(const Candidate& before, std::int64_t told, std::int64_t asked = 1) {
  return made(input_polled, before, {.kind = CallKind::kPoll, .value = asked, .result = told});
}

TEST(Poll, TellsOfTextAndOfTheRemoteClose) {
  EXPECT_EQ(polls(established(), 0).blamed, "");
  EXPECT_EQ(polls(with_text(established()), 1).blamed, "");
  EXPECT_EQ(polls(with_text(established()), 0).blamed, "SA4_7_deliver");
  EXPECT_TRUE(polls(close_wait(), 1).cite(Rule::S3_6_close_signal));
  EXPECT_EQ(polls(close_wait(), 0).blamed, "S3_6_close_signal");
}

TEST(Poll, SaysNothingOfWhatWasNotAsked) {
  EXPECT_EQ(polls(close_wait(), 0, 2).blamed, "");
  Candidate shut = close_wait();
  shut.reads_shut = true;
  EXPECT_EQ(polls(shut, 0).blamed, "");
}

// 3.10.1. OPEN Call, passive

TEST(PassiveOpenCall, OnAConnectionIsAnError) {
  for (const Candidate& open : {syn_sent(), established(), last_ack()}) {
    EXPECT_EQ(made(passive_open_call, open, done()).blamed, "S3_10_1_again");
    EXPECT_EQ(made(passive_open_call, open, failed(UserError::kInvalid)).blamed, "");
  }
  EXPECT_EQ(made(passive_open_call, closed_tcb(), done()).blamed, "");
  EXPECT_EQ(made(passive_open_call, time_wait(), done()).blamed, "");
}

// 3.10.4. CLOSE Call

TEST(CloseCall, BehindTextInFlightSendsTheFinAtOnce) {
  Candidate in_flight = sent(established(), 10);
  in_flight.congestion.phase = Congestion::Phase::kOpen;
  const Candidate closed = made(close_call, in_flight, done()).all.at(0);
  EXPECT_TRUE(closed.send_pending);
  Candidate full = sent(established(), 10);
  full.snd_mss = 10;  // another segment may have no room in the congestion window
  EXPECT_FALSE(made(close_call, full, done()).all.at(0).send_pending);
}

TEST(CloseCall, WithoutAConnectionIsAnErrorAndSendsNothing) {
  for (const Candidate& gone : {closed_tcb(), listen_tcb()}) {  // a passive OPEN may stand where the connection was
    const Outcomes after = made(close_call, gone, failed(UserError::kNotConnected));
    EXPECT_EQ(after.blamed, "");
    EXPECT_TRUE(after.cite(Rule::S3_10_4_closed));
    EXPECT_EQ(made(close_call, gone, done()).blamed, "S3_10_4_closed");
  }
  EXPECT_EQ(made(close_socket_call, closed_tcb(), done()).blamed, "");  // the socket goes, and nothing else
}

TEST(CloseCall, InListenAndSynSentDeletesTheTcb) {
  EXPECT_EQ(made(close_socket_call, listen_tcb(), done()).texts, Texts{"CLOSED"});
  EXPECT_TRUE(made(close_socket_call, listen_tcb(), done()).cite(Rule::S3_10_4_listen));
  EXPECT_EQ(made(close_call, syn_sent(), done()).texts, Texts{"CLOSED"});
  EXPECT_TRUE(made(close_call, syn_sent(), done()).cite(Rule::S3_10_4_syn_sent));
}

// "If no SENDs have been issued", the FIN leaves now; otherwise it may wait for ESTABLISHED.
TEST(CloseCall, InSynReceivedQueuesAFin) {
  EXPECT_EQ(made(close_call, syn_received(), done()).texts, Texts{"FIN-WAIT-1"});
  const Outcomes after = made(close_call, given(syn_received(), 10), done());
  EXPECT_EQ(after.texts, (Texts{"FIN-WAIT-1", "SYN-RECEIVED"}));
  for (const Candidate& tcb : outcomes(after)) EXPECT_TRUE(tcb.fin_queued);
  EXPECT_TRUE(after.cite(Rule::S3_10_4_syn_received));
}

TEST(CloseCall, InEstablishedLeadsToFinWait1) {
  const Outcomes after = made(close_call, established(), done());
  EXPECT_EQ(after.texts, Texts{"FIN-WAIT-1"});
  EXPECT_TRUE(after.all.at(0).fin_queued && after.all.at(0).send_pending);
  EXPECT_TRUE(after.cite(Rule::S3_10_4_established));
}

// RFC 793 had CLOSING here; 1122 and 9293 put it right.
TEST(CloseCall, InCloseWaitLeadsToLastAck) {
  const Outcomes after = made(close_call, close_wait(), done());
  EXPECT_EQ(after.texts, Texts{"LAST-ACK"});
  EXPECT_TRUE(after.cite(Rule::S3_10_4_close_wait));
}

TEST(CloseCall, ASecondMakesNoSecondFin) {
  for (const State state : {State::kFinWait1, State::kFinWait2, State::kClosing, State::kLastAck, State::kTimeWait}) {
    const Outcomes after = made(close_call, in_state(state), done());
    EXPECT_EQ(after.texts, Texts{to_string(state)});
    EXPECT_EQ(after.all.at(0).snd_limit(), in_state(state).snd_limit());
    const bool waits = state == State::kFinWait1 || state == State::kFinWait2;
    EXPECT_TRUE(after.cite(waits ? Rule::S3_10_4_fin_wait : Rule::S3_10_4_closing));
  }
}

TEST(CloseCall, ThatWasRefusedClosesNothing) {
  const Outcomes after = made(close_call, established(), failed(UserError::kNotConnected));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED"});
  EXPECT_FALSE(after.all.at(0).fin_queued);
}

// CLOSE by a user who will not receive either

TEST(CloseAndLeave, WithNothingUnreadIsAClose) {
  const Outcomes after = made(close_socket_call, established(), done());
  EXPECT_EQ(after.texts, Texts{"FIN-WAIT-1"});
  EXPECT_TRUE(after.all.at(0).user_gone);
}

TEST(CloseAndLeave, WithTextUnreadSendsARst) {
  EXPECT_EQ(made(close_socket_call, with_text(established()), done()).texts,
            (Texts{"CLOSED, RST 1", "FIN-WAIT-1, without SHLD_3"}));
  EXPECT_EQ(made(close_socket_call, with_text(close_wait()), done()).texts,
            (Texts{"CLOSED, RST 1", "LAST-ACK, without SHLD_3"}));
}

TEST(CloseAndLeave, WithTextPerhapsUnreadMaySendARst) {
  Candidate before = established();
  before.rcv_nxt_max = before.rcv_nxt + 100;
  EXPECT_EQ(made(close_socket_call, before, done()).texts, (Texts{"CLOSED, RST 1", "FIN-WAIT-1"}));
}

// The FIN takes a number but is nothing to read.
TEST(CloseAndLeave, ThePeersFinIsNotUnread) {
  EXPECT_EQ(made(close_socket_call, close_wait(), done()).texts, Texts{"LAST-ACK"});
}

TEST(CloseAndLeave, LeavesTimeWaitAlone) {
  EXPECT_EQ(made(close_socket_call, time_wait(), done()).texts, Texts{"TIME-WAIT"});
}

// 3.10.5. ABORT Call

TEST(AbortCall, BeforeThePeerIsKnownSendsNothing) {
  for (const Candidate& before : {closed_tcb(), listen_tcb(), syn_sent()}) {
    EXPECT_EQ(made(abort_call, before, done()).texts, Texts{"CLOSED"}) << to_string(before.state);
  }
  EXPECT_TRUE(made(abort_call, closed_tcb(), done()).cite(Rule::S3_10_5_closed));
  EXPECT_TRUE(made(abort_call, listen_tcb(), done()).cite(Rule::S3_10_5_listen));
  EXPECT_TRUE(made(abort_call, syn_sent(), done()).cite(Rule::S3_10_5_syn_sent));
}

// <SEQ=SND.NXT><CTL=RST>; once it is synchronized the connection may stay in TIME-WAIT (3.5.2).
TEST(AbortCall, UpToCloseWaitSendsARstAtSndNxt) {
  for (const State state :
       {State::kSynReceived, State::kEstablished, State::kFinWait1, State::kFinWait2, State::kCloseWait}) {
    const Candidate before = in_state(state);
    const Outcomes after = made(abort_call, before, done());
    const std::string rst = ", RST " + std::to_string(before.snd_nxt - kIss);
    const bool may_stay = state != State::kSynReceived;
    std::string ended = before.snd_una == before.snd_nxt ? "TIME-WAIT" : "TIME-WAIT, SND.UNA=2";
    ended += rst;
    EXPECT_EQ(after.texts, may_stay ? (Texts{"CLOSED" + rst, ended}) : Texts{"CLOSED" + rst}) << to_string(state);
    EXPECT_TRUE(after.cite(Rule::S3_10_5_established));
  }
  EXPECT_EQ(made(abort_call, sent(established(), 100), done()).texts,
            (Texts{"CLOSED, RST 101", "TIME-WAIT, SND.UNA=101, RST 101"}));
}

// 3.10.5 prescribes none here and 3.9.1.6 forbids none.
TEST(AbortCall, InTheLastStatesMaySendARst) {
  for (const Candidate& before : {closing(), last_ack()}) {
    const Outcomes after = made(abort_call, before, done());
    EXPECT_EQ(after.texts, Texts{"CLOSED, RST 2 or 1 (may)"});
    EXPECT_TRUE(after.cite(Rule::S3_10_5_closing));
  }
}

TEST(AbortCall, MayLeaveThePortInTimeWait) {
  EXPECT_EQ(made(abort_call, time_wait(), done()).texts, (Texts{"CLOSED, RST 2 (may)", "TIME-WAIT"}));
}

TEST(AbortCall, FlushesWhatWasQueued) {
  Candidate before = given(established(), 100);
  before.ack_later = before.send_pending = true;
  const Candidate after = made(abort_call, before, done()).all.at(0);
  EXPECT_FALSE(after.ack_later || after.send_pending);
  EXPECT_NE(departs(after, out("P.", 1, 1, 100)).blamed, "");
}

// accept, and a listener that goes

TEST(Accept, GivesOnlyWhatIsEstablished) {
  EXPECT_TRUE(made(accept_call, established(), done(4)).cite(Rule::SA4_5_synrcvd_ok));
  EXPECT_EQ(made(accept_call, close_wait(), done(4)).blamed, "");
  EXPECT_EQ(made(accept_call, syn_received(), done(4)).blamed, "S3_5_synrcvd_text");
}

Texts without_listener(const Candidate& before) {
  return outcomes_of(before, kNobody, [](Step& on) { listener_gone(on); }).texts;
}

TEST(ListenerGone, MayTakeTheConnectionsNobodyTookAlong) {
  EXPECT_EQ(without_listener(listen_tcb()), Texts{"CLOSED"});
  EXPECT_EQ(without_listener(syn_received()), (Texts{"CLOSED, RST 1 (may)", "SYN-RECEIVED"}));
  EXPECT_EQ(without_listener(established()), (Texts{"CLOSED, RST 1 (may)", "ESTABLISHED"}));
  EXPECT_EQ(without_listener(time_wait()), Texts{"TIME-WAIT"});
}

// getsockopt(SO_ERROR)

Outcomes error_is(const Candidate& before, UserError error) {
  return made(error_call, before, {.value = static_cast<std::int64_t>(error)});
}

TEST(AskError, TellsOfAResetOnce) {
  const Outcomes after = error_is(ended(Signal::kReset), UserError::kReset);
  EXPECT_TRUE(after.cite(Rule::MUST_12));
  EXPECT_EQ(after.all.at(0).signal, Signal::kNone);
  EXPECT_EQ(error_is(after.all.at(0), UserError::kNone).blamed, "");
}

// RECEIVE says end of stream behind the FIN of the peer, so that SO_ERROR has to tell of a reset there.
TEST(AskError, TellsOfAResetInCloseWait) {
  Trace guilty, innocent;
  for (Trace* t : {&guilty, &innocent}) {
    t->open().in("F.", 1, 1).out(".", 1, 2).quiet().read_end().in("R", 2).quiet().read_end();
  }
  const auto error = [](Trace& t, UserError told) {
    t.call({.kind = CallKind::kGetOption,
            .handle = t.user,
            .option = SocketOption::kError,
            .value = static_cast<int>(told)});
    return t.verdicts();
  };
  EXPECT_EQ(error(guilty, UserError::kNone), Verdicts{"MUST_12 violated"});
  EXPECT_EQ(error(innocent, UserError::kPipe), Verdicts{});
}

// 3.8.3: a SYN that is given up is told to the user as any text that is (MUST-22).
TEST(AskError, TellsOfASynThatWasGivenUp) {
  Candidate before = closed_tcb();
  before.signal = Signal::kTimedOut;
  EXPECT_EQ(error_is(before, UserError::kNone).blamed, "MUST_22");
  EXPECT_EQ(error_is(before, UserError::kTimedOut).blamed, "");
  before.user_timeout = std::chrono::seconds(10);
  EXPECT_EQ(error_is(before, UserError::kNone).blamed, "SA8_user");
  before = closed_tcb();
  before.signal = Signal::kTimedOut;
  before.was_open = true;
  EXPECT_EQ(error_is(before, UserError::kNone).blamed, "SA8_user");
}

TEST(AskError, MakesNoErrorUp) {
  EXPECT_EQ(error_is(established(), UserError::kNone).blamed, "");
  EXPECT_EQ(error_is(established(), UserError::kReset).blamed, "MUST_12");
  EXPECT_EQ(error_is(established(), UserError::kTimedOut).blamed, "SHLD_11");
  EXPECT_EQ(error_is(syn_sent(), UserError::kTimedOut).blamed, "MUST_23");
}

}  // namespace
}  // namespace tcpassay
