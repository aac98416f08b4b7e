// SPDX-License-Identifier: Apache-2.0
// Closing, aborting and TIME-WAIT: RFC 9293 sections 3.6, 3.10.4, 3.10.5 and the states after ESTABLISHED.
#include <gtest/gtest.h>

#include "harness/targets/own/peer_test.h"

namespace tcpassay {
namespace {

// Figure 12 from the left.
int closed_first(TestPeer& peer) {
  const int handle = peer.passive();
  peer.shutdown(handle, 1);
  EXPECT_EQ(peer.hears(), "FA 1 1 0");
  EXPECT_EQ(peer.state(), State::kFinWait1);
  EXPECT_EQ(peer.answer({.ack = 2}), "");
  EXPECT_EQ(peer.state(), State::kFinWait2);
  EXPECT_EQ(peer.answer({.flags = "FA", .ack = 2}), "A 2 2 0");
  EXPECT_EQ(peer.state(), State::kTimeWait);
  return handle;
}

TEST(OwnClose, ActiveClose) {
  TestPeer peer;
  const int handle = closed_first(peer);
  EXPECT_EQ(peer.read(handle).result, 0);
  EXPECT_EQ(peer.wait(239.9), "");
  EXPECT_EQ(peer.state(), State::kTimeWait);
  peer.wait(0.1);
  EXPECT_EQ(peer.state(), State::kClosed) << "2*MSL is 240 s (MUST-13)";
  EXPECT_EQ(peer.answer({.ack = 2}), "R 2 0 0");
}

// Figure 12 from the right: CLOSE-WAIT, LAST-ACK.
TEST(OwnClose, PassiveClose) {
  TestPeer peer;
  const int handle = peer.passive();
  EXPECT_EQ(peer.answer({.flags = "FA", .length = 5}), "A 1 7 0");
  EXPECT_EQ(peer.state(), State::kCloseWait);
  EXPECT_EQ(peer.write(handle, 3).result, 3) << "text still goes the other way";
  EXPECT_EQ(peer.hears(), "PA 1 7 3");
  peer.shutdown(handle, 1);
  EXPECT_EQ(peer.hears(), "FA 4 7 0");
  EXPECT_EQ(peer.state(), State::kLastAck);
  EXPECT_EQ(peer.answer({.seq = 7, .ack = 4}), "");
  EXPECT_EQ(peer.answer({.seq = 7, .ack = 5}), "");
  EXPECT_EQ(peer.state(), State::kClosed);
  EXPECT_EQ(peer.read(handle).result, 5) << "what came before is still there to be read";
  EXPECT_EQ(peer.read(handle).result, 0);
}

// Figure 13.
TEST(OwnClose, SimultaneousClose) {
  TestPeer peer;
  peer.close(peer.passive());
  peer.hears();
  EXPECT_EQ(peer.answer({.flags = "FA"}), "A 2 2 0");
  EXPECT_EQ(peer.state(), State::kClosing);
  EXPECT_EQ(peer.answer({.flags = "FA", .seq = 2}), "") << "what does not acknowledge our FIN is ignored";
  EXPECT_EQ(peer.answer({.seq = 2, .ack = 2}), "");
  EXPECT_EQ(peer.state(), State::kTimeWait);
}

// FIN and the ACK of ours in one segment.
TEST(OwnClose, FinWait1ToTimeWait) {
  TestPeer peer;
  peer.close(peer.passive());
  peer.hears();
  EXPECT_EQ(peer.answer({.flags = "FA", .ack = 2}), "A 2 2 0");
  EXPECT_EQ(peer.state(), State::kTimeWait);
}

// All preceding SENDs are segmentized before the FIN, which rides on the last.
TEST(OwnClose, FinFollowsText) {
  TestPeer peer;
  const int handle = peer.passive({2, 4, 3, 232}, 1500);
  peer.write(handle, 2000);
  peer.close(handle);
  EXPECT_EQ(peer.hears(), "A 1 1 1000");
  EXPECT_EQ(peer.state(), State::kFinWait1);
  EXPECT_EQ(peer.answer({.ack = 1001, .wnd = 1000}), "PA 1001 1 1000") << "the window has no place for the FIN";
  EXPECT_EQ(peer.answer({.ack = 2001, .wnd = 1000}), "FA 2001 1 0");
}

// Half-close: text is received in FIN-WAIT-1 and FIN-WAIT-2.
TEST(OwnClose, HalfClose) {
  TestPeer peer;
  const int handle = peer.passive();
  peer.shutdown(handle, 1);
  peer.hears();
  peer.put({.seq = 1, .ack = 1, .length = 10});
  peer.put({.seq = 11, .ack = 2, .length = 10});
  EXPECT_EQ(peer.hears(), "A 2 21 0");
  EXPECT_EQ(peer.read(handle).result, 20);
  EXPECT_EQ(peer.write(handle, 1).error, UserError::kPipe);
}

// SHLD-3: text after a full close, and a close with text unread.
TEST(OwnClose, LostTextIsShownByAReset) {
  TestPeer late;
  late.close(late.passive());
  late.answer({.ack = 2});
  EXPECT_EQ(late.answer({.ack = 2, .length = 4}), "R 2 0 0");
  EXPECT_EQ(late.state(), State::kClosed);

  TestPeer unread;
  const int handle = unread.passive();
  unread.put({.length = 4});
  unread.close(handle);
  EXPECT_EQ(unread.hears(), "R 1 0 0");
  EXPECT_EQ(unread.state(), State::kClosed);
}

// 3.10.5: SEQ=SND.NXT; none from CLOSING, LAST-ACK and TIME-WAIT.
TEST(OwnClose, Abort) {
  TestPeer peer;
  const int handle = peer.passive();
  peer.write(handle, 9);
  peer.hears();
  peer.set(handle, SocketOption::kLinger, 0);
  peer.close(handle);
  EXPECT_EQ(peer.hears(), "R 10 0 0");
  EXPECT_EQ(peer.state(), State::kClosed);

  TestPeer waits;
  const int other = closed_first(waits);
  waits.set(other, SocketOption::kLinger, 0);
  waits.close(other);
  EXPECT_EQ(waits.hears(), "");
  EXPECT_EQ(waits.state(), State::kClosed);
}

TEST(OwnClose, InSynSentAndSynReceived) {
  TestPeer sent;
  sent.close(sent.connect());
  EXPECT_EQ(sent.hears(), "S 0 0 0");
  EXPECT_EQ(sent.state(), State::kClosed);

  TestPeer received;
  const int handle = received.connect();
  received.hears();
  received.answer({.flags = "S", .seq = 0});
  received.shutdown(handle, 1);
  EXPECT_EQ(received.hears(), "FA 1 1 0") << "no SENDs: FIN at once";
  EXPECT_EQ(received.state(), State::kFinWait1);
  EXPECT_EQ(received.wait(2), "1.0 SA 0 1 0") << "the SYN is still first in the retransmission queue";
  EXPECT_EQ(received.answer({.seq = 1, .ack = 1}), "");
  EXPECT_EQ(received.state(), State::kFinWait1);
  EXPECT_EQ(received.answer({.seq = 1, .ack = 2}), "");
  EXPECT_EQ(received.state(), State::kFinWait2);
}

// With text to send the CLOSE is queued until ESTABLISHED.
TEST(OwnClose, InSynReceivedWithText) {
  TestPeer peer;
  const int handle = peer.connect();
  peer.hears();
  peer.answer({.flags = "S", .seq = 0});
  peer.write(handle, 5);
  peer.close(handle);
  EXPECT_EQ(peer.hears(), "");
  EXPECT_EQ(peer.state(), State::kSynReceived);
  EXPECT_EQ(peer.answer({}), "FPA 1 1 5");
  EXPECT_EQ(peer.state(), State::kFinWait1);
}

// A repeated FIN is acknowledged and the timer starts again.
TEST(OwnClose, TimeWaitRestarts) {
  TestPeer peer;
  closed_first(peer);
  peer.wait(200);
  EXPECT_EQ(peer.answer({.flags = "FA", .ack = 2}), "A 2 2 0");
  peer.wait(200);
  EXPECT_EQ(peer.state(), State::kTimeWait);
  EXPECT_EQ(peer.answer({.seq = 2, .ack = 2}), "") << "a plain ACK restarts nothing";
  peer.wait(40);
  EXPECT_EQ(peer.state(), State::kClosed);
}

TEST(OwnClose, TimeWaitReset) {
  TestPeer peer;
  closed_first(peer);
  EXPECT_EQ(peer.answer({.flags = "R", .seq = 3}), "A 2 2 0");
  EXPECT_EQ(peer.answer({.flags = "R", .seq = 1}), "");
  EXPECT_EQ(peer.state(), State::kTimeWait);
  EXPECT_EQ(peer.answer({.flags = "R", .seq = 2}), "");
  EXPECT_EQ(peer.state(), State::kClosed);
}

// MAY-2: a SYN above all that was used reopens; a reset of the new attempt brings TIME-WAIT back.
TEST(OwnClose, TimeWaitReopened) {
  TestPeer peer;
  closed_first(peer);
  EXPECT_EQ(peer.answer({.flags = "S", .seq = 1}), "") << "not above the last number: dropped (RFC 6191)";
  const std::uint32_t used = peer.target_iss + 2;
  const std::uint32_t old_iss = peer.target_iss;
  peer.iss += 70000;
  peer.put({.flags = "S", .seq = 0});
  EXPECT_EQ(peer.hears(), "SA 0 1 0");
  EXPECT_LT(0, static_cast<std::int32_t>(peer.target_iss - used));
  EXPECT_EQ(peer.state(), State::kSynReceived);
  EXPECT_EQ(peer.answer({.flags = "R", .seq = 1}), "");
  EXPECT_EQ(peer.state(), State::kTimeWait);
  peer.iss -= 70000, peer.target_iss = old_iss;
  EXPECT_EQ(peer.answer({.flags = "FA", .ack = 2}), "A 2 2 0");
  peer.iss += 70000;
  EXPECT_EQ(peer.answer({.flags = "S", .seq = 0}), "SA 0 1 0");
  EXPECT_EQ(peer.answer({}), "");
  EXPECT_EQ(peer.state(), State::kEstablished);
}

// Nothing behind the FIN is text, and a second FIN moves nothing.
TEST(OwnClose, BehindTheFin) {
  TestPeer peer;
  const int handle = peer.passive();
  peer.answer({.flags = "FA", .length = 5});
  EXPECT_EQ(peer.answer({.seq = 7, .length = 5}), "");
  EXPECT_EQ(peer.answer({.flags = "FA", .seq = 7, .length = 5}), "A 1 7 0");
  EXPECT_EQ(peer.answer({.flags = "FA", .seq = 6}), "A 1 7 0") << "the FIN again";
  EXPECT_EQ(peer.read(handle).result, 5);
  EXPECT_EQ(peer.read(handle).result, 0);
}

// The reset of 3.10.7.4 ends each state; only some tell the user.
TEST(OwnClose, ResetInLastAck) {
  TestPeer peer;
  const int handle = peer.passive();
  peer.answer({.flags = "FA"});
  peer.shutdown(handle, 1);
  peer.hears();
  EXPECT_EQ(peer.answer({.flags = "R", .seq = 2}), "");
  EXPECT_EQ(peer.state(), State::kClosed);
  EXPECT_EQ(peer.read(handle).result, 0);
}

// A listener that closes aborts what nobody has accepted.
TEST(OwnClose, Listener) {
  TestPeer peer;
  const int listener = peer.listen();
  peer.answer({.flags = "S", .seq = 0});
  peer.answer({});
  peer.close(listener);
  EXPECT_EQ(peer.hears(), "R 1 0 0");
  EXPECT_EQ(peer.answer({.flags = "S", .seq = 0}), "RA 0 1 0");
}

}  // namespace
}  // namespace tcpassay
