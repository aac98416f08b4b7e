// SPDX-License-Identifier: Apache-2.0
#include "harness/check/deviations.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "models/event.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

constexpr int kIncludesMax = 8;  // files within files

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const auto start = text.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(kBlanks) - start + 1);
}

// [sweep | rtt | fuzz] RULE [STATE ...]: reason
Deviation deviation_of(std::string_view text, const std::string& where) {
  const auto colon = text.find(':');
  const std::string_view reason = colon == std::string_view::npos ? "" : trimmed(text.substr(colon + 1));
  if (reason.empty()) throw DeviationError(where + ": expected 'RULE: reason'");
  std::istringstream words{std::string(text.substr(0, colon))};
  Deviation deviation{.reason = std::string(reason), .where = where};
  std::string word;
  words >> word;
  deviation.sweep = word == "sweep";
  deviation.round_trip = word == "rtt";
  deviation.fuzz = word == "fuzz";
  if (deviation.sweep || deviation.round_trip || deviation.fuzz) words >> word;
  const auto rule = rule_by_id(word);
  if (!rule) throw DeviationError(fmt::format("{}: unknown rule '{}'", where, word));
  deviation.rule = *rule;
  while (words >> word) {
    const auto state = deviation.sweep ? state_named(word) : std::nullopt;
    if (!state)
      throw DeviationError(fmt::format("{}: expected ':' or, of the sweep, a state, found '{}'", where, word));
    deviation.states.push_back(*state);
  }
  return deviation;
}

// dies "TEXT": reason
ListedDeath death_of(std::string_view text, const std::string& where) {
  const auto open = text.find('"'), close = text.find("\":", open + 1);
  const bool quoted = open != std::string_view::npos && close != std::string_view::npos && close > open + 1;
  const std::string_view reason = quoted ? trimmed(text.substr(close + 2)) : "";
  if (reason.empty()) throw DeviationError(where + ": expected 'dies \"TEXT\": reason'");
  return {.text = std::string(text.substr(open + 1, close - open - 1)), .reason = std::string(reason), .where = where};
}

struct Listing {
  std::vector<Deviation> deviations{};
  std::vector<ListedDeath> deaths{};
};

void read_file(const std::string& path, int depth, Listing& into) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  errno = 0;
  std::ifstream file(path);
  if (!file) {
    if (depth == 0 && !std::filesystem::exists(path)) return;
    throw DeviationError(fmt::format("{}: cannot be read: {}", path, std::strerror(errno != 0 ? errno : EIO)));
  }
  if (depth > kIncludesMax) throw DeviationError(path + ": includes itself");
  std::string line, version;
  std::uint8_t ip = 0;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string where = fmt::format("{}:{}", path, number);
    const std::string_view text = trimmed(line);
    constexpr std::string_view kInclude = "include ";
    if (text.empty() || text.front() == '#') continue;
    if (text.starts_with(kInclude)) {
      read_file((folder / (std::string(trimmed(text.substr(kInclude.size()))) + ".txt")).string(), depth + 1, into);
      continue;
    }
    constexpr std::string_view kVersion = "version ";
    if (text.starts_with(kVersion)) {
      version = trimmed(text.substr(kVersion.size()));
      continue;
    }
    constexpr std::string_view kIp = "ip ";
    if (text.starts_with(kIp)) {
      const std::string_view word = trimmed(text.substr(kIp.size()));
      if (word != "4" && word != "6" && word != "any") {
        throw DeviationError(fmt::format("{}: expected ip 4, ip 6 or ip any, found 'ip {}'", where, word));
      }
      ip = word == "any" ? 0 : static_cast<std::uint8_t>(word.front() - '0');
      continue;
    }
    if (text.starts_with("dies ")) {
      into.deaths.push_back(death_of(text, where));
      continue;
    }
    into.deviations.push_back(deviation_of(text, where));
    into.deviations.back().version = version;
    into.deviations.back().ip = ip;
  }
}

Listing listing_of(const std::vector<std::string>& paths, const std::string& target) {
  Listing listing;
  for (const std::string& path : paths) {
    if (std::filesystem::is_directory(path)) {
      read_file((std::filesystem::path(path) / (target + ".txt")).string(), 0, listing);
    } else if (std::filesystem::exists(path)) {
      read_file(path, 0, listing);
    } else {
      throw DeviationError(path + ": no such file or folder");
    }
  }
  return listing;
}

}  // namespace

std::vector<Deviation> read_deviations(const std::vector<std::string>& paths, const std::string& target,
                                       DeviationKinds also) {
  std::vector<Deviation> deviations = listing_of(paths, target).deviations;
  std::erase_if(deviations, [&](const Deviation& deviation) {
    return (deviation.sweep && !also.sweep) || (deviation.round_trip && !also.round_trip) ||
           (deviation.fuzz && !also.fuzz);
  });
  return deviations;
}

std::vector<ListedDeath> read_listed_deaths(const std::vector<std::string>& paths, const std::string& target) {
  return listing_of(paths, target).deaths;
}

std::vector<Deviation> read_deviations(const std::string& folder, const std::string& target, DeviationKinds also) {
  if (!std::filesystem::exists(folder)) return {};
  return read_deviations(std::vector{folder}, target, also);
}

std::vector<ListedDeath> read_listed_deaths(const std::string& folder, const std::string& target) {
  if (!std::filesystem::exists(folder)) return {};
  return read_listed_deaths(std::vector{folder}, target);
}

std::optional<State> state_named(std::string_view word) {
  std::string wanted(word);
  std::transform(wanted.begin(), wanted.end(), wanted.begin(), [](unsigned char c) { return std::toupper(c); });
  for (int i = 0; i < kStates; ++i) {
    if (wanted == to_string(static_cast<State>(i))) return static_cast<State>(i);
  }
  return std::nullopt;
}

}  // namespace tcpassay
