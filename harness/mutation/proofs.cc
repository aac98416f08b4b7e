// SPDX-License-Identifier: Apache-2.0
#include "harness/mutation/proofs.h"

#include <fmt/format.h>

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
  for (const std::string& id : expected_) {
    const auto rule = rule_by_id(id);
    const bool counted = rule && static_cast<std::size_t>(*rule) < result.counts.size();
    if (counted && result.counts[static_cast<std::size_t>(*rule)].judged > 0) {
      judged_.insert({.scenario = file.path, .rule = id, .ip = version_of(file)});
    }
  }
  for (const Verdict& verdict : result.verdicts) {
    if (verdict.consequence || verdict.kind == Verdict::Kind::kInconclusive) continue;
    const auto here = [&](Rule rule) {
      return Strike{.scenario = file.path, .rule = std::string(info(rule).id), .ip = version_of(file)};
    };
    strikes_.insert(here(verdict.rule));
    if (verdict.context) strikes_.insert(here(*verdict.context));
    for (const Rule rule : verdict.at_work) {
      if (has(expected_, std::string(info(rule).id))) applied_.insert(here(rule));
    }
  }
}

bool Strikes::in_covering_scenarios(const std::vector<ScenarioFile>& scenarios, std::uint8_t only) const {
  std::array<bool, 7> judged{}, struck{};
  for (const ScenarioFile& file : scenarios) {
    const std::uint8_t ip = version_of(file);
    if (only != 0 && ip != only) continue;
    for (const std::string& rule : file.scenario.about.covers) {
      if (!has(expected_, rule)) continue;
      const Strike here{.scenario = file.path, .rule = rule, .ip = ip};
      judged[ip] = judged[ip] || judged_.contains(here);
      struck[ip] = struck[ip] || strikes_.contains(here);
    }
  }
  return (struck[4] || struck[6]) && struck[4] >= judged[4] && struck[6] >= judged[6];
}

std::vector<std::string> Strikes::places() const {
  std::vector<std::string> all;
  for (const Strike& strike : strikes_) {
    if (has(expected_, strike.rule))
      all.push_back(fmt::format("{}: {} over IPv{}", strike.scenario, strike.rule, strike.ip));
  }
  return all;
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
    Cover cover{strike.scenario, strike.rule};
    if (!all_.contains(cover)) continue;
    if (has(strikes.expected_, strike.rule)) by_name_.insert(cover);
    proven_.insert(std::move(cover));
  }
  for (const auto& applied : strikes.applied_) {
    if (Cover cover{applied.scenario, applied.rule}; all_.contains(cover)) proven_.insert(std::move(cover));
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
