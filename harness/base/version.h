// SPDX-License-Identifier: Apache-2.0
// The version that the program prints and writes into its reports and exports.
#pragma once

namespace tcpassay {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace tcpassay
