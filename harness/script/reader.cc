// SPDX-License-Identifier: Apache-2.0
#include "harness/script/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace tcpassay {
namespace {

constexpr std::size_t kNestingMax = 64;      // brackets within brackets, #ifdef within #ifdef
constexpr std::size_t kFoundOctetsMax = 24;  // shown in a message
constexpr std::size_t kSecondsDigitsMax = 9;
constexpr std::size_t kDecimalsMax = 9;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}
bool is_space(char c) {
  return is_blank(c) || c == '\n';
}

char closing_of(char open) {
  return open == '(' ? ')' : open == '[' ? ']' : '}';
}
bool is_opening(char c) {
  return c == '(' || c == '[' || c == '{';
}
bool is_closing(char c) {
  return c == ')' || c == ']' || c == '}';
}

}  // namespace

bool is_word_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

std::optional<std::uint64_t> decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> integer(std::string_view text) {
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  if (hex && text.starts_with("-")) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<Bytes> hexadecimal(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes octets;
  for (std::size_t at = 0; at < text.size(); at += 2) {
    std::uint8_t octet = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 2, octet, 16);
    if (error != std::errc() || end != text.data() + at + 2) return std::nullopt;
    octets.push_back(octet);
  }
  return octets;
}

ScriptError::ScriptError(Place place, const std::string& message_text)
    : std::runtime_error(place.line == 0
                             ? fmt::format("{}: {}", place.file, message_text)
                             : fmt::format("{}:{}:{}: {}", place.file, place.line, place.column, message_text)),
      where(std::move(place)),
      message(message_text) {}

ScriptReader::ScriptReader(std::string_view text, std::string file, const std::vector<std::string>& defines)
    : text_(text), file_(std::move(file)), defines_(defines), line_starts_{0} {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\n') line_starts_.push_back(at + 1);
  }
}

Place ScriptReader::place(std::size_t at) const {
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), at);
  return {.file = file_,
          .line = static_cast<int>(after - line_starts_.begin()),
          .column = static_cast<int>(at - *(after - 1)) + 1};
}

std::string ScriptReader::found(std::size_t at) const {
  if (at >= text_.size()) return "end of file";
  if (text_[at] == '\n') return "end of line";
  std::size_t length = 1;
  if (is_word_character(text_[at])) {
    while (at + length < text_.size() && is_word_character(text_[at + length])) ++length;
  } else if (text_.substr(at).starts_with("...") || text_.substr(at).starts_with("//!")) {
    length = 3;
  }
  std::string shown;
  for (const char c : text_.substr(at, std::min(length, kFoundOctetsMax))) {
    const auto octet = static_cast<unsigned char>(c);
    shown += octet >= 0x20 && octet < 0x7f ? std::string(1, c) : fmt::format("\\x{:02x}", octet);
  }
  return fmt::format("'{}{}'", shown, length > kFoundOctetsMax ? "..." : "");
}

void ScriptReader::fail(const std::string& expected, std::size_t at) const {
  throw ScriptError(place(at), fmt::format("expected {}, found {}", expected, found(at)));
}

void ScriptReader::finish() {
  if (!open_conditions_.empty()) fail("#endif for each #ifdef", open_conditions_.back());
}

bool ScriptReader::on_line_of_taken() const {
  return text_.substr(taken_, at_ - taken_).find('\n') == std::string_view::npos;
}

bool ScriptReader::starts_line() const {
  std::size_t before = at_;
  while (before > 0 && is_blank(text_[before - 1])) --before;
  return before == 0 || text_[before - 1] == '\n';
}

void ScriptReader::skip_blanks() {
  while (!at_end() && is_blank(peek())) ++at_;
}

void ScriptReader::skip_line() {
  at_ = std::min(text_.find('\n', at_), text_.size());
}

void ScriptReader::skip_comment() {
  const std::size_t end = text_.find("*/", at_ + 2);
  if (end == std::string_view::npos) fail("*/ after this comment");
  at_ = end + 2;
}

void ScriptReader::skip_string() {
  const std::size_t start = at_++;
  while (peek() != '"') {
    if (peek() == '\\') ++at_;
    ++at_;
    if (at_end()) fail("a closing \" for this string", start);
  }
  ++at_;
}

void ScriptReader::skip_space() {
  while (!at_end()) {
    if (is_space(peek())) {
      ++at_;
    } else if (looking_at("//!")) {
      return;
    } else if (looking_at("//")) {
      skip_line();
    } else if (looking_at("/*")) {
      skip_comment();
    } else if (peek() == '#' && starts_line()) {
      preprocessor_line();
    } else {
      return;
    }
  }
}

// #ifdef, #ifndef, #else and #endif of the BSD dialect. A `#` before any other word begins a comment.
void ScriptReader::preprocessor_line() {
  const std::size_t start = at_++;
  const std::string_view name = word();
  at_ += name.size();
  if (name == "ifdef" || name == "ifndef") {
    if (open_conditions_.size() == kNestingMax) fail(fmt::format("at most {} nested #ifdef", kNestingMax), start);
    open_conditions_.push_back(start);
    skip_blanks();
    const std::string_view condition = word();
    if (condition.empty()) fail("a name");
    at_ += condition.size();
    const bool defined = std::find(defines_.begin(), defines_.end(), condition) != defines_.end();
    if (defined != (name == "ifdef")) return skip_branch(true);
  } else if (name == "else" || name == "endif") {
    if (open_conditions_.empty()) fail(fmt::format("#ifdef before #{}", name), start);
    if (name == "else") return skip_branch(false);
    open_conditions_.pop_back();
  } else if (name == "if" || name == "elif" || name == "define" || name == "undef" || name == "include") {
    throw ScriptError(place(start), fmt::format("unsupported construct: #{}", name));
  }
  skip_line();
}

// Skips lines up to the #endif of the innermost condition, or up to its #else when `stop_at_else`.
void ScriptReader::skip_branch(bool stop_at_else) {
  std::size_t depth = 0;
  for (;;) {
    skip_line();
    if (at_end()) fail("#endif for each #ifdef", open_conditions_.back());
    ++at_;
    skip_blanks();
    if (looking_at("#ifdef") || looking_at("#ifndef")) ++depth;
    const bool ends = looking_at("#endif");
    if (depth == 0 && (ends || (stop_at_else && looking_at("#else")))) {
      if (ends) open_conditions_.pop_back();
      return skip_line();
    }
    if (ends) --depth;
  }
}

bool ScriptReader::accept(std::string_view what) {
  skip_space();
  if (!looking_at(what)) return false;
  advance(what.size());
  return true;
}

void ScriptReader::take(std::string_view what) {
  if (!accept(what)) fail(fmt::format("'{}'", what));
}

std::string_view ScriptReader::word() const {
  std::size_t end = at_;
  while (end < text_.size() && is_word_character(text_[end])) ++end;
  return text_.substr(at_, end - at_);
}

bool ScriptReader::accept_word(std::string_view what) {
  skip_space();
  if (word() != what) return false;
  advance(what.size());
  return true;
}

std::string_view ScriptReader::take_word(const char* expected) {
  skip_space();
  const std::string_view taken = word();
  if (taken.empty()) fail(expected);
  advance(taken.size());
  return taken;
}

std::uint64_t ScriptReader::take_number(std::uint64_t least, std::uint64_t most) {
  skip_space();
  const std::optional<std::uint64_t> value = decimal(word());
  if (!value || *value < least || *value > most) fail(fmt::format("a number from {} to {}", least, most));
  advance(word().size());
  return *value;
}

Time ScriptReader::take_time() {
  skip_space();
  const std::size_t start = at_;
  std::int64_t nanoseconds = 0;
  std::size_t digits = 0, decimals = 0;
  for (; is_digit(peek()); ++at_, ++digits) {
    if (digits == kSecondsDigitsMax) fail("a time below 1000000000 seconds", start);
    nanoseconds = nanoseconds * 10 + (peek() - '0');
  }
  const bool fraction = peek() == '.' && is_digit(peek(1));
  if (digits == 0 && !fraction) fail("a time in seconds");
  if (fraction) ++at_;
  for (; fraction && is_digit(peek()); ++at_, ++decimals) {
    if (decimals == kDecimalsMax) fail("a time with at most nine decimals", start);
    nanoseconds = nanoseconds * 10 + (peek() - '0');
  }
  for (; decimals < kDecimalsMax; ++decimals) nanoseconds *= 10;
  taken_ = at_;
  return Time(nanoseconds);
}

std::string_view ScriptReader::take_until_blank() {
  const std::size_t start = at_;
  while (!at_end() && !is_space(peek())) {
    if (peek() == '"') {
      skip_string();
    } else {
      ++at_;
    }
  }
  taken_ = at_;
  return slice(start, at_);
}

std::string_view ScriptReader::take_line() {
  skip_blanks();
  const std::size_t start = at_;
  skip_line();
  taken_ = at_;
  std::string_view line = slice(start, at_);
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  return line;
}

std::string_view ScriptReader::take_quoted(std::string_view open, std::string_view close, bool escapes) {
  const std::size_t start = at_;
  at_ += open.size();
  while (!looking_at(close)) {
    if (escapes && peek() == '\\') ++at_;
    ++at_;
    if (at_end()) fail(fmt::format("a closing {}", close), start);
  }
  advance(close.size());
  return slice(start + open.size(), at_ - close.size());
}

std::string ScriptReader::collapsed(std::size_t from, std::size_t to) const {
  ScriptReader again(slice(from, to), file_, defines_);
  return again.take_balanced("");
}

void ScriptReader::take_directive_name(const char* name) {
  take(name);
  skip_blanks();
  if (peek() != ':') fail("':'");
  take(":");
  skip_blanks();
}

std::vector<std::pair<std::string_view, std::size_t>> ScriptReader::take_directive(const char* name) {
  take_directive_name(name);
  if (at_end() || peek() == '\n') fail("a word");
  std::vector<std::pair<std::string_view, std::size_t>> words;
  while (!at_end() && peek() != '\n') {
    const std::size_t start = at_;
    words.emplace_back(take_until_blank(), start);
    skip_blanks();
  }
  return words;
}

// In a statement a newline or a `//` comment outside brackets ends the statement, so this does not skip it. (After a
// colon or a comma the statement goes on, and the caller passes false.)
void ScriptReader::skip_space_in(bool statement) {
  if (!statement) return skip_space();
  while (is_blank(peek()) || looking_at("/*")) {
    if (is_blank(peek())) {
      ++at_;
    } else {
      skip_comment();
    }
  }
}

// With no stops, and for a statement, the end of the text is a stop too.
std::string ScriptReader::take_balanced(std::string_view stops) {
  const bool statement = stops == "\n";
  std::string out;
  std::vector<char> closings;
  for (;;) {
    const std::size_t before = at_;
    const bool outside = closings.empty();
    skip_space_in(statement && outside && !out.ends_with(':') && !out.ends_with(','));
    const bool space = at_ != before && !out.empty();
    if (outside && at_end() && (statement || stops.empty())) return out;
    if (outside && statement && looking_at("//")) return out;
    if (at_end() || looking_at("//!")) fail(fmt::format("'{}'", outside ? stops.front() : closings.back()));
    const char c = peek();
    if (outside && stops.find(c) != std::string_view::npos) return out;
    if (space) out += ' ';
    const std::size_t start = at_;
    if (c == '"') {
      skip_string();
    } else {
      ++at_;
    }
    taken_ = at_;
    out += slice(start, at_);
    if (is_opening(c)) closings.push_back(closing_of(c));
    if (closings.size() > kNestingMax) fail(fmt::format("at most {} nested brackets", kNestingMax), start);
    if (!is_closing(c)) continue;
    if (closings.empty()) fail("an opening bracket first", start);
    if (closings.back() != c) fail(fmt::format("'{}'", closings.back()), start);
    closings.pop_back();
  }
}

std::string_view ScriptReader::take_while(bool (*belongs)(char)) {
  const std::size_t start = at_;
  while (!at_end() && belongs(peek())) ++at_;
  taken_ = at_;
  return slice(start, at_);
}

}  // namespace tcpassay
