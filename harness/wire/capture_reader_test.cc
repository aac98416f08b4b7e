// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/capture_reader.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "harness/wire/capture_file.h"
#include "harness/wire/link_layer.h"

namespace tcpassay {
namespace {

using namespace std::chrono_literals;

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes ip_packet() {
  Bytes octets;
  encode({.source = *Address::parse("192.0.2.1"), .destination = *Address::parse("192.0.2.2"), .seq = 7}, octets);
  return octets;
}

Bytes ipv6_header(std::uint8_t next, std::size_t length) {
  Bytes header(40);
  header[0] = 0x60;
  header[5] = static_cast<std::uint8_t>(length);
  header[6] = next;
  return header;
}
Bytes ipv4_header(std::uint8_t protocol, std::size_t length) {
  Bytes header(20);
  header[0] = 0x45;
  header[3] = static_cast<std::uint8_t>(20 + length);
  header[9] = protocol;
  return header;
}
// Two addresses and an EtherType.
Bytes ethernet(std::uint16_t type) {
  Bytes header(12, 2);
  header.push_back(static_cast<std::uint8_t>(type >> 8));
  header.push_back(static_cast<std::uint8_t>(type));
  return header;
}
Bytes udp_to(std::uint16_t port) {
  return {0x80, 0, static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port), 0, 0, 0, 0};
}
const Bytes kSnap{0xaa, 0xaa, 3, 0, 0, 0, 8, 0};

void expect_found(LinkType type, const std::vector<Bytes>& headers, const char* what) {
  std::vector<Bytes> parts = headers;
  parts.push_back(ip_packet());
  const Bytes frame = joined(parts);
  const ByteView found = ip_packet_in(type, frame);
  EXPECT_EQ(Bytes(found.begin(), found.end()), ip_packet()) << what;
}

TEST(LinkLayer, TagsAndLabelsAreTakenOff) {
  expect_found(LinkType::kEthernet, {ethernet(0x0040), kSnap}, "802.3 with SNAP");
  expect_found(LinkType::kEthernet, {ethernet(0x8847), {0, 1, 0, 64, 0, 2, 1, 64}}, "two labels");
  expect_found(LinkType::kEthernet, {ethernet(0x8847), {0, 2, 1, 64}, {0, 0, 0, 0}, ethernet(0x0800)}, "pseudowire");
  expect_found(LinkType::kEthernet, {ethernet(0x8926), {0, 1, 0, 2, 8, 0}}, "VN-Tag");
  expect_found(LinkType::kEthernet, {ethernet(0x8864), {0x11, 0, 0, 1, 0, 42, 0, 0x21}}, "PPPoE");
}

TEST(LinkLayer, TunnelsAreFollowed) {
  const Bytes gre{0, 0, 8, 0}, keyed{0x20, 0, 0x65, 0x58, 0, 0, 0, 1};
  const Bytes erspan{0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 0, 0, 0, 0, 0};
  const Bytes geneve{1, 0, 8, 0, 0, 0, 1, 0, 1, 2, 3, 4}, vxlan{8, 0, 0, 0, 0, 0, 1, 0};
  expect_found(LinkType::kRaw, {ipv4_header(47, 44), gre}, "GRE");
  expect_found(LinkType::kRaw, {ipv4_header(47, 62), keyed, ethernet(0x0800)}, "GRE with a key, bridged");
  expect_found(LinkType::kRaw, {ipv4_header(47, 70), erspan, ethernet(0x0800)}, "ERSPAN");
  expect_found(LinkType::kRaw, {ipv6_header(4, 40)}, "IPv4 in IPv6");
  expect_found(LinkType::kRaw, {ipv6_header(41, 80), ipv6_header(4, 40)}, "IPv6 in IPv6");
  expect_found(LinkType::kRaw, {ipv4_header(17, 60), udp_to(6081), geneve}, "Geneve");
  expect_found(LinkType::kRaw, {ipv4_header(17, 70), udp_to(4789), vxlan, ethernet(0x0800)}, "VXLAN");
}

TEST(LinkLayer, OtherLinksHaveTheirHeaders) {
  expect_found(LinkType::kPpp, {{0xff, 3, 0, 0x21}}, "PPP");
  expect_found(LinkType::kPpp, {{0x21}}, "PPP, compressed");
  expect_found(LinkType::kCiscoHdlc, {{0x0f, 0, 8, 0}}, "C-HDLC");
  expect_found(LinkType::kFrameRelay, {{0x18, 0x41, 3, 0xcc}}, "Frame Relay");
  expect_found(LinkType::kFrameRelay, {{0x18, 0x41, 8, 0}}, "Frame Relay of Cisco");
  expect_found(LinkType::kSlip, {Bytes(16)}, "SLIP");
  expect_found(LinkType::kArcnet, {{1, 2, 212, 0, 0, 1}}, "ARCNET");
  expect_found(LinkType::kIeee80211, {{0x08, 0x01}, Bytes(22), kSnap}, "802.11");
  expect_found(LinkType::kIeee80211, {{0x88, 0x01}, Bytes(24), kSnap}, "802.11 with quality of service");
  expect_found(LinkType::kRadiotap, {{0, 0, 8, 0, 0, 0, 0, 0}, {0x08, 0x01}, Bytes(22), kSnap}, "radiotap");
}

TEST(LinkLayer, WhatIsCutOrNestedTooDeepIsNoPacket) {
  EXPECT_TRUE(ip_packet_in(LinkType::kIeee80211, joined({{0x08, 0x41}, Bytes(22), kSnap, ip_packet()})).empty());
  std::vector<Bytes> parts{Bytes(12, 2)};
  for (int i = 0; i < 1000; ++i) parts.push_back({0x81, 0, 0, 1});
  EXPECT_TRUE(ip_packet_in(LinkType::kEthernet, joined(parts)).empty());
  for (int type = 0; type < 300; ++type) {
    for (std::size_t length = 0; length < 64; ++length) {
      for (const std::uint8_t octet : Bytes{0x00, 0x45, 0x60, 0x81, 0xaa, 0xff}) {
        const Bytes frame(length, octet);
        EXPECT_LE(ip_packet_in(static_cast<LinkType>(type), frame).size(), length);
      }
    }
  }
}

class Reading : public testing::Test {
 protected:
  Reading() : path_(testing::TempDir() + "/tcpassay_reading") {}
  ~Reading() override { std::filesystem::remove(path_); }

  void put(const Bytes& octets) {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(octets.data()), static_cast<std::streamsize>(octets.size()));
  }
  std::string path_;
};

Bytes big32(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
          static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}
Bytes block(std::uint32_t type, const Bytes& body) {
  Bytes padded = body;
  while (padded.size() % 4 != 0) padded.push_back(0);
  const Bytes length = big32(static_cast<std::uint32_t>(padded.size() + 12));
  return joined({big32(type), length, padded, length});
}
Bytes frame_of(std::uint32_t interface, std::uint32_t units, const Bytes& frame) {
  const Bytes length = big32(static_cast<std::uint32_t>(frame.size()));
  return block(6, joined({big32(interface), big32(0), big32(units), length, length, frame}));
}

// Interfaces of several link types, one of them not read, and with several units of time.
TEST_F(Reading, PcapngMayHaveSeveralInterfaces) {
  const Bytes section = block(0x0a0d0d0a, joined({big32(0x1a2b3c4d), {0, 1, 0, 0}, Bytes(8, 0xff)}));
  const Bytes raw = block(1, joined({{0, 101, 0, 0}, big32(0), {0, 9, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0}}));
  const Bytes on_ethernet = block(1, joined({{0, 1, 0, 0}, big32(0)})),
              usb = block(1, joined({{0, 189, 0, 0}, big32(0)}));
  put(joined({section, raw, on_ethernet, usb, frame_of(0, 5, ip_packet()), frame_of(2, 6, Bytes(50)),
              frame_of(1, 7, joined({ethernet(0x0800), ip_packet()}))}));
  CaptureReader reader(path_);
  const auto first = reader.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->when, 5ns);
  const auto second = reader.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->when, 7us);
  EXPECT_EQ(second->number, 3u);
  EXPECT_EQ(decode(second->packet)->seq, 7u);
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.passed_over(), 1u);
}

TEST_F(Reading, PcapngOfOtherLinksOnlyIsRefusedByName) {
  const Bytes section = block(0x0a0d0d0a, joined({big32(0x1a2b3c4d), {0, 1, 0, 0}, Bytes(8, 0xff)}));
  put(joined({section, block(1, joined({{0, 189, 0, 0}, big32(0)})), frame_of(0, 6, Bytes(50))}));
  CaptureReader reader(path_);
  try {
    reader.next();
    FAIL() << "nothing was refused";
  } catch (const CaptureError& error) {
    EXPECT_EQ(error.what(), path_ + ": unsupported link type USB_LINUX");
  }
}

TEST_F(Reading, SnoopIsRead) {
  const Bytes frame = joined({ethernet(0x0800), ip_packet(), {0, 0}});
  const auto length = static_cast<std::uint32_t>(frame.size());
  put(joined({{'s', 'n', 'o', 'o', 'p', 0, 0, 0},
              big32(2),
              big32(4),
              big32(length),
              big32(length),
              big32(length + 24),
              big32(0),
              big32(9),
              big32(4),
              frame}));
  CaptureReader reader(path_);
  const auto seen = reader.next();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->when, 9s + 4us);
  EXPECT_EQ(decode(seen->packet)->seq, 7u);
  EXPECT_FALSE(reader.next());
}

TEST_F(Reading, WhatGzipHasPackedIsRead) {
  CaptureFile file(path_);
  file.write(1s, ip_packet());
  file.close();
  std::ifstream in(path_, std::ios::binary);
  const std::string plain{std::istreambuf_iterator<char>(in), {}};
  gzFile packed = gzopen(path_.c_str(), "wb");
  gzwrite(packed, plain.data(), static_cast<unsigned>(plain.size()));
  gzclose(packed);
  std::string what;
  EXPECT_EQ(kind_of_file(path_, what), FileKind::kCapture);
  CaptureReader reader(path_);
  EXPECT_EQ(reader.next()->when, 1s);
  EXPECT_FALSE(reader.next());
}

TEST_F(Reading, OtherPackingIsNamed) {
  std::string what;
  for (const auto& [octets, name] : std::vector<std::pair<Bytes, std::string>>{
           {{0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3}, "zstd"}, {{'B', 'Z', 'h', '9', 1, 2, 3}, "bzip2"}}) {
    put(octets);
    EXPECT_EQ(kind_of_file(path_, what), FileKind::kPacked);
    EXPECT_EQ(what, name);
  }
  put({'+', '0', ' ', '<', ' ', 'S', ' '});
  EXPECT_EQ(kind_of_file(path_, what), FileKind::kOther);
}

// Microseconds above a million are no time.
TEST_F(Reading, ATimeThatIsNoneIsMarked) {
  const Bytes packet = ip_packet();
  const Bytes length = big32(static_cast<std::uint32_t>(packet.size()));
  put(joined({{0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4},
              Bytes(8),
              big32(65535),
              big32(101),
              big32(1),
              big32(1'000'001),
              length,
              length,
              packet}));
  EXPECT_FALSE(CaptureReader(path_).next()->time_is_valid);
}

}  // namespace
}  // namespace tcpassay
