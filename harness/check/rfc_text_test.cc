// SPDX-License-Identifier: Apache-2.0
// Paragraphs are counted, and joined over page breaks, in a text made up here: no RFC is needed.
#include "harness/check/rfc_text.h"

#include <gtest/gtest.h>

namespace tcpassay {
namespace {

constexpr const char* kMadeUp =
    "1.  Introduction  . . . . . . . . . . . . . . . . . . . . . . .   3\n"
    "2.  Rules                                                         4\n"
    "\n"
    "1.  Introduction\n"
    "\n"
    "   One line.\n"
    "\n"
    "   The line goes on\n"
    "   in the next\n"
    "\n"
    "Nobody                    Standards Track                    [Page 3]\n"
    "\f\n"
    "RFC 9999                      Made Up                     April 2026\n"
    "\n"
    "   page.\n"
    "\n"
    "   A page break follows.\n"
    "\n"
    "Nobody                    Standards Track                    [page 4]\n"
    "\f\n"
    "RFC 9999                      Made Up                     April 2026\n"
    "\n"
    "   No part of it.\n"
    "\n"
    "1.1.  Steps\n"
    "\n"
    "   If it is so,\n"
    "\n"
    "      <SEQ=0>\n"
    "\n"
    "   o  item\n"
    "      of a list\n"
    "\n"
    "A.2.  More\n"
    "\n"
    "   Last.\n";

TEST(RfcText, CountsParagraphsBelowAHeading) {
  const RfcText text(kMadeUp);
  EXPECT_EQ(text.paragraph("1", 1), "One line.");
  EXPECT_EQ(text.paragraph("A.2", 1), "Last.");
}

TEST(RfcText, JoinsWhatAPageBreakCuts) {
  const RfcText text(kMadeUp);
  EXPECT_EQ(text.paragraph("1", 2), "The line goes on\nin the next\npage.");
  EXPECT_EQ(text.paragraph("1", 3), "A page break follows.");
  EXPECT_EQ(text.paragraph("1", 4), "No part of it.");
}

TEST(RfcText, KeepsTheShapeOfAList) {
  EXPECT_EQ(RfcText(kMadeUp).paragraph("1.1", 3), "o  item\n   of a list");
}

TEST(RfcText, HasNothingBeyondTheEnd) {
  const RfcText text(kMadeUp);
  EXPECT_EQ(text.paragraph("1", 0), "");
  EXPECT_EQ(text.paragraph("1", 5), "");
  EXPECT_EQ(text.paragraph("2", 1), "");
}

TEST(RfcText, APassageHasWhatItsParagraphIntroduces) {
  const RfcText text(kMadeUp);
  EXPECT_EQ(text.passage("1.1", 1), "If it is so,\n\n<SEQ=0>");
  EXPECT_EQ(text.passage("1", 1), "One line.");
  EXPECT_EQ(text.passage("2", 1), "");
}

TEST(RfcText, AFolderWithoutTheTextHasNone) {
  EXPECT_FALSE(read_rfc("/none", 9293));
}

}  // namespace
}  // namespace tcpassay
