// SPDX-License-Identifier: Apache-2.0
#include "harness/sweep/sweep_shard.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/check/check_result.h"
#include "harness/check/result_diff.h"
#include "harness/check/shard.h"
#include "harness/report/verdict_json.h"
#include "harness/sweep/deaths.h"
#include "harness/sweep/roads.h"
#include "harness/sweep/sweep.h"
#include "models/edition.h"
#include "models/event.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

Json cause_json(const Cause& cause) {
  return {{"verdict", to_json(cause.verdict)},
          {"state", static_cast<int>(cause.state)},
          {"stimuli", cause.stimuli},
          {"cases", cause.cases},
          {"first", cause.first},
          {"ip", cause.ip},
          {"road", cause.road},
          {"stimulus", cause.stimulus},
          {"file", cause.file},
          {"replay", cause.replay},
          {"steady", cause.steady},
          {"listed", cause.listed}};
}

Cause cause_from(const Json& json) {
  return {.verdict = verdict_from_json(json.at("verdict")),
          .state = static_cast<State>(json.at("state").get<int>()),
          .stimuli = json.at("stimuli"),
          .cases = json.at("cases"),
          .first = json.at("first"),
          .ip = json.at("ip"),
          .road = json.at("road"),
          .stimulus = json.at("stimulus"),
          .file = json.at("file"),
          .replay = json.at("replay"),
          .steady = json.at("steady"),
          .listed = json.at("listed")};
}

Json sum_json(const RoadSum& sum) {
  return {{"state", to_string(sum.road->state)},
          {"road", sum.road->name},
          {"ip", sum.ip},
          {"cells", sum.cells},
          {"counts", {sum.visited, sum.answered, sum.silent, sum.ended, sum.broken, sum.inconclusive, sum.unsteady}},
          {"unreachable", sum.unreachable}};
}

const Road& road_of(const Json& sum) {
  const std::string state = sum.at("state"), name = sum.at("road");
  for (const Road& road : all_roads()) {
    if (road.name == name && state == to_string(road.state)) return road;
  }
  throw UnusableResult(fmt::format("no road to {} is called '{}'", state, name));
}

void add_sum(RoadSum& sum, const Json& json) {
  std::uint64_t* const into[] = {&sum.visited, &sum.answered,     &sum.silent,  &sum.ended,
                                 &sum.broken,  &sum.inconclusive, &sum.unsteady};
  for (std::size_t i = 0; i < std::size(into); ++i) *into[i] += json.at("counts").at(i).get<std::uint64_t>();
  for (const auto& [why, cells] : json.at("unreachable").items()) sum.unreachable[why] += cells.get<std::uint64_t>();
}

using CauseKey = std::tuple<Rule, State, std::string>;

void add_cause(std::map<CauseKey, Cause>& causes, Cause cause) {
  const auto [place, fresh] = causes.try_emplace({cause.verdict.rule, cause.state, cause.stimuli}, cause);
  if (fresh) return;
  const std::uint64_t cases = place->second.cases + cause.cases;
  if (cause.first < place->second.first) place->second = std::move(cause);
  place->second.cases = cases;
}

SweepResult joined(const std::vector<NamedResult>& shards) {
  const Json& first = shards.front().second.at("shard");
  SweepResult result{.defect = first.at("options").at("defect"),
                     .edition = edition_named(first.at("options").at("edition").get<std::string>()).value_or(kNewest)};
  for (std::size_t i = 0; i < std::size(kFailOnNames); ++i) {
    if (first.at("options").at("fail_on") == kFailOnNames[i]) result.fail_on = static_cast<FailOn>(i);
  }
  for (const Json& sum : first.at("sums")) {
    result.roads.push_back({.road = &road_of(sum), .ip = sum.at("ip"), .cells = sum.at("cells")});
  }
  std::map<CauseKey, Cause> causes;
  Deaths deaths;
  for (const auto& [file, json] : shards) {
    const Json& shard = json.at("shard");
    result.target = {.name = json.at("target"), .version = json.at("version")};
    result.wall_s += json.at("wall_s").get<double>();
    result.interrupted = result.interrupted || json.at("interrupted").get<bool>();
    for (const Json& how : json.at("deaths")) result.deaths.push_back(how);
    for (const Json& why : json.at("unwritten")) result.unwritten.push_back(why);
    for (std::size_t i = 0; i < result.roads.size(); ++i) add_sum(result.roads[i], shard.at("sums").at(i));
    for (const Json& cause : shard.at("causes")) add_cause(causes, cause_from(cause));
    for (const Json& death : shard.at("died")) {
      DeathCause one = death_from_json(death);
      one.cases = death.at("cases");
      one.file = death.at("file");
      one.replay = death.at("replay");
      one.steady = death.at("steady");
      one.listed = death.at("listed");
      deaths.add(one);
    }
  }
  for (auto& [key, cause] : causes) result.causes.push_back(std::move(cause));
  result.died = deaths.all();
  return result;
}

}  // namespace

Json sweep_shard_json(const SweepOptions& options, const SweepResult& result) {
  Json sums = Json::array(), causes = Json::array(), died = Json::array();
  for (const RoadSum& sum : result.roads) sums.push_back(sum_json(sum));
  for (const Cause& cause : result.causes) causes.push_back(cause_json(cause));
  for (const DeathCause& death : result.died) {
    Json json = to_json(death);
    json["cases"] = death.cases;
    json["file"] = death.file;
    json["replay"] = death.replay;
    json["steady"] = death.steady;
    json["listed"] = death.listed;
    died.push_back(std::move(json));
  }
  std::vector<std::string> roads;
  for (const RoadSum& sum : result.roads) {
    roads.push_back(fmt::format("{} {} {}", to_string(sum.road->state), sum.road->name, sum.ip));
  }
  return {{"index", options.shard},
          {"of", options.shards},
          {"total", result.cells()},
          {"scenarios", roads},
          {"options",
           {{"target", options.target},
            {"defect", options.own_options.defect},
            {"legal_variants", options.own_options.legal_variants},
            {"edition", to_string(options.edition)},
            {"strict", options.strict},
            {"flags", options.flags},
            {"fail_on", kFailOnNames[static_cast<std::size_t>(options.fail_on)]},
            {"one_in", options.one_in}}},
          {"sums", sums},
          {"causes", causes},
          {"died", died}};
}

SweepResult merged_sweep(const std::vector<NamedResult>& shards) {
  try {
    require_all_shards(shards);
    return joined(shards);
  } catch (const Json::exception&) {
    std::vector<std::string> files;
    for (const auto& [file, json] : shards) files.push_back(file);
    throw UnusableResult(fmt::format("{}: not what 'tcpassay sweep --shard' writes", fmt::join(files, ", ")));
  }
}

}  // namespace tcpassay
