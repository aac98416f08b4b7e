// SPDX-License-Identifier: Apache-2.0
// What the judge of recorded conversations may say of one.
#pragma once

#include <cstdint>

namespace tcpassay {

enum class OpinionKind : std::uint8_t { kAccepted, kCondemned, kInconclusive, kUnsupported };
const char* to_string(OpinionKind kind);  // "condemned"

}  // namespace tcpassay
