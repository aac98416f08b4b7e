// SPDX-License-Identifier: Apache-2.0
// The version that the program, its reports and what it exports name.
#pragma once

namespace tcpassay {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace tcpassay
