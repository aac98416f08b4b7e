// SPDX-License-Identifier: Apache-2.0
// The packets of a trace, decoded: each field by name, and the octets as they were on the wire.
#pragma once

#include <string>
#include <vector>

#include "harness/session/trace.h"
#include "harness/site/html.h"
#include "harness/site/ladder_svg.h"

namespace tcpassay {

inline constexpr std::size_t kOctetsShown = 160;  // of one packet

// A list with an entry #e0, #e1 ... for each packet among the shown events. `packets` are the octets by event; empty
// where they are not known.
Html packet_details(const Trace& trace, ShownEvents shown, const std::vector<Bytes>& packets);

// "0000  45 00 00 28 ...  E..(": sixteen octets a line.
std::string hex_dump(ByteView octets);

}  // namespace tcpassay
