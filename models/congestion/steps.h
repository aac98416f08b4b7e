// SPDX-License-Identifier: Apache-2.0
// The parts of congestion control: what is in flight, and how a loss begins. Octets throughout.
#pragma once

#include "models/step.h"

namespace tcpassay {

inline constexpr std::uint8_t kDupAckThreshold = 3;  // RFC 5681 section 3.2

// A segment of text that leaves, as congestion control sees it.
struct Leaving {
  SndSeq seq{}, end{};
  std::uint32_t octets = 0;
  bool again = false;          // it was sent before
  bool front = false;          // it begins at SND.UNA
  bool may_probe = false;      // it may be a loss probe (RFC 8985), which the window does not hold back
  bool replaces = false;       // it replaces a segment that counts as lost, so the flight stays the same
  std::uint32_t more = 0;      // octets by which the flight grows
  std::uint32_t before = 0;    // the flight before that: Pipe of RFC 6675
  std::uint32_t inflated = 0;  // ... less the duplicate ACKs only, as RFC 6582 counts
};

// FlightSize of RFC 5681: what was sent and not acknowledged.
std::uint32_t flight(const Tcb& tcb);
// ... less what has left the network, as far as the ACKs tell (Pipe of RFC 6675).
std::uint32_t pipe(const Tcb& tcb);
// Octets that SACK options have reported, as far as the scoreboard has room for them.
std::uint32_t reported(const Tcb& tcb);
// ... less a segment for each duplicate ACK (RFC 5681 section 3.2).
std::uint32_t flight_of_newreno(const Tcb& tcb);
// Selective acknowledgments say more than counting does; who has them may recover in other ways (RFC 6675, RFC 8985).
bool selective(const Tcb& tcb);
// Full segments wait, and the peer's window has room: only the congestion window holds them back.
bool held_back(const Tcb& tcb);
// No text has been acknowledged, and none lost.
bool first_burst(const Congestion& cc);

// The profiles, of those that fit, that have room for the segment.
ProfileSet profiles_with_room(const Tcb& tcb, const Leaving& seg);

// RFC 5681 section 3.2, steps 2 and 3: fast recovery begins.
void enter_recovery(Step& on);
// RFC 5681 section 3.1: the retransmission timer has expired. The window is the loss window now, and what was in flight
// counts as lost.
void enter_loss(Step& on);

}  // namespace tcpassay
