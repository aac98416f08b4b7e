// SPDX-License-Identifier: Apache-2.0
// Reads a script from left to right, word by word, and knows the place of each word for messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/script/error.h"
#include "harness/target/target.h"
#include "harness/wire/packet.h"

namespace tcpassay {

bool is_word_character(char c);  // letter, digit or underscore

// A decimal number; empty when `text` is empty, has other characters, or the number does not fit.
std::optional<std::uint64_t> decimal(std::string_view text);

// Decimal with an optional minus sign, or hexadecimal after 0x.
std::optional<std::int64_t> integer(std::string_view text);

// Pairs of hexadecimal digits.
std::optional<Bytes> hexadecimal(std::string_view text);

// Functions named accept... return false when the text is not what they look for; functions named take... then fail.
// Both first skip space, comments and preprocessor lines, but never a `//!` comment.
class ScriptReader {
 public:
  ScriptReader(std::string_view text, std::string file, const std::vector<std::string>& defines);

  std::size_t at() const { return at_; }
  std::size_t taken() const { return taken_; }  // the end of what was read last
  bool at_end() const { return at_ >= text_.size(); }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool looking_at(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  bool on_line_of_taken() const;  // no newline since taken()
  std::string_view slice(std::size_t from, std::size_t to) const { return text_.substr(from, to - from); }
  Place place(std::size_t at) const;

  void skip_space();
  void skip_blanks();  // never leaves the line

  bool accept(std::string_view what);
  bool accept_word(std::string_view what);
  void take(std::string_view what);
  std::string_view word() const;  // the letters, digits and underscores from here on, perhaps none
  std::string_view take_word(const char* expected);
  std::uint64_t take_number(std::uint64_t least, std::uint64_t most);  // decimal
  Time take_time();                                                    // seconds with up to nine decimals
  std::string_view take_until_blank();                                 // blanks within "..." do not end it
  std::string_view take_line();                                        // the rest of the line, trimmed
  std::string_view take_quoted(std::string_view open, std::string_view close, bool escapes);  // what is between
  void take_directive_name(const char* name);  // `NAME:` of a `//!` comment
  // What follows `//! NAME:` on the line, word by word, each with its place; at least one.
  std::vector<std::pair<std::string_view, std::size_t>> take_directive(const char* name);
  // The text up to one of the characters `stops` outside brackets; take_statement: up to the end of the line outside
  // brackets. Leaves comments out and replaces each run of space by one space.
  std::string take_balanced(std::string_view stops);
  std::string take_statement() { return take_balanced("\n"); }
  std::string collapsed(std::size_t from, std::size_t to) const;  // the same for text that was already read
  std::string_view take_while(bool (*belongs)(char));

  void finish();  // at the end of the text: every #ifdef is closed
  [[noreturn]] void fail(const std::string& expected) const { fail(expected, at_); }
  [[noreturn]] void fail(const std::string& expected, std::size_t at) const;

 private:
  std::string found(std::size_t at) const;
  bool starts_line() const;
  void skip_line();
  void skip_comment();
  void skip_space_in(bool statement);
  void skip_string();
  void preprocessor_line();
  void skip_branch(bool stop_at_else);
  void advance(std::size_t count) { taken_ = at_ += count; }

  std::string_view text_;
  std::string file_;
  const std::vector<std::string>& defines_;
  std::vector<std::size_t> line_starts_;
  std::vector<std::size_t> open_conditions_;  // where each #ifdef that is not closed stands
  std::size_t at_ = 0, taken_ = 0;
};

}  // namespace tcpassay
