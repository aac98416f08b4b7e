// SPDX-License-Identifier: Apache-2.0
#include "harness/base/markup.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tcpassay {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// How many octets the well-formed UTF-8 character has that begins at `at` (Unicode, table 3-7); 0: none begins there.
std::size_t character_at(std::string_view text, std::size_t at) {
  const auto octet = [&](std::size_t i) { return i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0; };
  const auto follows = [&](std::size_t i, int from = 0x80, int to = 0xBF) {
    return octet(i) >= from && octet(i) <= to;
  };
  const int first = octet(at);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(at + 1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool second = follows(at + 1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF);
    return second && follows(at + 2) ? 3 : 0;
  }
  if (first < 0xF0 || first > 0xF4) return 0;
  const bool second = follows(at + 1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
  return second && follows(at + 2) && follows(at + 3) ? 4 : 0;
}

bool is_control(char c) {
  const auto octet = static_cast<std::uint8_t>(c);
  return (octet < 0x20 && c != '\n' && c != '\t') || octet == 0x7F;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = character_at(text, i);
    const bool shown = length > 1 || (length == 1 && !is_control(text[i]));
    out += shown ? text.substr(i, length) : kReplacement;
    i += std::max<std::size_t>(length, 1);
  }
  return out;
}

std::string escaped_markup(std::string_view text) {
  std::string out;
  for (const char c : valid_utf8(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace tcpassay
