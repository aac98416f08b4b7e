// SPDX-License-Identifier: Apache-2.0
// Packets in the words of a script: `< S 0:0(0) win 65535 <mss 1460>`, `> icmp unreachable`, and their `//! damage:`.
#pragma once

#include "harness/script/reader.h"
#include "harness/script/scenario.h"

namespace tcpassay {

// Reads from the direction on to the end of the packet. What the language has and tcpassay does not play becomes
// Unsupported; what is outside the language is a ScriptError.
decltype(Step::action) read_packet(ScriptReader& in);

}  // namespace tcpassay
