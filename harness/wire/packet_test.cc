// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/packet.h"

#include <gtest/gtest.h>

#include <random>

namespace tcpassay {
namespace {

Bytes bytes(std::initializer_list<int> octets) {
  Bytes out;
  for (int octet : octets) out.push_back(static_cast<std::uint8_t>(octet));
  return out;
}

PacketFields fields_of(const char* source = "192.0.2.1", const char* destination = "198.51.100.7") {
  return {.source = *Address::parse(source),
          .destination = *Address::parse(destination),
          .source_port = 8080,
          .destination_port = 40000,
          .seq = 0x01020304,
          .ack = 0xfffefdfc,
          .ctl = {.psh = true, .ack = true},
          .wnd = 1000};
}

Bytes packet_of(const PacketFields& fields) {
  Bytes packet;
  encode(fields, packet);
  return packet;
}

TEST(Address, IsReadAndWritten) {
  EXPECT_EQ(Address::parse("192.0.2.1")->text(), "192.0.2.1");
  EXPECT_EQ(Address::parse("2001:db8::1")->text(), "2001:db8::1");
  EXPECT_EQ(Address::parse("2001:db8::1")->family, 6);
  EXPECT_FALSE(Address::parse("192.0.2"));
  EXPECT_FALSE(Address::parse(""));
  EXPECT_FALSE(Address::parse("::g"));
}

// A SYN whose checksums were worked out apart from this code.
TEST(Wire, WritesTheKnownOctets) {
  PacketFields fields{.source = *Address::parse("10.0.0.1"), .destination = *Address::parse("10.0.0.2")};
  fields.source_port = 1;
  fields.destination_port = 2;
  fields.seq = 3;
  fields.ctl = {.syn = true};
  fields.wnd = 4;
  const Bytes mss = bytes({2, 4, 5, 0xb4});
  fields.options = mss;
  EXPECT_EQ(packet_of(fields),
            bytes({0x45, 0, 0, 44,  0, 0, 0x40, 0, 64, 6, 0x26, 0xca, 10,   0, 0, 1, 10,   0,    0, 2,  //
                   0,    1, 0, 2,   0, 0, 0,    3, 0,  0, 0,    0,    0x60, 2, 0, 4, 0x84, 0x1a, 0, 0,  //
                   2,    4, 5, 0xb4}));
}

TEST(Wire, ReadsBackWhatItWrote) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    PacketFields fields = round % 2 ? fields_of() : fields_of("2001:db8::1", "2001:db8::2");
    Bytes text(random() % 70), options(4 * (random() % 11), 1);
    for (auto& octet : text) octet = static_cast<std::uint8_t>(random());
    fields.text = text;
    fields.options = options;
    fields.ctl = {.fin = round % 3 == 0, .urg = round % 5 == 0, .ece = true};
    fields.ctl.reserved = round & 15;
    fields.up = static_cast<std::uint16_t>(random());
    fields.ttl = static_cast<std::uint8_t>(random());
    fields.traffic_class = static_cast<std::uint8_t>(random());
    const Bytes packet = packet_of(fields);
    const auto seen = decode(packet);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->fault, Fault::kNone);
    EXPECT_EQ(seen->source, fields.source);
    EXPECT_EQ(seen->destination, fields.destination);
    EXPECT_EQ(seen->source_port, fields.source_port);
    EXPECT_EQ(seen->destination_port, fields.destination_port);
    EXPECT_EQ(seen->seq, fields.seq);
    EXPECT_EQ(seen->ack, fields.ack);
    EXPECT_EQ(seen->ctl, fields.ctl);
    EXPECT_EQ(seen->wnd, fields.wnd);
    EXPECT_EQ(seen->up, fields.up);
    EXPECT_EQ(seen->ttl, fields.ttl);
    EXPECT_EQ(seen->traffic_class, fields.traffic_class);
    EXPECT_EQ(seen->opt.octets, options.size());
    EXPECT_TRUE(std::equal(text.begin(), text.end(), seen->text.begin(), seen->text.end()));
  }
}

TEST(Wire, PadsOptionsWithZeros) {
  PacketFields fields = fields_of();
  const Bytes options = bytes({1});
  fields.options = options;
  const Bytes packet = packet_of(fields);
  EXPECT_EQ(packet.size(), 44u);
  const auto seen = decode(packet);
  EXPECT_EQ(Bytes(seen->options.begin(), seen->options.end()), bytes({1, 0, 0, 0}));
  EXPECT_FALSE(seen->opt.nonzero_after_end);
}

TEST(Wire, ReadsTheMaximumSegmentSize) {
  PacketFields fields = fields_of();
  const Bytes options = bytes({1, 2, 4, 5, 0xb4, 0});
  fields.options = options;
  const Bytes packet = packet_of(fields);
  EXPECT_EQ(decode(packet)->opt.mss, 1460);
  EXPECT_EQ(decode(packet)->fault, Fault::kNone);
}

// MUST-69: what follows End of Option List is zero.
TEST(Wire, SeesOctetsAfterEndOfOptionList) {
  PacketFields fields = fields_of();
  const Bytes options = bytes({1, 0, 0, 7});
  fields.options = options;
  EXPECT_TRUE(decode(packet_of(fields))->opt.nonzero_after_end);
}

// MUST-7: an option whose length is 0, 1 or beyond the header.
TEST(Wire, FindsBadOptionLengths) {
  PacketFields fields = fields_of();
  const Bytes zero = bytes({200, 0, 1, 1}), one = bytes({200, 1, 1, 1});
  const Bytes beyond = bytes({200, 5, 1, 1}), missing = bytes({1, 1, 1, 2});
  for (const Bytes& options : {zero, one, beyond, missing}) {
    fields.options = options;
    const Bytes packet = packet_of(fields);
    EXPECT_EQ(decode(packet)->fault, Fault::kOptionLength);
  }
}

TEST(Wire, DamagesTheChecksumOnly) {
  std::mt19937 random(2);
  for (int round = 0; round < 1000; ++round) {
    PacketFields fields = fields_of();
    fields.seq = static_cast<std::uint32_t>(random());
    fields.damage = {.bad_checksum = true};
    EXPECT_EQ(decode(packet_of(fields))->fault, Fault::kChecksum);
  }
}

TEST(Wire, DamagesTheDataOffset) {
  PacketFields fields = fields_of();
  for (int words : {0, 4, 6, 15}) {
    fields.damage = {.data_offset = static_cast<std::uint8_t>(words)};
    EXPECT_EQ(decode(packet_of(fields))->fault, Fault::kDataOffset) << words;
  }
  fields.damage = {.data_offset = 5};
  EXPECT_EQ(decode(packet_of(fields))->fault, Fault::kNone);
}

TEST(Wire, Truncates) {
  const Bytes text(10, 7);
  PacketFields fields = fields_of();
  fields.text = text;
  for (std::uint16_t keep = 0; keep < 20; ++keep) {
    fields.damage = {.truncate = keep};
    const Bytes packet = packet_of(fields);
    EXPECT_EQ(packet.size(), 20u + keep);
    EXPECT_EQ(decode(packet)->fault, Fault::kTruncated);
  }
  fields.damage = {.truncate = std::uint16_t{23}};
  const Bytes packet = packet_of(fields);
  EXPECT_EQ(decode(packet)->fault, Fault::kNone);
  EXPECT_EQ(decode(packet)->text.size(), 3u);
}

TEST(Wire, ReadsNothingButWholeTcpPackets) {
  const Bytes good = packet_of(fields_of());
  for (std::size_t length = 0; length < good.size(); ++length) EXPECT_FALSE(decode(ByteView(good).first(length)));
  Bytes udp = good, fragment = good, last_fragment = good;
  udp[9] = 17;
  fragment[6] |= 0x20;
  last_fragment[7] = 1;
  EXPECT_FALSE(decode(udp));
  EXPECT_FALSE(decode(fragment));
  EXPECT_FALSE(decode(last_fragment));
}

TEST(Wire, ReadsPastIpv6ExtensionHeaders) {
  Bytes packet = packet_of(fields_of("2001:db8::1", "2001:db8::2"));
  const Bytes extension = bytes({6, 0, 1, 4, 0, 0, 0, 0});
  packet.insert(packet.begin() + 40, extension.begin(), extension.end());
  packet[5] = static_cast<std::uint8_t>(packet[5] + 8);
  packet[6] = 60;
  EXPECT_EQ(decode(packet)->fault, Fault::kNone);
  packet[6] = 44;
  EXPECT_FALSE(decode(packet));
}

// RFC 8200 section 4: what a host that knows no option lets through.
TEST(Wire, TellsExtensionHeadersApart) {
  const Bytes plain = packet_of(fields_of("2001:db8::1", "2001:db8::2"));
  const auto passes = [&](std::uint8_t next, const Bytes& extension) {
    Bytes packet = plain;
    packet.insert(packet.begin() + 40, extension.begin(), extension.end());
    packet[5] = static_cast<std::uint8_t>(packet[5] + extension.size());
    packet[6] = next;
    return decode(packet).has_value();
  };
  EXPECT_TRUE(passes(0, {6, 0, 1, 4, 0, 0, 0, 0}));
  EXPECT_TRUE(passes(0, {60, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0x1e, 4, 1, 2, 3, 4}));
  EXPECT_TRUE(passes(43, {6, 0, 253, 0, 0, 0, 0, 0}));
  EXPECT_TRUE(passes(44, {6, 0, 0, 0, 1, 2, 3, 4}));
  EXPECT_FALSE(passes(0, {6, 0, 0x5e, 4, 1, 2, 3, 4}));  // dropped by whoever does not know it
  EXPECT_FALSE(passes(0, {6, 0, 0xc2, 4, 0, 1, 0, 0}));  // the jumbo payload
  EXPECT_FALSE(passes(60, {0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0}));
  EXPECT_FALSE(passes(60, {6, 0, 1, 5, 0, 0, 0, 0}));
  EXPECT_FALSE(passes(60, {6, 99, 1, 4, 0, 0, 0, 0}));
  EXPECT_FALSE(passes(43, {6, 0, 253, 1, 0, 0, 0, 0}));
  EXPECT_FALSE(passes(44, {6, 0, 0, 1, 1, 2, 3, 4}));
  EXPECT_FALSE(passes(59, {}));
}

TEST(Wire, AJumbogramHasNoSegment) {
  Bytes packet = packet_of(fields_of("2001:db8::1", "2001:db8::2"));
  packet[4] = packet[5] = 0;
  EXPECT_EQ(decode(packet)->fault, Fault::kTruncated);
}

TEST(Wire, LeavesLinkPaddingOut) {
  Bytes packet = packet_of(fields_of());
  packet.resize(packet.size() + 6);
  EXPECT_TRUE(decode(packet)->text.empty());
}

TEST(Wire, SurvivesAnyOctets) {
  std::mt19937 random(3);
  for (int round = 0; round < 20000; ++round) {
    Bytes packet = packet_of(round % 2 ? fields_of() : fields_of("2001:db8::1", "2001:db8::2"));
    for (int hits = 0; hits < 4; ++hits) packet[random() % packet.size()] = static_cast<std::uint8_t>(random());
    packet.resize(random() % (packet.size() + 1));
    const auto decoded = decode(packet);
    EXPECT_TRUE(!decoded || decoded->text.size() <= packet.size());
  }
}

TEST(Wire, EncodesWithoutAllocatingAgain) {
  Bytes packet;
  packet.reserve(100);
  const auto* before = packet.data();
  encode(fields_of(), packet);
  EXPECT_EQ(packet.data(), before);
}

}  // namespace
}  // namespace tcpassay
