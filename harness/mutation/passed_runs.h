// SPDX-License-Identifier: Apache-2.0
// Scenarios of the corpus played on the own stack, of which the judge has nothing to say: what tests of the judge
// alter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "harness/check/corpus.h"
#include "harness/session/trace.h"
#include "harness/target/target.h"

namespace tcpassay {

struct PassedRun {
  const ScenarioFile* file = nullptr;
  Trace trace;                         // its scenario is the path of the file
  std::vector<std::size_t> departing;  // which of its events
  std::vector<Bytes> packets;          // one for each of `departing`, but for the first ones if there were very many
  Terms terms;
  std::uint8_t ip = 4;
};

// The oracle does not see the states that the stack reports. A run in which the target sent nothing is left out.
// `scenarios` must outlive the runs.
std::deque<PassedRun> passed_runs(const std::vector<ScenarioFile>& scenarios, Target& target);

}  // namespace tcpassay
