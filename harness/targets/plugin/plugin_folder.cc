// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/plugin/plugin_folder.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

std::string first_line_of(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line.empty() ? "not built" : line;
}

}  // namespace

std::vector<fs::path> plugin_folders() {
  std::vector<fs::path> folders;
  if (const char* named = std::getenv("TCPASSAY_TARGETS"); named != nullptr) {
    std::istringstream list(named);
    for (std::string folder; std::getline(list, folder, ':');) {
      if (!folder.empty()) folders.emplace_back(folder);
    }
  }
  std::error_code none;
  const fs::path program = fs::read_symlink("/proc/self/exe", none);
  if (program.empty()) return folders;
  folders.push_back(program.parent_path() / "targets");
  folders.push_back((program.parent_path() / TCPASSAY_PLUGINS_FROM_PROGRAM).lexically_normal());
  return folders;
}

std::vector<KnownPlugin> known_plugins(const std::vector<fs::path>& folders) {
  std::vector<KnownPlugin> known;
  for (const fs::path& folder : folders) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder, none)) {
      const fs::path& path = entry.path();
      const std::string name = path.stem().string();
      const bool there = path.extension() == ".so", missing = path.extension() == ".missing";
      const bool earlier =
          std::any_of(known.begin(), known.end(), [&](const KnownPlugin& k) { return k.name == name; });
      const bool built = missing && fs::exists(fs::path(path).replace_extension(".so"), none);
      if ((!there && !missing) || earlier || built) continue;
      known.push_back({.name = name, .file = path, .missing = there ? "" : first_line_of(path)});
    }
  }
  std::sort(known.begin(), known.end(), [](const KnownPlugin& a, const KnownPlugin& b) { return a.name < b.name; });
  return known;
}

std::optional<KnownPlugin> plugin_named(const std::string& name) {
  for (const KnownPlugin& known : known_plugins()) {
    if (known.name == name) return known;
  }
  return std::nullopt;
}

}  // namespace tcpassay
