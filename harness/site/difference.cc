// SPDX-License-Identifier: Apache-2.0
#include "harness/site/difference.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/site/html.h"

namespace tcpassay {
namespace {

constexpr std::size_t kWordsMax = 400;  // the comparison takes the square of this

bool is_inside_word(char c) {
  return !(c == ' ' || c == '<' || c == '>' || c == ',' || c == ';' || c == '|' || c == '(' || c == ')');
}

// Words, and between them single characters.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    while (is_inside_word(text[i]) && end < text.size() && is_inside_word(text[end])) ++end;
    words.push_back(text.substr(i, end - i));
    i = end;
  }
  return words;
}

// For each word whether it belongs to the longest common subsequence.
struct Common {
  std::vector<bool> first, second;
  std::size_t letters = 0;  // of words in common that are no punctuation
};

Common common_of(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b) {
  std::vector<std::vector<std::uint16_t>> length(a.size() + 1, std::vector<std::uint16_t>(b.size() + 1));
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      length[i][j] = a[i] == b[j] ? static_cast<std::uint16_t>(length[i + 1][j + 1] + 1)
                                  : std::max(length[i + 1][j], length[i][j + 1]);
    }
  }
  Common common{.first = std::vector<bool>(a.size()), .second = std::vector<bool>(b.size())};
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) {
      common.letters += is_inside_word(a[i].front()) ? a[i].size() : 0;
      common.first[i++] = common.second[j++] = true;
    } else if (length[i + 1][j] >= length[i][j + 1]) {
      ++i;
    } else {
      ++j;
    }
  }
  return common;
}

std::size_t letters_of(const std::vector<std::string_view>& words) {
  std::size_t letters = 0;
  for (const std::string_view word : words) letters += is_inside_word(word.front()) ? word.size() : 0;
  return letters;
}

// Neighbours that are marked share one <mark>, with the blanks between them.
Html marked(const std::vector<std::string_view>& words, const std::vector<bool>& common) {
  Html html;
  for (std::size_t i = 0; i < words.size();) {
    const bool same = common[i] || words[i] == " ";
    std::string run(words[i++]);
    std::size_t ahead = i;
    while (ahead < words.size() && (same ? (common[ahead] || words[ahead] == " ") : !common[ahead])) {
      run += words[ahead++];
    }
    i = ahead;
    std::string blank;
    while (!same && run.ends_with(' ')) blank += ' ', run.pop_back();
    html += same ? Html(run) : tag("mark", run) + Html(blank);
  }
  return html;
}

}  // namespace

MarkedDifference marked_difference(std::string_view allowed, std::string_view seen) {
  const auto a = words_of(allowed), s = words_of(seen);
  MarkedDifference whole{.allowed = Html(allowed), .seen = tag("mark", Html(seen))};
  if (a.size() > kWordsMax || s.size() > kWordsMax) return whole;
  const Common common = common_of(a, s);
  const std::size_t all = std::max<std::size_t>(letters_of(s), 1);
  if (common.letters * 3 < all || common.letters == all) return whole;
  return {.allowed = marked(a, common.first), .seen = marked(s, common.second)};
}

}  // namespace tcpassay
