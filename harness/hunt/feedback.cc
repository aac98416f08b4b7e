// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/feedback.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "models/freedom.h"
#include "models/oracle.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

constexpr std::size_t kBits = std::size_t{1} << 22;  // of the set of hashes

enum Feature : std::uint64_t { kTimes, kPair, kTriple, kJudged, kFreedom };

std::uint64_t mixed(std::uint64_t x) {
  x ^= x >> 31;
  x *= 0x7fb5d329728ea185u;
  x ^= x >> 27;
  x *= 0x81dadef4bc2dd44du;
  return x ^ x >> 33;
}

// 1, 2, 3, 4 to 7, 8 to 15 ...: a few times more is nothing new.
std::uint64_t class_of(std::uint64_t times) {
  return times < 4 ? times : 2 + static_cast<std::uint64_t>(std::bit_width(times));
}

}  // namespace

std::optional<Signals> signals_of(std::string_view words) {
  if (words == "all") return Signals{.triples = true};
  Signals chosen{.transitions = false, .pairs = false, .triples = false, .rules = false, .freedoms = false};
  if (words == "none") return chosen;
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(','));
    words.remove_prefix(std::min(words.size(), word.size() + 1));
    if (word == "transitions") {
      chosen.transitions = true;
    } else if (word == "pairs") {
      chosen.pairs = true;
    } else if (word == "triples") {
      chosen.triples = true;
    } else if (word == "rules") {
      chosen.rules = true;
    } else if (word == "freedoms") {
      chosen.freedoms = true;
    } else {
      return std::nullopt;
    }
  }
  return chosen;
}

Feedback::Feedback(Signals signals)
    : signals_(signals),
      times_(Oracle::kTransitions),
      seen_(kBits / 64),
      visited_(Oracle::kTransitions),
      judged_(tcpassay::rules().size()) {}

void Feedback::begin() {
  step();  // what another session has left
  for (const std::uint16_t index : visits_) times_[index] = 0;
  visits_.clear();
  here_.clear();
  before_.clear();
  fresh_ = false;
}

// The counters are mostly zero: eight are looked at together.
void Feedback::step() {
  earlier_.swap(before_);
  before_.swap(here_);
  here_.clear();
  for (std::size_t i = 0; i < counters_.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, &counters_[i], 8);
    if (word == 0) continue;
    for (std::size_t k = i; k < i + 8; ++k) {
      if (counters_[k] == 0) continue;
      here_.push_back(static_cast<std::uint16_t>(k));
      counters_[k] = 0;
    }
  }
  note_step();
}

bool Feedback::is_new(const Oracle& oracle) {
  step();
  for (const std::uint16_t index : visits_) {
    if (signals_.transitions && times_[index] > 0) fresh_ |= note(kTimes, class_of(times_[index]) << 16 | index);
    times_[index] = 0;
  }
  const bool by_counts = note_counts(oracle);
  return fresh_ || by_counts;
}

// True where it was not there yet.
bool Feedback::note(std::uint64_t kind, std::uint64_t what) {
  const std::uint64_t bit = mixed(what * 8 + kind) % kBits, mask = std::uint64_t{1} << bit % 64;
  std::uint64_t& word = seen_[bit / 64];
  if (map_ != nullptr) map_[bit & (map_octets_ - 1)] = 1;
  if (word & mask) return false;
  word |= mask;
  ++features_;
  return true;
}

void Feedback::note_step() {
  for (const std::uint64_t here : here_) {
    if (!visited_[here]) ++transitions_;
    visited_[here] = true;
    if (times_[here]++ == 0) visits_.push_back(static_cast<std::uint16_t>(here));
    for (const std::uint64_t before : before_) {
      if (signals_.pairs) fresh_ |= note(kPair, here << 16 | before);
      if (!signals_.triples) continue;
      for (const std::uint64_t earlier : earlier_) fresh_ |= note(kTriple, (here << 16 | before) << 16 | earlier);
    }
  }
}

bool Feedback::note_counts(const Oracle& oracle) {
  bool fresh = false;
  const std::vector<Count>& counts = oracle.counts();
  for (std::size_t rule = 0; rule < counts.size(); ++rule) {
    if (counts[rule].judged == 0) continue;
    if (!judged_[rule]) ++rules_;
    judged_[rule] = true;
    if (signals_.rules) fresh |= note(kJudged, class_of(counts[rule].judged) << 16 | rule);
  }
  const FreedomSet& taken = oracle.freedoms_taken();
  for (std::size_t i = 0; signals_.freedoms && i < kFreedoms; ++i) {
    if (taken.test(i)) fresh |= note(kFreedom, i);
  }
  return fresh;
}

}  // namespace tcpassay
