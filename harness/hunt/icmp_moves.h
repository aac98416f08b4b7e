// SPDX-License-Identifier: Apache-2.0
// The ICMP messages of campaigns: each means about the same over both versions of IP.
#pragma once

#include <cstdint>
#include <optional>

#include "harness/hunt/moves.h"
#include "harness/hunt/randomness.h"
#include "harness/wire/icmp.h"

namespace tcpassay {

IcmpMove some_icmp(Random& random);
void change_icmp(IcmpMove& move, Random& random);

// In the script's words, quoting a segment at `seq`, which is counted from the target's SYN.
IcmpSpec icmp_of(const IcmpMove& move, std::uint8_t ip, std::uint32_t seq);

// The message of a script, without the number that it quotes; empty when campaigns have none of the kind.
std::optional<IcmpMove> move_of(const IcmpSpec& spec, std::uint8_t ip);

}  // namespace tcpassay
