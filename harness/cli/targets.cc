// SPDX-License-Identifier: Apache-2.0
// tcpassay targets
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <nlohmann/json.hpp>

#include "harness/cli/verbs.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/own/legal_variants.h"
#include "harness/targets/plugin/plugin_folder.h"
#include "harness/targets/registry.h"
#include "harness/targets/remote/remote_place.h"

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

// An adapter in one of the known folders: its version and abilities, or what is missing.
void list_plugin(const KnownPlugin& plugin, Json& json, std::string& text) {
  Json row{{"name", plugin.name}, {"what", ""}, {"ready", false}, {"missing", plugin.missing}};
  std::string what;
  if (plugin.missing.empty()) {
    try {
      const Identity identity = make_target(plugin.name)->identity();
      Json abilities = Json::array();
      for (const Ability ability : identity.abilities) {
        abilities.push_back(to_string(ability));
        what += fmt::format("{}{}", what.empty() ? "" : " ", to_string(ability));
      }
      row["what"] = fmt::format("{} {} by an adapter, in a child process", identity.name, identity.version);
      row["ready"] = true;
      row["version"] = identity.version;
      row["abilities"] = abilities;
      row["file"] = plugin.file.string();
    } catch (const TargetError& error) {
      row["missing"] = error.what();
    }
  }
  const bool ready = row["ready"];
  const std::string first = ready ? row["what"].get<std::string>() : "an adapter";
  text += fmt::format("{:<10} {:<9} {}\n", plugin.name, ready ? "ready" : "missing", first);
  text += fmt::format("{:<20} {}\n", "", ready ? what : row["missing"].get<std::string>());
  json.push_back(row);
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
  for (const KnownPlugin& plugin : known_plugins()) list_plugin(plugin, json, text);
  for (const WireKind& kind : wire_kinds()) {
    const auto missing = kind.missing();
    json.push_back({{"name", kind.name},
                    {"what", kind.what},
                    {"ready", !missing},
                    {"missing", missing.value_or("")},
                    {"needs", kind.needs}});
    text += fmt::format("{:<11} {:<8} {}\n", kind.name, missing ? "missing" : "ready", kind.what);
    text += fmt::format("{:<20} {}\n", "", missing ? *missing : fmt::format("needs {}", kind.needs));
  }
  print(cli.format == "json" ? Json{{"targets", json}}.dump(2) + "\n" : text);
  return 0;
}

}  // namespace tcpassay
