// SPDX-License-Identifier: Apache-2.0
#include "harness/script/python_expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "harness/script/python_constants.h"

namespace tcpassay {
namespace {

constexpr int kDepthMax = 64;  // of brackets and operators within each other

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

CodeValue number(double value) {
  return {.number = value};
}
CodeValue words(std::string text) {
  return {.text = std::move(text), .is_text = true};
}

bool compare(int kind, const CodeValue& a, const CodeValue& b) {
  const int order =
      a.is_text || b.is_text ? text_of(a).compare(text_of(b)) : (a.number > b.number) - (a.number < b.number);
  switch (kind) {
    case 1:
      return order == 0;
    case 2:
      return order != 0;
    case 3:
      return order <= 0;
    case 4:
      return order >= 0;
    case 5:
      return order < 0;
    default:
      return order > 0;
  }
}

template <class Combine>
CodeValue whole(const CodeValue& a, const CodeValue& b, Combine combine) {
  const auto integer = [](const CodeValue& value) {
    return static_cast<std::int64_t>(std::clamp(value.number, -9e15, 9e15));
  };
  return number(static_cast<double>(combine(integer(a), integer(b))));
}

}  // namespace

bool is_true(const CodeValue& value) {
  return value.is_text ? !value.text.empty() : value.number != 0;
}

std::string text_of(const CodeValue& value) {
  if (value.is_text) return value.text;
  return value.number == std::floor(value.number) ? fmt::format("{:.0f}", value.number)
                                                  : fmt::format("{}", value.number);
}

void PythonExpression::skip() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\\')) ++at_;
}

void PythonExpression::end() {
  skip();
  if (at_ != text_.size()) throw NotUnderstood{text_.substr(at_, 20)};
}

std::string_view PythonExpression::word() {
  skip();
  std::size_t stop = at_;
  if (stop < text_.size() && is_letter(text_[stop])) {
    while (stop < text_.size() && (is_letter(text_[stop]) || is_digit(text_[stop]))) ++stop;
  }
  return std::string_view(text_).substr(at_, stop - at_);
}

bool PythonExpression::accept_word(std::string_view wanted) {
  if (word() != wanted) return false;
  at_ += wanted.size();
  return true;
}

bool PythonExpression::accept(std::string_view wanted) {
  skip();
  const std::string_view rest = std::string_view(text_).substr(at_);
  if (!rest.starts_with(wanted)) return false;
  for (const char* longer : {"<<", ">>", "<=", ">=", "==", "!=", "//", "**"}) {
    if (wanted.size() == 1 && rest.starts_with(longer)) return false;
  }
  at_ += wanted.size();
  return true;
}

CodeValue PythonExpression::expression() {
  if (++depth_ > kDepthMax) throw NotUnderstood{"an expression nested so deep"};
  CodeValue value = disjunction();
  if (accept_word("if")) {
    const bool holds = is_true(disjunction());
    if (!accept_word("else")) throw NotUnderstood{"if without else"};
    const CodeValue other = expression();
    if (!holds) value = other;
  }
  --depth_;
  return value;
}

CodeValue PythonExpression::disjunction() {
  CodeValue value = conjunction();
  while (accept_word("or")) {
    const CodeValue other = conjunction();
    if (!is_true(value)) value = other;
  }
  return value;
}

CodeValue PythonExpression::conjunction() {
  CodeValue value = negation();
  while (accept_word("and")) {
    const CodeValue other = negation();
    if (is_true(value)) value = other;
  }
  return value;
}

CodeValue PythonExpression::negation() {
  if (!accept_word("not")) return comparison();
  if (++depth_ > kDepthMax) throw NotUnderstood{"an expression nested so deep"};
  const CodeValue value = negation();
  --depth_;
  return number(!is_true(value));
}

// a < b <= c as Python chains it.
CodeValue PythonExpression::comparison() {
  CodeValue left = bits_or();
  bool holds = true, compared = false;
  for (;;) {
    int kind = 0;
    if (accept("=="))
      kind = 1;
    else if (accept("!="))
      kind = 2;
    else if (accept("<="))
      kind = 3;
    else if (accept(">="))
      kind = 4;
    else if (accept("<"))
      kind = 5;
    else if (accept(">"))
      kind = 6;
    if (kind == 0) break;
    const CodeValue right = bits_or();
    compared = true;
    holds = holds && compare(kind, left, right);
    left = right;
  }
  return compared ? number(holds) : left;
}

CodeValue PythonExpression::bits_or() {
  CodeValue value = bits_xor();
  while (accept("|")) value = whole(value, bits_xor(), [](auto a, auto b) { return a | b; });
  return value;
}

CodeValue PythonExpression::bits_xor() {
  CodeValue value = bits_and();
  while (accept("^")) value = whole(value, bits_and(), [](auto a, auto b) { return a ^ b; });
  return value;
}

CodeValue PythonExpression::bits_and() {
  CodeValue value = shift();
  while (accept("&")) value = whole(value, shift(), [](auto a, auto b) { return a & b; });
  return value;
}

CodeValue PythonExpression::shift() {
  CodeValue value = sum();
  for (;;) {
    if (accept("<<"))
      value = whole(value, sum(), [](auto a, auto b) { return b >= 0 && b < 40 ? a << b : 0; });
    else if (accept(">>"))
      value = whole(value, sum(), [](auto a, auto b) { return b >= 0 && b < 63 ? a >> b : 0; });
    else
      return value;
  }
}

CodeValue PythonExpression::sum() {
  CodeValue value = product();
  for (;;) {
    if (accept("+")) {
      const CodeValue other = product();
      const bool text = value.is_text || other.is_text;
      value = text ? words(text_of(value) + text_of(other)) : number(value.number + other.number);
    } else if (accept("-")) {
      value = number(value.number - product().number);
    } else {
      return value;
    }
  }
}

CodeValue PythonExpression::product() {
  CodeValue value = unary();
  for (;;) {
    if (accept("//"))
      value = number(std::floor(value.number / divisor(unary())));
    else if (accept("*"))
      value = number(value.number * unary().number);
    else if (accept("/"))
      value = number(value.number / divisor(unary()));
    else if (accept("%"))
      value = remainder(value, unary());
    else
      return value;
  }
}

// Of a string it is formatting; only messages are formatted, and their pattern says as much.
CodeValue PythonExpression::remainder(const CodeValue& a, const CodeValue& b) {
  if (a.is_text) return a;
  const double by = divisor(b);
  return number(a.number - by * std::floor(a.number / by));
}

double PythonExpression::divisor(const CodeValue& value) {
  if (value.number == 0 && !dry_run_) throw NotUnderstood{"a division by zero"};
  return value.number == 0 ? 1 : value.number;
}

CodeValue PythonExpression::unary() {
  if (++depth_ > kDepthMax) throw NotUnderstood{"an expression nested so deep"};
  CodeValue value;
  if (accept("-"))
    value = number(-unary().number);
  else if (accept("+"))
    value = unary();
  else if (accept("~"))
    value = number(-unary().number - 1);
  else
    value = primary();
  --depth_;
  return value;
}

CodeValue PythonExpression::primary() {
  skip();
  const char c = at_ < text_.size() ? text_[at_] : '\0';
  if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) return literal();
  if (c == '"' || c == '\'') return string(c);
  if (c == '(') return brackets();
  const std::string name(word());
  if (name.empty()) throw NotUnderstood{at_ < text_.size() ? text_.substr(at_, 20) : "the end of a line"};
  at_ += name.size();
  skip();
  if (at_ < text_.size() && text_[at_] == '(') return function(name);
  return value_of(name);
}

CodeValue PythonExpression::literal() {
  const char* start = text_.c_str() + at_;
  char* stop = nullptr;
  const double value = std::strtod(start, &stop);
  at_ += static_cast<std::size_t>(stop - start);
  return number(value);
}

CodeValue PythonExpression::string(char quote) {
  const std::size_t stop = text_.find(quote, at_ + 1);
  if (stop == std::string::npos) throw NotUnderstood{"a string without an end"};
  const CodeValue value = words(text_.substr(at_ + 1, stop - at_ - 1));
  at_ = stop + 1;
  return value;
}

// A tuple counts for its first member: it stands only where a message is formatted.
CodeValue PythonExpression::brackets() {
  ++at_;
  if (accept(")")) return {};
  const CodeValue value = expression();
  while (accept(",")) {
    skip();
    if (at_ < text_.size() && text_[at_] != ')') expression();
  }
  if (!accept(")")) throw NotUnderstood{"brackets without an end"};
  return value;
}

CodeValue PythonExpression::function(const std::string& name) {
  std::vector<CodeValue> given;
  ++at_;
  while (!accept(")")) {
    given.push_back(expression());
    if (accept(",")) continue;
    if (!accept(")")) throw NotUnderstood{"brackets without an end"};
    break;
  }
  if (given.empty()) throw NotUnderstood{name + "()"};
  if (name == "abs") return number(std::fabs(given[0].number));
  if (name == "int") return number(std::trunc(given[0].number));
  if (name == "round") return number(std::nearbyint(given[0].number));
  if (name == "float") return given[0];
  if (name == "str") return words(text_of(given[0]));
  if (name != "min" && name != "max") throw NotUnderstood{name + "()"};
  double best = given[0].number;
  for (const CodeValue& each : given) best = name == "min" ? std::min(best, each.number) : std::max(best, each.number);
  return number(best);
}

CodeValue PythonExpression::value_of(const std::string& name) {
  if (const auto known = names_.find(name); known != names_.end()) return known->second;
  for (const PythonConstant& constant : python_constants()) {
    if (name == constant.name) return number(constant.value);
  }
  if (!name.starts_with("tcpi_") && !is_memory_field(name)) throw NotUnderstood{name};
  if (std::find(report_.fields.begin(), report_.fields.end(), name) == report_.fields.end()) {
    report_.fields.push_back(name);
  }
  if (dry_run_) return number(1);
  const auto told = fields_(name);
  if (!told) throw NotUnderstood{name};
  asked_[name] = *told;
  return number(static_cast<double>(*told));
}

}  // namespace tcpassay
