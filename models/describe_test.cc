// SPDX-License-Identifier: Apache-2.0
#include "models/describe.h"

#include <gtest/gtest.h>

#include "models/rules.h"

namespace tcpassay {
namespace {

TEST(Describe, TheSameWordsAreToldApartByWhatTheyLeaveOut) {
  Event event{.from = std::chrono::seconds(1), .until = std::chrono::milliseconds(1050)};
  Departing seg;
  seg.wnd = 900;
  seg.opt.timestamps = Options::Timestamps{.value = 7, .echo = 3};
  seg.ip.traffic_class = 2;
  event.what = seg;
  std::string allowed = "<SEQ=1>", seen = "<SEQ=1>";
  tell_apart(allowed, seen, event, Rule::R7323_3_2_tsecr_echo);
  EXPECT_EQ(allowed, info(Rule::R7323_3_2_tsecr_echo).sentence);
  EXPECT_EQ(seen, "<SEQ=1> with window 900, TSval 7 TSecr 3, ECT(0), TTL 64");
}

TEST(Describe, SilenceIsToldWithItsTime) {
  Event event{.from = std::chrono::seconds(1), .until = std::chrono::milliseconds(7050)};
  event.what = Quiet{};
  std::string allowed = "nothing", seen = "nothing";
  tell_apart(allowed, seen, event, Rule::MUST_27);
  EXPECT_EQ(seen, "nothing until 7.050 s");
  EXPECT_NE(allowed, seen);
}

TEST(Describe, WhatDiffersStays) {
  std::string allowed = "<SEQ=1>", seen = "<SEQ=2>";
  tell_apart(allowed, seen, {}, Rule::MUST_27);
  EXPECT_EQ(allowed, "<SEQ=1>");
  EXPECT_EQ(seen, "<SEQ=2>");
}

}  // namespace
}  // namespace tcpassay
