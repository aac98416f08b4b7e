// SPDX-License-Identifier: Apache-2.0
// Which rule a refusal names, where more than one rule forbids what was seen: a table of conditions and rules.
#pragma once

#include <initializer_list>

#include "models/rules.h"

namespace tcpassay {

// One row: the rule that is blamed where the condition holds.
struct Blame {
  bool when = false;
  Rule rule{};
};

inline constexpr bool kOtherwise = true;  // the condition of a table's last row

// The rule of the first row whose condition holds.
inline Rule blamed(std::initializer_list<Blame> table) {
  for (const Blame& row : table) {
    if (row.when) return row.rule;
  }
  return (table.end() - 1)->rule;
}

}  // namespace tcpassay
