// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "harness/check/rule_changes.h"
#include "harness/report/verdict_json.h"
#include "harness/sweep/sweep.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

std::string cut(std::string text, std::size_t columns) {
  if (text.size() <= columns || columns < 4) return text;
  text.resize(columns - 3);
  return text + "...";
}

std::uint64_t unreachable_of(const RoadSum& sum) {
  std::uint64_t all = 0;
  for (const auto& [why, count] : sum.unreachable) all += count;
  return all;
}

const char* word_of(const Cause& cause) {
  if (!cause.steady) return "not seen again";
  const bool violated = cause.verdict.kind == Verdict::Kind::kViolated;
  if (!cause.listed.empty()) return violated ? "violated, listed" : "departed, listed";
  return violated ? "violated" : "departed";
}

// One line for each road; the columns of numbers keep their width, the road's name gives way.
std::string grid_text(const SweepResult& result, const TextStyle& style) {
  constexpr std::size_t kNumbers = 13 + 3 + 6 * 10;
  std::size_t width = 4;
  for (const RoadSum& sum : result.roads) width = std::max(width, sum.road->name.size());
  const auto columns = static_cast<std::size_t>(std::max(style.columns, 60));
  width = std::min(width, columns > kNumbers + 8 ? columns - kNumbers - 2 : 8);
  std::string text = fmt::format("{:<12} {:<{}} IP {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "STATE", "ROAD", width,
                                 "VISITED", "NO WAY", "ANSWERED", "SILENT", "ENDED", "BROKEN");
  for (const RoadSum& sum : result.roads) {
    text += fmt::format("{:<12} {:<{}} {:>2} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", to_string(sum.road->state),
                        cut(std::string(sum.road->name), width), width, sum.ip, sum.visited, unreachable_of(sum),
                        sum.answered, sum.silent, sum.ended, sum.broken);
  }
  return text;
}

// What the roads of one kind have together.
struct KindSum {
  std::uint64_t roads = 0, cells = 0, visited = 0, unreachable = 0, broken = 0;
};

std::array<KindSum, kRoadKinds> kinds_of(const SweepResult& result) {
  std::array<KindSum, kRoadKinds> all{};
  for (const RoadSum& sum : result.roads) {
    KindSum& kind = all[static_cast<std::size_t>(sum.road->kind)];
    ++kind.roads;
    kind.cells += sum.cells;
    kind.visited += sum.visited;
    kind.unreachable += unreachable_of(sum);
    kind.broken += sum.broken;
  }
  return all;
}

std::string kinds_text(const SweepResult& result) {
  std::string text = fmt::format("\n{:<27} {:>5} {:>9} {:>9} {:>9} {:>9}\n", "KIND OF ROAD", "ROADS", "CELLS",
                                 "VISITED", "NO WAY", "BROKEN");
  const auto kinds = kinds_of(result);
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const KindSum& kind = kinds[i];
    if (kind.roads == 0) continue;
    text += fmt::format("{:<27} {:>5} {:>9} {:>9} {:>9} {:>9}\n", to_string(static_cast<RoadKind>(i)), kind.roads,
                        kind.cells, kind.visited, kind.unreachable, kind.broken);
  }
  return text;
}

Json kinds_json(const SweepResult& result) {
  Json all = Json::array();
  const auto kinds = kinds_of(result);
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const KindSum& kind = kinds[i];
    if (kind.roads == 0) continue;
    all.push_back({{"kind", to_string(static_cast<RoadKind>(i))},
                   {"roads", kind.roads},
                   {"cells", kind.cells},
                   {"visited", kind.visited},
                   {"unreachable", kind.unreachable},
                   {"broken", kind.broken}});
  }
  return all;
}

// Reasons and what they cost, over all roads.
std::map<std::string, std::uint64_t> reasons(const SweepResult& result) {
  std::map<std::string, std::uint64_t> all;
  for (const RoadSum& sum : result.roads) {
    for (const auto& [why, count] : sum.unreachable) all[why] += count;
  }
  return all;
}

std::string cause_text(const Cause& cause, const TextStyle& style) {
  const RuleInfo& rule = info(cause.verdict.rule);
  std::string text =
      wrapped(fmt::format("{} {} ({}, RFC {} section {}) in {}: {}, {} cases", to_string(rule.level), rule.id,
                          word_of(cause), rule.rfc, rule.section, to_string(cause.state), cause.stimuli, cause.cases),
              style.columns, 2) +
      "\n";
  text += wrapped("  " + std::string(rule.sentence), style.columns, 4) + "\n";
  text += wrapped(fmt::format("  first:   {}, by the road '{}' over IPv{}", cause.stimulus, cause.road, cause.ip),
                  style.columns, 11) +
          "\n";
  text += wrapped("  allowed: " + cause.verdict.allowed, style.columns, 11) + "\n";
  text += wrapped("  seen:    " + cause.verdict.seen, style.columns, 11) + "\n";
  if (!cause.listed.empty()) text += wrapped("  known:   " + cause.listed, style.columns, 11) + "\n";
  if (!cause.replay.empty()) text += "  " + cause.replay + "\n";
  return text;
}

Json road_json(const RoadSum& sum) {
  return {{"state", to_string(sum.road->state)},
          {"road", sum.road->name},
          {"kind", to_string(sum.road->kind)},
          {"ip", sum.ip},
          {"total", sum.cells},
          {"visited", sum.visited},
          {"unreachable", unreachable_of(sum)},
          {"answered", sum.answered},
          {"silent", sum.silent},
          {"ended", sum.ended},
          {"broken", sum.broken},
          {"inconclusive", sum.inconclusive},
          {"unsteady", sum.unsteady}};
}

// "state" is where the road leads; "judged_in" is where the target was when it broke the rule.
Json cause_json(const Cause& cause) {
  Json json = brief_json(cause.verdict);
  json["standing"] = to_string(cause.verdict.kind);
  json["judged_in"] = cause.verdict.state;
  json["state"] = to_string(cause.state);
  json["stimuli"] = cause.stimuli;
  json["cases"] = cause.cases;
  json["stimulus"] = cause.stimulus;
  json["road"] = cause.road;
  json["ip"] = cause.ip;
  json["steady"] = cause.steady;
  json["listed"] = !cause.listed.empty();
  json["known"] = cause.listed;
  json["file"] = cause.file;
  json["replay"] = cause.replay;
  return json;
}

}  // namespace

std::string sweep_text(const SweepResult& result, const TextStyle& style) {
  std::string text = grid_text(result, style) + kinds_text(result);
  const auto no_way = reasons(result);
  if (!no_way.empty()) text += "\nNO WAY: what could not be asked\n";
  for (const auto& [why, count] : no_way)
    text += wrapped(fmt::format("{:>9}  {}", count, why), style.columns, 11) + "\n";
  std::uint64_t inconclusive = 0, unsteady = 0;
  for (const RoadSum& sum : result.roads) {
    inconclusive += sum.inconclusive;
    unsteady += sum.unsteady;
  }
  if (unsteady > 0) text += fmt::format("{:>9}  broke a rule once and not when they were asked again\n", unsteady);
  if (inconclusive > 0) text += fmt::format("{:>9}  visited, but a limit of the judge was reached\n", inconclusive);
  std::size_t listed = 0;
  for (const Cause& cause : result.causes) {
    text += "\n" + cause_text(cause, style);
    listed += !cause.listed.empty();
  }
  text += deaths_text(result.died, style);
  text += fmt::format("\n{} causes, {} of them listed\n", result.causes.size(), listed);
  if (!result.died.empty()) text += fmt::format("the implementation died in {} ways\n", result.died.size());
  const std::string plant = result.defect.empty() ? "" : " with " + result.defect;
  text +=
      fmt::format("{} {}{}: {} of {} cells visited, {} with no way, {:.2f} s, {:.0f} cases/s{}\n", result.target.name,
                  result.target.version, plant, result.visited(), result.cells(), result.unreachable(), result.wall_s,
                  result.cases_per_s(), result.interrupted ? "; interrupted" : "");
  for (const std::string& how : result.deaths) {
    text += fmt::format("a process with its target died by {}; what was left of its cells is missing\n", how);
  }
  for (const std::string& why : result.unwritten) text += fmt::format("a finding is not written: {}\n", why);
  return text + result.conclusion() + "\n";
}

std::string sweep_json(const SweepResult& result) {
  return sweep_json(result, nullptr);
}

std::string sweep_json(const SweepResult& result, const Json& shard) {
  Json grid = Json::array(), unreachable = Json::array(), violations = Json::array();
  for (const RoadSum& sum : result.roads) {
    grid.push_back(road_json(sum));
    for (const auto& [why, count] : sum.unreachable) {
      unreachable.push_back({{"state", to_string(sum.road->state)},
                             {"road", sum.road->name},
                             {"ip", sum.ip},
                             {"why", why},
                             {"cells", count}});
    }
  }
  for (const Cause& cause : result.causes) violations.push_back(cause_json(cause));
  Json json{
      {"target", result.target.name},
      {"version", result.target.version},
      {"ruleset", to_string(result.edition)},
      {"catalogue", catalogue_json()},
      {"cells", {{"total", result.cells()}, {"visited", result.visited()}, {"unreachable", result.unreachable()}}},
      {"cases", result.visited()},
      {"cases_per_s", result.cases_per_s()},
      {"wall_s", result.wall_s},
      {"interrupted", result.interrupted},
      {"conclusion", result.conclusion()},
      {"deaths", result.deaths},
      {"died", deaths_json(result.died)},
      {"unwritten", result.unwritten},
      {"kinds", kinds_json(result)},
      {"grid", grid},
      {"unreachable", unreachable},
      {"violations", violations}};
  if (!shard.is_null()) json["shard"] = shard;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tcpassay
