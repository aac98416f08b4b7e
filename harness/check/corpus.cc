// SPDX-License-Identifier: Apache-2.0
#include "harness/check/corpus.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "harness/check/selection.h"
#include "harness/script/parse.h"
#include "harness/script/scenario.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

bool is_script(const fs::path& path) {
  return path.extension() == ".pkt";
}

void add_folder(const fs::path& folder, std::vector<std::string>& files) {
  std::error_code error;
  auto entries = fs::recursive_directory_iterator(folder, error);
  if (error) throw std::runtime_error(fmt::format("{}: {}", folder.string(), error.message()));
  for (auto entry = fs::begin(entries); entry != fs::end(entries); ++entry) {
    if (entry->is_directory() && (entry->path().filename() == "deviations" || entry->path().filename() == "records")) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file() && is_script(entry->path())) {
      files.push_back(entry->path().string());
    }
  }
}

// The words of the lines `//! tag:` that stand before the first step.
std::vector<std::string> tags_of(const std::string& path) {
  constexpr std::string_view kTag = "//! tag:";
  std::vector<std::string> tags;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line) && (line.empty() || line.front() == '/' || line.front() == '-');) {
    if (!line.starts_with(kTag)) continue;
    std::istringstream words(line.substr(kTag.size()));
    for (std::string word; words >> word;) tags.push_back(word);
  }
  return tags;
}

}  // namespace

std::vector<ScenarioFile> read_scenarios(const std::vector<std::string>& paths, const std::string& suite,
                                         const std::vector<std::string>& defines) {
  std::map<std::string, std::string> files;  // path, the folder in which it was found
  for (const auto& path : paths) {
    std::vector<std::string> found{path};
    const bool is_folder = fs::is_directory(path);
    if (is_folder) {
      found.clear();
      add_folder(path, found);
    }
    for (const auto& file : found) files.emplace(file, is_folder ? path : "");
  }
  std::vector<ScenarioFile> all;
  for (const auto& [file, folder] : files) {
    all.push_back(
        {.path = file, .scenario = read_script(file, defines), .tags = tags_of(file), .id = scenario_id(file, folder)});
  }
  if (all.empty()) throw std::runtime_error(fmt::format("no scenario (*.pkt) in {}", fmt::join(paths, ", ")));
  if (suite.empty()) return all;
  return selected(all, {.suites = {suite}});
}

std::string scenario_id(const std::string& path, const std::string& folder) {
  const fs::path file = fs::path(path).lexically_normal().replace_extension();
  fs::path within;
  bool in_corpus = false;
  for (const fs::path& part : file) {
    within = part == "corpus" ? fs::path() : within / part;
    in_corpus = in_corpus || part == "corpus";
  }
  if (in_corpus || folder.empty()) return within.generic_string();
  return file.lexically_relative(fs::path(folder).lexically_normal()).generic_string();
}

std::vector<ScenarioFile> over_ip(const std::vector<ScenarioFile>& scenarios,
                                  const std::vector<std::uint8_t>& versions) {
  std::vector<ScenarioFile> all;
  for (const std::uint8_t version : versions) {
    for (ScenarioFile file : scenarios) {
      file.ip = version;
      if (version == versions.front() || !ip_version(file.scenario)) all.push_back(std::move(file));
    }
  }
  return all;
}

std::string flat_name(const std::string& path) {
  fs::path file(path);
  std::string name = file.replace_extension().lexically_normal().generic_string();
  while (!name.empty() && (name.front() == '/' || name.front() == '.')) name.erase(0, 1);
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

}  // namespace tcpassay
