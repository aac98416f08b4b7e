// SPDX-License-Identifier: Apache-2.0
#include "models/catalogue.h"

#include <algorithm>

#include "models/rules.h"

namespace tcpassay {
namespace {

constexpr RowInfo kRows[] = {
#define ROW(name, level, rfc) {name, Level::level, rfc},
#include "models/catalogue/rows.def"
#undef ROW
};

constexpr Exemption kExemptions[] = {
#define EXEMPT(row, reason) {row, reason},
#include "models/catalogue/exempt.def"
#undef EXEMPT
    {},  // so that the list may be empty
};

constexpr OtherLevel kOtherLevels[] = {
#define OTHER_LEVEL(rule, row, reason) {Rule::rule, row, reason},
#include "models/catalogue/levels.def"
#undef OTHER_LEVEL
};

struct Imperative {
  Rule rule;
  Wording wording;
};
constexpr Imperative kImperatives[] = {
#define IMPERATIVE(rule, wording) {Rule::rule, Wording::wording},
#include "models/catalogue/imperative.def"
#undef IMPERATIVE
};

// Calls `each` for every name in a rule's row field.
template <class Each>
void each_row(std::string_view field, Each&& each) {
  while (!field.empty()) {
    const std::size_t end = std::min(field.find(' '), field.size());
    each(field.substr(0, end));
    field.remove_prefix(std::min(end + 1, field.size()));
  }
}

}  // namespace

std::span<const RowInfo> rows() {
  return kRows;
}

const RowInfo* row_named(std::string_view name) {
  for (const RowInfo& row : kRows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::span<const Exemption> exemptions() {
  return std::span(kExemptions).first(std::size(kExemptions) - 1);
}

const Exemption* exemption_of(std::string_view row) {
  for (const Exemption& exemption : exemptions()) {
    if (exemption.row == row) return &exemption;
  }
  return nullptr;
}

std::span<const OtherLevel> other_levels() {
  return kOtherLevels;
}

const char* to_string(Wording wording) {
  switch (wording) {
    case Wording::kKeyword:
      return "a word of the level";
    case Wording::kStep:
      return "a step of the processing";
    case Wording::kIndicative:
      return "what a TCP does, told as a fact";
    case Wording::kFigure:
      return "a table or an assignment";
    case Wording::kExample:
      return "an example";
    case Wording::kOtherWords:
      return "other words than MUST, SHOULD and MAY";
  }
  return "?";
}

Wording wording_of(Rule rule) {
  for (const Imperative& imperative : kImperatives) {
    if (imperative.rule == rule) return imperative.wording;
  }
  return Wording::kKeyword;
}

std::vector<std::string_view> rows_of(const RuleInfo& rule) {
  std::vector<std::string_view> names;
  each_row(rule.row, [&](std::string_view name) { names.push_back(name); });
  return names;
}

std::vector<Rule> rules_stating(std::string_view row) {
  std::vector<Rule> stating;
  for (std::size_t i = 0; i < rules().size(); ++i) {
    bool states = false;
    each_row(rules()[i].row, [&](std::string_view name) { states = states || name == row; });
    if (states) stating.push_back(static_cast<Rule>(i));
  }
  return stating;
}

bool in_appendix_b(const RowInfo& row) {
  for (const std::string_view numbered : {"RFC9293-MUST-", "RFC9293-SHLD-", "RFC9293-MAY-", "RFC9293-REC-"}) {
    if (row.name.starts_with(numbered)) return true;
  }
  return false;
}

}  // namespace tcpassay
