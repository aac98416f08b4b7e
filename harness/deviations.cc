// SPDX-License-Identifier: Apache-2.0
#include "harness/deviations.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string_view>

namespace tcpassay {
namespace {

constexpr int kIncludesMax = 8;  // files within files

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const auto start = text.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(kBlanks) - start + 1);
}

void read_file(const std::string& folder, const std::string& target, int depth, std::vector<Deviation>& into) {
  const std::string path = (std::filesystem::path(folder) / (target + ".txt")).string();
  std::ifstream file(path);
  if (!file) {
    if (depth == 0 && !std::filesystem::exists(path)) return;
    throw DeviationError(path + ": cannot be read");
  }
  if (depth > kIncludesMax) throw DeviationError(path + ": includes itself");
  std::string line, version;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string where = fmt::format("{}:{}", path, number);
    const std::string_view text = trimmed(line);
    constexpr std::string_view kInclude = "include ";
    if (text.empty() || text.front() == '#') continue;
    if (text.starts_with(kInclude)) {
      read_file(folder, std::string(trimmed(text.substr(kInclude.size()))), depth + 1, into);
      continue;
    }
    constexpr std::string_view kVersion = "version ";
    if (text.starts_with(kVersion)) {
      version = trimmed(text.substr(kVersion.size()));
      continue;
    }
    const auto colon = text.find(':');
    const std::string_view reason = colon == std::string_view::npos ? "" : trimmed(text.substr(colon + 1));
    if (reason.empty()) throw DeviationError(where + ": expected 'RULE: reason'");
    const std::string_view id = trimmed(text.substr(0, colon));
    const auto rule = rule_by_id(id);
    if (!rule) throw DeviationError(fmt::format("{}: unknown rule '{}'", where, id));
    into.push_back({.rule = *rule, .reason = std::string(reason), .where = where, .version = version});
  }
}

}  // namespace

std::vector<Deviation> read_deviations(const std::string& folder, const std::string& target) {
  std::vector<Deviation> deviations;
  read_file(folder, target, 0, deviations);
  return deviations;
}

}  // namespace tcpassay
