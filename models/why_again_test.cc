// SPDX-License-Identifier: Apache-2.0
// Why does text leave again? Stories of ten segments in flight at a round trip of 100 ms.

#include <gtest/gtest.h>

#include "models/test_bulk.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// So many duplicate ACKs, and the front leaves again at once.
Verdicts after_duplicates(int duplicates) {
  Bulk t(Bulk::kPlain);
  t.wait(milliseconds(100));
  for (int i = 0; i < duplicates; ++i) t.acks(0);
  t.sends(0, 1).quiet();
  return t.main_verdicts();
}

TEST(WhyAgain, NeitherTheFirstNorTheSecondDuplicateStartsFastRetransmit) {
  EXPECT_EQ(after_duplicates(1), Verdicts{"R6298_5_early violated"});
  EXPECT_EQ(after_duplicates(2), Verdicts{"R6298_5_early violated"});
  EXPECT_EQ(after_duplicates(3), Verdicts{});
}

TEST(WhyAgain, TextBehindTheFrontNeedsAReasonToo) {
  Bulk guilty(Bulk::kPlain), late(Bulk::kPlain), reported(Bulk::kSack);
  guilty.sends(5, 1).quiet();
  EXPECT_EQ(guilty.verdicts(), Verdicts{"R6298_5_early violated"});
  late.wait(seconds(1));
  late.sends(0, 1).quiet().quiet();
  late.acks(1);
  late.sends(1, 2).quiet();
  EXPECT_EQ(late.main_verdicts(), Verdicts{});
  reported.wait(milliseconds(100));
  reported.acks(0, 0, {{1, 2}, {3, 8}});
  reported.sends(0, 1).sends(2, 1).quiet();
  EXPECT_EQ(reported.main_verdicts(), Verdicts{});
}

// RFC 8985 section 7.3: where no time passes between the ends a probe may repeat the last segment soon.
TEST(WhyAgain, ALossProbeRepeatsTheEndOfTheFlight) {
  const auto repeated = [](Bulk::Options options, std::uint32_t segment) {
    Bulk t(options);
    t.acks(1).quiet().wait(milliseconds(5));
    t.sends(segment, 1).quiet();
    return t.main_verdicts();
  };
  EXPECT_EQ(repeated(Bulk::kSack, 9), Verdicts{"R8985_7_3_new_data departed"});  // new text waits: a SHOULD
  EXPECT_EQ(repeated(Bulk::kSack, 5), Verdicts{"R6298_5_early violated"});
  EXPECT_EQ(repeated(Bulk::kPlain, 9), Verdicts{"R6298_5_early violated"});
}

// A round trip was measured as 20 ms: a timeout may be as short, but it SHOULD be a second.
TEST(WhyAgain, SingleDuplicatesBetweenNewAcksAddUpToNothing) {
  Bulk t(Bulk::kPlain);
  for (std::uint32_t i = 0; i < 3; ++i)
    t.wait(milliseconds(10)), t.acks(i).quiet().wait(milliseconds(10)), t.acks(i + 1);
  t.quiet();
  t.sends(3, 1).quiet();
  EXPECT_NE(t.main_verdicts(), Verdicts{});
}

TEST(WhyAgain, AWindowUpdateIsNoDuplicate) {
  Bulk t(Bulk::kPlain);
  t.wait(milliseconds(100));
  t.in(".", 1, 1, 0, 65000).in(".", 1, 1, 0, 64000).in(".", 1, 1, 0, 65535);
  t.sends(0, 1).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"R6298_5_early violated"});
}

TEST(WhyAgain, WhatAWindowHasRefusedGoesAgain) {
  Bulk t(Bulk::kPlain);
  t.wait(milliseconds(100));
  t.in(".", 1, 1, 0, 500).quiet().in(".", 1, 1, 0, 65535);
  t.sends(0, 1).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
}

TEST(WhyAgain, OneReportOfOneBurstIsNoLoss) {
  Bulk t(Bulk::kSack);
  t.wait(milliseconds(100));
  t.acks(0, 0, {{1, 2}}).sends(0, 1).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"R6298_5_early violated"});
}

// One segment is reported; the front leaves again after `wait`; two more are reported, and new text leaves.
Verdicts after_reordering_timer(Time wait, std::uint32_t new_text) {
  Bulk t(Bulk::kSack);
  t.wait(milliseconds(100));
  t.acks(0, 0, {{1, 2}}).quiet().wait(wait);
  t.sends(0, 1).quiet().wait(milliseconds(10));
  t.acks(0, 0, {{1, 7}}).sends(10, new_text).quiet();
  return t.main_verdicts();
}

TEST(WhyAgain, TheReorderingTimerIsNoTimeout) {
  EXPECT_EQ(after_reordering_timer(milliseconds(25), 2), Verdicts{});
  EXPECT_EQ(after_reordering_timer(milliseconds(100), 2), Verdicts{});
}

TEST(WhyAgain, ItReducesTheWindowAllTheSame) {
  EXPECT_EQ(after_reordering_timer(milliseconds(25), 6), Verdicts{"R5681_3_2_2 violated"});
}

// After three reports the front leaves again, and again after that time, when more is reported.
Verdicts lost_once_more(int after_ms) {
  Bulk t(Bulk::kSack);
  t.wait(milliseconds(100));
  t.acks(0, 0, {{1, 4}}).sends(0, 1).quiet().wait(milliseconds(after_ms));
  t.acks(0, 0, {{1, 6}}).sends(0, 1).quiet();
  return t.main_verdicts();
}

TEST(WhyAgain, ARetransmissionIsNotLostWithinARoundTrip) {
  EXPECT_EQ(lost_once_more(20), Verdicts{"R6298_5_early violated"});
  EXPECT_EQ(lost_once_more(110), Verdicts{});
}

// A duplicate ACK without a report does not restart the timer of the loss probe (RFC 8985 section 7.2).
Verdicts new_text_after_a_duplicate(std::uint32_t segments) {
  Bulk t(Bulk::kSack);
  t.wait(milliseconds(150));
  t.acks(0).quiet().wait(milliseconds(60));
  t.sends(10, segments).quiet();
  return t.main_verdicts();
}

TEST(WhyAgain, ADuplicateDoesNotDelayTheLossProbe) {
  EXPECT_EQ(new_text_after_a_duplicate(1), Verdicts{});
  EXPECT_EQ(new_text_after_a_duplicate(2), Verdicts{"R5681_3_1_iw violated"});
}

// A target whose SMSS is 500 octets, where the peer takes 1000: more than two segments are reported.
Verdicts small_segments(std::uint32_t reported_to) {
  Trace t;
  Arriving syn = in("S", 0), ack = in(".", 1, 1, 0, 65535);
  syn.opt.mss = kMss;
  Departing answer = out("S.", 0, 1);
  syn.opt.sack_permitted = answer.opt.sack_permitted = true;
  t.listen().quiet().event(syn).event(answer).quiet().wait(milliseconds(100)).event(ack).quiet().accept().write(3000);
  for (std::uint32_t i = 0; i < 6; ++i) t.out(i == 5 ? "P." : ".", 1 + i * 500, 1, 500);
  t.quiet().wait(milliseconds(100));
  ack.opt.block[ack.opt.blocks++] = {(kIss + 501).value, (kIss + 1 + reported_to).value};
  t.event(ack).out(".", 1, 1, 500).quiet();
  Verdicts found = t.verdicts();
  std::erase(found, "SHLD_28 departed");
  return found;
}

TEST(WhyAgain, ReportsCountInSegmentsOfTheTarget) {
  EXPECT_EQ(small_segments(2000), Verdicts{});
  EXPECT_EQ(small_segments(1000), Verdicts{"R6298_5_early violated"});
}

TEST(WhyAgain, ASingleSegmentDrawsNoDuplicate) {
  Bulk t(Bulk::kPlain, 1000);
  t.wait(milliseconds(50));
  t.acks(0).sends(0, 1, "P.").quiet();
  EXPECT_EQ(t.main_verdicts(), Verdicts{"R6298_5_early violated"});
}

// A single segment that leaves again after each of these times.
Verdicts single(bool sack, std::initializer_list<int> gaps_ms) {
  Bulk t(sack ? Bulk::kSack : Bulk::kPlain, 1000);
  for (const int gap : gaps_ms) {
    t.wait(milliseconds(gap));
    t.sends(0, 1, "P.").quiet();
  }
  return t.main_verdicts();
}

TEST(WhyAgain, ALossProbeComesBeforeATimeoutThatIsNotDoubled) {
  EXPECT_EQ(single(true, {1100, 1350, 2700}), Verdicts{});
  EXPECT_EQ(single(true, {1100, 1350, 1350}), Verdicts{"R6298_5_5 violated"});
}

TEST(WhyAgain, WithoutSackThereIsNoLossProbe) {
  EXPECT_EQ(single(false, {1100, 1350}), Verdicts{"R6298_5_5 violated"});
}

TEST(WhyAgain, ALossProbeWaitsForARoundTrip) {
  EXPECT_EQ(single(true, {50}), Verdicts{"R6298_5_early violated"});
}

// After the first ten segments so many more leave, one at a time, although nothing has been acknowledged.
Verdicts beyond_the_window(bool sack, std::uint32_t segments) {
  Bulk t(sack ? Bulk::kSack : Bulk::kPlain);
  for (std::uint32_t i = 0; i < segments; ++i) {
    t.wait(milliseconds(200));
    t.sends(10 + i, 1).quiet();
  }
  return t.main_verdicts();
}

TEST(WhyAgain, ALossProbeMayCarryNewTextBeyondTheWindow) {
  EXPECT_EQ(beyond_the_window(true, 1), Verdicts{});
  EXPECT_EQ(beyond_the_window(true, 2), Verdicts{"R5681_3_1_iw violated"});
  EXPECT_EQ(beyond_the_window(false, 1), Verdicts{"R5681_3_1_iw violated"});
}

}  // namespace
}  // namespace tcpassay
