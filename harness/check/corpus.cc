// SPDX-License-Identifier: Apache-2.0
#include "harness/check/corpus.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <stdexcept>

#include "harness/script/parse.h"

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

bool belongs(const ScenarioFile& file, const std::string& suite) {
  if (suite.empty() || file.scenario.about.suite == suite) return true;
  const fs::path folder = fs::path(file.path).parent_path();
  return std::find(folder.begin(), folder.end(), fs::path(suite)) != folder.end();
}

std::string suites_of(const std::vector<ScenarioFile>& all) {
  std::set<std::string> names;
  for (const auto& file : all) {
    if (!file.scenario.about.suite.empty()) names.insert(file.scenario.about.suite);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::vector<ScenarioFile> read_scenarios(const std::vector<std::string>& paths, const std::string& suite,
                                         const std::vector<std::string>& defines) {
  std::vector<std::string> files;
  for (const auto& path : paths) {
    if (fs::is_directory(path)) {
      add_folder(path, files);
    } else {
      files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  std::vector<ScenarioFile> all;
  for (const auto& file : files) all.push_back({.path = file, .scenario = read_script(file, defines)});
  std::vector<ScenarioFile> chosen;
  std::copy_if(all.begin(), all.end(), std::back_inserter(chosen),
               [&](const ScenarioFile& file) { return belongs(file, suite); });
  if (!chosen.empty()) return chosen;
  const std::string where = fmt::format("{}", fmt::join(paths, ", "));
  if (all.empty()) throw std::runtime_error(fmt::format("no scenario (*.pkt) in {}", where));
  throw std::runtime_error(fmt::format("no suite '{}' in {}; there are {}", suite, where, suites_of(all)));
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
