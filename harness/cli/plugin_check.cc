// SPDX-License-Identifier: Apache-2.0
// tcpassay plugin-check
#include "harness/check/plugin_check.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <nlohmann/json.hpp>

#include "harness/base/text.h"
#include "harness/cli/verbs.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

// A file, or a name that make_target() knows.
std::string target_of(const std::string& word) {
  const bool named = word.find('/') == std::string::npos && word.find(".so") == std::string::npos;
  return named || word.starts_with(kPlugin) ? word : std::string(kPlugin) + word;
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
  const std::string end = sound ? "no complaint" : fmt::format("{} complaints", report.complaints.size());
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
  const PluginReport report = check_plugin([&] { return make_target(name); });
  print(cli.format == "json" ? report_json(report) : report_text(report, style_of_stdout()));
  return report.complaints.empty() ? 0 : 1;
}

}  // namespace tcpassay
