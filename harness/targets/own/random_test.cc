// SPDX-License-Identifier: Apache-2.0
// Random segments and calls in any order: the stack keeps its invariants, and the same input gives the same output.
#include <gtest/gtest.h>

#include <random>

#include "harness/targets/own/peer_test.h"

namespace tcpassay {
namespace {

struct Random {
  explicit Random(std::uint32_t seed) : engine(seed) {}
  std::uint32_t operator()() { return static_cast<std::uint32_t>(engine()); }
  std::mt19937 engine;
};

constexpr int kRuns = 300, kSteps = 120;

std::uint32_t near_something(Random& random) {
  static constexpr std::uint32_t kBases[] = {0, 1, 2, 11, 100, 1461, 65536, 0x80000000};
  return kBases[random() % std::size(kBases)] + random() % 3 - 1;
}

void random_segment(TestPeer& peer, Random& random, std::uint32_t rcv_nxt, std::uint32_t snd_nxt) {
  static constexpr const char* kFlags[] = {"A", "A", "A", "A", "PA", "FA", "S", "SA", "R", "RA", "", "F", "SF", "SRFA"};
  Put put{.flags = kFlags[random() % std::size(kFlags)]};
  put.seq = random() % 2 != 0 ? rcv_nxt : rcv_nxt + near_something(random);
  put.ack = random() % 4 != 0 ? snd_nxt : snd_nxt - near_something(random);
  if (random() % 2 != 0) put.length = random() % 3000 % (random() % 2 != 0 ? 20 : 1460);
  if (random() % 4 == 0) put.wnd = near_something(random) % 65536;
  const auto octet = [&](std::uint32_t limit) { return static_cast<std::uint8_t>(random() % limit); };
  if (random() % 8 == 0) put.options = {octet(8), octet(8), 1};
  if (random() % 8 == 0) put.options = {2, 4, 0, octet(256)};
  put.reserved = octet(16);
  if (random() % 32 == 0) put.data_offset = static_cast<int>(random() % 16);
  peer.put(put);
}

void random_call(TestPeer& peer, Random& random) {
  static constexpr SocketOption kOptions[] = {SocketOption::kLinger,        SocketOption::kNoDelay,
                                              SocketOption::kReceiveBuffer, SocketOption::kSendBuffer,
                                              SocketOption::kUserTimeout,   SocketOption::kMaxSegment};
  UserCall call{.kind = static_cast<CallKind>(random() % 12), .handle = static_cast<int>(3 + random() % 4)};
  if (call.kind == CallKind::kClose && random() % 3 != 0) return;
  if (call.kind == CallKind::kWrite) {
    peer.write(call.handle, random() % 5000);
    return;
  }
  call.port = random() % 2 != 0 ? 80 : 5000;
  call.length = random() % 4000;
  call.how = static_cast<int>(random() % 3);
  call.option = kOptions[random() % std::size(kOptions)];
  call.value = static_cast<std::int64_t>(near_something(random)) - 1;
  peer.call(call);
}

std::vector<std::string> run(std::uint32_t seed) {
  Random random(seed);
  TestPeer peer(seed);
  peer.iss = random();
  if (random() % 2 != 0) {
    peer.passive();
  } else {
    peer.connect();
  }
  for (int step = 0; step < kSteps; ++step) {
    const auto report = peer.target.state({.local = peer.local, .remote = peer.remote});
    const std::uint32_t rcv_nxt = report && report->rcv_nxt ? *report->rcv_nxt - peer.iss : 0;
    const std::uint32_t snd_nxt = report ? *report->snd_nxt - peer.target_iss : 1;
    if (report && *report->snd_una - peer.target_iss > snd_nxt) ADD_FAILURE() << "SND.UNA > SND.NXT, seed " << seed;
    switch (random() % 8) {
      case 0:
        random_call(peer, random);
        break;
      case 1:
        peer.wait(random() % 3 == 0 ? 100 : 0.3);
        break;
      default:
        random_segment(peer, random, rcv_nxt, snd_nxt);
        break;
    }
    for (const Heard& heard : peer.hear()) {
      EXPECT_TRUE(heard.checksum_ok);
      EXPECT_LE(heard.text.size(), 1460u);
      EXPECT_EQ(heard.reserved, 0u);
    }
  }
  return peer.transcript;
}

TEST(OwnRandom, SurvivesAndRepeats) {
  for (std::uint32_t seed = 0; seed < kRuns; ++seed) {
    ASSERT_EQ(run(seed), run(seed)) << seed;
  }
}

}  // namespace
}  // namespace tcpassay
