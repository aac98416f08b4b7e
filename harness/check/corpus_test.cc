// SPDX-License-Identifier: Apache-2.0
#include "harness/check/corpus.h"

#include <gtest/gtest.h>

#include <fstream>

#include "harness/script/parse.h"

namespace tcpassay {
namespace {

TEST(Corpus, ScenariosArePlayedOverBothVersionsOfIp) {
  const std::vector<ScenarioFile> two = {
      {.path = "any.pkt", .scenario = parse_script("--mss=1400\n", "any.pkt")},
      {.path = "six.pkt", .scenario = parse_script("--ip_version=ipv6\n", "six.pkt")}};
  const auto both = over_ip(two, {4, 6});
  ASSERT_EQ(both.size(), 3u);
  EXPECT_EQ(both[2].path, "any.pkt");
  EXPECT_EQ(both[2].ip, 6);
  EXPECT_EQ(over_ip(two, {6}).size(), 2u);
}

TEST(Corpus, ReadsTags) {
  const std::string path = ::testing::TempDir() + "/tagged.pkt";
  std::ofstream(path) << "// SPDX\n//! title: T\n//! tag: slow smoke\n--mss=1400\n\n//! tag: lab\n"
                         "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";
  EXPECT_EQ(read_scenarios({path}).front().tags, (std::vector<std::string>{"slow", "smoke", "lab"}));
}

TEST(Corpus, FlattensNames) {
  EXPECT_EQ(flat_name("./corpus/3.4-sequence/wrap.pkt"), "corpus_3.4-sequence_wrap");
}

}  // namespace
}  // namespace tcpassay
