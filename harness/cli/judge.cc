// SPDX-License-Identifier: Apache-2.0
// tcpassay judge
#include "harness/offline/judge.h"

#include <fmt/format.h>

#include <CLI/App.hpp>

#include "harness/base/processes.h"
#include "harness/cli/verbs.h"
#include "harness/offline/judge_files.h"
#include "harness/offline/judge_filter.h"
#include "models/rules.h"

namespace tcpassay {

namespace {

JudgeFilter filter_of(const CliOptions& cli) {
  JudgeFilter filter{.failed = cli.only == "failed"};
  for (const auto& id : cli.only_rules) {
    const auto rule = rule_by_id(id);
    if (!rule) throw UsageError(fmt::format("--rule {}: no such rule ('tcpassay explain {}' looks for it)", id, id));
    filter.rules.push_back(*rule);
  }
  if (!cli.only_level.empty()) filter.level = cli.only_level == "must" ? Level::kMust : Level::kShould;
  return filter;
}

}  // namespace

void judge_options(CLI::App& app, CliOptions& cli) {
  add_define_option(app, cli);
  add_ruleset_option(app, cli);
  add_strict_option(app, cli);
  add_format_option(app, cli, {"text", "json"});
  app.add_flag("--ladder", cli.ladders, "draw every conversation as a ladder diagram");
  app.add_option("--end", cli.ends, "in captures, judge only the ends with this ADDRESS or ADDRESS:PORT");
  app.add_flag("--packets-alone", cli.packets_alone,
               "judge captures that check or run wrote by their packets alone, without the log beside them");
  app.add_option("--rule", cli.only_rules, "print only findings about these rules, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--level", cli.only_level, "print only findings of this level")
      ->check(CLI::IsMember(std::vector<std::string>{"must", "should"}));
  app.add_option("--only", cli.only, "print only what is condemned")
      ->check(CLI::IsMember(std::vector<std::string>{"failed"}));
  add_jobs_option(app, cli, "threads; if not given, one for each core");
  app.add_option("FILE", cli.paths,
                 "scripts and captures that record conversations, or folders of them; - reads a capture from a pipe")
      ->required();
}

int run_judge(const CliOptions& cli) {
  const JudgeFilter filter = filter_of(cli);
  JudgeAllOptions options{.capture = {.edition = edition_of(cli),
                                      .strict = cli.strict,
                                      .defines = cli.defines,
                                      .packets_alone = cli.packets_alone},
                          .jobs = cli.jobs,
                          .progress = progress_line()};
  for (const auto& end : cli.ends) {
    const auto chosen = ChosenEnd::parse(end);
    if (!chosen) throw UsageError(end + ": no address; write 192.0.2.1, 192.0.2.1:80 or [2001:db8::1]:80");
    options.capture.ends.push_back(*chosen);
  }
  const Interrupt interrupt;  // what was judged so far is reported
  auto results = judge_all(cli.paths, options);
  end_progress();
  if (results.size() == 1 && results.front().unreadable && cli.format != "json") throw UsageError(results.front().why);
  const int status = exit_status_of(results);
  const bool many = results.size() > 1;
  keep_only(results, filter);
  std::string text = cli.format == "json" ? judge_json(results) : judge_text(results, cli.ladders);
  const auto sums = by_rule(results);
  if (cli.format != "json" && (many || sums.size() > 1)) text += by_rule_text(sums);
  print(text);
  return status == 0 && Interrupt::interrupted() ? 2 : status;
}

}  // namespace tcpassay
