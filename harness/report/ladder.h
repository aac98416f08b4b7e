// SPDX-License-Identifier: Apache-2.0
// Draws a trace as a ladder diagram: packets between peer and target, calls of the user, states and verdicts.
#pragma once

#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/session/session.h"

namespace tcpassay {

// At least 100 columns wide. Sequence numbers are relative to the latest SYN of their sender.
std::string ladder(const Trace& trace, const std::vector<Verdict>& verdicts, const TextStyle& style);

// Some lines on one verdict: the rule with its level and sentence, the state, what was allowed and what was seen.
std::string verdict_text(const Verdict& verdict, const TextStyle& style, int indent);

}  // namespace tcpassay
