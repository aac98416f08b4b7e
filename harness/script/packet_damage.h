// SPDX-License-Identifier: Apache-2.0
// What packetdrill cannot say about a packet, at the end of its line: `//! damage: checksum options=0200` (see
// parse.h).
#pragma once

#include "harness/script/reader.h"
#include "harness/script/scenario.h"

namespace tcpassay {

// Reads from `//!` to the end of the line into `segment`.
void read_damage(ScriptReader& in, bool inbound, SegmentSpec& segment);

}  // namespace tcpassay
