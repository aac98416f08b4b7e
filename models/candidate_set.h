// SPDX-License-Identifier: Apache-2.0
// The TCBs that an endpoint of a capture may have.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "models/candidate.h"

namespace tcpassay {

using CandidateSet = std::vector<Candidate>;

inline void add(CandidateSet& set, const CandidateSet& more) {
  set.insert(set.end(), more.begin(), more.end());
}

// When the front of the queue left, and when the window last changed: what the order of crossing segments decides.
struct CrossingTimes {
  Time sent_at{}, given_at{}, front_from{}, front_to{}, window_at{}, small_from{};
  std::uint16_t front_id = 0;
  bool front_alone = false;

  static CrossingTimes of(const Tcb& tcb) {
    return {.sent_at = tcb.sent_at,
            .given_at = tcb.given_at,
            .front_from = tcb.front_from,
            .front_to = tcb.front_to,
            .window_at = tcb.window_at,
            .small_from = tcb.small_from,
            .front_id = tcb.ip.front_id,
            .front_alone = tcb.front_alone};
  }
  void put_into(Tcb& tcb) const {
    tcb.sent_at = sent_at;
    tcb.given_at = given_at;
    tcb.front_from = front_from;
    tcb.front_to = front_to;
    tcb.window_at = window_at;
    tcb.small_from = small_from;
    tcb.ip.front_id = front_id;
    tcb.front_alone = front_alone;
  }
  // Times that hold whatever the order was.
  CrossingTimes with(const CrossingTimes& other) const {
    return {.sent_at = std::min(sent_at, other.sent_at),
            .given_at = std::min(given_at, other.given_at),
            .front_from = std::min(front_from, other.front_from),
            .front_to = std::max(front_to, other.front_to),
            .window_at = std::min(window_at, other.window_at),
            .small_from = std::min(small_from, other.small_from),
            .front_id = front_id,
            .front_alone = front_alone && other.front_alone};
  }
};

// TCBs that differ by those times only become one, to which all the times apply. Otherwise each crossing would add one.
inline void join_times(CandidateSet& set) {
  for (std::size_t i = 0; i + 1 < set.size(); ++i) {
    for (std::size_t k = i + 1; k < set.size();) {
      const CrossingTimes here = CrossingTimes::of(set[i]), there = CrossingTimes::of(set[k]);
      here.put_into(set[k]);
      if (static_cast<const Tcb&>(set[i]) == static_cast<const Tcb&>(set[k])) {
        here.with(there).put_into(set[i]);
        set[i].freedoms &= set[k].freedoms;
        set[k] = set.back();
        set.pop_back();
      } else {
        there.put_into(set[k]);
        ++k;
      }
    }
  }
}

// Equal TCBs are one.
inline void merge(CandidateSet& set) {
  for (std::size_t i = 0; i + 1 < set.size(); ++i) {
    for (std::size_t k = i + 1; k < set.size();) {
      if (static_cast<const Tcb&>(set[i]) == static_cast<const Tcb&>(set[k])) {
        set[i].freedoms &= set[k].freedoms;
        set[k] = set.back();
        set.pop_back();
      } else {
        ++k;
      }
    }
  }
}

inline void name_states(const CandidateSet& set, std::string& text) {
  for (const Candidate& p : set) {
    const std::string name = to_string(p.state);
    const std::string among = "|" + text + "|";
    if (among.find("|" + name + "|") == std::string::npos) text += (text.empty() ? "" : "|") + name;
  }
}

}  // namespace tcpassay
