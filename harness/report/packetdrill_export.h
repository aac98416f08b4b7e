// SPDX-License-Identifier: Apache-2.0
// Writes scenarios and runs as scripts that packetdrill accepts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/script/scenario.h"
#include "harness/session/session.h"

namespace tcpassay {

// The scenario itself. Steps that packetdrill cannot express become `//! step:` lines, which packetdrill skips and
// tcpassay plays. The first lines of the script list them.
std::string export_scenario(const Scenario& scenario);

// The scenario as it was played. The packets of the target become `>` lines; `packets` holds the latest of them, in the
// order of the trace. Calls get the results that they returned. The script is marked as a complete record.
std::string export_run(const Scenario& scenario, const Trace& trace, const std::vector<Bytes>& packets,
                       const Identity& target, std::uint8_t ip);

}  // namespace tcpassay
