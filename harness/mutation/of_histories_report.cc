// SPDX-License-Identifier: Apache-2.0
// The mutation sensitivity to histories as text and as JSON.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/mutation/of_histories.h"

namespace tcpassay {

using Json = nlohmann::ordered_json;

std::string history_text(const HistoryResult& result, const TextStyle& style) {
  std::string text =
      fmt::format("{:<50} {:>7} {:>9} {:>9} {:>8}\n", "HISTORY", "SAMPLES", "NOTICED", "FREEDOM", "ESCAPED");
  for (const auto& row : result.rows) {
    const std::size_t passed = row.samples - row.noticed;
    text += fmt::format("{:<50} {:>7} {:>7.1f} % {:>9} {:>8}\n", row.edit->name, row.samples, 100 * row.share(),
                        passed - row.escapes(), row.escapes());
  }
  text += "\n";
  for (const auto& row : result.rows) {
    for (const auto& [freedom, times] : row.freedoms) {
      const FreedomInfo& why = info(freedom);
      text += wrapped(fmt::format("freedom: {}: {} x{}: {}", row.edit->name, why.id, times, why.sentence),
                      style.columns, 2) +
              "\n";
    }
    if (row.several > 0) text += fmt::format("freedom: {}: several together x{}\n", row.edit->name, row.several);
    if (row.escapes() == 0) continue;
    for (const auto& line : row.escaped) {
      text += wrapped(fmt::format("escaped: {}: {}", row.edit->name, line), style.columns, 2) + "\n";
    }
  }
  std::size_t samples = 0;
  for (const auto& row : result.rows) samples += row.samples;
  return text + fmt::format("{} edits of {} histories, {:.1f} s\n", samples, result.runs, result.wall_s);
}

std::string with_histories(const std::string& json, const HistoryResult& result) {
  Json rows = Json::array();
  for (const auto& row : result.rows) {
    Json freedoms = Json::object(), rules = Json::object();
    for (const auto& [freedom, times] : row.freedoms) freedoms[std::string(info(freedom).id)] = times;
    for (const auto& [rule, times] : row.rules) rules[std::string(info(rule).id)] = times;
    rows.push_back({{"edit", row.edit->id},
                    {"name", row.edit->name},
                    {"rfc", row.edit->rfc},
                    {"section", row.edit->section},
                    {"illegal_since", row.edit->sentence},
                    {"moments", row.moments},
                    {"samples", row.samples},
                    {"condemned", row.noticed},
                    {"share", row.share()},
                    {"freedoms", freedoms},
                    {"freedoms_together", row.several},
                    {"escaped", row.escapes()},
                    {"rules", rules},
                    {"examples", row.escaped}});
  }
  Json whole = json.empty() ? Json::object() : Json::parse(json);
  whole["histories"] = rows;
  return whole.dump(2) + "\n";
}

}  // namespace tcpassay
