// SPDX-License-Identifier: Apache-2.0
// tcpassay check
#include "harness/check/check.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>

#include "harness/base/processes.h"
#include "harness/check/report.h"
#include "harness/cli/verbs.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

std::string report(const CheckResult& result, const std::string& format) {
  if (format == "json") return check_json(result);
  if (format == "junit") return check_junit(result);
  return check_text(result, style_of_stdout());
}

// Those that concern the IP versions over which the scenarios are played.
std::vector<Deviation> deviations_of(const CliOptions& cli, const std::vector<std::uint8_t>& versions) {
  auto deviations =
      read_deviations((fs::path(corpus_folder(cli)) / "deviations").string(), target_name(cli), false, cli.rtt_ms > 0);
  std::erase_if(deviations, [&](const Deviation& deviation) {
    return deviation.ip != 0 && std::find(versions.begin(), versions.end(), deviation.ip) == versions.end();
  });
  return deviations;
}

}  // namespace

void check_options(CLI::App& app, CliOptions& cli) {
  add_target_options(app, cli);
  add_ip_option(app, cli, {"4", "6", "both"});
  add_ruleset_option(app, cli);
  add_strict_option(app, cli);
  add_format_option(app, cli, {"text", "json", "junit"});
  add_define_option(app, cli);
  add_oracle_only_option(app, cli);
  add_rtt_option(app, cli);
  add_corpus_option(app, cli);
  app.add_option("--suite,-s", cli.suite, "play only the scenarios of this suite or folder");
  app.add_option("--pcap", cli.pcap, "write a capture of each scenario to this folder");
  add_jobs_option(
      app, cli,
      "processes, each with its own target; if not given, 1 for own, 16 for the kernel, else one for each processor");
  add_corpus_paths(app, cli);
}

int run_check(const CliOptions& cli) {
  const auto versions = ip_versions_of(cli);
  const CheckOptions options{
      .target = cli.target,
      .defect = cli.defect,
      .legal_variants = cli.legal_variants,
      .edition = edition_of(cli),
      .strict = cli.strict,
      .round_trip = std::chrono::milliseconds(cli.rtt_ms),
      .manner = manner_of(cli),
      .oracle_only = cli.oracle_only,
      .pcap_folder = cli.pcap,
      .deviations = deviations_of(cli, versions),
      .listed_deaths = read_listed_deaths((fs::path(corpus_folder(cli)) / "deviations").string(), target_name(cli)),
      .whole = cli.paths.empty() && cli.suite.empty() && cli.rtt_ms == 0,
      .jobs = jobs_of(cli),
      .progress = progress_line()};
  const auto paths = cli.paths.empty() ? std::vector{corpus_folder(cli)} : cli.paths;
  const auto scenarios = over_ip(read_scenarios(paths, cli.suite, cli.defines), versions);
  const Interrupt interrupt;  // what was played so far is reported
  const CheckResult result = check(scenarios, options);
  end_progress();
  if (versions.front() == 6 && !result.target.can(Ability::kIpv6)) {
    throw UsageError(
        fmt::format("{} has no IPv6 here (if the kernel lacks it: boot without ipv6.disable=1)", result.target.name));
  }
  print(report(result, cli.format));
  return result.exit_status();
}

}  // namespace tcpassay
