// SPDX-License-Identifier: Apache-2.0
// The list of rules, the matrix of rules and targets, and the page of each rule.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "harness/site/check_pages.h"
#include "harness/site/check_report.h"
#include "harness/site/finding_card.h"
#include "harness/site/frame.h"
#include "harness/site/html.h"
#include "models/catalogue.h"
#include "models/freedom.h"
#include "models/rule.h"

namespace tcpassay {

using Json = nlohmann::ordered_json;

namespace {

const std::vector<std::string> kStandingNames{"violated",     "departed",      "obeyed",      "option",
                                              "inconclusive", "not_exercised", "not_testable"};

Html standing_badge(const Json* rule) {
  return rule == nullptr ? Html("\u2013") : badge(text_of(*rule, "standing"), standing_word(*rule));
}

bool is_silent(const std::string& word) {
  return word.empty() || word == "not_exercised" || word == "not_testable";
}

// Whether two targets say something of the rule, and not the same.
bool differs(const std::vector<const Json*>& of_runs) {
  std::set<std::string> words;
  for (const Json* rule : of_runs) {
    const std::string word = rule == nullptr ? "" : text_of(*rule, "standing") + text_of(*rule, "why");
    if (rule != nullptr && !is_silent(text_of(*rule, "standing"))) words.insert(word);
  }
  return words.size() > 1;
}

// What the filter asks of a row.
Attributes row_data(const CheckReport& report, const std::string& id) {
  const Json& about = report.any_of(id);
  std::string standings;
  bool broken = false;
  for (const Json* rule : report.rules.at(id)) {
    if (rule == nullptr) continue;
    const std::string standing = text_of(*rule, "standing");
    broken = broken || standing == "violated" || standing == "departed";
    standings += (standings.empty() ? "" : " ") + standing;
  }
  return {{"data-standing", standings},
          {"data-level", text_of(about, "level")},
          {"data-rfc", text_of(about, "rfc")},
          {"data-section", file_name_of(text_of(about, "rfc") + "-" + text_of(about, "section"))},
          {"data-differs", broken || differs(report.rules.at(id)) ? "yes" : "no"}};
}

std::vector<std::string> values_of(const CheckReport& report, const char* key) {
  std::vector<std::string> values;
  for (const std::string& id : report.ids) {
    const std::string value = text_of(report.any_of(id), key);
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }
  std::sort(values.begin(), values.end(), section_before);
  return values;
}

std::vector<std::string> section_values(const CheckReport& report) {
  std::set<std::string> values;
  for (const std::string& id : report.ids) {
    const Json& rule = report.any_of(id);
    values.insert(file_name_of(text_of(rule, "rfc") + "-" + text_of(rule, "section")));
  }
  std::vector<std::string> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end(), section_before);
  return sorted;
}

Html rule_row(const CheckReport& report, const std::string& id) {
  const Json& about = report.any_of(id);
  Html cells = element("th", {{"scope", "row"}, {"class", "id"}}, link_to(rule_page(id), id)) +
               tag("td", element("span", {{"class", "level"}}, text_of(about, "level")));
  for (const Json* rule : report.rules.at(id)) cells += tag("td", standing_badge(rule));
  cells += element("td", {{"class", "says"}}, text_of(about, "sentence"));
  cells += element("td", {{"class", "small place"}},
                   fmt::format("{} \u00a7 {}", text_of(about, "rfc"), text_of(about, "section")));
  return element("tr", row_data(report, id), cells);
}

Html rules_table(const CheckReport& report, const Html& more) {
  Html rows;
  for (const std::string& id : report.ids) rows += rule_row(report, id);
  std::vector<std::string> heads{"Rule", "Level"};
  for (const SiteRun& run : report.runs) heads.push_back(report.several() ? run.name : "Standing");
  heads.emplace_back("What it says");
  heads.emplace_back("RFC");
  const std::vector<FilterChoice> choices{{"standing", "Standing", kStandingNames},
                                          {"level", "Level", values_of(report, "level")},
                                          {"rfc", "RFC", values_of(report, "rfc")},
                                          {"section", "Section", section_values(report)}};
  return filter_form("rules", choices, more) + table(heads, rows, "rules", "Rules");
}

// What the catalogue of this program says beyond the result.
Html clause(const Json& about, const std::string& id) {
  Html list;
  const std::string rfc = text_of(about, "rfc"), section = text_of(about, "section"), to = rfc_link(rfc, section);
  const auto rule = rule_by_id(id);
  std::string where = section_name(about);
  if (rule && info(*rule).paragraph > 0) where += fmt::format(", paragraph {}", info(*rule).paragraph);
  list += tag("dt", "clause") + tag("dd", to.empty() ? Html(where) : link_to(to, where));
  if (!rule) return element("dl", {{"class", "pair"}}, list);
  list += tag("dt", "the text has") + tag("dd", to_string(wording_of(*rule)));
  for (const std::string_view row : rows_of(info(*rule)))
    list += tag("dt", "requirement") + tag("dd", tag("code", row));
  for (const FreedomInfo& freedom : freedoms()) {
    if (freedom.excuses != rule) continue;
    list += tag("dt", "tolerated") + tag("dd", tag("code", freedom.id) + Html(": ") + Html(freedom.sentence) +
                                                   Html(" Taken by: ") + Html(freedom.stacks));
  }
  return element("dl", {{"class", "pair"}}, list);
}

// "broken once", "never broken"
std::string how_often(const std::string& what, const Json& rule, const char* key) {
  const std::string times = count_of(rule, key);
  if (times == "0") return "never " + what;
  return times == "1" ? what + " once" : fmt::format("{} {} times", what, times);
}

Html numbers(const Json& rule) {
  std::string text = how_often("judged", rule, "judged") + ", " + how_often("broken", rule, "broken");
  if (rule.contains("taken")) text += ", the option " + how_often("taken", rule, "taken");
  if (number_of(rule, "tolerated") > 0) text += ", " + how_often("excused", rule, "tolerated");
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  const std::string why = text_of(rule, "why");
  return tag("p", text + "." + (why.empty() ? "" : " " + why));
}

Html scenario_links(const SiteRun& run, const std::vector<std::string>& scenarios, const std::string& up) {
  Html items;
  for (const std::string& scenario : scenarios) {
    const std::string to = run.page_of(scenario);
    items += tag("li", to.empty() ? tag("code", scenario) : link_to(up + to, tag("code", scenario)));
  }
  return element("ul", {{"class", "plain"}}, items);
}

Html on_one_target(const CheckReport& report, const SiteRun& run, const Json& rule, const std::string& up) {
  Html part = tag("h2", report.several() ? run.full_name() : "On " + run.full_name());
  part += tag("p", standing_badge(&rule)) + numbers(rule);
  for (const Json& listed : list_of(run.json, "deviations")) {
    if (text_of(listed, "rule") == text_of(rule, "id"))
      part += tag("p", fmt::format("Listed deviation ({}): {}", text_of(listed, "fate"), text_of(listed, "reason")));
  }
  const Json& evidence = list_of(rule, "evidence");
  for (const Json& one : evidence) {
    Finding finding = finding_of(one, rule);
    const std::string scenario = text_of(one, "scenario"), page = run.page_of(scenario);
    finding.own_page = true;
    finding.link_text = scenario;
    finding.link = page.empty() ? "" : up + page;
    part += finding_card(finding, up, true);
  }
  std::vector<std::string> judged_in, declared;
  for (const Json& name : list_of(rule, "judged_in"))
    judged_in.push_back(name.is_string() ? name.get<std::string>() : "");
  for (const Json& played : list_of(run.json, "played")) {
    const Json& covers = list_of(played, "rules");
    if (std::find(covers.begin(), covers.end(), text_of(rule, "id")) != covers.end())
      declared.push_back(text_of(played, "path"));
  }
  if (!declared.empty()) part += tag("h3", "Scenarios written for it") + scenario_links(run, declared, up);
  if (!judged_in.empty())
    part += tag("h3", "Scenarios that judged it, the first ones") + scenario_links(run, judged_in, up);
  return part;
}

}  // namespace

Html rules_main(const CheckReport& report) {
  return tag("h1", "Rules") +
         tag("p", fmt::format("{} rules; each has a page with its clause and its evidence.", report.ids.size())) +
         rules_table(report, {});
}

Html matrix_main(const CheckReport& report) {
  const Html check =
      element("label", {{"class", "check"}},
              element("input", {{"type", "checkbox"}, {"name", "differs"}, {"value", "yes"}, {"checked", ""}}) +
                  Html("only rows that differ or are broken"));
  Html rows;
  for (const auto& [name, first] : list_of(report.runs.front().json, "profile").items()) {
    Html cells = element("th", {{"scope", "row"}}, tag("code", name));
    for (const SiteRun& run : report.runs) {
      const std::string word = text_of(list_of(run.json, "profile"), name.c_str());
      cells += tag("td", word == "true" ? "yes" : word == "false" ? "no" : word.empty() ? "\u2013" : word);
    }
    rows += tag("tr", cells);
  }
  std::vector<std::string> heads{"Trait"};
  for (const SiteRun& run : report.runs) heads.push_back(run.name);
  Html main = tag("h1", "Rules by targets") + rules_table(report, check);
  if (!rows.empty()) main += tag("h2", "Profiles") + table(heads, rows, "profiles", "Profiles side by side");
  return main;
}

Html rule_main(const CheckReport& report, const std::string& id, const std::string& up) {
  const Json& about = report.any_of(id);
  Html main = crumbs({{"Overview", up + "index.html"}, {"Rules", up + "rules.html"}, {id, ""}});
  main += tag("h1", tag("code", id) + Html(" ") + element("span", {{"class", "level"}}, text_of(about, "level")));
  main += element("p", {{"class", "lead"}}, text_of(about, "sentence")) + clause(about, id);
  if (report.several()) {
    Html cells;
    for (std::size_t i = 0; i < report.runs.size(); ++i)
      cells += tag("tr", element("th", {{"scope", "row"}}, report.runs[i].full_name()) +
                             tag("td", standing_badge(report.rules.at(id)[i])));
    main += table({"Target", "Standing"}, cells, "standings", "Standing on each target");
  }
  for (std::size_t i = 0; i < report.runs.size(); ++i) {
    if (const Json* rule = report.rules.at(id)[i]) main += on_one_target(report, report.runs[i], *rule, up);
  }
  return main;
}

}  // namespace tcpassay
