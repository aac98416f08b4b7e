// SPDX-License-Identifier: Apache-2.0
// Text for people: its width and colour, line breaks, and the name that a mistyped word was meant to be.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tcpassay {

inline constexpr const char* kAnsiRed = "\x1b[31m";
inline constexpr const char* kAnsiGreen = "\x1b[32m";
inline constexpr const char* kAnsiYellow = "\x1b[33m";
inline constexpr const char* kAnsiDim = "\x1b[2m";
inline constexpr const char* kAnsiPlain = "\x1b[0m";

// How wide the text may be, in columns, and whether it may use colour.
struct TextStyle {
  int columns = 100;
  bool colour = false;
};
TextStyle style_of_stdout();  // the terminal's width and colour; 100 columns without colour where there is no terminal

// In this colour where the style allows colours.
std::string painted(const std::string& text, const char* colour, const TextStyle& style);

// Breaks at blanks; every line but the first begins with `indent` blanks.
std::string wrapped(const std::string& text, int columns, int indent);

// Of `known`, the one that `word` was most likely meant to be; empty when none is near.
std::string nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace tcpassay
