// SPDX-License-Identifier: Apache-2.0
// RFC 3522, 3708 and 5682: only evidence takes a reduction of the window back. Stories of ten segments in flight.

#include <gtest/gtest.h>

#include "models/test_bulk.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Ten segments leave, a loss is assumed after three duplicate ACKs, and the ACK of all echoes the stamp of `echo`.
Verdicts after_fast_retransmit(Bulk::Options options, std::uint32_t echo, Blocks blocks, std::uint32_t let_go) {
  Bulk t(options);
  t.wait(milliseconds(100));
  if (options == Bulk::kSack) {
    t.acks(0, 100, {{1, 4}});
  } else {
    t.acks(0, 100).acks(0, 100).acks(0, 100);
  }
  t.sends(0, 1).quiet().wait(milliseconds(100));
  t.acks(10, echo, blocks).sends(10, let_go).quiet();
  return t.main_verdicts();
}

TEST(Spurious, WithTimestampsTheWindowIsReducedToo) {
  EXPECT_EQ(after_fast_retransmit(Bulk::kStamps, 200, {}, 7), Verdicts{});
  EXPECT_EQ(after_fast_retransmit(Bulk::kStamps, 200, {}, 10), Verdicts{"R5681_3_2_6 violated"});
}

TEST(Spurious, TheEchoOfTheOriginalTakesTheReductionBack) {
  EXPECT_EQ(after_fast_retransmit(Bulk::kStamps, 100, {}, 10), Verdicts{});
}

TEST(Spurious, WhatCameTwiceWasNotLost) {
  EXPECT_EQ(after_fast_retransmit(Bulk::kSack, 0, {{0, 1}}, 10), Verdicts{});
  EXPECT_EQ(after_fast_retransmit(Bulk::kSack, 0, {}, 10), Verdicts{"R5681_3_2_6 violated"});
}

// The timer sends the first of ten segments again; the first ACK afterwards lets `first` go, and the next one `second`.
struct Timeout {
  Bulk::Options options = Bulk::kPlain;
  std::uint32_t acked = 1, first = 2, then_acked = 2, second = 0;
  Blocks blocks{};
};

Verdicts after_timeout(const Timeout& how) {
  Bulk t(how.options);
  t.wait(seconds(1));
  t.sends(0, 1).quiet().wait(milliseconds(10));
  t.acks(how.acked, 1100).sends(10, how.first).quiet();
  if (how.then_acked > 0) {
    t.wait(milliseconds(10));
    t.acks(how.then_acked, 1110, how.blocks).sends(10 + how.first, how.second).quiet();
  }
  return t.main_verdicts();
}

TEST(Spurious, TheAckOfAllShowsNothingAfterATimeout) {
  EXPECT_EQ(after_timeout({.acked = 10, .first = 2, .then_acked = 0}), Verdicts{});
  EXPECT_EQ(after_timeout({.acked = 10, .first = 10, .then_acked = 0}), Verdicts{"R5681_3_1_rto_cwnd violated"});
}

TEST(Spurious, TheSecondAckOfOriginalsDoes) {
  EXPECT_EQ(after_timeout({.acked = 1, .first = 2, .then_acked = 2, .second = 1}), Verdicts{});
  EXPECT_EQ(after_timeout({.acked = 1, .first = 2, .then_acked = 1, .second = 3}),
            Verdicts{"R5681_3_1_rto_cwnd violated"});
  EXPECT_EQ(after_timeout({.acked = 1, .first = 10, .then_acked = 0}), Verdicts{"R5681_3_1_rto_cwnd violated"});
  EXPECT_EQ(after_timeout({.acked = 5, .first = 10, .then_acked = 0}), Verdicts{"R5681_3_1_rto_cwnd violated"});
}

// Nothing leaves between the two ACKs. Then so many segments leave again, and so many new ones.
Verdicts without_new_text(std::uint32_t again, std::uint32_t fresh) {
  Bulk t(Bulk::kPlain);
  t.wait(seconds(1));
  t.sends(0, 1).quiet().wait(milliseconds(10));
  t.acks(1, 1100).acks(2, 1110).sends(2, again).sends(10, fresh).quiet();
  return t.main_verdicts();
}

TEST(Spurious, WithoutNewTextBetweenThemATargetMayRecoverAsEver) {
  EXPECT_EQ(without_new_text(3, 0), Verdicts{});
  EXPECT_EQ(without_new_text(3, 12), Verdicts{"R5681_3_1_use violated"});
}

TEST(Spurious, WithSackAReportOfAnOriginalDoesToo) {
  const Timeout report{
      .options = Bulk::kSack, .acked = 1, .first = 2, .then_acked = 1, .second = 1, .blocks = {{2, 3}}};
  EXPECT_EQ(after_timeout(report), Verdicts{});
}

}  // namespace
}  // namespace tcpassay
