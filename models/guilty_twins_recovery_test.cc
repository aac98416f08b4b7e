// SPDX-License-Identifier: Apache-2.0
// Stories in pairs that differ in one thing, of what leaves again, and of how much after it.
#include <gtest/gtest.h>

#include "models/test_bulk.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The second of ten segments is reported, and the timer sends the first again. An ACK brings the second to the front,
// and so many segments leave from `from` on; or the second is reported again before that.
Verdicts sends_after_reneging(std::uint32_t from, std::uint32_t segments, bool reported_again = false) {
  Bulk t(Bulk::kSack);
  t.acks(0, 0, {{1, 2}}).quiet();
  t.quiet(seconds(1));
  t.sends(0, 1).quiet();
  if (reported_again) t.acks(0, 0, {{1, 2}}).quiet();
  t.acks(1).sends(from, segments).quiet();
  return t.main_verdicts();
}

TEST(RenegingTwins, TextThatThePeerShowsToLackIsNotSkipped) {
  EXPECT_EQ(sends_after_reneging(1, 2), Verdicts{});
  EXPECT_EQ(sends_after_reneging(2, 2), Verdicts{"R2018_8_keep violated"});
  EXPECT_EQ(sends_after_reneging(2, 2, true), Verdicts{});
  EXPECT_EQ(sends_after_reneging(2, 0), Verdicts{"R2018_5_rto_clear departed"});  // late, and not skipped
}

// Round trips of 100 ms, though text has left between two ACKs of one moment. All is acknowledged, and the next text
// leaves again after so long.
Verdicts again_after(milliseconds time) {
  Bulk t(Bulk::kPlain);
  t.quiet(milliseconds(100));
  t.acks(2).sends(10, 4).acks(4).sends(14, 4).quiet();
  t.quiet(milliseconds(100));
  t.acks(18).sends(18, 2).quiet();
  t.quiet(time);
  t.sends(18, 1).quiet();
  return t.main_verdicts();
}

TEST(TimerTwins, TextThatLeavesBetweenTwoAcksMeasuresNoShortRoundTrip) {
  EXPECT_EQ(again_after(milliseconds(50)), Verdicts{"R6298_5_early violated"});
  EXPECT_EQ(again_after(milliseconds(300)), Verdicts{"R6298_2_4 departed"});
}

// The handshake takes 10 ms, so that the timeout is 30 ms at least. The first text leaves again after so long.
Verdicts again_after_a_handshake(milliseconds time) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1).quiet().wait(milliseconds(10)).in(".", 1, 1).quiet().accept();
  t.write(100).out("P.", 1, 1, 100).quiet().quiet(time);
  return t.out("P.", 1, 1, 100).quiet().verdicts();
}

TEST(TimerTwins, TheTickOfAClockIsCountedOnce) {
  EXPECT_EQ(again_after_a_handshake(milliseconds(30)), Verdicts{"R6298_2_4 departed"});
  EXPECT_EQ(again_after_a_handshake(milliseconds(20)), Verdicts{"R6298_2_4 departed"});
  EXPECT_EQ(again_after_a_handshake(milliseconds(10)), Verdicts{"R6298_2_2 violated"});
}

// A timer that ticks every half second sends text again after 1.5 s, which may have been a timeout of 1 s. The next
// text leaves again after so long.
Verdicts again_behind_a_backed_off(milliseconds time) {
  Trace t;
  t.open().write(1).out("P.", 1, 1, 1).quiet().quiet(milliseconds(1500));
  t.out("P.", 1, 1, 1).quiet().wait(milliseconds(500)).in(".", 1, 2).quiet().wait(milliseconds(1400));
  t.write(1).out("P.", 2, 1, 1).quiet().quiet(time);
  return t.out("P.", 2, 1, 1).quiet().verdicts();
}

TEST(TimerTwins, ABackedOffTimeoutMayHaveBeenATickShorter) {
  EXPECT_EQ(again_behind_a_backed_off(milliseconds(2100)), Verdicts{});
  EXPECT_EQ(again_behind_a_backed_off(milliseconds(2000)), Verdicts{});
  EXPECT_EQ(again_behind_a_backed_off(milliseconds(1900)), Verdicts{"R6298_3_karn violated"});
}

constexpr std::uint32_t kSegment = 536;  // the peer names no MSS

// Four segments are in flight.
class Four : public Trace {
 public:
  Four() {
    open().write(60 * kSegment);
    sends(0, 4).quiet();
  }
  Four& acks(std::uint32_t segments) {
    tcpassay::Trace::in(".", 1, 1 + segments * kSegment, 0, 65535);
    return *this;
  }
  Verdicts main_verdicts() const {
    Verdicts found = verdicts();
    std::erase_if(found,
                  [](const std::string& v) { return v.ends_with("after that") || v == "R5681_3_2_1_lt departed"; });
    return found;
  }
  Four& sends(std::uint32_t from, std::uint32_t segments) {
    for (std::uint32_t i = from; i < from + segments; ++i) out(".", 1 + i * kSegment, 1, kSegment);
    return *this;
  }
};

// Four segments, of which each ACK lets two leave: eight, of which the window has shown that it has room for no more.
struct Eight : Four {
  Eight() {
    for (std::uint32_t i = 1; i <= 4; ++i) acks(i).sends(2 * i + 2, 2).quiet();
  }
};

// The timer sends the first of four segments again, three are acknowledged, and so many new ones leave.
Verdicts new_text_after_timeout(std::uint32_t segments) {
  Four t;
  t.quiet(seconds(1));
  t.sends(0, 1).quiet();
  t.acks(3).sends(4, segments).quiet();
  return t.main_verdicts();
}

// Two, be it by slow start or by RFC 5682 section 2.1. Nothing was counted before that would round to a third.
TEST(TimeoutTwins, OneAckMakesAWindowOfTwoSegments) {
  EXPECT_EQ(new_text_after_timeout(2), Verdicts{});
  EXPECT_EQ(new_text_after_timeout(3), Verdicts{"R5681_3_1_rto_cwnd violated"});
}

// After a timeout each ACK lets two segments leave until so many are in flight; from there on one.
Verdicts slow_start_after_timeout(std::uint32_t flight) {
  Eight t;
  t.quiet(seconds(1));
  t.sends(4, 1).quiet();
  std::uint32_t acked = 4, sent = 5;
  while (acked < 24) {
    ++acked;
    const std::uint32_t leave = sent - acked + 2 <= flight ? 2 : 1;
    t.acks(acked).sends(sent, leave).quiet();
    sent += leave;
  }
  return t.main_verdicts();
}

// Half of eight are four, and seven tenths of the nine that the window may have been are 6.3. Slow start may step
// beyond.
TEST(TimeoutTwins, SlowStartEndsAtSevenTenthsOfTheWindowThatWasUsed) {
  EXPECT_EQ(slow_start_after_timeout(5), Verdicts{});
  EXPECT_EQ(slow_start_after_timeout(7), Verdicts{});
  EXPECT_EQ(slow_start_after_timeout(8), Verdicts{"R5681_3_1_rto_ssthresh violated"});
}

// Fast recovery of eight segments ends, and so many are in flight after it.
Verdicts in_flight_after_recovery(std::uint32_t segments) {
  Eight t;
  for (int i = 0; i < 3; ++i) t.acks(4);
  t.sends(4, 1).quiet();
  t.acks(12).sends(12, segments).quiet();
  return t.main_verdicts();
}

TEST(RecoveryTwins, TheWindowIsDeflatedToSevenTenthsOfWhatWasUsed) {
  EXPECT_EQ(in_flight_after_recovery(4), Verdicts{});
  EXPECT_EQ(in_flight_after_recovery(6), Verdicts{});
  EXPECT_EQ(in_flight_after_recovery(7), Verdicts{"R5681_3_2_6 violated"});
}

// Three duplicate ACKs of ten segments, a partial ACK that draws the third again, or nothing, and the ACK of all, which
// lets so many segments leave.
Verdicts leave_upon_the_full_ack(bool fills, std::uint32_t segments) {
  Bulk t(Bulk::kPlain);
  for (int i = 0; i < 3; ++i) t.acks(0);
  t.sends(0, 1).quiet().quiet(milliseconds(100));
  t.acks(2);
  if (fills) t.sends(2, 1);
  t.quiet().quiet(milliseconds(100));
  t.acks(10).sends(10, segments).quiet();
  return t.main_verdicts();
}

// RFC 5681 section 4.3: "cwnd MUST be set to no more than ssthresh". Section 3.2 alone ends recovery with the partial
// ACK, and its window may have grown since; that is no NewReno, which is RECOMMENDED.
TEST(RecoveryTwins, WhoRecoversFurtherHasSsthreshInTheEnd) {
  EXPECT_EQ(leave_upon_the_full_ack(true, 5), Verdicts{});
  EXPECT_EQ(leave_upon_the_full_ack(true, 7), Verdicts{});
  EXPECT_EQ(leave_upon_the_full_ack(true, 8), Verdicts{"R6582_3_2_full violated"});
  EXPECT_EQ(leave_upon_the_full_ack(false, 7), Verdicts{"R6582_3_2_partial departed"});
  EXPECT_EQ(leave_upon_the_full_ack(false, 8), (Verdicts{"R6582_3_2_partial departed", "R6582_3_2_partial departed"}));
}

// The timer sends the first of ten segments again. Eight are acknowledged; a D-SACK block may show that nothing was
// lost. The other two leave again, each ACK adds a segment to the window, and so many leave in the end.
Verdicts leave_after_a_vain_timeout(bool shown, std::uint32_t segments) {
  Bulk t(Bulk::kSack);
  t.quiet(seconds(1));
  t.sends(0, 1).quiet().quiet(milliseconds(100));
  t.acks(8, 0, shown ? Blocks{{0, 1}} : Blocks{}).sends(8, 2).quiet().quiet(milliseconds(100));
  t.acks(9).quiet();
  t.acks(10).sends(10, segments).quiet();
  return t.main_verdicts();
}

// RFC 3708 does not ask a sender to look for that. Who does not goes on with slow start, and enters no fast recovery.
TEST(TimeoutTwins, SlowStartMayGoOnUnaware) {
  EXPECT_EQ(leave_after_a_vain_timeout(true, 4), Verdicts{});
  EXPECT_EQ(leave_after_a_vain_timeout(true, 21), Verdicts{"R5681_3_1_use violated"});
  EXPECT_EQ(leave_after_a_vain_timeout(false, 4), Verdicts{});
  EXPECT_EQ(leave_after_a_vain_timeout(false, 5), Verdicts{"R5681_3_1_rto_cwnd violated"});
}

// Ten segments fill the window. A copy of the ACK comes, and reports of 100 octets each, of which each lets one leave.
Verdicts leave_upon_small_reports(std::uint32_t reports) {
  Bulk t(Bulk::kSack);
  t.acks(0).quiet();
  for (std::uint32_t i = 1; i <= reports; ++i) {
    Arriving report = tcpassay::in(".", 1, 1, 0, 65535);
    report.opt.block[report.opt.blocks++] = {(kIss + 101).value, (kIss + 101 + 100 * i).value};
    t.event(report);
    t.sends(9 + i, 1).quiet();
  }
  return t.main_verdicts();
}

// RFC 6675 section 2: where SACK is in use, an ACK that reports nothing new is no duplicate.
TEST(LimitedTransmitTwins, ACopyTakesNotTheTurnOfAReport) {
  EXPECT_EQ(leave_upon_small_reports(2), Verdicts{});
  EXPECT_FALSE(leave_upon_small_reports(3).empty());
}

// In TIME-WAIT of a connection that a listener has begun a RST leaves, for an old SYN or for nothing.
Verdicts resets_in_time_wait(bool old_syn) {
  Trace t;
  t.open().close().out("F.", 1, 1).quiet().in("F.", 1, 2).out(".", 2, 2).quiet().wait(seconds(1));
  if (old_syn) t.in("S", 0);
  t.out_rst_ack(1);
  return t.verdicts();
}

TEST(ResetTwins, OneForAnOldSynIsNotAShortTimeWait) {
  EXPECT_EQ(resets_in_time_wait(true), Verdicts{"S3_5_2_unclear violated"});
  EXPECT_EQ(resets_in_time_wait(false), Verdicts{"MUST_13 violated"});
}

// Text behind CLOSE, on a segment that acknowledges as well. What the ACK lets go may leave before the RST (3.10.7.4);
// it may not take the place of the RST, nor follow it.
Verdicts text_behind_close(bool text_before, bool reset, bool text_after) {
  Trace t;
  t.open().write(6000).quiet();
  for (std::uint32_t i = 0; i < 4; ++i) t.out(".", 1 + 536 * i, 1, 536);
  t.quiet().close().quiet().in(".", 1, 1073, 100);
  if (text_before) t.out(".", 2145, 1, 536);
  if (reset) t.out("R", 1073);
  if (text_after) t.out(".", 2145, 1, 536);
  return t.quiet().verdicts();
}

TEST(ResetTwins, WhatTheAckLetsGoLeavesBeforeTheRstAndNotInsteadOfIt) {
  EXPECT_EQ(text_behind_close(false, true, false), Verdicts{});
  EXPECT_EQ(text_behind_close(true, true, false), Verdicts{});
  EXPECT_EQ(text_behind_close(true, false, false), Verdicts{"SHLD_3 departed"});
  EXPECT_EQ(text_behind_close(false, true, true), Verdicts{"SA4_5_new violated"});
}

// Text behind CLOSE fills one of two gaps. What it fills may be acknowledged before the RST (3.6.1 asks for a RST and
// does not say that it comes first), not instead of it, not beyond what has come, nor after it.
Verdicts gap_filled_behind_close(std::uint32_t acked_before, bool reset, bool acked_after = false) {
  Trace t;
  t.open().quiet().in(".", 101, 1, 100).out(".", 1, 1).quiet().in(".", 301, 1, 100).out(".", 1, 1).quiet();
  t.close().out("F.", 1, 1).quiet().in(".", 1, 1, 100);
  if (acked_before != 0) t.out(".", 2, acked_before);
  if (reset) t.out("R", 2);
  if (acked_after) t.out(".", 2, 201);
  return t.quiet().verdicts();
}

// Text behind CLOSE that does not acknowledge the FIN is taken, and the target is in this state then.
Verdicts in_state_behind_close(State state) {
  Trace t;
  t.open().quiet().close().out("F.", 1, 1).quiet().in("P.", 1, 1, 100).out(".", 2, 101).report(state);
  return t.quiet().verdicts();
}

TEST(ResetTwins, ThatARstIsDueExcusesNoOtherState) {
  EXPECT_EQ(in_state_behind_close(State::kFinWait1), Verdicts{"SHLD_3 departed"});
  EXPECT_EQ(in_state_behind_close(State::kFinWait2).at(0), "S3_6_half_close violated");
}

TEST(ResetTwins, TextIsAcknowledgedBeforeItsRstAndNotInsteadOfIt) {
  EXPECT_EQ(gap_filled_behind_close(0, true), Verdicts{});
  EXPECT_EQ(gap_filled_behind_close(201, true), Verdicts{});
  EXPECT_EQ(gap_filled_behind_close(201, false), Verdicts{"SHLD_3 departed"});
  EXPECT_EQ(gap_filled_behind_close(401, true).at(0), "SA4_7_ack violated");
  EXPECT_EQ(gap_filled_behind_close(0, true, true), Verdicts{"S3_10_4_established violated"});
  EXPECT_EQ(gap_filled_behind_close(201, true, true), Verdicts{"S3_6_half_close violated"});
}

// The receive window is full. A probe of it reports text in flight, or does not, and the front leaves again.
Verdicts front_again_at_a_full_window(bool reports) {
  Bulk t(Bulk::kSack);
  t.in("P.", 1, 1, 10000, 65535).out(".", 1 + 10 * kMss, 10001, 0, 0).quiet();
  Arriving probe = in("P.", 10001, 1, 1, 65535);
  if (reports) probe.opt.block[probe.opt.blocks++] = {(kIss + 1 + kMss).value, (kIss + 1 + 7 * kMss).value};
  t.event(probe).out(".", 1 + 10 * kMss, 10001, 0, 0).out(".", 1, 10001, kMss, 0).quiet();
  return t.main_verdicts();
}

TEST(ReportTwins, WhatArrivesAtAFullWindowReportsLosses) {
  EXPECT_EQ(front_again_at_a_full_window(true), Verdicts{});
  EXPECT_EQ(front_again_at_a_full_window(false), Verdicts{"R6298_5_early violated"});
}

// After a pause ten segments leave, the restart window, and so many behind them when a loss probe is due.
Verdicts probed_behind_a_pause(std::uint32_t segments) {
  Bulk t(Bulk::kSack, 30 * kMss);
  t.quiet(milliseconds(100));
  t.acks(10).sends(10, 10).quiet(milliseconds(100));
  t.acks(20).sends(20, 9).sends(29, 1, "P.").quiet(milliseconds(100));
  t.acks(30).quiet().quiet(seconds(10)).write(20 * kMss);
  t.sends(30, 10).quiet().quiet(milliseconds(700));
  t.sends(40, segments).quiet();
  return t.main_verdicts();
}

TEST(ProbeTwins, ALossProbeGoesBeyondTheRestartWindow) {
  EXPECT_EQ(probed_behind_a_pause(1), Verdicts{});
  EXPECT_EQ(probed_behind_a_pause(3), Verdicts{"R5681_4_1_idle departed"});
}

// The third duplicate ACK has begun a recovery when a router tells of a smaller path. All of it goes again in smaller
// segments, and each partial ACK lets the front leave once more, though a copy is on its way. A duplicate ACK comes,
// and so many segments leave.
Verdicts leave_behind_partial_acks(std::uint32_t segments) {
  Bulk t(Bulk::kPlain);
  t.acks(0).sends(10, 1).quiet();
  t.acks(0).sends(11, 1).quiet();
  t.acks(0).sends(0, 1).quiet();
  t.event(IcmpArrives{.type = 3, .code = 4, .mtu = 1000, .seq = kIss + 1});
  for (std::uint32_t i = 0; i < 5; ++i) t.out(".", 1 + i * 960, 1, 960);
  t.quiet();
  for (std::uint32_t i = 1; i <= 3; ++i) {
    t.acks(i);
    t.out(".", 1 + i * kMss, 1, 960).out(".", 3841 + i * 960, 1, 960).quiet();
  }
  t.acks(3);
  for (std::uint32_t i = 0; i < segments; ++i) t.out(".", 7681 + i * 960, 1, 960);
  t.quiet();
  return t.main_verdicts();
}

TEST(PartialAckTwins, ACopyOfTheFrontIsNoPartOfTheWindow) {
  EXPECT_EQ(leave_behind_partial_acks(1), Verdicts{});
  EXPECT_NE(leave_behind_partial_acks(5), Verdicts{});
}

}  // namespace
}  // namespace tcpassay
