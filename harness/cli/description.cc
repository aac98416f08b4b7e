// SPDX-License-Identifier: Apache-2.0
#include "harness/cli/description.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/targets/own/defects.h"
#include "harness/targets/own/legal_variants.h"
#include "harness/targets/registry.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, by);) words.push_back(word);
  return words;
}

// What an option takes that no validator lists, because adapters and requirements have names of their own.
std::vector<std::string> known_values(const std::string& name) {
  std::vector<std::string> values;
  const auto add = [&values](const auto& table, auto id) {
    for (const auto& row : table) values.emplace_back(id(row));
  };
  if (name == "--target") add(target_table(), [](const TargetEntry& row) { return row.name; });
  if (name == "--plant" || name == "--defect") add(own::all_defects(), [](const auto& row) { return row.id; });
  if (name == "--temper") add(own::all_legal_variants(), [](const auto& row) { return row.id; });
  if (name == "--rule" || name == "RULE") add(rules(), [](const RuleInfo& row) { return row.id; });
  return values;
}

OptionDescription describe(const CLI::Option& option) {
  OptionDescription out;
  out.positional = option.get_positional();
  out.what = option.get_description();
  out.preset = option.get_default_str();
  if (out.positional) out.names.push_back(option.get_name());
  for (const std::string& name : option.get_snames()) out.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) out.names.push_back("--" + name);
  if (option.get_items_expected_max() == 0) return out;
  const std::string type = option.get_type_name();  // "TEXT:{a,b}"
  const std::size_t open = type.find('{'), close = type.rfind('}');
  out.value = type.substr(0, type.find(':'));
  if (open != std::string::npos && close != std::string::npos && close > open) {
    out.choices = split(type.substr(open + 1, close - open - 1), ',');
  } else {
    out.choices = known_values(out.names.back());
  }
  return out;
}

}  // namespace

std::vector<VerbDescription> describe(const CLI::App& app) {
  constexpr std::string_view kExample = "Example: ";
  std::vector<VerbDescription> verbs;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    VerbDescription out{.name = verb->get_name(), .what = verb->get_description(), .example = verb->get_footer()};
    const std::size_t at = out.example.find(kExample);
    out.example = at == std::string::npos ? "" : out.example.substr(at + kExample.size());
    out.example.erase(out.example.find_last_not_of(" \n") + 1);
    for (const CLI::Option* option : verb->get_options()) out.options.push_back(describe(*option));
    verbs.push_back(std::move(out));
  }
  return verbs;
}

}  // namespace tcpassay
