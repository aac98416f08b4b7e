// SPDX-License-Identifier: Apache-2.0
// Two runs of one script, side by side from where they part.
#pragma once

#include <string>

#include "harness/base/text.h"
#include "harness/report/run_report.h"

namespace tcpassay {

inline constexpr int kTwoLaddersMin = 90;  // columns; a narrower terminal gets one ladder below the other

// What both do stands once, and where they differ each has its column. The stimuli of the script stand at one height.
std::string two_ladders(const RunResult& left, const RunResult& right, const TextStyle& style);

}  // namespace tcpassay
