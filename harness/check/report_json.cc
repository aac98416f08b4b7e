// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "harness/base/version.h"
#include "harness/check/report.h"
#include "harness/check/tolerated.h"
#include "harness/report/run_report.h"
#include "harness/report/verdict_json.h"

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

Json died_json(const CheckResult& result) {
  Json all = Json::array();
  for (const Died& died : result.died) {
    all.push_back({{"scenario", died.scenario}, {"how", died.how}, {"listed", died.listed}, {"replay", died.replay}});
  }
  return all;
}

}  // namespace

std::string check_json(const CheckResult& result) {
  Json abilities = Json::array();
  for (const Ability ability : result.target.abilities) abilities.push_back(to_string(ability));
  Json json{{"tool", "tcpassay"},
            {"version", kVersion},
            {"target", {{"name", result.target.name}, {"version", result.target.version}, {"abilities", abilities}}},
            {"ruleset", to_string(result.edition)},
            {"scenarios", result.scenarios},
            {"steps", result.steps},
            {"wall_s", result.wall_s},
            {"conclusion", result.conclusion()},
            {"deaths", result.deaths},
            {"interrupted", result.interrupted}};
  if (!result.defect.empty()) json["target"]["plant"] = result.defect;
  json["rules"] = Json::array();
  for (const auto& rule : result.rules) json["rules"].push_back(rule_json(result, rule));
  json["tolerated"] = tolerated_json(result.tolerated);
  json["freedoms"] = freedoms_json(result.freedoms);
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
  return dump(json);
}

}  // namespace tcpassay
