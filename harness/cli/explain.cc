// SPDX-License-Identifier: Apache-2.0
// tcpassay explain
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/check/check.h"
#include "harness/check/report.h"
#include "harness/check/requirement_coverage.h"
#include "harness/cli/options.h"
#include "harness/targets/registry.h"

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

struct Covering {
  std::vector<std::string> declared, judged;
};

// Which scenarios name the rule, and which judge it when they are played on the own stack.
Covering covering(Rule rule, const CliOptions& cli) {
  Covering covering;
  const auto own = make_target("own");
  SessionOptions options;
  options.keep_trace = options.assertions = false;
  options.final_wait = kDelayedAckWait;
  Session session(*own, options);
  for (const auto& filed : read_scenarios({corpus_folder(cli)})) {
    const auto& covers = filed.scenario.about.covers;
    const bool declared = std::find(covers.begin(), covers.end(), info(rule).id) != covers.end();
    if (declared) covering.declared.push_back(filed.path);
    if (Session::unsupported(filed.scenario, *own)) continue;
    session.play(filed.scenario);
    if (session.oracle().counts()[static_cast<std::size_t>(rule)].judged > 0) covering.judged.push_back(filed.path);
  }
  return covering;
}

std::string list_text(const char* heading, const std::vector<std::string>& paths) {
  constexpr std::size_t kShown = 20;
  std::string text = fmt::format("{}: {}\n", heading, paths.empty() ? "none" : std::to_string(paths.size()));
  for (std::size_t i = 0; i < std::min(paths.size(), kShown); ++i) text += "  " + paths[i] + "\n";
  if (paths.size() > kShown) text += fmt::format("  and {} more (--format json lists them)\n", paths.size() - kShown);
  return text;
}

int explain_row(const RowInfo& row, const CliOptions& cli) {
  if (cli.format == "json") {
    Json json{{"name", row.name}, {"level", to_string(row.level)}, {"rfc", row.rfc}, {"rules", Json::array()}};
    for (const Rule rule : rules_stating(row.name)) json["rules"].push_back(info(rule).id);
    if (const Exemption* exempt = exemption_of(row.name)) json["exempt"] = exempt->reason;
    print(json.dump(2) + "\n");
  } else {
    print(row_text(row, style_of_stdout().columns));
  }
  return 0;
}

}  // namespace

int explain(const CliOptions& cli) {
  if (const RowInfo* row = row_named(cli.rule)) return explain_row(*row, cli);
  const Rule rule = rule_named(cli.rule);
  const RuleInfo& about = info(rule);
  const Covering found = covering(rule, cli);
  std::vector<std::string> traits_of;
  for (const auto& trait : traits()) {
    if (trait.rule == rule) traits_of.push_back(fmt::format("{}: {}", trait.name, trait.sentence));
  }
  if (cli.format == "json") {
    const Json json{{"id", about.id},           {"level", to_string(about.level)},
                    {"rfc", about.rfc},         {"section", about.section},
                    {"row", about.row},         {"sentence", about.sentence},
                    {"traits", traits_of},      {"covered_by", found.declared},
                    {"judged_by", found.judged}};
    print(json.dump(2) + "\n");
    return 0;
  }
  const int columns = style_of_stdout().columns;
  std::string text =
      fmt::format("{} {}, RFC {} section {}\n", about.id, to_string(about.level), about.rfc, about.section);
  text += wrapped("  " + std::string(about.sentence), columns, 2) + "\n";
  if (!about.row.empty()) text += fmt::format("requirement: {}\n", about.row);
  for (const auto& trait : traits_of) text += wrapped("trait: " + trait, columns, 2) + "\n";
  text += list_text("scenarios that name it", found.declared);
  text += list_text("scenarios that judge it on the own stack", found.judged);
  print(text);
  return 0;
}

}  // namespace tcpassay
