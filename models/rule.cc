// SPDX-License-Identifier: Apache-2.0
#include "models/rule.h"

#include "models/rules.h"

namespace tcpassay {
namespace {

constexpr RuleInfo kRules[] = {
#define RULE(id, level, rfc, section, paragraph, row, sentence) \
  {#id, Level::level, rfc, section, paragraph, row, sentence},
#include "models/rules.def"
#undef RULE
};

constexpr TraitInfo kTraitTable[] = {
#define TRAIT(id, name, rule, sentence) {name, Rule::rule, sentence},
#include "models/traits.def"
#undef TRAIT
};

}  // namespace

const char* to_string(Level level) {
  switch (level) {
    case Level::kMust:
      return "MUST";
    case Level::kShould:
      return "SHOULD";
    case Level::kMay:
      return "MAY";
  }
  return "?";
}

std::span<const RuleInfo> rules() {
  return kRules;
}

const RuleInfo& info(Rule rule) {
  return kRules[static_cast<std::size_t>(rule)];
}

std::optional<Rule> rule_by_id(std::string_view id) {
  for (std::size_t i = 0; i < std::size(kRules); ++i) {
    if (kRules[i].id == id) return static_cast<Rule>(i);
  }
  return {};
}

std::span<const TraitInfo> traits() {
  return kTraitTable;
}

}  // namespace tcpassay
