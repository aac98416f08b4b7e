// SPDX-License-Identifier: Apache-2.0
// Octets that stand in a packet's headers instead of those that would, and what IP does with the packet then.
#pragma once

#include <cstdint>

#include "harness/wire/packet.h"

namespace tcpassay {

enum class Header : std::uint8_t { kIp, kTcp };

// Writes octets from the header's octet `at` on. The checksums are made again, but for one that is among the octets.
void put_octets(Header header, std::uint32_t at, ByteView octets, Bytes& packet);
bool has_octets(Header header, std::uint32_t at, ByteView octets, ByteView packet);

// Makes the TCP checksum wrong.
void spoil_checksum(Bytes& packet);

// Whether a host drops the packet before TCP sees it, for the version, the length or the checksum of its IPv4 header
// (RFC 1122 section 3.2.1).
bool ip_discards(ByteView packet);

}  // namespace tcpassay
