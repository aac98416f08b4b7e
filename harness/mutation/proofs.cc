// SPDX-License-Identifier: Apache-2.0
#include "harness/mutation/proofs.h"

#include <algorithm>
#include <array>

#include "harness/check/player.h"

namespace tcpassay {
namespace {

bool has(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// The version of IP that a scenario is played over.
std::uint8_t version_of(const ScenarioFile& file) {
  return has(file.scenario.options, "--ip_version=ipv6") || chosen_ipv6(file) ? 6 : 4;
}

}  // namespace

void Strikes::add(const ScenarioFile& file, const TraceResult& result) {
  for (const Verdict& verdict : result.verdicts) {
    const std::string id(info(verdict.rule).id);
    if (verdict.consequence || verdict.kind == Verdict::Kind::kInconclusive || !has(expected_, id)) continue;
    strikes_.insert({.scenario = file.path, .rule = id, .ip = version_of(file)});
  }
}

bool Strikes::in_covering_scenarios(const std::vector<ScenarioFile>& scenarios) const {
  std::array<bool, 7> played{}, struck{};
  for (const ScenarioFile& file : scenarios) {
    const std::uint8_t ip = version_of(file);
    for (const std::string& rule : file.scenario.about.covers) {
      if (!has(expected_, rule)) continue;
      played[ip] = true;
      struck[ip] = struck[ip] || strikes_.contains({.scenario = file.path, .rule = rule, .ip = ip});
    }
  }
  return (played[4] || played[6]) && struck[4] == played[4] && struck[6] == played[6];
}

Proofs::Proofs(const std::vector<ScenarioFile>& scenarios) {
  for (const ScenarioFile& file : scenarios) {
    for (const std::string& rule : file.scenario.about.covers) {
      const auto known = rule_by_id(rule);
      if (known && info(*known).level != Level::kMay) all_.emplace(file.path, rule);
    }
  }
}

void Proofs::add(const Strikes& strikes) {
  for (const auto& strike : strikes.strikes_) {
    if (Cover cover{strike.scenario, strike.rule}; all_.contains(cover)) proven_.insert(std::move(cover));
  }
}

std::vector<std::string> Proofs::unproven() const {
  std::vector<std::string> left;
  for (const Cover& cover : all_) {
    if (!proven_.contains(cover)) left.push_back(cover.first + ": " + cover.second);
  }
  return left;
}

}  // namespace tcpassay
