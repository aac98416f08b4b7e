// SPDX-License-Identifier: Apache-2.0
// What legal variants of a stack's behaviour have shown: each innocent beside its guilty twin.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "models/test_bulk.h"
#include "models/test_trace.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using BlockEdges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

// ---- 3.8.6.3: when an acknowledgment is due ----

// Segments arrive one after the other, and one acknowledgment covers all of them.
Verdicts acknowledged_together(int segments, std::uint32_t octets) {
  Trace t;
  t.open();
  std::uint32_t next = 1;
  for (int i = 0; i < segments; ++i, next += octets) t.wait(milliseconds(20)).in("P.", next, 1, octets);
  return t.out(".", 1, next).quiet().verdicts();
}

TEST(StretchedAckTwins, TwoSegmentsAreTwoHoweverLargeThePeerMakesThem) {
  EXPECT_EQ(acknowledged_together(2, kMss + 900), Verdicts{});
  EXPECT_EQ(acknowledged_together(3, kMss), Verdicts{"SHLD_19 departed"});
}

// The peer may send text behind its own FIN; then fifty times two octets arrive, one after the other, and the second is
// acknowledged at once, or each.
Verdicts fifty_pairs(bool behind_fin, bool each) {
  Trace t;
  t.open();
  if (behind_fin) t.in("F.", 2, 1).out(".", 1, 1).quiet().in("P.", 1, 1, 10).out(".", 1, 11).quiet();
  std::uint32_t next = behind_fin ? 11 : 1;
  for (int i = 0; i < 50; ++i, next += 2) {
    t.in("P.", next, 1, 1);
    if (each) t.out(".", 1, next + 1);
    t.quiet().in("P.", next + 1, 1, 1).out(".", 1, next + 2).quiet();
  }
  return t.verdicts();
}

TEST(PromptAckTwins, OfTextBehindAFinItIsOpenWhichCounts) {
  EXPECT_EQ(fifty_pairs(true, false), Verdicts{});
  EXPECT_EQ(fifty_pairs(false, false), Verdicts{});
  EXPECT_EQ(fifty_pairs(false, true), Verdicts{"SHLD_18 departed"});
}

// ---- 3.10.7.2: text of a SYN that is not kept ----

// The SYN has an octet of text, which the SYN,ACK does not acknowledge, and a FIN follows it. The octet comes again,
// and `ack` answers it.
Verdicts text_of_syn_comes_again(std::uint32_t ack) {
  Trace t;
  t.listen().quiet().in("S", 0, 0, 1).out("S.", 0, 1).quiet().in("F.", 2, 1).out(".", 1, 1).quiet().accept();
  return t.in("P.", 1, 1, 1).out(".", 1, ack).quiet().verdicts();
}

TEST(SynTextTwins, WhatFollowsLostTextStandsAheadOfAGap) {
  EXPECT_EQ(text_of_syn_comes_again(3), Verdicts{});
  EXPECT_EQ(text_of_syn_comes_again(4), Verdicts{"SA4_7_ack violated"});
}

// The same with text behind it, or from the middle of it on.
Verdicts text_follows_text_of_syn(std::uint32_t ack, std::uint32_t from = 11) {
  Trace t;
  t.listen()
      .quiet()
      .in("S", 0, 0, 10)
      .out("S.", 0, 1)
      .quiet()
      .in("P.", from, 1, 21 - from)
      .out(".", 1, 1)
      .quiet()
      .accept();
  return t.in("P.", 1, 1, 10).out(".", 1, ack).quiet().verdicts();
}

TEST(SynTextTwins, TextBehindLostTextMayBeHeld) {
  EXPECT_EQ(text_follows_text_of_syn(21), Verdicts{});
  EXPECT_EQ(text_follows_text_of_syn(11), Verdicts{});
  EXPECT_NE(text_follows_text_of_syn(16), Verdicts{});
  EXPECT_EQ(text_follows_text_of_syn(21, 5), Verdicts{});
  EXPECT_NE(text_follows_text_of_syn(22, 5), Verdicts{});
}

// ---- 3.10.7.4: a FIN ahead of a gap ----

// Forty octets with a FIN arrive ahead of as many, which come next, with a FIN of their own or not, and are
// acknowledged alone: the target has not held the text. It comes again, and `ack` answers it.
Verdicts held_text_comes_again(std::string_view flags, std::uint32_t ack) {
  Trace t;
  t.open().in("F.", 41, 1, 40).out(".", 1, 1).quiet().in(flags, 1, 1, 40).out(".", 1, 41).quiet();
  return t.in("P.", 41, 1, 40).out(".", 1, ack).quiet().verdicts();
}

TEST(HeldFinTwins, WhatTheTextBeforeItLacksTheFinNeedNot) {
  EXPECT_EQ(held_text_comes_again("P.", 82), Verdicts{"SHLD_31 departed"});
  EXPECT_EQ(held_text_comes_again("F.", 82), Verdicts{"SHLD_31 departed"});
  EXPECT_NE(held_text_comes_again("P.", 83), Verdicts{"SHLD_31 departed"});
  EXPECT_NE(held_text_comes_again("F.", 83), Verdicts{"SHLD_31 departed"});
}

// ---- RFC 2018, RFC 2883 ----

Trace& open_permitting(Trace& t) {
  Arriving syn = in("S", 0);
  syn.opt.sack_permitted = true;
  Departing answer = out("S.", 0, 1);
  answer.opt.sack_permitted = true;
  answer.opt.octets = 8;
  return t.listen().quiet().event(syn).event(answer).quiet().in(".", 1, 1).quiet().accept();
}

Departing reporting(Departing seg, const BlockEdges& edges) {
  for (const auto& [left, right] : edges) {
    seg.opt.block[seg.opt.blocks++] = {(kIrs + left).value, (kIrs + right).value};
  }
  seg.opt.octets = static_cast<std::uint8_t>(4 + 8 * edges.size());
  return seg;
}

// Octets arrive ahead of gaps, each a hundred below the one before, of which the target holds the first alone, and then
// all of the text; the acknowledgment reports `told` as a duplicate.
Verdicts duplicate_of_one_stretch(std::uint32_t islands, std::uint32_t told) {
  Trace t;
  open_permitting(t);
  const std::uint32_t first = 1 + 100 * islands;
  for (std::uint32_t at = first; at > 1; at -= 100) {
    t.in("P.", at, 1, 1);
    const Departing ack = out(".", 1, 1);
    t.event(at == first ? reporting(ack, {{at, at + 1}}) : reporting(ack, {{at, at + 1}, {first, first + 1}})).quiet();
  }
  t.in("P.", 1, 1, 2000).event(reporting(out(".", 1, 2001), {{told, told + 1}})).quiet();
  return t.verdicts();
}

TEST(DuplicateTwins, AnyOfManyIslandsMayHaveBeenHeldAlone) {
  for (const std::uint32_t islands : {5u, 9u, 12u}) {
    EXPECT_EQ(duplicate_of_one_stretch(islands, 1 + 100 * islands), Verdicts{}) << islands;
    EXPECT_EQ(duplicate_of_one_stretch(islands, 101), Verdicts{}) << islands;
    EXPECT_EQ(duplicate_of_one_stretch(islands, 151), Verdicts{"R2883_4_latest departed"}) << islands;
  }
}

// Two islands are held, the FIN before them is taken, and seven octets come twice. Text behind the FIN covers the
// islands, and what answers it all reports the octets from `told` on.
Verdicts duplicate_before_islands(std::uint32_t told) {
  Trace t;
  open_permitting(t);
  t.in("P.", 1, 1, 10).out(".", 1, 11).quiet();
  t.in("P.", 288, 1, 1).event(reporting(out(".", 1, 11), {{288, 289}})).quiet();
  t.in("P.", 488, 1, 1).event(reporting(out(".", 1, 11), {{488, 489}, {288, 289}})).quiet();
  t.in("F.", 11, 1).out(".", 1, 12).quiet();
  t.in("P.", 5, 1, 100).quiet().in("P.", 105, 1, 1000).quiet().in(".", 3, 1);
  return t.event(reporting(out(".", 1, 12), {{told, 12}})).quiet().verdicts();
}

TEST(DuplicateTwins, WhatMayHaveComeTwiceHidesNothingThatHas) {
  EXPECT_EQ(duplicate_before_islands(5), Verdicts{});
  EXPECT_EQ(duplicate_before_islands(3), Verdicts{"R2883_4_edges departed"});
}

// The user has read all that the window has room for, and nobody has told; a segment arrives there, ahead of a gap. The
// ACK reports it from `left` to `right`.
Verdicts reported_ahead(std::uint32_t seq, std::uint32_t left, std::uint32_t right) {
  Trace t;
  open_permitting(t);
  for (std::uint32_t next = 1; next < kRcvWnd; next += 2000) {
    t.in("P.", next, 1, 1000).quiet().in("P.", next + 1000, 1, 1000).out(".", 1, next + 2000).quiet();
  }
  for (std::uint32_t next = 1; next < kRcvWnd; next += 5000) t.read(next, 5000).quiet();
  t.in("P.", seq, 1, 1000).event(reporting(out(".", 1, 1 + kRcvWnd, 0, 2 * kRcvWnd), {{left, right}})).quiet();
  return t.verdicts();
}

TEST(SackTwins, WhatReachesBeyondAnEdgeThatMovedUntoldIsTrimmed) {
  EXPECT_EQ(reported_ahead(19500, 19500, 1 + 2 * kRcvWnd), Verdicts{});
  EXPECT_EQ(reported_ahead(15000, 15000, 16000), Verdicts{});
  EXPECT_EQ(reported_ahead(15000, 15000, 15900), Verdicts{"R2018_4_first violated"});
}

// ---- RFC 5681 section 3.1: slow start behind a timeout ----

// Twelve segments are in flight when the timer expires. An ACK of a part of one and then of each segment opens the
// window to nine by slow start; the ACK of the segment `at` lets a tenth leave.
Verdicts tenth_segment_upon(std::uint32_t at) {
  Bulk t(Bulk::kPlain);
  t.acks(1).sends(10, 2).quiet();
  t.acks(2).sends(12, 2).quiet().wait(std::chrono::seconds(1));
  t.sends(2, 1).quiet();
  t.in(".", 1, 2325, 0, 65535).quiet();
  std::uint32_t next = 14;
  for (std::uint32_t i = 14; i <= at; ++i) {
    const std::uint32_t segments = i <= 21 || i == at ? 2 : 1;
    t.acks(i).sends(next, segments).quiet();
    next += segments;
  }
  return t.main_verdicts();
}

TEST(SlowStartTwins, CubicGoesOnBehindItByWhatItAdds) {
  EXPECT_EQ(tenth_segment_upon(32), Verdicts{});
  EXPECT_NE(tenth_segment_upon(22), Verdicts{});
}

// An old router says that so many octets of text were too many, and not how many it takes. They leave again.
Verdicts leave_again_as_they_were(std::uint32_t octets) {
  Trace t;
  t.open().write(octets).out("P.", 1, 1, octets).quiet();
  t.event(IcmpArrives{.type = 3, .code = 4, .mtu = 0, .seq = kIss + 1}).out("P.", 1, 1, octets).quiet();
  return t.verdicts();
}

TEST(PathTwins, NoPacketIsSmallerThanTheFloor) {
  EXPECT_EQ(leave_again_as_they_were(28), Verdicts{});
  EXPECT_EQ(leave_again_as_they_were(29), Verdicts{"S3_7_2_path_mtu departed"});
}

// ---- RFC 3042: limited transmit on a path that has become smaller ----

// Hundred octets leave again in segments of 28, and eleven of these follow. A duplicate ACK lets one more leave; behind
// an ACK of nine octets come two, of which the first does or does not, and the second does not.
Verdicts limited_on_a_small_path(bool first) {
  Trace t;
  t.open().write(100).out("P.", 1, 1, 100).quiet();
  t.event(IcmpArrives{.type = 3, .code = 4, .mtu = 67, .seq = kIss + 1});
  t.out(".", 1, 1, 28).out(".", 29, 1, 28).out(".", 57, 1, 28).out("P.", 85, 1, 16).quiet();
  t.in(".", 1, 101).quiet().write(1000);
  for (std::uint32_t seq = 101; seq < 409; seq += 28) t.out(".", seq, 1, 28);
  t.quiet().in(".", 1, 101).out(".", 409, 1, 28).quiet().in(".", 1, 110).quiet().in(".", 1, 110);
  if (first) t.out(".", 437, 1, 28);
  return t.quiet().in(".", 1, 110).quiet().verdicts();
}

TEST(LimitedTransmitTwins, TwoSegmentsBeyondTheWindowAreTwoSmallOnes) {
  EXPECT_EQ(limited_on_a_small_path(true), Verdicts{});
  EXPECT_NE(limited_on_a_small_path(false), Verdicts{});
}

// ---- RFC 6675: what the window of a recovery has room for ----

// Ten segments are in flight, or eleven, and two leave by limited transmit. Behind the retransmission a partial ACK
// comes, and then a report that the next segment is lost, which nothing answers.
Verdicts lost_again_in_recovery(std::uint32_t segments) {
  Bulk t(Bulk::kSack);
  const std::uint32_t una = segments - 10;
  if (una > 0) t.acks(una).sends(10, 2 * una).quiet();
  std::uint32_t next = 10 + 2 * una;
  t.acks(una, 0, {{una + 1, una + 2}}).sends(next++, 1).quiet();
  t.acks(una, 0, {{una + 1, una + 3}}).sends(next++, 1).quiet();
  t.acks(una, 0, {{una + 1, una + 4}}).sends(una, 1).quiet();
  t.acks(una + 4).quiet();
  t.acks(una + 4, 0, {{una + 5, una + 8}}).quiet();
  return t.main_verdicts();
}

TEST(SackRecoveryTwins, TheWindowIsHalfOfWhatWasInFlightWithoutLimitedTransmit) {
  EXPECT_EQ(lost_again_in_recovery(11), Verdicts{});
  EXPECT_EQ(lost_again_in_recovery(10), Verdicts{"R6675_4_is_lost departed"});
}

// ---- RFC 1191: half a segment beside SACK blocks ----

// A router takes 67 octets, and the floor leaves room for 28 beside no options. So many leave again beside a block.
Verdicts cut_beside_a_block(std::uint32_t octets) {
  Trace t;
  open_permitting(t).in("P.", 201, 1, 1).event(reporting(out(".", 1, 1), {{201, 202}})).quiet();
  t.write(100).event(reporting(out("P.", 1, 1, 100), {{201, 202}})).quiet();
  t.event(IcmpArrives{.type = 3, .code = 4, .mtu = 67, .seq = kIss + 1});
  t.event(reporting(out(".", 1, 1, octets), {{201, 202}}));
  return t.verdicts();
}

TEST(PathTwins, HalfOfASegmentBesideBlocksIsNoSmallerPath) {
  EXPECT_EQ(cut_beside_a_block(14), Verdicts{});
  EXPECT_EQ(cut_beside_a_block(16), Verdicts{});
  EXPECT_EQ(cut_beside_a_block(15), Verdicts{"R1191_3_floor violated"});
}

// ---- RFC 8985 section 7.3: a loss probe starts the retransmission timer anew ----

// Four segments are in flight. The last may leave again as a probe; then the front does, after so long in all.
Verdicts front_leaves_after(milliseconds probe, milliseconds front) {
  Trace t;
  Arriving syn = in("S", 0);
  syn.opt.mss = kMss;
  syn.opt.sack_permitted = true;
  Departing answer = out("S.", 0, 1);
  answer.opt.sack_permitted = true;
  answer.opt.octets = 8;
  t.listen().quiet().event(syn).event(answer).quiet(milliseconds(100)).in(".", 1, 1).quiet().accept().write(4 * kMss);
  for (std::uint32_t seq = 1; seq < 4 * kMss; seq += kMss) t.out(seq > 3 * kMss ? "P." : ".", seq, 1, kMss);
  t.quiet(probe);
  if (probe > milliseconds{}) t.out("P.", 1 + 3 * kMss, 1, kMss).quiet();
  return t.quiet(front - probe).out(".", 1, 1, kMss).quiet().verdicts();
}

TEST(ProbeTwins, ALossProbeStartsTheTimerAnew) {
  EXPECT_EQ(front_leaves_after(milliseconds(2400), milliseconds(3600)), Verdicts{});
  EXPECT_EQ(front_leaves_after(milliseconds(0), milliseconds(3600)), Verdicts{"R6298_5_4 departed"});
  EXPECT_EQ(front_leaves_after(milliseconds(200), milliseconds(3900)), Verdicts{"R6298_5_4 departed"});
}

// Behind a timeout two ACKs come at a small window and show that nothing was lost. The next one opens the window, or
// does not come, and the front leaves again.
Verdicts leaves_again(bool opened, std::uint32_t octets) {
  Bulk t(Bulk::kPlain);
  t.wait(std::chrono::seconds(1));
  t.sends(0, 1).quiet();
  t.in(".", 1, 1 + 2 * kMss, 0, 500).quiet(milliseconds(20)).in(".", 1, 9501, 0, 500).quiet();
  if (opened) t.in(".", 1, 9501, 0, 65535);
  return t.out(".", 9501, 1, octets).quiet().verdicts();
}

TEST(TimeoutTwins, WhoDoesNotLookForAVainOneGoesOnWhereTheWindowOpens) {
  EXPECT_EQ(leaves_again(true, 1000), Verdicts{});
  EXPECT_NE(leaves_again(false, 500), Verdicts{});
}

// ---- RFC 7323 section 5.4: a clock that ticks once a second ----

// A round trip takes 990 ms, and the timer expires a second after the next octet has left. So much the target's clock
// of timestamps has moved meanwhile.
Verdicts expires_after_a_second(std::uint32_t ticks) {
  Trace t;
  const auto stamped = [](auto seg, std::uint32_t value, std::uint32_t echo) {
    seg.opt.timestamps = {{.value = value, .echo = echo}};
    seg.opt.octets += 12;
    return seg;
  };
  t.listen().quiet().event(stamped(in("S", 0), 7000, 0)).event(stamped(out("S.", 0, 1), 100, 7000)).quiet();
  t.event(stamped(in(".", 1, 1), 7000, 100)).quiet().accept();
  t.write(1).event(stamped(out("P.", 1, 1, 1), 100, 7000)).quiet(milliseconds(990));
  t.event(stamped(in(".", 1, 2), 7000, 100)).quiet().write(1);
  t.event(stamped(out("P.", 2, 1, 1), 100 + ticks, 7000)).quiet().wait(milliseconds(1000));
  return t.event(stamped(out("P.", 2, 1, 1), 101 + 2 * ticks, 7000)).quiet().verdicts();
}

TEST(ClockTwins, ARoundTripWithinATickMeasuresNothing) {
  EXPECT_EQ(expires_after_a_second(0), Verdicts{});
  EXPECT_EQ(expires_after_a_second(990), Verdicts{"R6298_3_onesample violated"});
}

// ---- 3.7.4: the Nagle algorithm is off ----

// An octet is refused by a path of 100 octets and leaves again; `octets` more are given, and wait.
Verdicts waits_for_a_small_segment(std::uint32_t octets) {
  Trace t;
  t.open().call({.kind = CallKind::kSetOption, .handle = 4, .option = SocketOption::kNoDelay, .value = 1});
  t.write(1).out("P.", 1, 1, 1).quiet();
  t.event(IcmpArrives{.type = 3, .code = 4, .mtu = 100, .seq = kIss + 1}).out("P.", 1, 1, 1).quiet();
  return t.write(octets).quiet().quiet(milliseconds(600)).verdicts();
}

TEST(NagleTwins, TextMayWaitForAWindowOfOneSmallSegmentAndForNagleNot) {
  EXPECT_EQ(waits_for_a_small_segment(100), Verdicts{});
  EXPECT_EQ(waits_for_a_small_segment(20), Verdicts{"MUST_17 violated"});
}

// A small segment is lost or not. Then the user gives a hundred octets three times, and the last of them wait.
Verdicts third_write_waits(bool lost) {
  Trace t;
  t.open().call({.kind = CallKind::kSetOption, .handle = 4, .option = SocketOption::kNoDelay, .value = 1});
  t.write(1).out("P.", 1, 1, 1).quiet();
  if (lost) t.wait(milliseconds(1000)).out("P.", 1, 1, 1).quiet();
  t.in(".", 1, 2).quiet();
  t.write(100).out("P.", 2, 1, 100).quiet().write(100).out("P.", 102, 1, 100).quiet();
  return t.write(100).quiet().quiet(milliseconds(600)).verdicts();
}

TEST(NagleTwins, AfterALossTheWindowMayBeOneSegmentOfTheTargets) {
  EXPECT_EQ(third_write_waits(true), Verdicts{});
  EXPECT_EQ(third_write_waits(false), Verdicts{"MUST_17 violated"});
}

// A SYN,ACK is lost or not. A thousand octets are given behind one that is in flight, and wait.
Verdicts waits_behind_the_first(bool lost) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1).quiet();
  if (lost) t.quiet(milliseconds(1000)).out("S.", 0, 1).quiet();
  t.in(".", 1, 1).quiet().accept();
  t.call({.kind = CallKind::kSetOption, .handle = 4, .option = SocketOption::kNoDelay, .value = 1});
  return t.write(1).out("P.", 1, 1, 1).quiet().write(500).quiet().quiet(milliseconds(600)).verdicts();
}

TEST(NagleTwins, BehindALostSynTheWindowMayBeOneSegmentOfTheTargets) {
  EXPECT_EQ(waits_behind_the_first(true), Verdicts{});
  EXPECT_EQ(waits_behind_the_first(false), Verdicts{"MUST_17 violated"});
}

// ---- 3.8.6.1: window probes ----

// The window has closed, and a FIN that waits probes it, again after six seconds, and once more after `last`; an ACK
// arrives between.
Verdicts probed_once_more_after(milliseconds last) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1).quiet(milliseconds(1000)).out("S.", 0, 1).quiet().in(".", 1, 1);
  t.quiet().accept().write(1).out("P.", 1, 1, 1).quiet(milliseconds(500)).in(".", 1, 2, 0, 0).quiet().shutdown();
  t.wait(milliseconds(3000)).out("F.", 2, 1).quiet().wait(milliseconds(6000)).out("F.", 2, 1).quiet();
  t.wait(milliseconds(2000));
  t.in(".", 1, 2, 0, 0).quiet(last - milliseconds(2000)).out("F.", 2, 1);
  return t.quiet().verdicts();
}

TEST(ProbeTwins, AnIntervalDoublesThatAFirstProbeHasBegun) {
  EXPECT_EQ(probed_once_more_after(milliseconds(12000)), Verdicts{});
  EXPECT_NE(probed_once_more_after(milliseconds(14000)), Verdicts{});
}

// Text leaves again after a second. If `closes`, the window is zero then, is probed for six seconds, and opens. The
// next text leaves again after `last`.
Verdicts again_behind_probes(bool closes, milliseconds last) {
  Trace t;
  t.open().write(1).out("P.", 1, 1, 1).quiet().quiet(milliseconds(1000)).out("P.", 1, 1, 1).quiet();
  if (closes) {
    t.in(".", 1, 1, 0, 0).quiet(milliseconds(2000)).out("P.", 1, 1, 1).quiet();
    t.quiet(milliseconds(4000)).out("P.", 1, 1, 1).quiet().in(".", 1, 1).quiet();
  }
  t.in(".", 1, 2).quiet().write(1).out("P.", 2, 1, 1).quiet().quiet(last);
  return t.out("P.", 2, 1, 1).quiet().verdicts();
}

TEST(ProbeTwins, TheIntervalOfProbesIsNoTimeout) {
  EXPECT_EQ(again_behind_probes(true, milliseconds(2000)), Verdicts{});
  EXPECT_EQ(again_behind_probes(false, milliseconds(2000)), Verdicts{});
  EXPECT_EQ(again_behind_probes(false, milliseconds(1200)), Verdicts{"R6298_3_karn violated"});
}

// ---- 3.8.6: windows and small segments ----

// Windows are scaled by 128. A path takes 576 octets, and an ACK has as many in its window field as leave then.
Verdicts leaves_as_the_field_says(std::uint32_t octets) {
  Trace t;
  Arriving syn = in("S", 0);
  syn.opt.window_scale = 7;
  syn.opt.mss = 1460;
  syn.opt.octets = 8;
  Departing answer = out("S.", 0, 1);
  answer.opt.window_scale = 7;
  answer.opt.octets = 4;
  t.listen().quiet().event(syn).event(answer).quiet().in(".", 1, 1, 0, 512).quiet().accept();
  t.write(3000).out(".", 1, 1, 1460, 500).out(".", 1461, 1, 1460, 500).quiet();
  t.event(IcmpArrives{.type = 3, .code = 4, .mtu = 576, .seq = kIss + 1}).out(".", 1, 1, 536, 500).quiet();
  t.in(".", 1, 2421, 0, static_cast<std::uint16_t>(octets)).out(".", 2421, 1, octets, 500).quiet();
  return t.verdicts();
}

TEST(WindowTwins, AFieldThatIsTakenForTheWindowOrThatIsTheSizeOfThePath) {
  EXPECT_EQ(leaves_as_the_field_says(536), Verdicts{});
  EXPECT_EQ(leaves_as_the_field_says(530), Verdicts{"R7323_2_3_in violated"});
}

// The peer takes segments of `mss` octets, and text leaves octet by octet.
Verdicts octet_by_octet(std::uint16_t mss) {
  Trace t;
  Arriving syn = in("S", 0);
  syn.opt.mss = mss;
  syn.opt.octets = 4;
  t.listen().quiet().event(syn).out("S.", 0, 1).quiet().in(".", 1, 1, 0, 65535).quiet().accept();
  return t.write(10).out(".", 1, 1, 1).verdicts();
}

TEST(WindowTwins, AnOctetIsAProbeOrHalfOfASegment) {
  EXPECT_EQ(octet_by_octet(2), Verdicts{});
  EXPECT_EQ(octet_by_octet(3), Verdicts{"MUST_1 violated"});
}

}  // namespace
}  // namespace tcpassay
