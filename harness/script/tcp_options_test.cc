// SPDX-License-Identifier: Apache-2.0
#include "harness/script/tcp_options.h"

#include <gtest/gtest.h>

#include <random>

#include "harness/script/testing.h"

namespace tcpassay {
namespace {

using Kind = OptionSpec::Kind;

TEST(ScriptOptions, AreWritten) {
  const std::string text = "+0 < S 0:0(0) <mss 1460,nop,wscale 7,sackOK,TS val 1 ecr 2,ECN e0b 1,eol>";
  const auto options = std::get<Inject>(parse(text).steps[0].action).segment.options;
  EXPECT_EQ(option_octets(options), (Bytes{2,   4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2,  //
                                           172, 5, 0, 0,    1, 0}));
  EXPECT_EQ(option_octets({{.kind = Kind::kFastOpenExp, .octets = {7}}}), (Bytes{254, 5, 0xf9, 0x89, 7}));
  EXPECT_THROW(option_octets(std::vector<OptionSpec>(41)), std::runtime_error);
  EXPECT_THROW(option_octets({{.kind = Kind::kMss}}), std::runtime_error);
}

TEST(ScriptOptions, AreRead) {
  EXPECT_EQ(
      parse_options(Bytes{2, 4, 5, 0xb4, 1, 0, 0}),
      (std::vector<OptionSpec>{
          {.kind = Kind::kMss, .values = {1460}}, {.kind = Kind::kNop}, {.kind = Kind::kEnd}, {.kind = Kind::kEnd}}));
  EXPECT_EQ(parse_options(Bytes{200, 3, 9, 1}),
            (std::vector<OptionSpec>{{.kind = Kind::kRaw, .octets = {200, 3, 9}}, {.kind = Kind::kNop}}));
  EXPECT_EQ(parse_options(Bytes{1, 2, 0}),
            (std::vector<OptionSpec>{{.kind = Kind::kNop}, {.kind = Kind::kRaw, .octets = {2, 0}}}));
}

TEST(ScriptOptions, SurviveReadingAndWriting) {
  std::mt19937 random(9);
  constexpr int kKinds[] = {0, 1, 2, 3, 4, 5, 8, 19, 34, 172, 174, 200, 254};
  for (int round = 0; round < 50000; ++round) {
    Bytes octets;
    while (octets.size() < 20) {
      octets.push_back(static_cast<std::uint8_t>(kKinds[random() % std::size(kKinds)]));
      octets.push_back(static_cast<std::uint8_t>(random() % 12));
      for (std::uint32_t i = octets.back(); i > 2; --i) octets.push_back(static_cast<std::uint8_t>(random()));
    }
    octets.resize(random() % octets.size());
    ASSERT_EQ(option_octets(parse_options(octets)), octets);
  }
}

}  // namespace
}  // namespace tcpassay
