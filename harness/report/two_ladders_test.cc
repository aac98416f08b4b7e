// SPDX-License-Identifier: Apache-2.0
#include "harness/report/two_ladders.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <sstream>
#include <string>

#include "harness/script/parse.h"
#include "harness/targets/own/own_target.h"

namespace tcpassay {
namespace {

// Opens, and sends a RST far outside the window, which RFC 9293 section 3.10.7.4 drops.
constexpr const char* kRstOutside = R"(//! numbers: running
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 100:100(0) win 1000 <mss 1460>
+0 < . 101:101(0) ack 1 win 1000
+0 < R 200100:200100(0) win 0
+0 < P. 101:111(10) ack 1 win 1000
)";

struct Played {
  OwnTarget target{};
  Session session{target};
  RunResult result{};

  explicit Played(const std::string& name, std::optional<own::Defect> defect = {}) {
    target.plant(defect);
    session.play(parse_script(kRstOutside, "test.pkt"));
    result = {.file = "test.pkt",
              .target = name,
              .version = "1",
              .trace = session.trace(),
              .verdicts = session.oracle().verdicts()};
  }
};

std::size_t widest(const std::string& text) {
  std::size_t columns = 0;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) columns = std::max(columns, line.size());
  return columns;
}

TEST(TwoLadders, WhatBothDoStandsOnceAndTheRestSideBySide) {
  const Played sound("sound"), broken("broken", own::Defect::rst_out_of_window);
  const std::string text = two_ladders(sound.result, broken.result, {.columns = 110});
  const std::size_t syn = text.find("-> S 0 win 1000"), parting = text.find("--- sound 1 ---");
  ASSERT_NE(syn, std::string::npos) << text;
  ASSERT_NE(parting, std::string::npos) << text;
  EXPECT_LT(syn, parting);
  EXPECT_EQ(text.find("-> S 0 win 1000", syn + 1), std::string::npos) << text;
  EXPECT_NE(text.find("-+---- broken 1 ---"), std::string::npos) << text;
  EXPECT_GT(text.find("## MUST"), parting) << text;
  EXPECT_NE(text.find("sound: 0 violated"), std::string::npos) << text;
  EXPECT_NE(text.find("broken: 1 violated"), std::string::npos) << text;
  EXPECT_LE(widest(text), 110U) << text;
}

TEST(TwoLadders, AStimulusStandsAtOneHeight) {
  const Played sound("sound"), broken("broken", own::Defect::rst_out_of_window);
  std::istringstream in(two_ladders(sound.result, broken.result, {.columns = 110}));
  int lines = 0;
  for (std::string line; std::getline(in, line);) {
    const std::size_t text = line.find("-> P. 1:11(10)");
    if (text == std::string::npos) continue;
    ++lines;
    EXPECT_NE(line.find("-> P. 1:11(10)", text + 1), std::string::npos) << line;
  }
  EXPECT_EQ(lines, 1);
}

TEST(TwoLadders, OneBelowTheOtherWhereThereIsNoRoom) {
  const Played sound("sound"), broken("broken", own::Defect::rst_out_of_window);
  const TextStyle narrow{.columns = 80};
  EXPECT_EQ(two_ladders(sound.result, broken.result, narrow),
            run_text(sound.result, narrow) + "\n" + run_text(broken.result, narrow));
}

TEST(TwoLadders, LessThanTenMillisecondsIsTheSameTime) {
  const Played one("one");
  Played late("late"), later("later");
  for (Event& event : late.result.trace.events) event.until += std::chrono::microseconds(70);
  for (Event& event : later.result.trace.events) event.until += std::chrono::milliseconds(70);
  EXPECT_NE(two_ladders(one.result, late.result, {}).find("they do not part"), std::string::npos);
  EXPECT_EQ(two_ladders(one.result, later.result, {}).find("they do not part"), std::string::npos);
}

TEST(TwoLadders, RunsThatDoNotPartAreSaidToBeAlike) {
  const Played one("one"), other("other");
  EXPECT_NE(two_ladders(one.result, other.result, {}).find("they do not part"), std::string::npos);
}

}  // namespace
}  // namespace tcpassay
