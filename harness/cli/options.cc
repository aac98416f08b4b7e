// SPDX-License-Identifier: Apache-2.0
#include "harness/cli/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "harness/base/processes.h"
#include "harness/check/check_result.h"
#include "harness/check/selection.h"
#include "harness/cli/corpus_place.h"
#include "harness/session/round_trip.h"
#include "harness/target/target.h"
#include "harness/targets/registry.h"
#include "harness/targets/remote/remote_place.h"
#include "models/edition.h"

namespace tcpassay {

namespace fs = std::filesystem;

void print(const std::string& text) {
  const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!whole) throw UsageError("the output cannot be written");
}

void require_other_file(const std::string& written, const std::vector<std::string>& read) {
  for (const std::string& file : read) {
    std::error_code ignored;  // what is not there is not the same
    if (!fs::is_regular_file(written, ignored) || !fs::equivalent(written, file, ignored)) continue;
    throw UsageError(written + ": is what is read; name another file to write");
  }
}

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

bool has_corpus(const CliOptions& cli) {
  const char* named = std::getenv("TCPASSAY_CORPUS");
  return !cli.corpus.empty() || (named && *named) || fs::is_directory("corpus") || own_corpus();
}

std::string target_name(const CliOptions& cli) {
  return short_name(cli.target);
}

Edition edition_of(const CliOptions& cli) {
  return *edition_named(cli.ruleset);
}

std::uint8_t ip_version_of(const CliOptions& cli) {
  return cli.ip == "6" ? 6 : 4;
}

std::vector<std::uint8_t> ip_versions_of(const CliOptions& cli) {
  if (cli.ip == "both") return {4, 6};
  return {ip_version_of(cli)};
}

bool is_one_wire(const std::string& target) {
  const bool wire = target.starts_with("tap:") || target.starts_with("unix:");
  return wire && target.find('%') == std::string::npos;  // which stands for the number of the process
}

int jobs_of(const CliOptions& cli) {
  if (cli.jobs != 0) return cli.jobs;
  if (target_name(cli) == "own") return 1;
  if (is_one_wire(cli.target)) return 1;
  constexpr int kJobsOfPairs =
      16;  // a kernel that makes more pairs of interfaces at once loses some of their addresses
  if (target_name(cli) == "linux-raw") return kJobsOfPairs;
  const bool adapter = !is_built_in(target_name(cli));
  return adapter ? static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 16u)) : kJobsMax;
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

std::function<std::string(const std::string&)> whole_number(std::uint64_t least) {
  return [least](const std::string& word) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    const bool good = error == std::errc() && end == word.data() + word.size() && number >= least;
    return good ? "" : fmt::format("'{}' is no whole number from {} on", word, least);
  };
}

static void add_permission_option(CLI::App& app) {
  app.add_option_function<std::vector<std::string>>(
         "--i-may-test",
         [](const std::vector<std::string>& addresses) {
           try {
             for (const std::string& address : addresses) permit_testing(address);
           } catch (const TargetError& error) {
             throw UsageError(error.what());
           }
         },
         "ADDR: packets to this address may leave the machine; say so only of machines that are yours to test")
      ->allow_extra_args(false);
}

void add_target_options(CLI::App& app, CliOptions& cli, bool several) {
  app.add_option("--target,-t", cli.target,
                 std::string("the implementation to test ('tcpassay targets' lists them), plugin:FILE.so, remote:ADDR, "
                             "tap:NAME or unix:PATH") +
                     (several ? "; or several, with commas between" : ""))
      ->capture_default_str();
  add_permission_option(app);
  app.add_flag("--in-process", cli.in_process,
               "load an adapter into this process instead of a child: quicker, but a crash of the stack ends the run");
  app.add_option("--plant", cli.defect, "a defect to plant in the own stack ('tcpassay targets --defects' lists them)");
  app.add_option("--temper", cli.legal_variants,
                 "legal variants of the own stack's behaviour, separated by commas ('tcpassay targets --temperaments' "
                 "lists them)")
      ->delimiter(',')
      ->allow_extra_args(false);
}

void add_optional_target(CLI::App& app, CliOptions& cli, const char* help) {
  app.add_option_function<std::string>(
      "--target,-t",
      [&cli](const std::string& target) {
        cli.target = target;
        cli.target_given = true;
      },
      help);
  add_permission_option(app);
}

void add_ruleset_option(CLI::App& app, CliOptions& cli) {
  std::vector<std::string> editions;
  for (int i = 0; i <= static_cast<int>(kNewest); ++i) editions.emplace_back(to_string(static_cast<Edition>(i)));
  app.add_option("--ruleset", cli.ruleset, "the edition of the TCP specification that the target is judged by")
      ->check(CLI::IsMember(editions))
      ->capture_default_str();
}

void add_strict_option(CLI::App& app, CliOptions& cli) {
  app.add_flag("--strict", cli.strict, "count as broken what is tolerated though no text grants it");
}

void add_ip_option(CLI::App& app, CliOptions& cli, const std::vector<std::string>& versions) {
  app.add_option("--ip", cli.ip, "the IP version, for scripts that do not name one themselves")
      ->check(CLI::IsMember(versions))
      ->capture_default_str();
}

void add_format_option(CLI::App& app, CliOptions& cli, const std::vector<std::string>& formats) {
  app.add_option("--format,-f", cli.format, "the output format")->check(CLI::IsMember(formats))->capture_default_str();
}

void add_corpus_option(CLI::App& app, CliOptions& cli) {
  app.add_option("--corpus", cli.corpus,
                 "the folder with the scenarios; if not given, $TCPASSAY_CORPUS, and if that is not set, ./corpus");
}

void add_define_option(CLI::App& app, CliOptions& cli) {
  app.add_option("--define,-D", cli.defines,
                 "NAME or NAME=VALUE: defines NAME for #ifdef lines; scripts may use NAME in place of VALUE")
      ->allow_extra_args(false)
      ->check([](const std::string& text) {
        const std::string name = text.substr(0, text.find('='));
        const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
        const bool good =
            !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 && std::ranges::all_of(name, fits);
        return good ? "" : fmt::format("'{}' is no name: letters, digits and _, and no digit at its beginning", name);
      });
}

void add_oracle_only_option(CLI::App& app, CliOptions& cli) {
  app.add_flag("--oracle-only", cli.oracle_only,
               "ignore what scripts themselves say of the target (> lines, results of calls, code)");
}

void add_rtt_option(CLI::App& app, CliOptions& cli) {
  app.add_option("--rtt", cli.rtt_ms,
                 "the round trip between peer and target in milliseconds: the peer answers that much later, and what "
                 "scripts say of the target is not compared")
      ->check(CLI::Range(0, 10000));
  app.add_option(
         "--peer", cli.manner,
         "with --rtt, how the peer answers: at once, 200 ms late, in bursts once in a round trip, or such bursts "
         "of which the acknowledgments are one")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kPeerManners), std::end(kPeerManners))))
      ->needs("--rtt");
}

PeerManner manner_of(const CliOptions& cli) {
  const auto at = std::find(std::begin(kPeerManners), std::end(kPeerManners), cli.manner);
  return static_cast<PeerManner>(at - std::begin(kPeerManners));
}

void add_selection_options(CLI::App& app, CliOptions& cli) {
  const auto list = [&app](const char* name, std::vector<std::string>& values, const char* help) {
    app.add_option(name, values, help)->delimiter(',')->allow_extra_args(false);
  };
  list("--suite,-s", cli.suites, "only the scenarios of these suites or folders, separated by commas");
  list("--rule", cli.only_rules, "only the scenarios that name one of these rules, separated by commas");
  list("--section", cli.sections,
       "only the scenarios that name a rule of this section or of one below it: 3.10.7.4, of another RFC 7323:5.3, of "
       "all of it rfc7323");
  list("--tag", cli.tags, "only the scenarios with one of these tags (a line `//! tag:`)");
  list("--exclude", cli.excluded,
       "leave out these suites, folders, tags, rules or scenarios; * stands for any characters");
}

Selection selection_of(const CliOptions& cli) {
  Selection selection{.suites = cli.suites, .tags = cli.tags, .excluded = cli.excluded};
  for (const std::string& id : cli.only_rules) selection.rules.push_back(rule_named(id));
  for (const std::string& word : cli.sections) selection.sections.push_back(section_named(word));
  return selection;
}

void add_deviations_option(CLI::App& app, CliOptions& cli) {
  app.add_option("--deviations", cli.deviations,
                 "a file of known deviations, or a folder with TARGET.txt; may be given several times; if not given, "
                 "the corpus's folder")
      ->allow_extra_args(false);
}

std::vector<std::string> deviation_paths(const CliOptions& cli) {
  if (!cli.deviations.empty()) return cli.deviations;
  const fs::path folder = fs::path(corpus_folder(cli)) / "deviations";
  return fs::is_directory(folder) ? std::vector{folder.string()} : std::vector<std::string>{};
}

void add_shard_option(CLI::App& app, CliOptions& cli) {
  app.add_option("--shard", cli.shard,
                 "only the second of eight parts: 2/8; 'tcpassay merge' joins their JSON results");
}

void add_only_option(CLI::App& app, CliOptions& cli) {
  app.add_option("--only", cli.only, "print only what decides against the target")
      ->check(CLI::IsMember(std::vector<std::string>{"failed"}));
}

void add_fail_on_option(CLI::App& app, CliOptions& cli, const char* help) {
  app.add_option("--fail-on", cli.fail_on, help)
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(kFailOnNames), std::end(kFailOnNames))))
      ->capture_default_str();
}

FailOn fail_on_of(const CliOptions& cli) {
  const auto at = std::find(std::begin(kFailOnNames), std::end(kFailOnNames), cli.fail_on);
  return static_cast<FailOn>(at - std::begin(kFailOnNames));
}

void add_quiet_option(CLI::App& app, CliOptions& cli) {
  app.add_flag("--quiet,-q", cli.quiet, "print the conclusion alone, and no progress");
}

void add_jobs_option(CLI::App& app, CliOptions& cli, const char* help) {
  app.add_option("--jobs,-j", cli.jobs, help)->check(CLI::Range(1, kJobsMax));
}

void add_corpus_paths(CLI::App& app, CliOptions& cli) {
  app.add_option("PATH", cli.paths, "scripts or folders to play instead of the whole corpus");
}

}  // namespace tcpassay
