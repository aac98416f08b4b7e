// SPDX-License-Identifier: Apache-2.0
#include "harness/commands.h"

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

#include "harness/accounts.h"
#include "harness/bench.h"
#include "harness/check.h"
#include "harness/export.h"
#include "harness/judge.h"
#include "harness/judge_all.h"
#include "harness/report.h"
#include "harness/run_log.h"
#include "harness/script.h"
#include "harness/sharpness.h"
#include "harness/targets.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/own/temperaments.h"
#include "harness/words.h"
#include "harness/zoo.h"

namespace tcpassay {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

void print(const std::string& text) {
  const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!whole) throw Wrong("the output cannot be written");
}

// --corpus, else $TCPASSAY_CORPUS, else ./corpus, else the one beside the sources.
std::string corpus_folder(const Words& words) {
  if (!words.corpus.empty()) {
    if (!fs::is_directory(words.corpus)) throw Wrong(words.corpus + ": no such folder");
    return words.corpus;
  }
  if (const char* named = std::getenv("TCPASSAY_CORPUS"); named && *named) {
    if (!fs::is_directory(named)) throw Wrong(fmt::format("TCPASSAY_CORPUS: {}: no such folder", named));
    return named;
  }
  if (fs::is_directory("corpus")) return "corpus";
  const fs::path sources = fs::path(__FILE__).parent_path().parent_path() / "corpus";
  if (fs::is_directory(sources)) return sources.string();
  throw Wrong("no corpus here: give --corpus DIR or set TCPASSAY_CORPUS");
}

std::string target_name(const Words& words) {
  return words.target.substr(0, words.target.find(':'));
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

Edition edition_of(const Words& words) {
  return *edition_named(words.ruleset);
}

std::vector<std::uint8_t> ip_versions_of(const Words& words) {
  if (words.ip == "both") return {4, 6};
  return {static_cast<std::uint8_t>(words.ip == "6" ? 6 : 4)};
}

namespace {

constexpr int kCannot = 2;  // the command could not do its work

// --- the verbs ---

int list_defects(const Words& words) {
  Json json = Json::array();
  std::string text;
  for (const auto& entry : own::all_defects()) {
    json.push_back({{"id", entry.id}, {"origin", entry.origin}, {"what", entry.what}});
    text += fmt::format("{:<32} {} ({})\n", entry.id, entry.what, entry.origin);
  }
  print(words.format == "json" ? Json{{"defects", json}}.dump(2) + "\n" : text);
  return 0;
}

int list_temperaments(const Words& words) {
  Json json = Json::array();
  std::string text;
  for (const auto& entry : own::all_temperaments()) {
    json.push_back({{"id", entry.id}, {"departs", entry.departs}, {"what", entry.what}});
    const std::string departs = entry.departs.empty() ? "" : fmt::format(" (departs from {})", entry.departs);
    text += fmt::format("{:<32} {}{}\n", entry.id, entry.what, departs);
  }
  print(words.format == "json" ? Json{{"temperaments", json}}.dump(2) + "\n" : text);
  return 0;
}

int list_targets(const Words& words) {
  if (words.defects) return list_defects(words);
  if (words.temperaments) return list_temperaments(words);
  Json json = Json::array();
  std::string text;
  for (const auto& entry : target_table()) {
    const auto missing = entry.missing();
    json.push_back(
        {{"name", entry.name}, {"what", entry.what}, {"ready", !missing}, {"missing", missing.value_or("")}});
    text += fmt::format("{:<10} {:<9} {}\n", entry.name, missing ? "missing" : "ready", entry.what);
    if (missing) text += fmt::format("{:<20} {}\n", "", *missing);
  }
  print(words.format == "json" ? Json{{"targets", json}}.dump(2) + "\n" : text);
  return 0;
}

std::uint8_t ip_of(const Words& words) {
  return words.ip == "6" ? 6 : 4;
}

std::string no_ipv6(const Identity& target) {
  return fmt::format("{} has no IPv6 here (of the kernel's: boot without ipv6.disable=1)", target.name);
}

int run_check(const Words& words) {
  const std::string folder = corpus_folder(words);
  CheckOptions options{
      .target = words.target, .defect = words.plant, .temperaments = words.temper, .edition = edition_of(words)};
  options.pcap_folder = words.pcap;
  options.deviations = read_deviations((fs::path(folder) / "deviations").string(), target_name(words));
  options.jobs = words.jobs != 0 ? words.jobs : target_name(words) == "own" ? 1 : kRealJobs;
  options.whole = words.paths.empty() && words.suite.empty();
  options.oracle_only = words.oracle_only;
  const std::vector<std::string> paths = words.paths.empty() ? std::vector{folder} : words.paths;
  const auto versions = ip_versions_of(words);
  std::erase_if(options.deviations, [&](const Deviation& deviation) {
    return deviation.ip != 0 && std::find(versions.begin(), versions.end(), deviation.ip) == versions.end();
  });
  const auto scenarios = over_ip(read_scenarios(paths, words.suite, words.defines), versions);
  options.progress = progress_line();
  const CheckResult result = check(scenarios, options);
  end_progress();
  if (versions.front() == 6 && !result.target.can(Ability::kIpv6)) throw Wrong(no_ipv6(result.target));
  if (words.format == "json") {
    print(check_json(result));
  } else if (words.format == "junit") {
    print(check_junit(result));
  } else {
    print(check_text(result, paper_of_stdout()));
  }
  return result.exit_status();
}

int run_script(const Words& words) {
  const std::string& file = words.paths.front();
  const Scenario scenario = read_script(file, words.defines);
  const auto target = make_target(words.target, Manner{.defect = words.plant, .temperaments = words.temper});
  if (const auto why = Session::unsupported(scenario, *target, ip_of(words), !words.oracle_only)) {
    throw Wrong(fmt::format("{}: skipped, cannot be played on {}: {}", file, target->identity().name, *why));
  }
  SessionOptions options;
  options.assertions = !words.oracle_only;
  std::unique_ptr<CaptureFile> capture;
  std::unique_ptr<RunLog> log;
  if (!words.pcap.empty()) {
    capture = std::make_unique<CaptureFile>(words.pcap);
    log = std::make_unique<RunLog>(run_log_of(words.pcap));
  }
  options.capture = capture.get();
  options.witness = log.get();
  options.ip = ip_of(words);
  options.edition = edition_of(words);
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
  print(words.format == "json" ? run_json(result) : run_text(result, paper_of_stdout()));
  return result.exit_status();
}

void write_to(const std::string& path, const std::string& text) {
  if (path.empty()) return print(text);
  std::ofstream file(path, std::ios::binary);
  if (!(file << text).flush()) throw Wrong(fmt::format("{}: cannot be written", path));
}

constexpr std::size_t kExportedMax = 1 << 20;  // packets of the target that a script is written of

int export_file(const Words& words) {
  const std::string& file = words.paths.front();
  const Scenario scenario = read_script(file, words.defines);
  const bool pcap = words.format == "pcap";
  if (pcap && (!words.play || words.output.empty())) throw Wrong("--format pcap needs --target and --output");
  if (!words.play) {
    write_to(words.output, export_scenario(scenario));
    return 0;
  }
  const auto target = make_target(words.target, Manner{.defect = words.plant, .temperaments = words.temper});
  if (const auto why = Session::unsupported(scenario, *target, ip_of(words), false)) {
    throw Wrong(fmt::format("{}: skipped, cannot be played on {}: {}", file, target->identity().name, *why));
  }
  SessionOptions options{.assertions = false, .ip = ip_of(words), .packets_kept = kExportedMax};
  std::unique_ptr<CaptureFile> capture;
  if (pcap) capture = std::make_unique<CaptureFile>(words.output);
  options.capture = capture.get();
  if (target->identity().can(Ability::kVirtualTime)) options.final_wait = kDelayedAckWait;
  Session session(*target, options);
  session.play(scenario);
  if (capture) {
    capture->close();
  } else {
    const std::uint8_t ip = ip_version(scenario).value_or(options.ip);
    write_to(words.output,
             export_run(scenario, session.trace(), session.take_packets(), target->identity(), ip));
  }
  return 0;
}

int judge_files(const Words& words) {
  JudgeAllOptions options{.capture = {.edition = edition_of(words),
                                      .defines = words.defines,
                                      .packets_alone = words.packets_alone},
                          .jobs = words.jobs,
                          .progress = progress_line()};
  for (const auto& end : words.ends) {
    const auto chosen = ChosenEnd::parse(end);
    if (!chosen) throw Wrong(end + ": no address; write 192.0.2.1, 192.0.2.1:80 or [2001:db8::1]:80");
    options.capture.ends.push_back(*chosen);
  }
  const std::vector<Opinion> opinions = judge_all(words.paths, options);
  end_progress();
  if (opinions.size() == 1 && opinions.front().unread && words.format != "json") throw Wrong(opinions.front().why);
  print(words.format == "json" ? judge_json(opinions) : judge_text(opinions, words.diagrams));
  return exit_status_of(opinions);
}

int list_catalogue(const Words& words) {
  std::optional<CheckResult> checked;
  std::optional<Strikes> strikes;
  if (words.play) {
    CheckOptions options{.target = words.target, .defect = words.plant};
    options.jobs = words.jobs != 0 ? words.jobs : target_name(words) == "own" ? 1 : kRealJobs;
    options.progress = progress_line();
    checked = check(read_scenarios({corpus_folder(words)}), options);
    end_progress();
  }
  if (!words.zoo.empty()) strikes = read_strikes(words.zoo);
  const Account all = account(checked ? &*checked : nullptr, strikes ? &*strikes : nullptr);
  print(words.format == "json" ? account_json(all) : account_text(all, paper_of_stdout().columns));
  return 0;
}

int run_bench(const Words& words) {
  const auto target = make_target(words.target, Manner{.defect = words.plant, .temperaments = words.temper});
  if (!target->identity().can(Ability::kPassiveOpen)) throw Wrong(words.target + " cannot open passively");
  const BenchResult result = bench(*target, words.seconds, edition_of(words), ip_of(words));
  print(words.format == "json" ? bench_json(result) : bench_text(result));
  return 0;
}

std::vector<Filed> scenarios_of(const Words& words) {
  return read_scenarios(words.paths.empty() ? std::vector{corpus_folder(words)} : words.paths);
}

int run_zoo(const Words& words) {
  if (words.sweep) return run_sweep_zoo(words);
  ZooOptions options{.defects = words.plants, .temper = words.plants.empty(), .pairs = words.pairs};
  if (words.jobs != 0) options.jobs = words.jobs;
  const auto scenarios = scenarios_of(words);
  options.progress = progress_line();
  const ZooResult result = zoo(scenarios, options);
  end_progress();
  print(words.format == "json" ? zoo_json(result) : zoo_text(result, paper_of_stdout()));
  return result.exit_status();
}

int run_sharpness(const Words& words) {
  SharpnessOptions options{.samples = words.samples, .seed = words.seed};
  const auto scenarios = scenarios_of(words);
  options.progress = progress_line();
  const SharpnessResult result = sharpness(scenarios, options);
  end_progress();
  print(words.format == "json" ? sharpness_json(result) : sharpness_text(result, paper_of_stdout()));
  return 0;
}

// --- the words ---

struct Verb {
  const char *name, *what, *example;
  int (*run)(const Words&);
  void (*words)(CLI::App&, Words&);
};

void target_word(CLI::App& app, Words& words) {
  app.add_option("--target,-t", words.target, "which implementation ('tcpassay targets' lists them)")
      ->capture_default_str();
  app.add_option("--plant", words.plant, "a defect for the own stack ('tcpassay targets --defects' lists them)");
  app.add_option("--temper", words.temper,
                 "legal variations of it, separated by commas ('tcpassay targets --temperaments' lists them)")
      ->delimiter(',')
      ->allow_extra_args(false);
}

void ruleset_word(CLI::App& app, Words& words) {
  std::vector<std::string> editions;
  for (int i = 0; i <= static_cast<int>(kNewest); ++i) editions.emplace_back(to_string(static_cast<Edition>(i)));
  app.add_option("--ruleset", words.ruleset, "the edition of TCP's text that the target is held to")
      ->check(CLI::IsMember(editions))
      ->capture_default_str();
}

void ip_word(CLI::App& app, Words& words, const std::vector<std::string>& versions) {
  app.add_option("--ip", words.ip, "the version of IP, for scripts that do not name one")
      ->check(CLI::IsMember(versions))
      ->capture_default_str();
}

void format_word(CLI::App& app, Words& words, const std::vector<std::string>& formats) {
  app.add_option("--format,-f", words.format, "how the result is written")
      ->check(CLI::IsMember(formats))
      ->capture_default_str();
}

void corpus_word(CLI::App& app, Words& words) {
  app.add_option("--corpus", words.corpus, "where the scenarios are; else $TCPASSAY_CORPUS, else ./corpus");
}

void targets_words(CLI::App& app, Words& words) {
  format_word(app, words, {"text", "json"});
  app.add_flag("--defects", words.defects, "lists the defects that can be planted in the own stack");
  app.add_flag("--temperaments", words.temperaments, "lists the legal variations that the own stack can have");
}

void script_words(CLI::App& app, Words& words) {
  app.add_option("--define,-D", words.defines, "NAME or NAME=VALUE: for #ifdef, and words that stand for others")
      ->allow_extra_args(false);
}

void oracle_only_word(CLI::App& app, Words& words) {
  app.add_flag("--oracle-only", words.oracle_only,
               "what scripts say of the target (> lines, results of calls, code) is not compared");
}

void check_words(CLI::App& app, Words& words) {
  target_word(app, words);
  ip_word(app, words, {"4", "6", "both"});
  ruleset_word(app, words);
  format_word(app, words, {"text", "json", "junit"});
  script_words(app, words);
  oracle_only_word(app, words);
  corpus_word(app, words);
  app.add_option("--suite,-s", words.suite, "only the scenarios of this suite or folder");
  app.add_option("--pcap", words.pcap, "a folder for a capture of each scenario");
  app.add_option("--jobs,-j", words.jobs, "processes, each with its own target; 1 for own, 16 for others")
      ->check(CLI::Range(1, kJobsMax));
  app.add_option("PATH", words.paths, "scripts or folders to play instead of the whole corpus");
}

void export_words(CLI::App& app, Words& words) {
  app.add_option_function<std::string>(
      "--target,-t",
      [&words](const std::string& target) {
        words.target = target;
        words.play = true;
      },
      "plays the script on it; what is seen becomes > lines");
  app.add_option("--plant", words.plant, "a defect for the own stack");
  app.add_option("--temper", words.temper, "legal variations of it")->delimiter(',')->allow_extra_args(false);
  ip_word(app, words, {"4", "6"});
  script_words(app, words);
  app.add_option("--format,-f", words.format, "pkt, or pcap with --target")
      ->check(CLI::IsMember(std::vector<std::string>{"pkt", "pcap"}));
  app.add_option("--output,-o", words.output, "the file to write; without it what is written is printed");
  app.add_option("FILE", words.paths, "the script")->required()->expected(1);
}

void run_words(CLI::App& app, Words& words) {
  target_word(app, words);
  script_words(app, words);
  oracle_only_word(app, words);
  ip_word(app, words, {"4", "6"});
  ruleset_word(app, words);
  format_word(app, words, {"text", "json"});
  app.add_option("--pcap", words.pcap, "writes every packet to this file");
  app.add_option("FILE", words.paths, "the script")->required()->expected(1);
}

void judge_words(CLI::App& app, Words& words) {
  script_words(app, words);
  ruleset_word(app, words);
  format_word(app, words, {"text", "json"});
  app.add_flag("--ladder", words.diagrams, "draws each conversation");
  app.add_option("--end", words.ends, "in captures, judges the ends with this ADDRESS or ADDRESS:PORT only");
  app.add_flag("--packets-alone", words.packets_alone,
               "of captures that check or run wrote: judges the packets, not the log of the run beside them");
  app.add_option("--jobs,-j", words.jobs, "threads; one for each core if not given")->check(CLI::Range(1, kJobsMax));
  app.add_option("FILE", words.paths, "scripts and captures that record conversations, or folders of them")->required();
}

void explain_words(CLI::App& app, Words& words) {
  format_word(app, words, {"text", "json"});
  corpus_word(app, words);
  app.add_option("RULE", words.rule, "a rule's id, or the name of a requirement")->required();
}

void catalogue_words(CLI::App& app, Words& words) {
  format_word(app, words, {"text", "json"});
  corpus_word(app, words);
  app.add_option_function<std::string>(
      "--target,-t",
      [&words](const std::string& target) {
        words.target = target;
        words.play = true;
      },
      "plays the corpus on it and says which requirements were exercised");
  app.add_option("--zoo", words.zoo, "what 'tcpassay zoo --format json' wrote: says which rules defects strike");
}

void bench_words(CLI::App& app, Words& words) {
  target_word(app, words);
  ip_word(app, words, {"4", "6"});
  ruleset_word(app, words);
  format_word(app, words, {"text", "json"});
  app.add_option("--seconds", words.seconds, "how long to measure")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
}

void zoo_words(CLI::App& app, Words& words) {
  format_word(app, words, {"text", "json"});
  corpus_word(app, words);
  app.add_option("--defect", words.plants, "only these, and no temperaments")->delimiter(',')->allow_extra_args(false);
  app.add_flag("--pairs,!--no-pairs", words.pairs, "every pair of temperaments, beside each alone and many at once");
  app.add_flag("--sweep", words.sweep, "asks by the sweep, not the scenarios: the defects of SEGMENT ARRIVES");
  app.add_option("--jobs,-j", words.jobs, "threads; 2 if not given")->check(CLI::Range(1, kJobsMax));
  app.add_option("PATH", words.paths, "scripts or folders to play instead of the whole corpus");
}

void sweep_words(CLI::App& app, Words& words) {
  target_word(app, words);
  ip_word(app, words, {"4", "6", "both"});
  ruleset_word(app, words);
  format_word(app, words, {"text", "json"});
  corpus_word(app, words);
  app.add_option("--state", words.states, "only these states, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--road", words.road, "only roads in whose name this stands, as 'simultaneous'");
  app.add_option("--flags", words.flags, "only these sets of control bits, as SYN+ACK,FA,R,none")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--one-in", words.one_in, "only one cell in so many, spread over the grid")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--findings", words.findings, "the folder for a script of each cause")->capture_default_str();
  app.add_option("--jobs,-j", words.jobs, "processes, each with its own target; one for each processor if not given")
      ->check(CLI::Range(1, kJobsMax));
}

void sharpness_words(CLI::App& app, Words& words) {
  format_word(app, words, {"text", "json"});
  corpus_word(app, words);
  app.add_option("--samples", words.samples, "how many alterations")
      ->check(CLI::Range(std::size_t{1}, std::size_t{10'000'000}))
      ->capture_default_str();
  app.add_option("--seed", words.seed, "of what is altered and how")->capture_default_str();
  app.add_option("PATH", words.paths, "scripts or folders to play instead of the whole corpus");
}

constexpr Verb kVerbs[] = {
    {"targets", "What can be tested here, and why not the rest", "tcpassay targets", list_targets, targets_words},
    {"check", "Plays the scenarios on a target and prints the requirement table",
     "tcpassay check --target linux --format json > linux.json", run_check, check_words},
    {"run", "Plays one script: ladder diagram and verdicts",
     "tcpassay run corpus/textbook/client-closes-first.pkt --target own", run_script, run_words},
    {"export", "Writes a script, or what happens when it is played, as packetdrill accepts it",
     "tcpassay export corpus/textbook/client-closes-first.pkt --target own -o closes.pkt", export_file, export_words},
    {"judge", "Judges recorded conversations; no target is needed", "tcpassay judge --ladder recorded.pkt", judge_files,
     judge_words},
    {"explain", "What a rule says, where it stands, and which scenarios exercise it", "tcpassay explain MUST-10",
     explain, explain_words},
    {"catalogue", "Every requirement by document: stated by rules, exempt, exercised, proven",
     "tcpassay catalogue --target own", list_catalogue, catalogue_words},
    {"sweep", "Asks every state every question that a segment can put, and says what is wrong",
     "tcpassay sweep --target own --state FIN-WAIT-1", run_sweep, sweep_words},
    {"bench", "How many connections a second are played, bare and judged", "tcpassay bench --target own --seconds 5",
     run_bench, bench_words},
    {"zoo", "Plants each known defect in the own stack: was it caught, and by which rule; and is what is legal spared",
     "tcpassay zoo --defect rst_out_of_window", run_zoo, zoo_words},
    {"sharpness", "Alters what the own stack sent, one field at a time: how much of it the judge notices",
     "tcpassay sharpness --samples 10000", run_sharpness, sharpness_words},
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
  Words words;
  std::vector<std::pair<CLI::App*, const Verb*>> verbs;
  for (const Verb& verb : kVerbs) {
    CLI::App* sub = app.add_subcommand(verb.name, verb.what);
    sub->footer(fmt::format("Example: {}\n", verb.example));
    verb.words(*sub, words);
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
      if (sub->parsed()) return verb->run(words);
    }
  } catch (const std::exception& error) {
    end_progress();
    return complain(error.what());
  }
  return kCannot;
}

}  // namespace tcpassay
