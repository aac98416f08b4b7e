// SPDX-License-Identifier: Apache-2.0
// Reads the packet lines of a script: `< S 0:0(0) win 65535 <mss 1460>`, `> icmp unreachable`, and their `//! damage:`.
#pragma once

#include "harness/script/reader.h"
#include "harness/script/scenario.h"

namespace tcpassay {

// Reads from the direction (`<` or `>`) to the end of the packet. A construct of the language that tcpassay does not
// play becomes Unsupported; anything else is a ScriptError.
decltype(ScriptStep::action) read_packet(ScriptReader& in);

}  // namespace tcpassay
