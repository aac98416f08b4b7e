// SPDX-License-Identifier: Apache-2.0
// tcpassay bench
#include <CLI/App.hpp>

#include "harness/base/processes.h"
#include "harness/cli/benchmark.h"
#include "harness/cli/play.h"
#include "harness/cli/verbs.h"

namespace tcpassay {

void benchmark_options(CLI::App& app, CliOptions& cli) {
  add_target_options(app, cli);
  add_ip_option(app, cli, {"4", "6"});
  add_ruleset_option(app, cli);
  add_format_option(app, cli, {"text", "json"});
  app.add_option("--seconds", cli.seconds, "how long to measure")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
}

int run_benchmark(const CliOptions& cli) {
  const auto target = make_target(cli);
  if (!target->identity().can(Ability::kPassiveOpen)) throw UsageError(cli.target + " cannot open passively");
  const Interrupt interrupt;
  const BenchResult result = bench(*target, cli.seconds, edition_of(cli), ip_version_of(cli));
  print(cli.format == "json" ? bench_json(result) : bench_text(result));
  return Interrupt::interrupted() ? 2 : 0;  // fewer rounds than were asked for
}

}  // namespace tcpassay
