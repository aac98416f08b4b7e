// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/captured_packet.h"

#include <algorithm>

namespace tcpassay {
namespace {

using Kind = CapturedPacket::Kind;

constexpr std::uint8_t kTcp = 6, kIcmp4 = 1, kIcmp6 = 58;
constexpr std::size_t kIpv4Header = 20, kIpv6Header = 40, kTcpHeader = 20, kIcmpHeader = 8;

std::uint16_t get16(ByteView octets, std::size_t at) {
  return static_cast<std::uint16_t>(octets[at] << 8 | octets[at + 1]);
}

void put16(Bytes& octets, std::size_t at, std::size_t value) {
  octets[at] = static_cast<std::uint8_t>(value >> 8);
  octets[at + 1] = static_cast<std::uint8_t>(value);
}

// Where the header behind IP's begins, which it is, and whether the packet is a fragment.
struct Upper {
  std::uint8_t protocol = 0;
  std::size_t at = 0;
  bool fragment = false, first = true, cut = false;
};

Upper upper_of_ipv4(ByteView packet) {
  if (packet.size() < kIpv4Header) return {.cut = true};
  return {.protocol = packet[9], .at = (packet[0] & 0x0fu) * 4, .fragment = (get16(packet, 6) & 0x3fff) != 0};
}

// RFC 8200 section 4: hop-by-hop options, routing, fragment and destination options may stand before.
Upper upper_of_ipv6(ByteView packet) {
  constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kDestination = 60;
  if (packet.size() < kIpv6Header) return {.cut = true};
  Upper upper{.protocol = packet[6], .at = kIpv6Header};
  for (;;) {
    const bool known = upper.protocol == kHopByHop || upper.protocol == kRouting || upper.protocol == kFragment ||
                       upper.protocol == kDestination;
    if (!known) return upper;
    if (packet.size() < upper.at + 8) {
      upper.cut = true;
      return upper;
    }
    const bool fragment = upper.protocol == kFragment;
    if (fragment && (get16(packet, upper.at + 2) & 0xfff9) != 0) upper.fragment = true;
    if (fragment) upper.first = (get16(packet, upper.at + 2) & 0xfff8) == 0;
    upper.protocol = packet[upper.at];
    upper.at += fragment ? 8 : (packet[upper.at + 1] + std::size_t{1}) * 8;
    if (upper.fragment) return upper;
  }
}

Upper upper_of(ByteView packet) {
  return packet[0] >> 4 == 6 ? upper_of_ipv6(packet) : upper_of_ipv4(packet);
}

bool is_error(const Upper& upper, std::uint8_t type) {
  if (upper.protocol == kIcmp6) return type >= 1 && type <= 4;
  return type == 3 || type == 4 || type == 11 || type == 12;
}

Address address_at(ByteView packet, std::size_t at, std::size_t octets) {
  Address address{.family = static_cast<std::uint8_t>(octets == 4 ? 4 : 6)};
  std::copy_n(packet.begin() + static_cast<std::ptrdiff_t>(at), octets, address.octets.begin());
  return address;
}

std::optional<QuotedSegment> read_names(ByteView packet, const Upper& upper) {
  if (upper.cut || upper.protocol != kTcp || packet.size() < upper.at + 4) return std::nullopt;
  const bool v6 = packet[0] >> 4 == 6;
  const std::size_t from = v6 ? 8 : 12, octets = v6 ? 16 : 4;
  return QuotedSegment{.source = address_at(packet, from, octets),
                       .destination = address_at(packet, from + octets, octets),
                       .source_port = get16(packet, upper.at),
                       .destination_port = get16(packet, upper.at + 2)};
}

std::optional<QuotedSegment> read_error(ByteView packet, const Upper& upper) {
  if (packet.size() < upper.at + kIcmpHeader || !is_error(upper, packet[upper.at])) return std::nullopt;
  const ByteView quote = packet.subspan(upper.at + kIcmpHeader);
  if (quote.empty()) return std::nullopt;
  auto quoted = read_names(quote, upper_of(quote));
  if (!quoted) return std::nullopt;
  quoted->type = packet[upper.at];
  quoted->code = packet[upper.at + 1];
  return quoted;
}

// The length in the IP header, or nothing when it is zero (the sending interface does the segmentation).
std::size_t named_length(ByteView packet) {
  const bool v6 = packet[0] >> 4 == 6;
  const std::size_t named = get16(packet, v6 ? 4 : 2);
  return named == 0 ? 0 : named + (v6 ? kIpv6Header : 0);
}

// The packet at its full length, with zeros for what the capture cut. Empty when a header is incomplete.
ByteView mended(ByteView packet, const Upper& upper, Bytes& room) {
  if (packet.size() < upper.at + kTcpHeader) return {};
  if (packet.size() < upper.at + (packet[upper.at + 12] >> 4) * std::size_t{4}) return {};
  const bool v6 = packet[0] >> 4 == 6;
  const std::size_t named = named_length(packet);
  room.assign(packet.begin(), packet.end());
  if (named == 0) {
    if (packet.size() > 0xffff) return {};
    put16(room, v6 ? 4 : 2, packet.size() - (v6 ? kIpv6Header : 0));
  } else {
    room.resize(std::max(named, packet.size()));
  }
  return room;
}

}  // namespace

CapturedPacket read_captured(const Captured& captured, Bytes& room) {
  ByteView packet = captured.packet;
  const Upper upper = upper_of(packet);
  if (upper.cut) return {.kind = captured.whole ? Kind::kMalformed : Kind::kCut};
  if (upper.fragment) {
    if (upper.protocol != kTcp) return {.kind = Kind::kOtherProtocol};
    return {.kind = Kind::kFragment, .named = upper.first ? read_names(packet, upper) : std::nullopt};
  }
  if (upper.protocol == kIcmp4 || upper.protocol == kIcmp6) {
    const auto error = read_error(packet, upper);
    return {.kind = error ? Kind::kIcmp : Kind::kOtherProtocol, .named = error};
  }
  if (upper.protocol != kTcp) return {.kind = Kind::kOtherProtocol};
  const std::size_t named = named_length(packet);
  const bool short_of = named > packet.size();
  if (short_of && captured.whole) return {.kind = Kind::kMalformed};
  if (short_of || named == 0) packet = mended(packet, upper, room);
  if (packet.empty()) return {.kind = Kind::kCut, .named = read_names(captured.packet, upper)};
  auto segment = decode(packet);
  if (!segment) return {.kind = Kind::kMalformed};
  if (short_of && segment->fault == Fault::kChecksum) segment->fault = Fault::kNone;
  return {.kind = Kind::kSegment, .segment = segment, .text_kept = !short_of};
}

}  // namespace tcpassay
