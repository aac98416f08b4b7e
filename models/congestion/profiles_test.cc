// SPDX-License-Identifier: Apache-2.0
// One and the same profile of congestion control must explain a connection. Each profile has an innocent history, and a
// guilty twin that no profile explains.
#include "models/congestion/profiles.h"

#include <gtest/gtest.h>

#include "models/test_bulk.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;

// Slow start has brought 20 segments into flight, from the one with the index 10 on.
struct Twenty : Bulk {
  explicit Twenty(Options options) : Bulk(options, 200000) {
    wait(milliseconds(100));
    for (std::uint32_t i = 1; i <= 10; ++i) acks(i).sends(8 + 2 * i, 2).quiet();
  }

  // The front of the flight is lost: two segments leave by limited transmit, the third duplicate ACK draws the front,
  // and each duplicate ACK from `first` on a new segment. After the ACK that ends recovery `more` leave.
  Twenty& loses_front(std::uint32_t first, std::uint32_t more) {
    const std::uint32_t duplicates = next - una + 1, all = next + 2;
    for (std::uint32_t n = 1; n <= duplicates; ++n) {
      acks(una);
      if (n == 3) sends(una, 1);
      if (n < 3 || first <= n) sends(next++, 1);
      quiet();
    }
    una = all;
    return round(0, more);
  }
  // So many more segments are acknowledged by one ACK, or what was said with none, and so many leave.
  Twenty& round(std::uint32_t acked, std::uint32_t sent) {
    una += acked;
    wait(milliseconds(100));
    acks(una).sends(next, sent).quiet();
    next += sent;
    return *this;
  }
  Twenty& rounds(int count) {
    for (int i = 0; i < count; ++i) round(1, 1);
    return *this;
  }
  // The names of the profiles that explain it.
  std::string explained() const {
    std::string names;
    const auto fits = oracle.profile_fits();
    for (std::size_t i = 0; i < fits.size(); ++i) {
      if (fits[i].explained > 0) names += (names.empty() ? "" : " ") + std::string(profiles()[i].name);
    }
    return names;
  }

  std::uint32_t una = 10, next = 30;
};

// After a loss in 20 segments NewReno has a window of 10, CUBIC one of 14.
TEST(Profiles, HalfAfterALossIsNewRenos) {
  Twenty t(Bulk::kPlain);
  t.loses_front(13, 1).rounds(4);
  EXPECT_EQ(t.main_verdicts(), Verdicts{});
  EXPECT_EQ(t.explained(), "newreno");
}

TEST(Profiles, SevenTenthsAreCubics) {
  Twenty t(Bulk::kPlain);
  t.loses_front(9, 1).round(1, 1);
  EXPECT_EQ(t.main_verdicts(), Verdicts{});
  EXPECT_EQ(t.explained(), "cubic");
}

TEST(Profiles, NineTenthsAreNobodys) {
  Twenty t(Bulk::kPlain);
  t.loses_front(9, 5);
  EXPECT_EQ(t.main_verdicts(), Verdicts{"R5681_3_2_6 violated"});
  EXPECT_EQ(t.explained(), "");
}

// Either half of the history is right, but not of one sender.
TEST(Profiles, WhoHalvedOnceDoesSoAgain) {
  Twenty halves(Bulk::kPlain);
  halves.loses_front(13, 1).rounds(4).loses_front(8, 1);
  EXPECT_EQ(halves.main_verdicts(), Verdicts{});
  Twenty both(Bulk::kPlain);
  both.loses_front(13, 1).rounds(4).loses_front(6, 1);
  EXPECT_EQ(both.main_verdicts(), Verdicts{"R5681_4_3_twice violated"});
}

// Text may wait for a while until more of it can leave at once.
TEST(Profiles, APauseIsNoSmallerWindow) {
  Twenty pauses(Bulk::kPlain);
  pauses.loses_front(13, 1).rounds(2).round(1, 5);
  EXPECT_EQ(pauses.main_verdicts(), Verdicts{});
  Twenty halves(Bulk::kPlain);
  halves.loses_front(13, 1).rounds(4).round(1, 5);
  EXPECT_EQ(halves.main_verdicts(), Verdicts{"R5681_3_1_ca_inc violated"});
}

// Behind a pause `at_once` segments leave, and two upon each of so many ACKs.
Verdicts slow_start_behind_a_pause(std::uint32_t at_once, std::uint32_t acknowledged) {
  Twenty t(Bulk::kPlain);
  t.loses_front(13, 1);
  t.in(".", 1, 1 + t.next * kMss, 0, 0).quiet().wait(std::chrono::seconds(7));
  t.acks(t.next).sends(t.next, at_once).quiet();
  t.una = t.next;
  t.next += at_once;
  for (std::uint32_t i = 0; i < acknowledged; ++i) t.round(1, 2);
  return t.main_verdicts();
}

TEST(Profiles, SlowStartBehindAPauseEndsAtTheSsthreshOfCubic) {
  EXPECT_EQ(slow_start_behind_a_pause(10, 4), Verdicts{});
  EXPECT_EQ(slow_start_behind_a_pause(10, 7), Verdicts{"R5681_4_1_idle departed"});
  EXPECT_EQ(slow_start_behind_a_pause(11, 0), Verdicts{"R5681_4_1_idle departed"});
}

TEST(Profiles, WithoutALossNothingTellsThemApart) {
  const Twenty t(Bulk::kPlain);
  EXPECT_EQ(t.oracle.profile_fits()[static_cast<std::size_t>(Profile::kCubic)].connections, 0u);
}

// One ACK reports that ten segments have arrived, so that the ten before them are lost.
struct TenLost : Twenty {
  TenLost(std::uint32_t sent_again, std::uint32_t new_segments) : Twenty(Bulk::kSack) {
    wait(milliseconds(100));
    acks(10, 0, {{20, 30}}).sends(10, sent_again).sends(30, new_segments).quiet();
  }
};

TEST(Profiles, WhoBelievesReportsIsNoNewReno) {
  EXPECT_EQ(TenLost(1, 0).explained(), "newreno sack cubic");
  const TenLost t(10, 0);
  EXPECT_EQ(t.main_verdicts(), Verdicts{});
  EXPECT_EQ(t.explained(), "sack cubic");
}

TEST(Profiles, NorDoesItSendMoreThanTheWindow) {
  const TenLost t(10, 6);
  EXPECT_EQ(t.main_verdicts(), Verdicts{"R6675_4_pipe violated"});
  EXPECT_EQ(t.explained(), "");
}

// Of 20 segments each third arrives, from the one with the index 12 on, and each ACK reports one of them.
struct EachThird : Twenty {
  EachThird() : Twenty(Bulk::kSack) { wait(milliseconds(100)); }
  EachThird& reported(std::initializer_list<std::uint32_t> again, std::uint32_t new_segments = 0) {
    acks(10, 0, {{arrived, arrived + 1}});
    arrived += 3;
    for (const std::uint32_t each : again) sends(each, 1);
    sends(next, new_segments).quiet();
    next += new_segments;
    return *this;
  }
  std::uint32_t arrived = 12;
};

// The third report begins recovery: 9 of the 20 have left the network, and 10 or 14 may be in it.
TEST(Profiles, WhatLeftAgainIsInTheNetwork) {
  EachThird half;
  half.reported({}, 1).reported({}, 1).reported({10}).reported({11}).reported({13, 14, 16}).reported({17, 19, 20});
  EXPECT_EQ(half.main_verdicts(), Verdicts{});
  EachThird cubic;
  cubic.reported({}).reported({}).reported({10, 11, 13, 14}).reported({16, 17, 19}).reported({20, 22, 23});
  EXPECT_EQ(cubic.main_verdicts(), Verdicts{});
  EachThird forgets;
  forgets.reported({}).reported({}).reported({10, 11, 13, 14}).reported({16, 17, 19, 20, 22, 23}, 3);
  EXPECT_EQ(forgets.main_verdicts(), Verdicts{"R6675_4_pipe violated"});
}

// The front of twenty segments is lost, and each report tells of one more. From the third on the front leaves again,
// and then new text: so many segments as `let_go` says of what was delivered and what has left.
template <class LetGo>
Verdicts recovers_with(LetGo let_go) {
  Twenty t(Bulk::kSack);
  t.wait(milliseconds(100));
  std::uint32_t out = 0;
  for (std::uint32_t n = 1; n <= 19; ++n) {
    t.acks(10, 0, {{11, 11 + n}});
    if (n == 3) t.sends(10, 1);
    const std::uint32_t more = n < 3 ? 1u : let_go(n - 2, out + (n == 3 ? 1u : 0u));
    if (n >= 3) out += more + (n == 3 ? 1u : 0u);
    t.sends(t.next, more).quiet();
    t.next += more;
  }
  return t.main_verdicts();
}

// RFC 6937 section 3: sndcnt = CEIL(prr_delivered * ssthresh / RecoverFS) - prr_out, with ssthresh at half of the
// flight or at 0.7 of it, as Linux has it. Who sends a segment for each that arrives reduces nothing.
TEST(Profiles, ProportionalRateReduction) {
  const auto share = [](std::uint32_t ssthresh) {
    return [ssthresh](std::uint32_t delivered, std::uint32_t out) {
      const std::uint32_t due = (delivered * ssthresh + 19) / 20;
      return due > out ? due - out : 0u;
    };
  };
  EXPECT_EQ(recovers_with(share(10)), Verdicts{});
  EXPECT_EQ(recovers_with(share(14)), Verdicts{});
  EXPECT_EQ(recovers_with(share(18)), Verdicts{"R5681_3_2_2 violated"});
  EXPECT_EQ(recovers_with([](std::uint32_t, std::uint32_t) { return 1u; }), Verdicts{"R5681_3_2_2 violated"});
}

// One ACK reports all but the front. pipe is below ssthresh by then, and the reduction bound lets it come up to
// ssthresh, and no further; the judge does not count the front, which leaves again.
TEST(Profiles, TheReductionBoundEndsAtSsthresh) {
  const auto leave = [](std::uint32_t segments) {
    Twenty t(Bulk::kSack);
    t.wait(milliseconds(100));
    t.acks(10, 0, {{11, 30}}).sends(10, 1).sends(30, segments).quiet();
    return t.main_verdicts();
  };
  EXPECT_EQ(leave(14), Verdicts{});
  EXPECT_EQ(leave(15), Verdicts{"R5681_3_2_2 violated"});
}

// RFC 8985 section 6.2: a report of what left again shows that what left again before it was lost once more.
TEST(Profiles, WhatLeftAgainMayBeLostAgain) {
  EachThird t;
  t.reported({}).reported({}).reported({10, 11, 13, 14}).reported({16, 17, 19}).reported({20, 22, 23});
  t.wait(milliseconds(100));
  t.acks(10, 0, {{23, 25}}).sends(10, 2).sends(13, 2).sends(16, 2).quiet();
  EXPECT_EQ(t.main_verdicts(), Verdicts{});
}

}  // namespace
}  // namespace tcpassay
