// SPDX-License-Identifier: Apache-2.0
// Opening a connection: RFC 9293 sections 3.5 and 3.10.7.1 to 3.10.7.3.
#include <gtest/gtest.h>

#include "harness/targets/own/peer_test.h"

namespace tcpassay {
namespace {

const std::vector<std::uint8_t> kMss1460{2, 4, 5, 180};

// Figure 6 seen from the passive side; MSS goes with every SYN (MUST-14).
TEST(OwnOpen, PassiveThreeWayHandshake) {
  TestPeer peer;
  const int listener = peer.listen();
  peer.put({.flags = "S", .seq = 0, .options = kMss1460});
  const auto heard = peer.hear();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].brief(), "SA 0 1 0");
  EXPECT_EQ(heard[0].mss, 1460u);
  EXPECT_EQ(peer.state(), State::kSynReceived);
  EXPECT_EQ(peer.accept(listener).error, UserError::kWouldBlock);
  EXPECT_EQ(peer.answer({.flags = "A"}), "");
  EXPECT_EQ(peer.state(), State::kEstablished);
  EXPECT_EQ(peer.accept(listener).tuple, (Tuple{.local = 80, .remote = 5000}));
}

TEST(OwnOpen, ActiveThreeWayHandshake) {
  TestPeer peer;
  const int handle = peer.connect();
  EXPECT_EQ(peer.hears(), "S 0 0 0");
  EXPECT_EQ(peer.read(handle).error, UserError::kWouldBlock);
  EXPECT_EQ(peer.answer({.flags = "SA", .seq = 0}), "A 1 1 0");
  EXPECT_EQ(peer.state(), State::kEstablished);
  EXPECT_EQ(peer.call({.kind = CallKind::kConnect, .handle = handle, .port = 9}).error, UserError::kIsConnected);
}

// Text queued before ESTABLISHED rides on the ACK of the SYN,ACK.
TEST(OwnOpen, TextWrittenInSynSentLeavesWithTheAck) {
  TestPeer peer;
  const int handle = peer.connect();
  peer.hears();
  EXPECT_EQ(peer.write(handle, 10).result, 10);
  EXPECT_EQ(peer.answer({.flags = "SA", .seq = 0}), "PA 1 1 10");
}

// 3.10.7.1: the two forms of a reset; a reset is never answered.
TEST(OwnOpen, Closed) {
  TestPeer peer;
  EXPECT_EQ(peer.answer({.flags = "S", .seq = 0, .length = 3}), "RA 0 4 0");
  EXPECT_EQ(peer.answer({.flags = "F", .seq = 7}), "RA 0 8 0");
  EXPECT_EQ(peer.answer({.flags = "A", .seq = 7, .ack = 77}), "R 77 0 0");
  EXPECT_EQ(peer.answer({.flags = "SA", .seq = 7, .ack = 78}), "R 78 0 0");
  EXPECT_EQ(peer.answer({.flags = "R"}), "");
  EXPECT_EQ(peer.answer({.flags = "RA"}), "");
}

// 3.10.7.2
TEST(OwnOpen, Listen) {
  TestPeer peer;
  peer.listen();
  EXPECT_EQ(peer.answer({.flags = "R", .seq = 5}), "");
  EXPECT_EQ(peer.answer({.flags = "RA", .seq = 5}), "");
  EXPECT_EQ(peer.answer({.flags = "A", .ack = 77}), "R 77 0 0");
  EXPECT_EQ(peer.answer({.flags = "SA", .ack = 77}), "R 77 0 0");
  EXPECT_EQ(peer.answer({.flags = "F", .length = 5}), "");
  EXPECT_EQ(peer.answer({.flags = "", .length = 5}), "");
  EXPECT_EQ(peer.answer({.flags = "SR", .seq = 0}), "");
}

// A SYN beyond the backlog is dropped, and there is room again once the user has accepted.
TEST(OwnOpen, Backlog) {
  TestPeer peer;
  const int listener = peer.listen(1);
  EXPECT_EQ(peer.answer({.flags = "S", .seq = 0}), "SA 0 1 0");
  peer.remote = 5001;
  EXPECT_EQ(peer.answer({.flags = "S", .seq = 0}), "");
  peer.remote = 5000;
  peer.answer({.flags = "A"});
  EXPECT_GE(peer.accept(listener).result, 0);
  peer.remote = 5001;
  EXPECT_EQ(peer.answer({.flags = "S", .seq = 0}), "SA 0 1 0");
}

// 3.10.7.3, first: a bad ACK draws a reset unless it is one, and SYN-SENT goes on.
TEST(OwnOpen, SynSentBadAck) {
  TestPeer peer;
  peer.connect();
  peer.hears();
  EXPECT_EQ(peer.answer({.flags = "SA", .seq = 0, .ack = 0}), "R 0 0 0");
  EXPECT_EQ(peer.answer({.flags = "A", .seq = 9, .ack = 2}), "R 2 0 0");
  EXPECT_EQ(peer.answer({.flags = "RA", .seq = 0, .ack = 2}), "");
  EXPECT_EQ(peer.state(), State::kSynSent);
  EXPECT_EQ(peer.answer({.flags = "SA", .seq = 0, .ack = 1}), "A 1 1 0");
}

// Second: only a reset that acknowledges the SYN refuses.
TEST(OwnOpen, SynSentReset) {
  TestPeer peer;
  const int handle = peer.connect();
  peer.hears();
  peer.answer({.flags = "R", .seq = 0});
  EXPECT_EQ(peer.state(), State::kSynSent);
  EXPECT_EQ(peer.answer({.flags = "RA", .seq = 0, .ack = 1}), "");
  EXPECT_EQ(peer.state(), State::kClosed);
  EXPECT_EQ(peer.read(handle).error, UserError::kRefused);
  EXPECT_EQ(peer.read(handle).result, 0);
  EXPECT_EQ(peer.write(handle, 1).error, UserError::kPipe);
}

TEST(OwnOpen, SynSentIgnoresWhatIsNeitherSynNorReset) {
  TestPeer peer;
  peer.connect();
  peer.hears();
  EXPECT_EQ(peer.answer({.flags = "A", .seq = 1, .ack = 1, .length = 4}), "");
  EXPECT_EQ(peer.answer({.flags = "F", .seq = 1}), "");
  EXPECT_EQ(peer.state(), State::kSynSent);
}

// Figure 7: the SYN,ACK that crosses completes the opening (appendix A.2), and so does a plain ACK.
TEST(OwnOpen, SimultaneousOpen) {
  for (const Put& last : {Put{.flags = "SA", .seq = 0, .ack = 1}, Put{.flags = "A", .seq = 1, .ack = 1}}) {
    TestPeer peer;
    peer.connect();
    peer.hears();
    EXPECT_EQ(peer.answer({.flags = "S", .seq = 0, .options = kMss1460}), "SA 0 1 0");
    EXPECT_EQ(peer.state(), State::kSynReceived);
    EXPECT_EQ(peer.answer(last), last.flags == "SA" ? "A 1 1 0" : "");
    EXPECT_EQ(peer.state(), State::kEstablished);
  }
}

// MUST-11: after an active OPEN a reset refuses, after a passive one the listener is there again (Figure 8).
TEST(OwnOpen, ResetInSynReceived) {
  TestPeer active;
  const int handle = active.connect();
  active.hears();
  active.answer({.flags = "S", .seq = 0});
  EXPECT_EQ(active.answer({.flags = "R", .seq = 1}), "");
  EXPECT_EQ(active.read(handle).error, UserError::kRefused);

  TestPeer passive;
  passive.listen();
  passive.answer({.flags = "S", .seq = 0});
  EXPECT_EQ(passive.answer({.flags = "R", .seq = 1}), "");
  EXPECT_EQ(passive.state(), State::kClosed);
  passive.iss = 5000;
  EXPECT_EQ(passive.answer({.flags = "S", .seq = 0}), "SA 0 1 0");
}

TEST(OwnOpen, SynReceived) {
  TestPeer peer;
  peer.listen();
  peer.answer({.flags = "S", .seq = 0});
  EXPECT_EQ(peer.answer({.flags = "S", .seq = 0}), "A 1 1 0") << "a duplicate is not acceptable";
  EXPECT_EQ(peer.answer({.flags = "R", .seq = 9}), "A 1 1 0") << "a challenge ACK";
  EXPECT_EQ(peer.answer({.flags = "A", .ack = 7}), "R 7 0 0") << "a bad ACK";
  EXPECT_EQ(peer.answer({.flags = "A", .ack = 0}), "R 0 0 0") << "a bad ACK";
  EXPECT_EQ(peer.answer({.flags = "", .length = 9}), "") << "no ACK bit";
  EXPECT_EQ(peer.state(), State::kSynReceived);
  EXPECT_EQ(peer.answer({.flags = "S", .seq = 5}), "") << "back to LISTEN";
  EXPECT_EQ(peer.state(), State::kClosed);
}

// Text and FIN on a SYN wait for the handshake to be complete, then they are delivered and acknowledged.
TEST(OwnOpen, TextOnSyn) {
  TestPeer peer;
  const int listener = peer.listen();
  EXPECT_EQ(peer.answer({.flags = "SF", .seq = 0, .length = 10}), "SA 0 1 0");
  EXPECT_EQ(peer.answer({.flags = "A"}), "A 1 12 0");
  EXPECT_EQ(peer.state(), State::kCloseWait);
  const int handle = static_cast<int>(peer.accept(listener).result);
  EXPECT_EQ(peer.read(handle).result, 10);
  EXPECT_EQ(peer.read(handle).result, 0);
}

TEST(OwnOpen, TextOnSynAck) {
  TestPeer peer;
  const int handle = peer.connect();
  peer.hears();
  EXPECT_EQ(peer.answer({.flags = "SA", .seq = 0, .length = 10}), "A 1 11 0");
  EXPECT_EQ(peer.read(handle).result, 10);
}

// RFC 6528: the clock moves the number by one every 4 microseconds, the ports move it unpredictably.
TEST(OwnOpen, InitialSequenceNumbers) {
  TestPeer peer;
  peer.listen();
  peer.answer({.flags = "S", .seq = 0});
  const std::uint32_t first = peer.target_iss;
  peer.answer({.flags = "R", .seq = 1});
  peer.wait(0.4);
  peer.answer({.flags = "S", .seq = 0});
  EXPECT_EQ(peer.target_iss - first, 100000u);
  peer.remote = 5001;
  peer.answer({.flags = "S", .seq = 0});
  EXPECT_GT(peer.target_iss - first, 1000000u);
}

// Same seed, same bytes; another seed, other numbers.
TEST(OwnOpen, Determinism) {
  const auto run = [](TestPeer& peer, std::uint64_t seed) {
    peer.target.reset(seed);
    peer.listener = -1, peer.transcript.clear();
    const int handle = peer.passive();
    peer.write(handle, 5000);
    peer.wait(3);
    peer.transcript.push_back(std::to_string(peer.target_iss));
    return peer.transcript;
  };
  TestPeer one, two;
  const auto first = run(one, 7);
  run(one, 8);
  EXPECT_EQ(run(one, 7), first) << "after another run";
  EXPECT_EQ(run(two, 7), first);
  EXPECT_NE(run(two, 8), first);
}

}  // namespace
}  // namespace tcpassay
