// SPDX-License-Identifier: Apache-2.0
#include "models/tolerated_use.h"

namespace tcpassay {

std::vector<Verdict> tolerated_uses(const FreedomSet& needed, const Event& event, std::size_t number,
                                    const std::string& states, Edition edition) {
  std::vector<Verdict> uses;
  if ((needed & tolerated_freedoms()).none()) return uses;
  for (std::size_t i = 0; i < kFreedoms; ++i) {
    const FreedomInfo& freedom = freedoms()[i];
    if (!needed.test(i) || !freedom.excuses || !in_force(*freedom.excuses, edition)) continue;
    const bool should = info(*freedom.excuses).level == Level::kShould;
    uses.push_back({.kind = should ? Verdict::Kind::kDeparted : Verdict::Kind::kViolated,
                    .rule = *freedom.excuses,
                    .event = number,
                    .at = event.until,
                    .tuple = event.tuple,
                    .state = states,
                    .allowed = std::string(info(*freedom.excuses).sentence),
                    .seen = std::string(freedom.sentence),
                    .freedom = static_cast<Freedom>(i)});
  }
  return uses;
}

}  // namespace tcpassay
