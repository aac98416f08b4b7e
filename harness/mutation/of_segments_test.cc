// SPDX-License-Identifier: Apache-2.0
#include "harness/mutation/of_segments.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tcpassay {
namespace {

std::vector<ScenarioFile> textbook() {
  return read_scenarios({std::string(TCPASSAY_SOURCE_DIR) + "/corpus/textbook"});
}

TEST(Sensitivity, MostAlterationsAreSeen) {
  const SensitivityResult result = mutation_sensitivity(textbook(), {.samples = 2000});
  EXPECT_GT(result.traces, 10u);
  EXPECT_GT(result.samples(), 1750u);  // some find nothing to alter
  EXPECT_GE(result.share(), 0.9) << sensitivity_text(result, {});
}

// What cannot be right whatever the target chose: another octet, a wrong checksum.
TEST(Sensitivity, TextAndChecksumsAreExact) {
  const SensitivityResult result = mutation_sensitivity(textbook(), {.samples = 1100});
  for (const Alteration exact : {Alteration::kText, Alteration::kDamaged}) {
    const auto& row = result.rows[static_cast<std::size_t>(exact)];
    EXPECT_EQ(row.noticed, row.samples) << to_string(exact) << "\n" << sensitivity_text(result, {});
  }
}

TEST(Sensitivity, IsAFunctionOfItsSeed) {
  const auto all = textbook();
  const auto share = [&](std::uint64_t seed) {
    return sensitivity_json(mutation_sensitivity(all, {.samples = 200, .seed = seed}));
  };
  EXPECT_EQ(share(1), share(1));
  EXPECT_NE(share(1), share(2));
}

}  // namespace
}  // namespace tcpassay
