// SPDX-License-Identifier: Apache-2.0
// tcpassay targets
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <nlohmann/json.hpp>

#include "harness/cli/verbs.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/own/legal_variants.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

int list_defects(const CliOptions& cli) {
  Json json = Json::array();
  std::string text;
  for (const auto& entry : own::all_defects()) {
    json.push_back({{"id", entry.id}, {"origin", entry.origin}, {"what", entry.what}});
    text += fmt::format("{:<32} {} ({})\n", entry.id, entry.what, entry.origin);
  }
  print(cli.format == "json" ? Json{{"defects", json}}.dump(2) + "\n" : text);
  return 0;
}

int list_legal_variants(const CliOptions& cli) {
  Json json = Json::array();
  std::string text;
  for (const auto& entry : own::all_legal_variants()) {
    json.push_back({{"id", entry.id}, {"departs", entry.departs}, {"what", entry.what}});
    const std::string departs = entry.departs.empty() ? "" : fmt::format(" (departs from {})", entry.departs);
    text += fmt::format("{:<32} {}{}\n", entry.id, entry.what, departs);
  }
  print(cli.format == "json" ? Json{{"temperaments", json}}.dump(2) + "\n" : text);
  return 0;
}

}  // namespace

void targets_options(CLI::App& app, CliOptions& cli) {
  add_format_option(app, cli, {"text", "json"});
  app.add_flag("--defects", cli.list_defects, "list the defects that can be planted in the own stack");
  app.add_flag("--temperaments", cli.list_legal_variants,
               "list the legal variants: choices the RFCs leave open, which the own stack can make either way");
}

int run_targets(const CliOptions& cli) {
  if (cli.list_defects) return list_defects(cli);
  if (cli.list_legal_variants) return list_legal_variants(cli);
  Json json = Json::array();
  std::string text;
  for (const auto& entry : target_table()) {
    const auto missing = entry.missing();
    json.push_back(
        {{"name", entry.name}, {"what", entry.what}, {"ready", !missing}, {"missing", missing.value_or("")}});
    text += fmt::format("{:<10} {:<9} {}\n", entry.name, missing ? "missing" : "ready", entry.what);
    if (missing) text += fmt::format("{:<20} {}\n", "", *missing);
  }
  print(cli.format == "json" ? Json{{"targets", json}}.dump(2) + "\n" : text);
  return 0;
}

}  // namespace tcpassay
