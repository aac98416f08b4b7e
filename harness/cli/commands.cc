// SPDX-License-Identifier: Apache-2.0
#include "harness/cli/commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/markup.h"
#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/check/matrix.h"
#include "harness/cli/options.h"
#include "harness/cli/report.h"
#include "harness/cli/verbs.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

constexpr int kCannot = 2;  // the command could not do its work

struct Verb {
  const char *name, *what, *example;
  int (*run)(const CliOptions&);
  void (*add_options)(CLI::App&, CliOptions&);
};

void explain_options(CLI::App& app, CliOptions& cli) {
  add_format_option(app, cli, {"text", "json"});
  add_corpus_option(app, cli);
  app.add_option("RULE", cli.rule,
                 "the id of a rule or of a freedom, the name of a requirement, or a section: 3.10.7.4, "
                 "7323:5.3, rfc7323")
      ->required();
}

constexpr Verb kVerbs[] = {
    {"targets", "Lists what can be tested here, and what is missing for the rest", "tcpassay targets", run_targets,
     targets_options},
    {"check", "Plays the scenarios on a target and prints the requirement table",
     "tcpassay check --target linux --format json > linux.json", run_check, check_options},
    {"run", "Plays one script and prints its ladder diagram and the verdicts",
     "tcpassay run corpus/textbook/client-closes-first.pkt --target own", run_script, script_options},
    {"export", "Writes a script, or what happens when it is played, in the form that packetdrill accepts",
     "tcpassay export corpus/textbook/client-closes-first.pkt --target own -o closes.pkt", run_export, export_options},
    {"judge", "Judges recorded conversations; needs no target", "tcpassay judge --ladder recorded.pkt", run_judge,
     judge_options},
    {"explain", "Prints what a rule says, where the RFC says it, and its code, tests, defects and scenarios",
     "tcpassay explain MUST-10", explain, explain_options},
    {"catalogue", "Counts the requirements of each document: stated by rules, exempt, exercised, proven",
     "tcpassay catalogue --target own", run_catalogue, catalogue_options},
    {"sweep", "Sends every class of segment in every state and reports which rules are broken",
     "tcpassay sweep --target own --state FIN-WAIT-1", run_sweep, sweep_options},
    {"report", "Writes what check or sweep has printed as JSON as HTML pages",
     "tcpassay report linux.json --captures captures -o report", run_report, report_options},
    {"diff", "Compares two results of check or sweep: what changed between two versions of a stack",
     "tcpassay diff old.json new.json", run_diff, diff_options},
    {"merge", "Joins the JSON results of all shards of check or sweep to that of the whole run",
     "tcpassay merge 1.json 2.json 3.json -o all.json", run_merge, merge_options},
    {"fuzz", "Changes scenarios at random, keeps what is new, and makes what it finds small; goes on where it stopped",
     "tcpassay fuzz --target own --plant rst_out_of_window --time 60", run_fuzz, fuzz_options},
    {"plugin-check", "Looks for mistakes of an adapter, before its stack is judged", "tcpassay plugin-check ./lwip.so",
     run_plugin_check, plugin_check_options},
    {"bench", "Measures how many connections a second are played, with the judge and without it",
     "tcpassay bench --target own --seconds 5", run_benchmark, benchmark_options},
    {"zoo",
     "Mutation test: the judge must catch each known defect, planted in the own stack, and fail no legal variant of it",
     "tcpassay zoo --defect rst_out_of_window", run_mutation_test, mutation_test_options},
    {"sharpness",
     "Mutation sensitivity: alters single segments, and whole histories, of runs of the own stack; counts how often "
     "the "
     "judge notices",
     "tcpassay sharpness --samples 10000", run_sensitivity, sensitivity_options},
    {"manual", "Prints the manual page of a verb, or of the program", "tcpassay manual check | man -l -", run_manual,
     manual_options},
    {"completions", "Prints the file by which a shell completes commands", "source <(tcpassay completions bash)",
     run_completions, completions_options},
};

// One line of text, whatever the message was: it may quote a file that is none.
std::string on_one_line(const std::string& message) {
  constexpr std::size_t kOctetsMax = 1000;
  std::string text = message.size() > kOctetsMax ? message.substr(0, kOctetsMax) + "..." : message;
  const auto moves = [](unsigned char c) { return std::iscntrl(c) != 0; };
  while (!text.empty() && (moves(static_cast<unsigned char>(text.back())) || text.back() == ' ')) text.pop_back();
  std::replace_if(text.begin(), text.end(), moves, ' ');
  return valid_utf8(text);
}

int complain(const std::string& what) {
  fmt::print(stderr, "tcpassay: {}\n", on_one_line(what));
  return kCannot;
}

int complain(const std::exception& error) {
  const auto* of_files = dynamic_cast<const std::filesystem::filesystem_error*>(&error);
  if (of_files == nullptr) return complain(std::string(error.what()));
  return complain(
      fmt::format("{}: cannot be read or written: {}", of_files->path1().string(), of_files->code().message()));
}

std::vector<std::string_view> verb_names() {
  std::vector<std::string_view> names;
  for (const Verb& verb : kVerbs) names.emplace_back(verb.name);
  return names;
}

bool is_verb(std::string_view word) {
  const auto names = verb_names();
  return std::find(names.begin(), names.end(), word) != names.end();
}

// What is wrong with the first word, if it should be the name of a command and is not.
std::string wrong_command(const std::vector<std::string>& words) {
  if (words.empty()) {
    return fmt::format("name a command: {} (--help says what each does)", fmt::join(verb_names(), ", "));
  }
  const std::string& first = words.front();
  if (first.starts_with("-") || is_verb(first)) return "";
  const std::string near = nearest(first, verb_names());
  return fmt::format("there is no command '{}'{} (--help lists them)", first,
                     near.empty() ? "" : fmt::format("; perhaps {}", near));
}

// The sweep plays cells of a grid, and each cell may touch any rule: what chooses scenarios chooses nothing there.
std::string refused(const std::vector<std::string>& words) {
  constexpr std::string_view kOfScenarios[] = {"--suite",   "-s",     "--rule",       "--section", "--tag",
                                               "--exclude", "--list", "--list-rules", "--only"};
  if (words.empty() || words.front() != "sweep") return "";
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (std::find(std::begin(kOfScenarios), std::end(kOfScenarios), name) == std::end(kOfScenarios)) continue;
    return name + " chooses scenarios, and sweep plays none: choose cells with --state, --flags, --road or --one-in";
  }
  return "";
}

// `help` and `help VERB` are what people try first.
std::vector<std::string> with_help_as_option(std::vector<std::string> words) {
  if (words.empty() || words.front() != "help") return words;
  words.erase(words.begin());
  words.resize(std::min<std::size_t>(words.size(), 1));
  words.emplace_back("--help");
  return words;
}

}  // namespace

void add_verbs(CLI::App& app, CliOptions& cli) {
  for (const Verb& verb : kVerbs) {
    CLI::App* sub = app.add_subcommand(verb.name, verb.what);
    sub->footer(fmt::format("Example: {}\n", verb.example));
    verb.add_options(*sub, cli);
  }
}

int run_command(int count, char** arguments) {
  CLI::App app(
      "Judges TCP implementations by RFC 9293.\n"
      "Exit status: 0 the target conforms, 1 it does not, 2 the command could not do its work.",
      "tcpassay");
  app.set_version_flag("--version", std::string("tcpassay ") + kVersion);
  app.require_subcommand(1);
  app.footer("Example: tcpassay check --target own\n");
  CliOptions cli;
  add_verbs(app, cli);
  std::vector<std::string> words = with_help_as_option({arguments + 1, arguments + count});
  if (const std::string wrong = wrong_command(words); !wrong.empty()) return complain(wrong);
  if (const std::string why = refused(words); !why.empty()) return complain(why);
  std::reverse(words.begin(), words.end());  // CLI11 takes the last first
  try {
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& error) {
    return complain(std::string(error.what()) + " (--help says more)");
  } catch (const std::exception& error) {  // of an option that does its work at once
    return complain(error);
  }
  try {
    if (cli.in_process) {
      std::string names;
      for (const std::string& name : target_list(cli.target)) names += (names.empty() ? "" : ",") + in_process(name);
      cli.target = names;
    }
    for (const Verb& verb : kVerbs) {
      if (app.got_subcommand(verb.name)) return verb.run(cli);
    }
  } catch (const std::exception& error) {
    end_progress();
    return complain(error);
  }
  return kCannot;
}

}  // namespace tcpassay
