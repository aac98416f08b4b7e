// SPDX-License-Identifier: Apache-2.0
// The roads to the eleven states: what peer and user do to bring the target into each of them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "harness/script/scenario.h"
#include "harness/sweep/grid.h"
#include "models/event.h"

namespace tcpassay {

inline constexpr int kRoadParts = 8;

// What the road has beside the state to which it leads.
enum class RoadKind : std::uint8_t {
  kPlain,
  kPending,  // text or a FIN waits: the window of the peer has no room for it
  kStamped,  // timestamps, SACK and window scale were negotiated; the peer's segments carry timestamps
  kNumbers,  // the ISS of the target is so near to 2^32 or 2^31 that its numbers cross that place, or end or begin at
             // it
};
inline constexpr int kRoadKinds = 4;
const char* to_string(RoadKind kind);  // "pending text"

struct Road {
  State state;
  std::string_view name;          // "passive"
  std::uint32_t first;            // the peer's initial sequence number
  const char* parts[kRoadParts];  // script fragments, in order. Inbound sequence numbers count from
                                  // `first`; the file descriptor of the connection is 4.
  RoadKind kind = RoadKind::kPlain;
  bool fills = false;                  // at the end the peer sends text until the window is closed
  std::optional<std::uint32_t> iss{};  // of the target, where it has the setting initial-sequence-number
};

std::span<const Road> all_roads();

// The steps of the road, without any time between them.
std::vector<ScriptStep> steps_of(const Road& road);

// The last SEG.ACK of the peer, which is SND.UNA at the end of the road; zero if there is none.
std::uint32_t last_ack(const std::vector<ScriptStep>& steps);

}  // namespace tcpassay
