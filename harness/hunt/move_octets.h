// SPDX-License-Identifier: Apache-2.0
// Moves as octets, for engines that know of nothing else (libFuzzer, AFL++): any octets are an input, and similar
// octets are similar inputs.
#pragma once

#include "harness/hunt/moves.h"

namespace tcpassay {

inline constexpr std::size_t kMoveOctetsMax = 8192;  // of one input; what would be longer is cut

// Leaves out what only has a meaning in a script: addresses (but those of carriers.h), the results that were expected,
// encapsulations.
Bytes octets_of(const Moves& moves);

// Never fails: what lacks is zero, a value that is none is reduced to one.
Moves moves_of(ByteView octets);

}  // namespace tcpassay
