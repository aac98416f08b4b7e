// SPDX-License-Identifier: Apache-2.0
// Stories in pairs that differ in one thing: the innocent one is spared, and its guilty twin is not. Each innocent one
// was once condemned.
#include <gtest/gtest.h>

#include <initializer_list>

#include "models/test_trace.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Trace& set(Trace& t, SocketOption option, std::int64_t value, int handle = 4) {
  return t.call({.kind = CallKind::kSetOption, .handle = handle, .option = option, .value = value});
}

// A passive OPEN that permits SACK, as the peer does, taken by the user.
Trace& open_with_sack(Trace& t) {
  Arriving syn = in("S", 0);
  syn.opt.sack_permitted = true;
  syn.opt.octets = 4;
  Departing answer = out("S.", 0, 1);
  answer.opt.sack_permitted = true;
  answer.opt.octets = 8;
  return t.listen().quiet().event(syn).event(answer).quiet().in(".", 1, 1).quiet().accept();
}

// A connection in FIN-WAIT-2 whose user has gone, with keep-alives every ten seconds of which so many are not answered;
// then a RST tells the peer that it is given up.
Verdicts given_up_in_fin_wait_2(int unanswered) {
  Trace t;
  t.open();
  set(t, SocketOption::kKeepIdle, 10);
  set(t, SocketOption::kKeepInterval, 10);
  set(t, SocketOption::kKeepAlive, 1);
  t.close().out("F.", 1, 1).quiet().in(".", 1, 2).quiet();
  for (int i = 0; i < unanswered; ++i) t.quiet(seconds(10)).out(".", 1, 1).quiet();
  t.quiet(seconds(8)).wait(seconds(2)).out("R", 2).quiet();
  return t.verdicts();
}

TEST(KeepAliveTwins, AreGivenUpInFinWait2AfterTwoProbesNotAfterOne) {
  EXPECT_EQ(given_up_in_fin_wait_2(2), Verdicts{});
  EXPECT_NE(given_up_in_fin_wait_2(1), Verdicts{});
}

// A probe is not answered; five seconds later a segment arrives, and nothing leaves for half a minute.
Verdicts silent_after_a_probe_and(std::string_view flags) {
  Trace t;
  t.open();
  set(t, SocketOption::kKeepIdle, 10);
  set(t, SocketOption::kKeepAlive, 1);
  t.quiet(seconds(10)).out(".", 0, 1).quiet(seconds(5)).in(flags, 1, 1);
  if (flags != ".") t.out(".", 1, 1);
  t.quiet().quiet(seconds(30));
  return t.verdicts();
}

TEST(KeepAliveTwins, ASynIsNotSurelyHeardAnAckIs) {
  EXPECT_EQ(silent_after_a_probe_and("S."), Verdicts{});
  EXPECT_EQ(silent_after_a_probe_and("."), Verdicts{"MUST_27 violated"});
}

// Text is given while the window is closed, with a user timeout of ten seconds, and the connection ends so much later.
Verdicts closed_window_given_up_after(Time time) {
  Trace t;
  t.open();
  set(t, SocketOption::kUserTimeout, 10000);
  t.in(".", 1, 1, 0, 0).quiet().write(1).quiet(seconds(1)).out("P.", 1, 1, 1).quiet();
  t.quiet(seconds(2)).out("P.", 1, 1, 1).quiet(seconds(4)).out("P.", 1, 1, 1).quiet();
  t.wait(time - seconds(7)).report(State::kClosed);
  return t.verdicts();
}

TEST(UserTimeoutTwins, ATimeForDataCountsFromItsSubmission) {
  EXPECT_EQ(closed_window_given_up_after(seconds(10)), Verdicts{});
  EXPECT_EQ(closed_window_given_up_after(seconds(9)), Verdicts{"MUST_37 violated"});
}

// So many probes are not answered, the user turns keep-alives on a second time behind the first, and a RST gives up.
Verdicts given_up_though_turned_on_again(int unanswered) {
  Trace t;
  t.open();
  set(t, SocketOption::kKeepIdle, 10);
  set(t, SocketOption::kKeepInterval, 5);
  set(t, SocketOption::kKeepCount, 2);
  set(t, SocketOption::kKeepAlive, 1);
  t.quiet(seconds(10)).out(".", 0, 1).quiet();
  set(t, SocketOption::kKeepAlive, 1);
  for (int i = 1; i < unanswered; ++i) t.quiet(seconds(5)).out(".", 0, 1).quiet();
  t.quiet(seconds(4)).wait(seconds(1)).out("R", 1).quiet();
  return t.verdicts();
}

TEST(KeepAliveTwins, TurnedOnAgainTheyCountOnButOneIsNotEnough) {
  EXPECT_EQ(given_up_though_turned_on_again(2), Verdicts{});
  EXPECT_EQ(given_up_though_turned_on_again(1), Verdicts{"MUST_29 violated"});
}

// Text is given while the window is closed, with a user timeout of ten seconds, the peer answers a probe after eight,
// and the connection ends so much later than the text was given.
Verdicts answered_probes_given_up_after(Time time) {
  Trace t;
  t.open();
  set(t, SocketOption::kUserTimeout, 10000);
  t.in(".", 1, 1, 0, 0).quiet().write(1).quiet(seconds(1)).out("P.", 1, 1, 1).quiet();
  t.quiet(seconds(2)).out("P.", 1, 1, 1).quiet(seconds(4)).out("P.", 1, 1, 1).quiet();
  t.quiet(seconds(1)).in(".", 1, 1, 0, 0).quiet().wait(time - seconds(8)).report(State::kClosed);
  return t.verdicts();
}

TEST(UserTimeoutTwins, AnAnswerToAProbeDoesNotStretchTheTimeForData) {
  EXPECT_EQ(answered_probes_given_up_after(seconds(10)), Verdicts{});
  EXPECT_EQ(answered_probes_given_up_after(seconds(9)), Verdicts{"MUST_37 violated"});
}

// The peer sends text behind its own FIN, and the target reports octets `from`..`to` once it has taken the FIN.
Verdicts reported_behind_fin(std::uint32_t from, std::uint32_t to) {
  Trace t;
  open_with_sack(t);
  const auto ack = [&](std::uint32_t number, std::uint32_t left, std::uint32_t right) {
    Departing seg = out(".", 1, number);
    seg.opt.block[seg.opt.blocks++] = {(kIrs + left).value, (kIrs + right).value};
    seg.opt.octets = 12;
    t.event(seg).quiet();
  };
  t.in(".", 601, 1, 100);
  ack(1, 601, 701);
  t.in("F.", 1, 1);
  ack(2, from, to);
  return t.verdicts();
}

TEST(SackTwins, BehindTheFinOnlyTextThatCameIsReported) {
  EXPECT_EQ(reported_behind_fin(601, 701), Verdicts{});
  EXPECT_EQ(reported_behind_fin(601, 801), Verdicts{"R2018_3_format violated"});
  EXPECT_EQ(reported_behind_fin(301, 401), Verdicts{"R2018_3_format violated"});
}

// A FIN behind some text arrives ahead of a gap, so many times; the last ACK reports from..to as a duplicate.
Verdicts fin_reported_as_duplicate(int times, std::uint32_t from = 601, std::uint32_t to = 602,
                                   std::uint32_t octets = 0) {
  Trace t;
  open_with_sack(t);
  for (int i = 1; i <= times; ++i) {
    t.in("F.", from, 1, octets);
    Departing ack = out(".", 1, 1);
    ack.opt.blocks = i == times ? 2 : 1;
    ack.opt.block[0] = ack.opt.block[1] = {(kIrs + from).value, (kIrs + to).value};
    ack.opt.octets = static_cast<std::uint8_t>(4 + 8 * ack.opt.blocks);
    t.event(ack).quiet();
  }
  return t.verdicts();
}

TEST(SackTwins, AFinThatComesTwiceIsADuplicate) {
  EXPECT_EQ(fin_reported_as_duplicate(2), Verdicts{});
  EXPECT_EQ(fin_reported_as_duplicate(1), Verdicts{"R2883_4_latest departed"});
}

TEST(SackTwins, AFinBeyondTheWindowHidesNoDuplicateText) {
  constexpr std::uint32_t kEdge = 1 + kRcvWnd, kFrom = kEdge - 500;
  EXPECT_EQ(fin_reported_as_duplicate(2, kFrom, kEdge, 900), Verdicts{});
  EXPECT_EQ(fin_reported_as_duplicate(1, kFrom, kEdge, 900), Verdicts{"R2883_4_latest departed"});
}

// A window smaller than a segment is used up `late` after text began to wait for a larger one.
Verdicts small_window_used_after(Time late) {
  Trace t;
  t.open().in(".", 1, 1, 0, 300).quiet().write(2000).quiet(late).out(".", 1, 1, 300).quiet();
  return t.verdicts();
}

TEST(OverrideTwins, ASmallWindowIsUsedAfterTheOverrideTimeoutNotBefore) {
  EXPECT_EQ(small_window_used_after(milliseconds(200)), Verdicts{});
  EXPECT_EQ(small_window_used_after(milliseconds(50)), Verdicts{"MUST_38 violated"});
}

// The port 80 has a SYN that is not answered, another socket listens on `other`, and a third one that may share the
// port is refused it.
Verdicts port_refused_while_listening_on(std::uint16_t other) {
  Trace t;
  t.connect().out("S", 0).quiet();
  t.on({.local = other, .remote = 0}).call({.kind = CallKind::kSocket, .result = 5});
  t.call({.kind = CallKind::kBind, .handle = 5, .port = other});
  t.call({.kind = CallKind::kListen, .handle = 5, .length = 1});
  t.on(kFirst).call({.kind = CallKind::kSocket, .result = 6});
  set(t, SocketOption::kReuseAddress, 1, 6);
  t.call({.kind = CallKind::kBind, .handle = 6, .port = kFirst.local, .result = -1, .error = UserError::kAddressInUse});
  return t.verdicts();
}

TEST(PortTwins, OnlyAListenerOnTheSamePortExcusesThatItIsRefused) {
  EXPECT_EQ(port_refused_while_listening_on(kFirst.local), Verdicts{});
  EXPECT_EQ(port_refused_while_listening_on(81), Verdicts{"MUST_42 violated"});
}

// Text is not acknowledged for four minutes, on a connection that the user gives ten seconds or any time.
Verdicts unacknowledged_for_minutes(bool ten_seconds) {
  Trace t;
  t.open();
  if (ten_seconds) set(t, SocketOption::kUserTimeout, 10000);
  t.write(100).out("P.", 1, 1, 100);
  for (int i = 0; i < 7; ++i) t.quiet(seconds(1 << i)).out("P.", 1, 1, 100);
  t.quiet(seconds(120)).out("P.", 1, 1, 100);
  return t.verdicts();
}

TEST(UserTimeoutTwins, OneThatIsSetOnALiveConnectionCounts) {
  EXPECT_EQ(unacknowledged_for_minutes(false), Verdicts{});
  EXPECT_NE(unacknowledged_for_minutes(true), Verdicts{});
}

// Three duplicate ACKs, and then a partial one that leaves text or the FIN alone. The target sends nothing.
Verdicts silent_after_partial_ack(std::uint32_t text_left) {
  constexpr std::uint32_t kSegment = 536;
  Trace t;
  t.open().write(kSegment + text_left).out(text_left == 0 ? "P." : ".", 1, 1, kSegment);
  if (text_left > 0) t.out("P.", 1 + kSegment, 1, text_left);
  t.shutdown().out("F.", 1 + kSegment + text_left, 1).quiet();
  for (int i = 0; i < 3; ++i) t.in(".", 1, 1);
  t.out(text_left == 0 ? "P." : ".", 1, 1, kSegment).quiet().in(".", 1, 1 + kSegment).quiet();
  return t.verdicts();
}

TEST(PartialAckTwins, TextLeavesAgainAtOnceAFinNeedNot) {
  EXPECT_EQ(silent_after_partial_ack(0), Verdicts{});
  EXPECT_EQ(silent_after_partial_ack(536), Verdicts{"R6582_3_2_partial departed"});
}

struct Block {
  std::uint32_t left, right;
};

// Ten segments are in flight, an ACK with these SACK blocks arrives, and one more segment of new text leaves.
Verdicts new_text_after(std::initializer_list<Block> blocks) {
  Trace t;
  open_with_sack(t).write(10000);
  for (std::uint32_t i = 0; i < 10; ++i) t.out(".", 1 + 536 * i, 1, 536);
  t.quiet();
  Arriving report = in(".", 1, 1);
  for (const Block& block : blocks) {
    report.opt.block[report.opt.blocks++] = {(kIss + block.left).value, (kIss + block.right).value};
  }
  t.event(report).out(".", 5361, 1, 536).quiet();
  return t.verdicts();
}

TEST(ReportTwins, OnlyABlockOfWhatWasSentLetsNewTextLeave) {
  EXPECT_EQ(new_text_after({{1073, 2145}, {3217, 9001}}), Verdicts{});
  EXPECT_NE(new_text_after({{3217, 9001}}), Verdicts{});
  EXPECT_NE(new_text_after({}), Verdicts{});
}

// A SYN,ACK that was sent at 0, 1 and 3 s is acknowledged at once, and text leaves again after `gap`.
Verdicts text_again_after_syn_losses(Time gap) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1).quiet(seconds(1)).out("S.", 0, 1).quiet(seconds(2)).out("S.", 0, 1);
  t.quiet().in(".", 1, 1).quiet().accept().write(10).out("P.", 1, 1, 10).quiet(gap).out("P.", 1, 1, 10).quiet();
  return t.verdicts();
}

TEST(KarnTwins, NoRoundTripIsMeasuredOverASynThatWasSentAgain) {
  EXPECT_EQ(text_again_after_syn_losses(seconds(3)), Verdicts{});
  EXPECT_EQ(text_again_after_syn_losses(seconds(4)), Verdicts{});
  EXPECT_EQ(text_again_after_syn_losses(seconds(9)), Verdicts{"R6298_3_karn violated"});
}

// A SYN,ACK leaves again, with a window that is the largest that a SYN can say, or a smaller one.
Verdicts syn_ack_again_with(std::uint32_t wnd) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1, 0, 0xffff).quiet(seconds(1)).out("S.", 0, 1, 0, wnd).quiet();
  t.in(".", 1, 1).quiet();
  return t.verdicts();
}

TEST(WindowTwins, ASynAckThatLeavesAgainHasNoSmallerWindow) {
  EXPECT_EQ(syn_ack_again_with(0xffff), Verdicts{});
  EXPECT_EQ(syn_ack_again_with(1000), Verdicts{"SHLD_14 departed"});
}

// A passive OPEN whose SYNs have agreed on SACK options, and text that fills so many segments.
Trace& in_flight_with_sack(Trace& t, std::uint32_t segments, std::uint32_t text) {
  Arriving syn = in("S", 0);
  syn.opt.sack_permitted = true;
  syn.opt.octets = 4;
  Departing answer = out("S.", 0, 1);
  answer.opt.sack_permitted = true;
  answer.opt.octets = 8;
  t.listen().quiet().event(syn).event(answer).quiet().in(".", 1, 1).quiet().accept().write(text);
  for (std::uint32_t i = 0; i < segments; ++i) {
    t.out(536 * (i + 1) == text ? "P." : ".", 1 + 536 * i, 1, 536);
  }
  return t.quiet();
}

Arriving report(std::uint32_t ack, Block block) {
  Arriving seg = in(".", 1, ack);
  seg.opt.block[seg.opt.blocks++] = {(kIss + block.left).value, (kIss + block.right).value};
  return seg;
}

// The second of two segments is reported, and reported or not once more when the timer has sent the first again. An ACK
// brings the second to the front, and the target sends nothing.
Verdicts silent_at_reported_text(bool reported_again) {
  Trace t;
  in_flight_with_sack(t, 2, 2 * 536).event(report(1, {537, 1073})).quiet();
  t.quiet(seconds(1)).out(".", 1, 1, 536).quiet();
  if (reported_again) t.event(report(1, {537, 1073})).quiet();
  t.in(".", 1, 537).quiet();
  return t.verdicts();
}

TEST(ReportTwins, AfterATimeoutOnlyWhatIsReportedAgainMayBeLeftOut) {
  EXPECT_EQ(silent_at_reported_text(true), Verdicts{});
  EXPECT_EQ(silent_at_reported_text(false), Verdicts{"R2018_5_rto_clear departed"});
}

// Eleven segments fill the congestion window. Two reports of a few octets arrive, and so many segments leave.
Verdicts segments_after_small_reports(int segments) {
  Trace t;
  in_flight_with_sack(t, 10, 20000).in(".", 1, 537).out(".", 5361, 1, 536).out(".", 5897, 1, 536).quiet();
  t.event(report(537, {638, 738})).out(".", 6433, 1, 536).quiet().event(report(537, {638, 838}));
  for (int i = 0; i < segments; ++i) t.out(".", 6969 + 536 * static_cast<std::uint32_t>(i), 1, 536);
  t.quiet();
  return t.verdicts();
}

TEST(LimitedTransmitTwins, TwoSmallReportsBringTwoSegmentsNotThree) {
  EXPECT_EQ(segments_after_small_reports(1), Verdicts{});
  EXPECT_NE(segments_after_small_reports(2), Verdicts{});
}

// Two octets have left, the first three times, the second twice. A duplicate ACK arrives when all of that is
// acknowledged and one segment behind it is not, or when that is acknowledged, too. The target sends nothing.
Verdicts silent_after_two_timeouts(bool later) {
  Trace t;
  t.open();
  set(t, SocketOption::kNoDelay, 1);
  t.write(1).out("P.", 1, 1, 1).quiet(seconds(1)).out("P.", 1, 1, 1).quiet().write(1).out("P.", 2, 1, 1).write(5000);
  t.quiet().quiet(seconds(2)).out(".", 1, 1, 2).quiet().in(".", 1, 3).out(".", 3, 1, 536).quiet();
  if (later) t.in(".", 1, 539).out(".", 539, 1, 536).out(".", 1075, 1, 536).quiet();
  t.in(".", 1, later ? 539 : 3).quiet();
  return t.verdicts();
}

TEST(LimitedTransmitTwins, DuplicatesOfWhatTheLastTimeoutHasRecordedBringNoText) {
  EXPECT_EQ(silent_after_two_timeouts(false), Verdicts{});
  EXPECT_EQ(silent_after_two_timeouts(true), Verdicts{"R5681_3_2_1_lt departed"});
}

// A socket is shut down, opens another connection, is given ten octets and reads them, or not, before CLOSE. The other
// connection has the ports `next`.
Verdicts closed_after_opening_again(bool all_read, Tuple next = kFirst) {
  constexpr std::uint32_t kNext = 500000;  // its ISS
  Trace t;
  t.connect().out("S", 0).quiet();
  t.call({.kind = CallKind::kShutdown, .handle = 3, .how = 2}).wait(seconds(2));
  t.call({.kind = CallKind::kConnect,
          .handle = 3,
          .port = kFirst.remote,
          .result = -1,
          .error = UserError::kInProgress,
          .tuple = next});
  t.on(next).out("S", kNext).quiet().in("S.", 0, kNext + 1).out(".", kNext + 1, 1).quiet().in("P.", 1, kNext + 1, 10);
  t.out(".", kNext + 1, 11).quiet();
  if (all_read) t.read(1, 10);
  t.close().out("F.", kNext + 1, 11).quiet();
  return t.verdicts();
}

TEST(SocketTwins, WhatAnotherOpenBringsIsReadOrUnread) {
  EXPECT_EQ(closed_after_opening_again(true), Verdicts{});
  EXPECT_EQ(closed_after_opening_again(false), Verdicts{"SHLD_3 departed"});
}

constexpr Tuple kFromAnotherPort{.local = 81, .remote = kFirst.remote};

TEST(SocketTwins, AnotherOpenMayComeFromAnotherPort) {
  EXPECT_EQ(closed_after_opening_again(true, kFromAnotherPort), Verdicts{});
  EXPECT_EQ(closed_after_opening_again(false, kFromAnotherPort), Verdicts{"SHLD_3 departed"});
}

// A socket whose SYN is not answered is shut down, or not, and then opens a connection from another port.
Verdicts opens_from_another_port(bool shut_down) {
  Trace t;
  t.connect().out("S", 0).quiet();
  if (shut_down) t.call({.kind = CallKind::kShutdown, .handle = 3, .how = 2});
  t.wait(seconds(2)).on(kFromAnotherPort);
  t.call({.kind = CallKind::kConnect,
          .handle = 3,
          .port = kFirst.remote,
          .result = -1,
          .error = UserError::kInProgress,
          .tuple = kFromAnotherPort});
  return t.out("S", 500000).quiet().verdicts();
}

TEST(SocketTwins, OnlyASocketWithoutAConnectionOpensAnother) {
  EXPECT_EQ(opens_from_another_port(true), Verdicts{});
  EXPECT_EQ(opens_from_another_port(false), Verdicts{"S3_10_1_passive violated"});
}

// The user shuts a part of a socket whose SYN is not answered, and its state is asked.
Verdicts reported_after_shutdown(int how, State state) {
  Trace t;
  t.connect().out("S", 0).quiet();
  return t.call({.kind = CallKind::kShutdown, .handle = 3, .how = how}).report(state).verdicts();
}

TEST(SocketTwins, ShutdownOfTheReadingSideMayEndAnAttemptAndNothingElse) {
  for (int how = 0; how < 3; ++how) EXPECT_EQ(reported_after_shutdown(how, State::kClosed), Verdicts{});
  EXPECT_EQ(reported_after_shutdown(0, State::kSynSent), Verdicts{});
  EXPECT_EQ(reported_after_shutdown(1, State::kSynSent), Verdicts{"S3_10_4_syn_sent violated"});
  EXPECT_EQ(reported_after_shutdown(0, State::kFinWait1), Verdicts{"S3_10_4_syn_sent violated"});
}

TEST(SocketTwins, ARstBehindCloseInSynSentIsNoSynGivenUp) {
  Trace t;
  t.connect().out("S", 0).quiet().call({.kind = CallKind::kShutdown, .handle = 3, .how = 2}).out("R.", 1, 0);
  EXPECT_EQ(t.verdicts(), Verdicts{"S3_5_2_unclear violated"});
}

// A SYN with RST, half the sequence space away, and a FIN inside the peer's own text. The user is given so many octets.
Verdicts read_of_a_peer_that_contradicts_itself(std::uint32_t octets) {
  Trace t;
  t.open().in("SR", 0x80000001u).quiet().in("P.", 613, 1, 1000).out(".", 1, 1).quiet();
  t.in("FP.", 1, 1, 1000).out(".", 1, 1613).quiet().read(1, octets);
  return t.verdicts();
}

TEST(ContradictionTwins, TheUserIsGivenWhatThePeerHasSentAndNoMore) {
  EXPECT_EQ(read_of_a_peer_that_contradicts_itself(1612), Verdicts{});
  EXPECT_NE(read_of_a_peer_that_contradicts_itself(1613), Verdicts{});
}

// The listener is given a linger time of zero, or not. Its connection is accepted and closed, and a RST or a FIN
// leaves.
Verdicts closed_by(std::string_view flags, bool zero_linger) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1).quiet().in(".", 1, 1).quiet();
  if (zero_linger) set(t, SocketOption::kLinger, 0, 3);
  t.accept().close().out(flags, 1, flags == "R" ? 0 : 1).quiet();
  return t.verdicts();
}

TEST(LingerTwins, TheListenersMayCount) {
  EXPECT_EQ(closed_by("F.", true), Verdicts{});
  EXPECT_EQ(closed_by("R", true), Verdicts{});
  EXPECT_EQ(closed_by("F.", false), Verdicts{});
  EXPECT_NE(closed_by("R", false), Verdicts{});
}

// Three timeouts, then new text behind, which is acknowledged after `round_trip` together with what had left again. A
// segment after that is not acknowledged, and nothing leaves for forty seconds.
Verdicts silent_for_forty_seconds_after(Time round_trip) {
  Trace t;
  t.open();
  set(t, SocketOption::kNoDelay, 1);
  t.write(1).out("P.", 1, 1, 1);
  for (int i = 0; i < 3; ++i) t.quiet(seconds(1 << i)).out("P.", 1, 1, 1);
  t.quiet().write(1).out("P.", 2, 1, 1).quiet(round_trip).in(".", 1, 3).quiet().write(100).out("P.", 3, 1, 100);
  t.quiet().quiet(seconds(40));
  return t.verdicts();
}

TEST(TimeoutTwins, NewTextBehindWhatLeftAgainMeasuresARoundTrip) {
  EXPECT_EQ(silent_for_forty_seconds_after(seconds(7)), Verdicts{});
  EXPECT_EQ(silent_for_forty_seconds_after(Time{}), Verdicts{"R6298_5_4 departed"});
}

// The peer takes segments of 48 octets and has sent three islands. Text leaves beside their blocks, so much in a
// segment.
Verdicts text_beside_three_blocks(std::uint32_t octets) {
  Trace t;
  Arriving syn = in("S", 0);
  syn.opt.mss = 48;
  syn.opt.sack_permitted = true;
  syn.opt.octets = 8;
  Departing answer = out("S.", 0, 1);
  answer.opt.sack_permitted = true;
  answer.opt.octets = 8;
  t.listen().quiet().event(syn).event(answer).quiet().in(".", 1, 1).quiet().accept();
  Departing text = out(".", 1, 1);
  for (std::uint32_t at = 101; at < 700; at += 200) {
    t.in("P.", at, 1, 100);
    text.opt.block[2] = text.opt.block[1];
    text.opt.block[1] = text.opt.block[0];
    text.opt.block[0] = {(kIrs + at).value, (kIrs + at + 100).value};
    text.opt.octets = static_cast<std::uint8_t>(4 + 8 * ++text.opt.blocks);
    t.event(text).quiet();
    if (text.opt.blocks == 3) break;
  }
  t.write(1000);
  for (std::uint32_t i = 0; i < 3; ++i) {
    Departing seg = out(".", 1 + octets * i, 1, octets);
    seg.opt = text.opt;
    t.event(seg);
  }
  t.quiet();
  return t.verdicts();
}

TEST(SmallMssTwins, TextAndOptionsFillIt) {
  EXPECT_EQ(text_beside_three_blocks(20), Verdicts{});
  EXPECT_NE(text_beside_three_blocks(19), Verdicts{});
}

// Fourteen segments have left when three duplicate ACKs show a loss. A partial ACK acknowledges six, and so many more
// duplicates arrive. No new text leaves.
Verdicts silent_after_a_partial_ack_and(int duplicates) {
  Trace t;
  t.open().write(20000);
  std::uint32_t next = 1;
  const auto send = [&] { t.out(".", next, 1, 536), next += 536; };
  for (int i = 0; i < 10; ++i) send();
  t.quiet();
  for (std::uint32_t acked = 1; acked <= 2; ++acked) {
    t.in(".", 1, 1 + 536 * acked);
    send(), send();
    t.quiet();
  }
  for (int i = 0; i < 2; ++i) {
    t.in(".", 1, 1073);
    send();
    t.quiet();
  }
  t.in(".", 1, 1073).out(".", 1073, 1, 536).quiet().in(".", 1, 4289).out(".", 4289, 1, 536).quiet();
  for (int i = 0; i < duplicates; ++i) t.in(".", 1, 4289);
  t.quiet();
  return t.verdicts();
}

TEST(PartialAckTwins, TheWindowIsDeflatedByAllOfIt) {
  EXPECT_EQ(silent_after_a_partial_ack_and(4), Verdicts{});
  EXPECT_EQ(silent_after_a_partial_ack_and(6), Verdicts{"R5681_3_2_5 departed"});
}

// A SYN,ACK with FIN arrives, and text of a lost SYN leaves again with an ACK of the SYN alone, or of nothing.
Verdicts early_text_acknowledges(std::uint32_t ack) {
  Trace t;
  t.connect().out("S", 0).quiet();
  t.write(10).in("FS.", 0, 1).out("P.", 1, ack, 10).out(".", 11, 2).quiet();
  return t.verdicts();
}

TEST(SynAckTwins, ItsFinMayBeAcknowledgedAfterItsSyn) {
  EXPECT_EQ(early_text_acknowledges(1), Verdicts{});
  EXPECT_EQ(early_text_acknowledges(2), Verdicts{});
  EXPECT_NE(early_text_acknowledges(0), Verdicts{});
}

// The window ends somewhere in 11001..11016, as its scale of 4 leaves open. Of text that came partly beyond it so much
// was held, as the ACK shows when the gap is filled; the window has opened in between.
Verdicts held_up_to(std::uint32_t ack) {
  Arriving syn = in("S", 0);
  syn.opt.window_scale = 0;
  Departing syn_ack = out("S.", 0, 1);
  syn_ack.opt.window_scale = 4;
  syn_ack.opt.octets = 8;
  Trace t;
  t.listen().quiet().event(syn).event(syn_ack).quiet().in(".", 1, 1).quiet().accept();
  t.in("P.", 1, 1, 1000).out(".", 1, 1001, 0, 562).quiet().read(1, 1000).out(".", 1, 1001, 0, 625).quiet();
  t.in("P.", 10501, 1, 800).out(".", 1, 1001, 0, 625).quiet().out(".", 1, 1001, 0, 700).quiet();
  t.in("P.", 1001, 1, 9500).out(".", 1, ack, 0, (12201 - ack) >> 4).quiet();
  return t.verdicts();
}

TEST(HeldTextTwins, WhatMayHaveBeenBeyondTheWindowNeedNotBeHeld) {
  EXPECT_EQ(held_up_to(11001), Verdicts{});
  EXPECT_EQ(held_up_to(11016), Verdicts{});
  EXPECT_EQ(held_up_to(10901), Verdicts{"SHLD_31 departed"});
  EXPECT_EQ(held_up_to(11201), Verdicts{"SA4_1_trim_right departed"});  // as of text that is in sequence
  EXPECT_EQ(held_up_to(11302), Verdicts{"R7323_2_3_out violated"});     // what never came
}

// A connection comes while its listener has Nagle's algorithm turned off, or not, and is accepted when it has not. Two
// octets leave, one by one.
Verdicts small_segments_after(bool turned_off) {
  Trace t;
  t.listen().quiet();
  if (turned_off) set(t, SocketOption::kNoDelay, 1, 3);
  t.in("S", 0).out("S.", 0, 1).quiet().in(".", 1, 1).quiet();
  set(t, SocketOption::kNoDelay, 0, 3);
  t.accept().write(1).out("P.", 1, 1, 1).write(1).out("P.", 2, 1, 1).quiet();
  return t.verdicts();
}

TEST(ListenerTwins, AConnectionMayKeepWhatItsListenerHadWhenItCame) {
  EXPECT_EQ(small_segments_after(true), Verdicts{});
  EXPECT_EQ(small_segments_after(false), Verdicts{"SHLD_7 departed"});
}

}  // namespace
}  // namespace tcpassay
