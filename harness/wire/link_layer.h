// SPDX-License-Identifier: Apache-2.0
// Finds the IP packet in a captured frame: behind the link's header, behind tags and labels, and inside tunnels.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "harness/wire/packet.h"

namespace tcpassay {

// The numbers of link types as they stand in capture files (www.tcpdump.org/linktypes.html).
enum class LinkType : std::uint16_t {
  kNull = 0,
  kEthernet = 1,
  kTokenRing = 6,
  kArcnet = 7,
  kSlip = 8,
  kPpp = 9,
  kFddi = 10,
  kOldRaw = 12,
  kOldestRaw = 14,
  kPppHdlc = 50,
  kPppOverEthernet = 51,
  kRaw = 101,
  kCiscoHdlc = 104,
  kIeee80211 = 105,
  kFrameRelay = 107,
  kLoop = 108,
  kLinuxCooked = 113,
  kPrism = 119,
  kRadiotap = 127,
  kArcnetLinux = 129,
  kAvs = 163,
  kPppWithDirection = 204,
  kIpv4 = 228,
  kIpv6 = 229,
  kLinuxCooked2 = 276,
};

bool reads(LinkType type);
std::string name_of(LinkType type);  // "IEEE802_11", or the number

// The innermost IP packet: tunnels (IP in IP, GRE, ERSPAN, VXLAN, Geneve) are followed. Empty when there is none.
ByteView ip_packet_in(LinkType type, ByteView frame);

}  // namespace tcpassay
