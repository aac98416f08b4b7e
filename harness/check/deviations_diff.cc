// SPDX-License-Identifier: Apache-2.0
#include "harness/check/deviations_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <vector>

namespace tcpassay {
namespace {

std::vector<std::string> lines_of(const std::string& file) {
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The beginning of a report, up to a quotation mark, which a line of the file cannot quote.
std::string telling_part(const std::string& how) {
  constexpr std::size_t kMost = 80;
  return how.substr(0, std::min(how.find('"'), kMost));
}

std::vector<std::string> additions(const CheckResult& result) {
  std::vector<std::string> added;
  for (const RuleResult& rule : result.rules) {
    const bool broken = rule.standing == Standing::kViolated || rule.standing == Standing::kDeparted;
    if (!broken || result.is_listed(rule.rule)) continue;
    const std::string seen = rule.evidence.empty() ? "" : fmt::format(" (seen in {})", rule.evidence.front().scenario);
    added.push_back(fmt::format("{}: TODO why this is accepted{}", info(rule.rule).id, seen));
  }
  std::set<std::string> deaths;
  for (const Died& died : result.died) {
    if (died.listed.empty()) deaths.insert(telling_part(died.how));
  }
  for (const std::string& how : deaths) added.push_back(fmt::format("dies \"{}\": TODO why this is accepted", how));
  return added;
}

// The files and the numbers of the lines that go.
std::map<std::string, std::set<std::size_t>> removals(const CheckResult& result) {
  std::map<std::string, std::set<std::size_t>> gone;
  for (const Listed& listed : result.deviations) {
    const std::string& where = listed.deviation.where;
    const std::size_t colon = where.rfind(':');
    if (listed.fate != Listed::Fate::kGone || colon == std::string::npos) continue;
    gone[where.substr(0, colon)].insert(static_cast<std::size_t>(std::atol(where.c_str() + colon + 1)));
  }
  return gone;
}

// As git takes it: seen from the working folder, without "./". A file elsewhere keeps its name.
std::string name_in_diff(const std::string& file) {
  namespace fs = std::filesystem;
  const fs::path near = fs::absolute(file).lexically_normal().lexically_relative(fs::current_path());
  return near.empty() || *near.begin() == ".." ? file : near.string();
}

std::string diff_of(const std::string& file, const std::set<std::size_t>& gone, const std::vector<std::string>& added) {
  const std::vector<std::string> lines = lines_of(file);
  std::string hunks;
  std::size_t removed = 0;
  for (const std::size_t number : gone) {
    if (number == 0 || number > lines.size()) continue;
    hunks += fmt::format("@@ -{},1 +{},0 @@\n-{}\n", number, number - removed - 1, lines[number - 1]);
    ++removed;
  }
  if (!added.empty()) {
    hunks += fmt::format("@@ -{},0 +{},{} @@\n", lines.size(), lines.size() - removed + 1, added.size());
    for (const std::string& line : added) hunks += "+" + line + "\n";
  }
  const std::string name = name_in_diff(file), before = lines.empty() ? "/dev/null" : "a/" + name;
  return hunks.empty() ? "" : fmt::format("--- {}\n+++ b/{}\n{}", before, name, hunks);
}

}  // namespace

std::string deviations_diff(const CheckResult& result, const std::string& file) {
  auto gone = removals(result);
  std::string text = diff_of(file, gone[file], additions(result));
  for (const auto& [included, numbers] : gone) {
    if (included != file) text += diff_of(included, numbers, {});
  }
  return text;
}

}  // namespace tcpassay
