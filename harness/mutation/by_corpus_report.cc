// SPDX-License-Identifier: Apache-2.0
// What the mutation test has found, for people and as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/mutation/by_corpus.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

bool contains(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

std::string listed(const std::vector<std::string>& ids) {
  return fmt::format("{}", fmt::join(ids, " "));
}

std::string cut(std::string text, int columns) {
  if (static_cast<int>(text.size()) <= columns || columns < 4) return text;
  text.resize(static_cast<std::size_t>(columns - 3));
  return text + "...";
}

std::string by_text(const DefectFate& fate) {
  std::string text;
  for (const auto& broken : fate.by) {
    const std::string_view id = info(broken.rule).id;
    const char* mark = fate.expected.empty() || contains(fate.expected, id) ? "" : "~";
    text += fmt::format("{}{}{}x{}", text.empty() ? "" : " ", mark, id, broken.times);
  }
  return text.empty() ? "nothing" : text;
}

std::string kill_matrix(const MutationTestResult& result, const TextStyle& style) {
  std::size_t width = 6;
  for (const auto& fate : result.defects) width = std::max(width, fate.id.size());
  std::string text = fmt::format("{:<{}} CAUGHT BLAMED (rule x times; ~ names something else)\n", "DEFECT", width);
  for (const auto& fate : result.defects) {
    std::string line = fmt::format("{:<{}} {:<6} {}", fate.id, width, fate.caught ? "yes" : "NO", by_text(fate));
    text += cut(line, style.columns) + "\n";
    if (!fate.caught && !fate.expected.empty()) {
      text += fmt::format("{:<{}} {:<6} expected: {}\n", "", width, "", listed(fate.expected));
    }
  }
  return text;
}

// One defect in detail.
std::string defect_text(const DefectFate& fate, const TextStyle& style) {
  std::string text = fmt::format("{}: {} ({})\n", fate.id, fate.what, fate.origin);
  text += fmt::format("expected: {}\n", fate.expected.empty() ? "any rule" : listed(fate.expected));
  for (const auto& broken : fate.by) {
    text += wrapped(fmt::format("  {} x{}: {}", info(broken.rule).id, broken.times, info(broken.rule).sentence),
                    style.columns, 4) +
            "\n    " + broken.replay + "\n";
  }
  return text + (fate.caught ? "caught\n" : "NOT caught\n");
}

std::string false_positive_text(const FalsePositive& found) {
  const auto& names = found.legal_variants;
  return fmt::format("false positive: {}: {} x{}\n  {}\n", names.empty() ? "the stack as it is" : listed(names),
                     info(found.broken.rule).id, found.broken.times, found.broken.replay);
}

}  // namespace

std::string mutation_text(const MutationTestResult& result, const TextStyle& style) {
  if (!result.whole && !result.interrupted && result.defects.size() == 1)
    return defect_text(result.defects.front(), style);
  std::string text = result.defects.empty() ? "" : kill_matrix(result, style);
  for (const auto& found : result.false_positives) text += false_positive_text(found);
  if (result.whole) {
    std::vector<std::string> bare, options;
    for (const auto& unproven : result.unproven) {
      (unproven.why.empty() ? bare : options).emplace_back(info(unproven.rule).id);
    }
    if (!bare.empty()) text += wrapped("never seen to fail: " + listed(bare), style.columns, 2) + "\n";
    if (!options.empty())
      text += wrapped("options, and what no defect can show: " + listed(options), style.columns, 2) + "\n";
    text += fmt::format("{} of {} rules proven, {} exempt\n", result.proven, rules().size() - options.size(),
                        options.size());
  }
  if (!result.defects.empty()) {
    text += fmt::format("{} of {} defects caught; {} in scenarios that cover the rule, over both versions of IP\n",
                        result.caught(), result.defects.size(), result.covered());
  }
  if (result.covers > 0) {
    text += fmt::format(
        "{} of {} lines of scenarios that cover a rule are proven by a defect, {} by blame of a rule that it names\n",
        result.covers_proven, result.covers, result.covers_by_name);
  }
  if (result.combinations > 0) {
    text += fmt::format("{} of {} combinations of legal variants clean\n", result.clean, result.combinations);
  }
  for (const std::string& one : result.indistinct) text += fmt::format("allowed and seen read the same: {}\n", one);
  for (const std::string& name : result.unplayed) text += fmt::format("not played, or the target died: {}\n", name);
  return text + fmt::format("{:.1f} s{}\n", result.wall_s, result.interrupted ? "; interrupted" : "");
}

std::string covers_text(const MutationTestResult& result, const TextStyle& style) {
  std::map<std::string, std::vector<std::string>> by_rule;
  for (const std::string& line : result.covers_unproven) {
    const std::size_t colon = line.rfind(": ");
    by_rule[line.substr(colon + 2)].push_back(line.substr(0, colon));
  }
  std::string text;
  for (const auto& [rule, scenarios] : by_rule) {
    text += fmt::format("{}: {} scenarios cover it, and no defect makes it fail there\n", rule, scenarios.size());
    for (const std::string& scenario : scenarios) text += "  " + scenario + "\n";
  }
  for (const DefectFate& fate : result.defects) {
    if (fate.covered) continue;
    text += wrapped(fmt::format("{}: fails where no scenario covers it, or over one version of IP; expected: {}",
                                fate.id, listed(fate.expected)),
                    style.columns, 2) +
            "\n";
    for (const std::string& place : fate.places) text += "  " + place + "\n";
  }
  return text;
}

std::string mutation_json(const MutationTestResult& result) {
  Json defects = Json::array(), unproven = Json::array(), exempt = Json::array(), condemned = Json::array();
  for (const auto& fate : result.defects) {
    Json by = Json::array();
    for (const auto& broken : fate.by) by.push_back(info(broken.rule).id);
    defects.push_back({{"id", fate.id},
                       {"origin", fate.origin},
                       {"caught", fate.caught},
                       {"covered", fate.covered},
                       {"places", fate.places},
                       {"by", by},
                       {"expected", fate.expected}});
  }
  for (const auto& [rule, why] : result.unproven) {
    why.empty() ? unproven.push_back(info(rule).id) : exempt.push_back({{"id", info(rule).id}, {"why", why}});
  }
  for (const auto& [legal_variants, broken] : result.false_positives) {
    condemned.push_back({{"temperaments", legal_variants},
                         {"rule", info(broken.rule).id},
                         {"broken", broken.times},
                         {"scenario", broken.scenario},
                         {"replay", broken.replay}});
  }
  const Json json{
      {"interrupted", result.interrupted},
      {"unplayed", result.unplayed},
      {"indistinct", result.indistinct},
      {"defects", defects},
      {"covers",
       {{"all", result.covers},
        {"proven", result.covers_proven},
        {"by_name", result.covers_by_name},
        {"unproven", result.covers_unproven}}},
      {"rules", {{"proven", result.proven}, {"unproven", unproven}, {"exempt", exempt}}},
      {"temperaments", {{"tested", result.combinations}, {"clean", result.clean}, {"condemned", condemned}}}};
  return json.dump(2) + "\n";
}

}  // namespace tcpassay
