// SPDX-License-Identifier: Apache-2.0
// tcpassay judge
#include "harness/offline/judge.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <cstdio>
#include <mutex>
#include <vector>

#include "harness/base/processes.h"
#include "harness/check/selection.h"
#include "harness/cli/options.h"
#include "harness/cli/recordings.h"
#include "harness/cli/verbs.h"
#include "harness/offline/annotate.h"
#include "harness/offline/conversation.h"
#include "harness/offline/conversation_table.h"
#include "harness/offline/extract.h"
#include "harness/offline/judge_capture.h"
#include "harness/offline/judge_files.h"
#include "harness/offline/judge_filter.h"
#include "harness/offline/outcome.h"
#include "harness/site/judge_site.h"
#include "harness/wire/capture_reader.h"
#include "models/rule.h"

namespace tcpassay {

namespace {

JudgeFilter filter_of(const CliOptions& cli) {
  JudgeFilter filter{.failed = cli.only == "failed"};
  for (const auto& id : cli.only_rules) {
    filter.rules.push_back(rule_named(id));
  }
  if (!cli.only_level.empty()) filter.level = cli.only_level == "must" ? Level::kMust : Level::kShould;
  return filter;
}

// What is found in a pipe is told at once.
std::string accusation(const ConversationResult& one) {
  std::string text;
  for (const EndpointResult& end : one.ends) {
    if (end.outcome != Outcome::kFail) continue;
    text += fmt::format("now: {}, frame {}: {}: {}\n", end.end.text(), end.frame, info(end.verdict->rule).id, end.why);
  }
  return text;
}

void write_files(const CliOptions& cli, const std::vector<FileResult>& results) {
  if (cli.annotate.empty() && cli.extract.empty()) return;
  const FileResult& only = results.front();
  const bool readable = results.size() == 1 && !only.unreadable && only.file != kStandardInput && is_capture(only.file);
  if (!readable) throw UsageError("--annotate and --extract need one capture, which is a file");
  if (!cli.annotate.empty()) annotate_capture(only.file, comments_of(only), cli.annotate);
  if (!cli.extract.empty()) fmt::print(stderr, "{}\n", extract_conversation(only, cli.frame, cli.extract));
}

}  // namespace

void judge_options(CLI::App& app, CliOptions& cli) {
  add_define_option(app, cli);
  add_ruleset_option(app, cli);
  add_strict_option(app, cli);
  add_format_option(app, cli, {"text", "json", "jsonl", "html"});
  add_html_output_option(app, cli);
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
  app.add_option("--annotate", cli.annotate,
                 "write the capture again to this pcapng file, findings as packet comments");
  app.add_option("--extract", cli.extract,
                 "write one conversation alone, without its addresses and text, to NAME.pcapng and NAME.pkt");
  app.add_option("--frame", cli.frame,
                 "the conversation to extract: its first frame, or that of a finding; else the first that is condemned")
      ->check(whole_number(1))
      ->needs("--extract");
  add_jobs_option(app, cli, "threads; if not given, one for each core");
  app.add_option("FILE", cli.paths,
                 "scripts and captures that record conversations, or folders of them; - reads a capture from a pipe")
      ->required();
}

int run_judge(const CliOptions& cli) {
  require_other_file(cli.annotate, cli.paths);
  if (!cli.extract.empty()) require_other_file(cli.extract + ".pcapng", cli.paths);
  const Recordings recordings(cli);  // of a report only its place is used: it is looked at before anything is judged
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
  std::mutex printing;
  const auto tell = [&](const std::string& line) {
    const std::lock_guard lock(printing);
    print(line);
    std::fflush(stdout);
  };
  if (cli.format == "jsonl") {
    options.capture.over = [&](const auto& file, const auto& one) { tell(json_line(file, one)); };
    options.judged = [&](const FileResult& result) { tell(json_line(result)); };
  } else if (cli.format == "text" && std::find(cli.paths.begin(), cli.paths.end(), kStandardInput) != cli.paths.end()) {
    options.capture.accused = [&](const auto&, const auto& one) { tell(accusation(one)); };
  }
  const Interrupt interrupt;  // what was judged so far is reported
  auto results = judge_all(cli.paths, options);
  end_progress();
  if (results.size() == 1 && results.front().unreadable && cli.format != "json") throw UsageError(results.front().why);
  const int status = exit_status_of(results);
  write_files(cli, results);
  if (cli.format == "jsonl") return status == 0 && Interrupt::interrupted() ? 2 : status;
  const bool many = results.size() > 1;
  keep_only(results, filter);
  if (cli.format == "html") write_judge_site(cli.output, results, judge_json(results));
  std::string text = cli.format == "json" ? judge_json(results) : judge_text(results, cli.ladders);
  const auto sums = by_rule(results);
  if (cli.format != "json" && (many || sums.size() > 1)) text += by_rule_text(sums);
  if (cli.format == "html") text += fmt::format("the report is {}/index.html\n", cli.output);
  print(text);
  return status == 0 && Interrupt::interrupted() ? 2 : status;
}

}  // namespace tcpassay
