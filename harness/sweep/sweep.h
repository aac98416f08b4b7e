// SPDX-License-Identifier: Apache-2.0
// Asks a target every question of SEGMENT ARRIVES (RFC 9293 section 3.10.7): every state, by each of its roads, times
// every cell of the grid of segments. What is wrong is reduced to causes, each with a script that shows it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "harness/check/deviations.h"
#include "harness/check/report.h"
#include "harness/session/finding.h"
#include "harness/session/session.h"
#include "harness/sweep/grid.h"
#include "harness/sweep/roads.h"
#include "harness/target/target.h"
#include "harness/targets/registry.h"

namespace tcpassay {

struct SweepOptions {
  std::string target = "own";
  OwnStackOptions own_options{};
  Edition edition = kNewest;
  std::vector<std::uint8_t> ip{4};    // versions
  std::vector<State> states{};        // only these; empty: all
  std::string road{};                 // only those whose name contains this
  std::vector<std::uint8_t> flags{};  // only these sets of control bits; empty: all
  std::uint64_t one_in = 1;           // only one cell in so many, or a few more, spread over the grid; 1: all
  std::vector<Deviation> deviations{};
  std::string findings = "findings";  // a script for each cause goes there; empty: nowhere
  int jobs = 1;                       // processes, each with a target of its own
  std::function<void(std::size_t done, std::size_t all, const std::string& last)> progress{};
};

// What was asked of one state that was reached by one road over one version of IP.
struct RoadSum {
  const Road* road = nullptr;
  std::uint8_t ip = 4;
  std::uint64_t cells = 0;  // of the grid
  std::uint64_t visited = 0;
  std::uint64_t answered = 0;  // a segment left before the probe
  std::uint64_t silent = 0;    // none left, and the probe found the connection as it must be
  std::uint64_t ended = 0;     // the connection was gone when it was probed; either of the two above, too
  std::uint64_t broken = 0;    // a rule was broken
  std::uint64_t inconclusive = 0;
  std::uint64_t unsteady = 0;                          // a rule was broken once and not when the question was put again
  std::map<std::string, std::uint64_t> unreachable{};  // by reason
};

// One thing that is wrong: a rule that is broken in a state by a class of stimuli.
struct Cause {
  Rule rule{};
  Verdict::Kind kind{};
  State state{};
  std::string stimuli;  // the class
  std::uint64_t cases = 0;
  std::uint64_t first = 0;  // the number of the case that stands for all
  std::uint8_t ip = 4;      // of that case, as what follows
  std::string road{}, stimulus{}, seen_in{}, allowed{}, seen{};
  std::string script{};  // shrunk, when the sweep is over
  std::string file{}, replay{};
  bool steady = true;    // it was seen again when the script was played alone
  std::string listed{};  // the reason for which it is accepted
};

struct SweepResult {
  Identity target;
  std::string defect;
  Edition edition = kNewest;
  std::vector<RoadSum> roads{};
  std::vector<Cause> causes{};
  double wall_s = 0;
  bool interrupted = false;

  std::uint64_t cells() const, visited() const, unreachable() const;
  double cases_per_s() const { return wall_s > 0 ? static_cast<double>(visited()) / wall_s : 0; }
  // 0: conforms but for listed deviations; 1: a MUST is violated that is not listed; 2: it was interrupted before
  // anything was found.
  int exit_status() const;
};

// Throws TargetError when the target cannot be made or dies too often.
SweepResult sweep(const SweepOptions& options);

std::string sweep_text(const SweepResult& result, const TextStyle& style);
std::string sweep_json(const SweepResult& result);

}  // namespace tcpassay
