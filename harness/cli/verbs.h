// SPDX-License-Identifier: Apache-2.0
// The verbs of the command line. Each has a file of its own, with two functions: one adds the options of the verb, the
// other does its work and returns the exit status.
#pragma once

#include "harness/cli/options.h"

namespace tcpassay {

void targets_options(CLI::App& app, CliOptions& cli);
int run_targets(const CliOptions& cli);

void check_options(CLI::App& app, CliOptions& cli);
int run_check(const CliOptions& cli);

void script_options(CLI::App& app, CliOptions& cli);
int run_script(const CliOptions& cli);  // tcpassay run

void export_options(CLI::App& app, CliOptions& cli);
int run_export(const CliOptions& cli);

void judge_options(CLI::App& app, CliOptions& cli);
int run_judge(const CliOptions& cli);

int explain(const CliOptions& cli);

void catalogue_options(CLI::App& app, CliOptions& cli);
int run_catalogue(const CliOptions& cli);

void plugin_check_options(CLI::App& app, CliOptions& cli);
int run_plugin_check(const CliOptions& cli);

void diff_options(CLI::App& app, CliOptions& cli);
int run_diff(const CliOptions& cli);

void merge_options(CLI::App& app, CliOptions& cli);
int run_merge(const CliOptions& cli);

void sweep_options(CLI::App& app, CliOptions& cli);
int run_sweep(const CliOptions& cli);

void fuzz_options(CLI::App& app, CliOptions& cli);
int run_fuzz(const CliOptions& cli);

void benchmark_options(CLI::App& app, CliOptions& cli);
int run_benchmark(const CliOptions& cli);  // tcpassay bench

void mutation_test_options(CLI::App& app, CliOptions& cli);
int run_mutation_test(const CliOptions& cli);  // tcpassay zoo

void sensitivity_options(CLI::App& app, CliOptions& cli);
int run_sensitivity(const CliOptions& cli);  // tcpassay sharpness

void manual_options(CLI::App& app, CliOptions& cli);
int run_manual(const CliOptions& cli);

void completions_options(CLI::App& app, CliOptions& cli);
int run_completions(const CliOptions& cli);

}  // namespace tcpassay
