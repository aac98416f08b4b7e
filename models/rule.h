// SPDX-License-Identifier: Apache-2.0
// The rule catalogue: every requirement that the model applies, one line each in models/catalogue. A misspelt id
// does not compile.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tcpassay {

enum class Level : std::uint8_t { kMust, kShould, kMay };
const char* to_string(Level level);  // "MUST"

enum class Rule : std::uint16_t;  // its members are in models/rules.h, which few need

struct RuleInfo {
  std::string_view id;  // "MUST_10", "SA4_2_exact", "R5961_4_2_syn"
  Level level;
  int rfc;                    // 9293
  std::string_view section;   // "3.10.7.4"
  int paragraph;              // of that section, from 1: where the RFC says it (harness/check/rfc_text.h); 0: not known
  std::string_view row;       // the requirement it states, as named in the list of requirements; "" when it has none
  std::string_view sentence;  // ours
};

std::span<const RuleInfo> rules();  // indexed by Rule
const RuleInfo& info(Rule rule);
std::optional<Rule> rule_by_id(std::string_view id);

// A trait is a choice that an implementer makes once. Each answers to a rule that leaves it free.
enum class Trait : std::uint8_t;

struct TraitInfo {
  std::string_view name;  // "challenges-rst"
  Rule rule;
  std::string_view sentence;  // what it means when it is so
};

std::span<const TraitInfo> traits();  // indexed by Trait

}  // namespace tcpassay
