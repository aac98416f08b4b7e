// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/remote/tcp_checksum.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::size_t kIpv6Header = 40, kTcpHeader = 20, kChecksumInTcp = 16;

std::uint16_t word_at(ByteView octets, std::size_t at) {
  return static_cast<std::uint16_t>(octets[at] << 8 | octets[at + 1]);
}

void put_word(std::span<std::uint8_t> octets, std::size_t at, std::uint16_t value) {
  octets[at] = static_cast<std::uint8_t>(value >> 8);
  octets[at + 1] = static_cast<std::uint8_t>(value);
}

bool is_extension(std::uint8_t next_header) {
  constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kDestination = 60;
  return next_header == kHopByHop || next_header == kRouting || next_header == kDestination;
}

}  // namespace

std::optional<std::size_t> tcp_header_in(ByteView packet) {
  constexpr std::size_t kIpv4Header = 20, kProtocol = 9, kNextHeader = 6;
  if (packet.size() < kIpv4Header) return std::nullopt;
  if (packet[0] >> 4 == 4) {
    const bool tcp = packet[kProtocol] == kTcp;
    return tcp ? std::optional<std::size_t>((packet[0] & 15u) * 4u) : std::nullopt;
  }
  if (packet[0] >> 4 != 6 || packet.size() < kIpv6Header) return std::nullopt;
  std::uint8_t next = packet[kNextHeader];
  std::size_t at = kIpv6Header;
  while (is_extension(next) && at + 2 <= packet.size()) {
    next = packet[at];
    at += (packet[at + 1] + 1u) * 8u;
  }
  return next == kTcp ? std::optional(at) : std::nullopt;
}

std::uint16_t internet_checksum(ByteView octets, std::uint32_t sum) {
  for (std::size_t i = 0; i + 1 < octets.size(); i += 2) sum += word_at(octets, i);
  if (octets.size() % 2 != 0) sum += static_cast<std::uint32_t>(octets.back() << 8);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void complete_checksum(std::span<std::uint8_t> packet) {
  const auto tcp = tcp_header_in(packet);
  if (!tcp) return;
  constexpr std::size_t kTotalLength = 2, kSource4 = 12, kSource6 = 8, kPayloadLength = 4;
  const bool ipv6 = packet[0] >> 4 == 6;
  // An Ethernet frame may be longer than its packet.
  const std::size_t end = ipv6 ? kIpv6Header + word_at(packet, kPayloadLength) : word_at(packet, kTotalLength);
  if (end > packet.size() || end < *tcp + kTcpHeader) return;
  const std::size_t length = end - *tcp;
  const ByteView addresses = packet.subspan(ipv6 ? kSource6 : kSource4, ipv6 ? 32 : 8);
  const auto pseudo = static_cast<std::uint16_t>(~internet_checksum(addresses));
  put_word(packet, *tcp + kChecksumInTcp, 0);
  const std::uint32_t begin = pseudo + kTcp + static_cast<std::uint32_t>(length);
  put_word(packet, *tcp + kChecksumInTcp, internet_checksum(packet.subspan(*tcp, length), begin));
}

void change_word(std::span<std::uint8_t> packet, std::size_t at, std::uint16_t mask, std::size_t checksum) {
  if (mask == 0 || at + 2 > packet.size()) return;
  const std::uint16_t before = word_at(packet, at);
  const auto after = static_cast<std::uint16_t>(before ^ mask);
  put_word(packet, at, after);
  if (checksum + 2 > packet.size()) return;
  // HC' = ~(~HC + ~m + m')
  std::uint32_t sum = static_cast<std::uint16_t>(~word_at(packet, checksum));
  sum += static_cast<std::uint16_t>(~before);
  sum += after;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  put_word(packet, checksum, static_cast<std::uint16_t>(~sum));
}

}  // namespace tcpassay
