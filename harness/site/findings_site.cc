// SPDX-License-Identifier: Apache-2.0
#include "harness/site/findings_site.h"

#include <fmt/format.h>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "harness/report/run_report.h"
#include "harness/site/check_report.h"
#include "harness/site/check_site.h"
#include "harness/site/finding_card.h"
#include "harness/site/frame.h"
#include "harness/site/html.h"
#include "harness/site/scenario_page.h"
#include "harness/wire/capture_file.h"
#include "models/edition.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

std::string full_name(const Json& json) {
  return text_of(json, "target") + " " + text_of(json, "version");
}

// The kind of a card: what is listed, or was not seen again, does not shout.
std::string standing_of(const Json& violation) {
  const std::string standing = text_of(violation, "standing");
  return standing.empty() ? "violated" : standing;
}

// The page of one violation, if its script was recorded; else empty.
std::string add_finding_page(Site& site, const SiteRun& run, const Json& violation, std::size_t number) {
  const std::string file = text_of(violation, "file");
  const int ip = number_of(violation, "ip") == 6 ? 6 : 4;
  const std::string capture = file.empty() ? "" : recording_of(run.recordings, file, ip);
  if (capture.empty()) return "";
  const std::string name = fmt::format("{}-{}", number, file_name_of(text_of(violation, "rule")));
  const std::string page = fmt::format("findings/{}/{}.html", file_name_of(run.name), name);
  const RecordedRun recorded{.name = file,
                             .title = fmt::format("{} in {}: {}", text_of(violation, "rule"),
                                                  text_of(violation, "state"), text_of(violation, "stimuli")),
                             .target = fmt::format("{}, IPv{}", full_name(run.json), ip),
                             .replay = text_of(violation, "replay"),
                             .script = script_text(file),
                             .crumbs = {{"Overview", "../../index.html"}, {file, ""}},
                             .rule_pages = false};
  add_recorded_page(site, recorded,
                    {.page = page,
                     .capture_kept = fmt::format("captures/{}/{}.pcapng", file_name_of(run.name), name),
                     .capture = capture,
                     .edition = edition_named(text_of(run.json, "ruleset")).value_or(kNewest),
                     .strict = flag_of(run.json, "strict")});
  return page;
}

Html violation_card(const Json& violation, const std::string& page) {
  Finding finding = finding_of(violation, Json::object());
  finding.kind = standing_of(violation);
  finding.link = page;
  finding.link_text = fmt::format("{}, {} cases: {}", text_of(violation, "stimuli"), count_of(violation, "cases"),
                                  text_of(violation, "stimulus"));
  Html card = finding_card(finding, "", false);
  const std::string known = text_of(violation, "known");
  if (!known.empty()) card += element("p", {{"class", "soft small"}}, "Listed deviation: " + known);
  return card;
}

Html violations_part(Site& site, const SiteRun& run) {
  Html unlisted, listed;
  std::size_t number = 0;
  for (const Json& violation : list_of(run.json, "violations")) {
    std::string page;
    try {
      page = add_finding_page(site, run, violation, ++number);
    } catch (const CaptureError&) {  // the card stays, without a page
    }
    const std::string rule = text_of(violation, "rule");
    if (!page.empty()) site.index({.kind = "finding", .name = rule, .about = text_of(violation, "seen"), .url = page});
    (flag_of(violation, "listed") ? listed : unlisted) += violation_card(violation, page);
  }
  Html part = tag("h2", "What is wrong");
  part += unlisted.empty() ? tag("p", badge("passed") + Html(" Nothing that is not listed.")) : unlisted;
  return listed.empty() ? part : part + tag("h2", "Known deviations that occurred") + listed;
}

Html grid(const SiteRun& run) {
  Html rows;
  for (const Json& road : list_of(run.json, "grid")) {
    Html cells = element("th", {{"scope", "row"}, {"class", "id"}}, text_of(road, "state")) +
                 tag("td", text_of(road, "road")) + element("td", {{"class", "number"}}, text_of(road, "ip"));
    for (const char* key : {"visited", "unreachable", "answered", "silent", "ended", "broken"})
      cells += element("td", {{"class", "number"}}, count_of(road, key));
    rows += tag("tr", cells);
  }
  if (rows.empty()) return {};
  return tag("h2", "States and roads") +
         table({"State", "Road", "#IP", "#Visited", "#No way", "#Answered", "#Silent", "#Ended", "#Broken"}, rows,
               "grid-" + file_name_of(run.name), "Cases by state and by the road to it");
}

Html not_asked(const SiteRun& run) {
  std::map<std::string, double> reasons;
  for (const Json& one : list_of(run.json, "unreachable")) reasons[text_of(one, "why")] += number_of(one, "cells");
  Html items;
  for (const auto& [why, cells] : reasons) items += tag("li", fmt::format("{:.0f} cases: {}", cells, why));
  for (const Json& death : list_of(run.json, "died"))
    items += tag("li", fmt::format("the implementation died: {}", text_of(death, "how")));
  return items.empty() ? items : tag("h2", "What was not asked") + tag("ul", items);
}

Html run_part(Site& site, const SiteRun& run) {
  const std::string conclusion = text_of(run.json, "conclusion");
  const bool conforms = conclusion.starts_with("conforms");
  const Json& cells = list_of(run.json, "cells");
  Html part = tag("h1", full_name(run.json));
  part += element(
      "div", {{"class", conforms ? "banner conforms" : "banner broken"}},
      tag("strong", (conforms ? "\u2713 " : "\u2717 ") + conclusion) +
          element("span", {{"class", "soft"}},
                  fmt::format("rule set {}, {} of {} cases visited, {:.1f} s", text_of(run.json, "ruleset"),
                              count_of(cells, "visited"), count_of(cells, "total"), number_of(run.json, "wall_s"))));
  return part + violations_part(site, run) + grid(run) + not_asked(run);
}

}  // namespace

void write_findings_site(const std::string& folder, const std::vector<SiteRun>& runs, const SiteProgress& progress) {
  std::string names;
  Json all{{"runs", Json::array()}};
  for (const SiteRun& run : runs) {
    names += (names.empty() ? "" : ", ") + full_name(run.json);
    all["runs"].push_back(run.json);
  }
  Site site(folder, names, {{"Overview", "index.html"}});
  Html main;
  std::size_t done = 0;
  for (const SiteRun& run : runs) {
    main += run_part(site, run);
    if (progress) progress(++done, runs.size(), run.name);
  }
  site.add({.path = "index.html", .title = "Overview", .main = main});
  site.folder().write("result.json", dump(runs.size() == 1 ? all["runs"].front() : all));
  site.publish();
}

}  // namespace tcpassay
