// SPDX-License-Identifier: Apache-2.0
#include "harness/script/python_code.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "harness/script/python_constants.h"
#include "harness/script/python_expression.h"

namespace tcpassay {
namespace {

struct StateNumber {
  State state;
  int number;
};
constexpr StateNumber kStateNumbers[] = {
    {State::kEstablished, 1}, {State::kSynSent, 2},  {State::kSynReceived, 3}, {State::kFinWait1, 4},
    {State::kFinWait2, 5},    {State::kTimeWait, 6}, {State::kClosed, 7},      {State::kCloseWait, 8},
    {State::kLastAck, 9},     {State::kListen, 10},  {State::kClosing, 11},
};

// Logical lines: without comments, joined within brackets, cut at semicolons.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines{""};
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && quote == 0) {  // the line goes on
      while (i + 1 < text.size() && (text[i + 1] == ' ' || text[i + 1] == '\t' || text[i + 1] == '\r')) ++i;
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
      continue;
    }
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

// One logical line: a statement.
class Line {
 public:
  Line(const std::string& text, CodeNames& names, const CodeFields& fields, bool dry_run, CodeReport& report)
      : text_(text), names_(names), report_(report), in_(text, names, fields, dry_run, report) {}

  // False when an assertion has failed.
  bool run() {
    if (in_.accept_word("pass")) return true;
    if (in_.accept_word("assert")) return assertion();
    if (in_.accept_word("print")) {
      report_.printed.push_back(print());
      return true;
    }
    assign();
    return true;
  }

 private:
  // NAME = EXPRESSION
  void assign() {
    const std::string name(in_.word());
    std::size_t after = in_.at() + name.size();
    while (after < text_.size() && text_[after] == ' ') ++after;
    const bool assigns = after + 1 < text_.size() && text_[after] == '=' && text_[after + 1] != '=';
    if (name.empty() || !assigns) throw NotUnderstood{name.empty() ? text_.substr(0, 20) : name};
    in_.move_to(after + 1);
    names_[name] = in_.expression();
    in_.end();
  }

  bool assertion() {
    const CodeValue value = in_.expression();
    CodeValue message;
    if (in_.accept(",")) message = in_.expression();
    in_.end();
    if (is_true(value)) return true;
    std::string told;
    for (const auto& [name, number] : in_.asked())
      told += fmt::format("{}{} = {}", told.empty() ? "" : ", ", name, number);
    if (message.is_text && !message.text.empty()) told += fmt::format("{}{}", told.empty() ? "" : ": ", message.text);
    report_.failed.push_back({.asserted = text_, .seen = told.empty() ? "it does not hold" : told});
    return false;
  }

  std::string print() {
    std::string out;
    in_.skip();
    if (in_.at_end()) return out;
    do {
      out += (out.empty() ? "" : " ") + text_of(in_.expression());
    } while (in_.accept(","));
    in_.end();
    return out;
  }

  const std::string& text_;
  CodeNames& names_;
  CodeReport& report_;
  PythonExpression in_;
};

CodeReport run(const std::string& text, CodeNames& names, const CodeFields& fields, bool dry_run) {
  CodeReport report;
  try {
    for (const std::string& line : lines_of(text)) {
      if (!Line(line, names, fields, dry_run, report).run() && !dry_run) break;
    }
  } catch (const NotUnderstood& what) {
    report.unsupported = what.construct;
  }
  if (dry_run) report.failed.clear();
  return report;
}

}  // namespace

CodeReport run_code(const std::string& text, CodeNames& names, const CodeFields& fields) {
  return run(text, names, fields, false);
}

CodeReport dry_run_code(const std::string& text, CodeNames& names) {
  return run(text, names, {}, true);
}

std::int64_t number_of_state(State state) {
  for (const StateNumber& each : kStateNumbers) {
    if (each.state == state) return each.number;
  }
  return 0;
}

std::string assertion_of_state(State state) {
  const auto constants = python_constants();
  const auto name = std::find_if(constants.begin(), constants.end(), [&](const PythonConstant& each) {
    return std::string_view(each.name).starts_with("TCP_") && each.value == static_cast<double>(number_of_state(state));
  });
  return fmt::format("assert tcpi_state == {}", name->name);
}

std::optional<State> state_in_code(const std::string& text) {
  std::optional<State> only;
  for (const std::string& line : lines_of(text)) {
    CodeNames names;
    const CodeReport needs = dry_run_code(line, names);
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
