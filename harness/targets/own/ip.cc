// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/ip.h"

#include <cassert>
#include <cstring>

namespace own {
namespace {

constexpr std::uint8_t kProtocolTcp = 6;

std::uint64_t get64(const std::uint8_t* p) {
  return std::uint64_t{get32(p)} << 32 | get32(p + 4);
}

void put64(std::uint8_t* p, std::uint64_t value) {
  put32(p, static_cast<std::uint32_t>(value >> 32));
  put32(p + 4, static_cast<std::uint32_t>(value));
}

std::optional<Datagram> parse_ipv4(ByteView packet) {
  constexpr std::uint16_t kFragment = 0x3fff;
  if (packet.size() < kIpv4Header) return std::nullopt;
  const std::size_t header = std::size_t{packet[0] & 0x0fu} * 4;
  const std::size_t total = get16(&packet[2]);
  if (header < kIpv4Header || total < header + kTcpHeader || total > packet.size()) return std::nullopt;
  if (packet[9] != kProtocolTcp || (get16(&packet[6]) & kFragment) != 0) return std::nullopt;
  if (checksum(add_words(0, packet.first(header))) != 0) return std::nullopt;
  return Datagram{.source = ipv4(get32(&packet[12])),
                  .destination = ipv4(get32(&packet[16])),
                  .ttl = packet[8],
                  .traffic_class = packet[1],
                  .addresses = packet.subspan(12, 8),
                  .tcp = packet.subspan(header, total - header)};
}

// RFC 8200 section 4.2: an option that is not known says in its first two bits whether it may be skipped.
bool may_be_skipped(ByteView options) {
  constexpr std::uint8_t kPad1 = 0, kPadN = 1;
  while (!options.empty()) {
    if (options[0] == kPad1) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options[1] + 2u > options.size()) return false;
    if (options[0] != kPadN && options[0] >> 6 != 0) return false;
    options = options.subspan(options[1] + 2u);
  }
  return true;
}

// The length of the extension header at this place; zero when the packet must be dropped (RFC 8200 section 4).
std::size_t extension_header(std::uint8_t kind, ByteView rest, bool first) {
  constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kDestination = 60;
  constexpr std::uint16_t kOffsetOrMore = 0xfff9;
  if (rest.size() < 8) return 0;
  const std::size_t length = kind == kFragment ? 8 : (rest[1] + std::size_t{1}) * 8;
  if (length > rest.size()) return 0;
  bool passes = false;
  if (kind == kHopByHop) passes = first && may_be_skipped(rest.subspan(2, length - 2));
  if (kind == kDestination) passes = may_be_skipped(rest.subspan(2, length - 2));
  if (kind == kRouting) passes = rest[3] == 0;                             // no segments left: it has arrived
  if (kind == kFragment) passes = (get16(&rest[2]) & kOffsetOrMore) == 0;  // all of it
  return passes ? length : 0;
}

// Drops jumbograms, whose payload length is zero (RFC 2675), and packets shorter than their length field says.
std::optional<Datagram> parse_ipv6(ByteView packet) {
  if (packet.size() < kIpv6Header) return std::nullopt;
  const std::size_t end = kIpv6Header + get16(&packet[4]);
  if (end > packet.size()) return std::nullopt;
  Datagram read{.source = {.high = get64(&packet[8]), .low = get64(&packet[16])},
                .destination = {.high = get64(&packet[24]), .low = get64(&packet[32])},
                .ttl = packet[7],
                .traffic_class = static_cast<std::uint8_t>(get16(&packet[0]) >> 4),
                .addresses = packet.subspan(8, 32),
                .tcp = packet.subspan(kIpv6Header, end - kIpv6Header)};
  if (read.source.is_ipv4() || read.destination.is_ipv4()) return std::nullopt;
  bool first = true;
  for (std::uint8_t kind = packet[6]; kind != kProtocolTcp; first = false) {
    const std::size_t length = extension_header(kind, read.tcp, first);
    if (length == 0) return std::nullopt;
    kind = read.tcp[0];
    read.tcp = read.tcp.subspan(length);
  }
  if (read.tcp.size() < kTcpHeader) return std::nullopt;
  return read;
}

}  // namespace

bool is_unicast(const Address& address) {
  if (!address.is_ipv4()) return address.high >> 56 != 0xff && !(address.high == 0 && address.low < 2);
  const auto ipv4 = static_cast<std::uint32_t>(address.low);
  const bool broadcast = (ipv4 & 0xff) == 0xff;  // of the only link there is, or of all
  return ipv4 >> 28 < 0xe && !broadcast && ipv4 >> 24 != 0 && ipv4 >> 24 != 127;
}

std::optional<Datagram> parse_ip(ByteView packet) {
  if (packet.empty()) return std::nullopt;
  switch (packet[0] >> 4) {
    case 4:
      return parse_ipv4(packet);
    case 6:
      return parse_ipv6(packet);
    default:
      return std::nullopt;
  }
}

void put_ip_header(std::uint8_t* ip, const Address& source, const Address& destination, std::size_t total,
                   std::uint8_t traffic_class, std::uint8_t ttl) {
  assert(total <= 0xffff && source.is_ipv4() == destination.is_ipv4());
  if (!source.is_ipv4()) {
    put32(ip, 6u << 28 | std::uint32_t{traffic_class} << 20);  // the flow label is zero
    put16(ip + 4, static_cast<std::uint32_t>(total - kIpv6Header));
    ip[6] = kProtocolTcp;
    ip[7] = ttl;
    put64(ip + 8, source.high);
    put64(ip + 16, source.low);
    put64(ip + 24, destination.high);
    put64(ip + 32, destination.low);
    return;
  }
  std::memset(ip, 0, kIpv4Header);
  ip[0] = 0x45;
  ip[1] = traffic_class;
  put16(ip + 2, static_cast<std::uint32_t>(total));
  put16(ip + 6, 0x4000);  // don't fragment, so the identification means nothing and is zero (RFC 6864)
  ip[8] = ttl;
  ip[9] = kProtocolTcp;
  put32(ip + 12, static_cast<std::uint32_t>(source.low));
  put32(ip + 16, static_cast<std::uint32_t>(destination.low));
  const std::uint16_t sum = checksum(add_words(0, {ip, kIpv4Header}));
  std::memcpy(ip + 10, &sum, 2);
}

// The lengths and the number of the protocol are wider for IPv6, but their sum is the same.
std::uint32_t pseudo_header(ByteView addresses, std::size_t tcp_length) {
  std::uint8_t rest[4] = {0, kProtocolTcp, 0, 0};
  put16(rest + 2, static_cast<std::uint32_t>(tcp_length));
  return add_words(add_words(0, addresses), rest);
}

std::uint32_t add_words(std::uint32_t sum, ByteView octets) {
  std::uint64_t total = sum;
  const std::uint8_t* p = octets.data();
  std::size_t left = octets.size();
  for (; left >= 4; p += 4, left -= 4) {
    std::uint32_t word;
    std::memcpy(&word, p, 4);
    total += word;
  }
  if (left > 0) {  // "padded on the right with zeros"
    std::uint32_t word = 0;
    std::memcpy(&word, p, left);
    total += word;
  }
  while (total >> 32 != 0) total = (total & 0xffffffff) + (total >> 32);
  return static_cast<std::uint32_t>(total);
}

std::uint16_t checksum(std::uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace own
