// SPDX-License-Identifier: Apache-2.0
#include "harness/check/played_json.h"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "harness/check/player.h"
#include "harness/report/verdict_json.h"
#include "harness/session/trace.h"
#include "harness/target/target.h"
#include "models/oracle.h"
#include "models/rule.h"

namespace tcpassay {

using Json = nlohmann::ordered_json;

Json to_json(const Identity& identity) {
  Json abilities = Json::array();
  for (const Ability ability : identity.abilities) abilities.push_back(static_cast<int>(ability));
  return {{"name", identity.name}, {"version", identity.version}, {"abilities", abilities}};
}

Identity identity_from_json(const Json& json) {
  Identity identity{.name = json.at("name"), .version = json.at("version")};
  for (const int ability : json.at("abilities")) identity.abilities.push_back(static_cast<Ability>(ability));
  return identity;
}

Json to_json(const Played& played) {
  if (played.skipped) return {{"why", played.why}};
  Json verdicts = Json::array(), counts = Json::object(), traits_seen = Json::array(), mismatches = Json::array();
  Json tolerated = Json::array();
  for (const Verdict& verdict : played.result.verdicts) verdicts.push_back(to_json(verdict));
  for (const Verdict& verdict : played.result.tolerated) tolerated.push_back(to_json(verdict));
  for (std::size_t i = 0; i < played.result.counts.size(); ++i) {
    const Count& count = played.result.counts[i];
    if (count.judged + count.broken + count.taken == 0) continue;
    counts[std::string(rules()[i].id)] = {count.judged, count.broken, count.taken};
  }
  for (const auto& trait : played.result.traits) traits_seen.push_back(trait ? int{*trait} : -1);
  Json fits = Json::array();
  for (const ProfileFit& fit : played.result.profile_fits) fits.push_back({fit.connections, fit.explained});
  for (const Mismatch& mismatch : played.mismatches) {
    mismatches.push_back({mismatch.where.file, mismatch.where.line, mismatch.expected, mismatch.seen});
  }
  return {{"verdicts", verdicts},    {"tolerated", tolerated}, {"freedoms", played.result.freedoms.to_string()},
          {"counts", counts},        {"traits", traits_seen},  {"profile_fits", fits},
          {"mismatches", mismatches}};
}

Played played_from_json(const Json& json) {
  if (json.contains("why")) return {.why = json.at("why")};
  Played played{.skipped = false};
  for (const Json& verdict : json.at("verdicts")) played.result.verdicts.push_back(verdict_from_json(verdict));
  for (const Json& verdict : json.at("tolerated")) played.result.tolerated.push_back(verdict_from_json(verdict));
  played.result.freedoms = FreedomSet(json.at("freedoms").get<std::string>());
  played.result.counts.resize(rules().size());
  for (const auto& [id, row] : json.at("counts").items()) {
    const auto rule = rule_by_id(id);
    if (!rule) throw std::runtime_error("no rule is called " + id);
    played.result.counts[static_cast<std::size_t>(*rule)] = {
        .judged = row.at(0), .broken = row.at(1), .taken = row.at(2)};
  }
  for (const int value : json.at("traits")) {
    played.result.traits.push_back(value < 0 ? std::nullopt : std::optional<bool>(value != 0));
  }
  for (std::size_t i = 0; i < played.result.profile_fits.size(); ++i) {
    const Json& fit = json.at("profile_fits").at(i);
    played.result.profile_fits[i] = {.connections = fit.at(0), .explained = fit.at(1)};
  }
  for (const Json& row : json.at("mismatches")) {
    played.mismatches.push_back(
        {.where = {.file = row.at(0), .line = row.at(1)}, .expected = row.at(2), .seen = row.at(3)});
  }
  return played;
}

}  // namespace tcpassay
