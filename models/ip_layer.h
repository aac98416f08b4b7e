// SPDX-License-Identifier: Apache-2.0
// RFC 9293 section 3.9.2, the interface of TCP to IP: addresses, TOS, TTL and ICMP messages (3.9.2.2, RFC 1191, 8201).
#pragma once

#include "models/step.h"

namespace tcpassay {

inline constexpr std::uint32_t kIpv4Floor = 68;  // octets that any path takes (RFC 791 section 3.2)

// IP_TOS and IP_TTL.
void ip_set(Step& on, const UserCall& call);

// For each arriving segment, before TCP looks at it. False when TCP never gets it.
bool ip_arrives(Step& on, const Arriving& seg);

// For each departing segment. False when it is refused.
bool ip_departs(Step& on, const Departing& seg);

// An ICMP message that quotes a segment of this connection, or of another one.
void icmp_arrives(Step& on, const IcmpArrives& message);
void icmp_elsewhere(Step& on);

// Text leaves for the first time or again: is the packet small enough for the path? False when it is refused.
bool path_departs(Step& on, const Departing& seg, bool resent);

// Octets behind TCP's fixed header that fit a packet on the smallest path of which a message has told: options and
// text.
std::uint32_t path_room(const Step& on);

// The target is silent.
void path_quiet(Candidate& tcb);

}  // namespace tcpassay
