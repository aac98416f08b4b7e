// SPDX-License-Identifier: Apache-2.0
// Verdicts as JSON: the same for reports, for the workers of check and sweep, and for recorded conversations.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "models/oracle.h"

namespace tcpassay {

const char* to_string(Verdict::Kind kind);       // "violated"
std::string level_text(const Verdict& verdict);  // "MUST", or "inconclusive"

// Every field of the verdict, and of its rule the level and the section; `freedom` only where one excuses the rule.
nlohmann::ordered_json to_json(const Verdict& verdict);

// The ids of those in the set.
nlohmann::ordered_json freedoms_json(const FreedomSet& set);

// Reads what to_json() has written. Throws an exception of nlohmann::json when a field is missing or has another type,
// and std::runtime_error when a rule or a kind is unknown.
Verdict verdict_from_json(const nlohmann::ordered_json& json);

// Only the rule, its level, the state, what was allowed and what was seen.
nlohmann::ordered_json brief_json(const Verdict& verdict);

}  // namespace tcpassay
