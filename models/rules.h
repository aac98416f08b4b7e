// SPDX-License-Identifier: Apache-2.0
// The members of Rule and Trait, for code that applies them by name.
#pragma once

#include "models/rule.h"

namespace tcpassay {

enum class Rule : std::uint16_t {
#define RULE(id, level, rfc, section, paragraph, row, sentence) id,
#include "models/rules.def"
#undef RULE
};

enum class Trait : std::uint8_t {
#define TRAIT(id, name, rule, sentence) id,
#include "models/traits.def"
#undef TRAIT
};

}  // namespace tcpassay
