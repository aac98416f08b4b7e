// SPDX-License-Identifier: Apache-2.0
// Expressions of Python over numbers, strings and the fields of TCP_INFO: reads a line from left to right and evaluates
// it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "harness/script/python_code.h"

namespace tcpassay {

// Thrown for what is none of the forms that python_code.h lists.
struct NotUnderstood {
  std::string construct;
};

bool is_true(const CodeValue& value);
std::string text_of(const CodeValue& value);

class PythonExpression {
 public:
  // With `dry_run` each field of TCP_INFO is 1 and nothing is asked of `fields`. The fields that the line names are
  // added to `report`. All arguments must outlive this.
  PythonExpression(const std::string& line, const CodeNames& names, const CodeFields& fields, bool dry_run,
                   CodeReport& report)
      : text_(line), names_(names), fields_(fields), dry_run_(dry_run), report_(report) {}

  std::size_t at() const { return at_; }
  void move_to(std::size_t at) { at_ = at; }
  bool at_end() const { return at_ == text_.size(); }
  const std::map<std::string, std::int64_t>& asked() const { return asked_; }  // fields of TCP_INFO and what they were

  void skip();
  // Throws NotUnderstood unless the line ends here.
  void end();
  // The identifier that stands here, perhaps empty.
  std::string_view word();
  bool accept_word(std::string_view wanted);
  // An operator, and not the beginning of a longer one.
  bool accept(std::string_view wanted);
  CodeValue expression();

 private:
  // From the operators that bind least to those that bind most.
  CodeValue disjunction();
  CodeValue conjunction();
  CodeValue negation();
  CodeValue comparison();
  CodeValue bits_or();
  CodeValue bits_xor();
  CodeValue bits_and();
  CodeValue shift();
  CodeValue sum();
  CodeValue product();
  CodeValue remainder(const CodeValue& a, const CodeValue& b);
  double divisor(const CodeValue& value);
  CodeValue unary();
  CodeValue primary();
  CodeValue literal();
  CodeValue string(char quote);
  CodeValue brackets();
  CodeValue function(const std::string& name);
  CodeValue value_of(const std::string& name);

  const std::string& text_;
  const CodeNames& names_;
  const CodeFields& fields_;
  bool dry_run_;
  CodeReport& report_;
  std::map<std::string, std::int64_t> asked_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace tcpassay
