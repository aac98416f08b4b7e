// SPDX-License-Identifier: Apache-2.0
// What the judge of recorded conversations may say of one.
#pragma once

#include <cstdint>

namespace tcpassay {

enum class Outcome : std::uint8_t { kPass, kFail, kInconclusive, kUnsupported };
const char* to_string(Outcome kind);  // "condemned"

}  // namespace tcpassay
