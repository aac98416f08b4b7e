// SPDX-License-Identifier: Apache-2.0
// Statistics of the initial sequence numbers of many connections (RFC 9293 section 3.4.1, RFC 6528). They report only
// what cannot be an accident.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/event.h"
#include "models/rule.h"

namespace tcpassay {

// An initial sequence number that was seen, and when.
struct FirstNumber {
  Tuple tuple{};
  std::uint32_t iss = 0;
  Time from{}, until{};  // it was chosen in this interval
};

// With fewer numbers of different connections nothing is reported. With these limits each test accuses a sound
// generator less often than once in 10^15 trials.
inline constexpr std::size_t kFirstNumbersMin = 200;
inline constexpr std::size_t kReopenedMin = 16;  // the same for pairs of sockets that were used twice

// A clock that ticks in steps of its own may stand for so long.
inline constexpr Time kClockStep = std::chrono::milliseconds(10);

struct FirstNumberFinding {
  Rule rule{};
  bool broken = false;
  std::string allowed{}, seen{};  // when it is
};

// What the numbers of a trace, in the order in which they were seen, say of the rules on their generator.
std::vector<FirstNumberFinding> judge_first_numbers(std::span<const FirstNumber> numbers);

}  // namespace tcpassay
