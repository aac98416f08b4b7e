// SPDX-License-Identifier: Apache-2.0
// What is known of a target: the rules it breaks and why that is accepted. corpus/deviations/TARGET.txt.
//
//   # comment
//   include linux
//   version 6.18          what follows was seen on this version, and may be absent from others
//   RULE_ID: reason
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "models/rule.h"

namespace tcpassay {

struct Deviation {
  Rule rule{};
  std::string reason;
  std::string where;    // file:line
  std::string version;  // the target's version begins with this where it must occur; empty: everywhere
};

// file:line: what is wrong with it.
struct DeviationError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// `folder` holds the files of all targets. A target without a file has none. Throws DeviationError.
std::vector<Deviation> read_deviations(const std::string& folder, const std::string& target);

}  // namespace tcpassay
