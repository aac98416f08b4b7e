// SPDX-License-Identifier: Apache-2.0
// Stories in pairs that differ in one thing, of the peer's window and of connections that are given up: whose rule is
// blamed, and when nobody's.
#include <gtest/gtest.h>

#include <algorithm>

#include "models/test_trace.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A connection on which the windows of both ends are scaled by 128.
Trace& open_scaled(Trace& t) {
  Arriving syn = in("S", 0);
  syn.opt.window_scale = 7;
  syn.opt.octets = 4;
  Departing answer = out("S.", 0, 1);
  answer.opt.window_scale = 7;
  answer.opt.octets = 4;
  return t.listen().quiet().event(syn).event(answer).quiet().in(".", 1, 1, 0, 2).quiet().accept();
}

// The window admits 256 octets, and an older segment may have named a larger one. 300 octets leave.
Verdicts overruns_a_scaled_window(bool older_segment) {
  Trace t;
  open_scaled(t).in("P.", 101, 1, 100, 2).out(".", 1, 1, 0, 500).quiet();
  t.in("P.", 1, 1, 100, older_segment ? 100 : 2).out(".", 1, 201, 0, 498).quiet();
  return t.write(300).out("P.", 1, 201, 300, 498).quiet().verdicts();
}

TEST(WindowTwins, AScaledWindowIsOverrunByTheOneOfAnOlderSegmentOrByItsOwn) {
  EXPECT_EQ(overruns_a_scaled_window(true), Verdicts{"SA4_5_window_old violated"});
  EXPECT_EQ(overruns_a_scaled_window(false), Verdicts{"R7323_2_3_in violated"});
}

// The window admits 256 octets, and then 128, which is said twice. So many octets leave.
Verdicts leaves_behind_a_shrunk_window(std::uint32_t octets) {
  Trace t;
  open_scaled(t).in(".", 1, 1, 0, 1).quiet().in(".", 1, 1, 0, 1).quiet();
  return t.write(octets).out("P.", 1, 1, octets, 500).quiet().verdicts();
}

TEST(WindowTwins, AScaledWindowThatHasShrunkIsObeyedIgnoredOrMisread) {
  EXPECT_EQ(leaves_behind_a_shrunk_window(100), Verdicts{});
  EXPECT_EQ(leaves_behind_a_shrunk_window(156), Verdicts{"R7323_2_4_3 violated"});
  EXPECT_EQ(leaves_behind_a_shrunk_window(300), Verdicts{"R7323_2_3_in violated"});
}

// The window of 65535 octets is probed with one octet of hundred.
Verdicts probes_an_open_window(bool older_segment_closes) {
  Trace t;
  t.open().write(100).out("P.", 1, 1, 100).quiet().in(".", 1, 101, 0, 65535).quiet();
  if (older_segment_closes) t.in(".", 1, 1, 0, 0).quiet();
  return t.write(100).out(".", 101, 1, 1).verdicts();
}

TEST(WindowTwins, AnOpenWindowIsProbedByTheWindowOfAnOlderSegmentOrByItsSign) {
  EXPECT_EQ(probes_an_open_window(true), Verdicts{"SA4_5_window_old violated"});
  EXPECT_EQ(probes_an_open_window(false), Verdicts{"MUST_1 violated"});
}

// The user has turned Nagle's algorithm off. So many octets are in flight in the first burst, and hundred more wait.
Verdicts waits_behind(std::uint32_t octets) {
  Trace t;
  t.open();
  t.call({.kind = CallKind::kSetOption, .handle = 4, .option = SocketOption::kNoDelay, .value = 1});
  t.write(octets).out("P.", 1, 1, octets).quiet().write(100).quiet();
  return t.quiet(milliseconds(600)).verdicts();
}

// Segments are of 536 octets, and the initial window may be one of them.
TEST(WindowTwins, TextWaitsForAnInitialWindowOfOneSegmentAndForNagleNot) {
  EXPECT_EQ(waits_behind(500), Verdicts{});
  EXPECT_EQ(waits_behind(400), Verdicts{"MUST_17 violated"});
}

// Five times ten octets arrive, the user reads ten older ones, and the ACK opens the window by as many; and so does a
// window update behind each, or not. Is MUST-39 broken?
bool opens_by_ten(bool updates) {
  Trace t;
  t.open();
  for (std::uint32_t i = 0; i < 5; ++i) t.in("P.", 1 + i * 1000, 1, 1000).out(".", 1, 1001 + i * 1000).quiet();
  std::uint32_t taken = 0, came = 5001, edge = 1 + kRcvWnd;
  const auto opens = [&] {
    t.read(1 + taken, 10).out(".", 1, came, 0, edge + 10 - came).quiet();
    taken += 10;
    edge += 10;
  };
  for (int i = 0; i < 5; ++i) {
    t.in("P.", came, 1, 10);
    came += 10;
    opens();
    if (updates) opens();
  }
  const Verdicts found = t.verdicts();
  return std::find(found.begin(), found.end(), "MUST_39 violated") != found.end();
}

TEST(WindowTwins, SmallUpdatesCountThoughAcksOpenTheWindowAsLittle) {
  EXPECT_FALSE(opens_by_ten(false));
  EXPECT_TRUE(opens_by_ten(true));
}

// The window closes over the last of ten octets, while twenty more wait. The first of those leaves so often, as the
// timer doubles, and the window opens so many seconds after it closed. Then what is outstanding leaves again, or
// nothing does.
Verdicts probes_with_new_text(int probes, int opens_at, bool again) {
  Trace t;
  t.open().write(10).out("P.", 1, 1, 10).quiet().write(20).in(".", 1, 10, 0, 0).quiet();
  int at = 0;
  for (int i = 0; i < probes; at += 1 << i++) t.quiet(seconds(1 << i)).out(".", 11, 1, 1);
  t.quiet().quiet(seconds(opens_at - at)).in(".", 1, 10, 0, 65535);
  if (again) t.out(".", 10, 1, 2);
  return t.quiet().quiet(seconds(again ? 0 : 80)).verdicts();
}

// 3.8.6.1: a new octet probes a window of zero, and what lies beyond the edge need not leave before it opens (MAY-7).
TEST(WindowTwins, ANewOctetProbesBehindTextThatIsOutstanding) {
  EXPECT_EQ(probes_with_new_text(6, 101, true), Verdicts{});
  EXPECT_EQ(probes_with_new_text(3, 15, true), Verdicts{});
  EXPECT_EQ(probes_with_new_text(1, 501, true), Verdicts{"MUST_35 violated"});
  EXPECT_EQ(probes_with_new_text(0, 501, true), Verdicts{"SA8_retransmission violated"});
  EXPECT_EQ(probes_with_new_text(3, 15, false), Verdicts{"R6298_5_4 departed"});
}

// The window closes and opens again, or was never closed, and one octet of hundred leaves.
Verdicts probes_after_opening(bool was_closed) {
  Trace t;
  t.open().write(100).out("P.", 1, 1, 100).quiet().in(".", 1, 101, 0, was_closed ? 0 : 65535).quiet();
  return t.in(".", 1, 101, 0, 65535).quiet().write(100).out(".", 101, 1, 1).verdicts();
}

TEST(WindowTwins, AnOpenWindowIsProbedByTheOneBeforeOrByItsSign) {
  EXPECT_EQ(probes_after_opening(true), Verdicts{"SA4_5_window violated"});
  EXPECT_EQ(probes_after_opening(false), Verdicts{"MUST_1 violated"});
}

// Text leaves eight times, as the timer doubles, until 123 seconds; nobody asks for silence in between. Then nothing
// leaves for so long, and a read fails in this way.
Verdicts read_after_giving_up(Time silence, UserError error) {
  Trace t;
  t.open().write(100).out("P.", 1, 1, 100).quiet();
  for (const int interval : {1, 2, 4, 8, 16, 32, 60}) t.wait(seconds(interval)).out("P.", 1, 1, 100);
  return t.quiet(silence).read_fails(error).verdicts();
}

TEST(GivenUpTwins, TheUserIsToldOnceTheConnectionMustHaveEnded) {
  EXPECT_EQ(read_after_giving_up(seconds(2800), UserError::kTimedOut), Verdicts{});
  EXPECT_EQ(read_after_giving_up(seconds(50), UserError::kWouldBlock), Verdicts{});
  EXPECT_EQ(read_after_giving_up(seconds(2800), UserError::kWouldBlock), Verdicts{"SA8_user violated"});
}

// The peer takes segments of 100 octets, 12 of them a timestamp, and sends 100 octets of text. The user reads some of
// them, and the acknowledgment moves the right edge of the window by as many.
Verdicts edge_moves_by(std::uint32_t octets) {
  const auto stamped = [](auto seg, std::uint32_t value, std::uint32_t echo, std::uint8_t others = 0) {
    seg.opt.timestamps = {{.value = value, .echo = echo}};
    seg.opt.octets = static_cast<std::uint8_t>(others + 12);
    return seg;
  };
  Trace t;
  Arriving syn = stamped(in("S", 0), 700, 0, 4);
  syn.opt.mss = 100;
  t.listen().quiet().event(syn).event(stamped(out("S.", 0, 1), 7000, 700)).quiet();
  t.event(stamped(in(".", 1, 1), 700, 7000)).quiet().accept();
  t.event(stamped(in("P.", 1, 1, 100), 700, 7000)).read(1, octets);
  t.event(stamped(out(".", 1, 101, 0, kRcvWnd - 100 + octets), 7000, 700)).quiet();
  return t.verdicts();
}

TEST(WindowTwins, ASegmentThatMovesTheEdgeHasRoomForOptions) {
  EXPECT_EQ(edge_moves_by(99), Verdicts{});
  EXPECT_EQ(edge_moves_by(80), Verdicts{"S3_8_6_2_2_threshold departed"});
}

// The user sets ten seconds for a connection that is being opened. It is refused, and a SYN begins another one on its
// pair of ports, or it goes on. For a minute SYNs or SYN,ACKs leave.
Verdicts opens_for_a_minute(bool begun_anew) {
  Trace t;
  t.connect().call({.kind = CallKind::kSetOption, .handle = 3, .option = SocketOption::kUserTimeout, .value = 10000});
  t.out("S", 0).quiet();
  if (begun_anew) {
    t.in("R.", 0, 1).quiet().call({.kind = CallKind::kSocket, .result = 5});
    t.call({.kind = CallKind::kBind, .handle = 5, .port = kFirst.local});
    t.call({.kind = CallKind::kListen, .handle = 5, .length = 8}).wait(seconds(2));
    t.in("S", 0).out("S.", 500000, 1).quiet();
  }
  for (const int interval : {1, 2, 4, 8, 16, 32}) {
    t.wait(seconds(interval));
    begun_anew ? t.out("S.", 500000, 1) : t.out("S", 0);
    t.quiet();
  }
  return t.verdicts();
}

TEST(GivenUpTwins, AUserTimeoutIsOfOneConnection) {
  EXPECT_EQ(opens_for_a_minute(true), Verdicts{});
  EXPECT_EQ(opens_for_a_minute(false), Verdicts{"MUST_20 violated"});
}

// The peer takes segments of 24 octets; one octet of twenty leaves, with so many octets of options.
Verdicts one_octet_leaves(std::uint8_t options) {
  Trace t;
  Arriving syn = in("S", 0);
  syn.opt.mss = 24;
  t.listen().quiet().event(syn).out("S.", 0, 1).quiet().in(".", 1, 1).quiet().accept().write(20);
  Departing octet = out(".", 1, 1, 1);
  octet.opt.octets = options;
  return t.event(octet).quiet().verdicts();
}

TEST(WindowTwins, ASegmentWithoutRoomForTextHasAnySize) {
  EXPECT_EQ(one_octet_leaves(28), Verdicts{});
  EXPECT_EQ(one_octet_leaves(24), Verdicts{});
  EXPECT_EQ(one_octet_leaves(20), Verdicts{"SHLD_28 departed"});
  EXPECT_EQ(one_octet_leaves(0), Verdicts{"SHLD_28 departed"});
}

// ---- RFC 7323 section 3.2: timestamps that were not negotiated ----

// Ten octets are in flight, and text comes with timestamps; this ACK leaves, or none.
Verdicts text_with_stamps(std::optional<Departing> answer) {
  Trace t;
  t.open().write(10).out("P.", 1, 1, 10).quiet();
  Arriving text = in("P.", 1, 1, 10);
  text.opt.timestamps = {{.value = 102, .echo = 0}};
  t.event(text);
  if (answer) t.event(*answer);
  t.quiet(seconds(1));
  return t.verdicts();
}

TEST(StampTwins, ANumberThatIsWrongHasNothingToDoWithStamps) {
  EXPECT_EQ(text_with_stamps(out(".", 11, 11)), Verdicts{});
  EXPECT_EQ(text_with_stamps(out(".", 1, 11)), Verdicts{"SA4_7_ack violated"});
  EXPECT_EQ(text_with_stamps({}), Verdicts{"R7323_3_2_unnegotiated violated"});
}

// ---- 3.8.6.3: delayed acknowledgments ----

// Fifty segments of one octet arrive, and each is acknowledged at once: alone, or by an octet that the user has given
// and that waited for the acknowledgment of the one before (Nagle).
Verdicts fifty_prompt_acks(bool with_text) {
  Trace t;
  t.open();
  if (with_text) t.write(1).out("P.", 1, 1, 1).quiet();
  for (std::uint32_t i = 1; i <= 50; ++i) {
    if (with_text) t.write(1).quiet();
    t.in("P.", i, with_text ? i + 1 : 1, 1);
    with_text ? t.out("P.", i + 1, i + 1, 1) : t.out(".", 1, i + 1);
    t.quiet().read(i, 1).quiet();
  }
  return t.verdicts();
}

TEST(PromptAckTwins, AnAckThatTextTakesAlongIsNoneOfItsOwn) {
  EXPECT_EQ(fifty_prompt_acks(true), Verdicts{});
  EXPECT_EQ(fifty_prompt_acks(false), Verdicts{"SHLD_18 departed"});
}

// ---- RFC 5681 section 3.1: the initial window ----

// Ten segments are in flight, the window closes, and the ACK that opens it reports all but the first of them, or none.
// The first leaves again, and so many new ones.
Verdicts behind_a_report(bool reports, std::uint32_t segments) {
  constexpr std::uint32_t kSegment = 536;
  Trace t;
  Arriving syn = in("S", 0);
  syn.opt.sack_permitted = true;
  Departing answer = out("S.", 0, 1);
  answer.opt.sack_permitted = true;
  t.listen().quiet().event(syn).event(answer).quiet().in(".", 1, 1).quiet().accept().write(60 * kSegment);
  std::uint32_t next = 1;
  for (int i = 0; i < 10; ++i, next += kSegment) t.out(".", next, 1, kSegment);
  t.quiet().in(".", 1, 1, 0, 0).quiet();
  Arriving opens = in(".", 1, 1);
  if (reports) {
    opens.opt.blocks = 1;
    opens.opt.block[0] = {(kIss + 1 + kSegment).value, (kIss + next).value};
    opens.opt.octets = 12;
  }
  t.event(opens).out(".", 1, 1, kSegment);
  for (std::uint32_t i = 0; i < segments; ++i, next += kSegment) t.out(".", next, 1, kSegment);
  t.quiet();
  return t.verdicts();
}

TEST(InitialWindowTwins, WhatIsReportedIsInFlightNoMore) {
  EXPECT_EQ(behind_a_report(true, 4), Verdicts{});
  EXPECT_NE(behind_a_report(true, 12), Verdicts{});
  EXPECT_NE(behind_a_report(false, 4), Verdicts{});
}

// ---- RFC 7323 section 2.2: the window of a segment with SYN is never scaled ----

// SYNs cross, the peer's names a shift of one, and its SYN,ACK brings an octet. Of 1000 octets 536 leave as its window
// says, or all of them.
Verdicts behind_a_crossing_syn_ack(std::uint32_t octets, bool with_text) {
  Trace t;
  Departing first = out("S", 0), answer = out("S.", 0, 1);
  first.opt.window_scale = answer.opt.window_scale = 7;
  Arriving syn = in("S", 0);
  syn.opt.window_scale = 1;
  syn.opt.mss = 1220;
  t.connect().event(first).quiet().event(syn).event(answer).quiet();
  t.in("S.", 0, 1, with_text ? 1 : 0, 536).out(".", 1, with_text ? 2 : 1).quiet().write(1000);
  t.quiet(std::chrono::milliseconds(500)).out(octets < 1000 ? "." : "P.", 1, with_text ? 2 : 1, octets).quiet();
  return t.verdicts();
}

TEST(ScaleTwins, OfACrossingSynAckWithTextTheWindowIsNotScaled) {
  for (const bool with_text : {true, false}) {
    EXPECT_EQ(behind_a_crossing_syn_ack(536, with_text), Verdicts{});
    EXPECT_EQ(behind_a_crossing_syn_ack(1000, with_text), Verdicts{"R7323_2_2_syn_unscaled violated"});
  }
}

// ---- What the user has read makes room, whether the target tells or not ----

// The window is full. The user shuts down reading, and is given 2,000 octets all the same, or nothing. Ten more are
// taken.
Verdicts taken_behind_shutdown(bool reads) {
  Trace t;
  t.open();
  for (std::uint32_t i = 0; i < 10; ++i) t.in("P.", 1 + i * 1000, 1, 1000);
  t.out(".", 1, 10001, 0, 0).quiet().call({.kind = CallKind::kShutdown, .handle = 4, .how = 0});
  if (reads) t.read(1, 2000);
  return t.in("P.", 10001, 1, 10).out(".", 1, 10011, 0, reads ? 1990 : 0).quiet().verdicts();
}

TEST(RoomTwins, WhatIsReadBehindAShutdownMakesRoom) {
  EXPECT_EQ(taken_behind_shutdown(true), Verdicts{});
  EXPECT_NE(taken_behind_shutdown(false), Verdicts{});
}

// 100 octets are read before the window closes, which it tells nobody, and 500 behind. So many more are taken.
Verdicts taken_beyond_the_edge(std::uint32_t octets) {
  Trace t;
  t.open();
  for (std::uint32_t i = 0; i < 9; ++i) t.in("P.", 1 + i * 1000, 1, 1000);
  t.out(".", 1, 9001, 0, 1000).quiet().read(1, 100).quiet().in("P.", 9001, 1, 1000).out(".", 1, 10001, 0, 0).quiet();
  t.read(101, 500).quiet().in("P.", 10001, 1, octets).quiet(std::chrono::milliseconds(200));
  return t.out(".", 1, 10001 + octets, 0, 0).quiet().verdicts();
}

TEST(RoomTwins, WhatTheWindowHasHeldBackIsRoom) {
  EXPECT_EQ(taken_beyond_the_edge(600), Verdicts{});
  EXPECT_NE(taken_beyond_the_edge(700), Verdicts{});
}

// The SYN,ACK offers as much as the field can say, or less, and the next ACK an octet more than is left of it.
Verdicts an_octet_more(std::uint32_t offered) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1, 0, offered).quiet().in(".", 1, 1).quiet().accept();
  t.in("P.", 1, 1, 10).quiet(std::chrono::milliseconds(200)).out(".", 1, 11, 0, offered - 9).quiet();
  return t.verdicts();
}

TEST(RoomTwins, MoreThanTheFieldCanSayIsThereAlready) {
  EXPECT_EQ(an_octet_more(65535), Verdicts{});
  EXPECT_EQ(an_octet_more(65000), Verdicts{"S3_8_6_2_2_threshold departed"});
}

// A RST in the window, or outside of it, brings a newer timestamp. Text follows with an older one, and this is echoed.
Verdicts echoed_behind_a_reset(std::uint32_t of_reset, std::uint32_t echo, std::uint32_t seq) {
  const auto stamped = [](auto seg, std::uint32_t value, std::uint32_t echoed) {
    seg.opt.timestamps = {{.value = value, .echo = echoed}};
    seg.opt.octets = 12;
    return seg;
  };
  Trace t;
  t.listen().quiet().event(stamped(in("S", 0), 700, 0)).event(stamped(out("S.", 0, 1), 7000, 700)).quiet();
  t.event(stamped(in(".", 1, 1), 700, 7000)).quiet().accept();
  t.event(stamped(in("R", seq), of_reset, 0)).quiet().wait(seconds(1));
  t.event(stamped(in("P.", 1, 1, 100), 800, 7000)).event(stamped(out(".", 1, 101), 7000, echo)).quiet();
  return t.verdicts();
}

TEST(StampTwins, TheTimestampOfAResetIsNotRecorded) {
  EXPECT_EQ(echoed_behind_a_reset(900, 800, 500000), Verdicts{});
  EXPECT_EQ(echoed_behind_a_reset(900, 900, 500000), Verdicts{"R7323_5_2_rst_nopaws violated"});
  EXPECT_EQ(echoed_behind_a_reset(750, 750, 500000), Verdicts{"R7323_3_2_tsecr_echo violated"});
}

}  // namespace
}  // namespace tcpassay
