// SPDX-License-Identifier: Apache-2.0
#include "harness/check/shard.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "harness/check/check.h"
#include "harness/check/check_options.h"
#include "harness/check/check_result.h"
#include "harness/check/corpus.h"
#include "harness/check/deviations.h"
#include "harness/check/played_json.h"
#include "harness/check/player.h"
#include "harness/check/result_diff.h"
#include "harness/session/round_trip.h"
#include "harness/target/target.h"
#include "models/edition.h"
#include "models/event.h"
#include "models/rule.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

// FNV-1a, 64 bits.
std::uint64_t hash_of(std::string_view text, std::uint64_t hash = 0xcbf29ce484222325u) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

std::string name_of(const ScenarioFile& file) {
  return fmt::format("{}/{}", file.id, file.ip);
}

// Tells runs over other scenarios apart.
std::string digest_of(const std::vector<ScenarioFile>& all) {
  std::uint64_t hash = hash_of("");
  for (const ScenarioFile& file : all) hash = hash_of(name_of(file) + "\n", hash);
  return fmt::format("{:016x}", hash);
}

Json deviation_json(const Deviation& deviation) {
  Json states = Json::array();
  for (const State state : deviation.states) states.push_back(to_string(state));
  return {{"rule", info(deviation.rule).id},
          {"reason", deviation.reason},
          {"version", deviation.version},
          {"ip", deviation.ip},
          {"rtt", deviation.round_trip},
          {"sweep", deviation.sweep},
          {"states", states}};
}

Deviation deviation_from(const Json& json) {
  const auto rule = rule_by_id(json.at("rule").get<std::string>());
  if (!rule) throw UnusableResult(fmt::format("no rule is called {}", json.at("rule").get<std::string>()));
  Deviation deviation{.rule = *rule,
                      .reason = json.at("reason"),
                      .version = json.at("version"),
                      .ip = json.at("ip"),
                      .round_trip = json.at("rtt"),
                      .sweep = json.at("sweep")};
  for (const Json& state : json.at("states")) {
    if (const auto named = state_named(state.get<std::string>())) deviation.states.push_back(*named);
  }
  return deviation;
}

// All that decides what the run says, so that shards of other runs are known.
Json options_json(const CheckOptions& options) {
  Json deviations = Json::array(), deaths = Json::array();
  for (const Deviation& deviation : options.deviations) deviations.push_back(deviation_json(deviation));
  for (const ListedDeath& death : options.listed_deaths) {
    deaths.push_back({{"text", death.text}, {"reason", death.reason}});
  }
  return {{"target", options.target},
          {"defect", options.defect},
          {"legal_variants", options.legal_variants},
          {"edition", to_string(options.edition)},
          {"strict", options.strict},
          {"rtt_ms", options.round_trip.count()},
          {"manner", static_cast<int>(options.manner)},
          {"oracle_only", options.oracle_only},
          {"whole", options.whole},
          {"fail_on", kFailOnNames[static_cast<std::size_t>(options.fail_on)]},
          {"deviations", deviations},
          {"deaths", deaths},
          {"claims", options.claims ? Json(*options.claims) : Json(nullptr)}};
}

CheckOptions options_from(const Json& json) {
  CheckOptions options{.target = json.at("target"),
                       .defect = json.at("defect"),
                       .legal_variants = json.at("legal_variants").get<std::vector<std::string>>(),
                       .edition = edition_named(json.at("edition").get<std::string>()).value_or(kNewest),
                       .strict = json.at("strict"),
                       .round_trip = std::chrono::milliseconds(json.at("rtt_ms").get<int>()),
                       .manner = static_cast<PeerManner>(json.at("manner").get<int>()),
                       .oracle_only = json.at("oracle_only"),
                       .whole = json.at("whole")};
  for (std::size_t i = 0; i < std::size(kFailOnNames); ++i) {
    if (json.at("fail_on") == kFailOnNames[i]) options.fail_on = static_cast<FailOn>(i);
  }
  if (!json.at("claims").is_null()) options.claims = json.at("claims").get<std::vector<std::string>>();
  for (const Json& deviation : json.at("deviations")) options.deviations.push_back(deviation_from(deviation));
  for (const Json& death : json.at("deaths")) {
    options.listed_deaths.push_back({.text = death.at("text"), .reason = death.at("reason")});
  }
  return options;
}

// As much of a scenario as the report of a run needs.
ScenarioFile scenario_from(const Json& json) {
  ScenarioFile file{.path = json.at("path"), .ip = json.at("ip"), .id = json.at("id")};
  file.scenario.about.title = json.at("title");
  file.scenario.about.covers = json.at("covers").get<std::vector<std::string>>();
  file.scenario.options = json.at("options").get<std::vector<std::string>>();
  file.scenario.steps.resize(json.at("steps").get<std::size_t>());
  return file;
}

std::size_t number_of(const Json& shard, const char* key) {
  return shard.at("shard").at(key).get<std::size_t>();
}

CheckResult merged_unchecked(const std::vector<NamedResult>& shards) {
  std::map<std::size_t, const Json*> records;  // by their number in the whole run
  CheckResult result;
  double wall_s = 0;
  for (const auto& [file, json] : shards) {
    const Json& shard = json.at("shard");
    const Identity identity = identity_from_json(shard.at("identity"));
    if (!identity.name.empty()) result.target = identity;  // a shard without scenarios made no target
    for (const Json& record : shard.at("records")) records[record.at("number")] = &record;
    for (const Json& one : json.at("unsteady")) {
      result.unsteady.push_back(
          {.scenario = one.at("scenario"), .rule = rule_by_id(one.at("rule").get<std::string>()).value_or(Rule{})});
    }
    wall_s += json.at("wall_s").get<double>();
  }
  std::vector<ScenarioFile> scenarios;
  std::vector<Played> played;
  for (const auto& [number, record] : records) {
    if (number != scenarios.size()) throw UnusableResult(fmt::format("scenario {} of the run is missing", number));
    scenarios.push_back(scenario_from(*record));
    played.push_back(played_from_json(record->at("played")));
  }
  const Json& first = shards.front().second.at("shard");
  if (scenarios.size() != first.at("total").get<std::size_t>())
    throw UnusableResult("scenarios of the run are missing");
  conclude(scenarios, options_from(first.at("options")), played, result);
  result.wall_s = wall_s;
  return result;
}

}  // namespace

Shard shard_named(const std::string& word) {
  Shard shard{.index = 0};
  const auto slash = word.find('/');
  const char *const begin = word.data(), *const end = begin + word.size();
  if (slash != std::string::npos) {
    const auto index = std::from_chars(begin, begin + slash, shard.index);
    const auto of = std::from_chars(begin + slash + 1, end, shard.of);
    if (index.ptr != begin + slash || of.ptr != end || of.ec != std::errc()) shard.index = 0;
  }
  if (shard.index == 0 || shard.index > shard.of || shard.of > kShardsMax) {
    throw std::runtime_error(fmt::format("--shard {}: expected I/N, such as 2/8, with N up to {}", word, kShardsMax));
  }
  return shard;
}

std::size_t shard_of(const std::string& name, std::size_t of) {
  std::uint64_t hash = hash_of(name);
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdu;  // spreads the last character over all bits
  return static_cast<std::size_t>((hash ^ (hash >> 33)) % of) + 1;
}

std::vector<ScenarioFile> in_shard(const std::vector<ScenarioFile>& all, const Shard& shard) {
  std::vector<ScenarioFile> chosen;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (shard_of(name_of(all[i]), shard.of) != shard.index) continue;
    chosen.push_back(all[i]);
    chosen.back().number = i;
  }
  return chosen;
}

Json record_json(const ScenarioFile& file, const Played& played) {
  return {{"number", file.number},
          {"id", file.id},
          {"path", file.path},
          {"title", file.scenario.about.title},
          {"ip", file.ip},
          {"covers", file.scenario.about.covers},
          {"options", file.scenario.options},
          {"steps", file.scenario.steps.size()},
          {"played", to_json(played)}};
}

Json shard_json(const Shard& shard, const std::vector<ScenarioFile>& all, const CheckOptions& options,
                const CheckResult& result, Json records) {
  return {{"index", shard.index},
          {"of", shard.of},
          {"total", all.size()},
          {"scenarios", digest_of(all)},
          {"options", options_json(options)},
          {"identity", to_json(result.target)},
          {"records", std::move(records)}};
}

void require_all_shards(const std::vector<NamedResult>& shards) {
  std::map<std::size_t, std::string> seen;
  const auto& [first_file, first] = shards.front();
  for (const auto& [file, json] : shards) {
    if (!json.contains("shard")) throw UnusableResult(file + ": not written with --shard and --format json");
    if (json.at("version") != first.at("version") || json.at("catalogue") != first.at("catalogue")) {
      throw UnusableResult(fmt::format("{} and {}: written by different versions", first_file, file));
    }
    for (const char* key : {"of", "total", "scenarios", "options"}) {
      if (json.at("shard").at(key) == first.at("shard").at(key)) continue;
      throw UnusableResult(fmt::format("{} and {}: shards of different runs ({} differ)", first_file, file,
                                       std::string(key) == "of" ? "the numbers of shards" : key));
    }
    const std::size_t index = number_of(json, "index"), of = number_of(json, "of");
    if (index == 0 || index > of || of > kShardsMax) throw UnusableResult(file + ": no such shard");
    const auto [place, fresh] = seen.emplace(index, file);
    if (!fresh) throw UnusableResult(fmt::format("shard {}/{} is in {} and in {}", index, of, place->second, file));
  }
  std::vector<std::string> missing;
  const std::size_t of = number_of(first, "of");
  for (std::size_t i = 1; i <= of; ++i) {
    if (!seen.contains(i)) missing.push_back(fmt::format("{}/{}", i, of));
  }
  if (!missing.empty()) throw UnusableResult(fmt::format("missing: shard {}", fmt::join(missing, ", ")));
}

CheckResult merged(const std::vector<NamedResult>& shards) {
  try {
    require_all_shards(shards);
    return merged_unchecked(shards);
  } catch (const Json::exception&) {
    std::vector<std::string> files;
    for (const auto& [file, json] : shards) files.push_back(file);
    throw UnusableResult(fmt::format("{}: not what 'tcpassay check --shard' writes", fmt::join(files, ", ")));
  }
}

}  // namespace tcpassay
