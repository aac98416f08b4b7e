// SPDX-License-Identifier: Apache-2.0
#include "harness/cli/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "harness/base/version.h"
#include "harness/check/check.h"
#include "harness/check/report.h"
#include "harness/check/requirement_coverage.h"
#include "harness/cli/benchmark.h"
#include "harness/cli/corpus_place.h"
#include "harness/cli/options.h"
#include "harness/mutation/by_corpus.h"
#include "harness/mutation/of_segments.h"
#include "harness/offline/judge.h"
#include "harness/offline/judge_files.h"
#include "harness/report/packetdrill_export.h"
#include "harness/report/run_report.h"
#include "harness/script/parse.h"
#include "harness/session/run_log.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/own/legal_variants.h"
#include "harness/targets/registry.h"

namespace tcpassay {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

void print(const std::string& text) {
  const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!whole) throw UsageError("the output cannot be written");
}

// --corpus, else $TCPASSAY_CORPUS, else ./corpus, else the one beside the sources.
std::string corpus_folder(const CliOptions& cli) {
  if (!cli.corpus.empty()) {
    if (!fs::is_directory(cli.corpus)) throw UsageError(cli.corpus + ": no such folder");
    return cli.corpus;
  }
  if (const char* named = std::getenv("TCPASSAY_CORPUS"); named && *named) {
    if (!fs::is_directory(named)) throw UsageError(fmt::format("TCPASSAY_CORPUS: {}: no such folder", named));
    return named;
  }
  if (fs::is_directory("corpus")) return "corpus";
  if (const auto own = own_corpus()) return own->string();
  throw UsageError("no corpus here: give --corpus DIR or set TCPASSAY_CORPUS");
}

std::string target_name(const CliOptions& cli) {
  return cli.target.substr(0, cli.target.find(':'));
}

std::function<void(std::size_t, std::size_t, const std::string&)> progress_line() {
  if (!isatty(STDERR_FILENO)) return {};
  auto shown = std::chrono::steady_clock::time_point{};
  return [shown](std::size_t done, std::size_t all, const std::string& last) mutable {
    const auto now = std::chrono::steady_clock::now();
    if (now - shown < std::chrono::milliseconds(100)) return;
    shown = now;
    const std::string name = last.size() > 60 ? "..." + last.substr(last.size() - 57) : last;
    fmt::print(stderr, "\r\x1b[K[{}/{}] {}", done, all, name);
    std::fflush(stderr);
  };
}

void end_progress() {
  if (isatty(STDERR_FILENO)) fmt::print(stderr, "\r\x1b[K");
}

Edition edition_of(const CliOptions& cli) {
  return *edition_named(cli.ruleset);
}

std::vector<std::uint8_t> ip_versions_of(const CliOptions& cli) {
  if (cli.ip == "both") return {4, 6};
  return {static_cast<std::uint8_t>(cli.ip == "6" ? 6 : 4)};
}

namespace {

constexpr int kCannot = 2;  // the command could not do its work

// --- the verbs ---

int list_defects(const CliOptions& cli) {
  Json json = Json::array();
  std::string text;
  for (const auto& entry : own::all_defects()) {
    json.push_back({{"id", entry.id}, {"origin", entry.origin}, {"what", entry.what}});
    text += fmt::format("{:<32} {} ({})\n", entry.id, entry.what, entry.origin);
  }
  print(cli.format == "json" ? Json{{"defects", json}}.dump(2) + "\n" : text);
  return 0;
}

int list_temperaments(const CliOptions& cli) {
  Json json = Json::array();
  std::string text;
  for (const auto& entry : own::all_legal_variants()) {
    json.push_back({{"id", entry.id}, {"departs", entry.departs}, {"what", entry.what}});
    const std::string departs = entry.departs.empty() ? "" : fmt::format(" (departs from {})", entry.departs);
    text += fmt::format("{:<32} {}{}\n", entry.id, entry.what, departs);
  }
  print(cli.format == "json" ? Json{{"temperaments", json}}.dump(2) + "\n" : text);
  return 0;
}

int list_targets(const CliOptions& cli) {
  if (cli.defects) return list_defects(cli);
  if (cli.legal_variants) return list_temperaments(cli);
  Json json = Json::array();
  std::string text;
  for (const auto& entry : target_table()) {
    const auto missing = entry.missing();
    json.push_back(
        {{"name", entry.name}, {"what", entry.what}, {"ready", !missing}, {"missing", missing.value_or("")}});
    text += fmt::format("{:<10} {:<9} {}\n", entry.name, missing ? "missing" : "ready", entry.what);
    if (missing) text += fmt::format("{:<20} {}\n", "", *missing);
  }
  print(cli.format == "json" ? Json{{"targets", json}}.dump(2) + "\n" : text);
  return 0;
}

std::uint8_t ip_of(const CliOptions& cli) {
  return cli.ip == "6" ? 6 : 4;
}

std::string no_ipv6(const Identity& target) {
  return fmt::format("{} has no IPv6 here (of the kernel's: boot without ipv6.disable=1)", target.name);
}

int run_check(const CliOptions& cli) {
  const std::string folder = corpus_folder(cli);
  CheckOptions options{
      .target = cli.target, .defect = cli.plant, .legal_variants = cli.temper, .edition = edition_of(cli)};
  options.pcap_folder = cli.pcap;
  options.deviations = read_deviations((fs::path(folder) / "deviations").string(), target_name(cli));
  options.jobs = cli.jobs != 0 ? cli.jobs : target_name(cli) == "own" ? 1 : kRealJobs;
  options.whole = cli.paths.empty() && cli.suite.empty();
  options.oracle_only = cli.oracle_only;
  const std::vector<std::string> paths = cli.paths.empty() ? std::vector{folder} : cli.paths;
  const auto versions = ip_versions_of(cli);
  std::erase_if(options.deviations, [&](const Deviation& deviation) {
    return deviation.ip != 0 && std::find(versions.begin(), versions.end(), deviation.ip) == versions.end();
  });
  const auto scenarios = over_ip(read_scenarios(paths, cli.suite, cli.defines), versions);
  options.progress = progress_line();
  const CheckResult result = check(scenarios, options);
  end_progress();
  if (versions.front() == 6 && !result.target.can(Ability::kIpv6)) throw UsageError(no_ipv6(result.target));
  if (cli.format == "json") {
    print(check_json(result));
  } else if (cli.format == "junit") {
    print(check_junit(result));
  } else {
    print(check_text(result, style_of_stdout()));
  }
  return result.exit_status();
}

int run_script(const CliOptions& cli) {
  const std::string& file = cli.paths.front();
  const Scenario scenario = read_script(file, cli.defines);
  const auto target = make_target(cli.target, OwnStackOptions{.defect = cli.plant, .legal_variants = cli.temper});
  if (const auto why = Session::unsupported(scenario, *target, ip_of(cli), !cli.oracle_only)) {
    throw UsageError(fmt::format("{}: skipped, cannot be played on {}: {}", file, target->identity().name, *why));
  }
  SessionOptions options;
  options.assertions = !cli.oracle_only;
  std::unique_ptr<CaptureFile> capture;
  std::unique_ptr<RunLog> log;
  if (!cli.pcap.empty()) {
    capture = std::make_unique<CaptureFile>(cli.pcap);
    log = std::make_unique<RunLog>(run_log_of(cli.pcap));
  }
  options.capture = capture.get();
  options.observer = log.get();
  options.ip = ip_of(cli);
  options.edition = edition_of(cli);
  if (target->identity().can(Ability::kVirtualTime)) options.final_wait = kDelayedAckWait;
  Session session(*target, options);
  session.play(scenario);
  if (capture) capture->close();
  if (log) log->close();
  const RunResult result{.file = file,
                         .target = target->identity().name,
                         .version = target->identity().version,
                         .edition = options.edition,
                         .trace = session.trace(),
                         .verdicts = session.oracle().verdicts(),
                         .mismatches = session.mismatches()};
  print(cli.format == "json" ? run_json(result) : run_text(result, style_of_stdout()));
  return result.exit_status();
}

void write_to(const std::string& path, const std::string& text) {
  if (path.empty()) return print(text);
  std::ofstream file(path, std::ios::binary);
  if (!(file << text).flush()) throw UsageError(fmt::format("{}: cannot be written", path));
}

constexpr std::size_t kExportedMax = 1 << 20;  // packets of the target that a script is written of

int export_file(const CliOptions& cli) {
  const std::string& file = cli.paths.front();
  const Scenario scenario = read_script(file, cli.defines);
  const bool pcap = cli.format == "pcap";
  if (pcap && (!cli.play || cli.output.empty())) throw UsageError("--format pcap needs --target and --output");
  if (!cli.play) {
    write_to(cli.output, export_scenario(scenario));
    return 0;
  }
  const auto target = make_target(cli.target, OwnStackOptions{.defect = cli.plant, .legal_variants = cli.temper});
  if (const auto why = Session::unsupported(scenario, *target, ip_of(cli), false)) {
    throw UsageError(fmt::format("{}: skipped, cannot be played on {}: {}", file, target->identity().name, *why));
  }
  SessionOptions options{.assertions = false, .ip = ip_of(cli), .packets_kept = kExportedMax};
  std::unique_ptr<CaptureFile> capture;
  if (pcap) capture = std::make_unique<CaptureFile>(cli.output);
  options.capture = capture.get();
  if (target->identity().can(Ability::kVirtualTime)) options.final_wait = kDelayedAckWait;
  Session session(*target, options);
  session.play(scenario);
  if (capture) {
    capture->close();
  } else {
    const std::uint8_t ip = ip_version(scenario).value_or(options.ip);
    write_to(cli.output, export_run(scenario, session.trace(), session.take_packets(), target->identity(), ip));
  }
  return 0;
}

int judge_files(const CliOptions& cli) {
  JudgeAllOptions options{
      .capture = {.edition = edition_of(cli), .defines = cli.defines, .packets_alone = cli.packets_alone},
      .jobs = cli.jobs,
      .progress = progress_line()};
  for (const auto& end : cli.ends) {
    const auto chosen = ChosenEnd::parse(end);
    if (!chosen) throw UsageError(end + ": no address; write 192.0.2.1, 192.0.2.1:80 or [2001:db8::1]:80");
    options.capture.ends.push_back(*chosen);
  }
  const std::vector<RecordResult> results = judge_all(cli.paths, options);
  end_progress();
  if (results.size() == 1 && results.front().unread && cli.format != "json") throw UsageError(results.front().why);
  print(cli.format == "json" ? judge_json(results) : judge_text(results, cli.diagrams));
  return exit_status_of(results);
}

int list_catalogue(const CliOptions& cli) {
  std::optional<CheckResult> checked;
  std::optional<Strikes> strikes;
  if (cli.play) {
    CheckOptions options{.target = cli.target, .defect = cli.plant};
    options.jobs = cli.jobs != 0 ? cli.jobs : target_name(cli) == "own" ? 1 : kRealJobs;
    options.progress = progress_line();
    checked = check(read_scenarios({corpus_folder(cli)}), options);
    end_progress();
  }
  if (!cli.zoo.empty()) strikes = read_strikes(cli.zoo);
  const Account all = account(checked ? &*checked : nullptr, strikes ? &*strikes : nullptr);
  print(cli.format == "json" ? account_json(all) : account_text(all, style_of_stdout().columns));
  return 0;
}

int run_bench(const CliOptions& cli) {
  const auto target = make_target(cli.target, OwnStackOptions{.defect = cli.plant, .legal_variants = cli.temper});
  if (!target->identity().can(Ability::kPassiveOpen)) throw UsageError(cli.target + " cannot open passively");
  const BenchResult result = bench(*target, cli.seconds, edition_of(cli), ip_of(cli));
  print(cli.format == "json" ? bench_json(result) : bench_text(result));
  return 0;
}

std::vector<ScenarioFile> scenarios_of(const CliOptions& cli) {
  return read_scenarios(cli.paths.empty() ? std::vector{corpus_folder(cli)} : cli.paths);
}

int run_zoo(const CliOptions& cli) {
  if (cli.sweep) return run_sweep_mutation_test(cli);
  MutationTestOptions options{.defects = cli.plants, .temper = cli.plants.empty(), .pairs = cli.pairs};
  if (cli.jobs != 0) options.jobs = cli.jobs;
  const auto scenarios = scenarios_of(cli);
  options.progress = progress_line();
  const MutationTestResult result = mutation_test(scenarios, options);
  end_progress();
  print(cli.format == "json" ? mutation_json(result) : mutation_text(result, style_of_stdout()));
  return result.exit_status();
}

int run_sharpness(const CliOptions& cli) {
  SensitivityOptions options{.samples = cli.samples, .seed = cli.seed};
  const auto scenarios = scenarios_of(cli);
  options.progress = progress_line();
  const SensitivityResult result = mutation_sensitivity(scenarios, options);
  end_progress();
  print(cli.format == "json" ? sensitivity_json(result) : sensitivity_text(result, style_of_stdout()));
  return 0;
}

// --- the words ---

struct Verb {
  const char *name, *what, *example;
  int (*run)(const CliOptions&);
  void (*cli)(CLI::App&, CliOptions&);
};

void target_option(CLI::App& app, CliOptions& cli) {
  app.add_option("--target,-t", cli.target, "which implementation ('tcpassay targets' lists them)")
      ->capture_default_str();
  app.add_option("--plant", cli.plant, "a defect for the own stack ('tcpassay targets --defects' lists them)");
  app.add_option("--temper", cli.temper,
                 "legal variations of it, separated by commas ('tcpassay targets --temperaments' lists them)")
      ->delimiter(',')
      ->allow_extra_args(false);
}

void ruleset_option(CLI::App& app, CliOptions& cli) {
  std::vector<std::string> editions;
  for (int i = 0; i <= static_cast<int>(kNewest); ++i) editions.emplace_back(to_string(static_cast<Edition>(i)));
  app.add_option("--ruleset", cli.ruleset, "the edition of TCP's text that the target is held to")
      ->check(CLI::IsMember(editions))
      ->capture_default_str();
}

void ip_option(CLI::App& app, CliOptions& cli, const std::vector<std::string>& versions) {
  app.add_option("--ip", cli.ip, "the version of IP, for scripts that do not name one")
      ->check(CLI::IsMember(versions))
      ->capture_default_str();
}

void format_option(CLI::App& app, CliOptions& cli, const std::vector<std::string>& formats) {
  app.add_option("--format,-f", cli.format, "how the result is written")
      ->check(CLI::IsMember(formats))
      ->capture_default_str();
}

void corpus_option(CLI::App& app, CliOptions& cli) {
  app.add_option("--corpus", cli.corpus, "where the scenarios are; else $TCPASSAY_CORPUS, else ./corpus");
}

void targets_options(CLI::App& app, CliOptions& cli) {
  format_option(app, cli, {"text", "json"});
  app.add_flag("--defects", cli.defects, "lists the defects that can be planted in the own stack");
  app.add_flag("--temperaments", cli.legal_variants, "lists the legal variations that the own stack can have");
}

void script_options(CLI::App& app, CliOptions& cli) {
  app.add_option("--define,-D", cli.defines, "NAME or NAME=VALUE: for #ifdef, and words that stand for others")
      ->allow_extra_args(false);
}

void oracle_only_option(CLI::App& app, CliOptions& cli) {
  app.add_flag("--oracle-only", cli.oracle_only,
               "what scripts say of the target (> lines, results of calls, code) is not compared");
}

void check_options(CLI::App& app, CliOptions& cli) {
  target_option(app, cli);
  ip_option(app, cli, {"4", "6", "both"});
  ruleset_option(app, cli);
  format_option(app, cli, {"text", "json", "junit"});
  script_options(app, cli);
  oracle_only_option(app, cli);
  corpus_option(app, cli);
  app.add_option("--suite,-s", cli.suite, "only the scenarios of this suite or folder");
  app.add_option("--pcap", cli.pcap, "a folder for a capture of each scenario");
  app.add_option("--jobs,-j", cli.jobs, "processes, each with its own target; 1 for own, 16 for others")
      ->check(CLI::Range(1, kJobsMax));
  app.add_option("PATH", cli.paths, "scripts or folders to play instead of the whole corpus");
}

void export_options(CLI::App& app, CliOptions& cli) {
  app.add_option_function<std::string>(
      "--target,-t",
      [&cli](const std::string& target) {
        cli.target = target;
        cli.play = true;
      },
      "plays the script on it; what is seen becomes > lines");
  app.add_option("--plant", cli.plant, "a defect for the own stack");
  app.add_option("--temper", cli.temper, "legal variations of it")->delimiter(',')->allow_extra_args(false);
  ip_option(app, cli, {"4", "6"});
  script_options(app, cli);
  app.add_option("--format,-f", cli.format, "pkt, or pcap with --target")
      ->check(CLI::IsMember(std::vector<std::string>{"pkt", "pcap"}));
  app.add_option("--output,-o", cli.output, "the file to write; without it what is written is printed");
  app.add_option("FILE", cli.paths, "the script")->required()->expected(1);
}

void run_options(CLI::App& app, CliOptions& cli) {
  target_option(app, cli);
  script_options(app, cli);
  oracle_only_option(app, cli);
  ip_option(app, cli, {"4", "6"});
  ruleset_option(app, cli);
  format_option(app, cli, {"text", "json"});
  app.add_option("--pcap", cli.pcap, "writes every packet to this file");
  app.add_option("FILE", cli.paths, "the script")->required()->expected(1);
}

void judge_options(CLI::App& app, CliOptions& cli) {
  script_options(app, cli);
  ruleset_option(app, cli);
  format_option(app, cli, {"text", "json"});
  app.add_flag("--ladder", cli.diagrams, "draws each conversation");
  app.add_option("--end", cli.ends, "in captures, judges the ends with this ADDRESS or ADDRESS:PORT only");
  app.add_flag("--packets-alone", cli.packets_alone,
               "of captures that check or run wrote: judges the packets, not the log of the run beside them");
  app.add_option("--jobs,-j", cli.jobs, "threads; one for each core if not given")->check(CLI::Range(1, kJobsMax));
  app.add_option("FILE", cli.paths, "scripts and captures that record conversations, or folders of them")->required();
}

void explain_options(CLI::App& app, CliOptions& cli) {
  format_option(app, cli, {"text", "json"});
  corpus_option(app, cli);
  app.add_option("RULE", cli.rule, "a rule's id, or the name of a requirement")->required();
}

void catalogue_options(CLI::App& app, CliOptions& cli) {
  format_option(app, cli, {"text", "json"});
  corpus_option(app, cli);
  app.add_option_function<std::string>(
      "--target,-t",
      [&cli](const std::string& target) {
        cli.target = target;
        cli.play = true;
      },
      "plays the corpus on it and says which requirements were exercised");
  app.add_option("--zoo", cli.zoo, "what 'tcpassay zoo --format json' wrote: says which rules defects strike");
}

void bench_options(CLI::App& app, CliOptions& cli) {
  target_option(app, cli);
  ip_option(app, cli, {"4", "6"});
  ruleset_option(app, cli);
  format_option(app, cli, {"text", "json"});
  app.add_option("--seconds", cli.seconds, "how long to measure")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
}

void zoo_options(CLI::App& app, CliOptions& cli) {
  format_option(app, cli, {"text", "json"});
  corpus_option(app, cli);
  app.add_option("--defect", cli.plants, "only these, and no temperaments")->delimiter(',')->allow_extra_args(false);
  app.add_flag("--pairs,!--no-pairs", cli.pairs, "every pair of temperaments, beside each alone and many at once");
  app.add_flag("--sweep", cli.sweep, "asks by the sweep, not the scenarios: the defects of SEGMENT ARRIVES");
  app.add_option("--jobs,-j", cli.jobs, "threads; 2 if not given")->check(CLI::Range(1, kJobsMax));
  app.add_option("PATH", cli.paths, "scripts or folders to play instead of the whole corpus");
}

void sweep_options(CLI::App& app, CliOptions& cli) {
  target_option(app, cli);
  ip_option(app, cli, {"4", "6", "both"});
  ruleset_option(app, cli);
  format_option(app, cli, {"text", "json"});
  corpus_option(app, cli);
  app.add_option("--state", cli.states, "only these states, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--road", cli.road, "only roads in whose name this stands, as 'simultaneous'");
  app.add_option("--flags", cli.flags, "only these sets of control bits, as SYN+ACK,FA,R,none")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--one-in", cli.one_in, "only one cell in so many, spread over the grid")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--findings", cli.findings, "the folder for a script of each cause")->capture_default_str();
  app.add_option("--jobs,-j", cli.jobs, "processes, each with its own target; one for each processor if not given")
      ->check(CLI::Range(1, kJobsMax));
}

void sharpness_options(CLI::App& app, CliOptions& cli) {
  format_option(app, cli, {"text", "json"});
  corpus_option(app, cli);
  app.add_option("--samples", cli.samples, "how many alterations")
      ->check(CLI::Range(std::size_t{1}, std::size_t{10'000'000}))
      ->capture_default_str();
  app.add_option("--seed", cli.seed, "of what is altered and how")->capture_default_str();
  app.add_option("PATH", cli.paths, "scripts or folders to play instead of the whole corpus");
}

constexpr Verb kVerbs[] = {
    {"targets", "What can be tested here, and why not the rest", "tcpassay targets", list_targets, targets_options},
    {"check", "Plays the scenarios on a target and prints the requirement table",
     "tcpassay check --target linux --format json > linux.json", run_check, check_options},
    {"run", "Plays one script: ladder diagram and verdicts",
     "tcpassay run corpus/textbook/client-closes-first.pkt --target own", run_script, run_options},
    {"export", "Writes a script, or what happens when it is played, as packetdrill accepts it",
     "tcpassay export corpus/textbook/client-closes-first.pkt --target own -o closes.pkt", export_file, export_options},
    {"judge", "Judges recorded conversations; no target is needed", "tcpassay judge --ladder recorded.pkt", judge_files,
     judge_options},
    {"explain", "What a rule says, where the RFC says it, and its code, tests, defects and scenarios",
     "tcpassay explain MUST-10", explain, explain_options},
    {"catalogue", "Every requirement by document: stated by rules, exempt, exercised, proven",
     "tcpassay catalogue --target own", list_catalogue, catalogue_options},
    {"sweep", "Asks every state every question that a segment can put, and says what is wrong",
     "tcpassay sweep --target own --state FIN-WAIT-1", run_sweep, sweep_options},
    {"bench", "How many connections a second are played, bare and judged", "tcpassay bench --target own --seconds 5",
     run_bench, bench_options},
    {"zoo", "Plants each known defect in the own stack: was it caught, and by which rule; and is what is legal spared",
     "tcpassay zoo --defect rst_out_of_window", run_zoo, zoo_options},
    {"sharpness", "Alters what the own stack sent, one field at a time: how much of it the judge notices",
     "tcpassay sharpness --samples 10000", run_sharpness, sharpness_options},
};

// One line, whatever the message was.
std::string on_one_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

int complain(const std::string& what) {
  fmt::print(stderr, "tcpassay: {}\n", on_one_line(what));
  return kCannot;
}

}  // namespace

int run_command(int count, char** arguments) {
  CLI::App app("Judges TCP implementations against RFC 9293.\nExit status: 0 conforms, 1 does not, 2 not done.",
               "tcpassay");
  app.set_version_flag("--version", std::string("tcpassay ") + kVersion);
  app.require_subcommand(1);
  app.footer("Example: tcpassay check --target own\n");
  CliOptions cli;
  std::vector<std::pair<CLI::App*, const Verb*>> verbs;
  for (const Verb& verb : kVerbs) {
    CLI::App* sub = app.add_subcommand(verb.name, verb.what);
    sub->footer(fmt::format("Example: {}\n", verb.example));
    verb.cli(*sub, cli);
    verbs.emplace_back(sub, &verb);
  }
  try {
    app.parse(count, arguments);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& error) {
    return complain(std::string(error.what()) + " (--help says more)");
  }
  try {
    for (const auto& [sub, verb] : verbs) {
      if (sub->parsed()) return verb->run(cli);
    }
  } catch (const std::exception& error) {
    end_progress();
    return complain(error.what());
  }
  return kCannot;
}

}  // namespace tcpassay
