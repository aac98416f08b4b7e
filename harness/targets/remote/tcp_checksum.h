// SPDX-License-Identifier: Apache-2.0
// Where the TCP header of a packet stands, and what has to change in its checksum when the packet does.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "harness/wire/packet.h"

namespace tcpassay {

// The place of the TCP header behind IPv4 options or IPv6 extension headers; empty when the packet carries no TCP.
std::optional<std::size_t> tcp_header_in(ByteView packet);

// RFC 1071, begun with `sum`; an odd last octet counts as the high one.
std::uint16_t internet_checksum(ByteView octets, std::uint32_t sum = 0);

// Writes the TCP checksum of an IP packet anew. What carries no whole TCP header is left alone.
void complete_checksum(std::span<std::uint8_t> packet);

// Replaces the 16-bit word at `at` by its exclusive or with `mask`, and corrects the checksum at `checksum`, if that is
// in the packet, so that it is as right or as wrong as before (RFC 1624).
void change_word(std::span<std::uint8_t> packet, std::size_t at, std::uint16_t mask, std::size_t checksum);

}  // namespace tcpassay
