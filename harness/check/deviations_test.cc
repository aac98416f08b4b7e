// SPDX-License-Identifier: Apache-2.0
#include "harness/check/deviations.h"

#include <gtest/gtest.h>

#include <fstream>

#include "models/rules.h"

namespace tcpassay {
namespace {

std::string folder_with(const std::string& file, const std::string& text) {
  const std::string folder = ::testing::TempDir();
  std::ofstream(folder + "/" + file) << text;
  return folder;
}

TEST(Deviations, AreRead) {
  folder_with("base.txt", "# of both\nMUST_2: checksums are offloaded\n");
  const auto read = read_deviations(folder_with("raw.txt", "include base\n\nMUST_3: likewise # here\n"), "raw");
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].rule, Rule::MUST_2);
  EXPECT_EQ(read[0].reason, "checksums are offloaded");
  EXPECT_TRUE(read_deviations(::testing::TempDir(), "no-such-target").empty());
}

TEST(Deviations, SeveralFilesAreReadOneAfterTheOther) {
  const std::string folder = folder_with("mine.txt", "MUST_2: of the folder\n");
  folder_with("more.txt", "MUST_3: of the file\ninclude mine\n");
  const auto read = read_deviations(std::vector<std::string>{folder, folder + "/more.txt"}, "mine");
  ASSERT_EQ(read.size(), 3u);  // the folder's, the file's, and what the file includes from its own folder
  EXPECT_EQ(read[1].reason, "of the file");
  EXPECT_EQ(read[2].reason, "of the folder");
  EXPECT_TRUE(read_deviations(std::vector<std::string>{}, "mine").empty());
  EXPECT_THROW(read_deviations(std::vector<std::string>{folder + "/none.txt"}, "mine"), DeviationError);
}

TEST(Deviations, SomeOnlyTheSweepSees) {
  const std::string folder =
      folder_with("some.txt", "MUST_3: reason\nsweep SA4_2_exact closing LAST-ACK: a choice\nsweep MUST_3: anywhere\n");
  EXPECT_EQ(read_deviations(folder, "some").size(), 1u);
  const auto all = read_deviations(folder, "some", {.sweep = true});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1].states, (std::vector{State::kClosing, State::kLastAck}));
  EXPECT_TRUE(all[2].states.empty());
}

TEST(Deviations, SomeAreSeenOverOneVersionOfIpAlone) {
  const auto all = read_deviations(folder_with("ip.txt", "MUST_2: x\nip 4\nMUST_3: x\nip any\nMUST_6: x\n"), "ip");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].ip, 0);
  EXPECT_EQ(all[1].ip, 4);
  EXPECT_EQ(all[2].ip, 0);
}

TEST(Deviations, SomeNeedARoundTrip) {
  const std::string folder = folder_with("trip.txt", "MUST_3: reason\nrtt SHLD_28: pieces\n");
  EXPECT_EQ(read_deviations(folder, "trip").size(), 1u);
  EXPECT_EQ(read_deviations(folder, "trip", {.round_trip = true}).size(), 2u);
}

TEST(Deviations, ThoseOfACampaignAreReadByIt) {
  const std::string folder = folder_with("hunt.txt", "MUST_3: reason\nfuzz MUST_2: a second loss\n");
  EXPECT_EQ(read_deviations(folder, "hunt", {.sweep = true, .round_trip = true}).size(), 1u);
  const auto all = read_deviations(folder, "hunt", {.fuzz = true});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_TRUE(all[1].fuzz);
}

TEST(Deviations, ABadLineIsNamed) {
  const auto error = [](const std::string& text) -> std::string {
    try {
      read_deviations(folder_with("bad.txt", text), "bad");
    } catch (const DeviationError& wrong) {
      return wrong.what();
    }
    return "";
  };
  EXPECT_NE(error("\nNO_RULE: x\n").find("bad.txt:2: unknown rule 'NO_RULE'"), std::string::npos);
  EXPECT_NE(error("MUST_2\n").find("bad.txt:1: expected 'RULE: reason'"), std::string::npos);
  EXPECT_NE(error("ip 5\n").find("bad.txt:1: expected ip 4, ip 6 or ip any, found 'ip 5'"), std::string::npos);
  EXPECT_NE(error("include bad\n").find("includes itself"), std::string::npos);
}

}  // namespace
}  // namespace tcpassay
