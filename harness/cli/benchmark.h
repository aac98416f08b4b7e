// SPDX-License-Identifier: Apache-2.0
// Measures how fast connections are played on a target, with the judge and without it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "harness/target/target.h"
#include "models/edition.h"

namespace tcpassay {

struct BenchResult {
  std::string target;
  double bare_steps_per_s = 0, judged_steps_per_s = 0;  // a step is one injected segment or one user call
  double bare_connections_per_s = 0, judged_connections_per_s = 0;
  double judged_connections_per_processor_s = 0;  // the rate of a machine that does nothing else
  double overhead = 0;                            // judged time divided by bare time: the median over pairs of rounds
  std::size_t rounds = 0;
  std::size_t verdicts = 0;  // in the judged rounds; zero on a target that conforms
  int jobs = 1;              // processes that play at once, each on a target of its own: the rates are their sums
};

// Opens, uses and closes connections of six segments, in short rounds that are alternately bare and judged.
BenchResult bench(Target& target, double seconds, Edition edition = kNewest, std::uint8_t ip = 4);

// Does that in several processes, each with a target that it makes. Throws TargetError when one of them fails.
BenchResult bench_in_processes(int jobs, const std::function<std::unique_ptr<Target>()>& make, double seconds,
                               Edition edition = kNewest, std::uint8_t ip = 4);

std::string bench_text(const BenchResult& result);
std::string bench_json(const BenchResult& result);

}  // namespace tcpassay
