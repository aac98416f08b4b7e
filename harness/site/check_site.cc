// SPDX-License-Identifier: Apache-2.0
#include "harness/site/check_site.h"

#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/check/corpus.h"
#include "harness/report/run_report.h"
#include "harness/session/run_log.h"
#include "harness/site/check_pages.h"
#include "harness/site/check_report.h"
#include "harness/site/frame.h"
#include "harness/site/html.h"
#include "harness/site/scenario_page.h"
#include "harness/wire/capture_file.h"
#include "models/edition.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string name_of(const SiteRun& run) {
  const std::string plant = text_of(list_of(run.json, "target"), "plant");
  const std::string known = run.name.empty() ? text_of(run.json, "run") : run.name;  // of a report's own result.json
  const std::string name = known.empty() ? text_of(list_of(run.json, "target"), "name") : known;
  return plant.empty() || name.find(plant) != std::string::npos ? name : name + " with " + plant;
}

// Pages are named after the targets, so no two may have the same name.
void name_runs(std::vector<SiteRun>& runs) {
  std::set<std::string> taken;
  for (SiteRun& run : runs) {
    const std::string name = name_of(run).empty() ? "target" : name_of(run);
    run.name = name;
    for (int i = 2; !taken.insert(file_name_of(run.name)).second; ++i) run.name = fmt::format("{} ({})", name, i);
  }
}

std::vector<std::string> failed_assertions(const SiteRun& run, const std::string& scenario) {
  std::vector<std::string> lines;
  for (const Json& failed : list_of(run.json, "assertions")) {
    if (text_of(failed, "scenario") != scenario) continue;
    lines.push_back(fmt::format("line {}: expected {}; seen {}", text_of(failed, "line"), text_of(failed, "expected"),
                                text_of(failed, "seen")));
  }
  return lines;
}

class ScenarioPages {
 public:
  ScenarioPages(Site& site, SiteRun& run) : site_(site), run_(run) {}

  void add(const Json& played) {
    const std::string path = text_of(played, "path");
    const int ip = static_cast<int>(number_of(played, "ip"));
    const std::string capture = recording_of(run_.recordings, path, ip);
    if (capture.empty()) return;
    const std::string name = page_name(path, ip), page = fmt::format("scenarios/{}/{}.html", run_name(), name);
    RecordedRun run{.name = path,
                    .title = text_of(played, "title"),
                    .target = fmt::format("{}, IPv{}", run_.full_name(), ip),
                    .replay = text_of(played, "replay"),
                    .script = script_text(path),
                    .failed = failed_assertions(run_, path),
                    .crumbs = {{"Overview", "../../index.html"}, {"Scenarios", "../../scenarios.html"}, {path, ""}}};
    for (const Json& id : list_of(played, "rules")) run.covers.push_back(id.is_string() ? id.get<std::string>() : "");
    add_recorded_page(site_, run,
                      {.page = page,
                       .capture_kept = fmt::format("captures/{}/{}.pcapng", run_name(), name),
                       .capture = capture,
                       .edition = edition_named(text_of(run_.json, "ruleset")).value_or(kNewest),
                       .strict = flag_of(run_.json, "strict")});
    site_.index({.kind = "scenario on " + run_.name, .name = path, .about = run.title, .url = page});
    run_.pages[scenario_key(path, ip)] = page;
  }

 private:
  std::string run_name() const { return file_name_of(run_.name); }

  std::string page_name(const std::string& path, int ip) {
    const std::string name = file_name_of(flat_name(path)) + (ip == 6 ? "_ipv6" : "");
    std::string one = name;
    for (int i = 2; !taken_.insert(one).second; ++i) one = fmt::format("{}-{}", name, i);
    return one;
  }

  Site& site_;
  SiteRun& run_;
  std::set<std::string> taken_;
};

void add_scenarios(Site& site, std::vector<SiteRun>& runs, const SiteProgress& progress) {
  std::size_t all = 0, done = 0;
  for (const SiteRun& run : runs) all += list_of(run.json, "played").size();
  for (SiteRun& run : runs) {
    ScenarioPages pages(site, run);
    for (const Json& played : list_of(run.json, "played")) {
      try {
        pages.add(played);
      } catch (const CaptureError&) {  // the scenario stays in the lists, without a page
      }
      if (progress) progress(++done, all, text_of(played, "path"));
    }
  }
}

void add_rules(Site& site, const CheckReport& report) {
  for (const std::string& id : report.ids) {
    const std::string page = rule_page(id);
    site.add({.path = page, .title = id, .main = rule_main(report, id, way_up(page))});
    const Json& about = report.any_of(id);
    site.index({.kind = text_of(about, "level") + " rule, " + section_name(about),
                .name = id,
                .about = text_of(about, "sentence"),
                .url = page});
  }
}

void add_overviews(Site& site, const CheckReport& report) {
  if (!report.several()) {
    site.add({.path = "index.html", .title = "Overview", .main = overview_of_run(report, report.runs.front(), "")});
    return;
  }
  site.add({.path = "index.html", .title = "Overview", .main = overview_of_several(report)});
  site.add({.path = "matrix.html", .title = "Matrix", .main = matrix_main(report)});
  for (const SiteRun& run : report.runs) {
    const std::string page = run_page(report, run);
    site.add({.path = page, .title = run.name, .main = overview_of_run(report, run, way_up(page))});
    site.index({.kind = "target", .name = run.name, .about = text_of(run.json, "conclusion"), .url = page});
  }
}

std::string title_of(const std::vector<SiteRun>& runs) {
  std::string names;
  for (const SiteRun& run : runs) names += (names.empty() ? "" : ", ") + run.full_name();
  return names;
}

Json whole_result(const std::vector<SiteRun>& runs) {
  Json all{{"runs", Json::array()}};
  for (const SiteRun& run : runs) {
    all["runs"].push_back(run.json);
    all["runs"].back()["run"] = run.name;
  }
  return runs.size() == 1 ? all["runs"].front() : all;
}

}  // namespace

std::string recording_of(const std::string& folder, const std::string& scenario, int ip) {
  if (folder.empty()) return "";
  const std::string name = flat_name(scenario);
  const bool there =
      fs::exists(fs::path(folder) / (name + ".pcap")) || fs::exists(fs::path(folder) / (name + "_ipv6.pcap"));
  const fs::path stem = fs::path(folder) / (there ? name : file_name_of(name));  // a report keeps it by its page's name
  for (const char* ending : {"_ipv6.pcap", "_ipv6.pcapng", ".pcap", ".pcapng"}) {
    if (ip != 6 && ending[0] == '_') continue;
    const std::string path = stem.string() + ending;
    if (fs::exists(path) && fs::exists(run_log_of(path))) return path;
  }
  return "";
}

void write_check_site(const std::string& folder, std::vector<SiteRun> runs, const SiteProgress& progress) {
  name_runs(runs);
  std::vector<std::pair<std::string, std::string>> navigation{{"Overview", "index.html"}};
  if (runs.size() > 1) navigation.emplace_back("Matrix", "matrix.html");
  for (const auto& [name, page] : {std::pair{"Rules", "rules.html"}, std::pair{"Scenarios", "scenarios.html"},
                                   std::pair{"Deviations", "deviations.html"}})
    navigation.emplace_back(name, page);
  Site site(folder, title_of(runs), navigation);
  add_scenarios(site, runs, progress);
  const CheckReport report(std::move(runs));
  add_rules(site, report);
  add_overviews(site, report);
  site.add({.path = "rules.html", .title = "Rules", .main = rules_main(report)});
  site.add({.path = "scenarios.html", .title = "Scenarios", .main = scenarios_main(report)});
  site.add({.path = "deviations.html", .title = "Deviations", .main = deviations_main(report)});
  site.folder().write("result.json", dump(whole_result(report.runs)));
  site.publish();
}

}  // namespace tcpassay
