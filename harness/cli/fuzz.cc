// SPDX-License-Identifier: Apache-2.0
// tcpassay fuzz
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "harness/check/corpus.h"
#include "harness/check/deviations.h"
#include "harness/check/selection.h"
#include "harness/cli/fuzz_report.h"
#include "harness/cli/options.h"
#include "harness/cli/play.h"
#include "harness/cli/recordings.h"
#include "harness/cli/verbs.h"
#include "harness/hunt/campaign.h"
#include "harness/hunt/confirm.h"
#include "harness/hunt/feedback.h"
#include "harness/hunt/hunted.h"
#include "harness/script/parse.h"
#include "models/rule.h"

namespace tcpassay {

namespace fs = std::filesystem;

void fuzz_options(CLI::App& app, CliOptions& cli) {
  add_target_options(app, cli);
  add_ruleset_option(app, cli);
  add_strict_option(app, cli);
  add_corpus_option(app, cli);
  add_format_option(app, cli, {"text", "json", "html"});
  add_html_output_option(app, cli);
  add_jobs_option(app, cli, "processes, each with its own target and all with one corpus; if not given, one");
  app.add_option("--folder", cli.folder, "where the campaign stands; if not given, fuzz-TARGET")->type_name("DIR");
  app.add_option("--time", cli.campaign_s, "stop after so many seconds; if not given, when interrupted")
      ->check(CLI::Range(0.1, 1e9));
  app.add_option("--inputs", cli.inputs, "stop when each process has played so many inputs")->check(whole_number(1));
  app.add_option("--findings-max", cli.findings_max, "stop after so many new findings that are not listed")
      ->check(whole_number(1));
  app.add_option("--seed", cli.seed, "of the random numbers")->check(whole_number(0))->capture_default_str();
  app.add_option("--seeds", cli.seed_paths, "scripts to begin with; if not given, the corpus")->type_name("PATH");
  app.add_option("--leave-out", cli.left_out, "no seeds that say that they cover these rules, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--ignore", cli.ignored, "rules that make no finding, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--signals", cli.signals,
                 "what makes an input worth keeping: all, none, or some of transitions,pairs,triples,rules,freedoms")
      ->capture_default_str();
  app.add_flag("--plain", cli.plain, "change octets without regard to their meaning, to compare with");
  app.add_option("ACTION", cli.action, "on what was found: list, replay, minimise or export; if not given, a campaign")
      ->check(CLI::IsMember({"list", "replay", "minimise", "export"}));
  app.add_option("FINDING", cli.paths, "the folders of findings, or their names; if not given, all");
}

namespace {

HuntTerms terms_of(const CliOptions& cli) {
  return {.target = cli.target,
          .own_options = {.defect = cli.defect, .legal_variants = cli.legal_variants},
          .edition = edition_of(cli),
          .strict = cli.strict};
}

fs::path folder_of(const CliOptions& cli) {
  return cli.folder.empty() ? fs::path("fuzz-" + target_name(cli)) : fs::path(cli.folder);
}

Signals signals_named(const std::string& words) {
  if (const auto signals = signals_of(words)) return *signals;
  throw UsageError(fmt::format(
      "--signals {}: expected all, none, or some of transitions, pairs, triples, rules and freedoms", words));
}

// One line that is overwritten on a terminal; elsewhere a line every ten seconds.
std::function<void(const HuntStatus&)> status_line() {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  return [terminal, next = 0.0](const HuntStatus& status) mutable {
    constexpr double kEvery = 10;
    if (terminal) {
      fmt::print(stderr, "\r\x1b[K{}", status_text(status));
      std::fflush(stderr);
    } else if (status.seconds >= next) {
      fmt::print(stderr, "{}\n", status_text(status));
      next = status.seconds + kEvery;
    }
  };
}

// That the target is known to do.
ListedFaults listed_faults(const CliOptions& cli) {
  ListedFaults listed;
  const std::string place = (fs::path(corpus_folder(cli)) / "deviations").string();
  for (const Deviation& known : read_deviations(place, target_name(cli), {.sweep = true, .fuzz = true})) {
    listed.rules.emplace_back(info(known.rule).id);
  }
  for (const ListedDeath& known : read_listed_deaths(place, target_name(cli))) listed.deaths.push_back(known.text);
  return listed;
}

HuntOptions hunt_options(const CliOptions& cli) {
  HuntOptions options{.terms = terms_of(cli),
                      .folder = folder_of(cli),
                      .seconds = cli.campaign_s,
                      .inputs = cli.inputs,
                      .findings_max = cli.findings_max,
                      .jobs = std::max(cli.jobs, 1),
                      .seed = cli.seed,
                      .seeds = cli.seed_paths,
                      .left_out = cli.left_out,
                      .ignored = cli.ignored,
                      .signals = signals_named(cli.signals),
                      .plain = cli.plain,
                      .progress = status_line()};
  if (options.seeds.empty()) options.seeds.push_back(corpus_folder(cli));
  options.listed = listed_faults(cli);
  for (auto* ids : {&options.left_out, &options.ignored}) {
    for (std::string& id : *ids) id = info(rule_named(id)).id;
  }
  if (cli.target.empty() || cli.target.find(',') != std::string::npos) throw UsageError("fuzz takes one target");
  make_target(cli);               // before a folder is made: there is such a target,
  read_scenarios(options.seeds);  // and there are seeds
  return options;
}

// As --format says; false where that is text.
bool report(const std::vector<Hunted>& findings, const CliOptions& cli) {
  if (cli.format == "text") return false;
  const nlohmann::ordered_json json = fuzz_json(folder_of(cli), findings, terms_of(cli), listed_faults(cli));
  if (cli.format == "json") {
    print(json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    return true;
  }
  write_fuzz_site(cli.output, json, findings, cli.pcap);
  print(fmt::format("the report is {}\n", (fs::path(cli.output) / "index.html").string()));
  return true;
}

int run_campaign(const CliOptions& cli) {
  const HuntOptions options = hunt_options(cli);
  const HuntStatus status = hunt(options);
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r\x1b[K");
  const auto findings = read_findings(options.folder / "findings");
  if (!report(findings, cli)) print(status_text(status) + "\n" + findings_text(findings, options.listed));
  return status.unlisted > 0 ? 1 : 0;
}

std::vector<Hunted> chosen(const CliOptions& cli) {
  const fs::path folder = folder_of(cli) / "findings";
  if (cli.paths.empty()) {
    if (!fs::is_directory(folder_of(cli))) {
      throw UsageError(
          fmt::format("{}: no campaign there: --folder DIR says where one stands", folder_of(cli).string()));
    }
    return read_findings(folder);
  }
  std::vector<Hunted> all;
  for (const std::string& path : cli.paths) {
    auto found = read_finding(path);
    if (!found) found = read_finding(folder / path);
    if (!found) throw UsageError(fmt::format("{}: no finding there, nor in {}", path, folder.string()));
    all.push_back(std::move(*found));
  }
  return all;
}

// The smallest script; the first one, where a campaign was stopped before it could make it smaller.
fs::path script_of(const Hunted& found) {
  const fs::path least = found.folder / "finding.pkt";
  return fs::exists(least) ? least : found.folder / "first.pkt";
}

int replay(const CliOptions& cli) {
  const HuntTerms terms = terms_of(cli);
  bool shown = false;
  const std::vector<Hunted> all = chosen(cli);
  if (all.empty()) print("no findings\n");
  for (const Hunted& found : all) {
    Witness witness(terms);
    std::vector<fs::path> before;
    if (fs::exists(found.folder / "history")) {
      for (const auto& file : fs::directory_iterator(found.folder / "history")) before.push_back(file.path());
    }
    std::sort(before.begin(), before.end());
    for (const fs::path& path : before) witness.shown_by(read_script(path.string()));
    const auto kind = witness.shown_by(read_script(script_of(found).string()));
    const bool again = kind && same_fault(*kind, found.kind);
    shown = shown || kind.has_value();
    print(fmt::format("{}: {}\n{}", found.folder.filename().string(),
                      again  ? "shown again"
                      : kind ? fmt::format("shows {} instead", kind->rule)
                             : "not shown",
                      kind ? witness.verdict() : ""));
  }
  return shown ? 1 : 0;
}

}  // namespace

int run_fuzz(const CliOptions& asked) {
  const Recordings recordings(asked);
  const CliOptions cli = recordings.recorded(asked);
  if (cli.action.empty()) return run_campaign(cli);
  if (cli.action == "replay") return replay(cli);
  std::vector<Hunted> all = chosen(cli);
  for (Hunted& found : all) {
    if (cli.action == "minimise") minimise(found, terms_of(cli));
    if (cli.action == "export") write_forms(found, terms_of(cli));
  }
  if (!report(all, cli)) print(all.empty() ? "no findings\n" : findings_text(all, listed_faults(cli)));
  return all.empty() ? 0 : 1;
}

}  // namespace tcpassay
