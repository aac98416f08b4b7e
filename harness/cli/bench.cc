// SPDX-License-Identifier: Apache-2.0
// tcpassay bench
#include <CLI/App.hpp>
#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>

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
  add_jobs_option(
      app, cli,
      "processes, each with its own target, whose rates are added; if not given, one for each processor on the "
      "kernel, as sweep has, else one");
  app.add_option("--seconds", cli.seconds, "how long to measure")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
}

static int benchmark_jobs(const CliOptions& cli) {
  if (cli.jobs != 0) return cli.jobs;
  const std::string name = target_name(cli);
  const bool kernel = name == "linux" || name == "linux-raw";
  return kernel ? static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, unsigned{kJobsMax})) : 1;
}

int run_benchmark(const CliOptions& cli) {
  auto target = make_target(cli);
  if (!target->identity().can(Ability::kPassiveOpen)) throw UsageError(cli.target + " cannot open passively");
  const Interrupt interrupt;
  const Edition edition = edition_of(cli);
  const std::uint8_t ip = ip_version_of(cli);
  const int jobs = benchmark_jobs(cli);
  if (jobs > 1) target.reset();
  const BenchResult result = jobs == 1
                                 ? bench(*target, cli.seconds, edition, ip)
                                 : bench_in_processes(jobs, [&] { return make_target(cli); }, cli.seconds, edition, ip);
  print(cli.format == "json" ? bench_json(result) : bench_text(result));
  return Interrupt::interrupted() ? 2 : 0;  // fewer rounds than were asked for
}

}  // namespace tcpassay
