// SPDX-License-Identifier: Apache-2.0
// Text in ESTABLISHED, and what is not acceptable there: RFC 9293 sections 3.4, 3.7, 3.8.6 and 3.10.7.4.
#include <gtest/gtest.h>

#include <algorithm>

#include "harness/targets/own/peer_test.h"

namespace tcpassay {
namespace {

// What a read returned is the peer's stream from `offset` on.
void expect_text(const UserCall& read, std::uint32_t offset, std::uint32_t length) {
  const auto expected = peer_text(offset, length);
  EXPECT_TRUE(std::ranges::equal(read.text, expected)) << read.text.size() << " octets";
}

// SHLD-18, SHLD-19: one segment waits 200 ms, the second is acknowledged at once.
TEST(OwnText, DelayedAck) {
  TestPeer peer;
  const int handle = peer.passive();
  EXPECT_EQ(peer.answer({.seq = 1, .length = 100}), "");
  EXPECT_EQ(peer.wait(1), "0.2 A 1 101 0");
  EXPECT_EQ(peer.answer({.seq = 101, .length = 1460}), "");
  EXPECT_EQ(peer.answer({.seq = 1561, .length = 1460}), "A 1 3021 0");
  EXPECT_EQ(peer.wait(1), "");
  expect_text(peer.read(handle), 0, 3020);
  EXPECT_EQ(peer.read(handle).error, UserError::kWouldBlock);
}

// The acknowledgment rides on text when there is some.
TEST(OwnText, PiggybackedAck) {
  TestPeer peer;
  const int handle = peer.passive();
  peer.put({.seq = 1, .length = 100});
  peer.write(handle, 10);
  EXPECT_EQ(peer.hears(), "PA 1 101 10");
  EXPECT_EQ(peer.answer({.seq = 101, .ack = 11}), "");
  EXPECT_EQ(peer.wait(5), "");
}

// SHLD-31, RFC 5681 section 4.2: held, acknowledged at once above the gap and when the gap is filled; FIN too.
TEST(OwnText, OutOfOrder) {
  TestPeer peer;
  const int handle = peer.passive();
  EXPECT_EQ(peer.answer({.flags = "FA", .seq = 201, .length = 100}), "A 1 1 0");
  EXPECT_EQ(peer.answer({.seq = 101, .length = 50}), "A 1 1 0");
  EXPECT_EQ(peer.read(handle).error, UserError::kWouldBlock);
  EXPECT_EQ(peer.answer({.seq = 1, .length = 100}), "A 1 151 0");
  EXPECT_EQ(peer.answer({.seq = 121, .length = 150}), "A 1 302 0");
  EXPECT_EQ(peer.state(), State::kCloseWait);
  expect_text(peer.read(handle), 0, 300);
  EXPECT_EQ(peer.read(handle).result, 0);
}

// Every order of six overlapping pieces gives the same stream.
TEST(OwnText, ReassemblyInAnyOrder) {
  std::vector<int> order{0, 1, 2, 3, 4, 5};
  do {
    TestPeer peer(3);
    peer.iss = 0xffffffe0;  // the numbers wrap within the text
    const int handle = peer.passive();
    for (const int piece : order) peer.answer({.seq = 1 + 20 * static_cast<std::uint32_t>(piece), .length = 30});
    ASSERT_EQ(peer.read(handle).text.size(), 130u);
    EXPECT_EQ(peer.target.state({.local = 80, .remote = 5000})->rcv_nxt, peer.iss + 131);
  } while (std::next_permutation(order.begin(), order.end()));
}

// Table 6, and the empty ACK for what is not acceptable.
TEST(OwnText, Unacceptable) {
  TestPeer peer;
  const int listener = peer.listen();
  peer.close(listener);
  const int tiny = peer.socket();
  peer.set(tiny, SocketOption::kReceiveBuffer, 100);
  peer.call({.kind = CallKind::kBind, .handle = tiny, .port = 80});
  peer.call({.kind = CallKind::kListen, .handle = tiny, .length = 4});
  peer.listener = tiny;
  peer.passive();
  EXPECT_EQ(peer.answer({.seq = 101}), "A 1 1 0") << "an empty segment at the right edge";
  EXPECT_EQ(peer.answer({.seq = 100}), "");
  EXPECT_EQ(peer.answer({.seq = 101, .length = 1}), "A 1 1 0");
  EXPECT_EQ(peer.answer({.seq = 0, .length = 1}), "A 1 1 0") << "a keep-alive";
  EXPECT_EQ(peer.answer({.seq = 0}), "A 1 1 0");
  EXPECT_EQ(peer.answer({.flags = "R", .seq = 0}), "");
  EXPECT_EQ(peer.answer({.flags = "RA", .seq = 101}), "");
  EXPECT_EQ(peer.answer({.seq = 1, .length = 101}), "") << "what lies beyond the window is trimmed off";
  EXPECT_EQ(peer.wait(1), "0.2 A 1 101 0");
}

// RFC 5961 section 3: exact resets, inside challenges, outside is dropped.
TEST(OwnText, Reset) {
  TestPeer peer;
  const int handle = peer.passive();
  EXPECT_EQ(peer.answer({.flags = "R", .seq = 2}), "A 1 1 0");
  EXPECT_EQ(peer.answer({.flags = "R", .seq = 65535}), "A 1 1 0");
  EXPECT_EQ(peer.answer({.flags = "R", .seq = 65536}), "");
  EXPECT_EQ(peer.answer({.flags = "R", .seq = 0, .length = 20}), "");
  EXPECT_EQ(peer.answer({.flags = "R", .seq = 1, .length = 20}), "");
  EXPECT_EQ(peer.state(), State::kClosed);
  EXPECT_EQ(peer.read(handle).error, UserError::kReset);
  EXPECT_EQ(peer.read(handle).result, 0);
  EXPECT_EQ(peer.write(handle, 1).error, UserError::kPipe);
}

// RFC 5961 section 4: a challenge ACK wherever the SYN is.
TEST(OwnText, Syn) {
  TestPeer peer;
  peer.passive();
  for (const std::uint32_t seq : {0u, 1u, 500u, 0x80000000u}) {
    EXPECT_EQ(peer.answer({.flags = "S", .seq = seq, .length = 4}), "A 1 1 0") << seq;
    EXPECT_EQ(peer.answer({.flags = "SA", .seq = seq}), "A 1 1 0") << seq;
  }
  EXPECT_EQ(peer.state(), State::kEstablished);
}

// RFC 5961 section 5 and the fifth step: the text of a segment with such an ACK is not taken.
TEST(OwnText, AckOutOfRange) {
  TestPeer peer;
  const int handle = peer.passive();
  EXPECT_EQ(peer.answer({.seq = 1, .ack = 2, .length = 10}), "A 1 1 0");
  EXPECT_EQ(peer.answer({.seq = 1, .ack = 1 - 65536u, .length = 10}), "A 1 1 0");
  EXPECT_EQ(peer.answer({.flags = "", .seq = 1, .length = 10}), "") << "no ACK bit";
  EXPECT_EQ(peer.read(handle).error, UserError::kWouldBlock);
  EXPECT_EQ(peer.answer({.seq = 1, .ack = 1 - 65535u, .length = 10}), "") << "an old ACK is a duplicate";
  EXPECT_EQ(peer.read(handle).result, 10);
}

// SHLD-28: full-sized segments; MUST-61: PSH on the last.
TEST(OwnText, Segmentation) {
  TestPeer peer;
  const int handle = peer.passive({2, 4, 3, 232});  // MSS 1000
  EXPECT_EQ(peer.write(handle, 2500).result, 2500);
  EXPECT_EQ(peer.hears(), "A 1 1 1000; A 1001 1 1000") << "the short rest waits (Nagle)";
  EXPECT_EQ(peer.answer({.ack = 2001}), "PA 2001 1 500");
}

// MUST-15 and MUST-16.
TEST(OwnText, MaximumSegmentSize) {
  TestPeer peer;
  peer.write(peer.passive({}), 2000);
  EXPECT_EQ(peer.hears(), "A 1 1 536; A 537 1 536; A 1073 1 536") << "536 without an option";
  TestPeer large;
  large.write(large.passive({2, 4, 35, 40}), 3000);
  EXPECT_EQ(large.hears(), "A 1 1 1460; A 1461 1 1460") << "9000 is more than the interface takes";
  TestPeer strange;
  strange.write(strange.passive({1, 99, 4, 7, 1, 2, 4, 2, 188, 0, 77, 9}), 700);
  EXPECT_EQ(strange.hears(), "PA 1 1 700") << "NOP, an unknown option, MSS 700, end of list";
}

// SHLD-7 and MUST-17.
TEST(OwnText, Nagle) {
  TestPeer peer;
  const int handle = peer.passive();
  for (int i = 0; i < 3; ++i) peer.write(handle, 10);
  EXPECT_EQ(peer.hears(), "PA 1 1 10");
  EXPECT_EQ(peer.answer({.ack = 11}), "PA 11 1 20");
  peer.set(handle, SocketOption::kNoDelay, 1);
  peer.write(handle, 10);
  EXPECT_EQ(peer.hears(), "PA 31 1 10");
}

// The peer's window bounds what is in flight; a window of 32768 or more is not negative (MUST-1).
TEST(OwnText, SendWindow) {
  TestPeer peer;
  const int handle = peer.passive({2, 4, 5, 180}, 2920);
  peer.write(handle, 10000);
  EXPECT_EQ(peer.hears(), "A 1 1 1460; A 1461 1 1460");
  EXPECT_EQ(peer.answer({.ack = 1461, .wnd = 1460}), "") << "a window that shrank";
  EXPECT_EQ(peer.answer({.ack = 2921, .wnd = 60000}), "A 2921 1 1460; A 4381 1 1460; A 5841 1 1460; A 7301 1 1460");
}

// MUST-38: a small window is not used until the override timer expires.
TEST(OwnText, SillyWindowOfThePeer) {
  TestPeer peer;
  const int handle = peer.passive({2, 4, 5, 180}, 4000);
  peer.write(handle, 6000);
  EXPECT_EQ(peer.hears(), "A 1 1 1460; A 1461 1 1460");
  EXPECT_EQ(peer.answer({.ack = 2921, .wnd = 50}), "");
  EXPECT_EQ(peer.wait(1), "0.5 A 2921 1 50");
  EXPECT_EQ(peer.answer({.ack = 2971, .wnd = 2000}), "A 2971 1 1460");
}

// MUST-39: the window opens by a full segment or half the buffer, and then it is told.
TEST(OwnText, SillyWindowOfTheReceiver) {
  TestPeer peer;
  const int handle = peer.passive();
  std::uint32_t seq = 1;
  for (; seq + 1456 <= 65536; seq += 1456) peer.put({.seq = seq, .length = 1456});
  peer.put({.seq = seq, .length = 65536 - seq});
  EXPECT_EQ(peer.hear().back().wnd, 0u);
  EXPECT_EQ(peer.read(handle, 1459).result, 1459);
  EXPECT_EQ(peer.hears(), "");
  EXPECT_EQ(peer.answer({.seq = 65536, .length = 1}), "A 1 65536 0") << "no room yet";
  peer.read(handle, 1);
  const auto update = peer.hear();
  ASSERT_EQ(update.size(), 1u);
  EXPECT_EQ(update[0].wnd, 1460u);
}

// MUST-66: with a zero window the text is refused, the ACK and a reset are not.
TEST(OwnText, ZeroReceiveWindow) {
  TestPeer peer;
  peer.listener = peer.socket();
  peer.set(peer.listener, SocketOption::kReceiveBuffer, 10);
  peer.call({.kind = CallKind::kBind, .handle = peer.listener, .port = 80});
  peer.call({.kind = CallKind::kListen, .handle = peer.listener, .length = 4});
  const int handle = peer.passive();
  peer.put({.seq = 1, .length = 10});
  peer.write(handle, 7);
  EXPECT_EQ(peer.hears(), "PA 1 11 7");
  EXPECT_EQ(peer.answer({.seq = 11, .ack = 8, .length = 5}), "A 8 11 0");
  EXPECT_EQ(peer.target.state({.local = 80, .remote = 5000})->snd_una, peer.target_iss + 8);
  EXPECT_EQ(peer.answer({.flags = "RA", .seq = 11, .ack = 8}), "");
  EXPECT_EQ(peer.state(), State::kClosed);
}

// The window is updated by newer segments only (SND.WL1, SND.WL2).
TEST(OwnText, OldSegmentsDoNotUpdateTheWindow) {
  TestPeer peer;
  const int handle = peer.passive();
  peer.put({.seq = 1, .length = 10, .wnd = 1460});
  peer.put({.seq = 11, .length = 10, .wnd = 2920});
  peer.answer({.seq = 21, .wnd = 2920});
  peer.answer({.seq = 21, .ack = 0, .wnd = 40000});
  peer.write(handle, 5000);
  EXPECT_EQ(peer.hears(), "A 1 21 1460; A 1461 21 1460");
}

// What cannot be read has no effect: checksum, data offset, option length, another address.
TEST(OwnText, Damaged) {
  TestPeer peer;
  const int handle = peer.passive();
  EXPECT_EQ(peer.answer({.length = 5, .bad_checksum = true}), "");
  EXPECT_EQ(peer.answer({.length = 5, .data_offset = 4}), "");
  EXPECT_EQ(peer.answer({.length = 5, .data_offset = 15}), "");
  EXPECT_EQ(peer.answer({.length = 5, .destination = 0x0a4d0009}), "");
  EXPECT_EQ(peer.answer({.length = 5, .source = 0xe0000001}), "");
  for (const std::vector<std::uint8_t>& options : {std::vector<std::uint8_t>{8, 0}, {8, 1}, {8, 9}, {1, 1, 1, 8}}) {
    EXPECT_EQ(peer.answer({.length = 5, .options = options}), "");
  }
  EXPECT_EQ(peer.wait(1), "");
  peer.answer({.length = 5, .options = {77, 2}, .reserved = 15});
  EXPECT_EQ(peer.read(handle).result, 5);
}

// A thousand tiny pieces are not all held, and what is in sequence is always taken (CVE-2018-5390).
TEST(OwnText, ManyGaps) {
  TestPeer peer;
  const int handle = peer.passive();
  for (std::uint32_t seq = 3; seq < 2003; seq += 2) EXPECT_EQ(peer.answer({.seq = seq, .length = 1}), "A 1 1 0");
  for (std::uint32_t seq = 1; seq < 2003; seq += 100) peer.answer({.seq = seq, .length = 100});
  expect_text(peer.read(handle, 2000), 0, 2000);
}

}  // namespace
}  // namespace tcpassay
