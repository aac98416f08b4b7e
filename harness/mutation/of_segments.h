// SPDX-License-Identifier: Apache-2.0
// How sharp the judge is: conversations that it accepts are altered in one field of one segment of the target, and the
// share that it then condemns, or that a named freedom of the RFC explains, is told by kind.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/check/check.h"
#include "harness/check/report.h"

namespace tcpassay {

// What is altered in a segment that the target sent.
enum class Alteration : std::uint8_t {
  kSeq,       // SEG.SEQ
  kAck,       // SEG.ACK of a segment with the ACK bit
  kWindow,    // SEG.WND
  kFlags,     // one of the six control bits, turned over
  kUrgent,    // the urgent pointer
  kOption,    // an option is added, taken away or given another value
  kText,      // one octet
  kLength,    // one octet more or less
  kDropped,   // the segment is not there
  kRepeated,  // it is there twice
  kDamaged,   // its checksum or a reserved bit
};
inline constexpr int kAlterations = 11;
const char* to_string(Alteration alteration);  // "sequence number"

struct SensitivityOptions {
  std::size_t samples = 10000;
  std::uint64_t seed = 1;
  std::size_t examples = 3;  // of what escaped, for each alteration
  std::function<void(std::size_t, std::size_t, const std::string&)> progress{};
};

struct SensitivityResult {
  struct Row {
    std::size_t samples = 0, condemned = 0, free = 0;
    std::vector<std::pair<std::string, std::size_t>> freedoms{};  // which, and how often
    std::vector<std::string> escaped{};                           // examples, one line each
    std::size_t escapes() const { return samples - condemned - free; }
  };
  std::array<Row, kAlterations> rows{};
  std::size_t traces = 0;  // accepted ones that had a segment of the target
  double wall_s = 0;

  std::size_t samples() const;
  double share() const;  // condemned or free, of all samples; 0 to 1
};

// Plays the scenarios on the own stack. States that a white-box target reports are not used.
SensitivityResult mutation_sensitivity(const std::vector<ScenarioFile>& scenarios, const SensitivityOptions& options);

std::string sensitivity_text(const SensitivityResult& result, const TextStyle& style);
std::string sensitivity_json(const SensitivityResult& result);

}  // namespace tcpassay
