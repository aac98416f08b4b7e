// SPDX-License-Identifier: Apache-2.0
// RFC 5681 and RFC 6582: how much may be in flight, and what the timer may do.
#include <gtest/gtest.h>

#include "models/test_bulk.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t kSeg = 536;  // without an MSS option

// A connection whose user has given much; so many full segments have left.
void bulk(Trace& t, std::uint32_t segments) {
  t.open().in(".", 1, 1, 0, 65535).quiet().write(60000);
  for (std::uint32_t i = 0; i < segments; ++i) t.out(".", 1 + i * kSeg, 1, kSeg);
  t.quiet();
}

Verdicts after_bulk(std::uint32_t segments) {
  Trace t;
  bulk(t, segments);
  return t.verdicts();
}

TEST(Congestion, AWholeWindowAtOnceIsNoSlowStart) {
  EXPECT_EQ(after_bulk(10), Verdicts{});
  EXPECT_EQ(after_bulk(11), Verdicts{"R5681_3_1_iw violated"});
  EXPECT_EQ(after_bulk(25), Verdicts{"MUST_19 violated"});
}

TEST(Congestion, LessThanTheInitialWindowIsAlwaysRight) {
  for (const std::uint32_t n : {1u, 2u, 3u, 4u, 9u}) EXPECT_EQ(after_bulk(n), Verdicts{});
}

TEST(Congestion, AnAckOfOneSegmentLetsTwoGoNotThree) {
  Trace t;
  bulk(t, 10);
  t.in(".", 1, 1 + kSeg, 0, 65535).out(".", 1 + 10 * kSeg, 1, kSeg).out(".", 1 + 11 * kSeg, 1, kSeg);
  EXPECT_EQ(t.verdicts(), Verdicts{});
  t.out(".", 1 + 12 * kSeg, 1, kSeg);
  EXPECT_EQ(t.verdicts(), Verdicts{"R5681_3_1_use violated"});
}

TEST(Congestion, TheThirdDuplicateShouldDrawWhatIsMissing) {
  Trace t;
  bulk(t, 10);
  for (std::uint32_t i = 0; i < 2; ++i) t.in(".", 1, 1, 0, 65535).out(".", 1 + (10 + i) * kSeg, 1, kSeg).quiet();
  t.in(".", 1, 1, 0, 65535).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"R5681_3_2_fr departed"});
}

TEST(Congestion, FastRetransmitBeginsAtSndUna) {
  Trace t;
  bulk(t, 10);
  for (std::uint32_t i = 0; i < 2; ++i) t.in(".", 1, 1, 0, 65535).out(".", 1 + (10 + i) * kSeg, 1, kSeg).quiet();
  t.in(".", 1, 1, 0, 65535).out(".", 1 + 9 * kSeg, 1, kSeg);
  EXPECT_EQ(t.verdicts(), Verdicts{"R5681_3_2_3 violated"});
}

TEST(Congestion, AfterATimeoutTheWindowIsOneSegment) {
  Trace t;
  bulk(t, 10);
  t.wait(seconds(1)).out(".", 1, 1, kSeg).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
  t.out(".", 1 + kSeg, 1, kSeg);
  EXPECT_EQ(t.verdicts(), Verdicts{"R5681_3_1_rto_cwnd violated"});
}

// The timer expires as a segment arrives that calls for nothing.
Verdicts timeout_beside_an_arrival(std::uint32_t then) {
  Bulk t(Bulk::kPlain);
  t.wait(milliseconds(100));
  t.acks(0).sends(10, 1).quiet().wait(milliseconds(1000));
  t.acks(0).sends(0, 1).quiet().wait(milliseconds(100));
  t.acks(1).sends(1, then).quiet();
  return t.main_verdicts();
}

TEST(Congestion, ATimeoutBesideAnArrivalLowersTheWindow) {
  EXPECT_EQ(timeout_beside_an_arrival(2), Verdicts{});
  EXPECT_EQ(timeout_beside_an_arrival(5), Verdicts{"R5681_3_1_rto_cwnd violated"});
}

TEST(RetransmissionTimer, NotBeforeThreeTimesTheFirstRoundTrip) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1).quiet().wait(milliseconds(900)).in(".", 1, 1).quiet().accept();
  t.write(100).out("P.", 1, 1, 100).quiet().wait(milliseconds(900)).in(".", 1, 101).quiet();
  t.write(100).out("P.", 101, 1, 100).quiet().wait(milliseconds(1500)).out("P.", 101, 1, 100);
  EXPECT_EQ(t.verdicts(), Verdicts{"R6298_2_3 violated"});
}

}  // namespace
}  // namespace tcpassay
