// SPDX-License-Identifier: Apache-2.0
// A TCB that the target may have, and how the model came there.
#pragma once

#include <cstdint>
#include <optional>

#include "models/freedom.h"
#include "models/rule.h"
#include "models/tcb.h"

namespace tcpassay {

// A state that was left, and the rule that demanded it.
struct WayOut {
  State from = State::kClosed;
  Rule rule{};
  friend bool operator==(const WayOut&, const WayOut&) = default;
};

// What the judge can follow no further. Its word is then inconclusive and names the limit.
enum class Limit : std::uint8_t { kNone, kPossible, kQuestions, kDebts, kIslands, kDemerits };
const char* to_string(Limit limit);  // "too many possible states"

// A TCB the target may have, and the rules that led there.
struct Candidate : Tcb {
  Limit limit = Limit::kNone;  // was reached on the way here
  // By this rule something about the latest segment is to be ignored; blamed first when what follows fits no TCB.
  std::optional<Rule> must_ignore{};
  InlineVector<Cite, kCitesMax> now{};    // judged when the target next falls quiet
  std::uint8_t prompted = 0;              // how many of `now` the latest stimulus called upon
  InlineVector<Cite, kCitesMax> later{};  // judged by the reaction to the next stimulus, or by a report of the state
  InlineVector<Rule, kDemeritsMax> demerits{};  // SHOULDs departed from on the way here
  FreedomSet freedoms{};                        // freedoms taken on the way here
  InlineVector<WayOut, 4> ways_out{};           // states left since the target last reported its state

  // The last stimulus that could have ended the connection, and must not have: the rule that says so. None once a
  // segment or a report of the target has shown that the connection lives on.
  std::optional<Rule> survived{};

  // The rule that demanded that this state be left.
  std::optional<Rule> left_by(State former_state) const {
    for (const WayOut& way : ways_out) {
      if (way.from == former_state) return way.rule;
    }
    return std::nullopt;
  }
};

}  // namespace tcpassay
