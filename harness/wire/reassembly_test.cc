// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/reassembly.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tcpassay {
namespace {

using Taken = Reassembly::Taken;

// A segment of `octets` octets of text over IPv4 or IPv6.
Bytes segment(int version, std::size_t octets) {
  const Bytes text(octets, 'x');
  Bytes packet;
  encode({.source = *Address::parse(version == 4 ? "10.77.0.1" : "2001:db8:77::1"),
          .destination = *Address::parse(version == 4 ? "10.77.0.2" : "2001:db8:77::2"),
          .source_port = 8080,
          .destination_port = 40000,
          .seq = 1,
          .ctl = {.ack = true},
          .text = text},
         packet);
  return packet;
}

// The fragment with `length` octets from `at` on of what lies behind the IP header.
Bytes fragment(const Bytes& packet, std::size_t at, std::size_t length, std::uint8_t identification = 7) {
  const bool ipv4 = packet[0] >> 4u == 4;
  const std::size_t header = ipv4 ? 20 : 40, rest = packet.size() - header - at;
  const std::size_t taken = std::min(length, rest);
  const bool more = taken < rest;
  Bytes piece(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(header));
  const std::size_t place = ipv4 ? at / 8 + (more ? 0x2000 : 0) : at + (more ? 1 : 0);
  if (ipv4) {
    piece[5] = identification;
    piece[6] = static_cast<std::uint8_t>(place >> 8u), piece[7] = static_cast<std::uint8_t>(place);
  } else {
    const Bytes extension{
        piece[6], 0, static_cast<std::uint8_t>(place >> 8u), static_cast<std::uint8_t>(place), 0, 0, 0, identification};
    piece[6] = 44;
    piece.insert(piece.end(), extension.begin(), extension.end());
  }
  const auto from = packet.begin() + static_cast<std::ptrdiff_t>(header + at);
  piece.insert(piece.end(), from, from + static_cast<std::ptrdiff_t>(taken));
  const std::size_t total = ipv4 ? piece.size() : piece.size() - 40;
  piece[ipv4 ? 2 : 4] = static_cast<std::uint8_t>(total >> 8u), piece[ipv4 ? 3 : 5] = static_cast<std::uint8_t>(total);
  return piece;
}

class Fragments : public testing::TestWithParam<int> {};

TEST_P(Fragments, InOrderAreThePacketAgain) {
  const Bytes packet = segment(GetParam(), 2000);
  Reassembly reassembly;
  EXPECT_EQ(reassembly.take(fragment(packet, 0, 1448)), Taken::kPart);
  EXPECT_EQ(reassembly.take(fragment(packet, 1448, 400)), Taken::kPart);
  ASSERT_EQ(reassembly.take(fragment(packet, 1848, 400)), Taken::kComplete);
  const auto decoded = decode(reassembly.whole());
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->fault, Fault::kNone);
  EXPECT_EQ(decoded->text.size(), 2000u);
}

TEST_P(Fragments, APacketOfItsOwnIsNone) {
  EXPECT_EQ(Reassembly().take(segment(GetParam(), 10)), Taken::kNoFragment);
}

TEST_P(Fragments, WhatDoesNotContinueIsStray) {
  const Bytes packet = segment(GetParam(), 2000);
  Reassembly reassembly;
  EXPECT_EQ(reassembly.take(fragment(packet, 1448, 800)), Taken::kStray);  // the first one is missing
  reassembly.take(fragment(packet, 0, 1448));
  EXPECT_EQ(reassembly.take(fragment(packet, 1456, 800)), Taken::kStray);  // a hole
  reassembly.take(fragment(packet, 0, 1448));
  EXPECT_EQ(reassembly.take(fragment(packet, 1448, 800, 8)), Taken::kStray);  // of another packet
  reassembly.take(fragment(packet, 0, 1448));
  EXPECT_EQ(reassembly.take(fragment(packet, 1448, 800)), Taken::kComplete);
}

TEST(Reassembly, NonsenseIsNone) {
  EXPECT_EQ(Reassembly().take(Bytes{}), Taken::kNoFragment);
  EXPECT_EQ(Reassembly().take(Bytes{0x45, 0, 0, 3}), Taken::kNoFragment);
}

INSTANTIATE_TEST_SUITE_P(IpVersions, Fragments, testing::Values(4, 6),
                         [](const auto& tested) { return "IPv" + std::to_string(tested.param); });

}  // namespace
}  // namespace tcpassay
