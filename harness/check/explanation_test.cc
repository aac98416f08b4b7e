// SPDX-License-Identifier: Apache-2.0
// A rule is explained from what the project says of it; which scenario judges it is tested by harness/cli.
#include "harness/check/explanation.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "models/rules.h"

namespace tcpassay {
namespace {

// The folder that TCPASSAY_RFC_DIR names while the test runs.
class RfcFolder {
 public:
  explicit RfcFolder(const std::string& folder) : before_(value()) { setenv("TCPASSAY_RFC_DIR", folder.c_str(), 1); }
  ~RfcFolder() { before_.empty() ? unsetenv("TCPASSAY_RFC_DIR") : setenv("TCPASSAY_RFC_DIR", before_.c_str(), 1); }

 private:
  static std::string value() {
    const char* named = std::getenv("TCPASSAY_RFC_DIR");
    return named ? named : "";
  }
  std::string before_;
};

Explanation of(Rule rule) {
  return explanations({rule}, {}).front();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Explanation, SaysWhereCodeAndDefectsName) {
  const Explanation explanation = of(Rule::MUST_2);
  const std::string text = explanation_text(explanation, 100);
  EXPECT_TRUE(contains(text, "MUST_2 MUST, RFC 9293 section 3.1 paragraph ")) << text;
  EXPECT_TRUE(contains(text, "  models/")) << text;
  EXPECT_TRUE(contains(text, "  checksum_wrong_on_odd_length: ")) << text;
  EXPECT_EQ(explanation_json(explanation)["paragraph"], info(Rule::MUST_2).paragraph);
}

TEST(Explanation, ShowsTheTextThatIsAtHand) {
  const std::string folder = ::testing::TempDir();
  const RuleInfo& about = info(Rule::SA1_text);
  std::ofstream text(folder + "/rfc9293.txt");
  text << about.section << ".  Made Up\n";
  for (int paragraph = 1; paragraph <= about.paragraph; ++paragraph) text << "\n   Paragraph " << paragraph << ".\n";
  text.close();
  const RfcFolder named(folder);
  EXPECT_EQ(of(Rule::SA1_text).passage, "Paragraph " + std::to_string(about.paragraph) + ".");
  EXPECT_TRUE(contains(explanation_text(of(Rule::SA1_text), 100), "the RFC's words (a step of the processing):\n  | "));
}

TEST(Explanation, SaysHowToGetTheTextThatIsNot) {
  const RfcFolder named("/none");
  EXPECT_TRUE(contains(explanation_text(of(Rule::SA1_text), 100), "set TCPASSAY_RFC_DIR to a folder with rfc9293.txt"));
  EXPECT_TRUE(explanation_json(of(Rule::SA1_text))["text"].is_null());
}

TEST(Explanation, KeepsAnEmptyLineOfTheTextEmpty) {
  Explanation explanation = of(Rule::SA1_text);
  explanation.passage = "If it is so,\n\n<SEQ=0>";
  EXPECT_TRUE(contains(explanation_text(explanation, 100), "\n  | If it is so,\n  |\n  | <SEQ=0>\n"));
}

TEST(Explanation, OfARuleThatNoUnitTestNamesSaysSo) {
  Explanation explanation = of(Rule::SA1_text);
  explanation.tests.clear();
  EXPECT_TRUE(contains(explanation_text(explanation, 100), "no unit test names it"));
}

}  // namespace
}  // namespace tcpassay
