// SPDX-License-Identifier: Apache-2.0
#include "harness/script/shell_words.h"

#include <cctype>
#include <cstdint>
#include <optional>

#include "harness/script/reader.h"

namespace tcpassay {
namespace {

// $((...)): whole numbers, + - * / and parentheses. Nothing when it is no such sum.
class Sum {
 public:
  explicit Sum(std::string_view text) : text_(text) {}

  std::optional<std::int64_t> value() {
    const auto result = sum(0);
    space();
    return at_ == text_.size() ? result : std::nullopt;
  }

 private:
  static constexpr int kDepthMax = 16;

  void space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool accept(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  static std::optional<std::int64_t> within(double value) {
    constexpr double kMost = 9e15;  // whole numbers are exact up to there
    if (value > kMost || value < -kMost) return std::nullopt;
    return static_cast<std::int64_t>(value);
  }
  std::optional<std::int64_t> factor(int depth) {
    if (depth > kDepthMax) return std::nullopt;
    if (accept('(')) {
      const auto inner = sum(depth + 1);
      return accept(')') ? inner : std::nullopt;
    }
    space();
    const std::size_t start = at_;
    while (at_ < text_.size() && is_word_character(text_[at_])) ++at_;
    return integer(text_.substr(start, at_ - start));
  }
  std::optional<std::int64_t> product(int depth) {
    auto left = factor(depth);
    while (left) {
      const bool times = accept('*');
      if (!times && !accept('/')) break;
      const auto right = factor(depth);
      if (!right || (!times && *right == 0)) return std::nullopt;
      left = times ? within(static_cast<double>(*left) * static_cast<double>(*right)) : *left / *right;
    }
    return left;
  }
  std::optional<std::int64_t> sum(int depth) {
    auto left = product(depth);
    while (left) {
      const bool plus = accept('+');
      if (!plus && !accept('-')) break;
      const auto right = product(depth);
      if (!right) return std::nullopt;
      left = within(static_cast<double>(*left) + (plus ? 1.0 : -1.0) * static_cast<double>(*right));
    }
    return left;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class Splitter {
 public:
  Splitter(std::string_view text, ShellVariables& variables) : text_(text), variables_(variables) {}

  std::vector<ShellWords> commands() {
    while (at_ < text_.size()) next();
    end_command();
    return std::move(commands_);
  }

 private:
  bool looking_at(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  void next() {
    const char c = text_[at_];
    if (looking_at("\\\n")) {
      at_ += 2;
    } else if (looking_at("&&") || looking_at("||")) {
      at_ += 2;
      end_command();
    } else if (c == '\n' || c == ';') {
      ++at_;
      end_command();
    } else if (c == '#' && !in_word_) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++at_;
      end_word();
    } else if (c == '\'' || c == '"') {
      quoted(c);
    } else if (c == '$') {
      dollar();
    } else {
      word_ += c;
      in_word_ = true;
      ++at_;
    }
  }

  void quoted(char quote) {
    in_word_ = true;
    for (++at_; at_ < text_.size() && text_[at_] != quote;) {
      if (quote == '"' && text_[at_] == '$') {
        dollar();
      } else {
        word_ += text_[at_++];
      }
    }
    ++at_;
  }

  void dollar() {
    in_word_ = true;
    if (looking_at("$((")) {
      const std::size_t end = end_of_sum();
      const std::string_view sum = text_.substr(at_ + 3, end - std::min(end, at_ + 3));
      const auto value = Sum(sum).value();
      word_ += value ? std::to_string(*value) : "$((" + std::string(sum) + "))";
      at_ = std::min(end + 2, text_.size());
      return;
    }
    std::size_t start = at_ + 1;
    const bool braces = start < text_.size() && text_[start] == '{';
    if (braces) ++start;
    std::size_t end = start;
    while (end < text_.size() && is_word_character(text_[end])) ++end;
    const auto known = variables_.find(std::string(text_.substr(start, end - start)));
    if (braces && end < text_.size() && text_[end] == '}') ++end;
    word_ += known != variables_.end() ? known->second : std::string(text_.substr(at_, end - at_));
    at_ = end;
  }

  // Where the "))" of the sum begins that starts here.
  std::size_t end_of_sum() const {
    int open = 0;
    for (std::size_t at = at_ + 3; at + 1 < text_.size(); ++at) {
      if (open == 0 && text_[at] == ')' && text_[at + 1] == ')') return at;
      open += text_[at] == '(' ? 1 : text_[at] == ')' ? -1 : 0;
    }
    return text_.size();
  }

  void end_word() {
    if (in_word_) words_.push_back(std::move(word_));
    word_.clear();
    in_word_ = false;
  }

  void end_command() {
    end_word();
    const std::size_t equals = words_.size() == 1 ? words_[0].find('=') : std::string::npos;
    const std::string name = equals == std::string::npos ? "" : words_[0].substr(0, equals);
    bool sets = !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0;
    for (const char c : name) sets = sets && is_word_character(c);
    if (sets) {
      variables_[name] = words_[0].substr(equals + 1);
    } else if (!words_.empty()) {
      commands_.push_back(std::move(words_));
    }
    words_.clear();
  }

  std::string_view text_;
  ShellVariables& variables_;
  std::size_t at_ = 0;
  bool in_word_ = false;
  std::string word_{};
  ShellWords words_{};
  std::vector<ShellWords> commands_{};
};

}  // namespace

std::vector<ShellWords> shell_words(std::string_view text, ShellVariables& variables) {
  return Splitter(text, variables).commands();
}

}  // namespace tcpassay
