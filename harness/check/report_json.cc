// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "harness/base/version.h"
#include "harness/check/check_result.h"
#include "harness/check/claims.h"
#include "harness/check/report.h"
#include "harness/check/rule_changes.h"
#include "harness/check/tolerated.h"
#include "harness/report/run_report.h"
#include "harness/report/verdict_json.h"
#include "harness/target/target.h"
#include "models/congestion/profiles.h"
#include "models/edition.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

Json rule_json(const CheckResult& result, const RuleResult& rule) {
  const RuleInfo& about = info(rule.rule);
  Json json{{"id", about.id},           {"level", to_string(about.level)},      {"rfc", about.rfc},
            {"section", about.section}, {"standing", to_string(rule.standing)}, {"judged", rule.judged},
            {"broken", rule.broken},    {"tolerated", rule.tolerated}};
  if (about.level == Level::kMay) json["taken"] = rule.taken;
  if (!rule.why.empty()) json["why"] = rule.why;
  if (result.is_listed(rule.rule)) json["listed"] = true;
  json["sentence"] = about.sentence;
  json["evidence"] = Json::array();
  for (const auto& evidence : rule.evidence) json["evidence"].push_back(evidence_json(evidence));
  return json;
}

Json ids_of(const std::vector<Rule>& rules) {
  Json ids = Json::array();
  for (const Rule rule : rules) ids.push_back(info(rule).id);
  return ids;
}

Json played_json(const CheckResult& result) {
  Json all = Json::array();
  for (const ScenarioResult& one : result.played) {
    Json json{{"id", one.id}, {"path", one.path},    {"title", one.title},
              {"ip", one.ip}, {"rules", one.covers}, {"outcome", to_string(one.outcome)}};
    if (!one.why.empty()) json["why"] = one.why;
    if (!one.violated.empty()) json["violated"] = ids_of(one.violated);
    if (!one.departed.empty()) json["departed"] = ids_of(one.departed);
    if (!one.inconclusive.empty()) json["inconclusive"] = ids_of(one.inconclusive);
    all.push_back(std::move(json));
  }
  return all;
}

Json died_json(const CheckResult& result) {
  Json all = Json::array();
  for (const Died& died : result.died) {
    all.push_back({{"scenario", died.scenario}, {"how", died.how}, {"listed", died.listed}, {"replay", died.replay}});
  }
  return all;
}

void add_profile(Json& json, const CheckResult& result) {
  json["profile"] = Json::object();
  for (std::size_t i = 0; i < result.profile.size(); ++i) {
    json["profile"][std::string(traits()[i].name)] = to_string(result.profile[i]);
  }
  json["congestion_control"] = Json::object();
  for (std::size_t i = 0; i < result.profile_fits.size(); ++i) {
    const auto& [connections, explained] = result.profile_fits[i];
    json["congestion_control"][std::string(profiles()[i].name)] = {{"connections", connections},
                                                                   {"explained", explained}};
  }
}

}  // namespace

std::string check_json(const CheckResult& result, const ReportChoice& choice) {
  return check_json(result, choice, nullptr);
}

std::string check_json(const CheckResult& result, const ReportChoice& choice, const Json& shard) {
  Json abilities = Json::array();
  for (const Ability ability : result.target.abilities) abilities.push_back(to_string(ability));
  Json json{{"tool", "tcpassay"},
            {"version", kVersion},
            {"target", {{"name", result.target.name}, {"version", result.target.version}, {"abilities", abilities}}},
            {"ruleset", to_string(result.edition)},
            {"catalogue", catalogue_json()},
            {"scenarios", result.scenarios},
            {"steps", result.steps},
            {"wall_s", result.wall_s},
            {"conclusion", result.conclusion()},
            {"deaths", result.deaths},
            {"interrupted", result.interrupted}};
  if (!result.defect.empty()) json["target"]["plant"] = result.defect;
  json["rules"] = Json::array();
  for (const auto& rule : result.rules) {
    if (!choice.only_failed || result.has_failed(rule)) json["rules"].push_back(rule_json(result, rule));
  }
  json["tolerated"] = tolerated_json(result.tolerated);
  json["freedoms"] = freedoms_json(result.freedoms);
  add_profile(json, result);
  json["summary"] = Json{{"obeyed", result.count(Standing::kObeyed)},
                         {"violated", result.count(Standing::kViolated)},
                         {"departed", result.count(Standing::kDeparted)},
                         {"not_exercised", result.count(Standing::kNotExercised)},
                         {"inconclusive", result.count(Standing::kInconclusive)},
                         {"not_testable", result.count(Standing::kNotTestable)},
                         {"options", result.count(Standing::kOption)}};
  json["skipped"] = Json::array();
  for (const auto& skipped : result.skipped) {
    json["skipped"].push_back({{"scenario", skipped.scenario}, {"why", skipped.why}});
  }
  json["deviations"] = Json::array();
  for (const auto& listed : result.deviations) {
    json["deviations"].push_back({{"rule", info(listed.deviation.rule).id},
                                  {"reason", listed.deviation.reason},
                                  {"fate", to_string(listed.fate)}});
  }
  json["died"] = died_json(result);
  json["unsteady"] = Json::array();
  for (const auto& unsteady : result.unsteady) {
    json["unsteady"].push_back({{"scenario", unsteady.scenario}, {"rule", info(unsteady.rule).id}});
  }
  json["assertions"] = Json::array();
  for (const auto& [scenario, mismatch] : result.failed) {
    json["assertions"].push_back({{"scenario", scenario},
                                  {"line", mismatch.where.line},
                                  {"expected", mismatch.expected},
                                  {"seen", mismatch.seen}});
  }
  if (!result.claims.empty()) json["claims"] = claims_json(result);
  if (!shard.is_null()) json["shard"] = shard;
  if (choice.only_failed) json["only"] = "failed";
  if (!choice.only_failed) json["played"] = played_json(result);
  return dump(json);
}

}  // namespace tcpassay
