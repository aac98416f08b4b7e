// SPDX-License-Identifier: Apache-2.0
#include "harness/check/check_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "models/rule.h"

namespace tcpassay {

const char* to_string(Standing standing) {
  switch (standing) {
    case Standing::kObeyed:
      return "obeyed";
    case Standing::kViolated:
      return "violated";
    case Standing::kDeparted:
      return "departed";
    case Standing::kOption:
      return "option";
    case Standing::kInconclusive:
      return "inconclusive";
    case Standing::kNotExercised:
      return "not_exercised";
    case Standing::kNotTestable:
      return "not_testable";
  }
  return "?";
}

const char* to_string(TraitValue value) {
  switch (value) {
    case TraitValue::kUnknown:
      return "unknown";
    case TraitValue::kFalse:
      return "false";
    case TraitValue::kTrue:
      return "true";
    case TraitValue::kBoth:
      return "both";
  }
  return "?";
}

const char* to_string(Listed::Fate fate) {
  switch (fate) {
    case Listed::Fate::kOccurs:
      return "occurs";
    case Listed::Fate::kGone:
      return "no longer occurs";
    case Listed::Fate::kNotJudged:
      return "not judged";
    case Listed::Fate::kOtherVersion:
      return "does not occur, but was seen on another version";
  }
  return "?";
}

const char* to_string(ScenarioResult::Outcome outcome) {
  switch (outcome) {
    case ScenarioResult::Outcome::kPassed:
      return "passed";
    case ScenarioResult::Outcome::kFailed:
      return "failed";
    case ScenarioResult::Outcome::kListed:
      return "listed";
    case ScenarioResult::Outcome::kInconclusive:
      return "inconclusive";
    case ScenarioResult::Outcome::kSkipped:
      return "skipped";
  }
  return "?";
}

std::size_t CheckResult::count(Standing standing) const {
  return static_cast<std::size_t>(
      std::count_if(rules.begin(), rules.end(), [&](const RuleResult& rule) { return rule.standing == standing; }));
}

bool CheckResult::is_listed(Rule rule) const {
  return std::any_of(deviations.begin(), deviations.end(),
                     [&](const Listed& listed) { return listed.deviation.rule == rule; });
}

bool CheckResult::is_gone(Rule rule) const {
  return std::any_of(deviations.begin(), deviations.end(), [&](const Listed& listed) {
    return listed.deviation.rule == rule && listed.fate == Listed::Fate::kGone;
  });
}

bool CheckResult::has_failed(const RuleResult& rule) const {
  const bool counts =
      rule.standing == Standing::kViolated || (rule.standing == Standing::kDeparted && fail_on == FailOn::kShould);
  return (counts && !is_listed(rule.rule)) || is_gone(rule.rule);
}

int CheckResult::exit_status() const {
  const int found = status();
  return found == 1 && fail_on == FailOn::kNever ? 0 : found;
}

int CheckResult::status() const {
  for (const auto& rule : rules) {
    if (has_failed(rule)) return 1;
  }
  for (const auto& listed : deviations) {
    if (listed.fate == Listed::Fate::kGone) return 1;
  }
  if (!failed.empty()) return 1;
  if (std::any_of(claims.begin(), claims.end(), [](const ClaimResult& claim) { return claim.missing(); })) return 1;
  for (const Died& death : died) {
    if (death.listed.empty()) return 1;
  }
  const bool nothing = scenarios == 0 && !shard;
  return nothing || deaths > died.size() || interrupted ? 2 : 0;
}

std::string CheckResult::conclusion() const {
  const int found = status();
  std::string text = found == 0 ? "conforms" : found == 1 ? "does not conform" : "shows no conformance";
  if (interrupted) text += "; the run was interrupted";
  if (scenarios == 0) text += "; no scenario was played";
  if (deaths > 0) text += fmt::format("; the target died {} times", deaths);
  for (const ClaimResult& claim : claims) {
    if (claim.missing()) text += fmt::format("; {} is claimed and not shown", claim.feature);
  }
  if (!failed.empty())
    text += fmt::format("; {} assertion{} of scripts failed", failed.size(), failed.size() == 1 ? "" : "s");
  return text;
}

}  // namespace tcpassay
