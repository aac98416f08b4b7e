// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "harness/offline/capture_test.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST_F(CaptureJudged, ARightConversationIsAcceptedAtBothEnds) {
  open();
  exchange();
  close();
  const CaptureResult result = judge();
  EXPECT_EQ(result.outcome, Outcome::kPass) << result.why;
  ASSERT_EQ(result.conversations.size(), 1u);
  EXPECT_EQ(result.conversations[0].packets, 9u);
  EXPECT_EQ(result.conversations[0].ends[1].end.text(), "192.0.2.2:80");
}

TEST_F(CaptureJudged, AWrongAckIsCondemnedAtItsFrame) {
  open();
  write(up({.psh = true, .ack = true}, 1, 1, 100));
  write(down({.psh = true, .ack = true}, 1, 77, 50), milliseconds(200));  // text is taken whole or not at all
  write(up({.ack = true}, 101, 51), milliseconds(3));
  const CaptureResult result = judge();
  ASSERT_EQ(result.outcome, Outcome::kFail);
  const EndpointResult& server = result.conversations[0].ends[1];
  EXPECT_EQ(server.outcome, Outcome::kFail);
  EXPECT_EQ(server.frame, 5u);
  EXPECT_NE(server.ladder.find("##"), std::string::npos);
}

TEST_F(CaptureJudged, AFarEndIsNotCondemned) {
  open();
  exchange();
  write(up({.psh = true, .ack = true}, 101, 30, 10), milliseconds(200));  // its ACK goes back; but it is 3 ms away
  const CaptureResult result = judge();
  EXPECT_EQ(result.outcome, Outcome::kInconclusive);
  EXPECT_NE(result.why.find("away from the capture point"), std::string::npos) << result.why;
}

TEST_F(CaptureJudged, OneOfAHundredSideBySideIsFound) {
  for (int i = 0; i < 100; ++i, ++client_port_) open();
  client_port_ = 40000;
  for (int i = 0; i < 100; ++i, ++client_port_) {
    write(up({.psh = true, .ack = true}, 1, 1, 100));
    write(down({.ack = true}, 1, i == 42 ? 88u : 101u));
  }
  const CaptureResult result = judge();
  EXPECT_EQ(result.failed, 1u);
  EXPECT_EQ(result.passed, 99u);
  ASSERT_EQ(result.conversations.size(), 100u);
  EXPECT_EQ(result.conversations[42].outcome(), Outcome::kFail);
}

TEST_F(CaptureJudged, ARetransmissionWithOtherOctetsIsCondemned) {
  open();
  write(down({.psh = true, .ack = true}, 1, 1, 50));
  PacketFields again = down({.psh = true, .ack = true}, 1, 1, 50);
  const Bytes other(50, 'y');
  again.text = other;
  write(again, std::chrono::seconds(2));
  const CaptureResult result = judge();
  ASSERT_EQ(result.outcome, Outcome::kFail) << result.why;
  EXPECT_EQ(result.conversations[0].ends[1].verdict->rule, Rule::S3_8_1_same_octets);
  EXPECT_EQ(result.conversations[0].ends[1].frame, 5u);
}

TEST_F(CaptureJudged, WhatIsSeenFromTheMiddleIsSaidToBeSo) {
  exchange();
  const CaptureResult result = judge();
  EXPECT_EQ(result.outcome, Outcome::kInconclusive);
  EXPECT_NE(result.why.find("seen from the middle"), std::string::npos) << result.why;
}

TEST_F(CaptureJudged, AGapIsSaidToBeSo) {
  open();
  exchange();
  write(down({.psh = true, .ack = true}, 151, 101, 50));
  const CaptureResult result = judge();
  EXPECT_EQ(result.outcome, Outcome::kInconclusive);
  EXPECT_NE(result.why.find("octets 51:151 were not captured"), std::string::npos) << result.why;
}

TEST_F(CaptureJudged, WhatTheCaptureLostExcusesTheOthersToo) {
  open();
  write(up({.psh = true, .ack = true}, 1, 1, 100));
  write(down({.ack = true}, 1, 88));  // wrong
  ++client_port_;
  open();
  write(down({.ack = true}, 1, 501));                  // of text that is not there
  write(up({.psh = true, .ack = true}, 501, 1, 100));  // and was sent, as this shows
  const CaptureResult result = judge();
  EXPECT_EQ(result.failed, 0u);
  EXPECT_EQ(result.inconclusive, 2u);
}

TEST_F(CaptureJudged, AnAckOfWhatWasNeverSentIsNoLossOfTheCapture) {
  open();
  write(down({.ack = true}, 1, 501));
  write(up({.psh = true, .ack = true}, 1, 1, 100), milliseconds(20));
  const CaptureResult result = judge();
  EXPECT_EQ(result.outcome, Outcome::kFail) << result.why;
}

// The answer to such an ACK shows that it was not early: no later text of that end goes before the answer.
TEST_F(CaptureJudged, AnAckOfWhatIsSentSoonAfterItsAnswerKeepsItsPlace) {
  for (const std::uint32_t wrong : {0u, 500u}) {
    SCOPED_TRACE(wrong);
    const std::string path = path_ + std::to_string(wrong);
    CaptureFile file(path);
    Time now = std::chrono::seconds(10);
    const auto put = [&](const PacketFields& fields, Time later = std::chrono::microseconds(30)) {
      now += later;
      encode(fields, octets_);
      file.write(now, octets_);
    };
    put(up({.syn = true}, 0, 0), std::chrono::milliseconds(3));
    put(down({.syn = true, .ack = true}, 0, 1));
    put(up({.ack = true}, 1, 1), std::chrono::milliseconds(3));
    put(down({.ack = true}, 1, 1, 1000));
    put(down({.ack = true}, 1001, 1, 1000));
    put(up({.ack = true}, 1, 5001), std::chrono::milliseconds(3));
    put(down({.ack = true}, 2001 - wrong, 1));
    put(up({.ack = true}, 1, 1001));
    put(down({.ack = true}, 2001, 1, 1000));
    put(down({.ack = true}, 3001, 1, 1000));
    put(up({.ack = true}, 1, 4001), std::chrono::milliseconds(3));
    file.close();
    const CaptureResult result = judge_capture(path);
    EXPECT_EQ(result.conversations.at(0).ends[1].outcome, wrong == 0 ? Outcome::kPass : Outcome::kFail)
        << result.conversations[0].ends[1].why;
    std::remove(path.c_str());
  }
}

TEST_F(CaptureJudged, ASegmentThatTheInterfaceHasYetToCutIsTakenAsItsPieces) {
  open();
  PacketFields large = down({.psh = true, .ack = true}, 1, 1);
  const Bytes text(10000, 'x');
  large.text = text;
  write(large);
  write(up({.ack = true}, 1, 10001), milliseconds(3));
  const CaptureResult result = judge();
  EXPECT_EQ(result.outcome, Outcome::kPass) << result.why;
}

// Several processors capture, and the file has a frame behind one that was later: its time says where it belongs.
TEST_F(CaptureJudged, FramesAreTakenInTheOrderOfTheirTimes) {
  open();
  exchange();
  close();
  file_.close();
  std::ifstream in(path_, std::ios::binary);
  const std::string octets{std::istreambuf_iterator<char>(in), {}};
  constexpr std::size_t kFileHeader = 24, kRecordHeader = 16;
  std::vector<std::string> frames;
  for (std::size_t at = kFileHeader; at < octets.size();) {
    std::uint32_t captured = 0;
    std::memcpy(&captured, &octets[at + 8], sizeof captured);
    frames.push_back(octets.substr(at, kRecordHeader + captured));
    at += kRecordHeader + captured;
  }
  std::swap(frames[3], frames[4]);  // the answer before the text
  std::ofstream out(path_, std::ios::binary);
  out << octets.substr(0, kFileHeader);
  for (const std::string& frame : frames) out << frame;
  out.close();
  const CaptureResult result = judge_capture(path_);
  EXPECT_EQ(result.outcome, Outcome::kPass) << result.why;
  EXPECT_EQ(result.counts.moved, 1u);
}

// What the capture has of one interface, and then the same packets as another interface has seen them 20 us later: a
// recorder writes a second's worth of each at a time.
class AtTwoInterfaces : public CaptureJudged {
 protected:
  CaptureResult judged() {
    file_.close();
    std::ifstream in(path_, std::ios::binary);
    const std::string octets((std::istreambuf_iterator<char>(in)), {});
    std::uint32_t link = 0, magic = 0;
    std::memcpy(&magic, octets.data(), 4);
    std::memcpy(&link, &octets[20], 4);
    const std::uint64_t unit = magic == 0xa1b23c4d ? 1 : 1000;  // nanoseconds
    std::string copies, whole = block(0x0a0d0d0a, words({0x1a2b3c4d, 1, 0xffffffff, 0xffffffff}));
    const std::string resolution = words({0x00010009, 9, 0});  // if_tsresol: nanoseconds
    for (int i = 0; i < 2; ++i) whole += block(1, words({link, 0}) + resolution);
    for (std::size_t at = kFileHeader; at < octets.size();) {
      std::uint32_t header[4];
      std::memcpy(header, &octets[at], sizeof header);
      const std::string packet = octets.substr(at + kRecordHeader, header[2]);
      const std::uint64_t time = header[0] * 1'000'000'000ULL + header[1] * unit;
      whole += frame(0, time, packet);
      copies += frame(1, time + 20'000, packet);
      at += kRecordHeader + header[2];
    }
    std::ofstream(path_, std::ios::binary) << whole << copies;
    return judge_capture(path_);
  }

 private:
  static constexpr std::size_t kFileHeader = 24, kRecordHeader = 16;

  static std::string words(const std::vector<std::uint32_t>& values) {
    std::string all(values.size() * 4, 0);
    std::memcpy(all.data(), values.data(), all.size());
    return all;
  }
  static std::string block(std::uint32_t type, std::string body) {
    while (body.size() % 4 != 0) body += '\0';
    const auto length = static_cast<std::uint32_t>(body.size() + 12);
    return words({type, length}) + body + words({length});
  }
  static std::string frame(std::uint32_t interface, std::uint64_t time, const std::string& packet) {
    const auto length = static_cast<std::uint32_t>(packet.size());
    return block(6, words({interface, static_cast<std::uint32_t>(time >> 32), static_cast<std::uint32_t>(time), length,
                           length}) +
                        packet);
  }
};

TEST_F(AtTwoInterfaces, EachPacketIsSeenTwiceAndOnceSent) {
  open();
  now_ += milliseconds(300);
  exchange();
  now_ += milliseconds(300);
  close();
  const CaptureResult result = judged();
  ASSERT_EQ(result.conversations.size(), 1u);
  EXPECT_EQ(result.outcome, Outcome::kPass) << result.why;
  EXPECT_EQ(result.counts.moved, 8u);  // of nine copies the last is in its place
}

TEST_F(AtTwoInterfaces, AWrongAckIsOneAllTheSame) {
  open();
  write(up({.psh = true, .ack = true}, 1, 1, 100));
  write(down({.ack = true}, 1, 88));
  write(up({.ack = true}, 101, 1), milliseconds(300));
  const CaptureResult result = judged();
  ASSERT_EQ(result.conversations.size(), 1u);
  EXPECT_EQ(result.outcome, Outcome::kFail) << result.why;
}

TEST_F(CaptureJudged, OnlyTheEndThatWasAskedForIsJudged) {
  open();
  write(up({.psh = true, .ack = true}, 1, 1, 100));
  write(down({.ack = true}, 1, 88));
  const CaptureResult result = judge({.ends = {*ChosenEnd::parse("192.0.2.1")}});
  EXPECT_EQ(result.outcome, Outcome::kPass) << result.why;
}

TEST_F(CaptureJudged, SomethingElseIsRefusedByName) {
  Bytes udp(28);
  udp[0] = 0x45;
  udp[3] = 28;
  udp[9] = 17;
  write(udp);
  const CaptureResult result = judge();
  EXPECT_EQ(result.outcome, Outcome::kUnsupported);
  EXPECT_EQ(result.why, "no TCP segment is among its 1 IP packets");
}

TEST_F(CaptureJudged, NothingIsRefusedByName) {
  const CaptureResult result = judge();
  EXPECT_EQ(result.outcome, Outcome::kUnsupported);
  EXPECT_EQ(result.why, "no IP packet is in it");
}

TEST_F(CaptureJudged, AFileThatBreaksOffIsJudgedUpToThere) {
  open();
  exchange();
  file_.close();
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 5);
  const CaptureResult result = judge_capture(path_);
  EXPECT_EQ(result.outcome, Outcome::kInconclusive);
  EXPECT_NE(result.why.find("the file breaks off"), std::string::npos) << result.why;
  EXPECT_NE(capture_text(result, false).find("the file breaks off"), std::string::npos);
  EXPECT_EQ(result.passed, 1u);
}

TEST_F(CaptureJudged, ATextThatTheCaptureCutIsCountedAndTheRestJudged) {
  open();
  exchange();
  file_.close();
  // As with a snapshot length: the fourth frame's captured length, but not its real one, is 40 octets less.
  std::FILE* in = std::fopen(path_.c_str(), "rb");
  ASSERT_NE(in, nullptr);
  Bytes all(4096);
  all.resize(std::fread(all.data(), 1, all.size(), in));
  std::fclose(in);
  std::size_t at = 24;
  for (int frame = 1; frame < 4; ++frame) at += 16 + all[at + 8] + (std::size_t{all[at + 9]} << 8);
  const std::size_t kept = all[at + 8] - std::size_t{40};
  all[at + 8] = static_cast<std::uint8_t>(kept);
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(at + 16 + kept),
            all.begin() + static_cast<std::ptrdiff_t>(at + 16 + kept + 40));
  std::FILE* out = std::fopen(path_.c_str(), "wb");
  ASSERT_NE(out, nullptr);
  std::fwrite(all.data(), 1, all.size(), out);
  std::fclose(out);
  const CaptureResult result = judge_capture(path_);
  EXPECT_EQ(result.outcome, Outcome::kPass) << result.why;
  EXPECT_EQ(result.counts.text_cut, 1u);
}

TEST(ChosenEnd, IsAnAddressAndPerhapsAPort) {
  EXPECT_EQ(ChosenEnd::parse("192.0.2.2")->port, 0);
  EXPECT_EQ(ChosenEnd::parse("192.0.2.2:80")->port, 80);
  EXPECT_EQ(ChosenEnd::parse("[2001:db8::1]:443")->port, 443);
  EXPECT_EQ(ChosenEnd::parse("2001:db8::1")->address.family, 6);
  EXPECT_FALSE(ChosenEnd::parse("nonsense"));
  EXPECT_FALSE(ChosenEnd::parse("192.0.2.2:x"));
}

TEST(JudgeCapture, WhatIsNoCaptureIsRefused) {
  const std::string path = (std::filesystem::path(testing::TempDir()) / "tcpassay_no.pcap").string();
  std::FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  std::fputs("this is no capture", file);
  std::fclose(file);
  EXPECT_FALSE(is_capture(path));
  EXPECT_THROW(judge_capture(path), CaptureError);
  std::remove(path.c_str());
}

}  // namespace
}  // namespace tcpassay
