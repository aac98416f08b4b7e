// SPDX-License-Identifier: Apache-2.0
// The private part of PassiveOracle: the TCBs that the endpoint may have, with assumed times of processing, and with
// all times where those explain nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "models/candidate_set.h"
#include "models/passive_oracle.h"
#include "models/step.h"

namespace tcpassay {

struct PassiveOracle::Impl {
  using Set = CandidateSet;

  // The segments of one packet that passed the capture point.
  struct Passed {
    std::vector<Event> segments;
    std::uint64_t number = 0;

    Time at() const { return segments.front().from; }
    bool arrives() const { return std::holds_alternative<Arriving>(segments.front().what); }
  };

  static constexpr Time kNever = Time::min();

  // A point in the capture from which the oracle can judge again, when the assumed times of processing turn out wrong.
  struct Mark {
    Time at{}, last{};           // when the segment passed that came then, and the one before it
    Time presumed = kNever;      // as below
    std::vector<Set> stage;      // as `stage` below; the first only, where times were assumed
    std::deque<Passed> pending;  // seen, not processed yet
  };

  Distance distance;
  Environment env;

  // At first each segment is assumed to be processed Distance::usual after it passed the capture point.
  Set set = Set(1);
  std::deque<Passed> coming;
  Time last{};
  bool begun = false;
  Time came = kNever;      // when the latest segment passed that arrives at the endpoint
  Time presumed = kNever;  // ... of those that are taken to have been processed, since they passed long ago
  Event latest;            // the latest segment, and the number of its packet
  std::uint64_t latest_number = 0;
  Mark mark, newer;
  std::deque<Passed> recent;     // since `mark`
  std::size_t before_newer = 0;  // so many of them before `newer`
  bool forgotten = false;        // `recent` does not hold all of it
  static constexpr std::size_t kPatienceMin = 32;
  std::size_t assumed_for = 0;  // packets since times were last assumed

  // When that explains nothing, all times are tried: stage[i] has the TCBs of an endpoint that has processed i of
  // `pending`. After `patience` packets, times are assumed again.
  bool staged = false;
  std::vector<Set> stage;
  std::deque<Passed> pending;
  std::size_t patience = kPatienceMin, staged_for = 0;

  // Segments are lost behind the capture point: `set` has the TCBs of an endpoint that has taken some of `passing`.
  bool lossy = false;
  std::deque<Passed> passing;
  std::size_t effort = 0;  // segments tried so far

  std::optional<Verdict> verdict;
  std::vector<Verdict> tolerated;
  Terms terms;
  bool limit = false;
  Refusal nearest;
  Candidate accused;
  Event refused;

  void observe(const Passed& passed);
  void observe_staged(const Passed& passed);
  void observe_assuming(const Passed& passed);
  bool stage_by_stage(const Passed& passed);
  void look_back(const Passed& passed);
  void accuse(const Passed& passed, const Set& before);
  void observe_losing(const Passed& passed);
  bool may_take(Set& known, const Passed& arrived, Time at);
  void forget_passing(const Departing& seg);
  void assume_times(Time at);
  void remember(const Passed& passed);
  void take_coming(Time until);
  Set pass(Set before, Time at);
  Set step(const Set& before, const Passed& passed, Time now);
  Set one_segment(const Set& before, const Event& event);
  void blame(const Passed& passed, const Set& before);
  void give_up(const Passed& passed, std::string why);
  bool well_formed(const Passed& passed);
  void settle_freedoms(const Event& event, std::uint64_t number);
};

}  // namespace tcpassay
