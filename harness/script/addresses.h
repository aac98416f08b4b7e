// SPDX-License-Identifier: Apache-2.0
// What the header fields and addresses that a script names mean to the judge.
#pragma once

#include "harness/script/scenario.h"

namespace tcpassay {

// The control bits that a line means: AccECN's digits stand for three of them.
Ctl control_of(const SegmentSpec& spec);

// What is odd about the addresses or the IP header of a packet that arrives.
Carrier::Oddity oddity_of(const Decoded& packet);

// What the address of bind or connect means for this target.
Host host_of(const Call& call, const Identity& identity);

}  // namespace tcpassay
