// SPDX-License-Identifier: Apache-2.0
// Every packet that leaves is taken, once and in its order: by the program in the kernel, by the device where the
// program lets it pass, and without the program.
#include "harness/targets/linux/departure_capture.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "harness/targets/linux/linux_test.h"
#include "harness/targets/linux/namespace.h"
#include "harness/targets/linux/tun_wire.h"

namespace tcpassay {
namespace {

using Departures = TunWire::Departures;

// The system calls of this thread that read a descriptor, with those that found nothing.
std::uint64_t reads_made() {
  std::ifstream file("/proc/thread-self/io");
  std::string name;
  std::uint64_t count = 0;
  while (file >> name >> count) {
    if (name == "syscr:") return count;
  }
  return 0;
}

class TunDepartures : public testing::TestWithParam<Departures> {
 protected:
  void SetUp() override {
    if (const auto missing = linux_missing()) GTEST_SKIP() << *missing;
    auto where = std::make_unique<NetworkNamespace>();
    auto wire = std::make_unique<TunWire>(*where, GetParam());
    const bool captures = wire->captures();
    target_ = std::make_unique<LinuxTarget>("linux", std::move(where), std::move(wire));
    if (GetParam() == Departures::kCaptured && !captures) GTEST_SKIP() << "this user may load no program";
    peer_.emplace(*target_);
  }

  // The kernel resets an ACK for what it does not know with the number that was acknowledged.
  void provoke(std::uint32_t number) { peer_->send({81, 5011}, kAck, kIss, number); }

  // The peer opens, with an MSS, and the user accepts; returns the handle.
  int accepted_with_mss(std::uint16_t mss) {
    const int listener = listening(*target_);
    const Bytes option{2, 4, static_cast<std::uint8_t>(mss >> 8), static_cast<std::uint8_t>(mss & 255)};
    peer_->send({.source_port = 5012, .destination_port = kPort, .seq = kIss, .ctl = kSyn, .options = option});
    const auto answer = peer_->receive();
    EXPECT_TRUE(answer);
    peer_->send({kPort, 5012}, kAck, kIss + 1, answer ? answer->seq + 1 : 0);
    return accepted(*target_, listener);
  }

  std::unique_ptr<LinuxTarget> target_;
  std::optional<Peer> peer_;
};

INSTANTIATE_TEST_SUITE_P(Kernel, TunDepartures, testing::Values(Departures::kCaptured, Departures::kByRing),
                         [](const auto& wanted) {
                           return std::string(wanted.param == Departures::kCaptured ? "captured" : "by_ring");
                         });

TEST_P(TunDepartures, TheDeviceIsReadOnlyWhereAPacketIs) {
  const std::uint64_t asking = [] {
    const std::uint64_t first = reads_made();
    return reads_made() - first;
  }();
  const std::uint64_t before = reads_made();
  const Tuple tuple{kPort, 5010};
  const int listener = listening(*target_);
  for (int i = 0; i < 100; ++i) target_->advance(target_->now());  // nothing waits: no read
  int packets = 0;
  peer_->send(tuple, kSyn, kIss, 0);
  const auto answer = peer_->receive();
  ASSERT_TRUE(answer);
  packets += 1 + peer_->drain();
  peer_->send(tuple, kAck, kIss + 1, answer->seq + 1);
  packets += peer_->drain();
  const int handle = accepted(*target_, listener);
  const Bytes text(100, 'x');
  call(*target_, {.kind = CallKind::kWrite, .handle = handle, .length = 100, .text = text});
  packets += peer_->drain();
  peer_->send({81, 5011}, kAck, kIss, 77);
  packets += peer_->drain();
  EXPECT_EQ(packets, 3);
  EXPECT_EQ(reads_made() - before - asking, std::uint64_t{GetParam() == Departures::kByRing ? 3u : 0u});
}

TEST_P(TunDepartures, MoreThanThereIsRoomForComeInTheirOrder) {
  std::uint32_t sent = 0, seen = 0;
  for (const int burst : {1, 63, 64, 65, 200, 3, 1000}) {
    for (int i = 0; i < burst; ++i) provoke(++sent);
    for (int i = 0; i < burst; ++i) {
      const auto reset = peer_->receive();
      ASSERT_TRUE(reset);
      EXPECT_EQ(reset->seq, ++seen);
      if (i % 8 == 0) provoke(++sent);  // there is room again, behind those that wait in the device
    }
    while (const auto reset = peer_->receive()) EXPECT_EQ(reset->seq, ++seen);
    EXPECT_EQ(seen, sent);
  }
}

TEST_P(TunDepartures, LongPacketsKeepTheirPlace) {
  ASSERT_TRUE(target_->tune("interface.mtu", "9000"));
  const int handle = accepted_with_mss(8000);
  const Bytes text(4000, 'x');
  for (const std::uint32_t octets : {100u, 2500u, 1400u, 4000u, 2000u, 1u}) {
    const ByteView some = ByteView(text).first(octets);
    EXPECT_EQ(call(*target_, {.kind = CallKind::kWrite, .handle = handle, .length = octets, .text = some}), octets);
  }
  std::optional<std::uint32_t> next;
  std::size_t octets = 0;
  while (const auto segment = peer_->receive()) {
    EXPECT_EQ(segment->seq, next.value_or(segment->seq));
    next = static_cast<std::uint32_t>(segment->seq + segment->text.size());
    octets += segment->text.size();
    if (segment->text.size() > 0) peer_->send({kPort, 5012}, kAck, kIss + 1, *next);
  }
  EXPECT_EQ(octets, 100u + 2500 + 1400 + 4000 + 2000 + 1);
}

// Of a packet that a timer sends, and of one that left before anybody waited.
TEST_P(TunDepartures, WhoWaitsIsWokenAtOnce) {
  accepted_with_mss(1460);
  provoke(5);
  const Time before = target_->now();
  target_->advance(before + 500ms);
  EXPECT_LT(target_->now() - before, 250ms);
  EXPECT_EQ(peer_->receive().value_or(Decoded{}).seq, 5u);

  peer_->send({.source_port = 5013, .destination_port = kPort, .seq = kIss, .ctl = kSyn});
  ASSERT_TRUE(peer_->receive());
  target_->advance(target_->now() + 3s);  // the SYN-ACK goes again after a second
  const auto again = target_->collect();
  ASSERT_TRUE(again);
  EXPECT_LE(again->until - again->from, 100ms);
}

// TCP takes its congestion window back when the device drops a packet and no queueing discipline hides that.
TEST_P(TunDepartures, TcpNeverLearnsOfADrop) {
  for (const char* change : {"", "qdisc replace dev tun0 root noqueue"}) {
    target_->reset(1);
    if (*change && !target_->tune("tc", change)) GTEST_SKIP() << "no tc here";
    const int handle = accepted_with_mss(1460);
    const auto window = target_->implementation_specific(handle, "tcpi_snd_cwnd", {});
    const Bytes text(100, 'x');
    call(*target_, {.kind = CallKind::kWrite, .handle = handle, .length = 100, .text = text});
    EXPECT_TRUE(peer_->receive());
    EXPECT_EQ(target_->implementation_specific(handle, "tcpi_snd_cwnd", {}), window) << change;
    EXPECT_EQ(target_->implementation_specific(handle, "tcpi_ca_state", {}), 0) << change;
  }
}

}  // namespace
}  // namespace tcpassay
