// SPDX-License-Identifier: Apache-2.0
// The lists that `check --list` and `check --list-rules` print.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/check/corpus.h"
#include "harness/check/selection.h"
#include "harness/target/settings.h"
#include "harness/target/target.h"
#include "models/rule.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

// Each section once, in the order in which the scenario names its rules.
std::vector<std::string> sections_of(const ScenarioFile& file) {
  std::vector<std::string> sections;
  for (const std::string& id : file.scenario.about.covers) {
    const auto rule = rule_by_id(id);
    if (!rule) continue;
    const std::string text = section_text(info(*rule));
    if (std::find(sections.begin(), sections.end(), text) == sections.end()) sections.push_back(text);
  }
  return sections;
}

std::vector<std::string> needs_of(const ScenarioFile& file) {
  std::vector<std::string> needs;
  for (const Ability ability : file.scenario.about.needs) needs.emplace_back(to_string(ability));
  return needs;
}

std::vector<std::string> settings_of(const ScenarioFile& file) {
  std::vector<std::string> settings;
  for (const Setting& setting : file.scenario.about.settings) {
    settings.push_back(fmt::format("{}={}", setting.name, setting.value));
  }
  return settings;
}

std::string list_line(const char* what, const std::vector<std::string>& words, int columns) {
  if (words.empty()) return "";
  return wrapped(fmt::format("  {:<9} {}", what, fmt::join(words, ", ")), columns, 12) + "\n";
}

std::vector<std::string> naming(Rule rule, const std::vector<ScenarioFile>& scenarios) {
  std::vector<std::string> ids;
  for (const ScenarioFile& file : scenarios) {
    const auto& covers = file.scenario.about.covers;
    if (std::find(covers.begin(), covers.end(), info(rule).id) != covers.end()) ids.push_back(file.id);
  }
  return ids;
}

}  // namespace

std::string section_text(const RuleInfo& rule) {
  return rule.rfc == 9293 ? std::string(rule.section) : fmt::format("{} {}", rule.rfc, rule.section);
}

std::string scenario_list_text(const std::vector<ScenarioFile>& scenarios, int columns) {
  std::string text;
  for (const ScenarioFile& file : scenarios) {
    const About& about = file.scenario.about;
    text += file.id + "\n";
    if (!about.title.empty()) text += wrapped("  " + about.title, columns, 2) + "\n";
    text += list_line("section", sections_of(file), columns);
    text += list_line("rules", about.covers, columns);
    text += list_line("needs", needs_of(file), columns);
    text += list_line("settings", settings_of(file), columns);
    text += list_line("tags", file.tags, columns);
  }
  return text + fmt::format("{} scenarios\n", scenarios.size());
}

Json scenario_list_json(const std::vector<ScenarioFile>& scenarios) {
  Json list = Json::array();
  for (const ScenarioFile& file : scenarios) {
    const About& about = file.scenario.about;
    list.push_back({{"id", file.id},
                    {"path", file.path},
                    {"title", about.title},
                    {"suite", about.suite},
                    {"sections", sections_of(file)},
                    {"rules", about.covers},
                    {"needs", needs_of(file)},
                    {"settings", settings_of(file)},
                    {"tags", file.tags}});
  }
  return {{"scenarios", list}};
}

std::string rule_list_text(const std::vector<Rule>& rules, const std::vector<ScenarioFile>& scenarios, int columns) {
  std::string text;
  for (const Rule rule : rules) {
    const RuleInfo& about = info(rule);
    const std::size_t count = naming(rule, scenarios).size();
    text += fmt::format("{} {}, section {}, {} scenario{}\n", about.id, to_string(about.level), section_text(about),
                        count, count == 1 ? "" : "s");
    text += wrapped("  " + std::string(about.sentence), columns, 2) + "\n";
  }
  return text + fmt::format("{} rules\n", rules.size());
}

std::string section_rules_text(const std::vector<Rule>& rules, const std::vector<ScenarioFile>& scenarios,
                               int columns) {
  std::string text;
  for (const Rule rule : rules) {
    const RuleInfo& about = info(rule);
    text += fmt::format("{} {}, section {}\n", about.id, to_string(about.level), section_text(about));
    text += wrapped("  " + std::string(about.sentence), columns, 2) + "\n";
    for (const ScenarioFile& file : scenarios) {
      const auto& covers = file.scenario.about.covers;
      if (std::find(covers.begin(), covers.end(), about.id) == covers.end()) continue;
      text += wrapped(fmt::format("    {}: {}", file.id, file.scenario.about.title), columns, 6) + "\n";
    }
  }
  return text + fmt::format("{} rules\n", rules.size());
}

Json rule_list_json(const std::vector<Rule>& rules, const std::vector<ScenarioFile>& scenarios) {
  Json list = Json::array();
  for (const Rule rule : rules) {
    const RuleInfo& about = info(rule);
    list.push_back({{"id", about.id},
                    {"level", to_string(about.level)},
                    {"rfc", about.rfc},
                    {"section", about.section},
                    {"sentence", about.sentence},
                    {"scenarios", naming(rule, scenarios)}});
  }
  return {{"rules", list}};
}

}  // namespace tcpassay
