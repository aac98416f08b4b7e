// SPDX-License-Identifier: Apache-2.0
#include "models/seq.h"

#include <gtest/gtest.h>

#include <random>

namespace tcpassay {
namespace {

constexpr SndSeq kTop{0xffffffff}, kZero{0}, kHalf{0x80000000};

TEST(Seq, AddingWrapsAtTheTop) {
  EXPECT_EQ(kTop + 1, kZero);
  EXPECT_EQ(kZero - 1, kTop);
  EXPECT_EQ(SndSeq{0xfffffff0} + 0x20, SndSeq{0x10});
}

TEST(Seq, TheDistanceIsTakenAcrossTheWrap) {
  EXPECT_EQ(SndSeq{5} - SndSeq{0xfffffffb}, 10u);
  EXPECT_EQ(kZero - kTop, 1u);
}

TEST(Seq, ComparesAcrossTheWrap) {
  EXPECT_TRUE(kTop < kZero);
  EXPECT_TRUE(kZero > kTop);
  EXPECT_FALSE(kZero < kTop);
  EXPECT_TRUE(SndSeq{0xfffffff0} < SndSeq{0x10});
}

TEST(Seq, NothingIsBeforeItself) {
  EXPECT_FALSE(kZero < kZero);
  EXPECT_FALSE(kZero > kZero);
  EXPECT_TRUE(kZero <= kZero);
  EXPECT_TRUE(kZero >= kZero);
}

TEST(Seq, OneLessThanHalfTheSpaceIsAhead) {
  EXPECT_TRUE(kZero < kHalf - 1);
  EXPECT_FALSE(kHalf - 1 < kZero);
}

// Exactly half the number space away a number lies ahead and behind: both comparisons hold.
TEST(Seq, HalfTheSpaceAwayIsBothBeforeAndBehind) {
  EXPECT_TRUE(kZero < kHalf);
  EXPECT_TRUE(kHalf < kZero);
  EXPECT_TRUE(kTop < kTop + 0x80000000u);
}

TEST(Seq, OneMoreThanHalfTheSpaceIsBehind) {
  EXPECT_FALSE(kZero < kHalf + 1);
  EXPECT_TRUE(kHalf + 1 < kZero);
}

TEST(Seq, LaterAndEarlierChooseAcrossTheWrap) {
  EXPECT_EQ(later(kTop, kZero), kZero);
  EXPECT_EQ(later(kZero, kTop), kZero);
  EXPECT_EQ(earlier(kTop, kZero), kTop);
  EXPECT_EQ(earlier(kZero, kTop), kTop);
}

// Moving both numbers by the same amount changes nothing.
TEST(Seq, ComparisonDependsOnlyOnTheDistance) {
  std::mt19937 random(1);
  for (int round = 0; round < 10000; ++round) {
    const auto by = static_cast<std::uint32_t>(random()), far = static_cast<std::uint32_t>(random());
    const SndSeq a{static_cast<std::uint32_t>(random())}, b = a + far;
    EXPECT_EQ(a < b, a + by < b + by) << a.value << " " << b.value << " " << by;
    EXPECT_EQ(b - a, far);
  }
}

}  // namespace
}  // namespace tcpassay
