// SPDX-License-Identifier: Apache-2.0
// Every rule's locator names a paragraph of its RFC that has the words of the rule's level, or is listed as imperative.
#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <string>

#include "harness/check/rfc_text.h"
#include "models/catalogue.h"

namespace tcpassay {
namespace {

bool has_word(std::string_view text, std::string_view word) {
  const auto letter = [&](std::size_t at) {
    return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0;
  };
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    if ((at == 0 || !letter(at - 1)) && !letter(at + word.size())) return true;
  }
  return false;
}

bool has_word_of(Level level, std::string_view text) {
  static const std::map<Level, std::vector<std::string_view>> kWords{
      {Level::kMust, {"MUST", "must", "REQUIRED", "SHALL", "shall"}},
      {Level::kShould, {"SHOULD", "should", "RECOMMENDED", "RECOMMEND", "recommended"}},
      {Level::kMay, {"MAY", "may", "can", "OPTIONAL", "optional"}}};
  for (const std::string_view word : kWords.at(level)) {
    if (has_word(text, word)) return true;
  }
  return false;
}

class Locators : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = rfc_folder();
    if (folder_.empty()) GTEST_SKIP() << "no copy of the RFCs: set TCPASSAY_RFC_DIR to a folder with rfc9293.txt ...";
  }

  // The paragraph that the rule's locator names; empty when there is none.
  std::string text_of(const RuleInfo& rule) {
    if (!texts_.contains(rule.rfc)) texts_[rule.rfc] = read_rfc(folder_, rule.rfc);
    const auto& text = texts_.at(rule.rfc);
    return text ? text->paragraph(rule.section, rule.paragraph) : "";
  }

 private:
  std::string folder_{};
  std::map<int, std::optional<RfcText>> texts_{};
};

std::string place(const RuleInfo& rule) {
  return std::string(rule.id) + ", RFC " + std::to_string(rule.rfc) + " section " + std::string(rule.section) +
         " paragraph " + std::to_string(rule.paragraph);
}

TEST_F(Locators, NameAParagraphThatIsThere) {
  for (const RuleInfo& rule : rules()) EXPECT_NE(text_of(rule), "") << place(rule);
}

TEST_F(Locators, NameAParagraphWithTheWordsOfTheLevel) {
  for (const RuleInfo& rule : rules()) {
    if (wording_of(*rule_by_id(rule.id)) != Wording::kKeyword) continue;
    const std::string text = text_of(rule);
    EXPECT_TRUE(has_word_of(rule.level, text))
        << place(rule) << " is " << to_string(rule.level) << ", and imperative.def has no line for it:\n"
        << text;
  }
}

TEST_F(Locators, OnlyWhatNeedsItIsListedAsImperative) {
  for (const RuleInfo& rule : rules()) {
    if (wording_of(*rule_by_id(rule.id)) == Wording::kKeyword) continue;
    EXPECT_FALSE(has_word_of(rule.level, text_of(rule))) << place(rule) << " passes without its line in imperative.def";
  }
}

// MUST_n, SHLD_n and MAY_n stand in the text of RFC 9293 in so many words.
TEST_F(Locators, NameTheParagraphThatHasTheNumber) {
  const std::map<std::string_view, const char*> elsewhere{
      {"MUST_22", "the number stands nowhere in the text"},
      {"MUST_67", "the number stands behind the formula that the paragraph introduces"},
      {"SHLD_1", "the number stands behind the formula that the paragraph introduces"}};
  for (const RuleInfo& rule : rules()) {
    if (!rule.row.starts_with("RFC9293-" + std::string(rule.id.substr(0, rule.id.find('_'))) + "-")) continue;
    std::string text = text_of(rule), number(rule.id);
    std::erase(text, '\n');
    number.replace(number.find('_'), 1, "-");
    EXPECT_NE(has_word(text, number), elsewhere.contains(rule.id)) << place(rule);
  }
}

}  // namespace
}  // namespace tcpassay
