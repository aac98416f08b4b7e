// SPDX-License-Identifier: Apache-2.0
// Stories in pairs, as in guilty_twins_test.cc: of losses and of the timers that mend them, of Fast Open, and of
// handshakes that end otherwise than usual.
#include <gtest/gtest.h>

#include "models/test_bulk.h"
#include "models/test_trace.h"

namespace tcpassay {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// ---- RFC 6675 ----

// After a timeout three segments leave, the window shrinks for a moment, and the last two of them and one more are
// reported. The first leaves again, and once it is acknowledged `more` segments of new text leave.
Verdicts new_text_behind_reports(std::uint32_t more) {
  Bulk t(Bulk::kSack);
  t.wait(seconds(1));
  t.sends(0, 1).quiet();
  t.acks(10).sends(10, 2).quiet();
  t.acks(12).sends(12, 3).quiet();
  t.in(".", 1, 12001, 0, 1072).quiet();
  t.acks(12, 0, {{13, 15}}).sends(15, 1).quiet();
  t.acks(12, 0, {{13, 16}}).sends(12, 1).sends(16, 1).quiet();
  t.acks(13).sends(17, more).quiet();
  return t.verdicts();
}

TEST(PipeTwins, WhatWasReportedIsNotInFlightTheRestIs) {
  EXPECT_EQ(new_text_behind_reports(1), Verdicts{});
  EXPECT_EQ(new_text_behind_reports(3), Verdicts{});
  EXPECT_EQ(new_text_behind_reports(4), Verdicts{"R5681_3_1_rto_cwnd violated"});
}

// Ten segments are in flight, and the reports of two lost ones start recovery. Then the first is acknowledged, and
// nothing else is on its way. The second leaves again, or does not.
Verdicts second_hole(bool again) {
  Bulk t(Bulk::kSack, 10001);
  t.acks(0, 0, {{1, 2}}).quiet();
  t.acks(0, 0, {{3, 4}, {1, 2}}).quiet();
  t.acks(0, 0, {{3, 10}, {1, 2}}).sends(0, 1).quiet();
  t.acks(2, 0, {{3, 10}});
  if (again) t.sends(2, 1);
  t.quiet();
  return t.verdicts();
}

TEST(HoleTwins, TheNextHoleIsFilledWhenItComesToTheFront) {
  EXPECT_EQ(second_hole(true), Verdicts{});
  EXPECT_EQ(second_hole(false), Verdicts{"R6675_4_is_lost departed"});
}

// ---- RFC 5681 section 3.2, step 1 ----

// A duplicate ACK reports a segment, and one of new text leaves. The next reports two segments, or is a copy.
Verdicts let_go_by_the_second(std::uint32_t reported, bool more) {
  Bulk t(Bulk::kSack);
  t.acks(0, 0, {{1, 2}}).sends(10, 1).quiet();
  t.acks(0, 0, {{1, 1 + reported}});
  if (more) t.sends(11, 1);
  t.quiet();
  return t.main_verdicts();
}

TEST(LimitedTransmitTwins, ACopyOfAReportLetsNothingGo) {
  EXPECT_EQ(let_go_by_the_second(2, true), Verdicts{});
  EXPECT_EQ(let_go_by_the_second(1, false), Verdicts{});
  EXPECT_EQ(let_go_by_the_second(1, true), Verdicts{"R5681_3_2_1_lt_sack violated"});
}

// ---- RFC 6298 ----

// A clock leaps forward by a century while text is in flight. The next text leaves again after `gap`.
Verdicts text_again_after_a_century(Time gap) {
  Trace t;
  t.open().write(10).out("P.", 1, 1, 10).quiet().wait(hours(876600)).in(".", 1, 11).quiet();
  t.write(10).out("P.", 11, 1, 10).quiet().wait(gap).out("P.", 11, 1, 10).quiet();
  return t.verdicts();
}

TEST(SampleTwins, ARoundTripIsADayAtMostAndNoLess) {
  EXPECT_EQ(text_again_after_a_century(seconds(60)), Verdicts{});
  EXPECT_EQ(text_again_after_a_century(seconds(1)), Verdicts{"R6298_3_onesample violated"});
}

// ---- RFC 9293 section 3.10.7.4, fifth: the retransmission queue ----

// A hundred octets and a FIN leave in one segment or in two, the text is acknowledged, and both leave again in one.
Verdicts text_again_with_its_fin(bool in_one) {
  Trace t;
  t.open();
  if (in_one) {
    t.write(10).out("P.", 1, 1, 10).quiet().write(100).quiet().shutdown().quiet().in(".", 1, 11);
    t.out("FP.", 11, 1, 100).quiet();
  } else {
    t.write(10).out("P.", 1, 1, 10).quiet().in(".", 1, 11).quiet().write(100).out("P.", 11, 1, 100).quiet();
    t.shutdown().out("F.", 111, 1).quiet();
  }
  t.in(".", 1, 111).quiet(seconds(1)).out("FP.", 11, 1, 100).quiet();
  return t.verdicts();
}

TEST(QueueTwins, OnlyASegmentThatIsCutInTwoLeavesAgainWhole) {
  EXPECT_EQ(text_again_with_its_fin(true), Verdicts{});
  EXPECT_EQ(text_again_with_its_fin(false), Verdicts{"SA4_5_new violated"});
}

// An octet has left and is acknowledged, and it leaves again after a second: as the probe of a closed window, or not.
Verdicts acknowledged_octet_again(std::uint16_t wnd) {
  Trace t;
  t.open().in(".", 1, 1, 0, 0).quiet().write(2).quiet(seconds(1)).out(".", 1, 1, 1).quiet().in(".", 1, 2, 0, wnd);
  if (wnd > 0) t.out("P.", 2, 1, 1).quiet().in(".", 1, 3);
  t.quiet(seconds(2)).out(wnd > 0 ? "P." : ".", wnd > 0 ? 2 : 1, 1, 1).quiet();
  return t.verdicts();
}

TEST(QueueTwins, AProbeMayRepeatWhatIsAcknowledgedATimerMayNot) {
  EXPECT_EQ(acknowledged_octet_again(0), Verdicts{"R6298_5_2 departed"});
  EXPECT_EQ(acknowledged_octet_again(8000), Verdicts{"SA4_5_new violated"});
}

// ---- RFC 7413 ----

constexpr Tuple kThird{.local = 80, .remote = 4002};

void give_cookie(Options& opt, std::uint8_t octets) {
  opt.fast_open = true;
  opt.cookie_octets = octets;
  opt.octets = static_cast<std::uint8_t>(opt.octets + (octets == 0 ? 4 : 12));
}

Trace& set(Trace& t, SocketOption option, std::int64_t value, int handle) {
  return t.call({.kind = CallKind::kSetOption, .handle = handle, .option = option, .value = value});
}

// A listener, which has given a cookie on a connection that was reset since.
Trace& listen_with_cookie(Trace& t) {
  t.listen();
  set(t, SocketOption::kFastOpen, 5, 3);
  Arriving request = in("S", 0);
  give_cookie(request.opt, 0);
  Departing grant = out("S.", 0, 1);
  give_cookie(grant.opt, 8);
  return t.quiet().on(kThird).event(request).event(grant).quiet().in("R", 1).quiet().on(kFirst);
}

// A SYN with that cookie and one octet of text.
Arriving fast_syn() {
  Arriving syn = in("S", 0, 0, 1);
  syn.text = peer_text(1, 1);
  give_cookie(syn.opt, 8);
  return syn;
}

// The SYN,ACK leaves twice. With Fast Open an octet leaves behind it and is acknowledged with it. The next text
// measures half a second, and the text after it leaves again after `gap`.
Verdicts text_again_behind_syn_ack(bool fast, Time gap) {
  Trace t;
  const std::uint32_t ack = fast ? 2 : 1, first = fast ? 2 : 1;
  listen_with_cookie(t).event(fast ? fast_syn() : in("S", 0)).out("S.", 0, ack).quiet();
  if (fast) t.accept();
  t.quiet(seconds(1)).out("S.", 0, ack).quiet().wait(milliseconds(200));
  if (fast) t.write(1).out("P.", 1, ack, 1).quiet();
  t.in(".", ack, first).quiet();
  if (!fast) t.accept();
  t.write(1000).out(".", first, ack, 536).quiet(milliseconds(500)).in(".", ack, first + 536);
  t.out("P.", first + 536, ack, 464).quiet(gap).out("P.", first + 536, ack, 464).quiet();
  return t.verdicts();
}

TEST(SampleTwins, FastOpenTextMayBeTimedWithTheHandshakeOtherTextIsNot) {
  EXPECT_EQ(text_again_behind_syn_ack(true, seconds(1)), Verdicts{});
  EXPECT_EQ(text_again_behind_syn_ack(true, milliseconds(500)), Verdicts{"R6298_2_4 departed"});
  EXPECT_EQ(text_again_behind_syn_ack(false, seconds(1)), Verdicts{"R6298_2_2 violated"});
  EXPECT_EQ(text_again_behind_syn_ack(false, milliseconds(1500)), Verdicts{});
}

// A SYN with 100 octets is lost, and so is a plain one; the third is answered, and so many segments leave at once. The
// answer may acknowledge some of the text all the same.
Verdicts text_after_lost_syns(int segments, std::uint32_t ack = 1) {
  Trace t;
  const auto open = [&](int handle, Tuple tuple, std::uint32_t octets, std::int64_t taken) {
    t.on(tuple).call({.kind = CallKind::kSocket, .result = handle});
    t.call({.kind = CallKind::kSendTo,
            .handle = handle,
            .port = tuple.remote,
            .length = octets,
            .result = taken,
            .error = taken < 0 ? UserError::kInProgress : UserError::kNone,
            .tuple = tuple});
  };
  open(3, kFirst, 1, -1);
  Departing request = out("S", 0);
  give_cookie(request.opt, 0);
  Arriving grant = in("S.", 0, 1);
  give_cookie(grant.opt, 8);
  t.event(request).quiet().event(grant).out(".", 1, 1).quiet();
  open(4, kSecond, 100, 100);
  Departing syn = out("S", 0, 0, 100);
  syn.text = target_text(1, 100);
  give_cookie(syn.opt, 8);
  t.event(syn).quiet(seconds(1)).out("S", 0).quiet(seconds(2)).out("S", 0).quiet();
  Arriving answer = in("S.", 0, ack);
  answer.opt.mss = 40;
  answer.opt.octets = 4;
  t.event(answer);
  for (int i = 0; i < segments; ++i) t.out(".", ack + 40u * static_cast<std::uint32_t>(i), 1, 40);
  t.quiet();
  return t.verdicts();
}

TEST(LostSynTwins, ItsTextIsNotInFlightAndOneSegmentMayBe) {
  EXPECT_EQ(text_after_lost_syns(1), Verdicts{});
  EXPECT_EQ(text_after_lost_syns(2), Verdicts{"R5681_3_1_iw_synloss violated"});
  EXPECT_EQ(text_after_lost_syns(1, 3), Verdicts{});
  EXPECT_EQ(text_after_lost_syns(2, 3), Verdicts{"R5681_3_1_ss_abc departed"});
}

// OPEN with an octet of text (RFC 7413): it is taken, or the call is in progress.
void open_with_text(Trace& t, int handle, Tuple tuple, std::int64_t taken) {
  t.on(tuple).call({.kind = CallKind::kSocket, .result = handle});
  t.call({.kind = CallKind::kSendTo,
          .handle = handle,
          .port = tuple.remote,
          .length = 1,
          .result = taken,
          .error = taken < 0 ? UserError::kInProgress : UserError::kNone,
          .tuple = tuple});
  t.user = handle;
}

// The first connection asks for a cookie and gets it.
void gets_cookie(Trace& t) {
  open_with_text(t, 3, kFirst, -1);
  Departing request = out("S", 0);
  give_cookie(request.opt, 0);
  Arriving grant = in("S.", 0, 1);
  give_cookie(grant.opt, 8);
  t.event(request).quiet().event(grant).out(".", 1, 1).quiet();
}

// The SYN has an octet and leaves twice more without it, or is answered in time; the octet is acknowledged after four
// seconds, with the text behind it, which leaves again after `gap`.
Verdicts text_again_behind_text_of_a_syn(bool lost, Time gap) {
  Trace t;
  gets_cookie(t);
  open_with_text(t, 4, kSecond, 1);
  Departing syn = out("S", 0, 0, 1);
  syn.text = target_text(1, 1);
  give_cookie(syn.opt, 8);
  t.event(syn);
  if (lost) {
    t.quiet(seconds(1)).out("S", 0).quiet(seconds(2)).out("S", 0).quiet(seconds(1));
    t.in("S", 0)
        .out("S.", 0, 1)
        .quiet()
        .in(".", 1, 1)
        .quiet()
        .write(10)
        .out("P.", 2, 1, 10)
        .quiet()
        .in(".", 1, 2)
        .quiet();
  } else {
    t.quiet(milliseconds(900)).in("S.", 0, 2).out(".", 2, 1).quiet().write(10).out("P.", 2, 1, 10).quiet();
  }
  t.quiet(gap).out("P.", 2, 1, 10).quiet();
  return t.verdicts();
}

TEST(SampleTwins, TextOfALostSynMeasuresNothingThatOfAnAnsweredOneDoes) {
  EXPECT_EQ(text_again_behind_text_of_a_syn(true, seconds(3)), Verdicts{});
  EXPECT_EQ(text_again_behind_text_of_a_syn(true, milliseconds(900)), Verdicts{"R6298_2_4 departed"});
  EXPECT_EQ(text_again_behind_text_of_a_syn(false, seconds(3)), Verdicts{});
  EXPECT_EQ(text_again_behind_text_of_a_syn(false, milliseconds(800)), Verdicts{"R6298_5_early violated"});
}

// The SYN carries an octet or none, SYNs cross, and the user gives another one and closes. Nothing leaves for a minute
// once the handshake is complete, but what the timer sends.
Verdicts closed_before_syns_crossed(bool text_on_syn) {
  Trace t;
  gets_cookie(t);
  if (text_on_syn) {
    open_with_text(t, 4, kSecond, 1);
    Departing syn = out("S", 0, 0, 1);
    syn.text = target_text(1, 1);
    give_cookie(syn.opt, 8);
    t.event(syn);
  } else {
    t.on(kSecond).connect().out("S", 0);
  }
  t.quiet().in("S", 0).out("S.", 0, 1).quiet().write(1).shutdown();
  t.report(State::kSynReceived).quiet().in(".", 1, 1).quiet().quiet(milliseconds(600));
  for (const int interval : {400, 2000, 4000, 8000, 16000, 32000}) {
    t.wait(milliseconds(interval));
    if (text_on_syn) t.out(".", 1, 1, 1);
    t.quiet();
  }
  return t.verdicts();
}

TEST(CrossingTwins, TextAndFinMayWaitForTextOfTheSynOnly) {
  EXPECT_EQ(closed_before_syns_crossed(true), Verdicts{});
  EXPECT_EQ(closed_before_syns_crossed(false), Verdicts{"S3_10_2_unsynchronized violated"});
}

// A connection that Fast Open has opened is taken, a SYN without timestamps arrives in its window, or the first one
// again without them, and an octet leaves that the user has given, or has not.
Verdicts text_behind_a_dropped_syn(std::uint32_t seq, bool given) {
  Trace t;
  Arriving syn = fast_syn();
  syn.opt.timestamps = {{.value = 90, .echo = 0}};
  Departing answer = out("S.", 0, 2), text = out("P.", 1, 2, 1);
  for (Departing* seg : {&answer, &text}) {
    seg->opt.timestamps = {{.value = 700, .echo = 90}};
    seg->opt.octets = static_cast<std::uint8_t>(seg->opt.octets + 12);
  }
  listen_with_cookie(t).event(syn).event(answer).quiet().accept().in("S", seq).quiet();
  if (given) t.write(1);
  t.event(text).quiet();
  return t.verdicts();
}

TEST(DroppedSynTwins, TheConnectionBeforeItGoesOnAndSendsWhatWasGiven) {
  for (const std::uint32_t seq : {0u, 2u}) {
    EXPECT_EQ(text_behind_a_dropped_syn(seq, true), Verdicts{}) << seq;
    EXPECT_EQ(text_behind_a_dropped_syn(seq, false), Verdicts{"S3_9_1_2_order violated"}) << seq;
  }
}

// Fast Open takes the text of a SYN, and the SYN,ACK that says so announces an MSS. The user takes the connection.
Verdicts taken_with_an_mss(std::uint16_t mss) {
  Trace t;
  Departing answer = out("S.", 0, 2);
  answer.opt.mss = mss;
  listen_with_cookie(t).event(fast_syn()).event(answer).quiet().accept().quiet();
  return t.verdicts();
}

TEST(FastOpenTwins, AFaultOfTheSynAckIsTheOnlyOne) {
  EXPECT_EQ(taken_with_an_mss(1460), Verdicts{});
  EXPECT_EQ(taken_with_an_mss(9000), Verdicts{"MUST_67 violated"});
}

// ---- Ends ----

// SYNs with timestamps cross, the user gives text and closes, and text that ends the handshake is refused by a RST.
Verdicts text_refused_by(std::optional<Options::Timestamps> stamps) {
  Trace t;
  const auto stamped = [](auto seg, std::uint32_t value, std::uint32_t echo) {
    seg.opt.timestamps = {{.value = value, .echo = echo}};
    seg.opt.octets = static_cast<std::uint8_t>(seg.opt.octets + 12);
    return seg;
  };
  t.connect().event(stamped(out("S", 0), 7000, 0)).quiet().event(stamped(in("S", 0), 700, 0));
  t.event(stamped(out("S.", 0, 1), 7000, 700)).quiet().write(1).close().quiet();
  t.event(stamped(in("P.", 1, 1, 1), 702, 7000));
  Departing rst = out("R", 1, 0, 0, 0);
  rst.opt.timestamps = stamps;
  rst.opt.octets = stamps ? 12 : 0;
  t.event(rst).quiet();
  return t.verdicts();
}

TEST(ResetTwins, OneForTextThatEndsTheHandshakeHasTheTimestampsOfTheConnection) {
  EXPECT_EQ(text_refused_by({{.value = 7000, .echo = 0}}), Verdicts{});
  EXPECT_EQ(text_refused_by(std::nullopt), Verdicts{"R7323_3_2_rst departed"});
}

// Text is never acknowledged, the connection is given up, and a SEND of nothing tells so, or succeeds. Then the user
// reads the end of the text.
Verdicts end_of_text_after(UserError error) {
  Trace t;
  t.open().write(1).out("P.", 1, 1, 1).quiet();
  for (int i = 0; i < 7; ++i) t.quiet(seconds(1 << i)).out("P.", 1, 1, 1).quiet();
  t.quiet(seconds(127));
  t.call({.kind = CallKind::kWrite,
          .handle = 4,
          .length = 0,
          .result = error == UserError::kNone ? 0 : -1,
          .error = error});
  t.read_end().quiet();
  return t.verdicts();
}

TEST(TimeoutTwins, ASendOfNothingMayTellOfItSilenceDoesNot) {
  EXPECT_EQ(end_of_text_after(UserError::kTimedOut), Verdicts{});
  EXPECT_EQ(end_of_text_after(UserError::kNone), Verdicts{"SA8_user violated"});
}

// A segment leaves five times, a closed window is probed, and two segments leave when it opens. A part of the first is
// acknowledged, or all of it, and for five seconds nothing leaves.
Verdicts quiet_behind_a_probe(std::uint32_t ack) {
  Trace t;
  t.open().write(536).out("P.", 1, 1, 536).quiet();
  for (const int interval : {1, 2, 4, 8}) t.wait(seconds(interval)).out("P.", 1, 1, 536).quiet();
  t.wait(seconds(12)).in(".", 1, 537, 0, 0).quiet().write(1073);
  t.wait(seconds(16)).out(".", 537, 1, 1).quiet().wait(seconds(1)).in(".", 1, 538, 0, 65535);
  t.out(".", 538, 1, 536).out("P.", 1074, 1, 536).quiet().in(".", 1, ack, 0, 65535).quiet().quiet(seconds(5));
  return t.verdicts();
}

TEST(TimeoutTwins, APartOfTheTextBehindAProbeMeasuresNothing) {
  EXPECT_EQ(quiet_behind_a_probe(610), Verdicts{});
  EXPECT_EQ(quiet_behind_a_probe(1074), Verdicts{"R6298_5_4 departed"});
}

// ---- Connections that are no more ----

// Three duplicate ACKs, and then a partial one with text, to which the target does not send the next segment. Where the
// user has closed, a RST refuses that text.
Verdicts partial_ack_with_text(bool closed) {
  Bulk t(Bulk::kPlain);
  if (closed) t.close().quiet();
  t.acks(0).sends(10, 1).quiet();
  t.acks(0).sends(11, 1).quiet();
  t.acks(0).sends(0, 1).quiet();
  t.in("P.", 1, 3001, 1, 65535);
  if (closed) {
    t.out("R", 12001, 0, 0, 0).in(".", 2, 3001).out("R", 3001, 0, 0, 0);
  } else {
    t.out(".", 12001, 2);
  }
  return t.quiet().verdicts();
}

TEST(ResetTwins, AConnectionThatIsResetOwesNoRetransmission) {
  EXPECT_EQ(partial_ack_with_text(true), Verdicts{});
  EXPECT_EQ(partial_ack_with_text(false), Verdicts{"R6582_3_2_partial departed"});
}

// After a timeout the window grows octet by octet until it is larger than the initial one. Then there is a pause, ten
// segments leave, two of them are acknowledged, and `more` leave.
Verdicts new_text_after_a_pause(std::uint32_t at_once, std::uint32_t more) {
  Bulk t(Bulk::kPlain, 12000);
  t.wait(seconds(1));
  t.sends(0, 1).quiet();
  t.acks(10).sends(10, 1).sends(11, 1, "P.").quiet();
  t.acks(12).quiet();
  for (std::uint32_t i = 12; i < 112; i += 2) {
    t.write(2000);
    t.sends(i, 1).sends(i + 1, 1, "P.").quiet();
    t.acks(i + 2).quiet();
  }
  t.wait(seconds(7)).write(60000);
  t.sends(112, at_once).quiet();
  t.acks(114).sends(112 + at_once, more).quiet();
  return t.verdicts();
}

TEST(PauseTwins, OctetsThatWereCountedBeforeItAddASegmentAndNoMore) {
  EXPECT_EQ(new_text_after_a_pause(10, 2), Verdicts{});
  EXPECT_EQ(new_text_after_a_pause(10, 3), Verdicts{});
  EXPECT_EQ(new_text_after_a_pause(10, 4), Verdicts{"R5681_4_1_idle departed"});
  EXPECT_EQ(new_text_after_a_pause(11, 2), Verdicts{"R5681_4_1_idle departed"});
}

// The timer expires three times, what is acknowledged then has left twice, and the window closes with the last of it.
// It opens after a pause, and eleven segments leave.
Verdicts new_text_after_backing_off(Time pause) {
  Bulk t(Bulk::kPlain);
  for (std::uint32_t i = 1; i <= 9; ++i) {
    t.acks(i);
    t.sends(8 + 2 * i, 2).quiet();
  }
  for (const int interval : {1, 2, 4}) {
    t.wait(seconds(interval));
    t.sends(9, 1).quiet();
  }
  t.wait(seconds(4));
  for (std::uint32_t i = 10; i < 19; ++i) {
    t.acks(i);
    t.sends(2 * i - 10, 2).quiet();
  }
  t.in(".", 1, 28001, 0, 0).quiet().wait(pause);
  t.acks(28);
  t.sends(28, 11).quiet();
  return t.verdicts();
}

TEST(PauseTwins, ATimeoutThatHasBackedOffMakesAPauseLonger) {
  EXPECT_EQ(new_text_after_backing_off(milliseconds(4900)), Verdicts{});
  EXPECT_EQ(new_text_after_backing_off(seconds(60)), Verdicts{"R5681_4_1_idle departed"});
}

// Behind three duplicate ACKs an octet leaves again, the window closes and opens or does not, and so many segments
// leave.
Verdicts new_text_in_recovery(bool closes, std::uint32_t segments) {
  Trace t;
  t.open().write(1).out("P.", 1, 1, 1).quiet();
  for (int i = 0; i < 3; ++i) t.in(".", 1, 1);
  t.out("P.", 1, 1, 1).quiet();
  if (closes) t.in(".", 1, 1, 0, 0).quiet().in(".", 1, 1).quiet();
  t.write(7500);
  for (std::uint32_t i = 0; i < segments; ++i) t.out(".", 2 + 536 * i, 1, 536);
  return t.quiet().verdicts();
}

TEST(RecoveryTwins, DuplicateAcksCountThoughTheWindowHasClosedSince) {
  for (const bool closes : {false, true}) {
    EXPECT_EQ(new_text_in_recovery(closes, 4), Verdicts{});
    EXPECT_EQ(new_text_in_recovery(closes, 6), Verdicts{"R5681_3_2_2 violated"});
  }
}

// A timeout, and an ACK brings text to the front that was reported before it. It does not leave.
Verdicts reported_text_waits(std::uint16_t window, std::uint32_t ack = 1001) {
  Bulk t(Bulk::kSack, 10001);
  t.acks(0, 0, {{1, 10}}).sends(0, 1).quiet();
  t.wait(seconds(1));
  t.sends(0, 1).quiet().in(".", 1, ack, 0, window).quiet();
  return t.verdicts();
}

TEST(ReportTwins, WhatWasReportedBeforeATimeoutLeavesAgainWhereThereIsRoom) {
  EXPECT_EQ(reported_text_waits(536), Verdicts{});
  EXPECT_EQ(reported_text_waits(65535), Verdicts{"R2018_5_rto_clear departed"});
  EXPECT_EQ(reported_text_waits(1, 10000), Verdicts{});  // with an octet that is new there are two
  EXPECT_EQ(reported_text_waits(2, 10000), Verdicts{"R2018_5_rto_clear departed"});
}

// A SYN is refused; a listener on the same pair of ports has a connection that is refused, too; then the first socket
// opens again. It is closed or not, and its connection is gone.
Verdicts opened_again_beside_a_listener(bool closed) {
  Trace t;
  t.connect().out("S", 0).quiet().in("R.", 0, 1).quiet();
  t.call({.kind = CallKind::kSocket, .result = 5});
  t.call({.kind = CallKind::kBind, .handle = 5, .port = kFirst.local});
  t.call({.kind = CallKind::kListen, .handle = 5, .length = 8});
  t.wait(seconds(2)).in("S", 0).out("S.", 500000, 1).quiet().in("R", 1).quiet().wait(seconds(2));
  t.call({.kind = CallKind::kConnect,
          .handle = 3,
          .port = kFirst.remote,
          .result = -1,
          .error = UserError::kInProgress,
          .tuple = kFirst});
  t.out("S", 1000000).quiet();
  if (closed) t.close();
  return t.report(State::kClosed).verdicts();
}

TEST(SocketTwins, TheUserClosesWhatASocketHasOpenedAgain) {
  EXPECT_EQ(opened_again_beside_a_listener(true), Verdicts{});
  EXPECT_NE(opened_again_beside_a_listener(false), Verdicts{});
}

// Ten segments are in flight, and three blocks are reported: the first segment leaves again, half of the flight is the
// window. An ACK brings another hole to the front, and reports one block more, or all behind the hole.
Verdicts next_hole_in_recovery(bool all) {
  Bulk t(Bulk::kSack);
  t.quiet(milliseconds(100));
  t.acks(0, 0, {{1, 2}}).sends(10, 1).quiet();
  t.acks(0, 0, {{3, 4}}).sends(11, 1).quiet();
  t.acks(0, 0, {{5, 6}}).sends(0, 1).quiet();
  t.acks(2, 0, {{7, all ? 12u : 8u}}).quiet();
  return t.main_verdicts();
}

TEST(ReportTwins, InRecoveryAHoleWaitsForRoomInTheWindow) {
  EXPECT_EQ(next_hole_in_recovery(false), Verdicts{});
  EXPECT_EQ(next_hole_in_recovery(true), Verdicts{"R6675_4_is_lost departed"});
}

// Behind a timeout ACKs come for parts of segments. Slow start that counts octets up to 0.7 of the flight has room for
// so much, and no more.
Verdicts octets_behind_a_timeout(std::uint32_t last) {
  Trace t;
  t.open().in(".", 1, 1, 0, 65535).quiet().write(60000);
  for (std::uint32_t i = 0; i < 10; ++i) t.out(".", 1 + i * 536, 1, 536);
  t.quiet().quiet(seconds(1)).out(".", 1, 1, 536).quiet().in(".", 1, 465, 0, 65535).out(".", 537, 1, 536).quiet();
  std::uint32_t next = 1465;
  for (const std::uint32_t segments : {2u, 3u, 3u, 3u, 3u, last}) {
    t.in(".", 1, 1465 + 1000 * ((next - 1465 + 800) / 1608), 0, 65535);
    for (std::uint32_t i = 0; i < segments; ++i, next += 536) t.out(".", next, 1, 536);
    t.quiet();
  }
  return t.verdicts();
}

TEST(SlowStartTwins, UpToTheThresholdOfCubicOctetsAreCounted) {
  EXPECT_EQ(octets_behind_a_timeout(3), Verdicts{});
  EXPECT_NE(octets_behind_a_timeout(6), Verdicts{});
}

}  // namespace
}  // namespace tcpassay
