// SPDX-License-Identifier: Apache-2.0
// What makes an input worth keeping: it led the model through something that no input before it did.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/oracle.h"

namespace tcpassay {

// Each is a signal of its own, so that it can be measured what it adds.
struct Signals {
  bool transitions = true;  // state, class of event, state; and how often
  bool pairs = true;        // two transitions in a row
  bool triples = false;     // three
  bool rules = true;        // rules that were judged, and how often
  bool freedoms = true;     // freedoms that every explanation needs
};

// "transitions,pairs", "all" or "none". Empty when a word is none of these.
std::optional<Signals> signals_of(std::string_view words);

class Feedback {
 public:
  explicit Feedback(Signals signals);

  // Watches the oracle from now on.
  void watch(Oracle& oracle) { oracle.watch_transitions(counters_.data()); }
  // Also counts in `map`, of a power of two octets: an engine such as libFuzzer takes them for covered branches.
  void count_in(std::uint8_t* map, std::size_t octets) { map_ = map, map_octets_ = octets; }
  void begin();
  void step();  // a move has been played
  // Whether the trace that the oracle has just judged showed something new; remembers what it showed.
  bool is_new(const Oracle& oracle);

  std::size_t transitions() const { return transitions_; }  // different ones so far
  std::size_t rules() const { return rules_; }              // that were judged at least once
  std::size_t features() const { return features_; }        // everything

 private:
  bool note(std::uint64_t kind, std::uint64_t what);
  void note_step();
  bool note_counts(const Oracle& oracle);

  Signals signals_;
  std::uint8_t* map_ = nullptr;
  std::size_t map_octets_ = 0;
  alignas(8) std::array<std::uint8_t, Oracle::kTransitions> counters_{};  // of the present move, counted by the oracle
  std::vector<std::uint16_t> here_, before_, earlier_;  // transitions of this move and of the two before it
  std::vector<std::uint16_t> visits_;                   // all of this trace
  std::vector<std::uint16_t> times_;                    // of each transition in this trace
  bool fresh_ = false;                                  // this trace has shown something new
  std::vector<std::uint64_t> seen_;                     // a set of hashes, as bits
  std::vector<bool> visited_, judged_;                  // transitions, rules
  std::size_t transitions_ = 0, rules_ = 0, features_ = 0;
};

}  // namespace tcpassay
