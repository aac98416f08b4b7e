// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/icmp.h"

#include <gtest/gtest.h>

namespace tcpassay {
namespace {

TEST(Icmp, IsReadFromAScript) {
  const auto spec = read_icmp("icmp unreachable frag_needed mtu 1200 [1:1461(1460)]");
  ASSERT_TRUE(spec);
  EXPECT_EQ(*spec, (IcmpSpec{.type = "unreachable", .code = "frag_needed", .mtu = 1200, .seq = 1}));
  EXPECT_TRUE(read_icmp("icmp source_quench [1:11(10)]"));
  EXPECT_TRUE(read_icmp("icmp unreachable"));
  EXPECT_FALSE(read_icmp("icmp unreachable moon_unreachable"));
  const auto elsewhere = read_icmp("icmp unreachable port_unreachable remote_port 9 local_port 8 [0:0(0)]");
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->remote_port, 9);
  EXPECT_EQ(elsewhere->local_port, 8);
  EXPECT_FALSE(read_icmp("icmp unreachable port_unreachable remote_port"));
  EXPECT_FALSE(read_icmp("icmp"));
}

TEST(Icmp, HasOtherNumbersInIpv6) {
  const IcmpSpec big{.type = "unreachable", .code = "frag_needed", .mtu = 1300};
  EXPECT_EQ(icmp_numbers(big, 4)->type, 3);
  EXPECT_EQ(icmp_numbers(big, 4)->code, 4);
  EXPECT_EQ(icmp_numbers(big, 6)->type, 2);
  EXPECT_FALSE(icmp_numbers({.type = "source_quench"}, 6));
}

TEST(Icmp, SpeaksPacketdrillsWords) {
  const auto said = [](const char* text, std::uint8_t version) {
    const auto spec = read_icmp(std::string("icmp ") + text);
    const auto numbers = spec ? icmp_numbers(*spec, version) : std::nullopt;
    return numbers ? icmp_words(*numbers) : "nothing";
  };
  EXPECT_EQ(said("unreachable frag_needed mtu 1200", 4), "unreachable frag_needed mtu 1200");
  EXPECT_EQ(said("unreachable frag_needed mtu 1300", 6), "packet_too_big mtu 1300");
  EXPECT_EQ(said("unreachable host_unreachable", 6), "unreachable address_unreachable");
  EXPECT_EQ(said("time_exceeded reassembly_timeout", 4), "time_exceeded code_1");
  EXPECT_EQ(said("time_exceeded reassembly_timeout", 6), "time_exceeded exceeded_frag_time");
  EXPECT_EQ(said("time_exceeded ttl_exceeded", 4), "time_exceeded");
  EXPECT_EQ(said("time_exceeded frag_reass_exceeded", 4), "time_exceeded code_1");
  EXPECT_EQ(said("type_3 code_1", 4), "unreachable host_unreachable");
  EXPECT_EQ(said("type_200 code_7", 4), "type_200 code_7");
  EXPECT_EQ(said("time_exceeded code_1", 4), "time_exceeded code_1");
  EXPECT_EQ(said("unreachable code_300", 4), "nothing");
  EXPECT_EQ(said("type_3 moon", 4), "nothing");
}

std::uint32_t sum(ByteView octets) {
  std::uint32_t total = 0;
  for (std::size_t i = 0; i < octets.size(); ++i) total += i % 2 == 0 ? octets[i] << 8 : octets[i];
  while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
  return total;
}

TEST(Icmp, QuotesTheTargetsSegment) {
  const Bytes packet = encode_icmp({.type = 3, .code = 4, .mtu = 1200}, {.source = *Address::parse("10.77.0.1"),
                                                                         .destination = *Address::parse("10.77.0.2"),
                                                                         .source_port = 8080,
                                                                         .destination_port = 40000,
                                                                         .seq = 0x01020304});
  ASSERT_EQ(packet.size(), 20u + 8u + 20u + 8u);
  EXPECT_EQ(sum(ByteView(packet).first(20)), 0xffffu);
  EXPECT_EQ(sum(ByteView(packet).subspan(20)), 0xffffu);
  EXPECT_EQ(packet[9], 1);
  EXPECT_EQ(packet[15], 2);  // from the peer
  EXPECT_EQ(packet[19], 1);  // to the target
  EXPECT_EQ(packet[26] << 8 | packet[27], 1200);
  EXPECT_EQ(packet[28 + 15], 1);  // the quote has them the other way round
  EXPECT_EQ(packet[48] << 8 | packet[49], 8080);
  EXPECT_EQ(packet[52], 1);
}

}  // namespace
}  // namespace tcpassay
