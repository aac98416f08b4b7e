// SPDX-License-Identifier: Apache-2.0
// Converts header fields and addresses of a script to the terms of the model.
#pragma once

#include "harness/script/scenario.h"

namespace tcpassay {

// The control bits of a packet line, where an AccECN digit stands for three bits.
Ctl control_of(const SegmentSpec& spec);

// Anything unusual in the addresses or the IP header of an arriving packet that the rules mention.
Carrier::Oddity oddity_of(const Decoded& packet);

// What kind of host the address of a bind or connect is for this target.
Host host_of(const Call& call, const Identity& identity);

// The address of a connect() that ends the connection.
inline constexpr const char* kNoAddress = "AF_UNSPEC";

}  // namespace tcpassay
