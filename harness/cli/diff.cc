// SPDX-License-Identifier: Apache-2.0
// tcpassay diff
#include <CLI/App.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/base/text.h"
#include "harness/check/check_result.h"
#include "harness/check/result_diff.h"
#include "harness/cli/options.h"
#include "harness/cli/verbs.h"

namespace tcpassay {

void diff_options(CLI::App& app, CliOptions& cli) {
  add_format_option(app, cli, {"text", "json"});
  add_fail_on_option(app, cli, "what counts as worse: a MUST that is newly broken, a SHOULD too, or nothing");
  app.add_option("OLD_AND_NEW", cli.paths,
                 "two results that check or sweep wrote with --format json: the older, the newer")
      ->required()
      ->expected(2);
}

int run_diff(const CliOptions& cli) {
  const auto before = read_result(cli.paths[0]), after = read_result(cli.paths[1]);
  std::vector<ResultDiff> diffs;
  try {
    diffs = compare(before, after);
  } catch (const UnusableResult& error) {
    throw UsageError(cli.paths[0] + " and " + cli.paths[1] + ": " + error.what());
  }
  const FailOn fail_on = fail_on_of(cli);
  print(cli.format == "json" ? diff_json(diffs, fail_on) : diff_text(diffs, style_of_stdout(), fail_on));
  for (const ResultDiff& diff : diffs) {
    if (diff.worse(fail_on)) return 1;
  }
  return 0;
}

}  // namespace tcpassay
