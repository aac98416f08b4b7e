// SPDX-License-Identifier: Apache-2.0
// tcpassay zoo, the mutation test; and tcpassay sharpness, the mutation sensitivity
#include <CLI/App.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/base/processes.h"
#include "harness/check/corpus.h"
#include "harness/check/selection.h"
#include "harness/cli/verbs.h"
#include "harness/mutation/by_corpus.h"
#include "harness/mutation/by_sweep.h"
#include "harness/mutation/of_histories.h"
#include "harness/mutation/of_segments.h"

namespace tcpassay {
namespace {

std::vector<ScenarioFile> scenarios_of(const CliOptions& cli) {
  const auto all = read_scenarios(cli.paths.empty() ? std::vector{corpus_folder(cli)} : cli.paths);
  const auto empty = [](const ScenarioFile& file) { return file.scenario.steps.empty(); };
  if (std::all_of(all.begin(), all.end(), empty)) throw UsageError(all.front().path + ": nothing is in it");
  return selected(all, selection_of(cli));
}

int run_sweep_mutation_test(const CliOptions& cli) {
  SweepMutationOptions options{.defects = cli.defects};
  if (cli.jobs != 0) options.jobs = cli.jobs;
  options.progress = progress_line();
  const Interrupt interrupt;  // what was found so far is reported
  const auto fates = sweep_mutation_test(options);
  end_progress();
  print(cli.format == "json" ? sweep_mutation_json(fates) : sweep_mutation_text(fates, style_of_stdout()));
  const bool all = std::all_of(fates.begin(), fates.end(), [](const SweepDefectFate& fate) { return fate.caught; });
  if (!all) return 1;
  return Interrupt::interrupted() || fates.empty() ? 2 : 0;
}

}  // namespace

void mutation_test_options(CLI::App& app, CliOptions& cli) {
  add_format_option(app, cli, {"text", "json"});
  add_corpus_option(app, cli);
  app.add_option("--defect", cli.defects, "plant only these defects, separated by commas, and play no legal variants")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_flag("--pairs,!--no-pairs", cli.pairs,
               "play every pair of legal variants too, not only each alone and many at once");
  app.add_flag("--both-ip", cli.both_ip, "play the pairs over IPv6, too");
  app.add_option("--rtt", cli.rtt_ms, "play the legal variants at this round trip (milliseconds), and plant no defects")
      ->check(CLI::Range(1, 60'000))
      ->excludes("--defect");
  app.add_flag("--sweep", cli.by_sweep,
               "look for the defects of SEGMENT ARRIVES with the sweep instead of the scenarios");
  add_selection_options(app, cli);
  app.add_flag("--list", cli.list, "print the chosen scenarios, and play none");
  app.add_flag(
      "--covers", cli.covers,
      "list by rule the lines 'covers:' that no defect proves, and the defects that strike elsewhere only; play "
      "no legal variants");
  add_jobs_option(app, cli, "threads; if not given, 2");
  add_corpus_paths(app, cli);
}

int run_mutation_test(const CliOptions& cli) {
  if (std::find(cli.defects.begin(), cli.defects.end(), "") != cli.defects.end()) throw UsageError("--defect: no name");
  if (cli.by_sweep && (cli.list || !cli.paths.empty() || !selection_of(cli).empty())) {
    throw UsageError("--sweep plays cells instead of scenarios, so there are none to choose");
  }
  if (cli.by_sweep) return run_sweep_mutation_test(cli);
  if (cli.list) {
    const auto chosen = scenarios_of(cli);
    const bool json = cli.format == "json";
    print(json ? scenario_list_json(chosen).dump(2) + "\n" : scenario_list_text(chosen, style_of_stdout().columns));
    return 0;
  }
  MutationTestOptions options{
      .defects = cli.defects, .legal_variants = cli.defects.empty() && !cli.covers, .pairs = cli.pairs};
  options.plant = cli.rtt_ms == 0;
  options.pairs_over_both = cli.both_ip;
  options.round_trip = std::chrono::milliseconds(cli.rtt_ms);
  if (cli.jobs != 0) options.jobs = cli.jobs;
  const auto scenarios = scenarios_of(cli);
  options.progress = progress_line();
  const Interrupt interrupt;
  const MutationTestResult result = mutation_test(scenarios, options);
  end_progress();
  const std::string text = cli.covers ? covers_text(result, style_of_stdout()) : "";
  print(cli.format == "json" ? mutation_json(result) : text + mutation_text(result, style_of_stdout()));
  return result.exit_status();
}

void sensitivity_options(CLI::App& app, CliOptions& cli) {
  add_format_option(app, cli, {"text", "json"});
  add_corpus_option(app, cli);
  app.add_option("--samples", cli.samples, "how many segments to alter, and how many histories")
      ->check(CLI::Range(std::size_t{1}, std::size_t{10'000'000}))
      ->capture_default_str();
  app.add_option("--seed", cli.seed, "the seed that chooses the segments and their alterations")
      ->check(whole_number(0))
      ->capture_default_str();
  app.add_option("--history", cli.histories,
                 "make only these edits of histories, separated by commas, and alter no segments")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--survivors", cli.survivors,
                 "a folder: each edited history that the judge accepts is written there, to be judged again");
  add_corpus_paths(app, cli);
}

int run_sensitivity(const CliOptions& cli) {
  const bool json = cli.format == "json";
  const auto scenarios = scenarios_of(cli);
  HistoryOptions histories{
      .samples = cli.samples, .seed = cli.seed, .classes = cli.histories, .survivors = cli.survivors};
  histories.progress = progress_line();
  const Interrupt interrupt;  // what was found so far is reported
  std::string text;
  std::size_t samples = 0;
  if (cli.histories.empty()) {
    SensitivityOptions options{.samples = cli.samples, .seed = cli.seed};
    options.progress = progress_line();
    const SensitivityResult result = mutation_sensitivity(scenarios, options);
    samples = result.samples();
    text = json ? sensitivity_json(result) : sensitivity_text(result, style_of_stdout()) + "\n";
  }
  const HistoryResult result = history_sensitivity(scenarios, histories);
  end_progress();
  for (const auto& row : result.rows) samples += row.samples;
  print(json ? with_histories(text, result) : text + history_text(result, style_of_stdout()));
  if (samples == 0 && !Interrupt::interrupted()) throw UsageError("nothing in these scenarios could be altered");
  return Interrupt::interrupted() ? 2 : 0;
}

}  // namespace tcpassay
