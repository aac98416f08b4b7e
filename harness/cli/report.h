// SPDX-License-Identifier: Apache-2.0
// tcpassay report: results as HTML pages, from the JSON of an earlier run.
#pragma once

#include "harness/cli/options.h"

namespace tcpassay {

void report_options(CLI::App& app, CliOptions& cli);
int run_report(const CliOptions& cli);

}  // namespace tcpassay
