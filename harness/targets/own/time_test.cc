// SPDX-License-Identifier: Apache-2.0
// Time: retransmission (RFC 6298), giving up (RFC 9293 section 3.8.3), zero windows (3.8.6.1).
#include <gtest/gtest.h>

#include "harness/targets/own/peer_test.h"
#include "harness/targets/own/rto.h"

namespace tcpassay {
namespace {

// MUST-23: retransmitted for three minutes and more, with the interval doubled up to 60 s.
TEST(OwnTime, Syn) {
  TestPeer peer;
  const int handle = peer.connect();
  peer.hears();
  EXPECT_EQ(peer.wait(200),
            "1.0 S 0 0 0; 3.0 S 0 0 0; 7.0 S 0 0 0; 15.0 S 0 0 0; 31.0 S 0 0 0; 63.0 S 0 0 0; "
            "123.0 S 0 0 0; 183.0 S 0 0 0");
  EXPECT_EQ(peer.wait(200), "");
  EXPECT_EQ(peer.read(handle).error, UserError::kTimedOut);
}

TEST(OwnTime, SynAck) {
  TestPeer peer;
  peer.listen(1);
  peer.answer({.flags = "S", .seq = 0});
  EXPECT_EQ(peer.wait(4), "1.0 SA 0 1 0; 3.0 SA 0 1 0");
  peer.wait(400);
  EXPECT_EQ(peer.state(), State::kClosed);
  EXPECT_EQ(peer.answer({.flags = "S", .seq = 0}), "SA 0 1 0") << "the place in the backlog is free again";
}

// SHLD-11, MUST-20: text is retransmitted for 100 seconds and more.
TEST(OwnTime, Text) {
  TestPeer peer;
  const int handle = peer.passive();
  peer.write(handle, 10);
  peer.hears();
  EXPECT_EQ(peer.wait(300),
            "1.0 PA 1 1 10; 3.0 PA 1 1 10; 7.0 PA 1 1 10; 15.0 PA 1 1 10; 31.0 PA 1 1 10; "
            "63.0 PA 1 1 10; 123.0 PA 1 1 10");
  EXPECT_EQ(peer.write(handle, 1).error, UserError::kTimedOut);
  EXPECT_EQ(peer.state(), State::kClosed);
}

// MUST-21
TEST(OwnTime, UserTimeout) {
  TestPeer peer;
  const int handle = peer.passive();
  peer.set(handle, SocketOption::kUserTimeout, 2500);
  peer.write(handle, 10);
  peer.wait(2.4);
  EXPECT_EQ(peer.state(), State::kEstablished);
  peer.wait(0.1);
  EXPECT_EQ(peer.state(), State::kClosed);
  EXPECT_EQ(peer.read(handle).error, UserError::kTimedOut);
}

// 3.8: a retransmission carries the current acknowledgment; 3.6: the FIN is retransmitted too.
TEST(OwnTime, RetransmissionIsCurrent) {
  TestPeer peer;
  const int handle = peer.passive();
  peer.write(handle, 10);
  peer.close(handle);
  EXPECT_EQ(peer.hears(), "PA 1 1 10; FA 11 1 0");
  peer.wait(0.5);
  peer.put({.flags = "FA"});
  EXPECT_EQ(peer.hears(), "A 12 2 0");
  EXPECT_EQ(peer.wait(0.5), "1.0 FPA 1 2 10");
  EXPECT_EQ(peer.answer({.seq = 2, .ack = 11}), "");
  EXPECT_EQ(peer.wait(2), "3.0 FA 11 2 0") << "the back-off stays (Karn)";
}

// Only the earliest segment goes again (5.4), and an ACK of new text restarts the timer (5.3).
TEST(OwnTime, EarliestFirst) {
  TestPeer peer;
  const int handle = peer.passive({2, 4, 3, 232});
  peer.write(handle, 3000);
  peer.hears();
  peer.wait(0.6);
  EXPECT_EQ(peer.answer({.ack = 1001}), "");
  EXPECT_EQ(peer.wait(1.2), "1.6 A 1001 1 1000");
}

// (5.7): after a lost SYN the timeout for text is 3 s.
TEST(OwnTime, AfterASynWasLost) {
  TestPeer peer;
  const int handle = peer.connect();
  EXPECT_EQ(peer.wait(1), "0.0 S 0 0 0; 1.0 S 0 0 0");
  peer.answer({.flags = "SA", .seq = 0});
  peer.write(handle, 5);
  peer.hears();
  EXPECT_EQ(peer.wait(4), "4.0 PA 1 1 5");
}

// (2.2) to (2.4)
TEST(OwnTime, RttEstimator) {
  own::Rto rto;
  EXPECT_EQ(rto.value(), own::kSecond);
  rto.sample(2 * own::kSecond);
  EXPECT_EQ(rto.value(), 6 * own::kSecond) << "SRTT 2 s, RTTVAR 1 s";
  rto.sample(2 * own::kSecond);
  EXPECT_EQ(rto.value(), 5 * own::kSecond) << "RTTVAR 0.75 s";
  rto.back_off();
  EXPECT_EQ(rto.value(), 10 * own::kSecond);
  own::Rto fast;
  fast.sample(own::kMillisecond);
  EXPECT_EQ(fast.value(), own::kSecond);
}

// A measured round trip sets the timeout: 0.5 s gives 0.5 + 4 * 0.25.
TEST(OwnTime, MeasuredRoundTrip) {
  TestPeer peer;
  const int handle = peer.connect();
  peer.hears();
  peer.wait(0.5);
  peer.answer({.flags = "SA", .seq = 0});
  peer.write(handle, 5);
  peer.hears();
  EXPECT_EQ(peer.wait(2), "2.0 PA 1 1 5");
}

// SHLD-29, SHLD-30, MUST-36, MUST-37: probes one RTO after, at growing intervals, for as long as they are answered.
TEST(OwnTime, ZeroWindow) {
  TestPeer peer;
  const int handle = peer.passive();
  peer.write(handle, 10);
  peer.hears();
  peer.answer({.ack = 11, .wnd = 0});
  peer.write(handle, 3000);
  EXPECT_EQ(peer.wait(8), "1.0 A 11 1 1; 3.0 A 11 1 1; 7.0 A 11 1 1");
  for (int i = 0; i < 30; ++i) {
    peer.answer({.ack = 11, .wnd = 0});
    EXPECT_NE(peer.wait(60), "");
  }
  EXPECT_EQ(peer.state(), State::kEstablished) << "after half an hour";
  EXPECT_EQ(peer.answer({.ack = 11, .wnd = 5000}), "A 11 1 1460; A 1471 1 1460");
}

TEST(OwnTime, ZeroWindowUnanswered) {
  TestPeer peer;
  const int handle = peer.passive();
  peer.write(handle, 10);
  peer.answer({.ack = 11, .wnd = 0});
  peer.write(handle, 10);
  peer.wait(300);
  EXPECT_EQ(peer.read(handle).error, UserError::kTimedOut);
}

// A probe octet that the peer took is not sent again; a FIN is what probes when nothing else is left.
TEST(OwnTime, ZeroWindowProbeAccepted) {
  TestPeer peer;
  const int handle = peer.passive();
  peer.write(handle, 10);
  peer.answer({.ack = 11, .wnd = 0});
  peer.write(handle, 2);
  peer.close(handle);
  EXPECT_EQ(peer.wait(1), "1.0 A 11 1 1");
  EXPECT_EQ(peer.answer({.ack = 12, .wnd = 0}), "");
  EXPECT_EQ(peer.wait(1), "2.0 PA 12 1 1");
  EXPECT_EQ(peer.answer({.ack = 13, .wnd = 0}), "");
  EXPECT_EQ(peer.wait(3.5), "3.0 FA 13 1 0; 5.0 FA 13 1 0");
  EXPECT_EQ(peer.answer({.ack = 14, .wnd = 0}), "");
  EXPECT_EQ(peer.state(), State::kFinWait2);
}

// MUST-34, MUST-35, SHLD-16: the peer takes its window back with text in flight.
TEST(OwnTime, ShrunkenWindow) {
  TestPeer peer;
  const int handle = peer.passive({2, 4, 3, 232});
  peer.write(handle, 3000);
  peer.hears();
  EXPECT_EQ(peer.answer({.wnd = 700}), "");
  EXPECT_EQ(peer.wait(1), "1.0 A 1 1 700") << "what fits, again";
  EXPECT_EQ(peer.answer({.wnd = 0}), "");
  EXPECT_EQ(peer.wait(2), "3.0 A 1 1 1") << "a probe";
  EXPECT_EQ(peer.answer({.wnd = 4000}), "A 1 1 1000") << "open again";
}

TEST(OwnTime, AdvanceStopsWhereSomethingWasSent) {
  TestPeer peer;
  peer.connect();
  peer.hears();
  peer.target.advance(std::chrono::seconds(10));
  EXPECT_EQ(peer.target.now(), std::chrono::seconds(1));
  peer.target.advance(std::chrono::seconds(2));
  EXPECT_EQ(peer.target.now(), std::chrono::seconds(2));
}

}  // namespace
}  // namespace tcpassay
