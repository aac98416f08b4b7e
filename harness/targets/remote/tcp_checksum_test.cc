// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/remote/tcp_checksum.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

Bytes packet(std::uint8_t family, bool bad = false) {
  PacketFields fields{.source = {.family = family, .octets = {10, 0, 0, 2}},
                      .destination = {.family = family, .octets = {10, 0, 0, 1}},
                      .source_port = 40000,
                      .destination_port = 8080,
                      .seq = 7,
                      .ctl = {.syn = true}};
  fields.damage.bad_checksum = bad;
  Bytes out;
  encode(fields, out);
  return out;
}

TEST(TcpChecksum, AChangedPortKeepsARightChecksumRight) {
  for (const std::uint8_t family : {std::uint8_t{4}, std::uint8_t{6}}) {
    Bytes out = packet(family);
    const auto tcp = tcp_header_in(out);
    ASSERT_TRUE(tcp);
    change_word(out, *tcp + 2, 0xe020, *tcp + 16);
    const auto decoded = decode(out);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->fault, Fault::kNone);
    EXPECT_EQ(decoded->destination_port, 8080 ^ 0xe020);
  }
}

TEST(TcpChecksum, AChangedPortKeepsAWrongChecksumWrong) {
  Bytes out = packet(4, /*bad=*/true);
  change_word(out, *tcp_header_in(out) + 2, 0x2000, *tcp_header_in(out) + 16);
  EXPECT_NE(decode(out)->fault, Fault::kNone);
}

TEST(TcpChecksum, IsWrittenAnewWhereTheHardwareWouldHave) {
  for (const std::uint8_t family : {std::uint8_t{4}, std::uint8_t{6}}) {
    Bytes out = packet(family, /*bad=*/true);
    complete_checksum(out);
    EXPECT_EQ(out, packet(family));
  }
}

TEST(TcpChecksum, WhatIsCutShortIsLeftAlone) {
  const Bytes whole = packet(4);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const Bytes before = cut;
    complete_checksum(cut);
    EXPECT_EQ(cut, before) << size;
  }
}

}  // namespace
}  // namespace tcpassay
