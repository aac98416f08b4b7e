// SPDX-License-Identifier: Apache-2.0
// What differs between editions of the text, and that rules count only in theirs.
#include "models/edition.h"

#include <gtest/gtest.h>

#include "models/test_trace.h"

namespace tcpassay {
namespace {

Terms held_to(Edition edition) {
  return {.edition = edition};
}

TEST(Editions, HaveNames) {
  for (const Edition edition : {Edition::k793, Edition::k1122, Edition::k9293, Edition::kWith5961}) {
    EXPECT_EQ(edition_named(to_string(edition)), edition);
  }
  EXPECT_EQ(edition_named("9293+5961"), kNewest);
  EXPECT_FALSE(edition_named("2018"));
}

TEST(Editions, RulesStandSinceTheirDocument) {
  EXPECT_EQ(since(Rule::SA3_4_established), Edition::k793);
  EXPECT_EQ(since(Rule::MUST_2), Edition::k793);
  EXPECT_EQ(since(Rule::MUST_40), Edition::k1122);
  EXPECT_EQ(since(Rule::R6298_5_5), Edition::k9293);
  EXPECT_EQ(since(Rule::R5961_4_2_syn), Edition::kWith5961);
  EXPECT_FALSE(in_force(Rule::MUST_40, Edition::k793));
  for (std::size_t i = 0; i < rules().size(); ++i) EXPECT_TRUE(in_force(static_cast<Rule>(i), kNewest));
}

// An inexact RST: RFC 793 resets, RFC 5961 challenges, RFC 9293 leaves the choice.
TEST(Editions, AResetInTheWindow) {
  const auto resets = [](Edition edition) {
    return Trace(held_to(edition)).open().in("R", 100).quiet().report(State::kClosed).quiet().verdicts();
  };
  const auto challenges = [](Edition edition) {
    return Trace(held_to(edition)).open().in("R", 100).out(".", 1, 1).quiet().report(State::kEstablished).verdicts();
  };
  EXPECT_EQ(resets(Edition::k793), Verdicts{});
  EXPECT_EQ(resets(Edition::k9293), Verdicts{});
  EXPECT_EQ(resets(Edition::kWith5961), Verdicts{"R5961_3_2_scope departed"});
  EXPECT_NE(challenges(Edition::k793), Verdicts{});
  EXPECT_EQ(challenges(Edition::k9293), Verdicts{});
  EXPECT_EQ(challenges(Edition::kWith5961), Verdicts{});
}

TEST(Editions, ASynInTheWindow) {
  const auto resets = [](Edition edition) {
    return Trace(held_to(edition)).open().in("S", 100).out("R", 1).quiet().verdicts();
  };
  const auto challenges = [](Edition edition) {
    return Trace(held_to(edition)).open().in("S", 100).out(".", 1, 1).quiet().verdicts();
  };
  EXPECT_EQ(resets(Edition::k1122), Verdicts{});
  EXPECT_EQ(resets(Edition::k9293), Verdicts{});
  EXPECT_EQ(resets(Edition::kWith5961), Verdicts{"R5961_4_2_scope departed"});
  EXPECT_EQ(challenges(Edition::k1122), Verdicts{"SA4_4_reset violated"});
  EXPECT_EQ(challenges(Edition::k9293), Verdicts{});
}

// An ACK from far below SND.UNA is a duplicate to the older texts: the text beside it counts.
TEST(Editions, AnOldAck) {
  const auto refuses = [](Edition edition) {
    return Trace(held_to(edition)).open().in("P.", 1, 0xb0000000, 10).out(".", 1, 1).quiet().verdicts();
  };
  EXPECT_EQ(refuses(Edition::k9293), Verdicts{});
  EXPECT_NE(refuses(Edition::k793), Verdicts{});
}

// RFC 793 sends CLOSE in CLOSE-WAIT to CLOSING, which RFC 1122 calls a mistake.
TEST(Editions, CloseInCloseWait) {
  const auto closing = [](Edition edition) {
    Trace trace(held_to(edition));
    trace.open().in("F.", 1, 1).out(".", 1, 2).quiet().shutdown().out("F.", 1, 2).quiet();
    return trace.report(State::kClosing).verdicts();
  };
  EXPECT_EQ(closing(Edition::k793), Verdicts{});
  EXPECT_NE(closing(Edition::k1122), Verdicts{});
}

// RFC 793 knows no delayed acknowledgment, and no limit to it either.
TEST(Editions, ALateAcknowledgment) {
  const auto late = [](Edition edition) {
    Trace trace(held_to(edition));
    trace.open().in("P.", 1, 1, 10).quiet().quiet(std::chrono::seconds(1)).out(".", 1, 11).quiet();
    return trace.verdicts();
  };
  EXPECT_EQ(late(Edition::k793), Verdicts{});
  EXPECT_EQ(late(Edition::k1122), Verdicts{"MUST_40 violated"});
}

}  // namespace
}  // namespace tcpassay
