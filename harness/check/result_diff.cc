// SPDX-License-Identifier: Apache-2.0
#include "harness/check/result_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness/check/check_result.h"
#include "harness/check/json_file.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;
using Kind = Change::Kind;

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

bool true_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() && found->get<bool>();
}

bool is_check(const Json& result) {
  return result.contains("rules") && result.contains("summary");
}

bool is_sweep(const Json& result) {
  return result.contains("grid") && result.contains("violations");
}

// What a rule, a cause or a scenario comes to.
enum class Outcome : std::uint8_t { kConforms, kFails, kListed, kInconclusive, kUntested };

Outcome outcome_of(const Json& one) {
  const std::string word = one.contains("standing") ? text_of(one, "standing") : text_of(one, "outcome");
  const bool broken = word == "violated" || word == "departed" || word == "failed";
  if (word == "listed" || (broken && true_of(one, "listed"))) return Outcome::kListed;
  if (broken) return Outcome::kFails;
  if (word == "inconclusive") return Outcome::kInconclusive;
  return word == "obeyed" || word == "option" || word == "passed" ? Outcome::kConforms : Outcome::kUntested;
}

std::string word_of(const Json& one) {
  std::string word = one.contains("standing") ? text_of(one, "standing") : text_of(one, "outcome");
  std::replace(word.begin(), word.end(), '_', ' ');
  return outcome_of(one) == Outcome::kListed && word != "listed" ? word + ", listed" : word;
}

// Entries by name, in the order of the file.
struct Entries {
  std::vector<std::string> order{};
  std::map<std::string, const Json*> by_name{};

  void add(const std::string& name, const Json& one) {
    if (by_name.emplace(name, &one).second) order.push_back(name);
  }
  const Json* find(const std::string& name) const {
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : found->second;
  }
};

Entries rules_in(const Json& result) {
  Entries entries;
  for (const Json& rule : result.at("rules")) entries.add(rule.at("id"), rule);
  return entries;
}

Entries scenarios_in(const Json& result) {
  Entries entries;
  if (!result.contains("played")) return entries;
  for (const Json& one : result.at("played")) {
    entries.add(one.at("id").get<std::string>() + (one.value("ip", 4) == 6 ? " (IPv6)" : ""), one);
  }
  return entries;
}

Entries causes_in(const Json& result) {
  Entries entries;
  for (const Json& one : result.at("violations")) {
    if (one.contains("steady") && !true_of(one, "steady")) continue;
    entries.add(fmt::format("{} in {}: {}", text_of(one, "rule"), text_of(one, "state"), text_of(one, "stimuli")), one);
  }
  return entries;
}

// Revision of the catalogue; results of versions that did not say it have 0.
int revision_of(const Json& result) {
  return result.contains("catalogue") ? result.at("catalogue").value("revision", 0) : 0;
}

// The changes of rules that the newer version of tcpassay has made since the older run: id, what changed.
std::map<std::string, std::string> rules_changed(const Json& before, const Json& after) {
  std::map<std::string, std::string> changed;
  if (!after.contains("catalogue")) return changed;
  for (const Json& one : after.at("catalogue").at("changes")) {
    if (one.at("revision").get<int>() > revision_of(before)) changed[one.at("rule")] = one.at("what");
  }
  return changed;
}

Change change_of(Kind kind, const std::string& name, const Json* before, const Json* after) {
  const Json& one = after != nullptr ? *after : *before;
  Change change{.kind = kind, .id = name, .level = text_of(one, "level"), .sentence = text_of(one, "sentence")};
  if (change.sentence.empty()) change.sentence = text_of(one, "title");
  if (before != nullptr) change.before = word_of(*before);
  if (after == nullptr) return change;
  change.after = word_of(*after);
  change.fails = outcome_of(*after) == Outcome::kFails;
  change.replay = text_of(*after, "replay");
  if (after->contains("evidence") && !after->at("evidence").empty()) {
    change.replay = text_of(after->at("evidence").front(), "replay");
  }
  return change;
}

// Of a rule or a scenario that both runs know.
std::optional<Kind> kind_of(Outcome before, Outcome after) {
  if (before == after) return std::nullopt;
  if (after == Outcome::kFails) return Kind::kNewlyFailing;
  const bool failed = before == Outcome::kFails || before == Outcome::kListed;
  if (after == Outcome::kConforms && (failed || before == Outcome::kInconclusive)) return Kind::kNewlyConforming;
  const bool decided = failed || before == Outcome::kConforms;
  if (decided && (after == Outcome::kInconclusive || after == Outcome::kUntested)) return Kind::kNewlyInconclusive;
  return std::nullopt;
}

// Whether some scenarios break the rule, and the older corpus had none of them.
bool only_in_new_scenarios(const std::string& rule, const Entries& old, const Entries& now) {
  bool seen = false;
  for (const std::string& id : now.order) {
    for (const char* how : {"violated", "departed"}) {
      const Json& one = *now.find(id);
      if (!one.contains(how) || std::find(one.at(how).begin(), one.at(how).end(), rule) == one.at(how).end()) continue;
      if (old.find(id) != nullptr) return false;
      seen = true;
    }
  }
  return seen && !old.order.empty();
}

void compare_rules(const Json& before, const Json& after, ResultDiff& diff) {
  const Entries old = rules_in(before), now = rules_in(after);
  const Entries old_scenarios = scenarios_in(before), new_scenarios = scenarios_in(after);
  const auto changed = rules_changed(before, after);
  for (const std::string& id : now.order) {
    const Json *was = old.find(id), *is = now.find(id);
    const auto how = changed.find(id);
    if (was == nullptr) {
      diff.changes.push_back(change_of(Kind::kNewRule, id, nullptr, is));
      continue;
    }
    const auto kind = kind_of(outcome_of(*was), outcome_of(*is));
    if (!kind) continue;
    diff.changes.push_back(change_of(how == changed.end() ? *kind : Kind::kNewRule, id, was, is));
    Change& change = diff.changes.back();
    if (how != changed.end()) change.sentence = "the rule changed: " + how->second;
    const bool failing = change.kind == Kind::kNewlyFailing;
    if (failing && only_in_new_scenarios(id, old_scenarios, new_scenarios)) change.kind = Kind::kNewScenario;
  }
  for (const std::string& id : old.order) {
    if (now.find(id) == nullptr) diff.changes.push_back(change_of(Kind::kGone, id, old.find(id), nullptr));
  }
}

// Whether the scenario fails by rules alone that are new or changed.
bool only_by_new_rules(const Json& scenario, const ResultDiff& diff) {
  if (!scenario.contains("violated") || !text_of(scenario, "why").empty()) return false;
  const Json& violated = scenario.at("violated");
  return std::all_of(violated.begin(), violated.end(), [&](const Json& rule) {
    return std::any_of(diff.changes.begin(), diff.changes.end(), [&](const Change& change) {
      return change.kind == Kind::kNewRule && change.id == rule.get<std::string>();
    });
  });
}

void compare_scenarios(const Json& before, const Json& after, ResultDiff& diff) {
  const Entries old = scenarios_in(before), now = scenarios_in(after);
  if (old.order.empty() || now.order.empty()) return;
  for (const std::string& id : now.order) {
    const Json *was = old.find(id), *is = now.find(id);
    const bool fails = outcome_of(*is) == Outcome::kFails;
    if (was == nullptr) {
      if (fails) diff.changes.push_back(change_of(Kind::kNewScenario, id, nullptr, is));
      continue;
    }
    const auto kind = kind_of(outcome_of(*was), outcome_of(*is));
    if (!kind) continue;
    const bool by_tool = *kind == Kind::kNewlyFailing && only_by_new_rules(*is, diff);
    if (!by_tool) diff.changes.push_back(change_of(*kind, id, was, is));
  }
  for (const std::string& id : old.order) {
    if (now.find(id) == nullptr) diff.changes.push_back(change_of(Kind::kGone, id, old.find(id), nullptr));
  }
}

void compare_causes(const Json& before, const Json& after, ResultDiff& diff) {
  const Entries old = causes_in(before), now = causes_in(after);
  const auto changed = rules_changed(before, after);
  for (const std::string& id : now.order) {
    const Json *was = old.find(id), *is = now.find(id);
    if (outcome_of(*is) != Outcome::kFails || (was != nullptr && outcome_of(*was) == Outcome::kFails)) continue;
    const auto how = changed.find(text_of(*is, "rule"));
    diff.changes.push_back(change_of(how == changed.end() ? Kind::kNewlyFailing : Kind::kNewRule, id, was, is));
    if (how != changed.end()) diff.changes.back().sentence = "the rule changed: " + how->second;
  }
  for (const std::string& id : old.order) {
    if (outcome_of(*old.find(id)) != Outcome::kFails || now.find(id) != nullptr) continue;
    diff.changes.push_back(change_of(Kind::kNewlyConforming, id, old.find(id), nullptr));
  }
}

std::string name_of(const Json& result) {
  if (result.at("target").is_string()) return result.at("target");
  return text_of(result.at("target"), "name");
}

std::string version_of(const Json& result) {
  return result.at("target").is_string() ? text_of(result, "version") : text_of(result.at("target"), "version");
}

// A way to die that the older run did not see is a new failure too, also where no scenario tells.
void compare_deaths(const Json& before, const Json& after, ResultDiff& diff) {
  std::set<std::string> known;
  const auto unlisted = [](const Json& result) {
    std::vector<const Json*> all;
    if (!result.contains("died")) return all;
    for (const Json& died : result.at("died")) {
      if (text_of(died, "listed").empty()) all.push_back(&died);
    }
    return all;
  };
  for (const Json* died : unlisted(before)) known.insert(text_of(*died, "how"));
  for (const Json* died : unlisted(after)) {
    if (!known.insert(text_of(*died, "how")).second) continue;
    diff.changes.push_back({.kind = Kind::kNewlyFailing,
                            .id = "the implementation dies",
                            .after = text_of(*died, "how"),
                            .replay = text_of(*died, "replay"),
                            .fails = true});
  }
}

ResultDiff compare_one(const Json& before, const Json& after) {
  if (is_check(before) != is_check(after) || is_sweep(before) != is_sweep(after)) {
    throw UnusableResult("one is a result of check and the other one of sweep");
  }
  ResultDiff diff{.target = name_of(after), .before = version_of(before), .after = version_of(after)};
  if (true_of(after, "interrupted")) throw UnusableResult(diff.target + ": the newer run was interrupted");
  if (name_of(before) != diff.target) diff.notes.push_back("the older run is of " + name_of(before));
  for (const char* what : {"ruleset", "only"}) {
    if (text_of(before, what) == text_of(after, what)) continue;
    diff.notes.push_back(fmt::format("{}: {} -> {}", what, text_of(before, what), text_of(after, what)));
  }
  if (text_of(before, "only") == "failed" || text_of(after, "only") == "failed") {
    throw UnusableResult("a result of --only failed does not say what was obeyed");
  }
  if (is_sweep(after)) {
    compare_causes(before, after, diff);
    compare_deaths(before, after, diff);
    return diff;
  }
  if (after.at("scenarios") == 0) throw UnusableResult(diff.target + ": in the newer run no scenario was played");
  if (before.at("scenarios") != after.at("scenarios")) {
    diff.notes.push_back(fmt::format("scenarios played: {} -> {}", before.at("scenarios").get<std::uint64_t>(),
                                     after.at("scenarios").get<std::uint64_t>()));
  }
  compare_rules(before, after, diff);
  compare_scenarios(before, after, diff);
  compare_deaths(before, after, diff);
  std::stable_sort(diff.changes.begin(), diff.changes.end(),
                   [](const Change& a, const Change& b) { return a.kind < b.kind; });
  return diff;
}

}  // namespace

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::kNewlyFailing:
      return "newly_failing";
    case Kind::kNewRule:
      return "new_rule";
    case Kind::kNewScenario:
      return "new_scenario";
    case Kind::kNewlyInconclusive:
      return "newly_inconclusive";
    case Kind::kNewlyConforming:
      return "newly_conforming";
    case Kind::kGone:
      return "gone";
  }
  return "?";
}

bool ResultDiff::worse(FailOn fail_on) const {
  if (fail_on == FailOn::kNever) return false;
  return std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
    return change.kind == Kind::kNewlyFailing && (change.level != "SHOULD" || fail_on == FailOn::kShould);
  });
}

Json read_result(const std::string& file) {
  Json result;
  try {
    result = read_json(file);
  } catch (const std::runtime_error& error) {
    throw UnusableResult(error.what());
  }
  const bool runs = result.is_object() && result.contains("runs") && result.at("runs").is_array();
  if (!result.is_object() || !(runs || is_check(result) || is_sweep(result))) {
    throw UnusableResult(file + ": no result; check and sweep write one with --format json");
  }
  return result;
}

std::vector<ResultDiff> compare(const Json& before, const Json& after) {
  try {
    if (!before.contains("runs") && !after.contains("runs")) return {compare_one(before, after)};
    if (!before.contains("runs") || !after.contains("runs")) throw UnusableResult("only one is of several targets");
    std::vector<ResultDiff> diffs;
    for (const Json& now : after.at("runs")) {
      for (const Json& old : before.at("runs")) {
        if (now.contains("failure") || old.contains("failure") || name_of(old) != name_of(now)) continue;
        diffs.push_back(compare_one(old, now));
      }
    }
    if (diffs.empty()) throw UnusableResult("no target is in both");
    return diffs;
  } catch (const Json::exception& error) {
    throw UnusableResult(fmt::format("not what tcpassay writes: {}", error.what()));
  }
}

}  // namespace tcpassay
