// SPDX-License-Identifier: Apache-2.0
// tcpassay explain
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/base/text.h"
#include "harness/check/explanation.h"
#include "harness/check/requirement_coverage.h"
#include "harness/check/tolerated.h"
#include "harness/cli/verbs.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

// Ids are looked up as they are written in the catalogue or in the RFC (MUST-10).
Rule rule_named(const std::string& word) {
  std::string id = word;
  std::replace(id.begin(), id.end(), '-', '_');
  std::replace(id.begin(), id.end(), '.', '_');
  std::vector<std::string_view> known;
  for (const auto& rule : rules()) known.push_back(rule.id);
  if (const auto rule = rule_by_id(id)) return *rule;
  const std::string near = nearest(id, known);
  throw UsageError(fmt::format("unknown rule '{}'{}", word, near.empty() ? "" : "; did you mean " + near + "?"));
}

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

}  // namespace

int explain(const CliOptions& cli) {
  if (const RowInfo* row = row_named(cli.rule)) return explain_requirement(*row, cli);
  if (const auto freedom = freedom_by_id(cli.rule)) {
    print(cli.format == "json" ? freedom_json(*freedom).dump(2) + "\n"
                               : freedom_text(*freedom, style_of_stdout().columns));
    return 0;
  }
  const Explanation explained = explanations({rule_named(cli.rule)}, read_scenarios({corpus_folder(cli)})).front();
  if (cli.format == "json") {
    print(explanation_json(explained).dump(2) + "\n");
  } else {
    print(explanation_text(explained, style_of_stdout().columns));
  }
  return 0;
}

}  // namespace tcpassay
