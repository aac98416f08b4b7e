// SPDX-License-Identifier: Apache-2.0
// How the judge itself has changed from one version of the catalogue to the next (models/catalogue/changes.def).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>

#include "models/rule.h"

namespace tcpassay {

struct RuleChange {
  int revision = 0;  // of the catalogue, that made the change
  Rule rule{};
  std::string_view what;
};

std::span<const RuleChange> rule_changes();
int catalogue_revision();

// {"revision":N,"changes":[{"revision","rule","what"}]}: what results carry, so that `diff` can tell who changed.
nlohmann::ordered_json catalogue_json();

}  // namespace tcpassay
