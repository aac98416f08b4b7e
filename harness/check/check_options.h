// SPDX-License-Identifier: Apache-2.0
// What scenarios are played on, and how.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/check/check_result.h"
#include "harness/check/corpus.h"
#include "harness/check/deviations.h"
#include "harness/check/tally.h"
#include "harness/session/round_trip.h"
#include "models/edition.h"

namespace tcpassay {

struct Played;

struct CheckOptions {
  std::string target = "own", defect{};
  std::vector<std::string> legal_variants{};  // of the own stack
  Edition edition = kNewest;
  bool strict = false;                     // hold tolerated freedoms against the target
  std::chrono::milliseconds round_trip{};  // between peer and target; what scripts themselves say is not compared then
  PeerManner manner = PeerManner::kPrompt;
  bool oracle_only = false;   // do not compare what scripts themselves say of the target
  std::string pcap_folder{};  // write a capture of each scenario to this folder; empty: write none
  std::vector<Deviation> deviations{};
  std::vector<ListedDeath> listed_deaths{};
  std::optional<std::vector<std::string>> claims{};  // options of TCP that the stack's author claims (claims.h)
  bool shard = false;  // the scenarios are one part of a run: that none was played is no failure of this part
  FailOn fail_on = FailOn::kMust;
  bool whole = true;       // the scenarios are the whole corpus
  std::uint64_t seed = 1;  // another seed gives the own stack other initial sequence numbers
  int jobs = 1;            // processes, each with its own target; real-time targets gain, since they mostly wait
  // Called for each scenario that was played, in their order, with what was found.
  std::function<void(const ScenarioFile&, const TraceResult&)> judged{};
  // Called for each scenario in their order with what playing it has given, when that is final.
  std::function<void(const ScenarioFile&, const Played&)> record{};
  // Called after each scenario for a progress line: how many are done, how many there are, the path of the last one.
  std::function<void(std::size_t, std::size_t, const std::string&)> progress{};
};

}  // namespace tcpassay
