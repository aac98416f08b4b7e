// SPDX-License-Identifier: Apache-2.0
// Known deviations of a target: the rules that it breaks, and why that is accepted. corpus/deviations/TARGET.txt has
// them.
//
//   # comment
//   include linux
//   version 6.18          the lines below were seen on this version; other versions may not deviate
//   ip 4                  the lines below hold over this IP version only; `ip any` ends that
//   RULE_ID: reason
//   rtt RULE_ID: reason   seen only where a round trip takes time (check --rtt)
//   dies "TEXT": reason   the implementation crashes, asserts or hangs, and the report of it contains TEXT
//   sweep RULE_ID STATE ...: reason    only the sweep shows it, in these states; in any state if none is named
//   fuzz RULE_ID: reason  only a campaign of `tcpassay fuzz` has shown it
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "models/event.h"
#include "models/rule.h"

namespace tcpassay {

struct Deviation {
  Rule rule{};
  std::string reason;
  std::string where;            // file:line
  std::string version;          // it must occur where the target's version begins with this; empty: on every version
  std::uint8_t ip = 0;          // the IP version over which it occurs; 0: any
  bool round_trip = false;      // only where a round trip takes time
  bool sweep = false;           // only the sweep shows it
  bool fuzz = false;            // only a campaign has shown it
  std::vector<State> states{};  // in which the sweep shows it; empty: any
};

// A way to die that is accepted.
struct ListedDeath {
  std::string text;  // is part of what is reported
  std::string reason, where;
};

// A line of the file cannot be read. The message is "file:line: what is wrong".
struct DeviationError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Which deviations are read besides those that the corpus shows.
struct DeviationKinds {
  bool sweep = false, round_trip = false, fuzz = false;
};

// Reads FOLDER/TARGET.txt; a target without a file has no deviations. Throws DeviationError.
std::vector<Deviation> read_deviations(const std::string& folder, const std::string& target, DeviationKinds also = {});

// The accepted deaths of the same file.
std::vector<ListedDeath> read_listed_deaths(const std::string& folder, const std::string& target);

// The same of several files, and of the file for the target in several folders, one after the other. A file that is
// named must be there.
std::vector<Deviation> read_deviations(const std::vector<std::string>& paths, const std::string& target,
                                       DeviationKinds also = {});
std::vector<ListedDeath> read_listed_deaths(const std::vector<std::string>& paths, const std::string& target);

// The state called "FIN-WAIT-1" or "fin-wait-1".
std::optional<State> state_named(std::string_view word);

}  // namespace tcpassay
