// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/capture_file.h"

#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "harness/wire/capture_reader.h"

namespace tcpassay {
namespace {

using namespace std::chrono_literals;

class Capture : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "tcpassay-capture-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  // A file of one frame with a given link type.
  std::string file_of(int link_type, const Bytes& frame, std::uint32_t length) const {
    pcap_t* handle = pcap_open_dead(link_type, 65535);
    pcap_dumper_t* dumper = pcap_dump_open(handle, path("one.pcap").c_str());
    pcap_pkthdr header{};
    header.caplen = static_cast<std::uint32_t>(frame.size());
    header.len = length;
    pcap_dump(reinterpret_cast<u_char*>(dumper), &header, frame.data());
    pcap_dump_close(dumper);
    pcap_close(handle);
    return path("one.pcap");
  }

  std::string folder_;
};

Bytes ip_packet() {
  Bytes packet;
  encode({.source = *Address::parse("192.0.2.1"), .destination = *Address::parse("192.0.2.2"), .seq = 7}, packet);
  return packet;
}

Bytes framed(std::initializer_list<int> header) {
  Bytes frame;
  for (int octet : header) frame.push_back(static_cast<std::uint8_t>(octet));
  const Bytes packet = ip_packet();
  frame.insert(frame.end(), packet.begin(), packet.end());
  return frame;
}

std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const CaptureError& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(Capture, ReadsBackWhatItWrote) {
  CaptureFile file(path("a.pcap"));
  file.write(1ns, ip_packet());
  file.write(5s + 999999999ns, ip_packet());
  EXPECT_FALSE(std::filesystem::exists(path("a.pcap")));
  file.close();
  EXPECT_FALSE(std::filesystem::exists(path("a.pcap.part")));

  CaptureReader reader(path("a.pcap"));
  const auto first = reader.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->when, 1ns);
  EXPECT_EQ(decode(first->packet)->seq, 7u);
  const auto second = reader.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->when, 5s + 999999999ns);
  EXPECT_EQ(second->number, 2u);
  EXPECT_TRUE(second->whole);
  EXPECT_FALSE(reader.next());
}

TEST_F(Capture, LeavesNothingBehindWhenNotClosed) {
  {
    CaptureFile file(path("a.pcap"));
    file.write(0ns, ip_packet());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(Capture, SaysWhyItCannotWrite) {
  EXPECT_NE(error_of([&] { CaptureFile file(path("missing/a.pcap")); }).find("No such file"), std::string::npos);
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "needs /dev/full";
  std::filesystem::create_symlink("/dev/full", path("full.pcap.part"));
  const std::string error = error_of([&] {
    CaptureFile file(path("full.pcap"));
    file.write(0ns, ip_packet());
    file.close();
  });
  EXPECT_EQ(error, path("full.pcap") + ": cannot be written: No space left on device");
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(Capture, NamesThePacketWhereAFileBreaksOff) {
  CaptureFile file(path("a.pcap"));
  for (int i = 0; i < 3; ++i) file.write(0ns, ip_packet());
  file.close();
  std::filesystem::resize_file(path("a.pcap"), std::filesystem::file_size(path("a.pcap")) - 5);
  CaptureReader reader(path("a.pcap"));
  EXPECT_TRUE(reader.next());
  EXPECT_TRUE(reader.next());
  EXPECT_EQ(error_of([&] { reader.next(); }).find(path("a.pcap") + ": packet 3: truncated"), 0u);
}

TEST_F(Capture, RefusesWhatIsNoCapture) {
  EXPECT_EQ(error_of([&] { CaptureReader reader(path("none")); }),
            path("none") + ": cannot be read: No such file or directory");
  std::ofstream(path("text")) << "this is no capture file at all, only text";
  EXPECT_EQ(error_of([&] { CaptureReader reader(path("text")); }).find(path("text") + ": is no capture file: "), 0u);
  std::ofstream(path("empty")).flush();
  EXPECT_EQ(error_of([&] { CaptureReader reader(path("empty")); }).find(path("empty") + ": is no capture file: "), 0u);
}

TEST_F(Capture, RefusesOtherLinkTypesByName) {
  const std::string file = file_of(DLT_USB_LINUX, framed({}), 40);
  EXPECT_EQ(error_of([&] { CaptureReader reader(file); }), file + ": unsupported link type USB_LINUX");
}

TEST_F(Capture, FindsThePacketInEachLinkType) {
  const std::vector<std::pair<int, Bytes>> frames = {
      {DLT_RAW, framed({})},
      {DLT_NULL, framed({2, 0, 0, 0})},
      {DLT_NULL, framed({0, 0, 0, 2})},
      {DLT_LINUX_SLL, framed({0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0})},
      {DLT_LINUX_SLL2, framed({8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0})},
      {DLT_EN10MB, framed({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0})},
      {DLT_EN10MB, framed({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0})},
  };
  for (const auto& [link_type, frame] : frames) {
    CaptureReader reader(file_of(link_type, frame, static_cast<std::uint32_t>(frame.size())));
    const auto seen = reader.next();
    ASSERT_TRUE(seen) << link_type;
    EXPECT_EQ(Bytes(seen->packet.begin(), seen->packet.end()), ip_packet()) << link_type;
  }
}

TEST_F(Capture, PassesOverOtherFrames) {
  for (const Bytes& frame : {framed({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 6}), Bytes(13), Bytes(14), Bytes(0)}) {
    CaptureReader reader(file_of(DLT_EN10MB, frame, static_cast<std::uint32_t>(frame.size())));
    EXPECT_FALSE(reader.next());
  }
}

TEST_F(Capture, MarksPacketsThatWereCut) {
  CaptureReader reader(file_of(DLT_RAW, ip_packet(), 1000));
  EXPECT_FALSE(reader.next()->whole);
}

}  // namespace
}  // namespace tcpassay
