// SPDX-License-Identifier: Apache-2.0
// A campaign that is led by an engine: libFuzzer, AFL++ or another one with the same entry points chooses the inputs,
// and keeps those that run new code or show new signals. Findings are those of a campaign.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "harness/hunt/feedback.h"
#include "harness/hunt/hunted.h"
#include "harness/hunt/move_player.h"
#include "harness/hunt/mutator.h"

namespace tcpassay {

struct EngineTerms {
  HuntTerms terms{};
  std::filesystem::path folder{};      // of findings; empty: a finding is only printed
  std::size_t findings_max = 1;        // the engine is stopped after so many
  std::vector<std::string> ignored{};  // rules that make no finding
  Signals signals{};
};

// What the environment says: TCPASSAY_TARGET, _PLANT, _FINDINGS, _FINDINGS_MAX, _IGNORE, _SIGNALS. Throws
// std::runtime_error when it says something wrong.
EngineTerms terms_of_environment(const std::string& target);

class EngineHunt {
 public:
  // `map`: counters that the engine watches, a power of two; none when it is empty.
  EngineHunt(EngineTerms terms, std::span<std::uint8_t> map);
  ~EngineHunt();

  // Plays the input. False when the engine is to stop.
  bool play(ByteView input);

  // Change an input in place, and return its length, at most `most`.
  std::size_t mutate(std::uint8_t* input, std::size_t size, std::size_t most, std::uint64_t seed) const;
  std::size_t cross(ByteView one, ByteView two, std::uint8_t* made, std::size_t most, std::uint64_t seed) const;

 private:
  void make_again();
  Moves moves_within(ByteView octets) const;
  void note(FindingKind kind, const std::string& verdict, const Moves& moves);
  std::size_t put(const Moves& moves, std::uint8_t* place, std::size_t most) const;

  EngineTerms terms_;
  std::unique_ptr<Target> target_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<MovePlayer> player_;
  Feedback feedback_;
  MoveLimits limits_{};
  std::uint64_t inputs_ = 0;
  std::deque<Bytes> history_;    // inputs before this one, in case a finding needs them
  std::set<std::string> found_;  // rules
};

}  // namespace tcpassay
