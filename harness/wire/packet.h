// SPDX-License-Identifier: Apache-2.0
// Bytes and back: IPv4 and IPv6 packets that carry TCP, for our side of the wire (RFC 791, 8200, 9293 section 3.1).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/event.h"

namespace tcpassay {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

// An address of either family; IPv4 uses the first four octets.
struct Address {
  std::uint8_t family = 4;  // 4 or 6
  std::array<std::uint8_t, 16> octets{};

  static std::optional<Address> parse(const std::string& text);
  std::string text() const;
  friend bool operator==(const Address&, const Address&) = default;
};

// What is done to a packet on purpose after it was built well.
struct Damage {
  bool bad_checksum = false;                    // the TCP checksum is made wrong
  std::optional<std::uint8_t> data_offset;      // overwrites the field, in 32-bit words (0 to 15)
  std::optional<std::uint16_t> truncate;        // keeps only so many octets of the TCP segment
  std::optional<Address> source, destination;   // in place of the peer's and the target's; the checksum counts them
  std::optional<std::uint16_t> identification;  // of the IPv4 header
  Bytes ip_options{};                           // of the IPv4 header, a multiple of four octets
  friend bool operator==(const Damage&, const Damage&) = default;
};

// Everything needed to write one packet. Sequence numbers are those of the wire.
struct PacketFields {
  Address source, destination;
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint32_t seq = 0, ack = 0;
  Ctl ctl{};
  std::uint16_t wnd = 0, up = 0;
  std::uint8_t ttl = 64, traffic_class = 0;
  ByteView options{};  // raw; padded with End of Option List to a multiple of four; at most 40 octets
  ByteView text{};
  Damage damage{};
};

// Appends the packet to `out` (cleared first).
void encode(const PacketFields& fields, Bytes& out);

// One TCP packet read back. Views point into the packet.
struct Decoded {
  Address source, destination;
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint32_t seq = 0, ack = 0;
  Ctl ctl{};
  std::uint16_t wnd = 0, up = 0;
  std::uint8_t ttl = 0, traffic_class = 0;
  std::uint16_t identification = 0;
  bool dont_fragment = true;  // IPv6 always
  bool ip_options = false;    // the IP header is not plain
  Fault fault = Fault::kNone;
  Options opt{};
  ByteView options{}, text{};
};

// Empty when the bytes are not an unfragmented IP packet that carries TCP.
std::optional<Decoded> decode(ByteView packet);

}  // namespace tcpassay
