// SPDX-License-Identifier: Apache-2.0
// What a sweep comes to: sums over its roads, and the exit status.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "harness/check/check_result.h"
#include "harness/check/player.h"
#include "harness/sweep/deaths.h"
#include "harness/sweep/sweep.h"

namespace tcpassay {
namespace {

std::uint64_t sum_of(const std::vector<RoadSum>& roads, std::uint64_t RoadSum::* count) {
  std::uint64_t all = 0;
  for (const RoadSum& road : roads) all += road.*count;
  return all;
}

}  // namespace

std::uint64_t SweepResult::cells() const {
  return sum_of(roads, &RoadSum::cells);
}
std::uint64_t SweepResult::visited() const {
  return sum_of(roads, &RoadSum::visited);
}
std::uint64_t SweepResult::unreachable() const {
  std::uint64_t all = 0;
  for (const RoadSum& road : roads) {
    for (const auto& [why, count] : road.unreachable) all += count;
  }
  return all;
}

std::uint64_t SweepResult::target_deaths() const {
  std::uint64_t all = deaths.size();
  for (const RoadSum& road : roads) {
    for (const auto& [why, count] : road.unreachable) all += why.starts_with(kTargetDied) ? count : 0;
  }
  return all;
}

int SweepResult::exit_status() const {
  const int found = status();
  return found == 1 && fail_on == FailOn::kNever ? 0 : found;
}

int SweepResult::status() const {
  const bool violated = std::any_of(causes.begin(), causes.end(), [&](const Cause& cause) {
    const bool counts = cause.verdict.kind == Verdict::Kind::kViolated || fail_on == FailOn::kShould;
    return counts && cause.steady && cause.listed.empty();
  });
  const bool died_unlisted =
      std::any_of(died.begin(), died.end(), [](const DeathCause& death) { return death.listed.empty(); });
  if (violated || died_unlisted) return 1;
  return interrupted || visited() == 0 || target_deaths() > 0 || !unwritten.empty() ? 2 : 0;
}

std::string SweepResult::conclusion() const {
  const int found = status();
  if (found < 2) return found == 0 ? "conforms" : "does not conform";
  std::string text = "shows no conformance";
  if (interrupted) text += "; the sweep was interrupted";
  if (visited() == 0) text += "; no cell was visited";
  if (target_deaths() > 0) text += fmt::format("; the target died {} times", target_deaths());
  return text + (unwritten.empty() ? "" : "; not every finding could be written");
}

}  // namespace tcpassay
