// SPDX-License-Identifier: Apache-2.0
// tcpassay sweep
#include "harness/sweep/sweep.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <filesystem>
#include <thread>

#include "harness/check/matrix.h"
#include "harness/cli/verbs.h"

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
  add_target_options(app, cli);
  add_ip_option(app, cli, {"4", "6", "both"});
  add_ruleset_option(app, cli);
  add_strict_option(app, cli);
  add_format_option(app, cli, {"text", "json"});
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
  add_jobs_option(app, cli, "processes, each with its own target; if not given, one for each processor");
}

namespace {

SweepResult sweep_one(const CliOptions& cli) {
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
  const std::filesystem::path corpus = corpus_folder(cli);
  options.deviations = read_deviations((corpus / "deviations").string(), target_name(cli), true);
  options.listed_deaths = read_listed_deaths((corpus / "deviations").string(), target_name(cli));
  const int processors = static_cast<int>(std::max(std::thread::hardware_concurrency(), 1u));
  options.jobs = cli.jobs != 0 ? cli.jobs : processors;
  options.progress = progress_line();
  SweepResult result = sweep(options);
  end_progress();
  return result;
}

std::string report(const SweepResult& result, const CliOptions& cli) {
  return cli.format == "json" ? sweep_json(result) : sweep_text(result, style_of_stdout());
}

// One after the other; of JSON {"runs":[...]}. The scripts of each target go to a folder of its own.
int sweep_several(const CliOptions& cli, const std::vector<std::string>& names) {
  std::string text;
  bool violated = false, unable = false;
  for (const std::string& name : names) {
    CliOptions one = cli;
    one.target = name;
    if (!cli.findings.empty()) one.findings = (std::filesystem::path(cli.findings) / target_name(one)).string();
    const SweepResult result = sweep_one(one);
    violated = violated || result.exit_status() == 1;
    unable = unable || result.exit_status() == 2;
    const char* const between = text.empty() ? "" : cli.format == "json" ? "," : "\n";
    text += between + report(result, cli);
  }
  print(cli.format == "json" ? "{\"runs\":[" + text + "]}\n" : text);
  return violated ? 1 : unable ? 2 : 0;
}

}  // namespace

int run_sweep(const CliOptions& cli) {
  const auto names = target_list(cli.target);
  if (names.size() > 1) return sweep_several(cli, names);
  const SweepResult result = sweep_one(cli);
  print(report(result, cli));
  return result.exit_status();
}

}  // namespace tcpassay
