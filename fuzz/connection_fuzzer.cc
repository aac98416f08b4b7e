// SPDX-License-Identifier: Apache-2.0
// libFuzzer on the own stack with the oracle as its judge. TCPASSAY_PLANT names a defect to plant, TCPASSAY_FINDINGS
// the folder for what is found (./findings). A finding is written as a script, and the process aborts as libFuzzer
// wants it.
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "fuzz/finding.h"
#include "fuzz/scenario_bytes.h"
#include "harness/check.h"
#include "harness/script.h"
#include "harness/session.h"
#include "harness/targets.h"

namespace {

using namespace tcpassay;

// Each transition the judge accepts counts as coverage, beside the code that was run.
[[gnu::section("__libfuzzer_extra_counters"), gnu::used]] std::uint8_t transitions[Oracle::kTransitions];

std::string environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? value : otherwise;
}

struct Bench {
  std::string plant = environment("TCPASSAY_PLANT", ""), folder = environment("TCPASSAY_FINDINGS", "findings");
  std::unique_ptr<Target> target = make_target("own", plant);
  Session session{*target, {.keep_trace = false, .assertions = false, .final_wait = kDelayedAckWait}};
  BytePlay bytes{session};

  Bench() { session.oracle().watch_transitions(transitions); }

  [[noreturn]] void report(ByteView input);
};

Bench& bench() {
  static Bench instance;
  return instance;
}

// Plays the input again, recording it, makes that shorter and writes it down.
void Bench::report(ByteView input) {
  session.oracle().watch_transitions(nullptr);
  Scenario recorded;
  bytes.play(input, &recorded);
  const Verdict* found = first_finding(session.oracle());
  if (!found) {
    fmt::print(stderr, "finding: the same input was judged otherwise when it was played again; nothing is written\n");
    std::abort();
  }
  const Verdict first = *found;
  const std::string with = plant.empty() ? "" : " --plant " + plant;

  // The script, not the input, is what counts from here: it must show the finding by itself.
  const Scenario script = parse_script(print_script(recorded), "finding");
  const bool replays = play_for_finding(script, session) == first.rule;
  Scenario shortest = replays ? shrink(script, first.rule, session) : script;
  if (replays) play_for_finding(shortest, session);
  const Verdict& shown = replays ? *first_finding(session.oracle()) : first;
  shortest.about.title = std::string(info(first.rule).sentence);
  const std::string path = write_finding(shortest, shown, folder);

  fmt::print(stderr, "{}", describe(shown));
  fmt::print(stderr, "finding: {} in {} steps{}\n", info(first.rule).id, shortest.steps.size(),
             replays ? "" : ", which the script alone does not show");
  fmt::print(stderr, "finding: tcpassay run {} --target own{}\n", path, with);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) try {
  bench();
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "connection_fuzzer: {}\n", error.what());
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bench().bytes.play({data, size});
  if (first_finding(bench().session.oracle())) bench().report({data, size});
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);

// Half of the time whole records are moved about, half of the time libFuzzer has its way.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max,
                                               unsigned seed) {
  if (seed & 1) return LLVMFuzzerMutate(data, size, size_max);
  return mutate_records(data, size, size_max, seed >> 1);
}
