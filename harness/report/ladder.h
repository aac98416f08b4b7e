// SPDX-License-Identifier: Apache-2.0
// The ladder diagram of a trace: what peer and target sent each other, the user's calls, the states, and the verdicts.
#pragma once

#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/session/session.h"

namespace tcpassay {

// At least 100 columns wide. Sequence numbers are relative to the last SYN of their side.
std::string ladder(const Trace& trace, const std::vector<Verdict>& verdicts, const TextStyle& style);

// "FINDING" lines of one verdict: rule, level and sentence, where, what was allowed and seen.
std::string verdict_text(const Verdict& verdict, const TextStyle& style, int indent);

}  // namespace tcpassay
