// SPDX-License-Identifier: Apache-2.0
// IP of both families as far as TCP needs it: addresses, packets read and headers written (RFC 791, RFC 8200).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace own {

using ByteView = std::span<const std::uint8_t>;

// An address of either family. An IPv4 address is stored as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). IPv6 packets
// with such an address are dropped, so the two cannot be confused.
struct Address {
  std::uint64_t high = 0, low = 0;

  constexpr bool is_ipv4() const { return high == 0 && low >> 32 == 0xffff; }
  friend constexpr bool operator==(const Address&, const Address&) = default;
};
constexpr Address ipv4(std::uint32_t address) {
  return {.high = 0, .low = std::uint64_t{0xffff} << 32 | address};
}

// Only a single host can be a peer: no broadcast, multicast or unspecified address (section 3.9.2.3).
bool is_unicast(const Address& address);

inline constexpr std::uint32_t kIpv4Header = 20, kIpv6Header = 40, kTcpHeader = 20;  // octets
inline constexpr std::uint32_t kMtu = 1500;

constexpr std::uint32_t ip_header(const Address& address) {
  return address.is_ipv4() ? kIpv4Header : kIpv6Header;
}

// The largest segment to or from this address: MMS_S and MMS_R minus the fixed TCP header (section 3.7.1).
constexpr std::uint16_t interface_mss(const Address& address) {
  return static_cast<std::uint16_t>(kMtu - ip_header(address) - kTcpHeader);
}
// The MSS of a peer whose SYN had no MSS option (MUST-15).
constexpr std::uint16_t default_send_mss(const Address& address) {
  return address.is_ipv4() ? 536 : 1220;
}

// A TCP segment and what its IP header says.
struct Datagram {
  Address source, destination;
  std::uint8_t ttl = 0, traffic_class = 0;  // the hop limit of IPv6
  ByteView addresses{};                     // source and destination as they stand in the packet
  ByteView tcp{};                           // at least a fixed header
};

// Empty when the bytes are not a whole, unfragmented IP packet that carries TCP.
std::optional<Datagram> parse_ip(ByteView packet);

// Writes the header of a packet of `total` octets; the checksum of IPv4 among them.
void put_ip_header(std::uint8_t* ip, const Address& source, const Address& destination, std::size_t total,
                   std::uint8_t traffic_class, std::uint8_t ttl = 64);

// The sum over the pseudo header of a packet that starts here (sections 3.1 of RFC 9293, 8.1 of RFC 8200).
std::uint32_t pseudo_header(ByteView addresses, std::size_t tcp_length);

// The one's complement sum of 16-bit words, complemented; `sum` carries on from another area of even length.
std::uint32_t add_words(std::uint32_t sum, ByteView octets);
std::uint16_t checksum(std::uint32_t sum);

inline std::uint16_t get16(const std::uint8_t* p) {
  return static_cast<std::uint16_t>(p[0] << 8 | p[1]);
}
inline std::uint32_t get32(const std::uint8_t* p) {
  return std::uint32_t{get16(p)} << 16 | get16(p + 2);
}
inline void put16(std::uint8_t* p, std::uint32_t value) {
  p[0] = static_cast<std::uint8_t>(value >> 8);
  p[1] = static_cast<std::uint8_t>(value);
}
inline void put32(std::uint8_t* p, std::uint32_t value) {
  put16(p, value >> 16);
  put16(p + 2, value & 0xffff);
}

}  // namespace own
