// SPDX-License-Identifier: Apache-2.0
// The profiles of congestion control: what the IETF's standards allow a sender to be, one row of profiles.def each. A
// connection keeps the set of those that explain all that its target has sent. A segment that a profile has no room for
// strikes that profile; a segment that no remaining profile has room for is refused. So one and the same profile must
// explain a connection from its handshake to its end.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tcpassay {

enum class Profile : std::uint8_t {
#define PROFILE(id, name, sentence) id,
#include "models/congestion/profiles.def"
#undef PROFILE
};
inline constexpr int kProfiles = 0
#define PROFILE(id, name, sentence) +1
#include "models/congestion/profiles.def"
#undef PROFILE
    ;

struct ProfileInfo {
  std::string_view name, sentence;
};
std::span<const ProfileInfo> profiles();  // indexed by Profile

struct ProfileSet {
  std::uint8_t bits = (1u << kProfiles) - 1;

  constexpr bool has(Profile profile) const { return (bits >> static_cast<int>(profile) & 1) != 0; }
  constexpr void remove(Profile profile) { bits &= static_cast<std::uint8_t>(~(1u << static_cast<int>(profile))); }
  constexpr bool empty() const { return bits == 0; }
  friend bool operator==(const ProfileSet&, const ProfileSet&) = default;
};

// How much may be in flight, in octets, and where slow start ends.
struct Window {
  static constexpr std::uint32_t kArbitrarilyHigh = 1u << 30;  // RFC 5681 section 3.1: before the first loss

  std::uint32_t cwnd = kArbitrarilyHigh, ssthresh = kArbitrarilyHigh;
  // Of the congestion avoidance behind a slow start: the window that grows by whole segments (RFC 3465 section 2.1),
  // and the octets that were acknowledged since it grew. 0: not known.
  std::uint32_t whole = 0, counted = 0;

  constexpr bool slow_start() const { return cwnd < ssthresh; }
  friend bool operator==(const Window&, const Window&) = default;
};

}  // namespace tcpassay
