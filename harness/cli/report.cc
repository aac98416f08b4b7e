// SPDX-License-Identifier: Apache-2.0
#include "harness/cli/report.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "harness/check/json_file.h"
#include "harness/cli/options.h"
#include "harness/site/check_report.h"
#include "harness/site/check_site.h"
#include "harness/site/findings_site.h"
#include "harness/site/html.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Of one target the folder itself, of several a folder below it for each.
std::string recordings_of(const std::string& captures, const std::string& name) {
  const fs::path own = fs::path(captures) / file_name_of(name);
  if (captures.empty()) return "";
  return fs::is_directory(own) ? own.string() : captures;
}

std::string captures_of(const CliOptions& cli) {
  if (!cli.pcap.empty()) {
    if (!fs::is_directory(cli.pcap)) throw UsageError(cli.pcap + ": no such folder");
    return cli.pcap;
  }
  const fs::path beside = fs::path(cli.paths.front()).parent_path() / "captures";
  return fs::is_directory(beside) ? beside.string() : "";
}

std::string name_of(const Json& run) {
  std::string name = text_of(run, "run");
  if (!name.empty()) return name;
  const std::string of_target = text_of(list_of(run, "target"), "name");
  return of_target.empty() ? text_of(run, "target") : of_target;
}

}  // namespace

void report_options(CLI::App& app, CliOptions& cli) {
  app.add_option("--output,-o", cli.output, "the folder for the report; an earlier report is replaced")->required();
  app.add_option("--captures", cli.pcap,
                 "the folder that check --pcap has filled: scenarios get pages with ladder diagrams; if not given, the "
                 "folder captures beside RESULT, if there is one");
  app.add_option("RESULT", cli.paths, "what check or sweep has printed with --format json")->required()->expected(1);
}

int run_report(const CliOptions& cli) {
  const std::string& file = cli.paths.front();
  const Json json = read_json(file);
  const std::string captures = captures_of(cli);
  std::vector<SiteRun> runs;
  bool checked = false, swept = false;
  const bool several = !list_of(json, "runs").empty();
  for (const Json& run : several ? list_of(json, "runs") : Json::array({json})) {
    checked = checked || !list_of(run, "rules").empty();
    swept = swept || (run.is_object() && run.contains("violations"));
    runs.push_back({.name = name_of(run), .json = run, .recordings = recordings_of(captures, name_of(run))});
  }
  if (checked == swept) throw UsageError(file + ": no result; check and sweep write one with --format json");
  if (checked) {
    write_check_site(cli.output, std::move(runs), progress_line());
  } else {
    write_findings_site(cli.output, runs, progress_line());
  }
  end_progress();
  print(fmt::format("the report is {}\n", (fs::path(cli.output) / "index.html").string()));
  return 0;
}

}  // namespace tcpassay
