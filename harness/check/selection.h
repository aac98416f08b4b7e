// SPDX-License-Identifier: Apache-2.0
// Chooses scenarios of a corpus: by suite, by rule, by section of an RFC, by tag.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "harness/check/corpus.h"
#include "models/rules.h"

namespace tcpassay {

// A section of an RFC with all below it: 3.10 has 3.10.7.4.
struct Section {
  int rfc = 9293;
  std::string number{};  // "3.10"; empty: the whole document

  bool has(const RuleInfo& rule) const;
};

// "3.10.7.4" of RFC 9293, "7323:5.3" or "rfc7323:5.3" of another one, "rfc7323" for all of it. Throws
// std::runtime_error, with the nearest section, when no rule stands there.
Section section_named(const std::string& word);
// Whether the word can mean a section: it begins with a digit, or with "rfc" and a digit.
bool looks_like_section(std::string_view word);
std::vector<Rule> rules_of(const Section& section);

// An id as the catalogue or the RFC writes it (MUST-10). Throws std::runtime_error with the nearest id.
Rule rule_named(const std::string& word);

// Within one list any entry may hold; the lists that are not empty must all hold.
struct Selection {
  std::vector<std::string> suites{};  // suites, or folders
  std::vector<Rule> rules{};          // the scenario names one of these
  std::vector<Section> sections{};    // the scenario names a rule that stands there
  std::vector<std::string> tags{};
  std::vector<std::string> excluded{};  // suites, folders, tags, ids of rules or scenarios; `*` stands for anything

  bool empty() const { return suites.empty() && rules.empty() && sections.empty() && tags.empty() && excluded.empty(); }
};

// In their order. Throws std::runtime_error when nothing is left, or a name is no scenario's, with the nearest name.
std::vector<ScenarioFile> selected(const std::vector<ScenarioFile>& all, const Selection& selection);

// What `check --list` prints: id, title, sections, rules, needs of each scenario.
std::string scenario_list_text(const std::vector<ScenarioFile>& scenarios, int columns);
nlohmann::ordered_json scenario_list_json(const std::vector<ScenarioFile>& scenarios);

// What `check --list-rules` prints: the rules that the selection names, else those that the scenarios name; without
// any selection all.
std::vector<Rule> chosen_rules(const std::vector<ScenarioFile>& scenarios, const Selection& selection);
std::string rule_list_text(const std::vector<Rule>& rules, const std::vector<ScenarioFile>& scenarios, int columns);
nlohmann::ordered_json rule_list_json(const std::vector<Rule>& rules, const std::vector<ScenarioFile>& scenarios);

// The rules of a section, each with the scenarios that name it, by their ids.
std::string section_rules_text(const std::vector<Rule>& rules, const std::vector<ScenarioFile>& scenarios, int columns);

// "3.10.7.4" of RFC 9293, "7323 5.3" of another one.
std::string section_text(const RuleInfo& rule);

}  // namespace tcpassay
