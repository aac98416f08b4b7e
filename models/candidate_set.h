// SPDX-License-Identifier: Apache-2.0
// The TCBs that an endpoint of a capture may have.
#pragma once

#include <string>
#include <vector>

#include "models/candidate.h"

namespace tcpassay {

using CandidateSet = std::vector<Candidate>;

inline void add(CandidateSet& set, const CandidateSet& more) {
  set.insert(set.end(), more.begin(), more.end());
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
