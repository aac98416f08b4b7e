// SPDX-License-Identifier: Apache-2.0
#include "harness/check/matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "harness/check/report.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kNameMax = 14;  // columns of a target's name

std::vector<const CheckResult*> results_of(const std::vector<MatrixRun>& runs) {
  std::vector<const CheckResult*> results;
  for (const MatrixRun& run : runs) {
    if (run.failure.empty()) results.push_back(&run.result);
  }
  return results;
}

// Short enough for a column. What nobody could judge is a dash.
std::string cell_of(const CheckResult& result, const RuleResult& rule) {
  switch (rule.standing) {
    case Standing::kObeyed:
      return "obeyed";
    case Standing::kViolated:
      return result.is_listed(rule.rule) ? "violated*" : "VIOLATED";
    case Standing::kDeparted:
      return result.is_listed(rule.rule) ? "departed*" : "departed";
    case Standing::kOption:
      return rule.why.empty() ? "option" : rule.why;
    case Standing::kInconclusive:
      return "unclear";
    case Standing::kNotExercised:
    case Standing::kNotTestable:
      return "-";
  }
  return "?";
}

const char* colour_of(const std::string& cell) {
  if (cell.starts_with("VIOLATED") || cell.starts_with("violated")) return kAnsiRed;
  if (cell.starts_with("departed")) return kAnsiYellow;
  return cell == "obeyed" ? kAnsiGreen : cell == "-" ? kAnsiDim : "";
}

// Whether two of them say something and not the same.
bool differ(const std::vector<std::string>& cells) {
  std::set<std::string> said(cells.begin(), cells.end());
  said.erase("-");
  said.erase("unknown");
  return said.size() > 1;
}

std::string row(const std::string& head, std::size_t head_width, const std::vector<std::string>& cells,
                const std::vector<std::size_t>& widths, const TextStyle& style, bool coloured) {
  std::string text = fmt::format("{:<{}}", head, head_width);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string cell = fmt::format("{:<{}}", cells[i], i + 1 < cells.size() ? widths[i] : 0);
    text += "  " + (coloured ? painted(cell, colour_of(cells[i]), style) : cell);
  }
  while (text.ends_with(' ')) text.pop_back();
  return text + "\n";
}

struct Table {
  std::vector<std::string> names{};
  std::vector<std::pair<std::string, std::vector<std::string>>> rows{};

  std::string text(const char* heading, const TextStyle& style) const {
    if (rows.empty()) return "";
    std::size_t head_width = std::string_view(heading).size();
    std::vector<std::size_t> widths;
    for (const std::string& name : names) widths.push_back(name.size());
    for (const auto& [head, cells] : rows) {
      head_width = std::max(head_width, head.size());
      for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
    }
    std::string all = row(heading, head_width, names, widths, style, false);
    for (const auto& [head, cells] : rows) all += row(head, head_width, cells, widths, style, true);
    return all;
  }
};

std::vector<std::string> names_of(const std::vector<const CheckResult*>& results) {
  std::vector<std::string> names;
  for (const CheckResult* result : results) names.push_back(result->target.name.substr(0, kNameMax));
  return names;
}

std::vector<std::string> cells_of(const std::vector<const CheckResult*>& results, std::size_t rule) {
  std::vector<std::string> cells;
  for (const CheckResult* result : results) cells.push_back(cell_of(*result, result->rules[rule]));
  return cells;
}

std::vector<std::string> traits_of(const std::vector<const CheckResult*>& results, std::size_t trait) {
  std::vector<std::string> cells;
  for (const CheckResult* result : results) {
    const TraitValue value = result->profile[trait];
    cells.emplace_back(value == TraitValue::kTrue ? "yes" : value == TraitValue::kFalse ? "no" : to_string(value));
  }
  return cells;
}

std::string tables(const std::vector<const CheckResult*>& results, bool all, const TextStyle& style) {
  Table rules{.names = names_of(results)}, profile{.names = names_of(results)};
  for (std::size_t i = 0; i < results.front()->rules.size(); ++i) {
    const RuleInfo& about = info(results.front()->rules[i].rule);
    const auto cells = cells_of(results, i);
    const bool broken = std::any_of(cells.begin(), cells.end(), [](const std::string& cell) {
      return cell.starts_with("VIOLATED") || cell.starts_with("violated") || cell.starts_with("departed");
    });
    if (all || broken || differ(cells))
      rules.rows.emplace_back(fmt::format("{:<6} {}", to_string(about.level), about.id), cells);
  }
  for (std::size_t i = 0; i < results.front()->profile.size(); ++i) {
    const auto cells = traits_of(results, i);
    if (all || differ(cells)) profile.rows.emplace_back(std::string(traits()[i].name), cells);
  }
  const std::string rows = rules.text("RULE", style), traits = profile.text("PROFILE", style);
  return (rows.empty() ? "no rule tells these targets apart\n" : rows) + (traits.empty() ? "" : "\n" + traits);
}

std::string line_of(const MatrixRun& run, const TextStyle& style) {
  if (!run.failure.empty())
    return painted(fmt::format("{}: could not be tested: {}", run.target, run.failure), kAnsiRed, style) + "\n";
  const CheckResult& result = run.result;
  const std::string text = fmt::format(
      "{} {}: {} scenarios, {} obeyed, {} violated, {} departed, {} not testable, {:.2f} s: {}", result.target.name,
      result.target.version, result.scenarios, result.count(Standing::kObeyed), result.count(Standing::kViolated),
      result.count(Standing::kDeparted), result.count(Standing::kNotTestable), result.wall_s, result.conclusion());
  return painted(wrapped(text, style.columns, 2), result.exit_status() == 0 ? kAnsiGreen : kAnsiRed, style) + "\n";
}

}  // namespace

std::vector<std::string> target_list(const std::string& names) {
  std::vector<std::string> list;
  std::istringstream in(names);
  for (std::string name; std::getline(in, name, ',');) {
    if (!name.empty()) list.push_back(name);
  }
  return list;
}

int exit_status_of(const std::vector<MatrixRun>& runs) {
  int worst = 0;
  for (const MatrixRun& run : runs) {
    const int status = run.failure.empty() ? run.result.exit_status() : 2;
    if (status == 1) return 1;
    worst = std::max(worst, status);
  }
  return worst;
}

std::string matrix_text(const std::vector<MatrixRun>& runs, bool all, const TextStyle& style) {
  const auto results = results_of(runs);
  std::string text = results.empty() ? "" : tables(results, all, style) + "\n";
  if (!results.empty()) text += "* listed in the target's file of deviations;  - not judged on this target\n\n";
  for (const MatrixRun& run : runs) text += line_of(run, style);
  return text;
}

std::string matrix_json(const std::vector<MatrixRun>& runs) {
  const auto results = results_of(runs);
  Json json{{"runs", Json::array()}, {"matrix", Json::array()}, {"profiles", Json::array()}};
  for (const MatrixRun& run : runs) {
    json["runs"].push_back(run.failure.empty() ? Json::parse(check_json(run.result))
                                               : Json{{"target", {{"name", run.target}}}, {"failure", run.failure}});
  }
  for (std::size_t i = 0; !results.empty() && i < results.front()->rules.size(); ++i) {
    const RuleInfo& about = info(results.front()->rules[i].rule);
    Json standings = Json::object();
    for (const MatrixRun& run : runs) {
      if (run.failure.empty()) standings[run.target] = to_string(run.result.rules[i].standing);
    }
    json["matrix"].push_back({{"id", about.id},
                              {"level", to_string(about.level)},
                              {"section", about.section},
                              {"standings", standings},
                              {"differs", differ(cells_of(results, i))}});
  }
  for (std::size_t i = 0; !results.empty() && i < results.front()->profile.size(); ++i) {
    Json values = Json::object();
    for (const MatrixRun& run : runs) {
      if (run.failure.empty()) values[run.target] = to_string(run.result.profile[i]);
    }
    json["profiles"].push_back({{"trait", traits()[i].name}, {"values", values}});
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tcpassay
