// SPDX-License-Identifier: Apache-2.0
// A libFuzzer program: plays inputs on the own stack and lets the oracle judge. Each broken rule is one finding, which
// is written as a script.
//   TCPASSAY_PLANT         a defect to plant
//   TCPASSAY_FINDINGS      the folder for findings (./findings)
//   TCPASSAY_FINDINGS_MAX  abort (so that libFuzzer stops) after so many findings (1)
//   TCPASSAY_IGNORE        rules that make no finding, separated by commas
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>

#include "fuzz/scenario_bytes.h"
#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/session/finding.h"
#include "harness/session/session.h"
#include "harness/targets/registry.h"

namespace {

using namespace tcpassay;

// Each state transition that the oracle accepts counts as coverage, besides the code that was run.
[[gnu::section("__libfuzzer_extra_counters"), gnu::used]] std::uint8_t transitions[Oracle::kTransitions];

std::string environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? value : otherwise;
}

struct Bench {
  std::string plant = environment("TCPASSAY_PLANT", ""), folder = environment("TCPASSAY_FINDINGS", "findings");
  std::size_t findings_max = std::strtoul(environment("TCPASSAY_FINDINGS_MAX", "1").c_str(), nullptr, 10);
  std::unique_ptr<Target> target = make_target("own", plant);
  Session session{*target, {.keep_trace = false, .assertions = false, .final_wait = kDelayedAckWait}};
  BytePlay bytes{session};
  std::set<Rule> found;  // or ignored

  Bench() {
    session.oracle().watch_transitions(transitions);
    std::istringstream ignored(environment("TCPASSAY_IGNORE", ""));
    for (std::string id; std::getline(ignored, id, ',');) {
      const auto rule = rule_by_id(id);
      if (!rule) throw std::runtime_error("TCPASSAY_IGNORE: no rule is named " + id);
      findings_max += found.insert(*rule).second;
    }
  }

  std::string planted() const { return plant.empty() ? "" : " --plant " + plant; }
  void run(ByteView input);
  void report(ByteView input);
  void report_failure(ByteView input, const std::string& what);
};

Bench& bench() {
  static Bench instance;
  return instance;
}

void Bench::run(ByteView input) {
  try {
    bytes.play(input);
  } catch (const TargetError& error) {
    report_failure(input, error.what());
    std::abort();
  }
  const Verdict* finding = first_finding(session.oracle());
  if (!finding || !found.insert(finding->rule).second) return;
  session.oracle().watch_transitions(nullptr);
  report(input);
  session.oracle().watch_transitions(transitions);
  if (found.size() >= findings_max) std::abort();
}

// The stack never falls silent: there is no verdict, but this is a finding.
void Bench::report_failure(ByteView input, const std::string& what) {
  Scenario recorded;
  try {
    bytes.play(input, &recorded);
  } catch (const TargetError&) {
  }
  recorded.about.title = what;
  const std::string path = write_finding(recorded, "failure", folder);
  fmt::print(stderr, "finding: {}\nfinding: tcpassay run {} --target own{}\n", what, path, planted());
}

// Plays the input again as a script, shortens the script and writes it to a file.
void Bench::report(ByteView input) {
  Scenario recorded;
  bytes.play(input, &recorded);
  const Verdict* finding = first_finding(session.oracle());
  if (!finding) {
    fmt::print(stderr, "finding: the same input was judged otherwise when it was played again; nothing is written\n");
    return;
  }
  const Verdict first = *finding;

  // From here on only the script counts: it must show the finding without the input.
  const Scenario script = parse_script(print_script(recorded), "finding");
  const bool replays = play_for_finding(script, session) == first.rule;
  Scenario shortest = replays ? shrink(script, first.rule, session) : script;
  if (replays) play_for_finding(shortest, session);
  const Verdict shown = replays ? *first_finding(session.oracle()) : first;
  shortest.about.title = std::string(info(first.rule).sentence);
  const std::string path = write_finding(shortest, info(first.rule).id, folder);

  fmt::print(stderr, "{}", describe(shown));
  fmt::print(stderr, "finding: {} in {} steps\n", info(first.rule).id, shortest.steps.size());
  fmt::print(stderr, "finding: tcpassay run {} --target own{}\n", path, planted());
  if (replays) return;
  const std::string bytes_path = path + ".bin";
  std::ofstream(bytes_path, std::ios::binary)
      .write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
  fmt::print(stderr, "finding: the script alone does not show it; connection_fuzzer {} does\n", bytes_path);
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
  bench().run({data, size});
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);

// Half of the mutations change whole records, the other half are libFuzzer's own.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max,
                                               unsigned seed) {
  if (seed & 1) return LLVMFuzzerMutate(data, size, size_max);
  return mutate_records(data, size, size_max, seed >> 1);
}
