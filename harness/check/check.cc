// SPDX-License-Identifier: Apache-2.0
#include "harness/check/check.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/processes.h"
#include "harness/check/check_options.h"
#include "harness/check/check_result.h"
#include "harness/check/claims.h"
#include "harness/check/corpus.h"
#include "harness/check/deviations.h"
#include "harness/check/player.h"
#include "harness/check/tally.h"
#include "harness/report/replay_command.h"
#include "harness/script/scenario.h"
#include "harness/session/trace.h"
#include "harness/target/target.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

ReplayOptions replay_options(const ScenarioFile& file, const CheckOptions& options) {
  return {.target = options.target,
          .defect = options.defect,
          .legal_variants = options.legal_variants,
          .round_trip = options.round_trip,
          .manner = options.manner,
          .ipv6 = chosen_ipv6(file),
          .edition = options.edition,
          .strict = options.strict};
}

// The first violation of a rule that is not listed, if the scenario has one.
std::optional<Rule> unlisted_violation(const Played& played, const CheckOptions& options) {
  for (const auto& verdict : played.result.verdicts) {
    if (verdict.kind != Verdict::Kind::kViolated || verdict.consequence) continue;
    const bool listed = std::any_of(options.deviations.begin(), options.deviations.end(),
                                    [&](const Deviation& deviation) { return deviation.rule == verdict.rule; });
    if (!listed) return verdict.rule;
  }
  return std::nullopt;
}

// On a real-time target a violation may only show that the harness or the machine was late. So each scenario with one
// is played again, while nothing else runs. A violation that does not occur again is not counted.
void confirm(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options, std::vector<Played>& played,
             CheckResult& result) {
  std::vector<std::size_t> numbers;
  std::vector<ScenarioFile> again;
  for (std::size_t i = 0; i < scenarios.size() && numbers.size() < kConfirmedMax; ++i) {
    if (!unlisted_violation(played[i], options) && played[i].mismatches.empty()) continue;
    numbers.push_back(i);
    again.push_back(scenarios[i]);
  }
  if (again.empty()) return;
  CheckOptions alone = options;
  alone.jobs = 1;
  alone.progress = {};
  std::vector<Played> second = play_all(again, alone, result.target);
  for (std::size_t k = 0; k < numbers.size(); ++k) {
    Played& first = played[numbers[k]];
    if (second[k].skipped) continue;
    first.mismatches = second[k].mismatches;
    const auto rule = unlisted_violation(first, options);
    if (!rule || unlisted_violation(second[k], options)) continue;
    result.unsteady.push_back({.scenario = again[k].path, .rule = *rule});
    first = std::move(second[k]);
  }
}

// Why a scenario was skipped may be that the target died.
void note_death(const std::string& why, const std::string& replay, const ScenarioFile& file,
                const CheckOptions& options, CheckResult& result) {
  result.deaths += why.starts_with(kTargetDied) || why == kNotPlayed;
  if (!why.starts_with(kImplementationDied)) return;
  ++result.deaths;
  Died died{.scenario = file.path, .how = why.substr(kImplementationDied.size() + 2), .replay = replay};
  for (const ListedDeath& listed : options.listed_deaths) {
    if (died.how.find(listed.text) != std::string::npos) died.listed = listed.reason;
  }
  result.died.push_back(std::move(died));
}

void add_once(std::vector<Rule>& rules, Rule rule) {
  if (std::find(rules.begin(), rules.end(), rule) == rules.end()) rules.push_back(rule);
}

ScenarioResult about(const ScenarioFile& file) {
  return {.id = file.id,
          .path = file.path,
          .title = file.scenario.about.title,
          .ip = ip_version(file.scenario).value_or(file.ip),
          .covers = file.scenario.about.covers};
}

ScenarioResult outcome_of_skipped(const ScenarioFile& file, const std::string& why, const CheckResult& result) {
  ScenarioResult one = about(file);
  one.why = why;
  one.outcome = ScenarioResult::Outcome::kSkipped;
  if (!why.starts_with(kImplementationDied)) return one;
  const bool listed = !result.died.back().listed.empty();
  one.outcome = listed ? ScenarioResult::Outcome::kListed : ScenarioResult::Outcome::kFailed;
  return one;
}

ScenarioResult outcome_of(const ScenarioFile& file, const Played& played, const CheckResult& result) {
  ScenarioResult one = about(file);
  for (const Verdict& verdict : played.result.verdicts) {
    if (verdict.consequence) continue;
    if (verdict.kind == Verdict::Kind::kViolated) add_once(one.violated, verdict.rule);
    if (verdict.kind == Verdict::Kind::kDeparted) add_once(one.departed, verdict.rule);
    if (verdict.kind == Verdict::Kind::kInconclusive) add_once(one.inconclusive, verdict.rule);
  }
  const bool unlisted =
      std::any_of(one.violated.begin(), one.violated.end(), [&](Rule rule) { return !result.is_listed(rule); });
  const bool departs =
      result.fail_on == FailOn::kShould &&
      std::any_of(one.departed.begin(), one.departed.end(), [&](Rule rule) { return !result.is_listed(rule); });
  if (unlisted || departs || !played.mismatches.empty()) {
    one.outcome = ScenarioResult::Outcome::kFailed;
  } else if (!one.violated.empty()) {
    one.outcome = ScenarioResult::Outcome::kListed;
  } else if (!one.inconclusive.empty()) {
    one.outcome = ScenarioResult::Outcome::kInconclusive;
  }
  return one;
}

}  // namespace

CheckResult check(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  if (!options.pcap_folder.empty()) fs::create_directories(options.pcap_folder);
  CheckResult result;
  std::vector<Played> played;
  if (!scenarios.empty()) played = play_all(scenarios, options, result.target);
  if (!scenarios.empty() && !result.target.can(Ability::kVirtualTime) && !Interrupt::interrupted()) {
    confirm(scenarios, options, played, result);
  }
  conclude(scenarios, options, played, result);
  result.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

void conclude(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options,
              const std::vector<Played>& played, CheckResult& result) {
  result.defect = options.defect;
  result.edition = options.edition;
  result.round_trip = options.round_trip;
  result.manner = options.manner;
  result.whole = options.whole;
  result.shard = options.shard;
  result.fail_on = options.fail_on;
  for (const auto& deviation : options.deviations) result.deviations.push_back({.deviation = deviation});
  Tally tally;
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    const ScenarioFile& file = scenarios[i];
    if (options.record) options.record(file, played[i]);
    const std::string replay = replay_command(file.path, replay_options(file, options));
    if (played[i].skipped) {
      note_death(played[i].why, replay, file, options, result);
      result.interrupted = result.interrupted || played[i].why == kInterrupted;
      tally.skip(file.path, played[i].why, file.scenario.about.covers);
      result.played.push_back(outcome_of_skipped(file, played[i].why, result));
      continue;
    }
    TraceResult trace = played[i].result;
    trace.scenario = file.path;
    trace.replay = replay;
    tally.add(trace);
    if (options.judged) options.judged(file, trace);
    for (const Mismatch& each : played[i].mismatches) {
      result.failed.push_back({.scenario = file.path, .mismatch = each});
    }
    result.played.push_back(outcome_of(file, played[i], result));
    ++result.scenarios;
    result.steps += file.scenario.steps.size();
  }
  result.whole = result.whole && result.deaths == result.died.size() && !result.interrupted;
  tally.write_to(result);
  if (options.claims) apply_claims(*options.claims, result);
}

}  // namespace tcpassay
