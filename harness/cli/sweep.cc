// SPDX-License-Identifier: Apache-2.0
// tcpassay sweep and tcpassay zoo --sweep
#include "harness/sweep/sweep.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "harness/cli/options.h"
#include "harness/mutation/by_sweep.h"

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

int run_sweep(const CliOptions& cli) {
  SweepOptions options{.target = cli.target,
                       .own_options = {.defect = cli.plant, .legal_variants = cli.temper},
                       .edition = edition_of(cli),
                       .ip = ip_versions_of(cli),
                       .road = cli.road,
                       .one_in = cli.one_in,
                       .findings = cli.findings};
  for (const auto& word : cli.states) options.states.push_back(state_of(word));
  for (const auto& word : cli.flags) options.flags.push_back(flags_of(word));
  const std::filesystem::path corpus = corpus_folder(cli);
  options.deviations = read_deviations((corpus / "deviations").string(), target_name(cli), true);
  const int processors = static_cast<int>(std::max(std::thread::hardware_concurrency(), 1u));
  options.jobs = cli.jobs != 0 ? cli.jobs : processors;
  options.progress = progress_line();
  const SweepResult result = sweep(options);
  end_progress();
  print(cli.format == "json" ? sweep_json(result) : sweep_text(result, style_of_stdout()));
  return result.exit_status();
}

int run_sweep_mutation_test(const CliOptions& cli) {
  SweepMutationOptions options{.defects = cli.plants};
  if (cli.jobs != 0) options.jobs = cli.jobs;
  options.progress = progress_line();
  const auto fates = sweep_mutation_test(options);
  end_progress();
  print(cli.format == "json" ? sweep_mutation_json(fates) : sweep_mutation_text(fates, style_of_stdout()));
  const bool all = std::all_of(fates.begin(), fates.end(), [](const SweepDefectFate& fate) { return fate.caught; });
  return all ? 0 : 1;
}

}  // namespace tcpassay
