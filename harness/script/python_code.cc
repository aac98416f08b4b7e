// SPDX-License-Identifier: Apache-2.0
#include "harness/script/python_code.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace tcpassay {
namespace {

constexpr int kDepthMax = 64;  // of brackets and operators within each other

struct Constant {
  const char* name;
  double value;
};
// Linux's numbers. The states by the names of BSD stand for the same states.
constexpr Constant kConstants[] = {
    {"True", 1},
    {"False", 0},
    {"None", 0},
    {"TCP_ESTABLISHED", 1},
    {"TCP_SYN_SENT", 2},
    {"TCP_SYN_RECV", 3},
    {"TCP_FIN_WAIT1", 4},
    {"TCP_FIN_WAIT2", 5},
    {"TCP_TIME_WAIT", 6},
    {"TCP_CLOSE", 7},
    {"TCP_CLOSE_WAIT", 8},
    {"TCP_LAST_ACK", 9},
    {"TCP_LISTEN", 10},
    {"TCP_CLOSING", 11},
    {"TCPI_ESTABLISHED", 1},
    {"TCPI_SYN_SENT", 2},
    {"TCPI_SYN_RECEIVED", 3},
    {"TCPI_FIN_WAIT_1", 4},
    {"TCPI_FIN_WAIT_2", 5},
    {"TCPI_TIME_WAIT", 6},
    {"TCPI_CLOSED", 7},
    {"TCPI_CLOSE_WAIT", 8},
    {"TCPI_LAST_ACK", 9},
    {"TCPI_LISTEN", 10},
    {"TCPI_CLOSING", 11},
    {"TCP_CA_Open", 0},
    {"TCP_CA_Disorder", 1},
    {"TCP_CA_CWR", 2},
    {"TCP_CA_Recovery", 3},
    {"TCP_CA_Loss", 4},
    {"TCPI_OPT_TIMESTAMPS", 1},
    {"TCPI_OPT_SACK", 2},
    {"TCPI_OPT_WSCALE", 4},
    {"TCPI_OPT_ECN", 8},
    {"TCPI_OPT_ECN_SEEN", 16},
    {"TCPI_OPT_SYN_DATA", 32},
    {"TCPI_OPT_USEC_TS", 64},
    {"TCPI_OPT_TFO_CHILD", 128},
    {"TCP_INFINITE_SSTHRESH", 0x7fffffff},
};

struct StateNumber {
  State state;
  int number;
};
constexpr StateNumber kStateNumbers[] = {
    {State::kEstablished, 1}, {State::kSynSent, 2},  {State::kSynReceived, 3}, {State::kFinWait1, 4},
    {State::kFinWait2, 5},    {State::kTimeWait, 6}, {State::kClosed, 7},      {State::kCloseWait, 8},
    {State::kLastAck, 9},     {State::kListen, 10},  {State::kClosing, 11},
};

struct NotUnderstood {
  std::string construct;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Logical lines: without comments, joined within brackets, cut at semicolons.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines{""};
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      while (i + 1 < text.size() && text[i + 1] != '\n') ++i;
      continue;
    } else if (c == '(' || c == '[') {
      ++depth;
    } else if (c == ')' || c == ']') {
      --depth;
    } else if ((c == '\n' && depth <= 0) || c == ';') {
      lines.emplace_back();
      continue;
    }
    if (!(lines.back().empty() && (c == ' ' || c == '\t' || c == '\r' || c == '\n'))) {
      lines.back() += c == '\n' || c == '\r' ? ' ' : c;
    }
  }
  for (std::string& line : lines) line.erase(line.find_last_not_of(" \t") + 1);
  std::erase_if(lines, [](const std::string& line) { return line.empty(); });
  return lines;
}

bool is_true(const CodeValue& value) {
  return value.is_text ? !value.text.empty() : value.number != 0;
}

std::string text_of(const CodeValue& value) {
  if (value.is_text) return value.text;
  return value.number == std::floor(value.number) ? fmt::format("{:.0f}", value.number)
                                                  : fmt::format("{}", value.number);
}

// One logical line.
class Line {
 public:
  Line(const std::string& text, CodeNames& names, const CodeFields& fields, bool look, CodeReport& report)
      : text_(text), names_(names), fields_(fields), look_(look), report_(report) {}

  // False when an assertion has failed.
  bool run() {
    if (accept_word("pass")) return true;
    if (accept_word("assert")) return assertion();
    if (accept_word("print")) {
      report_.printed.push_back(print());
      return true;
    }
    const std::string_view name = word();
    std::size_t after = at_ + name.size();
    while (after < text_.size() && text_[after] == ' ') ++after;
    const bool assigns = after + 1 < text_.size() && text_[after] == '=' && text_[after + 1] != '=';
    if (name.empty() || !assigns) throw NotUnderstood{name.empty() ? text_.substr(0, 20) : std::string(name)};
    at_ = after + 1;
    names_[std::string(name)] = expression();
    end();
    return true;
  }

 private:
  using Operation = CodeValue (*)(Line& line, const CodeValue& a, const CodeValue& b);

  bool assertion() {
    const CodeValue value = expression();
    CodeValue message;
    if (accept(",")) message = expression();
    end();
    if (is_true(value)) return true;
    std::string told;
    for (const auto& [name, number] : asked_) told += fmt::format("{}{} = {}", told.empty() ? "" : ", ", name, number);
    if (message.is_text && !message.text.empty()) told += fmt::format("{}{}", told.empty() ? "" : ": ", message.text);
    report_.failed.push_back({.asserted = text_, .seen = told.empty() ? "it does not hold" : told});
    return false;
  }

  std::string print() {
    std::string out;
    skip();
    if (at_ == text_.size()) return out;
    do {
      out += (out.empty() ? "" : " ") + text_of(expression());
    } while (accept(","));
    end();
    return out;
  }

  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\\')) ++at_;
  }
  void end() {
    skip();
    if (at_ != text_.size()) throw NotUnderstood{text_.substr(at_, 20)};
  }
  std::string_view word() {
    skip();
    std::size_t stop = at_;
    if (stop < text_.size() && is_letter(text_[stop])) {
      while (stop < text_.size() && (is_letter(text_[stop]) || is_digit(text_[stop]))) ++stop;
    }
    return std::string_view(text_).substr(at_, stop - at_);
  }
  bool accept_word(std::string_view wanted) {
    if (word() != wanted) return false;
    at_ += wanted.size();
    return true;
  }
  // An operator, and not the beginning of a longer one.
  bool accept(std::string_view wanted) {
    skip();
    const std::string_view rest = std::string_view(text_).substr(at_);
    if (!rest.starts_with(wanted)) return false;
    for (const char* longer : {"<<", ">>", "<=", ">=", "==", "!=", "//", "**"}) {
      if (wanted.size() == 1 && rest.starts_with(longer)) return false;
    }
    at_ += wanted.size();
    return true;
  }

  CodeValue expression() {
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
  CodeValue disjunction() {
    CodeValue value = conjunction();
    while (accept_word("or")) {
      const CodeValue other = conjunction();
      if (!is_true(value)) value = other;
    }
    return value;
  }
  CodeValue conjunction() {
    CodeValue value = negation();
    while (accept_word("and")) {
      const CodeValue other = negation();
      if (is_true(value)) value = other;
    }
    return value;
  }
  CodeValue negation() {
    if (!accept_word("not")) return comparison();
    if (++depth_ > kDepthMax) throw NotUnderstood{"an expression nested so deep"};
    const CodeValue value = negation();
    --depth_;
    return number(!is_true(value));
  }

  // a < b <= c as Python chains it.
  CodeValue comparison() {
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
  static bool compare(int kind, const CodeValue& a, const CodeValue& b) {
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

  CodeValue bits_or() {
    CodeValue value = bits_xor();
    while (accept("|")) value = whole(value, bits_xor(), [](auto a, auto b) { return a | b; });
    return value;
  }
  CodeValue bits_xor() {
    CodeValue value = bits_and();
    while (accept("^")) value = whole(value, bits_and(), [](auto a, auto b) { return a ^ b; });
    return value;
  }
  CodeValue bits_and() {
    CodeValue value = shift();
    while (accept("&")) value = whole(value, shift(), [](auto a, auto b) { return a & b; });
    return value;
  }
  CodeValue shift() {
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
  template <class Combine>
  static CodeValue whole(const CodeValue& a, const CodeValue& b, Combine combine) {
    const auto integer = [](const CodeValue& value) {
      return static_cast<std::int64_t>(std::clamp(value.number, -9e15, 9e15));
    };
    return number(static_cast<double>(combine(integer(a), integer(b))));
  }

  CodeValue sum() {
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
  CodeValue product() {
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
  CodeValue remainder(const CodeValue& a, const CodeValue& b) {
    if (a.is_text) return a;
    const double by = divisor(b);
    return number(a.number - by * std::floor(a.number / by));
  }
  double divisor(const CodeValue& value) {
    if (value.number == 0 && !look_) throw NotUnderstood{"a division by zero"};
    return value.number == 0 ? 1 : value.number;
  }
  CodeValue unary() {
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

  CodeValue primary() {
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
  CodeValue literal() {
    const char* start = text_.c_str() + at_;
    char* stop = nullptr;
    const double value = std::strtod(start, &stop);
    at_ += static_cast<std::size_t>(stop - start);
    return number(value);
  }
  CodeValue string(char quote) {
    const std::size_t stop = text_.find(quote, at_ + 1);
    if (stop == std::string::npos) throw NotUnderstood{"a string without an end"};
    const CodeValue value = words(text_.substr(at_ + 1, stop - at_ - 1));
    at_ = stop + 1;
    return value;
  }
  // A tuple counts for its first member: it stands only where a message is formatted.
  CodeValue brackets() {
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
  CodeValue function(const std::string& name) {
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
    for (const CodeValue& each : given)
      best = name == "min" ? std::min(best, each.number) : std::max(best, each.number);
    return number(best);
  }

  CodeValue value_of(const std::string& name) {
    if (const auto known = names_.find(name); known != names_.end()) return known->second;
    for (const Constant& constant : kConstants) {
      if (name == constant.name) return number(constant.value);
    }
    if (!name.starts_with("tcpi_")) throw NotUnderstood{name};
    if (std::find(report_.fields.begin(), report_.fields.end(), name) == report_.fields.end()) {
      report_.fields.push_back(name);
    }
    if (look_) return number(1);
    const auto told = fields_(name);
    if (!told) throw NotUnderstood{name};
    asked_[name] = *told;
    return number(static_cast<double>(*told));
  }

  static CodeValue number(double value) { return {.number = value}; }
  static CodeValue words(std::string text) { return {.text = std::move(text), .is_text = true}; }

  const std::string& text_;
  CodeNames& names_;
  const CodeFields& fields_;
  bool look_;
  CodeReport& report_;
  std::map<std::string, std::int64_t> asked_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

CodeReport run(const std::string& text, CodeNames& names, const CodeFields& fields, bool look) {
  CodeReport report;
  try {
    for (const std::string& line : lines_of(text)) {
      if (!Line(line, names, fields, look, report).run() && !look) break;
    }
  } catch (const NotUnderstood& what) {
    report.unsupported = what.construct;
  }
  if (look) report.failed.clear();
  return report;
}

}  // namespace

CodeReport run_code(const std::string& text, CodeNames& names, const CodeFields& fields) {
  return run(text, names, fields, false);
}

CodeReport look_at_code(const std::string& text, CodeNames& names) {
  return run(text, names, {}, true);
}

std::int64_t number_of_state(State state) {
  for (const StateNumber& each : kStateNumbers) {
    if (each.state == state) return each.number;
  }
  return 0;
}

std::string assertion_of_state(State state) {
  const auto* name = std::find_if(std::begin(kConstants), std::end(kConstants), [&](const Constant& each) {
    return std::string_view(each.name).starts_with("TCP_") && each.value == static_cast<double>(number_of_state(state));
  });
  return fmt::format("assert tcpi_state == {}", name->name);
}

std::optional<State> state_in_code(const std::string& text) {
  std::optional<State> only;
  for (const std::string& line : lines_of(text)) {
    CodeNames names;
    const CodeReport needs = look_at_code(line, names);
    if (!line.starts_with("assert") || !needs.unsupported.empty()) continue;
    if (needs.fields != std::vector<std::string>{"tcpi_state"}) continue;
    int possible = 0;
    for (const StateNumber& each : kStateNumbers) {
      const CodeFields field = [&](const std::string&) { return std::optional<std::int64_t>(each.number); };
      const CodeReport report = run_code(line, names, field);
      if (!report.failed.empty() || !report.unsupported.empty()) continue;
      ++possible;
      only = each.state;
    }
    if (possible == 1) return only;
  }
  return std::nullopt;
}

}  // namespace tcpassay
