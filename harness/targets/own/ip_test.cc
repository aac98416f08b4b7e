// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/ip.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "harness/targets/own/peer_test.h"

namespace tcpassay {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::uint8_t kHopByHop = 0, kTcp = 6, kRouting = 43, kFragment = 44, kDestination = 60;

struct OverIpv6 : TestPeer {
  OverIpv6() { use_ipv6(); }
};

TEST(OwnIp, AConnectionOverIpv6) {
  OverIpv6 peer;
  peer.listen();
  EXPECT_EQ(peer.answer({.flags = "S", .seq = 0, .options = {2, 4, 5, 160}}), "SA 0 1 0");
  EXPECT_EQ(peer.answer({.seq = 1, .ack = 1}), "");
  const int handle = static_cast<int>(peer.accept(peer.listener).result);
  EXPECT_EQ(peer.answer({.flags = "PA", .length = 10}), "");
  EXPECT_EQ(peer.read(handle).result, 10);
  peer.write(handle, 1440);
  EXPECT_EQ(peer.hears(), "PA 1 11 1440");
  peer.close(handle);
  EXPECT_EQ(peer.hears(), "FA 1441 11 0");
}

TEST(OwnIp, AnActiveOpenOverIpv6) {
  OverIpv6 peer;
  const int handle = peer.active();
  EXPECT_EQ(peer.state(), State::kEstablished);
  EXPECT_EQ(peer.answer({.flags = "PA", .length = 3}), "");
  EXPECT_EQ(peer.read(handle).result, 3);
}

// MUST-67: MTU - 40 - 20. MUST-15: 1220 octets where the peer did not say.
TEST(OwnIp, TheSegmentSizesAreThoseOfTheFamily) {
  OverIpv6 peer;
  peer.listen();
  peer.put({.flags = "S", .seq = 0});
  EXPECT_EQ(peer.hear().at(0).mss, 1440u);
  peer.answer({.seq = 1, .ack = 1});
  const int handle = static_cast<int>(peer.accept(peer.listener).result);
  peer.write(handle, 2440);
  EXPECT_EQ(peer.hears(), "A 1 1 1220; PA 1221 1 1220");

  TestPeer other;
  other.listen();
  other.put({.flags = "S", .seq = 0});
  EXPECT_EQ(other.hear().at(0).mss, 1460u);
}

TEST(OwnIp, ASegmentOverAnySizeOfMssNeverExceedsTheLink) {
  OverIpv6 peer;
  const int handle = peer.passive({2, 4, 0x20, 0});
  peer.write(handle, 2880);
  EXPECT_EQ(peer.hears(), "A 1 1 1440; PA 1441 1 1440");
}

// The same ports at both ends make two connections when the families differ; one listener takes both.
TEST(OwnIp, FamiliesAreApart) {
  TestPeer peer;
  const int handle = peer.passive();
  const std::uint32_t iss = peer.target_iss;
  peer.use_ipv6();
  EXPECT_EQ(peer.state(), State::kClosed);
  EXPECT_EQ(peer.answer({.flags = "S", .seq = 0}), "SA 0 1 0");
  peer.answer({.seq = 1, .ack = 1});
  const int second = static_cast<int>(peer.accept(peer.listener).result);
  EXPECT_NE(peer.target_iss, iss);
  peer.answer({.flags = "PA", .length = 7});
  EXPECT_EQ(peer.read(second).result, 7);
  EXPECT_EQ(peer.read(handle).error, UserError::kWouldBlock);
}

TEST(OwnIp, DamagedPacketsHaveNoEffect) {
  OverIpv6 peer;
  const int handle = peer.passive();
  EXPECT_EQ(peer.answer({.length = 5, .bad_checksum = true}), "");
  EXPECT_EQ(peer.answer({.length = 5, .data_offset = 15}), "");
  EXPECT_EQ(peer.answer({.length = 5, .destination = 0x0a4d0009}), "");
  EXPECT_EQ(peer.answer({.length = 5, .source = 0xe0000001}), "");
  EXPECT_EQ(peer.answer({.length = 5, .source = 0x0a4d0001}), "");  // from itself
  EXPECT_EQ(peer.wait(1), "");
  peer.answer({.length = 5});
  EXPECT_EQ(peer.read(handle).result, 5);
}

struct Headers {
  const char* what;
  std::uint8_t next;
  Octets extension;
  bool passes;
};

TEST(OwnIp, ExtensionHeaders) {
  const Headers all[] = {
      {"hop-by-hop, padded", kHopByHop, {kTcp, 0, 1, 4, 0, 0, 0, 0}, true},
      {"hop-by-hop, single octets", kHopByHop, {kTcp, 0, 0, 0, 0, 0, 0, 0}, true},
      {"an option that may be skipped", kHopByHop, {kTcp, 0, 0x1e, 4, 1, 2, 3, 4}, true},
      {"an option that may not", kHopByHop, {kTcp, 0, 0x5e, 4, 1, 2, 3, 4}, false},
      {"nor this, with a report", kDestination, {kTcp, 0, 0xde, 4, 1, 2, 3, 4}, false},
      {"an option longer than its header", kDestination, {kTcp, 0, 1, 5, 0, 0, 0, 0}, false},
      {"hop-by-hop, then destination", kHopByHop, {kDestination, 0, 1, 4, 0, 0, 0, 0, kTcp, 0, 1, 4, 0, 0, 0, 0}, true},
      {"hop-by-hop in second place", kDestination, {kHopByHop, 0, 1, 4, 0, 0, 0, 0, kTcp, 0, 1, 4, 0, 0, 0, 0}, false},
      {"of sixteen octets", kDestination, {kTcp, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, true},
      {"longer than the packet", kDestination, {kTcp, 200, 1, 4, 0, 0, 0, 0}, false},
      {"routing, arrived", kRouting, {kTcp, 0, 253, 0, 0, 0, 0, 0}, true},
      {"routing, on its way", kRouting, {kTcp, 0, 253, 1, 0, 0, 0, 0}, false},
      {"a fragment that is all", kFragment, {kTcp, 0, 0, 0, 1, 2, 3, 4}, true},
      {"the first fragment", kFragment, {kTcp, 0, 0, 1, 1, 2, 3, 4}, false},
      {"the last fragment", kFragment, {kTcp, 0, 1, 0, 1, 2, 3, 4}, false},
      {"an unknown header", 200, {kTcp, 0, 1, 4, 0, 0, 0, 0}, false},
      {"no next header", 59, {}, false},
      {"a jumbo payload's option", kHopByHop, {kTcp, 0, 0xc2, 4, 0, 1, 0, 0}, false},
  };
  for (const Headers& headers : all) {
    OverIpv6 peer;
    const int handle = peer.passive();
    peer.answer({.length = 5, .extension = headers.extension, .next = headers.next});
    EXPECT_EQ(peer.read(handle).result, headers.passes ? 5 : -1) << headers.what;
  }
}

// Each prefix of a packet, and one that says it is longer than it is.
TEST(OwnIp, TruncatedPacketsAreNotRead) {
  OverIpv6 peer;
  peer.listen();
  peer.put({.flags = "S", .seq = 0});
  const auto sent = peer.target.collect();
  ASSERT_TRUE(sent);
  Octets packet(sent->packet.begin(), sent->packet.end());
  for (std::size_t length = 0; length < packet.size(); ++length) {
    EXPECT_FALSE(own::parse_ip(own::ByteView(packet).first(length)).has_value()) << length;
  }
  EXPECT_TRUE(own::parse_ip(packet).has_value());
  packet.push_back(0);  // padding of the link
  EXPECT_EQ(own::parse_ip(packet)->tcp.size(), packet.size() - 41);
  packet[4] = packet[5] = 0;  // a jumbogram
  EXPECT_FALSE(own::parse_ip(packet).has_value());
  packet[0] = 0x50;
  EXPECT_FALSE(own::parse_ip(packet).has_value());
}

// An IPv4 address that comes mapped in an IPv6 packet would pass for another peer.
TEST(OwnIp, MappedAddressesAreNotTaken) {
  Octets packet(60);
  own::put_ip_header(packet.data(), {.high = 1, .low = 1}, {.high = 1, .low = 2}, packet.size(), 0);
  EXPECT_TRUE(own::parse_ip(packet).has_value());
  const Octets mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 77, 0, 2};
  std::copy(mapped.begin(), mapped.end(), packet.begin() + 8);
  EXPECT_FALSE(own::parse_ip(packet).has_value());
}

}  // namespace
}  // namespace tcpassay
