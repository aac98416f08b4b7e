// SPDX-License-Identifier: Apache-2.0
#include "harness/check/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/base/text.h"
#include "harness/check/rfc_text.h"
#include "harness/check/times.h"
#include "harness/check/tolerated.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/registry.h"
#include "models/congestion/profiles.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> traits_of(Rule rule) {
  std::vector<std::string> found;
  for (const TraitInfo& trait : traits()) {
    if (trait.rule == rule) found.push_back(fmt::format("{}: {}", trait.name, trait.sentence));
  }
  if (rule != Rule::MAY_18) return found;
  for (const ProfileInfo& profile : profiles()) {
    found.push_back(fmt::format("congestion control {}: {}", profile.name, profile.sentence));
  }
  return found;
}

// Whether the id stands among words that blanks separate.
bool lists(std::string_view words, std::string_view id) {
  return fmt::format(" {} ", words).find(fmt::format(" {} ", id)) != std::string::npos;
}

std::vector<std::string> defects_of(Rule rule) {
  std::vector<std::string> found;
  for (const own::DefectEntry& defect : own::all_defects()) {
    if (lists(defect.rules, info(rule).id)) found.push_back(fmt::format("{}: {}", defect.id, defect.what));
  }
  return found;
}

void add_declared(Explanation& explanation, const ScenarioFile& scenario) {
  const auto& covers = scenario.scenario.about.covers;
  if (std::find(covers.begin(), covers.end(), info(explanation.rule).id) == covers.end()) return;
  explanation.declared.push_back(scenario.path);
}

// Says in each explanation which scenarios name its rule, and which judge it when they are played on the own stack.
void add_scenarios(std::vector<Explanation>& explained, const std::vector<ScenarioFile>& scenarios) {
  const auto own = make_target("own");
  SessionOptions options;
  options.keep_trace = options.assertions = false;
  options.final_wait = kDelayedAckWait;
  Session session(*own, options);
  for (const ScenarioFile& scenario : scenarios) {
    for (Explanation& one : explained) add_declared(one, scenario);
    if (Session::unsupported(scenario.scenario, *own)) continue;
    session.play(scenario.scenario);
    for (Explanation& one : explained) {
      const std::uint64_t judged = session.oracle().counts()[static_cast<std::size_t>(one.rule)].judged;
      if (judged > 0) one.judged.push_back(scenario.path);
    }
  }
}

std::string heading(Rule rule) {
  const RuleInfo& about = info(rule);
  return fmt::format("{} {}, RFC {} section {} paragraph {}\n", about.id, to_string(about.level), about.rfc,
                     about.section, about.paragraph);
}

std::string passage_text(const Explanation& explanation) {
  const RuleInfo& about = info(explanation.rule);
  if (explanation.passage.empty()) {
    return fmt::format("the RFC's words: no copy is at hand (set TCPASSAY_RFC_DIR to a folder with rfc{}.txt)\n",
                       about.rfc);
  }
  const Wording wording = wording_of(explanation.rule);
  std::string text = "the RFC's words";
  if (wording != Wording::kKeyword) text += fmt::format(" ({})", to_string(wording));
  text += ":\n";
  std::istringstream lines(explanation.passage);
  for (std::string line; std::getline(lines, line);) text += (line.empty() ? "  |" : "  | " + line) + "\n";
  return text;
}

std::string list_text(const std::string& heading, const std::vector<std::string>& lines,
                      const std::string& none = "none") {
  constexpr std::size_t kShown = 20;
  std::string text = fmt::format("{}: {}\n", heading, lines.empty() ? none : std::to_string(lines.size()));
  for (std::size_t i = 0; i < std::min(lines.size(), kShown); ++i) text += "  " + lines[i] + "\n";
  if (lines.size() > kShown) text += fmt::format("  and {} more (--format json lists them)\n", lines.size() - kShown);
  return text;
}

// "models/urgent.cc:12", and the unit test when it is one.
std::vector<std::string> places(const std::vector<Citation>& citations) {
  std::vector<std::string> lines;
  for (const Citation& citation : citations) {
    lines.push_back(
        fmt::format("{}:{}{}{}", citation.file, citation.line, citation.test.empty() ? "" : " ", citation.test));
  }
  return lines;
}

}  // namespace

std::vector<Explanation> explanations(const std::vector<Rule>& rules, const std::vector<ScenarioFile>& scenarios) {
  std::vector<Explanation> explained;
  for (const Rule rule : rules) {
    explained.push_back({.rule = rule,
                         .passage = passage_of(info(rule)),
                         .traits = traits_of(rule),
                         .code = code_sites(rule),
                         .tests = unit_tests(rule),
                         .defects = defects_of(rule)});
  }
  if (!explained.empty()) add_scenarios(explained, scenarios);
  return explained;
}

std::string explanation_text(const Explanation& explanation, int columns) {
  const RuleInfo& about = info(explanation.rule);
  std::string text = heading(explanation.rule);
  text += wrapped("  " + std::string(about.sentence), columns, 2) + "\n";
  if (!about.row.empty()) text += fmt::format("requirement: {}\n", about.row);
  for (const std::string& trait : explanation.traits) text += wrapped("trait: " + trait, columns, 2) + "\n";
  for (const Freedom freedom : freedoms_excusing(explanation.rule)) {
    text += freedom_text(freedom, columns);
  }
  text += horizons_of(explanation.rule, columns);
  text += passage_text(explanation);
  text += list_text("lines of the model that apply it", places(explanation.code));
  text += list_text("unit tests that name it", places(explanation.tests), "no unit test names it");
  text += list_text("planted defects that name it", explanation.defects);
  text += list_text("scenarios that name it", explanation.declared);
  text += list_text("scenarios that judge it on the own stack", explanation.judged);
  return text;
}

Json explanation_json(const Explanation& explanation) {
  const RuleInfo& about = info(explanation.rule);
  Json json{{"id", about.id},
            {"level", to_string(about.level)},
            {"rfc", about.rfc},
            {"section", about.section},
            {"paragraph", about.paragraph},
            {"row", about.row},
            {"sentence", about.sentence},
            {"wording", to_string(wording_of(explanation.rule))},
            {"text", nullptr},
            {"traits", explanation.traits},
            {"code", places(explanation.code)},
            {"unit_tests", places(explanation.tests)},
            {"defects", explanation.defects},
            {"covered_by", explanation.declared},
            {"judged_by", explanation.judged}};
  json["excused_by"] = Json::array();
  for (const Freedom freedom : freedoms_excusing(explanation.rule)) {
    json["excused_by"].push_back(info(freedom).id);
  }
  if (!explanation.passage.empty()) json["text"] = explanation.passage;
  return json;
}

}  // namespace tcpassay
