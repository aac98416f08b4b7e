// SPDX-License-Identifier: Apache-2.0
// The roads to the eleven states: what peer and user do to bring the target into each of them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "harness/script/scenario.h"
#include "harness/sweep/grid.h"
#include "models/event.h"

namespace tcpassay {

inline constexpr int kRoadParts = 7;

struct Road {
  State state;
  std::string_view name;          // "passive"
  std::uint32_t first;            // the peer's initial sequence number
  const char* parts[kRoadParts];  // script fragments, in order. Inbound sequence numbers count from
                                  // `first`; the file descriptor of the connection is 4.
  bool fills = false;             // at the end the peer sends text until the window is closed
};

std::span<const Road> all_roads();

// The steps of the road, without any time between them.
std::vector<ScriptStep> steps_of(const Road& road);

// The last SEG.ACK of the peer, which is SND.UNA at the end of the road; zero if there is none.
std::uint32_t last_ack(const std::vector<ScriptStep>& steps);

}  // namespace tcpassay
