// SPDX-License-Identifier: Apache-2.0
// What the peer can know where a round trip takes time: each segment needs half of it to the peer, and the answer the
// other half to the target. So an acknowledgment arrives a whole round trip after what it acknowledges has left.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/target/target.h"
#include "harness/wire/packet.h"

namespace tcpassay {

// How the peer answers what it has received.
enum class PeerManner : std::uint8_t {
  kPrompt,      // at once
  kLate,        // 200 ms later, as who delays acknowledgments
  kBursts,      // what falls due within a round trip arrives together at its end
  kCompressed,  // likewise, and of several acknowledgments in a row only the last
};
inline constexpr const char* kPeerManners[] = {"prompt", "late", "bursts", "compressed"};

// When an answer arrives that can arrive at `earliest`.
Time arrival(Time earliest, Time round_trip, PeerManner manner);
// By how much later than `earliest` that may be.
Time delay_max(Time round_trip, PeerManner manner);

class RoundTrip {
 public:
  void departed(const Decoded& segment, Time at);
  // When this segment of the peer can arrive at the target at the earliest.
  std::optional<Time> earliest(const Decoded& answer, Time round_trip) const;
  // The latest timestamp of the target that the peer can know when a segment arrives at the target at `at`.
  std::optional<std::uint32_t> stamp_known(Time at, Time round_trip) const;

 private:
  struct Departure {
    std::uint32_t begin = 0, end = 0;
    Time at{};
  };
  struct Stamp {
    std::uint32_t value = 0;
    Time at{};
  };
  static constexpr std::size_t kKept = 256;

  std::vector<Departure> departures_;  // the first departure of each stretch of sequence numbers
  std::vector<Stamp> stamps_;
};

}  // namespace tcpassay
