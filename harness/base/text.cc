// SPDX-License-Identifier: Apache-2.0
#include "harness/base/text.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>
#include <vector>

namespace tcpassay {
namespace {

constexpr int kColumnsMin = 60;

// Edits of one character that turn a into b.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto same = [](char x, char y) { return std::tolower(x) == std::tolower(y); };
      const std::size_t replaced = diagonal + (same(a[i - 1], b[j - 1]) ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

}  // namespace

TextStyle style_of_stdout() {
  TextStyle style;
  if (!isatty(STDOUT_FILENO)) return style;
  style.colour = std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    style.columns = std::max<int>(size.ws_col, kColumnsMin);
  }
  return style;
}

std::string painted(const std::string& text, const char* colour, const TextStyle& style) {
  return style.colour && *colour ? colour + text + kAnsiPlain : text;
}

std::string wrapped(const std::string& text, int columns, int indent) {
  std::string out;
  std::size_t start = 0;
  auto room = static_cast<std::size_t>(std::max(columns, indent + 20));
  while (text.size() - start > room) {
    std::size_t end = text.rfind(' ', start + room);
    const std::size_t words = text.find_first_not_of(' ', start);
    if (end == std::string::npos || end <= words) end = text.find(' ', start + room);
    if (end == std::string::npos) break;
    out += text.substr(start, end - start) + "\n" + std::string(static_cast<std::size_t>(indent), ' ');
    start = end + 1;
    room = static_cast<std::size_t>(std::max(columns, indent + 20) - indent);
  }
  return out + text.substr(start);
}

std::string nearest(std::string_view word, std::span<const std::string_view> known) {
  std::string best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t edits = distance(word, candidate);
    if (edits < least) {
      least = edits;
      best = candidate;
    }
  }
  return best;
}

}  // namespace tcpassay
