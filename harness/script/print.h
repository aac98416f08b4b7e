// SPDX-License-Identifier: Apache-2.0
// Scenarios as text in the packetdrill language (parse.h: text to Scenario).
#pragma once

#include <string>

#include "harness/script/scenario.h"

namespace tcpassay {

// parse_script(print_script(s)) == s for every s that parse_script returns.
std::string print_script(const Scenario& scenario);

// One step on one line, for messages and ladder diagrams. Of code and commands with several lines, only the first is
// printed.
std::string to_text(const ScriptStep& step);

}  // namespace tcpassay
