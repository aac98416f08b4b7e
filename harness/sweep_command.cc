// SPDX-License-Identifier: Apache-2.0
// tcpassay sweep and tcpassay zoo --sweep
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "harness/sweep.h"
#include "harness/sweep_zoo.h"
#include "harness/words.h"

namespace tcpassay {
namespace {

State state_of(const std::string& word) {
  if (const auto state = state_named(word)) return *state;
  std::vector<std::string_view> known;
  for (int i = 0; i < kStates; ++i) known.emplace_back(to_string(static_cast<State>(i)));
  throw Wrong(fmt::format("--state {}: no such state; known are {}", word, fmt::join(known, ", ")));
}

std::uint8_t flags_of(const std::string& word) {
  if (const auto flags = flags_named(word)) return *flags;
  throw Wrong(
      fmt::format("--flags {}: expected names of control bits as SYN+ACK, or letters of FSRPUA, or none", word));
}

}  // namespace

int run_sweep(const Words& words) {
  SweepOptions options{.target = words.target,
                       .manner = {.defect = words.plant, .temperaments = words.temper},
                       .edition = edition_of(words),
                       .ip = ip_versions_of(words),
                       .road = words.road,
                       .one_in = words.one_in,
                       .findings = words.findings};
  for (const auto& word : words.states) options.states.push_back(state_of(word));
  for (const auto& word : words.flags) options.flags.push_back(flags_of(word));
  const std::filesystem::path corpus = corpus_folder(words);
  options.deviations = read_deviations((corpus / "deviations").string(), target_name(words), true);
  const int processors = static_cast<int>(std::max(std::thread::hardware_concurrency(), 1u));
  options.jobs = words.jobs != 0 ? words.jobs : processors;
  options.progress = progress_line();
  const SweepResult result = sweep(options);
  end_progress();
  print(words.format == "json" ? sweep_json(result) : sweep_text(result, paper_of_stdout()));
  return result.exit_status();
}

int run_sweep_zoo(const Words& words) {
  SweepZooOptions options{.defects = words.plants};
  if (words.jobs != 0) options.jobs = words.jobs;
  options.progress = progress_line();
  const auto fates = sweep_zoo(options);
  end_progress();
  print(words.format == "json" ? sweep_zoo_json(fates) : sweep_zoo_text(fates, paper_of_stdout()));
  const bool all = std::all_of(fates.begin(), fates.end(), [](const SweepFate& fate) { return fate.caught; });
  return all ? 0 : 1;
}

}  // namespace tcpassay
