// SPDX-License-Identifier: Apache-2.0
// What is known of a target: the rules it breaks and why that is accepted. corpus/deviations/TARGET.txt.
//
//   # comment
//   include linux
//   version 6.18          what follows was seen on this version, and may be absent from others
//   ip 4                  what follows is seen over this version of IP alone; `ip any` ends it
//   RULE_ID: reason
//   sweep RULE_ID STATE ...: reason    the sweep sees it, the scenarios do not; in these states, or in any if none is
//   named
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
  std::string version;          // the target's version begins with this where it must occur; empty: everywhere
  std::uint8_t ip = 0;          // the version of IP over which it occurs; 0: any
  bool sweep = false;           // only the sweep sees it
  std::vector<State> states{};  // in which; empty: in any
};

// file:line: what is wrong with it.
struct DeviationError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// `folder` holds the files of all targets. A target without a file has none. Those that only the sweep sees are left
// out unless it asks. Throws DeviationError.
std::vector<Deviation> read_deviations(const std::string& folder, const std::string& target, bool sweep = false);

// Reads "FIN-WAIT-1", whatever the case.
std::optional<State> state_named(std::string_view word);

}  // namespace tcpassay
