// SPDX-License-Identifier: Apache-2.0
// Scenarios and runs as scripts that packetdrill accepts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/script/scenario.h"
#include "harness/session/session.h"

namespace tcpassay {

// The scenario as it stands. What packetdrill cannot say goes to `//! step:` lines, which it passes over and tcpassay
// plays; the first lines say what that was.
std::string export_scenario(const Scenario& scenario);

// What happened when the scenario was played: `packets` are the target's latest, in the order of the trace, and become
// `>` lines; calls have the results that came. The script says of itself that it is a complete record.
std::string export_run(const Scenario& scenario, const Trace& trace, const std::vector<Bytes>& packets,
                       const Identity& target, std::uint8_t ip);

}  // namespace tcpassay
