// SPDX-License-Identifier: Apache-2.0
// What a target throws when a scenario cannot be judged on it here and now.
#pragma once

#include "harness/target/target.h"

namespace tcpassay {

// The target is there, but it answers too slowly for its silence to be told, or the wire does not carry what the
// scenario sends, or nobody makes its calls. It can be reset and used again.
struct Inconclusive : TargetError {
  using TargetError::TargetError;
};

}  // namespace tcpassay
