// SPDX-License-Identifier: Apache-2.0
// tcpassay check
#include "harness/check/check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "harness/base/processes.h"
#include "harness/base/text.h"
#include "harness/check/check_options.h"
#include "harness/check/check_result.h"
#include "harness/check/claims.h"
#include "harness/check/corpus.h"
#include "harness/check/deviations.h"
#include "harness/check/deviations_diff.h"
#include "harness/check/matrix.h"
#include "harness/check/player.h"
#include "harness/check/report.h"
#include "harness/check/selection.h"
#include "harness/check/shard.h"
#include "harness/check/tally.h"
#include "harness/cli/options.h"
#include "harness/cli/play.h"
#include "harness/cli/recordings.h"
#include "harness/cli/verbs.h"
#include "harness/offline/annotate.h"
#include "harness/site/check_report.h"
#include "harness/site/check_site.h"
#include "harness/site/html.h"
#include "harness/site/played_list.h"
#include "harness/target/target.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

std::vector<ScenarioFile> chosen_scenarios(const CliOptions& cli) {
  const auto paths = cli.paths.empty() ? std::vector{corpus_folder(cli)} : cli.paths;
  const auto all = read_scenarios(paths, "", cli.defines);
  for (const ScenarioFile& file : all) require_known_rules(file.path, file.scenario);
  return selected(all, selection_of(cli));
}

// Prints what would be played, or the rules that it is about.
int list(const CliOptions& cli) {
  if (cli.format != "text" && cli.format != "json")
    throw UsageError("--list and --list-rules are printed as text or json");
  const auto scenarios = chosen_scenarios(cli);
  const int columns = style_of_stdout().columns;
  const bool json = cli.format == "json";
  if (cli.list) {
    print(json ? scenario_list_json(scenarios).dump(2) + "\n" : scenario_list_text(scenarios, columns));
    return 0;
  }
  const auto rules = chosen_rules(scenarios, selection_of(cli));
  print(json ? rule_list_json(rules, scenarios).dump(2) + "\n" : rule_list_text(rules, scenarios, columns));
  return 0;
}

// Those that concern the IP versions over which the scenarios are played.
std::vector<Deviation> deviations_of(const CliOptions& cli, const std::vector<std::uint8_t>& versions) {
  auto deviations = read_deviations(deviation_paths(cli), target_name(cli), {.round_trip = cli.rtt_ms > 0});
  std::erase_if(deviations, [&](const Deviation& deviation) {
    return deviation.ip != 0 && std::find(versions.begin(), versions.end(), deviation.ip) == versions.end();
  });
  return deviations;
}

CheckOptions check_options_of(const CliOptions& cli) {
  const auto versions = ip_versions_of(cli);
  CheckOptions options{.target = cli.target,
                       .defect = cli.defect,
                       .legal_variants = cli.legal_variants,
                       .edition = edition_of(cli),
                       .strict = cli.strict,
                       .round_trip = std::chrono::milliseconds(cli.rtt_ms),
                       .manner = manner_of(cli),
                       .oracle_only = cli.oracle_only,
                       .pcap_folder = cli.pcap,
                       .deviations = deviations_of(cli, versions),
                       .listed_deaths = read_listed_deaths(deviation_paths(cli), target_name(cli)),
                       .fail_on = fail_on_of(cli),
                       .whole = cli.paths.empty() && selection_of(cli).empty() && cli.rtt_ms == 0,
                       .jobs = jobs_of(cli)};
  if (!cli.claims.empty()) options.claims = read_claims(cli.claims);
  if (!cli.quiet) options.progress = progress_line();
  return options;
}

// A run of one target, and what merge needs of it where it is a shard.
struct OneRun {
  CheckResult result{};
  nlohmann::ordered_json shard{};
};

// The run of the one target that `cli` names. `heard` hears of each scenario that is played.
OneRun check_one(const CliOptions& cli, PlayedList& heard) {
  const auto versions = ip_versions_of(cli);
  CheckOptions options = check_options_of(cli);
  options.judged = [&](const ScenarioFile& file, const TraceResult& trace) { heard.add(file, trace); };
  const auto all = over_ip(chosen_scenarios(cli), versions);
  OneRun run;
  if (cli.shard.empty()) {
    run.result = check(all, options);
  } else {
    const Shard shard = shard_named(cli.shard);
    CheckOptions part = options;
    part.shard = true;
    part.whole = false;
    auto records = nlohmann::ordered_json::array();
    part.record = [&](const ScenarioFile& file, const Played& played) { records.push_back(record_json(file, played)); };
    run.result = check(in_shard(all, shard), part);
    run.shard = shard_json(shard, all, options, run.result, std::move(records));
  }
  if (!cli.quiet) end_progress();
  if (!cli.pcap.empty()) annotate_runs(cli.pcap, options.edition, options.strict);
  if (versions.front() == 6 && !run.result.played.empty() && !run.result.target.can(Ability::kIpv6)) {
    throw UsageError(fmt::format("{} has no IPv6 here (if the kernel lacks it: boot without ipv6.disable=1)",
                                 run.result.target.name));
  }
  return run;
}

std::string report(const OneRun& run, const CliOptions& cli) {
  const ReportChoice choice{.all_rows = cli.all_rows,
                            .only_failed = cli.only == "failed",
                            .whole_rows = isatty(STDOUT_FILENO) == 0,
                            .quiet = cli.quiet};
  if (cli.format == "json") return check_json(run.result, choice, run.shard);
  if (cli.format == "junit") return check_junit(run.result);
  return check_text(run.result, style_of_stdout(), choice);
}

// The one file that --update-deviations is to change.
std::string deviations_file(const CliOptions& cli) {
  const auto paths = deviation_paths(cli);
  if (paths.size() > 1) throw UsageError("--update-deviations changes one file: give one --deviations");
  const fs::path path = paths.empty() ? fs::path(corpus_folder(cli)) / "deviations" : fs::path(paths.front());
  const bool file = fs::exists(path) && !fs::is_directory(path);
  return file ? path.string() : (path / (target_name(cli) + ".txt")).string();
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
  if (!cli.shard.empty()) throw UsageError("--shard takes one target");
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
      run.result = check_one(one, played).result;
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
  add_target_options(app, cli, true);
  add_ip_option(app, cli, {"4", "6", "both"});
  add_ruleset_option(app, cli);
  add_strict_option(app, cli);
  add_format_option(app, cli, {"text", "json", "junit", "html"});
  add_html_output_option(app, cli);
  add_define_option(app, cli);
  add_oracle_only_option(app, cli);
  add_rtt_option(app, cli);
  add_corpus_option(app, cli);
  add_selection_options(app, cli);
  app.add_flag("--list", cli.list, "print the chosen scenarios, with title, section, rules and needs, and play none");
  app.add_flag("--list-rules", cli.list_rules, "print the chosen rules, and play nothing");
  add_only_option(app, cli);
  add_fail_on_option(
      app, cli,
      "what makes the exit status 1: a MUST that is broken, a SHOULD that is not followed too, or no finding");
  add_quiet_option(app, cli);
  add_deviations_option(app, cli);
  app.add_option("--claims", cli.claims,
                 "a file with lines 'claims: sack timestamps ...', what the stack's author claims: it must show, and "
                 "what is not claimed is not missed");
  add_shard_option(app, cli);
  app.add_flag("--update-deviations", cli.update_deviations,
               "print a diff of the target's file of deviations instead of the report (git apply --unidiff-zero)");
  app.add_flag(
      "--all-rows", cli.all_rows,
      "of a part of the corpus, show the rules that it does not exercise too; of several targets, the rules on which "
      "they agree");
  app.add_option("--pcap", cli.pcap, "write a capture of each scenario to this folder");
  add_jobs_option(app, cli,
                  "processes, each with its own target; if not given, 1 for own, 64 for linux, 16 for linux-raw, else "
                  "one for each processor");
  add_corpus_paths(app, cli);
}

int run_check(const CliOptions& options) {
  if (options.update_deviations && options.format != "text") {
    throw UsageError("--update-deviations prints a diff, in no other format");
  }
  if (options.list || options.list_rules) return list(options);
  const Interrupt interrupt;  // what was played so far is reported
  const Recordings recordings(options);
  const CliOptions cli = recordings.recorded(options);
  const auto names = target_list(cli.target);
  if (names.size() > 1) return check_several(cli, names);
  PlayedList played;
  const OneRun run = check_one(cli, played);
  const CheckResult& result = run.result;
  if (cli.update_deviations) {
    print(deviations_diff(result, deviations_file(cli)));
    return result.exit_status();
  }
  if (cli.format == "html") {
    const std::string conclusion =
        fmt::format("{} {}: {}", result.target.name, result.target.version, result.conclusion());
    return write_html(cli, {site_run(result, played, cli)}, conclusion, result.exit_status());
  }
  print(report(run, cli));
  return result.exit_status();
}

}  // namespace tcpassay
