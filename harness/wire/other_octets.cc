// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/other_octets.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr std::size_t kIpv4Header = 20, kIpv6Header = 40;
constexpr std::size_t kIpChecksumAt = 10, kTcpChecksumAt = 16;
constexpr std::uint8_t kProtocolTcp = 6;

std::size_t ip_header_of(ByteView packet) {
  const bool ipv4 = !packet.empty() && packet[0] >> 4 == 4;
  return std::min(ipv4 ? (packet[0] & 0x0fu) * std::size_t{4} : kIpv6Header, packet.size());
}

// RFC 1071, of octets whose checksum field is zero; `more` is what else counts.
std::uint16_t checksum(ByteView octets, std::uint32_t more) {
  std::uint64_t total = more;
  for (std::size_t i = 0; i + 1 < octets.size(); i += 2) total += std::uint32_t{octets[i]} << 8 | octets[i + 1];
  if (octets.size() % 2 != 0) total += std::uint32_t{octets.back()} << 8;
  while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
  return static_cast<std::uint16_t>(~total);
}

void put_checksum(std::uint8_t* at, std::uint16_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

void sign_ip(Bytes& packet, std::size_t header) {
  put_checksum(&packet[kIpChecksumAt], 0);
  put_checksum(&packet[kIpChecksumAt], checksum(ByteView(packet).first(header), 0));
}

void sign_tcp(Bytes& packet, std::size_t header, bool ipv4) {
  if (packet.size() < header + kTcpChecksumAt + 2) return;
  const ByteView addresses = ipv4 ? ByteView(packet).subspan(12, 8) : ByteView(packet).subspan(8, 32);
  const std::size_t length = packet.size() - header;
  const std::uint32_t of_addresses = static_cast<std::uint16_t>(~checksum(addresses, 0));
  put_checksum(&packet[header + kTcpChecksumAt], 0);
  const std::uint32_t more = of_addresses + kProtocolTcp + static_cast<std::uint32_t>(length);
  put_checksum(&packet[header + kTcpChecksumAt], checksum(ByteView(packet).subspan(header), more));
}

}  // namespace

void put_octets(Header header, std::uint32_t at, ByteView octets, Bytes& packet) {
  if (packet.empty()) return;
  const std::size_t ip = ip_header_of(packet);  // as it was before
  const bool ipv4 = packet[0] >> 4 == 4, of_ip = header == Header::kIp;
  const std::size_t begin = of_ip ? 0 : ip, end = of_ip ? ip : packet.size();
  for (std::size_t i = 0; i < octets.size() && begin + at + i < end; ++i) packet[begin + at + i] = octets[i];
  const auto covers = [&](std::size_t place) { return at < place + 2 && place < at + octets.size(); };
  if (ipv4 && of_ip && ip >= kIpv4Header && !covers(kIpChecksumAt)) sign_ip(packet, ip);
  if (of_ip || !covers(kTcpChecksumAt)) sign_tcp(packet, ip, ipv4);
}

bool has_octets(Header header, std::uint32_t at, ByteView octets, ByteView packet) {
  const std::size_t ip = ip_header_of(packet);
  const ByteView within = header == Header::kIp ? packet.first(ip) : packet.subspan(ip);
  if (at + octets.size() > within.size()) return false;
  return std::equal(octets.begin(), octets.end(), within.begin() + at);
}

void spoil_checksum(Bytes& packet) {
  const std::size_t at = ip_header_of(packet) + kTcpChecksumAt;
  if (at < packet.size()) packet[at] ^= 0x01;
}

bool ip_discards(ByteView packet) {
  if (packet.empty()) return true;
  const std::uint8_t version = packet[0] >> 4;
  if (version == 6) return packet.size() < kIpv6Header;
  const std::size_t header = (packet[0] & 0x0fu) * std::size_t{4};
  return version != 4 || header < kIpv4Header || header > packet.size() || checksum(packet.first(header), 0) != 0;
}

}  // namespace tcpassay
