// SPDX-License-Identifier: Apache-2.0
// The list of scenarios, the deviations and freedoms, and what the lists share: bars and filters.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "harness/site/check_pages.h"
#include "harness/site/check_report.h"
#include "harness/site/frame.h"
#include "harness/site/html.h"
#include "models/freedom.h"

namespace tcpassay {

using Json = nlohmann::ordered_json;

namespace {

std::string joined(const Json& words) {
  std::string text;
  for (const Json& word : words) {
    if (word.is_string()) text += (text.empty() ? "" : ", ") + word.get<std::string>();
  }
  return text;
}

// "failed" says more by the rule that was broken.
std::string outcome_of(const Json& played) {
  const std::string outcome = text_of(played, "outcome");
  if (outcome == "passed" && !list_of(played, "departed").empty()) return "departed";
  return outcome == "failed" && !list_of(played, "violated").empty() ? "violated" : outcome;
}

Html scenario_row(const CheckReport& report, const SiteRun& run, const Json& played) {
  const std::string path = text_of(played, "path"), outcome = outcome_of(played);
  const auto page = run.pages.find(scenario_key(path, static_cast<int>(number_of(played, "ip"))));
  const std::string title = text_of(played, "title").empty() ? path : text_of(played, "title");
  Html cells = tag("td", badge(outcome));
  if (report.several()) cells += tag("td", run.name);
  cells += element("th", {{"scope", "row"}, {"class", "says"}},
                   page == run.pages.end() ? Html(title) : link_to(page->second, title));
  const std::string why = text_of(played, "why");
  const std::string broken = joined(list_of(played, "violated")), departed = joined(list_of(played, "departed"));
  cells += element("td", {{"class", "small"}},
                   tag("code", broken + (broken.empty() || departed.empty() ? "" : ", ") + departed) + Html(why));
  cells += element("td", {{"class", "small"}}, tag("code", path));
  cells += element("td", {{"class", "number"}}, "IPv" + count_of(played, "ip"));
  return element(
      "tr", {{"data-outcome", outcome}, {"data-target", file_name_of(run.name)}, {"data-ip", count_of(played, "ip")}},
      cells);
}

Html deviations_of(const SiteRun& run) {
  Html rows;
  for (const Json& listed : list_of(run.json, "deviations")) {
    const std::string rule = text_of(listed, "rule");
    rows += tag("tr", element("th", {{"scope", "row"}, {"class", "id"}}, link_to(rule_page(rule), rule)) +
                          tag("td", text_of(listed, "fate")) +
                          element("td", {{"class", "says"}}, text_of(listed, "reason")));
  }
  if (rows.empty()) return tag("p", "None is listed.");
  return table({"Rule", "In this run", "Reason"}, rows, "deviations-" + file_name_of(run.name),
               "Deviations of " + run.name);
}

Html freedoms_of(const SiteRun& run) {
  Html rows;
  for (const Json& use : list_of(run.json, "tolerated")) {
    const std::string rule = text_of(use, "rule"), id = text_of(use, "id");
    const auto freedom = freedom_by_id(id);
    Html first;
    if (const Json& evidence = list_of(use, "evidence"); !evidence.empty()) {
      const std::string scenario = text_of(evidence.front(), "scenario"), page = run.page_of(scenario);
      first = page.empty() ? tag("code", scenario) : link_to(page, scenario);
    }
    rows += tag("tr", element("th", {{"scope", "row"}, {"class", "id"}}, tag("code", id)) +
                          element("td", {{"class", "says"}}, text_of(use, "sentence")) +
                          element("td", {{"class", "id"}}, link_to(rule_page(rule), rule)) +
                          element("td", {{"class", "number"}}, count_of(use, "count")) +
                          tag("td", freedom ? info(*freedom).stacks : "") + element("td", {{"class", "small"}}, first));
  }
  if (rows.empty()) return tag("p", "None was used.");
  return table({"Freedom", "What it is", "Excuses", "#Times", "Known of", "For example"}, rows,
               "freedoms-" + file_name_of(run.name), "Tolerated freedoms of " + run.name);
}

}  // namespace

void StandingSums::add(const std::string& standing) {
  int& sum = standing == "obeyed"     ? obeyed
             : standing == "violated" ? violated
             : standing == "departed" ? departed
             : standing == "option"   ? option
                                      : rest;
  ++sum;
}

Html standing_bar(const StandingSums& sums) {
  Html boxes;
  std::string words;
  double at = 0;
  const auto add = [&](int count, const char* kind, const char* word) {
    if (count == 0) return;
    const double width = 100.0 * count / sums.all();
    boxes += element(
        "rect",
        {{"x", fmt::format("{:.2f}", at)}, {"width", fmt::format("{:.2f}", width)}, {"height", "10"}, {"class", kind}});
    words += fmt::format("{}{} {}", words.empty() ? "" : ", ", count, word);
    at += width;
  };
  add(sums.obeyed, "obeyed", "obeyed");
  add(sums.violated, "violated", "violated");
  add(sums.departed, "departed", "departed");
  add(sums.option, "option", "options");
  add(sums.rest, "rest", "not judged");
  const Html svg = element(
      "svg", {{"viewBox", "0 0 100 10"}, {"preserveAspectRatio", "none"}, {"role", "img"}, {"aria-label", words}},
      tag("title", words) + boxes);
  return element("div", {{"class", "stack"}}, svg);
}

Html filter_form(const std::string& table_id, const std::vector<FilterChoice>& choices, const Html& more) {
  Html fields =
      tag("label", Html("Words") + element("input", {{"type", "search"}, {"name", "words"}, {"autocomplete", "off"}}));
  for (const FilterChoice& choice : choices) {
    if (choice.values.size() < 2) continue;
    Html options = element("option", {{"value", ""}}, "any");
    for (const std::string& value : choice.values) options += element("option", {{"value", value}}, value);
    fields += tag("label", Html(choice.label) + element("select", {{"name", choice.name}}, options));
  }
  fields += more + element("output", {{"aria-live", "polite"}});
  return element("form",
                 {{"class", "filter"}, {"data-filter", table_id}, {"hidden", ""}, {"aria-label", "Filter the rows"}},
                 fields);
}

Html scenarios_main(const CheckReport& report) {
  Html rows;
  std::vector<std::string> targets;
  for (const SiteRun& run : report.runs) {
    targets.push_back(file_name_of(run.name));
    for (const Json& played : list_of(run.json, "played")) rows += scenario_row(report, run, played);
  }
  std::vector<std::string> heads{"Outcome", "Scenario", "Broken", "Script", "#IP"};
  if (report.several()) heads.insert(heads.begin() + 1, "Target");
  Html main = tag("h1", "Scenarios");
  if (rows.empty()) return main + tag("p", "No scenario was played, or the result does not list them.");
  main += filter_form(
      "scenarios",
      {{"outcome", "Outcome", {"violated", "failed", "listed", "departed", "inconclusive", "passed", "skipped"}},
       {"target", "Target", targets},
       {"ip", "IP", {"4", "6"}}});
  return main + table(heads, rows, "scenarios", "Scenarios that were played");
}

Html deviations_main(const CheckReport& report) {
  Html main = tag("h1", "Deviations and tolerated freedoms");
  main += tag("p",
              "A deviation breaks a rule, and the file of deviations of the target says why that is accepted. A "
              "tolerated freedom is what real stacks do though no text grants it; with --strict it counts as broken.");
  for (const SiteRun& run : report.runs) {
    if (report.several()) main += tag("h2", run.full_name());
    main += tag(report.several() ? "h3" : "h2", "Listed deviations") + deviations_of(run);
    main += tag(report.several() ? "h3" : "h2", "Tolerated freedoms") + freedoms_of(run);
  }
  return main;
}

}  // namespace tcpassay
