// SPDX-License-Identifier: Apache-2.0
#include "harness/site/difference.h"

#include <gtest/gtest.h>

namespace tcpassay {
namespace {

TEST(Difference, MarksTheWordsThatDiffer) {
  const auto [allowed, seen] = marked_difference("<SEQ=1><ACK=11><CTL=ACK>", "<SEQ=1><ACK=12><CTL=ACK>");
  EXPECT_EQ(allowed.markup(), "&lt;SEQ=1&gt;&lt;<mark>ACK=11</mark>&gt;&lt;CTL=ACK&gt;");
  EXPECT_EQ(seen.markup(), "&lt;SEQ=1&gt;&lt;<mark>ACK=12</mark>&gt;&lt;CTL=ACK&gt;");
}

TEST(Difference, MarksEverythingWhereLittleIsCommon) {
  const auto [allowed, seen] = marked_difference("an ACK within 0.5 s", "nothing");
  EXPECT_EQ(allowed.markup(), "an ACK within 0.5 s");
  EXPECT_EQ(seen.markup(), "<mark>nothing</mark>");
}

TEST(Difference, MarksSomethingWhereWhatWasSeenIsPartOfWhatWasAllowed) {
  const auto [allowed, seen] = marked_difference("state ESTABLISHED or state CLOSED", "state CLOSED");
  EXPECT_NE((allowed + seen).markup().find("<mark>"), std::string::npos);
}

TEST(Difference, LongTextIsNotCompared) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "word ";
  EXPECT_EQ(marked_difference(text, text + "more").allowed.markup(), text);
}

}  // namespace
}  // namespace tcpassay
