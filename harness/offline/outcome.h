// SPDX-License-Identifier: Apache-2.0
// The outcome of judging a recorded conversation, as in ISO 9646: pass, fail or inconclusive.
#pragma once

#include <cstdint>

namespace tcpassay {

enum class Outcome : std::uint8_t { kPass, kFail, kInconclusive, kUnsupported };
const char* to_string(Outcome kind);  // "accepted", "condemned", ...: the words of the reports

}  // namespace tcpassay
