// SPDX-License-Identifier: Apache-2.0
// tcpassay sweep
#include "harness/sweep/sweep.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "harness/base/text.h"
#include "harness/check/check.h"
#include "harness/check/corpus.h"
#include "harness/check/deviations.h"
#include "harness/check/matrix.h"
#include "harness/check/shard.h"
#include "harness/cli/options.h"
#include "harness/cli/recordings.h"
#include "harness/cli/verbs.h"
#include "harness/site/check_report.h"
#include "harness/site/findings_site.h"
#include "harness/site/html.h"
#include "harness/sweep/grid.h"
#include "harness/sweep/sweep_shard.h"
#include "models/event.h"

namespace tcpassay {
namespace {

State state_of(const std::string& word) {
  if (const auto state = state_named(word)) return *state;
  std::vector<std::string_view> known;
  for (int i = 0; i < kStates; ++i) known.emplace_back(to_string(static_cast<State>(i)));
  throw UsageError(fmt::format("--state {}: no such state; known are {}", word, fmt::join(known, ", ")));
}

std::uint8_t flags_of(const std::string& word) {
  if (const auto flags = flags_named(word)) return *flags;
  throw UsageError(
      fmt::format("--flags {}: expected names of control bits as SYN+ACK, or letters of FSRPUA, or none", word));
}

}  // namespace

void sweep_options(CLI::App& app, CliOptions& cli) {
  add_target_options(app, cli, true);
  add_ip_option(app, cli, {"4", "6", "both"});
  add_ruleset_option(app, cli);
  add_strict_option(app, cli);
  add_format_option(app, cli, {"text", "json", "html"});
  add_html_output_option(app, cli);
  add_corpus_option(app, cli);
  app.add_option("--state", cli.states, "test only these states, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--road", cli.road, "use only roads (ways into a state) whose name contains this: 'simultaneous'");
  app.add_option("--flags", cli.flags, "send only these sets of control bits, for example SYN+ACK,FA,R,none")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--one-in", cli.one_in, "with N, play only every Nth cell, spread over the grid")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--findings", cli.findings, "the folder to which a script for each cause is written")
      ->capture_default_str();
  add_fail_on_option(
      app, cli,
      "what makes the exit status 1: a MUST that is broken, a SHOULD that is not followed too, or no finding");
  add_deviations_option(app, cli);
  add_shard_option(app, cli);
  add_quiet_option(app, cli);
  add_jobs_option(app, cli, "processes, each with its own target; if not given, one for each processor");
}

namespace {

SweepOptions sweep_options_of(const CliOptions& cli) {
  SweepOptions options{.target = cli.target,
                       .own_options = {.defect = cli.defect, .legal_variants = cli.legal_variants},
                       .edition = edition_of(cli),
                       .strict = cli.strict,
                       .ip = ip_versions_of(cli),
                       .road = cli.road,
                       .one_in = cli.one_in,
                       .findings = cli.findings};
  for (const auto& word : cli.states) options.states.push_back(state_of(word));
  for (const auto& word : cli.flags) options.flags.push_back(flags_of(word));
  options.fail_on = fail_on_of(cli);
  options.deviations = read_deviations(deviation_paths(cli), target_name(cli), {.sweep = true});
  options.listed_deaths = read_listed_deaths(deviation_paths(cli), target_name(cli));
  if (!cli.shard.empty()) {
    const Shard shard = shard_named(cli.shard);
    options.shard = shard.index;
    options.shards = shard.of;
  }
  const int processors = static_cast<int>(std::max(std::thread::hardware_concurrency(), 1u));
  options.jobs = cli.jobs != 0 ? cli.jobs : is_one_wire(cli.target) ? 1 : processors;
  if (!cli.quiet) options.progress = progress_line();
  return options;
}

SweepResult sweep_one(const CliOptions& cli) {
  SweepResult result = sweep(sweep_options_of(cli));
  if (!cli.quiet) end_progress();
  return result;
}

std::string report(const SweepResult& result, const CliOptions& cli) {
  if (cli.quiet && cli.format != "json") {
    return fmt::format("{} {}: {}\n", result.target.name, result.target.version, result.conclusion());
  }
  if (cli.format != "json") return sweep_text(result, style_of_stdout());
  if (cli.shard.empty()) return sweep_json(result);
  return sweep_json(result, sweep_shard_json(sweep_options_of(cli), result));
}

// The scripts of the causes are played once more, while captures are written, so that their pages have ladder diagrams.
SiteRun recorded_run(const SweepResult& result, const CliOptions& cli) {
  SiteRun run{.name = cli.target.starts_with("own:") ? cli.target : target_name(cli),
              .json = nlohmann::ordered_json::parse(sweep_json(result)),
              .recordings = (std::filesystem::path(cli.pcap) / file_name_of(cli.target)).string()};
  run.json["strict"] = cli.strict;
  std::vector<ScenarioFile> scripts;
  for (const Cause& cause : result.causes) {
    if (cause.file.empty()) continue;
    for (ScenarioFile& script : read_scenarios({cause.file})) {
      script.ip = cause.ip;
      scripts.push_back(std::move(script));
    }
  }
  if (scripts.empty()) return run;
  check(scripts, {.target = cli.target,
                  .defect = cli.defect,
                  .legal_variants = cli.legal_variants,
                  .edition = edition_of(cli),
                  .strict = cli.strict,
                  .pcap_folder = run.recordings,
                  .whole = false});
  return run;
}

int write_html(const CliOptions& cli, const std::vector<SiteRun>& runs, const std::string& conclusions, int status) {
  write_findings_site(cli.output, runs, progress_line());
  end_progress();
  print(fmt::format("{}the report is {}\n", conclusions, (std::filesystem::path(cli.output) / "index.html").string()));
  return status;
}

std::string conclusion_line(const SweepResult& result) {
  return fmt::format("{} {}: {}\n", result.target.name, result.target.version, result.conclusion());
}

// One after the other; of JSON {"runs":[...]}. The scripts of each target go to a folder of its own.
int sweep_several(const CliOptions& cli, const std::vector<std::string>& names) {
  if (!cli.shard.empty()) throw UsageError("--shard takes one target");
  std::string text, conclusions;
  std::vector<SiteRun> pages;
  bool violated = false, unable = false;
  for (const std::string& name : names) {
    CliOptions one = cli;
    one.target = name;
    if (!cli.findings.empty()) one.findings = (std::filesystem::path(cli.findings) / target_name(one)).string();
    const SweepResult result = sweep_one(one);
    violated = violated || result.exit_status() == 1;
    unable = unable || result.exit_status() == 2;
    if (cli.format == "html") {
      conclusions += conclusion_line(result);
      pages.push_back(recorded_run(result, one));
      continue;
    }
    const char* const between = text.empty() ? "" : cli.format == "json" ? "," : "\n";
    text += between + report(result, cli);
  }
  const int status = violated ? 1 : unable ? 2 : 0;
  if (cli.format == "html") return write_html(cli, pages, conclusions, status);
  print(cli.format == "json" ? "{\"runs\":[" + text + "]}\n" : text);
  return status;
}

}  // namespace

int run_sweep(const CliOptions& options) {
  const Recordings recordings(options);
  const CliOptions cli = recordings.recorded(options);
  const auto names = target_list(cli.target);
  if (names.size() > 1) return sweep_several(cli, names);
  const SweepResult result = sweep_one(cli);
  if (cli.format == "html")
    return write_html(cli, {recorded_run(result, cli)}, conclusion_line(result), result.exit_status());
  print(report(result, cli));
  return result.exit_status();
}

}  // namespace tcpassay
