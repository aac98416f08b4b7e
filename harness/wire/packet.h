// SPDX-License-Identifier: Apache-2.0
// Encodes and decodes IPv4 and IPv6 packets that carry TCP, for the peer's side (RFC 791, RFC 8200, RFC 9293
// section 3.1).
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

// Faults that are put into a well-formed packet on purpose.
struct Damage {
  bool bad_checksum = false;                    // flips a bit of the TCP checksum
  std::optional<std::uint8_t> data_offset;      // overwrites the field, in 32-bit words (0 to 15)
  std::optional<std::uint16_t> truncate;        // keeps only so many octets of the TCP segment
  std::optional<Address> source, destination;   // replace the peer's and the target's address; the checksum covers them
  std::optional<std::uint16_t> identification;  // of the IPv4 header
  Bytes ip_options{};                           // of the IPv4 header, a multiple of four octets
  friend bool operator==(const Damage&, const Damage&) = default;
};

// All fields of one packet to be encoded. Sequence numbers are those on the wire.
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

// One decoded TCP packet. Its views point into the packet's octets.
struct Decoded {
  Address source, destination;
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint32_t seq = 0, ack = 0;
  Ctl ctl{};
  std::uint16_t wnd = 0, up = 0;
  std::uint8_t ttl = 0, traffic_class = 0;
  std::uint16_t identification = 0;
  bool dont_fragment = true;  // IPv6 always
  bool ip_options = false;    // the packet has IPv4 options or IPv6 extension headers
  Fault fault = Fault::kNone;
  Options opt{};
  ByteView options{}, text{};
};

// Empty when the bytes are not an unfragmented IP packet that carries TCP.
std::optional<Decoded> decode(ByteView packet);

}  // namespace tcpassay
