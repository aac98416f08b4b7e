// SPDX-License-Identifier: Apache-2.0
// Where adapters are found by their names: NAME.so in one of a few folders.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tcpassay {

// An adapter that is there, or one that was not built.
struct KnownPlugin {
  std::string name;  // "lwip" of lwip.so
  std::filesystem::path file{};
  std::string missing{};  // why it was not built and what to install: the first line of NAME.missing; empty: it was
};

// The folders of $TCPASSAY_TARGETS (with colons between), `targets` beside the program, and where `cmake --install`
// puts them.
std::vector<std::filesystem::path> plugin_folders();

// All adapters of these folders, by name. The first folder that has a name wins.
std::vector<KnownPlugin> known_plugins(const std::vector<std::filesystem::path>& folders = plugin_folders());

std::optional<KnownPlugin> plugin_named(const std::string& name);

}  // namespace tcpassay
