// SPDX-License-Identifier: Apache-2.0
// What the catalogue accounts for: every requirement by name, the rules that state it, or the reason why none does.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "models/rule.h"

namespace tcpassay {

// A requirement of RFC 9293 or of a companion.
struct RowInfo {
  std::string_view name;  // "RFC9293-MUST-10"
  Level level;
  int rfc;
};
std::span<const RowInfo> rows();
const RowInfo* row_named(std::string_view name);  // null when there is none

// A requirement that no rule states, and why.
struct Exemption {
  std::string_view row, reason;
};
std::span<const Exemption> exemptions();
const Exemption* exemption_of(std::string_view row);  // null when there is none

// A rule whose level is meant to differ from that of a row it states, and why.
struct OtherLevel {
  Rule rule;
  std::string_view row, reason;
};
std::span<const OtherLevel> other_levels();

// How the paragraph that a rule's locator names puts it: with a word of the rule's level, or in one of the ways that
// models/catalogue/imperative.def tells apart.
enum class Wording : std::uint8_t { kKeyword, kStep, kIndicative, kFigure, kExample, kOtherWords };
const char* to_string(Wording wording);  // "a step of the processing"
Wording wording_of(Rule rule);

std::vector<std::string_view> rows_of(const RuleInfo& rule);
std::vector<Rule> rules_stating(std::string_view row);

// Whether the row is one of the numbered requirements that RFC 9293's Appendix B lists.
bool in_appendix_b(const RowInfo& row);

}  // namespace tcpassay
