// SPDX-License-Identifier: Apache-2.0
// tcpassay merge
#include <CLI/App.hpp>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/base/text.h"
#include "harness/base/write_file.h"
#include "harness/check/check_result.h"
#include "harness/check/report.h"
#include "harness/check/result_diff.h"
#include "harness/check/shard.h"
#include "harness/cli/options.h"
#include "harness/cli/verbs.h"
#include "harness/sweep/sweep.h"
#include "harness/sweep/sweep_shard.h"

namespace tcpassay {

void merge_options(CLI::App& app, CliOptions& cli) {
  app.add_option("--format,-f", cli.merged_format, "the output format")
      ->check(CLI::IsMember(std::vector<std::string>{"text", "json", "junit"}))
      ->capture_default_str();
  app.add_option("-o,--output", cli.output, "write to this file");
  app.add_option("FILE", cli.paths, "the results of all shards, as check or sweep wrote them with --format json")
      ->required();
}

namespace {

int tell(const std::string& text, int status, const CliOptions& cli) {
  if (cli.output.empty()) {
    print(text);
  } else {
    write_file(cli.output, text);
  }
  return status;
}

}  // namespace

int run_merge(const CliOptions& cli) {
  require_other_file(cli.output, cli.paths);
  std::vector<NamedResult> shards;
  std::size_t sweeps = 0;
  for (const std::string& file : cli.paths) {
    shards.emplace_back(file, read_result(file));
    sweeps += shards.back().second.contains("grid");
  }
  if (sweeps != 0 && sweeps != shards.size()) throw UsageError("some are results of check and some of sweep");
  if (sweeps > 0) {
    if (cli.merged_format == "junit") throw UsageError("a sweep is printed as text or json");
    const SweepResult whole = merged_sweep(shards);
    const bool json = cli.merged_format == "json";
    return tell(json ? sweep_json(whole) : sweep_text(whole, style_of_stdout()), whole.exit_status(), cli);
  }
  const CheckResult whole = merged(shards);
  const std::string text = cli.merged_format == "json"    ? check_json(whole)
                           : cli.merged_format == "junit" ? check_junit(whole)
                                                          : check_text(whole, style_of_stdout());
  return tell(text, whole.exit_status(), cli);
}

}  // namespace tcpassay
