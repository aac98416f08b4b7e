// SPDX-License-Identifier: Apache-2.0
// Generators of initial sequence numbers, good ones and those that were found in the field.
#include "models/first_numbers.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

#include "models/rules.h"

namespace tcpassay {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

using Generator = std::function<std::uint32_t(std::uint16_t port, Time at)>;

// Peers one after the other, every millisecond, and then all of them once more. `late` is how well the time is known.
std::map<Rule, bool> broken(const Generator& generator, std::size_t peers = 300, Time late = {}) {
  std::vector<FirstNumber> numbers;
  Time at{};
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < peers; ++i) {
      const auto port = static_cast<std::uint16_t>(20000 + i);
      at += milliseconds(1);
      numbers.push_back(
          {.tuple = {.local = 80, .remote = port}, .iss = generator(port, at), .from = at - late, .until = at + late});
    }
  }
  std::map<Rule, bool> result;
  for (const auto& finding : judge_first_numbers(numbers)) {
    result[finding.rule] = finding.broken;
    EXPECT_EQ(finding.broken, !finding.seen.empty());
  }
  return result;
}

std::uint32_t ticks(Time at, int nanoseconds = 4000) {
  return static_cast<std::uint32_t>(at.count() / nanoseconds);
}

TEST(FirstNumbers, OfASoundGeneratorAreNeverAccused) {
  for (std::uint64_t secret = 0; secret < 50; ++secret) {
    for (const int tick : {4000, 1000, 64}) {
      const auto found =
          broken([&](std::uint16_t port,
                     Time at) { return ticks(at, tick) + static_cast<std::uint32_t>(mixed(mixed(secret) + port)); },
                 300, microseconds(20));
      ASSERT_EQ(found,
                (std::map<Rule, bool>{{Rule::MUST_9, false}, {Rule::SHLD_1, false}, {Rule::R6528_3_timer, false}}));
    }
  }
}

// 24 bits of a secret function under a slow counter were usual once: they are weak, but they cannot be computed.
TEST(FirstNumbers, WithFewSecretBitsAreNotAccused) {
  const auto found = broken(
      [](std::uint16_t port, Time at) { return ticks(at, 1000) + static_cast<std::uint32_t>(mixed(port) & 0xffffff); });
  EXPECT_FALSE(found.at(Rule::MUST_9));
  const auto zeros = broken([](std::uint16_t port, Time) { return static_cast<std::uint32_t>(mixed(port) << 16); });
  EXPECT_FALSE(zeros.at(Rule::MUST_9));
}

TEST(FirstNumbers, OfFewConnectionsSayNothing) {
  EXPECT_TRUE(broken([](std::uint16_t, Time) { return 1u; }, kFirstNumbersMin - 1).empty());
}

TEST(FirstNumbers, ThatHangTogetherAreFound) {
  std::uint32_t last = 0;
  const std::map<std::string, Generator> generators{
      {"constant", [](std::uint16_t, Time) { return 1u; }},
      {"the clock", [](std::uint16_t, Time at) { return ticks(at); }},
      {"a fast clock", [](std::uint16_t, Time at) { return ticks(at, 64); }},
      {"the clock and the port", [](std::uint16_t port, Time at) { return ticks(at) + 0x01234567u * port; }},
      {"steps", [&](std::uint16_t, Time) { return last += 64000; }},
      {"random steps",
       [&](std::uint16_t port, Time) { return last += static_cast<std::uint32_t>(mixed(port) % 100000); }},
      {"large steps with noise",
       [&](std::uint16_t port, Time) { return last += 0x40000000 + static_cast<std::uint32_t>(mixed(port) % 60000); }},
      {"x <- a*x + c", [&](std::uint16_t, Time) { return last = 1103515245 * last + 12345; }},
      {"31 bits of it", [&](std::uint16_t, Time) { return last = (1103515245 * last + 12345) & 0x7fffffff; }},
      {"few values", [&](std::uint16_t port, Time) { return static_cast<std::uint32_t>(mixed(mixed(port) % 16)); }},
  };
  for (const auto& [name, generator] : generators) {
    EXPECT_TRUE(broken(generator).at(Rule::MUST_9)) << name;
    last = 0;
  }
  EXPECT_TRUE(broken([&](std::uint16_t, Time at) {
                last = 1664525 * last + 1013904223;
                return last + ticks(at);
              }).at(Rule::MUST_9))
      << "x <- a*x + c and the clock";
}

TEST(FirstNumbers, HaveOneClock) {
  const auto secret = [](std::uint16_t port) { return static_cast<std::uint32_t>(mixed(port)); };
  const auto uneven = broken([&](std::uint16_t port, Time at) { return secret(port) + ticks(at) * (1 + port % 16); });
  EXPECT_FALSE(uneven.at(Rule::MUST_9));
  EXPECT_TRUE(uneven.at(Rule::SHLD_1));
  const auto slow = broken([&](std::uint16_t port, Time at) { return secret(port) + ticks(at, 64000); });
  EXPECT_FALSE(slow.at(Rule::SHLD_1));
  EXPECT_TRUE(slow.at(Rule::R6528_3_timer));
  std::uint64_t drawn = 0;
  const auto random = broken([&](std::uint16_t, Time) { return static_cast<std::uint32_t>(mixed(++drawn)); });
  EXPECT_FALSE(random.at(Rule::MUST_9));
  EXPECT_TRUE(random.at(Rule::SHLD_1)) << "no F that stays";
}

}  // namespace
}  // namespace tcpassay
