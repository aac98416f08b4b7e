// SPDX-License-Identifier: Apache-2.0
// The roads to the eleven states: what the peer and the user do so that the target gets there.
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
  const char* parts[kRoadParts];  // script fragments, one after the other; the numbers of inbound segments count from
                                  // `first`, the connection's handle is 4
  bool fills = false;             // then the peer sends text until the target's window is closed
};

std::span<const Road> all_roads();

// The road's steps. All happen at once.
std::vector<Step> steps_of(const Road& road);

// The last SEG.ACK on the road, which is SND.UNA at its end; zero where there is none.
std::uint32_t last_ack(const std::vector<Step>& steps);

}  // namespace tcpassay
