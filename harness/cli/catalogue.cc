// SPDX-License-Identifier: Apache-2.0
// tcpassay catalogue
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "harness/base/processes.h"
#include "harness/base/text.h"
#include "harness/check/check.h"
#include "harness/check/requirement_coverage.h"
#include "harness/check/times.h"
#include "harness/cli/verbs.h"

namespace tcpassay {

void catalogue_options(CLI::App& app, CliOptions& cli) {
  add_format_option(app, cli, {"text", "json"});
  add_corpus_option(app, cli);
  add_optional_target(app, cli, "play the corpus on this target and show which requirements were exercised");
  app.add_flag("--horizons", cli.horizons, "print after how long each silence is judged, and why, and nothing else");
  app.add_option(
      "--zoo", cli.kill_matrix,
      "the result of the mutation test ('tcpassay zoo --format json'): show which rules a planted defect broke");
}

int run_catalogue(const CliOptions& cli) {
  if (cli.horizons) {
    print(cli.format == "json" ? horizons_json().dump(2) + "\n" : horizons_text(style_of_stdout().columns));
    return 0;
  }
  std::optional<CheckResult> checked;
  std::optional<Strikes> strikes;
  if (cli.target_given) {
    const CheckOptions options{
        .target = cli.target, .defect = cli.defect, .jobs = jobs_of(cli), .progress = progress_line()};
    const Interrupt interrupt;
    checked = check(read_scenarios({corpus_folder(cli)}), options);
    end_progress();
  }
  if (!cli.kill_matrix.empty()) strikes = read_strikes(cli.kill_matrix);
  const Account all = account(checked ? &*checked : nullptr, strikes ? &*strikes : nullptr);
  if (checked && checked->exit_status() == 2) {
    fmt::print(stderr, "tcpassay: {}: {}\n", checked->target.name, checked->conclusion());
  }
  print(cli.format == "json" ? account_json(all) : account_text(all, style_of_stdout().columns));
  return checked && (checked->interrupted || checked->scenarios == 0) ? 2 : 0;
}

}  // namespace tcpassay
