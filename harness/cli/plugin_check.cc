// SPDX-License-Identifier: Apache-2.0
// tcpassay plugin-check
#include "harness/check/plugin_check.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/base/text.h"
#include "harness/cli/options.h"
#include "harness/cli/verbs.h"
#include "harness/targets/plugin/plugin_folder.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

// A file, or a name that make_target() knows.
std::string target_of(const std::string& word) {
  const bool named = word.find('/') == std::string::npos && word.find(".so") == std::string::npos;
  return named || word.starts_with(kPlugin) ? word : std::string(kPlugin) + word;
}

// What is not there at all is no mistake of an adapter.
void require_there(const std::string& name) {
  const bool is_file = name.starts_with(kPlugin);
  const std::string word = is_file ? name.substr(kPlugin.size()) : name;
  const std::string place = word.substr(0, word.find('?'));
  if (place.empty()) throw UsageError("name an adapter: ./FILE.so, or one that 'tcpassay targets' lists");
  if (is_file && !std::filesystem::exists(place)) throw UsageError(place + ": no such file");
  if (is_file) return;
  const auto known = plugin_named(place);
  if (!known) throw UsageError(fmt::format("{}: no adapter is called so; write a file as ./{}", place, place));
  if (!known->missing.empty()) throw UsageError(fmt::format("{} is not here: {}", place, known->missing));
}

std::string report_text(const PluginReport& report, const TextStyle& style) {
  std::string text;
  if (!report.identity.name.empty()) {
    text = fmt::format("{} {}:", report.identity.name, report.identity.version);
    for (const Ability ability : report.identity.abilities) text += fmt::format(" {}", to_string(ability));
    text = wrapped(text, style.columns, 2) + "\n";
  }
  for (const std::string& tried : report.tried) text += fmt::format("  tried: {}\n", tried);
  for (const std::string& complaint : report.complaints) {
    text += painted(wrapped("WRONG: " + complaint, style.columns, 7), kAnsiRed, style) + "\n";
  }
  const bool sound = report.complaints.empty();
  const std::string end =
      sound ? "no complaint"
            : fmt::format("{} complaint{}", report.complaints.size(), report.complaints.size() == 1 ? "" : "s");
  return text + painted(end, sound ? kAnsiGreen : kAnsiRed, style) + "\n";
}

std::string report_json(const PluginReport& report) {
  Json abilities = Json::array();
  for (const Ability ability : report.identity.abilities) abilities.push_back(to_string(ability));
  const Json json{{"name", report.identity.name},
                  {"version", report.identity.version},
                  {"abilities", abilities},
                  {"tried", report.tried},
                  {"complaints", report.complaints}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

void plugin_check_options(CLI::App& app, CliOptions& cli) {
  add_format_option(app, cli, {"text", "json"});
  app.add_option("PLUGIN", cli.target,
                 "the adapter: a file, with ?TEXT for it, or the name of one that 'targets' lists")
      ->required();
}

int run_plugin_check(const CliOptions& cli) {
  const std::string name = target_of(cli.target);
  if (is_built_in(name)) throw UsageError(name + " is no adapter");
  require_there(name);
  const PluginReport report = check_plugin([&] { return make_target(name); });
  print(cli.format == "json" ? report_json(report) : report_text(report, style_of_stdout()));
  return report.complaints.empty() ? 0 : 1;
}

}  // namespace tcpassay
