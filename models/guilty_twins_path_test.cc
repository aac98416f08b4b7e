// SPDX-License-Identifier: Apache-2.0
// Stories in pairs that differ in one thing, of messages that a packet was too big for the path (RFC 1191, RFC 8201).
#include <gtest/gtest.h>

#include "models/test_bulk.h"

namespace tcpassay {
namespace {

// A router says that packets of `mtu` octets are the largest that it takes.
IcmpArrives smaller_path(std::uint32_t mtu, std::uint32_t seq) {
  return {.type = 3, .code = 4, .mtu = mtu, .seq = kIss + seq};
}

// A message tells of a small path, and another one of a larger path. Then 40 octets are read, and the window opens by
// as many, which is a segment on the small path.
Verdicts window_opens_behind(std::uint32_t first_mtu, std::uint32_t second_mtu) {
  Trace t;
  t.open().in("P.", 1, 1, 100).out(".", 1, 101).quiet().write(1).out("P.", 1, 101, 1).quiet();
  t.event(smaller_path(first_mtu, 1)).out("P.", 1, 101, 1).quiet().event(smaller_path(second_mtu, 1)).quiet();
  return t.read(1, 40).out(".", 2, 101, 0, kRcvWnd - 60).quiet().verdicts();
}

TEST(PathTwins, TheSmallestPathThatWasToldIsAMeasureOfTheWindow) {
  EXPECT_EQ(window_opens_behind(20, 400), Verdicts{});
  EXPECT_EQ(window_opens_behind(400, 300), Verdicts{"S3_8_6_2_2_threshold departed"});
}

// A SYN was lost, so that the window is one segment. A duplicate ACK lets another one go, and a message makes all leave
// again in smaller ones. Behind the second duplicate ACK so many octets are in flight as the window and two segments.
Verdicts limited_transmit_behind_a_message(std::uint32_t segments) {
  Trace t;
  Arriving answer = in("S.", 0, 1);
  answer.opt.mss = 1460;
  answer.opt.octets = 4;
  t.connect().out("S", 0).quiet(std::chrono::seconds(1)).out("S", 0).quiet(std::chrono::seconds(2)).out("S", 0).quiet();
  t.event(answer).out(".", 1, 1).quiet();
  t.write(6000).out(".", 1, 1, 1460).quiet().in(".", 1, 1).out(".", 1461, 1, 1460).quiet();
  t.event(smaller_path(1300, 1)).out(".", 1, 1, 1260).quiet().in(".", 1, 1);
  for (std::uint32_t i = 1; i < segments; ++i) t.out(".", 1 + 1260 * i, 1, 1260);
  return t.quiet().verdicts();
}

TEST(PathTwins, LimitedTransmitBeginsAnewBehindAMessage) {
  EXPECT_EQ(limited_transmit_behind_a_message(3), Verdicts{});
  EXPECT_EQ(limited_transmit_behind_a_message(4), Verdicts{"R5681_3_1_iw_synloss violated"});
}

// Segments have 260 octets on the path that a message tells of, and the window may have been one segment: behind an ACK
// it is two. So many segments are in flight, and one octet waits though Nagle's algorithm is off.
Verdicts waits_on_a_small_path(std::uint32_t segments) {
  Trace t;
  t.open();
  t.call({.kind = CallKind::kSetOption, .handle = 4, .option = SocketOption::kNoDelay, .value = 1});
  t.write(520).out("P.", 1, 1, 520).quiet().event(smaller_path(300, 1));
  t.out(".", 1, 1, 260).out("P.", 261, 1, 260).quiet().in(".", 1, 521).quiet();
  t.write(segments * 260).out("P.", 521, 1, 260);
  if (segments == 2) t.out("P.", 781, 1, 260);
  return t.quiet().write(1).quiet().quiet(std::chrono::milliseconds(600)).verdicts();
}

TEST(PathTwins, TextWaitsForAWindowOfTwoSegmentsOfTheSmallPath) {
  EXPECT_EQ(waits_on_a_small_path(2), Verdicts{});
  EXPECT_EQ(waits_on_a_small_path(1), Verdicts{"MUST_17 violated"});
}

// A message tells of a path that takes 256 octets of text, and larger segments go in fragments. So many leave again of
// ten of 536 octets.
Verdicts leaves_behind_a_message(std::uint32_t segments, std::uint32_t octets) {
  Trace t;
  t.open().write(10 * 536);
  for (std::uint32_t i = 0; i < 10; ++i) t.out(i == 9 ? "P." : ".", 1 + 536 * i, 1, 536);
  t.quiet().write(6000).event(smaller_path(296, 1));
  for (std::uint32_t i = 0; i < segments; ++i) {
    Departing seg = tcpassay::out(".", 1 + octets * i, 1, octets);
    seg.ip.dont_fragment = octets <= 256;
    t.event(seg);
  }
  return t.quiet().verdicts();
}

TEST(PathTwins, TheWindowIsScaledToTheSegmentsThatLeave) {
  EXPECT_EQ(leaves_behind_a_message(10, 256), Verdicts{});
  EXPECT_EQ(leaves_behind_a_message(15, 256), Verdicts{"R5681_3_1_pmtu departed"});
  EXPECT_EQ(leaves_behind_a_message(10, 512), Verdicts{});
}

// Over IPv6 packets of 1500 octets have room for 1440 of text, whatever the peer takes. The window opens by so much.
Verdicts opens_over_ipv6(std::uint32_t octets, bool smaller) {
  Trace t{{.mms_r = 1460, .mms_s = 1460, .default_mss = 1220}};
  Arriving syn = in("S", 0);
  syn.opt.mss = 8000;
  Departing answer = out("S.", 0, 1);
  answer.opt.mss = 1440;
  t.listen().quiet().event(syn).event(answer).quiet().in(".", 1, 1).quiet().accept();
  t.in("P.", 1, 1, 1440).out(".", 1, 1441).quiet().write(1).out("P.", 1, 1441, 1).quiet();
  IcmpArrives message = smaller_path(1300, 1);
  message.version = 6;
  message.type = 2;
  message.code = 0;
  if (smaller) t.event(message).out("P.", 1, 1441, 1).quiet();
  const std::uint32_t wnd = kRcvWnd - (1440 - octets);
  return t.read(1, octets).out(".", 2, 1441, 0, wnd).quiet().verdicts();
}

TEST(PathTwins, TheHeaderOfIpv6CountsToo) {
  EXPECT_EQ(opens_over_ipv6(1440, false), Verdicts{});
  EXPECT_EQ(opens_over_ipv6(1430, false), Verdicts{"S3_8_6_2_2_threshold departed"});
  EXPECT_EQ(opens_over_ipv6(1240, true), Verdicts{});
  EXPECT_EQ(opens_over_ipv6(1230, true), Verdicts{"S3_8_6_2_2_threshold departed"});
}

// The path refuses 500 octets. 360 of them leave again, the rest with them or with an octet that the user gives later.
Verdicts rest_leaves_with_new_text(bool with_them) {
  Trace t;
  t.open().write(500).out("P.", 1, 1, 500).quiet().event(smaller_path(400, 1)).out(".", 1, 1, 360);
  if (with_them) t.out("P.", 361, 1, 140);
  t.quiet(std::chrono::milliseconds(1)).write(1).out("P.", 361, 1, 141).quiet();
  return t.verdicts();
}

TEST(PathTwins, WhatItHasRefusedNeedsNoTimerToLeave) {
  EXPECT_EQ(rest_leaves_with_new_text(false), Verdicts{});
  EXPECT_EQ(rest_leaves_with_new_text(true), Verdicts{"R6298_5_4 departed"});
}

// Fast recovery of ten segments has let twelve more leave, when the path refuses all that is in flight. The front
// leaves again, the ACK of it ends the recovery, and of the rest so many smaller segments leave.
Verdicts resent_behind_recovery(bool refused, std::uint32_t segments) {
  constexpr std::uint32_t kSmaller = 360;
  Bulk t(Bulk::kPlain);
  t.quiet();
  for (std::uint32_t i = 0; i < 19; ++i) {
    t.acks(0);
    if (i < 2) t.sends(10 + i, 1);
    if (i == 2) t.sends(0, 1);
    if (i > 6) t.sends(5 + i, 1);
    t.quiet();
  }
  if (refused) t.event(smaller_path(400, 1)).out(".", 1, 1, kSmaller).quiet();
  t.acks(12);
  for (std::uint32_t i = 0; i < segments; ++i) t.out(".", 1 + 12 * kMss + i * kSmaller, 1, kSmaller);
  t.quiet();
  return t.main_verdicts();
}

TEST(PathTwins, WhatItHasRefusedFillsTheWindowBehindRecovery) {
  EXPECT_EQ(resent_behind_recovery(true, 6), Verdicts{});
  EXPECT_EQ(resent_behind_recovery(true, 30), Verdicts{"R5681_3_2_6 violated"});
  EXPECT_EQ(resent_behind_recovery(false, 6), Verdicts{"R5681_3_2_6 violated"});
}

// SACK options report two of ten segments, and so many more leave. A while later the path refuses all, and the front
// leaves again.
Verdicts front_again_behind_a_report(std::uint32_t more) {
  Bulk t(Bulk::kSack);
  t.quiet(std::chrono::milliseconds(100));
  t.acks(0, 0, {{3, 5}}).sends(10, more).quiet(std::chrono::milliseconds(20));
  t.event(smaller_path(1400, 1));
  t.sends(0, 1).quiet();
  return t.main_verdicts();
}

TEST(PathTwins, AMessageLetsTheFrontLeaveAndForgetsNoReport) {
  EXPECT_EQ(front_again_behind_a_report(2), Verdicts{});
  EXPECT_NE(front_again_behind_a_report(9), Verdicts{});
}

// A SYN was lost, so that the window is one segment. A duplicate ACK lets another one leave, and the path refuses both,
// or not. An ACK of most of the front comes, and a segment leaves behind it, or more.
Verdicts behind_a_refused_window(bool refused, std::uint32_t octets) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1).quiet(std::chrono::seconds(1)).out("S.", 0, 1);
  t.quiet(std::chrono::seconds(2)).out("S.", 0, 1).quiet(std::chrono::seconds(1)).in(".", 1, 1).quiet().accept();
  t.write(3000).out(".", 1, 1, 536).quiet().in(".", 1, 1).out(".", 537, 1, 536).quiet();
  if (refused) t.event(smaller_path(400, 1)).out(".", 1, 1, 360).quiet();
  t.in(".", 1, 301);
  for (std::uint32_t next = 361; next < 361 + octets; next += 360) t.out(".", next, 1, 360);
  return t.quiet().verdicts();
}

TEST(PathTwins, WhatItHasRefusedIsNotInFlightBehindAnAck) {
  EXPECT_EQ(behind_a_refused_window(true, 720), Verdicts{});
  EXPECT_NE(behind_a_refused_window(true, 1800), Verdicts{});
  EXPECT_NE(behind_a_refused_window(false, 720), Verdicts{});
}

// A router takes 67 octets, and the floor leaves room for sixteen beside timestamps. So many leave again.
Verdicts cut_at_the_floor(std::uint32_t octets) {
  Bulk t(Bulk::kStamps);
  t.quiet().event(smaller_path(67, 1));
  Departing text = out(".", 1, 1, octets);
  text.opt.timestamps = {{.value = 100000 + t.clock(), .echo = 7000}};
  text.opt.octets += 12;
  t.event(text);
  return t.main_verdicts();
}

TEST(PathTwins, HalfOfWhatTheFloorHasRoomForIsNoSmallerPath) {
  EXPECT_EQ(cut_at_the_floor(8), Verdicts{});
  EXPECT_EQ(cut_at_the_floor(10), Verdicts{"R1191_3_floor violated"});
}

// A router says that two segments were too big, and of no size that it takes. They leave again by the timer, in packets
// of so many octets of text that a router may not cut, or may.
Verdicts again_behind_a_message_without_mtu(std::uint32_t octets, bool dont_fragment) {
  Trace t;
  t.open().write(1072).out(".", 1, 1, 536).out("P.", 537, 1, 536).quiet().event(smaller_path(0, 1)).quiet();
  for (const int interval : {1, 2, 4, 8}) {
    t.wait(std::chrono::seconds(interval));
    Departing again = out(".", 1, 1, octets);
    again.ip.dont_fragment = dont_fragment;
    t.event(again).quiet();
  }
  return t.in(".", 1, 1073).quiet().verdicts();
}

TEST(PathTwins, WithoutAnMtuWhatWasTooBigIsNotSentAgainAsItWas) {
  EXPECT_EQ(again_behind_a_message_without_mtu(500, true), Verdicts{});
  EXPECT_EQ(again_behind_a_message_without_mtu(536, false), Verdicts{});
  EXPECT_EQ(again_behind_a_message_without_mtu(536, true), Verdicts{"S3_7_2_path_mtu departed"});
}

// Three duplicate ACKs of one octet, a message about it, and a fourth: the window is two segments and those that
// duplicate ACKs have added. So many leave.
Verdicts inflated_beside_a_message(std::uint32_t segments) {
  Trace t;
  t.open().write(1).out("P.", 1, 1, 1).quiet();
  for (int i = 0; i < 3; ++i) t.in(".", 1, 1);
  t.out("P.", 1, 1, 1).quiet().event(smaller_path(1000, 1)).out("P.", 1, 1, 1).quiet();
  t.in(".", 1, 1).quiet().write(6000);
  for (std::uint32_t i = 0; i < segments; ++i) t.out(".", 2 + 536 * i, 1, 536);
  return t.quiet().verdicts();
}

TEST(PathTwins, AMessageTakesNothingOffWhatDuplicateAcksHaveAdded) {
  EXPECT_EQ(inflated_beside_a_message(4), Verdicts{});
  EXPECT_EQ(inflated_beside_a_message(9).at(0), "R5681_3_2_4 violated");
}

// The peer takes 536 octets. A message over IPv6 names so few that it is not to be obeyed. SACK blocks take twelve
// octets of the next segment, and then a packet is as large as that; or it is without them.
Verdicts as_large_as_ignored(std::uint32_t mtu, bool blocks) {
  Trace t{{.mms_r = 1460, .mms_s = 1460, .default_mss = 1220}};
  Arriving syn = in("S", 0);
  syn.opt.mss = 536;
  syn.opt.sack_permitted = true;
  syn.opt.octets = 6;
  Departing answer = out("S.", 0, 1);
  answer.opt.mss = 1440;
  answer.opt.sack_permitted = true;
  answer.opt.octets = 8;
  t.listen().quiet().event(syn).event(answer).quiet().in(".", 1, 1).quiet().accept();
  t.write(536).out("P.", 1, 1, 536).quiet();
  IcmpArrives message = smaller_path(mtu, 1);
  message.version = 6;
  message.type = 2;
  t.event(message).quiet().in(".", 1, 537).quiet();
  Departing seg = out(".", 537, 1, blocks ? 524 : mtu - 60);
  if (blocks) {
    Departing ack = out(".", 537, 1);
    ack.opt.block[ack.opt.blocks++] = {(kIrs + 2).value, (kIrs + 3).value};
    ack.opt.octets = 12;
    t.in("P.", 2, 537, 1).event(ack).quiet();
    seg.opt = ack.opt;
  }
  return t.write(3000).event(seg).verdicts();
}

TEST(PathTwins, OptionsMayMakeASegmentAsLargeAsAPathThatIsIgnored) {
  EXPECT_EQ(as_large_as_ignored(600, true), Verdicts{});
  EXPECT_EQ(as_large_as_ignored(500, false), Verdicts{"R8201_4_min violated"});
}

}  // namespace
}  // namespace tcpassay
