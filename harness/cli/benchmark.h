// SPDX-License-Identifier: Apache-2.0
// How fast connections are played on a target, with the judge and without.
#pragma once

#include <cstdint>
#include <string>

#include "harness/target/target.h"
#include "models/edition.h"

namespace tcpassay {

struct BenchResult {
  std::string target;
  double bare_steps_per_s = 0, judged_steps_per_s = 0;  // a step is one segment put in or one user call
  double bare_connections_per_s = 0, judged_connections_per_s = 0;
  double overhead = 0;  // time judged over time bare; the median over neighbouring rounds
  std::size_t rounds = 0;
  std::size_t verdicts = 0;  // of the judged rounds, to be zero on a target that conforms
};

// Opens, uses and closes connections of six segments, in short rounds that are bare and judged in turn.
BenchResult bench(Target& target, double seconds, Edition edition = kNewest, std::uint8_t ip = 4);

std::string bench_text(const BenchResult& result);
std::string bench_json(const BenchResult& result);

}  // namespace tcpassay
