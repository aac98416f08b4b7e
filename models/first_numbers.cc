// SPDX-License-Identifier: Apache-2.0
#include "models/first_numbers.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "models/rules.h"

namespace tcpassay {
namespace {

using Numbers = std::vector<std::uint32_t>;

// When numbers are drawn at random, the differences of successive numbers are random and independent too, and so are
// the differences of those. Each test counts something that happens to one random number in some thousands, and reports
// when half of the numbers do it.
constexpr std::uint32_t kSmall = 1u << 20;  // random numbers come so near to zero once in 2048

// The clock M: a 4 microsecond timer, or one that is up to so much slower or faster.
constexpr double kTicksPerSecond = 250000;
constexpr double kSlowest = kTicksPerSecond / 4, kFastest = kTicksPerSecond * 64;

Numbers differences(const Numbers& numbers) {
  Numbers result;
  for (std::size_t i = 1; i < numbers.size(); ++i) result.push_back(numbers[i] - numbers[i - 1]);
  return result;
}

bool half_of(std::size_t count, std::size_t all) {
  return all > 0 && 2 * count >= all;
}

bool mostly_small(const Numbers& numbers) {
  const auto small = [](std::uint32_t n) { return n + kSmall < 2 * kSmall; };
  return half_of(static_cast<std::size_t>(std::count_if(numbers.begin(), numbers.end(), small)), numbers.size());
}

// A few values come again and again.
bool mostly_repeated(Numbers numbers) {
  const std::size_t all = numbers.size();
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return half_of(all - numbers.size(), all);
}

// Each is the same multiple of the one before it, as in x <- a*x + c: then y*y = x*z for any three in a row, and that
// holds in the low bits too where the modulus is a power of two.
bool mostly_geometric(const Numbers& numbers) {
  std::size_t count = 0;
  for (std::size_t i = 2; i < numbers.size(); ++i) {
    const std::uint32_t defect = numbers[i - 1] * numbers[i - 1] - numbers[i - 2] * numbers[i];
    const bool telling = numbers[i - 1] % 256 != 0;  // numbers that end in zeros say nothing
    count += telling && static_cast<std::uint16_t>(defect) == 0;
  }
  return numbers.size() > 2 && half_of(count, numbers.size() - 2);
}

// How the numbers of different connections follow from each other; nothing when they do not.
std::optional<std::string> relation(const Numbers& numbers) {
  const Numbers first = differences(numbers), second = differences(first);
  if (mostly_small(first)) return "each is a small step from that of the connection before";
  if (mostly_small(second)) return "each is the same step from that of the connection before, or nearly so";
  if (mostly_repeated(numbers) || mostly_repeated(first)) return "the same few values return";
  if (mostly_geometric(first) || mostly_geometric(second)) return "each is computed from the last: x <- a*x + c";
  return std::nullopt;
}

// One pair of sockets used twice: how fast its number has moved, in ticks a second.
struct Rate {
  double least = 0, most = 0;
};

std::vector<Rate> rates(std::span<const FirstNumber> numbers) {
  std::vector<Rate> result;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    for (std::size_t k = i + 1; k < numbers.size(); ++k) {
      if (!(numbers[i].tuple == numbers[k].tuple)) continue;
      const double least = std::chrono::duration<double>(numbers[k].from - numbers[i].until).count();
      const double most = std::chrono::duration<double>(numbers[k].until - numbers[i].from).count();
      if (least <= 0) break;
      const auto moved = static_cast<double>(static_cast<std::int32_t>(numbers[k].iss - numbers[i].iss));
      constexpr double kStep = std::chrono::duration<double>(kClockStep).count();
      const double shortest = std::max(least - kStep, 0.0), longest = most + kStep;
      if (moved >= 0) {
        result.push_back({moved / longest, shortest > 0 ? moved / shortest : 1e18});
      } else {
        result.push_back({shortest > 0 ? moved / shortest : -1e18, moved / longest});
      }
      break;
    }
  }
  return result;
}

// A rate on which more than half agree, if there is one.
std::optional<double> common_rate(const std::vector<Rate>& rates) {
  for (const Rate& candidate : rates) {
    for (const double rate : {candidate.least, candidate.most}) {
      const auto agrees = [&](const Rate& other) { return other.least <= rate && rate <= other.most; };
      if (2 * static_cast<std::size_t>(std::count_if(rates.begin(), rates.end(), agrees)) > rates.size()) return rate;
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<FirstNumberFinding> judge_first_numbers(std::span<const FirstNumber> numbers) {
  std::vector<FirstNumberFinding> findings;
  Numbers different;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto same = [&](const FirstNumber& other) { return other.tuple == numbers[i].tuple; };
    const auto before = numbers.first(i);
    if (std::none_of(before.begin(), before.end(), same)) different.push_back(numbers[i].iss);
  }
  if (different.size() < kFirstNumbersMin) return findings;

  // F() is not computable from outside.
  const auto related = relation(different);
  findings.push_back({.rule = Rule::MUST_9, .broken = related.has_value()});
  if (related) {
    findings.back().allowed = "first sequence numbers of different connections that have nothing to do with each other";
    findings.back().seen = std::to_string(different.size()) + " connections: " + *related;
  }

  const std::vector<Rate> moved = rates(numbers);
  if (moved.size() < kReopenedMin) return findings;
  // ISN = M + F(...): M is one clock for all, F stays, so the numbers of every pair of sockets move alike.
  const auto rate = common_rate(moved);
  findings.push_back({.rule = Rule::SHLD_1, .broken = !rate || related});
  if (findings.back().broken) {
    findings.back().allowed = "M + F(the two sockets, a secret): the numbers of each pair of sockets move alike";
    findings.back().seen =
        rate ? findings.front().seen
             : "of " + std::to_string(moved.size()) + " pairs of sockets used twice most moved each in its own way";
  }
  if (!rate) return findings;
  findings.push_back({.rule = Rule::R6528_3_timer, .broken = *rate < kSlowest || kFastest * 1.2 < *rate});
  if (findings.back().broken) {
    findings.back().allowed = "a clock of about 250000 ticks a second";
    findings.back().seen = std::to_string(static_cast<std::int64_t>(std::llround(*rate))) + " a second";
  }
  return findings;
}

}  // namespace tcpassay
