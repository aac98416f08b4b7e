// SPDX-License-Identifier: Apache-2.0
// Text for people: width, colour, line breaks, and suggestions for mistyped names.
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

// `text` in this colour (kAnsi...), or unchanged when the style has no colours.
std::string painted(const std::string& text, const char* colour, const TextStyle& style);

// Breaks at blanks; every line but the first begins with `indent` blanks.
std::string wrapped(const std::string& text, int columns, int indent);

// The entry of `known` that a mistyped `word` most likely stands for; empty when none is similar enough.
std::string nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace tcpassay
