// SPDX-License-Identifier: Apache-2.0
// What the build lists: the lines of the model that apply a rule, and the unit tests that name it.
#include "harness/check/citations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "models/rules.h"

namespace tcpassay {
namespace {

std::string line_of(const Citation& citation) {
  std::ifstream in(std::string(TCPASSAY_SOURCE_DIR) + "/" + std::string(citation.file));
  std::string line;
  for (int number = 0; number < citation.line; ++number) std::getline(in, line);
  return line;
}

TEST(Citations, EveryRuleIsAppliedSomewhereInTheModel) {
  for (const RuleInfo& rule : rules()) {
    const auto sites = code_sites(*rule_by_id(rule.id));
    EXPECT_FALSE(sites.empty()) << rule.id;
    for (const Citation& site : sites) {
      EXPECT_TRUE(site.file.starts_with("models/") && !site.file.ends_with("_test.cc")) << site.file;
    }
  }
}

TEST(Citations, NameTheLine) {
  for (const Citation& site : code_sites(Rule::SA1_text)) {
    EXPECT_NE(line_of(site).find("Rule::SA1_text"), std::string::npos) << site.file << ":" << site.line;
  }
}

TEST(Citations, NameTheTestThatNamesTheRule) {
  const auto tests = unit_tests(Rule::SA1_text);  // here, at the least
  EXPECT_TRUE(std::any_of(tests.begin(), tests.end(), [](const Citation& citation) {
    return citation.file == "harness/check/citations_test.cc" && citation.test == "Citations.NameTheLine";
  }));
}

TEST(Citations, NameATestOnce) {
  const auto tests = unit_tests(Rule::SA1_text);
  EXPECT_EQ(std::count_if(tests.begin(), tests.end(),
                          [](const Citation& citation) { return citation.test == "Citations.NameTheLine"; }),
            1);
}

}  // namespace
}  // namespace tcpassay
