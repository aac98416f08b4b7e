// SPDX-License-Identifier: Apache-2.0
// tcpassay explain
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/check/corpus.h"
#include "harness/check/explanation.h"
#include "harness/check/requirement_coverage.h"
#include "harness/check/selection.h"
#include "harness/check/tolerated.h"
#include "harness/cli/options.h"
#include "harness/cli/verbs.h"
#include "models/catalogue.h"
#include "models/freedom.h"
#include "models/rule.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

std::string requirement_json(const RowInfo& row, const std::vector<Explanation>& explained) {
  Json json{{"name", row.name}, {"level", to_string(row.level)}, {"rfc", row.rfc}, {"rules", Json::array()}};
  for (const Explanation& one : explained) json["rules"].push_back(info(one.rule).id);
  if (const Exemption* exempt = exemption_of(row.name)) json["exempt"] = exempt->reason;
  json["explanations"] = Json::array();
  for (const Explanation& one : explained) json["explanations"].push_back(explanation_json(one));
  return json.dump(2) + "\n";
}

std::string requirement_text(const RowInfo& row, const std::vector<Explanation>& explained) {
  const int columns = style_of_stdout().columns;
  std::string text = row_text(row, columns);
  for (const Explanation& one : explained) text += "\n" + explanation_text(one, columns);
  return text;
}

int explain_requirement(const RowInfo& row, const CliOptions& cli) {
  const std::vector<Rule> stating = rules_stating(row.name);
  std::vector<Explanation> explained;
  if (!stating.empty()) explained = explanations(stating, read_scenarios({corpus_folder(cli)}));
  print(cli.format == "json" ? requirement_json(row, explained) : requirement_text(row, explained));
  return 0;
}

// All rules of a section with the scenarios that name them; without the RFC's words.
int explain_section(const CliOptions& cli) {
  const Section section = section_named(cli.rule);
  const auto all = read_scenarios({corpus_folder(cli)});
  const std::vector<Rule> rules = rules_of(section);
  if (cli.format == "json") {
    Json json{{"rfc", section.rfc}, {"section", section.number}};
    json.update(rule_list_json(rules, all));
    print(json.dump(2) + "\n");
    return 0;
  }
  print(section_rules_text(rules, all, style_of_stdout().columns));
  return 0;
}

}  // namespace

int explain(const CliOptions& cli) {
  if (const RowInfo* row = row_named(cli.rule)) return explain_requirement(*row, cli);
  if (const auto freedom = freedom_by_id(cli.rule)) {
    print(cli.format == "json" ? freedom_json(*freedom).dump(2) + "\n"
                               : freedom_text(*freedom, style_of_stdout().columns));
    return 0;
  }
  if (looks_like_section(cli.rule)) return explain_section(cli);
  const Explanation explained = explanations({rule_named(cli.rule)}, read_scenarios({corpus_folder(cli)})).front();
  if (cli.format == "json") {
    print(explanation_json(explained).dump(2) + "\n");
  } else {
    print(explanation_text(explained, style_of_stdout().columns));
  }
  return 0;
}

}  // namespace tcpassay
