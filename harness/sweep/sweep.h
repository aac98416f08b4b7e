// SPDX-License-Identifier: Apache-2.0
// Asks a target every question of SEGMENT ARRIVES (RFC 9293 section 3.10.7): every state, by each of its roads, times
// every cell of the grid of segments. What is wrong is reduced to causes, each with a script that shows it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "harness/check/deviations.h"
#include "harness/check/report.h"
#include "harness/session/finding.h"
#include "harness/session/session.h"
#include "harness/sweep/deaths.h"
#include "harness/sweep/grid.h"
#include "harness/sweep/roads.h"
#include "harness/target/target.h"
#include "harness/targets/registry.h"

namespace tcpassay {

struct SweepOptions {
  std::string target = "own";
  OwnStackOptions own_options{};
  Edition edition = kNewest;
  bool strict = false;                // tolerated freedoms are failures
  std::vector<std::uint8_t> ip{4};    // versions
  std::vector<State> states{};        // only these; empty: all
  std::string road{};                 // only roads whose name contains this
  std::vector<std::uint8_t> flags{};  // only these sets of control bits; empty: all
  std::uint64_t one_in = 1;           // play one cell in about so many, spread over the grid; 1: all
  std::vector<Deviation> deviations{};
  std::vector<ListedDeath> listed_deaths{};
  FailOn fail_on = FailOn::kMust;
  std::string findings = "findings";  // the folder for a script of each cause; empty: write none
  std::size_t shard = 1, shards = 1;  // only the cases of this part of so many
  int jobs = 1;                       // processes, each with a target of its own
  std::chrono::nanoseconds lost_max = std::chrono::seconds(120);  // so much time a process may lose to deaths
  std::function<void(std::size_t done, std::size_t all, const std::string& last)> progress{};
};

// Counts the cases of one road over one IP version.
struct RoadSum {
  const Road* road = nullptr;
  std::uint8_t ip = 4;
  std::uint64_t cells = 0;  // in the grid
  std::uint64_t visited = 0;
  std::uint64_t answered = 0;  // the target sent a segment before the probe
  std::uint64_t silent = 0;    // the target sent none
  std::uint64_t ended = 0;     // the connection no longer existed at the probe; these count as answered or silent too
  std::uint64_t broken = 0;    // a rule was broken
  std::uint64_t inconclusive = 0;
  std::uint64_t unsteady = 0;                          // a rule was broken once, but not when the case was repeated
  std::map<std::string, std::uint64_t> unreachable{};  // cells that could not be played, by reason
};

// One fault: a rule that is broken, in one state, by one class of stimuli.
struct Cause {
  Verdict verdict{};    // of the case that stands for all
  State state{};        // to which the road leads
  std::string stimuli;  // the class
  std::uint64_t cases = 0;
  std::uint64_t first = 0;  // number of the case that stands for all of them
  std::uint8_t ip = 4;      // of that case, like the members below
  std::string road{}, stimulus{};
  std::string script{};  // shortened at the end of the sweep
  std::string file{}, replay{};
  bool beside = false;   // the target departs from a SHOULD on the road already
  bool steady = true;    // it occurred again when the script was played alone
  std::string listed{};  // the reason, if it is a listed deviation
};

struct SweepResult {
  Identity target;
  std::string defect;
  Edition edition = kNewest;
  std::vector<RoadSum> roads{};
  std::vector<Cause> causes{};
  double wall_s = 0;
  bool interrupted = false;
  std::vector<DeathCause> died{};     // of implementations in child processes; the sweep has gone on
  std::vector<std::string> deaths{};  // how processes died; their sums and the rest of their cells are missing
  FailOn fail_on = FailOn::kMust;
  std::vector<std::string> unwritten{};  // why scripts of findings could not be written

  std::uint64_t cells() const, visited() const, unreachable() const;
  double cases_per_s() const { return wall_s > 0 ? static_cast<double>(visited()) / wall_s : 0; }
  std::uint64_t target_deaths() const;  // cells during which the target died and was made again, and deaths
  // 0: conforms but for listed deviations; 1: a MUST is violated or the implementation died, and it is not
  // listed; 2: nothing was found, but the
  // sweep was interrupted, no cell was visited, the target died, or a finding could not be written.
  // With FailOn::kNever 0 instead of 1.
  int exit_status() const;
  std::string conclusion() const;  // in words: "conforms", whatever FailOn::kNever makes of it

 private:
  int status() const;
};

// Throws TargetError when the target cannot be made or dies too often.
SweepResult sweep(const SweepOptions& options);

std::string sweep_text(const SweepResult& result, const TextStyle& style);
std::string sweep_json(const SweepResult& result);
// With what merge needs of a shard (sweep_shard.h).
std::string sweep_json(const SweepResult& result, const nlohmann::ordered_json& shard);

}  // namespace tcpassay
