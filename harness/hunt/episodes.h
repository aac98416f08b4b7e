// SPDX-License-Identifier: Apache-2.0
// Short sequences of moves that go together: a window that closes and opens, a loss and its repair, a way to close.
// What the corpus has once, a campaign puts behind anything else.
#pragma once

#include <vector>

#include "harness/hunt/moves.h"
#include "harness/hunt/randomness.h"

namespace tcpassay {

// The handles of an input, in the script's numbers; -1 where there is none.
struct Handles {
  int listener = -1, connection = -1;
  int next = 3;  // a number that is free
};
Handles handles_of(const std::vector<Move>& moves);

// One of the episodes, with numbers of its own.
std::vector<Move> some_episode(Random& random, const Handles& handles);
// The calls and segments that open a connection: passive, active, or both at once.
std::vector<Move> some_opening(Random& random);
// One call of the user on the connection.
Move some_call(Random& random, const Handles& handles);
// Options of a SYN: usual, unusual or malformed.
std::vector<OptionSpec> some_syn_options(Random& random);
OptionSpec some_option(Random& random);

}  // namespace tcpassay
