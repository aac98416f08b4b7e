// SPDX-License-Identifier: Apache-2.0
// The equations of the RFCs, by the numbers that the texts and their examples give.
#include "models/congestion/algorithms.h"

#include <gtest/gtest.h>

#include "models/tcb.h"

namespace tcpassay {
namespace {

constexpr std::uint32_t kSeg = 1000;

TEST(Algorithms, InitialWindow) {
  EXPECT_EQ(rfc6928::initial_window(1460), 14600u);
  EXPECT_EQ(rfc6928::initial_window(536), 5360u);
  EXPECT_EQ(rfc6928::initial_window(9000), 18000u);
}

TEST(Algorithms, SlowStartAddsTwoSegmentsAtMostAndOneAfterATimeout) {
  EXPECT_EQ(rfc5681::slow_start_adds(5 * kSeg, rfc3465::limit(kSeg, false)), 2 * kSeg);
  EXPECT_EQ(rfc5681::slow_start_adds(5 * kSeg, rfc3465::limit(kSeg, true)), kSeg);
  EXPECT_EQ(rfc5681::slow_start_adds(300, rfc3465::limit(kSeg, false)), 300u);
}

TEST(Algorithms, AvoidanceAddsASegmentInARoundTrip) {
  Window window{.cwnd = 10 * kSeg, .ssthresh = 10 * kSeg};
  for (int i = 0; i < 10; ++i) rfc5681::opens(window, kSeg, kSeg, false);
  EXPECT_NEAR(window.cwnd, 11 * kSeg, kSeg / 20.0);
  EXPECT_EQ(rfc5681::avoidance_adds(100 * kSeg, 1, kSeg), 1u);  // never nothing
}

TEST(Algorithms, ALossHalvesTheFlightButLeavesTwoSegments) {
  EXPECT_EQ(rfc5681::half(20 * kSeg, kSeg), 10 * kSeg);
  EXPECT_EQ(rfc5681::half(3 * kSeg, kSeg), 2 * kSeg);
}

TEST(Algorithms, APartialAckDeflatesTheWindow) {
  EXPECT_EQ(rfc6582::deflated(8 * kSeg, 3 * kSeg, kSeg), 6 * kSeg);
  EXPECT_EQ(rfc6582::deflated(kSeg, 3 * kSeg, kSeg), kSeg);
}

// RFC 6937: with ssthresh at half of RecoverFS, every other ACK lets a segment leave.
TEST(Algorithms, ReductionIsProportional) {
  Congestion cc{};
  cc.smss = kSeg;
  cc.recover_fs = 20 * kSeg;
  cc.delivered = 12 * kSeg;
  cc.resent = 7 * kSeg;  // two segments are allowed beyond the share
  EXPECT_TRUE(rfc6937::has_room(cc, 10 * kSeg, kSeg));
  EXPECT_FALSE(rfc6937::has_room(cc, 10 * kSeg, 2 * kSeg));
  EXPECT_TRUE(rfc6937::has_room(cc, 14 * kSeg, 2 * kSeg));
}

// CUBIC after a loss in a window of 100 segments: K is (30 / 0.4)^(1/3), 4.2 s.
struct AfterLoss {
  Tcb tcb{};
  explicit AfterLoss(std::uint32_t segments = 100) {
    Congestion& cc = tcb.congestion;
    cc.smss = kSeg;
    cc.phase = Congestion::Phase::kOpen;
    cc.cubic.cwnd = cc.reno.cwnd = segments * kSeg;
    cc.reno.ssthresh = rfc5681::half(segments * kSeg, kSeg);
    rfc9438::reduce(cc, segments * kSeg, Time{});
    cc.cubic.cwnd = cc.cubic.ssthresh;
  }
  // The window in segments after a round trip that ends so many milliseconds after the loss.
  double after(int ms) {
    Congestion& cc = tcb.congestion;
    for (std::uint32_t left = cc.cubic.cwnd / kSeg; left > 0; --left) {
      rfc9438::opens(tcb, cc, kSeg, std::chrono::milliseconds(ms));
    }
    return static_cast<double>(cc.cubic.cwnd) / kSeg;
  }
};

TEST(Cubic, KeepsSevenTenths) {
  EXPECT_EQ(AfterLoss().tcb.congestion.cubic.ssthresh, 70 * kSeg);
  EXPECT_EQ(AfterLoss(2).tcb.congestion.cubic.ssthresh, 2 * kSeg);
}

// RFC 9438 section 4.6: cwnd may stand for the flight, as far as a flight has used it.
TEST(Cubic, AWindowThatWasUsedMayCountForTheFlight) {
  const auto ssthresh = [](std::uint32_t largest_flight) {
    Congestion cc{.smss = kSeg};
    cc.cubic.cwnd = 20 * kSeg;
    cc.cwnd_at_least = largest_flight * kSeg;
    rfc9438::reduce(cc, kSeg, Time{});
    return cc.cubic.ssthresh;
  };
  EXPECT_EQ(ssthresh(10), 14 * kSeg);
  EXPECT_EQ(ssthresh(5), 7 * kSeg);
  EXPECT_EQ(ssthresh(1), 2 * kSeg);
}

TEST(Cubic, ConcaveBoundIsEquationOne) {
  EXPECT_NEAR(AfterLoss().after(900), 100 - 0.4 * 3.217 * 3.217 * 3.217 + 1, 0.5);  // at t + 0.1 s, and a segment
}

TEST(Cubic, NoRoundTripAddsMoreThanHalf) {
  EXPECT_LE(AfterLoss().after(60000), 70 * 1.5 + 1);
}

TEST(Cubic, FastConvergenceHasAPlateauOfItsOwn) {
  AfterLoss loss;
  for (int i = 0; i < 5; ++i) loss.after(9900);  // K is 3.3 s with W_max of 85: 0.4 * 6.653^3 + 85
  EXPECT_NEAR(loss.after(9900), 203.3, 2);
}

TEST(Cubic, InTheRenoFriendlyRegionItGrowsLikeReno) {
  AfterLoss loss(10);  // 0.4 * (0.1 - 1.96)^3 + 10 = 7.4
  for (int i = 0; i < 4; ++i) loss.after(0);
  EXPECT_NEAR(loss.after(0), 12, 0.5);
}

TEST(Algorithms, EvidenceThatNothingWasLostRestoresTheWindow) {
  EXPECT_EQ(rfc4015::pipe_prev(8 * kSeg, 5 * kSeg), 8 * kSeg);
  EXPECT_EQ(rfc4015::window(6 * kSeg, 20 * kSeg, 10 * kSeg), 16 * kSeg);
}

TEST(Algorithms, LimitedTransmitGoesTwoSegmentsBeyond) {
  Tcb plain, sack;
  sack.selective.peer_permits = sack.selective.target_permits = true;
  for (Tcb* tcb : {&plain, &sack}) {
    tcb->congestion.smss = kSeg;
    tcb->congestion.phase = Congestion::Phase::kOpen;
    EXPECT_EQ(rfc3042::beyond_window(*tcb), 0u);
    tcb->congestion.duplicates = 1;
  }
  EXPECT_EQ(rfc3042::beyond_window(plain), kSeg);  // one segment has left the flight by it
  EXPECT_EQ(rfc3042::beyond_window(sack), 0u);     // its SACK option reported nothing
  sack.congestion.left = kSeg;
  EXPECT_EQ(rfc3042::beyond_window(sack), kSeg);
  sack.congestion.left = kSeg / 4;  // it reported a few octets, which alone are not in the flight any more
  EXPECT_EQ(rfc3042::beyond_window(sack), 2 * kSeg - kSeg / 4);
  sack.congestion.duplicates = 0;  // it brought text, too
  EXPECT_EQ(rfc3042::beyond_window(sack), 0u);
  sack.board.news = 1;
  EXPECT_EQ(rfc3042::beyond_window(sack), 2 * kSeg - kSeg / 4);
  plain.congestion.duplicates = sack.congestion.duplicates = 3;
  EXPECT_EQ(rfc3042::beyond_window(plain), 0u);
  EXPECT_EQ(rfc3042::beyond_window(sack), 2 * kSeg - kSeg / 4);  // two of them were copies that reported nothing
  sack.board.news = 3;
  EXPECT_EQ(rfc3042::beyond_window(sack), 0u);
}

}  // namespace
}  // namespace tcpassay
