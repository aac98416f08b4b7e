// SPDX-License-Identifier: Apache-2.0
// Loads an adapter: a shared library that exports tcpassay_plugin() (tcpassay_plugin.h).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "harness/target/target.h"
#include "harness/targets/plugin/tcpassay_plugin.h"

namespace tcpassay {

using PluginTable = ::tcpassay_adapter;

// What follows `plugin:` in the name of a target: FILE.so or FILE.so?TEXT.
struct PluginPlace {
  std::string file, extra;  // extra: handed to the adapter as it stands (struct tcpassay_config)
};
PluginPlace plugin_place(const std::string& text);

// The library stays loaded for as long as the process lives: many runtimes cannot be unloaded. Throws TargetError with
// one line that says what is wrong with the file.
const PluginTable& load_plugin(const std::string& file);

// What is wrong with a table, one line each; empty when nothing is.
std::vector<std::string> faults_of(const PluginTable& table);

// The option of a socket and its number in the interface.
struct OptionRow {
  SocketOption option;
  int plugin;  // enum tcpassay_option
};
std::span<const OptionRow> plugin_options();
bool has_option(const PluginTable& table, tcpassay_option option);

// What the table says of the target. Addresses are those of config_of().
Identity identity_of(const PluginTable& table);

// The configuration that is handed to create(). `extra` must live as long as the adapter uses it.
tcpassay_config config_of(const std::string& extra);

}  // namespace tcpassay
