// SPDX-License-Identifier: Apache-2.0
// tcpassay check
#include "harness/check/check.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "harness/base/processes.h"
#include "harness/check/deviations_diff.h"
#include "harness/check/matrix.h"
#include "harness/check/report.h"
#include "harness/cli/recordings.h"
#include "harness/cli/verbs.h"
#include "harness/offline/annotate.h"
#include "harness/site/check_site.h"
#include "harness/site/html.h"
#include "harness/site/played_list.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

std::string report(const CheckResult& result, const std::string& format) {
  if (format == "json") return check_json(result);
  if (format == "junit") return check_junit(result);
  return check_text(result, style_of_stdout());
}

std::string deviations_folder(const CliOptions& cli) {
  if (cli.deviations.empty()) return (fs::path(corpus_folder(cli)) / "deviations").string();
  if (!fs::is_directory(cli.deviations)) throw UsageError(cli.deviations + ": no such folder");
  return cli.deviations;
}

// Those that concern the IP versions over which the scenarios are played.
std::vector<Deviation> deviations_of(const CliOptions& cli, const std::vector<std::uint8_t>& versions) {
  auto deviations = read_deviations(deviations_folder(cli), target_name(cli), false, cli.rtt_ms > 0);
  std::erase_if(deviations, [&](const Deviation& deviation) {
    return deviation.ip != 0 && std::find(versions.begin(), versions.end(), deviation.ip) == versions.end();
  });
  return deviations;
}

// The run of the one target that `cli` names. `played` hears of each scenario.
CheckResult check_one(const CliOptions& cli, PlayedList& played) {
  const auto versions = ip_versions_of(cli);
  const CheckOptions options{.target = cli.target,
                             .defect = cli.defect,
                             .legal_variants = cli.legal_variants,
                             .edition = edition_of(cli),
                             .strict = cli.strict,
                             .round_trip = std::chrono::milliseconds(cli.rtt_ms),
                             .manner = manner_of(cli),
                             .oracle_only = cli.oracle_only,
                             .pcap_folder = cli.pcap,
                             .deviations = deviations_of(cli, versions),
                             .listed_deaths = read_listed_deaths(deviations_folder(cli), target_name(cli)),
                             .whole = cli.paths.empty() && cli.suite.empty() && cli.rtt_ms == 0,
                             .jobs = jobs_of(cli),
                             .judged = [&](const auto& file, const auto& trace) { played.add(file, trace); },
                             .progress = progress_line()};
  const auto paths = cli.paths.empty() ? std::vector{corpus_folder(cli)} : cli.paths;
  const auto scenarios = over_ip(read_scenarios(paths, cli.suite, cli.defines), versions);
  CheckResult result = check(scenarios, options);
  end_progress();
  if (!cli.pcap.empty()) annotate_runs(cli.pcap, options.edition, options.strict);
  if (versions.front() == 6 && !result.target.can(Ability::kIpv6)) {
    throw UsageError(
        fmt::format("{} has no IPv6 here (if the kernel lacks it: boot without ipv6.disable=1)", result.target.name));
  }
  return result;
}

// What the HTML report of a run needs: its JSON, and the captures that were written meanwhile.
SiteRun site_run(const CheckResult& result, const PlayedList& played, const CliOptions& cli) {
  const std::string name = cli.target.starts_with("own:") ? cli.target : target_name(cli);
  SiteRun run{.name = name, .json = nlohmann::ordered_json::parse(check_json(result)), .recordings = cli.pcap};
  run.json["strict"] = cli.strict;
  played.complete(run.json);
  return run;
}

int write_html(const CliOptions& cli, std::vector<SiteRun> runs, const std::string& conclusion, int status) {
  write_check_site(cli.output, std::move(runs), progress_line());
  end_progress();
  print(fmt::format("{}\nthe report is {}\n", conclusion, (fs::path(cli.output) / "index.html").string()));
  return status;
}

// A target that this machine does not have leaves a line in the matrix, and the others are tested all the same.
int check_several(const CliOptions& cli, const std::vector<std::string>& names) {
  if (cli.format == "junit" || cli.update_deviations)
    throw UsageError("--format junit and --update-deviations take one target");
  std::vector<MatrixRun> runs;
  std::vector<SiteRun> pages;
  for (const std::string& name : names) {
    if (Interrupt::interrupted()) break;
    CliOptions one = cli;
    one.target = name;
    const std::string folder = cli.format == "html" ? file_name_of(name) : target_name(one);
    if (!cli.pcap.empty()) one.pcap = (fs::path(cli.pcap) / folder).string();
    MatrixRun& run = runs.emplace_back(MatrixRun{.target = name});
    try {
      PlayedList played;
      run.result = check_one(one, played);
      if (cli.format == "html") pages.push_back(site_run(run.result, played, one));
    } catch (const TargetError& error) {
      end_progress();
      run.failure = error.what();
    } catch (const UsageError& error) {
      run.failure = error.what();
    }
    if (!run.failure.empty()) pages.push_back({.name = name, .json = {{"target", name}, {"failure", run.failure}}});
  }
  if (cli.format == "html") {
    return write_html(cli, std::move(pages), matrix_text(runs, cli.all_rows, style_of_stdout()), exit_status_of(runs));
  }
  print(cli.format == "json" ? matrix_json(runs) : matrix_text(runs, cli.all_rows, style_of_stdout()));
  return exit_status_of(runs);
}

}  // namespace

void check_options(CLI::App& app, CliOptions& cli) {
  add_target_options(app, cli);
  add_ip_option(app, cli, {"4", "6", "both"});
  add_ruleset_option(app, cli);
  add_strict_option(app, cli);
  add_format_option(app, cli, {"text", "json", "junit", "html"});
  add_html_output_option(app, cli);
  add_define_option(app, cli);
  add_oracle_only_option(app, cli);
  add_rtt_option(app, cli);
  add_corpus_option(app, cli);
  app.add_option("--suite,-s", cli.suite, "play only the scenarios of this suite or folder");
  app.add_option("--deviations", cli.deviations,
                 "the folder with the files of known deviations, TARGET.txt; if not given, the corpus's");
  app.add_flag("--update-deviations", cli.update_deviations,
               "print a diff of the target's file of deviations instead of the report (git apply --unidiff-zero)");
  app.add_flag("--all-rows", cli.all_rows, "of several targets, show the rules on which they agree too");
  app.add_option("--pcap", cli.pcap, "write a capture of each scenario to this folder");
  add_jobs_option(
      app, cli,
      "processes, each with its own target; if not given, 1 for own, 16 for the kernel, else one for each processor");
  add_corpus_paths(app, cli);
}

int run_check(const CliOptions& options) {
  const Interrupt interrupt;  // what was played so far is reported
  const Recordings recordings(options);
  const CliOptions cli = recordings.recorded(options);
  const auto names = target_list(cli.target);
  if (names.size() > 1) return check_several(cli, names);
  PlayedList played;
  const CheckResult result = check_one(cli, played);
  if (cli.update_deviations) {
    print(deviations_diff(result, (fs::path(deviations_folder(cli)) / (target_name(cli) + ".txt")).string()));
    return result.exit_status();
  }
  if (cli.format == "html") {
    const std::string conclusion =
        fmt::format("{} {}: {}", result.target.name, result.target.version, result.conclusion());
    return write_html(cli, {site_run(result, played, cli)}, conclusion, result.exit_status());
  }
  print(report(result, cli.format));
  return result.exit_status();
}

}  // namespace tcpassay
