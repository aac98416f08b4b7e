// SPDX-License-Identifier: Apache-2.0
// The first page, and the page of each target where there are several.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/site/check_pages.h"
#include "harness/site/check_report.h"
#include "harness/site/finding_card.h"
#include "harness/site/frame.h"
#include "harness/site/html.h"
#include "models/rule.h"

namespace tcpassay {

using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t kFindingsShown = 40;  // as cards; the list of rules has all

using SectionKey = std::pair<std::string, std::string>;  // of the RFC, and in it
struct SectionBefore {
  bool operator()(const SectionKey& a, const SectionKey& b) const {
    // RFC 9293 comes first: the others extend it.
    if (a.first != b.first) return a.first == "9293" || (b.first != "9293" && section_before(a.first, b.first));
    return section_before(a.second, b.second);
  }
};
template <class Value>
using BySection = std::map<SectionKey, Value, SectionBefore>;

SectionKey section_of(const Json& rule) {
  return {text_of(rule, "rfc"), text_of(rule, "section")};
}

Html tile(const std::string& number, const Html& what) {
  return tag("li", tag("b", number) + what);
}

Html tiles(const Json& run, const std::string& up) {
  const Json& summary = list_of(run, "summary");
  Html items;
  for (const auto& [key, standing] :
       {std::pair{"obeyed", "obeyed"}, std::pair{"violated", "violated"}, std::pair{"departed", "departed"},
        std::pair{"options", "option"}, std::pair{"inconclusive", "inconclusive"},
        std::pair{"not_exercised", "not_exercised"}, std::pair{"not_testable", "not_testable"}}) {
    const std::string to = fmt::format("{}rules.html#standing={}", up, standing);
    items += tile(count_of(summary, key), link_to(to, badge(standing)));
  }
  items += tile(count_of(run, "scenarios"), link_to(up + "scenarios.html", "scenarios played"));
  return element("ul", {{"class", "tiles"}}, items);
}

Html banner(const Json& run) {
  const std::string conclusion = text_of(run, "conclusion");
  const bool conforms = conclusion.starts_with("conforms");
  const std::string kind = conforms ? "conforms" : conclusion.starts_with("does not") ? "broken" : "none";
  const char* const sign = conforms ? "\u2713 " : kind == "broken" ? "\u2717 " : "? ";
  return element(
      "div", {{"class", "banner " + kind}},
      tag("strong", sign + conclusion) +
          element("span", {{"class", "soft"}},
                  fmt::format("rule set {}, {} scenarios, {} steps, {:.1f} s", text_of(run, "ruleset"),
                              count_of(run, "scenarios"), count_of(run, "steps"), number_of(run, "wall_s"))));
}

// One card for each rule that is broken, those first that no file of deviations lists.
Html findings(const SiteRun& run, const std::string& up) {
  Html unlisted, listed;
  std::size_t shown = 0, all = 0;
  for (const std::string standing : {"violated", "departed"}) {
    for (const Json& rule : list_of(run.json, "rules")) {
      const Json& evidence = list_of(rule, "evidence");
      if (text_of(rule, "standing") != standing || evidence.empty()) continue;
      if (++all > kFindingsShown) continue;
      ++shown;
      const std::string scenario = text_of(evidence.front(), "scenario");
      Finding finding = finding_of(evidence.front(), rule);
      finding.link_text =
          fmt::format("{}, {} of {} judgements broken", scenario, count_of(rule, "broken"), count_of(rule, "judged"));
      finding.link = run.page_of(scenario).empty() ? up + rule_page(text_of(rule, "id")) : up + run.page_of(scenario);
      (flag_of(rule, "listed") ? listed : unlisted) += finding_card(finding, up, true);
    }
  }
  Html part;
  if (!unlisted.empty()) part += tag("h2", "What is wrong") + unlisted;
  if (!listed.empty()) part += tag("h2", "Known deviations that occurred") + listed;
  if (shown < all)
    part += tag("p", fmt::format("{} more are in the ", all - shown) + link_to(up + "rules.html", "list of rules"));
  return part;
}

Html other_trouble(const SiteRun& run, const std::string& up) {
  Html part;
  for (const Json& death : list_of(run.json, "died")) {
    part += element("article", {{"class", "finding violated"}},
                    tag("h3", badge("died", "the implementation died")) + tag("p", text_of(death, "how")) +
                        element("p", {{"class", "soft"}}, text_of(death, "listed")) +
                        command_line(text_of(death, "replay")));
  }
  for (const Json& failed : list_of(run.json, "assertions")) {
    const std::string scenario = text_of(failed, "scenario"), to = run.page_of(scenario);
    const Html place = fmt::format("{}:{}", scenario, text_of(failed, "line"));
    part += element("article", {{"class", "finding violated"}},
                    tag("h3", badge("failed", "a script's own assertion failed")) +
                        tag("p", to.empty() ? place : link_to(up + to, place)) +
                        tag("p", fmt::format("expected: {}", text_of(failed, "expected"))) +
                        tag("p", fmt::format("seen: {}", text_of(failed, "seen"))));
  }
  return part.empty() ? part : tag("h2", "Deaths and failed assertions") + part;
}

Html sections(const CheckReport& report, const std::vector<const SiteRun*>& runs, const std::string& up) {
  BySection<std::vector<StandingSums>> sums;
  for (const std::string& id : report.ids) {
    auto& row = sums[section_of(report.any_of(id))];
    row.resize(runs.size());
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const Json* rule = report.rules.at(id)[static_cast<std::size_t>(runs[i] - report.runs.data())];
      if (rule != nullptr) row[i].add(text_of(*rule, "standing"));
    }
  }
  Html rows;
  for (const auto& [key, row] : sums) {
    const std::string name = fmt::format("RFC {} section {}", key.first, key.second);
    const std::string to = fmt::format("{}rules.html#section={}", up, file_name_of(key.first + "-" + key.second));
    Html cells = element("th", {{"scope", "row"}}, link_to(to, name));
    for (const StandingSums& one : row) {
      cells += tag("td", standing_bar(one));
      if (runs.size() > 1) continue;
      for (const int number : {one.obeyed, one.violated, one.departed, one.option, one.rest})
        cells += element("td", {{"class", "number"}}, number == 0 ? "\u00b7" : std::to_string(number));
    }
    rows += tag("tr", cells);
  }
  std::vector<std::string> heads{"Section"};
  for (const SiteRun* run : runs) heads.push_back(runs.size() > 1 ? run->name : "Standing");
  if (runs.size() == 1)
    for (const char* head : {"#Obeyed", "#Violated", "#Departed", "#Options", "#Not judged"}) heads.emplace_back(head);
  Html legend;
  for (const char* standing : {"obeyed", "violated", "departed", "option", "not_exercised"})
    legend += tag("li", badge(standing, standing == std::string("not_exercised") ? "not judged" : ""));
  return tag("h2", "Standing by section") + element("ul", {{"class", "legend"}}, legend) +
         table(heads, rows, "sections", "Standing of the rules by section of the RFCs");
}

Html profile(const SiteRun& run) {
  Html rows;
  for (const auto& entry : list_of(run.json, "profile").items()) {
    const std::string& name = entry.key();
    const auto& value = entry.value();
    const auto trait =
        std::find_if(traits().begin(), traits().end(), [&](const TraitInfo& one) { return one.name == name; });
    const std::string word = value.is_string() ? value.get<std::string>() : "";
    const std::string says = word == "true" ? "yes" : word == "false" ? "no" : word == "both" ? "sometimes" : word;
    rows += tag("tr", element("th", {{"scope", "row"}}, tag("code", name)) + tag("td", says) +
                          element("td", {{"class", "says"}}, trait == traits().end() ? "" : trait->sentence));
  }
  if (rows.empty()) return {};
  Html part = tag("h2", "Profile") + tag("p", "What this target does where the RFCs leave the choice.") +
              table({"Trait", "Shown", "What it means"}, rows, "profile", "Profile of the target");
  Html fits;
  for (const auto& [name, fit] : list_of(run.json, "congestion_control").items()) {
    fits += tag("li", fmt::format("{} explains {} of {} connections with a loss", name, count_of(fit, "explained"),
                                  count_of(fit, "connections")));
  }
  return fits.empty() ? part : part + tag("h3", "Congestion control") + tag("ul", fits);
}

// Scenarios that were not played, by reason.
Html not_judged(const SiteRun& run) {
  std::map<std::string, std::vector<std::string>> reasons, rules;
  for (const Json& skipped : list_of(run.json, "skipped"))
    reasons[text_of(skipped, "why")].push_back(text_of(skipped, "scenario"));
  for (const Json& rule : list_of(run.json, "rules")) {
    const std::string standing = text_of(rule, "standing");
    if (standing == "not_testable") rules[text_of(rule, "why")].push_back(text_of(rule, "id"));
    if (standing == "not_exercised") rules["no scenario that was played exercised it"].push_back(text_of(rule, "id"));
  }
  const auto lists = [](const auto& by_reason, const char* what) {
    Html all;
    for (const auto& [why, names] : by_reason) {
      Html items;
      for (const std::string& name : names) items += tag("li", tag("code", name));
      all += tag("details", tag("summary", fmt::format("{} {}: {}", names.size(), what, why)) + tag("ul", items));
    }
    return all;
  };
  Html part = lists(rules, "rules") + lists(reasons, "scenarios");
  for (const Json& unsteady : list_of(run.json, "unsteady")) {
    part += tag("p", fmt::format("{}: {} was broken once and not again when it was played alone; not counted.",
                                 text_of(unsteady, "scenario"), text_of(unsteady, "rule")));
  }
  if (part.empty()) part = tag("p", "Everything was judged.");
  return tag("h2", "What was not judged") + part;
}

}  // namespace

std::string run_page(const CheckReport& report, const SiteRun& run) {
  return report.several() ? "targets/" + file_name_of(run.name) + ".html" : "index.html";
}

Html overview_of_run(const CheckReport& report, const SiteRun& run, const std::string& up) {
  Html main;
  if (report.several()) main += crumbs({{"Overview", up + "index.html"}, {run.name, ""}});
  main += tag("h1", run.full_name());
  if (run.failed())
    return main + tag("p", fmt::format("This target could not be tested: {}", text_of(run.json, "failure")));
  main += banner(run.json) + tiles(run.json, up) + findings(run, up) + other_trouble(run, up);
  main += sections(report, {&run}, up) + profile(run);
  const std::size_t listed = list_of(run.json, "deviations").size(), tolerated = list_of(run.json, "tolerated").size();
  main +=
      tag("h2", "Deviations and tolerated freedoms") +
      tag("p", fmt::format("{} deviations are listed for this target; {} freedoms that no text grants were tolerated. ",
                           listed, tolerated) +
                   link_to(up + "deviations.html", "Both with their reasons"));
  return main + not_judged(run);
}

Html overview_of_several(const CheckReport& report) {
  Html rows;
  std::vector<const SiteRun*> judged;
  for (const SiteRun& run : report.runs) {
    Html cells = element("th", {{"scope", "row"}}, link_to(run_page(report, run), run.full_name()));
    if (run.failed()) {
      cells += element("td", {{"colspan", "6"}}, "could not be tested: " + text_of(run.json, "failure"));
    } else {
      judged.push_back(&run);
      const Json& summary = list_of(run.json, "summary");
      cells += element("td", {{"class", "says"}}, text_of(run.json, "conclusion"));
      cells += element("td", {{"class", "number"}}, count_of(run.json, "scenarios"));
      for (const char* key : {"obeyed", "violated", "departed", "not_testable"})
        cells += element("td", {{"class", "number"}}, count_of(summary, key));
    }
    rows += tag("tr", cells);
  }
  const Html head = tag("h1", fmt::format("{} targets side by side", report.runs.size()));
  const Html all = table({"Target", "Conclusion", "#Scenarios", "#Obeyed", "#Violated", "#Departed", "#Not testable"},
                         rows, "targets", "The targets");
  return head + all + tag("p", link_to("matrix.html", "The rules on which they differ")) + sections(report, judged, "");
}

}  // namespace tcpassay
