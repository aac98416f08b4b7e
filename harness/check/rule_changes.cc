// SPDX-License-Identifier: Apache-2.0
#include "harness/check/rule_changes.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "models/rules.h"

namespace tcpassay {
namespace {

constexpr RuleChange kChanges[] = {
#define CHANGE(revision, rule, what) {revision, Rule::rule, what},
#include "models/catalogue/changes.def"
#include "models/rule.h"
#undef CHANGE
};

}  // namespace

std::span<const RuleChange> rule_changes() {
  return kChanges;
}

int catalogue_revision() {
  int revision = 0;
  for (const RuleChange& change : kChanges) revision = std::max(revision, change.revision);
  return revision;
}

nlohmann::ordered_json catalogue_json() {
  auto changes = nlohmann::ordered_json::array();
  for (const RuleChange& change : kChanges) {
    changes.push_back({{"revision", change.revision}, {"rule", info(change.rule).id}, {"what", change.what}});
  }
  return {{"revision", catalogue_revision()}, {"changes", changes}};
}

}  // namespace tcpassay
