// SPDX-License-Identifier: Apache-2.0
// tcpassay run
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/processes.h"
#include "harness/base/text.h"
#include "harness/check/deviations.h"
#include "harness/check/matrix.h"
#include "harness/cli/options.h"
#include "harness/cli/play.h"
#include "harness/cli/verbs.h"
#include "harness/offline/agreement.h"
#include "harness/offline/annotate.h"
#include "harness/report/run_report.h"
#include "harness/report/two_ladders.h"
#include "harness/script/parse.h"
#include "harness/script/scenario.h"
#include "harness/script/shell_commands.h"
#include "harness/session/run_log.h"
#include "harness/session/session.h"
#include "harness/target/target.h"
#include "harness/wire/capture_file.h"
#include "models/rules.h"

namespace tcpassay {

void script_options(CLI::App& app, CliOptions& cli) {
  add_target_options(app, cli, true);
  add_define_option(app, cli);
  add_oracle_only_option(app, cli);
  add_rtt_option(app, cli);
  add_ip_option(app, cli, {"4", "6"});
  add_ruleset_option(app, cli);
  add_strict_option(app, cli);
  add_format_option(app, cli, {"text", "json"});
  add_corpus_option(app, cli);
  add_deviations_option(app, cli);
  app.add_option("--pcap", cli.pcap,
                 "write every packet to this capture file; to FILE.pcapng with the verdicts as comments");
  app.add_flag("--four-ways", cli.four_ways,
               "judge the run live, from its log, from its record and from its packets alone; say where they differ");
  app.add_flag_callback(
      "--allow-shell", [] { allow_shell(true); },
      "let a shell run the script's commands that are not understood, in the target's network "
      "namespace: only for scripts that you trust");
  app.add_option("FILE", cli.paths, "the script; - reads it from the standard input")->required()->expected(1);
}

namespace {

// What the target is known to break, wherever that shows.
std::map<Rule, std::string> listed_rules(const CliOptions& cli) {
  std::map<Rule, std::string> listed;
  if (cli.deviations.empty() && !has_corpus(cli)) return listed;
  for (const Deviation& deviation :
       read_deviations(deviation_paths(cli), target_name(cli), {.sweep = true, .round_trip = true, .fuzz = true})) {
    if (deviation.ip == 0 || deviation.ip == ip_version_of(cli)) listed.emplace(deviation.rule, deviation.reason);
  }
  return listed;
}

// `-` is the standard input.
Scenario script_named(const std::string& file, const CliOptions& cli) {
  if (file != "-") return read_script(file, cli.defines);
  std::ostringstream text;
  text << std::cin.rdbuf();
  return parse_script(text.str(), "standard input", cli.defines);
}

// What the judge says of the run live, from its log, from its record, and from its packets alone.
int run_four_ways(const Scenario& scenario, Target& target, const CliOptions& cli) {
  if (!target.identity().can(Ability::kVirtualTime)) throw UsageError("--four-ways needs a target with virtual time");
  if (cli.format != "text") throw UsageError("--four-ways prints text only");
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / fmt::format("tcpassay-{}", ::getpid());
  std::filesystem::create_directories(folder);
  const Agreement agreement = judge_four_ways(scenario, target,
                                              {.folder = folder.string(),
                                               .ip = ip_version_of(cli),
                                               .round_trip = std::chrono::milliseconds(cli.rtt_ms),
                                               .manner = manner_of(cli)});
  std::filesystem::remove_all(folder);
  print(agreement.text());
  return agreement.holds() ? 0 : 1;
}

// A script that was played on one target. The trace's text is the session's.
struct Run {
  std::unique_ptr<Target> target;
  std::unique_ptr<Session> session;
  RunResult result{};
};

bool compares(const CliOptions& cli) {
  return !cli.oracle_only && cli.rtt_ms == 0;
}

SessionOptions session_options(const CliOptions& cli, const Target& target) {
  SessionOptions options;
  options.assertions = compares(cli);
  options.round_trip = std::chrono::milliseconds(cli.rtt_ms);
  options.manner = manner_of(cli);
  options.ip = ip_version_of(cli);
  options.edition = edition_of(cli);
  options.strict = cli.strict;
  if (target.identity().can(Ability::kVirtualTime)) options.final_wait = kDelayedAckWait;
  return options;
}

Run play(const Scenario& scenario, std::unique_ptr<Target> target, const CliOptions& cli) {
  Run run{.target = std::move(target)};
  SessionOptions options = session_options(cli, *run.target);
  std::unique_ptr<CaptureFile> capture;
  std::unique_ptr<RunLog> log;
  if (!cli.pcap.empty()) {
    capture = std::make_unique<CaptureFile>(cli.pcap);
    log = std::make_unique<RunLog>(run_log_of(cli.pcap));
  }
  options.capture = capture.get();
  options.observer = log.get();
  run.session = std::make_unique<Session>(*run.target, options);
  Session& session = *run.session;
  session.play(scenario);
  if (capture) capture->close();
  if (log) log->close();
  if (cli.pcap.ends_with(".pcapng")) {
    annotate_capture(cli.pcap, comments_of(session.trace(), session.oracle().verdicts()), cli.pcap);
  }
  run.result = {.file = cli.paths.front(),
                .target = run.target->identity().name,
                .version = run.target->identity().version,
                .edition = options.edition,
                .trace = session.trace(),
                .verdicts = session.oracle().verdicts(),
                .tolerated = session.oracle().tolerated(),
                .mismatches = session.mismatches(),
                .listed = listed_rules(cli)};
  return run;
}

int end_of(int status) {
  if (!Interrupt::interrupted()) return status;
  fmt::print(stderr, "tcpassay: interrupted: the script was not played to its end\n");
  return status == 1 ? 1 : 2;
}

// Two ladders side by side, more of them one below the other.
int run_several(const Scenario& scenario, const CliOptions& cli, const std::vector<std::string>& names) {
  if (cli.four_ways || !cli.pcap.empty()) throw UsageError("--four-ways and --pcap take one target");
  std::vector<Run> runs;
  std::vector<RunResult> results;
  int status = 0;
  for (const std::string& name : names) {
    CliOptions one = cli;
    one.target = name;
    auto target = make_target(one);
    require_playable(scenario, *target, one, compares(one));
    runs.push_back(play(scenario, std::move(target), one));
    results.push_back(runs.back().result);
    status = std::max(status, results.back().exit_status());
  }
  if (cli.format == "json") {
    print(runs_json(results));
  } else if (results.size() == 2) {
    print(two_ladders(results[0], results[1], style_of_stdout()));
  } else {
    for (const RunResult& result : results) print(run_text(result, style_of_stdout()) + "\n");
  }
  return end_of(status);
}

}  // namespace

int run_script(const CliOptions& cli) {
  const std::string& file = cli.paths.front();
  const Scenario scenario = script_named(file, cli);
  require_known_rules(file, scenario);
  const Interrupt interrupt;  // what was seen so far is reported
  const auto names = target_list(cli.target);
  if (names.size() > 1) return run_several(scenario, cli, names);
  auto target = make_target(cli);
  require_playable(scenario, *target, cli, compares(cli) && !cli.four_ways);
  if (cli.four_ways) return run_four_ways(scenario, *target, cli);
  const Run run = play(scenario, std::move(target), cli);
  print(cli.format == "json" ? run_json(run.result) : run_text(run.result, style_of_stdout()));
  return end_of(run.result.exit_status());
}

}  // namespace tcpassay
