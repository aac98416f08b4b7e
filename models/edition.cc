// SPDX-License-Identifier: Apache-2.0
#include "models/edition.h"

#include <array>

#include "models/rules.h"

namespace tcpassay {
namespace {

constexpr const char* kNames[] = {"793", "1122", "9293", "9293+5961"};

// RFC 9293's numbered requirements are mostly those of RFC 1122, its other sentences those of RFC 793. Companions came
// later than both.
constexpr Edition usual(const RuleInfo& rule) {
  if (rule.rfc == 793) return Edition::k793;
  if (rule.rfc == 1122) return Edition::k1122;
  if (rule.rfc == 5961) return Edition::kWith5961;
  if (rule.rfc != 9293) return Edition::k9293;
  for (const std::string_view numbered : {"MUST_", "SHLD_", "MAY_", "REC_"}) {
    if (rule.id.starts_with(numbered)) return Edition::k1122;
  }
  return Edition::k793;
}

struct Exception {
  Rule rule;
  Edition since;
};
constexpr Exception kExceptions[] = {
#define SINCE(rule, edition) {Rule::rule, Edition::edition},
#include "models/catalogue/editions.def"
#undef SINCE
};

constexpr RuleInfo kRules[] = {
#define RULE(id, level, rfc, section, paragraph, row, sentence) \
  {#id, Level::level, rfc, section, paragraph, row, sentence},
#include "models/rules.def"
#undef RULE
};

constexpr auto kSince = [] {
  std::array<Edition, std::size(kRules)> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = usual(kRules[i]);
  for (const Exception& exception : kExceptions) table[static_cast<std::size_t>(exception.rule)] = exception.since;
  return table;
}();

}  // namespace

const char* to_string(Edition edition) {
  return kNames[static_cast<std::size_t>(edition)];
}

std::optional<Edition> edition_named(std::string_view word) {
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (word == kNames[i]) return static_cast<Edition>(i);
  }
  return {};
}

Edition since(Rule rule) {
  return kSince[static_cast<std::size_t>(rule)];
}

}  // namespace tcpassay
