// SPDX-License-Identifier: Apache-2.0
// Mutation sensitivity of the judge. Conversations that it passed are altered in one field of one segment of the
// target. Counted for each kind of alteration: how often the judge then fails the target, and how often the RFC leaves
// the target free to do what the altered segment shows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/check/corpus.h"
#include "models/congestion/profiles.h"

namespace tcpassay {

// What is altered in a segment that the target sent.
enum class Alteration : std::uint8_t {
  kSeq,       // SEG.SEQ
  kAck,       // SEG.ACK of a segment with the ACK bit
  kWindow,    // SEG.WND
  kFlags,     // one of the six control bits, inverted
  kUrgent,    // the urgent pointer
  kOption,    // an option is added, taken away or given another value
  kText,      // one octet
  kLength,    // one octet more or less
  kSooner,    // text leaves before the ACK that let it leave
  kDropped,   // the segment is left out
  kRepeated,  // the segment is there twice
  kDamaged,   // its checksum or a reserved bit
};
inline constexpr int kAlterations = 12;
const char* to_string(Alteration alteration);  // "sequence number"

struct SensitivityOptions {
  std::size_t samples = 10000;
  std::uint64_t seed = 1;
  std::size_t examples = 3;  // of unnoticed alterations, for each kind
  std::function<void(std::size_t, std::size_t, const std::string&)> progress{};
};

struct SensitivityResult {
  struct Row {
    std::size_t samples = 0, noticed = 0, free = 0;
    std::vector<std::pair<std::string, std::size_t>> freedoms{};  // name and count
    std::vector<std::string> escaped{};                           // examples, one line each
    std::size_t escapes() const { return samples - noticed - free; }
  };
  std::array<Row, kAlterations> rows{};
  std::size_t traces = 0;  // that passed and had a segment of the target
  // Alterations that pass when the target may have no other profile of congestion control than those up to this one.
  std::array<std::size_t, kProfiles> passed{};
  double wall_s = 0;

  std::size_t samples() const;
  double share() const;  // of all samples, those noticed or free; 0 to 1
};

// Plays the scenarios on the own stack. The oracle does not see the states that the stack reports.
SensitivityResult mutation_sensitivity(const std::vector<ScenarioFile>& scenarios, const SensitivityOptions& options);

std::string sensitivity_text(const SensitivityResult& result, const TextStyle& style);
std::string sensitivity_json(const SensitivityResult& result);

}  // namespace tcpassay
