// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/link_layer.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>

namespace tcpassay {
namespace {

constexpr int kDepthMax = 8;  // tags, labels and tunnels, one inside the other

// EtherTypes.
constexpr std::uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd;
constexpr std::uint16_t kTags[] = {0x8100, 0x88a8, 0x9100, 0x9200};  // VLAN
constexpr std::uint16_t kMpls = 0x8847, kMplsMulticast = 0x8848, kPppoe = 0x8864, kVnTag = 0x8926;
constexpr std::uint16_t kBridged = 0x6558, kErspan2 = 0x88be, kErspan3 = 0x22eb, kPppInGre = 0x880b;
constexpr std::uint16_t kLengthMax = 1500;  // what is not more is no EtherType but a length: 802.3

// Protocols of PPP.
constexpr std::uint16_t kPppIpv4 = 0x0021, kPppIpv6 = 0x0057, kPppMpls = 0x0281;

ByteView ethernet(ByteView frame, int depth);
ByteView after_ether_type(std::uint16_t type, ByteView rest, int depth);
ByteView inner_packet(ByteView packet, int depth);

std::uint16_t get16(ByteView octets, std::size_t at) {
  return static_cast<std::uint16_t>(octets[at] << 8 | octets[at + 1]);
}

ByteView behind(ByteView octets, std::size_t length) {
  return octets.size() < length ? ByteView{} : octets.subspan(length);
}

// An IP packet, or what a tunnel in it carries.
ByteView ip(ByteView packet, int depth) {
  if (packet.empty()) return {};
  const int version = packet[0] >> 4;
  if (version != 4 && version != 6) return {};
  const ByteView inner = inner_packet(packet, depth + 1);
  return inner.empty() ? packet : inner;
}

// The EtherType stands at `at`, and the header ends behind it.
ByteView typed(ByteView frame, std::size_t at, int depth) {
  if (frame.size() < at + 2) return {};
  return after_ether_type(get16(frame, at), frame.subspan(at + 2), depth);
}

ByteView ppp(ByteView frame, int depth) {
  if (frame.size() >= 2 && frame[0] == 0xff && frame[1] == 0x03) frame = frame.subspan(2);
  if (frame.size() < 2) return {};
  const bool short_form = (frame[0] & 1) != 0;
  const std::uint16_t protocol = short_form ? frame[0] : get16(frame, 0);
  const ByteView rest = frame.subspan(short_form ? 1 : 2);
  if (protocol == kPppIpv4 || protocol == kPppIpv6) return ip(rest, depth);
  return protocol == kPppMpls ? after_ether_type(kMpls, rest, depth) : ByteView{};
}

// Logical link control (802.2): SNAP, or IP itself.
ByteView llc(ByteView frame, int depth) {
  if (frame.size() >= 3 && frame[0] == 0x06 && frame[1] == 0x06) return ip(frame.subspan(3), depth);
  if (frame.size() < 8 || frame[0] != 0xaa || frame[1] != 0xaa) return {};
  return typed(frame, 6, depth);
}

// RFC 3032: labels of four octets; a bit marks the last one.
ByteView mpls(ByteView frame, int depth) {
  while (frame.size() >= 4) {
    const bool last = (frame[2] & 1) != 0;
    frame = frame.subspan(4);
    if (!last) continue;
    const ByteView packet = ip(frame, depth);
    const bool control_word = !frame.empty() && frame[0] >> 4 == 0;  // RFC 4448: Ethernet over MPLS
    return packet.empty() && control_word ? ethernet(behind(frame, 4), depth) : packet;
  }
  return {};
}

ByteView after_ether_type(std::uint16_t type, ByteView rest, int depth) {
  if (++depth > kDepthMax) return {};
  if (type == kIpv4 || type == kIpv6) return ip(rest, depth);
  if (std::find(std::begin(kTags), std::end(kTags), type) != std::end(kTags)) return typed(rest, 2, depth);
  if (type <= kLengthMax) return llc(rest, depth);
  switch (type) {
    case kMpls:
    case kMplsMulticast:
      return mpls(rest, depth);
    case kPppoe:
      return ppp(behind(rest, 6), depth);
    case kPppInGre:
      return ppp(rest, depth);
    case kVnTag:
      return typed(rest, 4, depth);
    case kBridged:
      return ethernet(rest, depth);
    case kErspan2:
      return ethernet(behind(rest, 8), depth);
    case kErspan3: {
      const bool extended = rest.size() >= 12 && (rest[11] & 1) != 0;
      return ethernet(behind(rest, extended ? 20 : 12), depth);
    }
    default:
      return {};
  }
}

ByteView ethernet(ByteView frame, int depth) {
  return typed(frame, 12, depth);
}

// RFC 2784, RFC 2890, and version 1 of RFC 2637. ERSPAN without a sequence number has no header of its own.
ByteView gre(ByteView octets, int depth) {
  if (octets.size() < 4) return {};
  const std::uint16_t flags = get16(octets, 0), type = get16(octets, 2);
  const bool checksum = (flags & 0x8000) != 0, key = (flags & 0x2000) != 0, sequence = (flags & 0x1000) != 0;
  const bool acknowledgment = (flags & 0x0080) != 0 && (flags & 7) == 1;
  const std::size_t length = 4 + 4 * (std::size_t{checksum} + key + sequence + acknowledgment);
  const ByteView rest = behind(octets, length);
  if (type == kErspan2 && !sequence) return ethernet(rest, depth);
  return after_ether_type(type, rest, depth);
}

// UDP: VXLAN (RFC 7348) and Geneve (RFC 8926) by their ports.
ByteView udp(ByteView octets, int depth) {
  constexpr std::uint16_t kVxlan = 4789, kOldVxlan = 8472, kGeneve = 6081;
  if (octets.size() < 16) return {};
  const std::uint16_t port = get16(octets, 2);
  const ByteView tunnel = octets.subspan(8);
  if (port == kVxlan || port == kOldVxlan) {
    return (tunnel[0] & 0x08) != 0 ? ethernet(tunnel.subspan(8), depth) : ByteView{};
  }
  if (port != kGeneve || tunnel[0] >> 6 != 0) return {};
  return after_ether_type(get16(tunnel, 2), behind(tunnel, 8 + (tunnel[0] & 0x3fu) * 4), depth);
}

// What an IP packet carries that carries a packet itself; empty when it carries none.
ByteView inner_packet(ByteView packet, int depth) {
  constexpr std::uint8_t kIpInIp = 4, kUdp = 17, kIpv6InIp = 41, kGre = 47;
  constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kDestination = 60;
  if (depth > kDepthMax) return {};
  const bool v6 = packet[0] >> 4 == 6;
  if (packet.size() < (v6 ? 40u : 20u)) return {};
  std::uint8_t protocol = v6 ? packet[6] : packet[9];
  std::size_t at = v6 ? 40 : (packet[0] & 0x0fu) * 4;
  if (!v6 && (get16(packet, 6) & 0x3fff) != 0) return {};  // a fragment
  while (v6 && (protocol == kHopByHop || protocol == kRouting || protocol == kDestination)) {
    if (packet.size() < at + 8) return {};
    protocol = packet[at];
    at += (packet[at + 1] + std::size_t{1}) * 8;
  }
  const ByteView rest = behind(packet, at);
  switch (protocol) {
    case kIpInIp:
    case kIpv6InIp:
      return ip(rest, depth);
    case kGre:
      return gre(rest, depth);
    case kUdp:
      return udp(rest, depth);
    default:
      return {};
  }
}

// NULL has an address family in the byte order of the machine that captured, and IPv6 has several numbers.
ByteView after_family(ByteView frame) {
  if (frame.size() < 4) return {};
  const int family = frame[0] != 0 ? frame[0] : frame[3];
  const bool known = family == 2 || family == 10 || family == 24 || family == 28 || family == 30;
  return known ? ip(frame.subspan(4), 0) : ByteView{};
}

// A data frame of IEEE 802.11 that is not encrypted.
ByteView wireless(ByteView frame) {
  if (frame.size() < 24) return {};
  const bool data = (frame[0] & 0x0c) == 0x08, with_text = (frame[0] & 0x40) == 0, qos = (frame[0] & 0x80) != 0;
  const bool encrypted = (frame[1] & 0x40) != 0, four_addresses = (frame[1] & 0x03) == 0x03;
  if (!data || !with_text || encrypted) return {};
  const std::size_t length = 24 + (four_addresses ? 6 : 0) + (qos ? 2 : 0) + (qos && (frame[1] & 0x80) != 0 ? 4 : 0);
  return llc(behind(frame, length), 0);
}

ByteView radiotap(ByteView frame) {
  return frame.size() < 4 ? ByteView{} : wireless(behind(frame, frame[2] + std::size_t{frame[3]} * 256));
}

// Prism's header has 144 octets; in its place the one of AVS may stand, which has its length in it.
ByteView prism(ByteView frame) {
  if (frame.size() < 8) return {};
  const bool avs = get16(frame, 0) == 0x8021;
  return wireless(behind(frame, avs ? get16(frame, 6) : 144));
}

// RFC 2427, or Cisco's form with an EtherType behind the address.
ByteView frame_relay(ByteView frame) {
  std::size_t at = 0;
  while (at < frame.size() && (frame[at] & 1) == 0) ++at;
  ByteView rest = behind(frame, at + 1);
  if (rest.size() < 2) return {};
  if (rest[0] != 0x03) return typed(rest, 0, 0);
  rest = rest.subspan(1);
  if (rest[0] == 0x00) rest = rest.subspan(1);  // padding
  if (rest.size() < 6) return {};
  if (rest[0] == 0xcc || rest[0] == 0x8e) return ip(rest.subspan(1), 0);
  return rest[0] == 0x80 ? typed(rest, 4, 0) : ByteView{};
}

// RFC 1201 (type 212) has a flag and a number behind the type, RFC 1051 (type 240) has not.
ByteView arcnet(ByteView frame, std::size_t type_at) {
  if (frame.size() < type_at + 5) return {};
  if (frame[type_at] == 240) return ip(frame.subspan(type_at + 1), 0);
  if (frame[type_at] != 212) return {};
  const bool exception = frame[type_at + 1] == 0xff;
  return ip(behind(frame, type_at + (exception ? 8 : 4)), 0);
}

ByteView token_ring(ByteView frame) {
  if (frame.size() < 16) return {};
  const bool routed = (frame[8] & 0x80) != 0;
  return llc(behind(frame, 14 + (routed ? frame[14] & 0x1fu : 0)), 0);
}

struct Reading {
  LinkType type;
  ByteView (*packet)(ByteView frame);
};
constexpr Reading kReadings[] = {
    {LinkType::kNull, after_family},
    {LinkType::kLoop, after_family},
    {LinkType::kEthernet, [](ByteView frame) { return ethernet(frame, 0); }},
    {LinkType::kTokenRing, token_ring},
    {LinkType::kFddi, [](ByteView frame) { return llc(behind(frame, 13), 0); }},
    {LinkType::kArcnet, [](ByteView frame) { return arcnet(frame, 2); }},
    {LinkType::kArcnetLinux, [](ByteView frame) { return arcnet(frame, 4); }},
    {LinkType::kSlip, [](ByteView frame) { return ip(behind(frame, 16), 0); }},
    {LinkType::kPpp, [](ByteView frame) { return ppp(frame, 0); }},
    {LinkType::kPppHdlc, [](ByteView frame) { return ppp(frame, 0); }},
    {LinkType::kPppWithDirection, [](ByteView frame) { return ppp(behind(frame, 1), 0); }},
    {LinkType::kPppOverEthernet, [](ByteView frame) { return ppp(behind(frame, 6), 0); }},
    {LinkType::kCiscoHdlc, [](ByteView frame) { return typed(frame, 2, 0); }},
    {LinkType::kFrameRelay, frame_relay},
    {LinkType::kIeee80211, wireless},
    {LinkType::kRadiotap, radiotap},
    {LinkType::kPrism, prism},
    {LinkType::kAvs,
     [](ByteView frame) { return frame.size() < 8 ? ByteView{} : wireless(behind(frame, get16(frame, 6))); }},
    {LinkType::kLinuxCooked, [](ByteView frame) { return typed(frame, 14, 0); }},
    {LinkType::kLinuxCooked2,
     [](ByteView frame) {
       return frame.size() < 20 ? ByteView{} : after_ether_type(get16(frame, 0), frame.subspan(20), 0);
     }},
    {LinkType::kRaw, [](ByteView frame) { return ip(frame, 0); }},
    {LinkType::kOldRaw, [](ByteView frame) { return ip(frame, 0); }},
    {LinkType::kOldestRaw, [](ByteView frame) { return ip(frame, 0); }},
    {LinkType::kIpv4, [](ByteView frame) { return ip(frame, 0); }},
    {LinkType::kIpv6, [](ByteView frame) { return ip(frame, 0); }},
};

const Reading* reading_of(LinkType type) {
  const auto* found = std::find_if(std::begin(kReadings), std::end(kReadings),
                                   [&](const Reading& reading) { return reading.type == type; });
  return found == std::end(kReadings) ? nullptr : found;
}

}  // namespace

bool reads(LinkType type) {
  return reading_of(type) != nullptr;
}

std::string name_of(LinkType type) {
  const char* name = pcap_datalink_val_to_name(static_cast<int>(type));
  return name != nullptr ? name : std::to_string(static_cast<int>(type));
}

ByteView ip_packet_in(LinkType type, ByteView frame) {
  const Reading* reading = reading_of(type);
  return reading == nullptr ? ByteView{} : reading->packet(frame);
}

}  // namespace tcpassay
