// SPDX-License-Identifier: Apache-2.0
#include "harness/sharpness.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tcpassay {
namespace {

std::vector<Filed> textbook() { return read_scenarios({std::string(TCPASSAY_SOURCE_DIR) + "/corpus/textbook"}); }

TEST(Sharpness, MostAlterationsAreSeen) {
  const SharpnessResult result = sharpness(textbook(), {.samples = 2000});
  EXPECT_GT(result.traces, 10u);
  EXPECT_GT(result.samples(), 1900u);  // some find nothing to alter
  EXPECT_GE(result.share(), 0.9) << sharpness_text(result, {});
}

// What cannot be right whatever the target chose: another octet, a wrong checksum.
TEST(Sharpness, TextAndChecksumsAreExact) {
  const SharpnessResult result = sharpness(textbook(), {.samples = 1100});
  for (const Alteration exact : {Alteration::kText, Alteration::kDamaged}) {
    const auto& row = result.rows[static_cast<std::size_t>(exact)];
    EXPECT_EQ(row.condemned, row.samples) << to_string(exact) << "\n" << sharpness_text(result, {});
  }
}

TEST(Sharpness, IsAFunctionOfItsSeed) {
  const auto all = textbook();
  const auto share = [&](std::uint64_t seed) { return sharpness_json(sharpness(all, {.samples = 200, .seed = seed})); };
  EXPECT_EQ(share(1), share(1));
  EXPECT_NE(share(1), share(2));
}

}  // namespace
}  // namespace tcpassay
