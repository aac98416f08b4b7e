// SPDX-License-Identifier: Apache-2.0
// The mutation sensitivity as text and as JSON.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/mutation/of_segments.h"

namespace tcpassay {

using Json = nlohmann::ordered_json;

std::string sensitivity_text(const SensitivityResult& result, const TextStyle& style) {
  std::string text =
      fmt::format("{:<16} {:>7} {:>9} {:>6} {:>8}\n", "ALTERED", "SAMPLES", "NOTICED", "FREE", "ESCAPED");
  for (int i = 0; i < kAlterations; ++i) {
    const auto& row = result.rows[static_cast<std::size_t>(i)];
    text += fmt::format("{:<16} {:>7} {:>9} {:>6} {:>8}\n", to_string(static_cast<Alteration>(i)), row.samples,
                        row.noticed, row.free, row.escapes());
  }
  text += "\n";
  for (int i = 0; i < kAlterations; ++i) {
    const auto& row = result.rows[static_cast<std::size_t>(i)];
    for (const auto& [name, times] : row.freedoms)
      text += fmt::format("free: {}: {} x{}\n", to_string(static_cast<Alteration>(i)), name, times);
  }
  for (int i = 0; i < kAlterations; ++i) {
    const auto& row = result.rows[static_cast<std::size_t>(i)];
    for (const auto& line : row.escaped) {
      text +=
          wrapped(fmt::format("escaped: {}: {}", to_string(static_cast<Alteration>(i)), line), style.columns, 2) + "\n";
    }
  }
  for (std::size_t i = 0; i < result.passed.size() && result.samples() > 0; ++i) {
    const std::size_t before = i == 0 ? 0 : result.passed[i - 1];
    const double share = 100 * static_cast<double>(result.passed[i] - before) / static_cast<double>(result.samples());
    text += fmt::format("congestion control: {}{} lets {:.2f} % pass\n", i == 0 ? "" : "adding ", profiles()[i].name,
                        share);
  }
  return text + fmt::format("{} alterations of {} traces, {:.1f} % noticed or free, {:.1f} s\n", result.samples(),
                            result.traces, 100 * result.share(), result.wall_s);
}

std::string sensitivity_json(const SensitivityResult& result) {
  Json rows = Json::array();
  for (int i = 0; i < kAlterations; ++i) {
    const auto& row = result.rows[static_cast<std::size_t>(i)];
    Json freedoms = Json::object();
    for (const auto& [name, times] : row.freedoms) freedoms[name] = times;
    rows.push_back({{"altered", to_string(static_cast<Alteration>(i))},
                    {"samples", row.samples},
                    {"condemned", row.noticed},
                    {"free", row.free},
                    {"escaped", row.escapes()},
                    {"freedoms", freedoms},
                    {"examples", row.escaped}});
  }
  Json passed = Json::object();
  for (std::size_t i = 0; i < result.passed.size(); ++i) passed[std::string(profiles()[i].name)] = result.passed[i];
  const Json json{{"alterations", rows},
                  {"samples", result.samples()},
                  {"traces", result.traces},
                  {"passed_with_profiles_up_to", passed},
                  {"share", result.share()}};
  return json.dump(2) + "\n";
}

}  // namespace tcpassay
