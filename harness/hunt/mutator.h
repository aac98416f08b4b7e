// SPDX-License-Identifier: Apache-2.0
// Changes inputs of a campaign: steps are inserted, removed, repeated, moved and delayed, values go to their edges,
// openings are exchanged, and what has happened happens again later.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/hunt/moves.h"
#include "harness/hunt/randomness.h"

namespace tcpassay {

// What inputs may ask of the target.
struct MoveLimits {
  std::vector<std::string> settings{};  // the target has these
  bool ipv6 = false;
  bool urgent_data = false;  // its user can send urgent text
  std::vector<SocketOption> missing_options{};
  Time wait_max = std::chrono::hours(2);  // of all waits together
};

// An input that `seed` makes of `parent` and, where two are mixed, `other`. The same each time.
Moves mutated(const Moves& parent, const Moves& other, std::uint64_t seed, const MoveLimits& limits);

// The same with octets alone for a guide: any value is overwritten with any other. To compare with.
Moves mutated_plainly(const Moves& parent, std::uint64_t seed, const MoveLimits& limits);

// Keeps an input within the limits: of moves, of time, of packets that follow from one write.
void keep_within(Moves& moves, const MoveLimits& limits);

// Leaves out what a script cannot say: what only a header of the other version of IP has, octets beyond the text.
void keep_to_script(Moves& moves);

// The index behind the moves that open the first connection.
std::size_t end_of_opening(const std::vector<Move>& moves);

}  // namespace tcpassay
