// SPDX-License-Identifier: Apache-2.0
#include "harness/script/schedule.h"

#include <gtest/gtest.h>

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Schedule, CountsAsPacketdrillDoes) {
  Schedule schedule;
  const auto relative = [](int ms) { return StepTime{.at = milliseconds(ms)}; };
  EXPECT_EQ(schedule.next(relative(100)).from, milliseconds(100));
  EXPECT_EQ(schedule.next(relative(50)).from, milliseconds(150));
  EXPECT_EQ(schedule.next({.form = StepTime::Form::kAbsolute, .at = seconds(1)}).from, seconds(1));
  EXPECT_TRUE(schedule.next({.form = StepTime::Form::kAny}).any);
  schedule.reached(seconds(2));
  const auto range =
      schedule.next({.form = StepTime::Form::kRelativeRange, .at = milliseconds(100), .to = milliseconds(300)});
  EXPECT_EQ(range.from, milliseconds(2100));
  EXPECT_EQ(range.until, milliseconds(2300));
  EXPECT_EQ(schedule.next(relative(800)).tolerance, milliseconds(100));
  EXPECT_EQ(Schedule({"--tolerance_usecs=7000"}).next(relative(800)).tolerance, milliseconds(7));
}

}  // namespace
}  // namespace tcpassay
