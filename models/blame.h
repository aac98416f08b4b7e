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

// Of two rules that applied to the same stimulus, whether `a` tells more about it: a special case before the general
// rule, else what stands later in the catalogue, which follows the steps of the RFC. A fixed order, so that the blame
// does not depend on the order in which the model cites.
bool tells_more(Rule a, Rule b);

// Whether the rule says how a segment is read, across 2^32 or with options at odd octets say. Where the segment must
// have an effect and has none, such a rule tells more than the one that asks for the effect.
bool says_how_to_read(Rule rule);

// Whether the rule states a special case of what another rule says in general.
bool states_special_case(Rule rule);

}  // namespace tcpassay
