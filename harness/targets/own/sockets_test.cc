// SPDX-License-Identifier: Apache-2.0
// What the user's calls return: a non-blocking POSIX socket.
#include <gtest/gtest.h>

#include "harness/targets/own/peer_test.h"

namespace tcpassay {
namespace {

TEST(OwnSockets, HandlesAreTheLowestFree) {
  TestPeer peer;
  EXPECT_EQ(peer.socket(), 3);
  EXPECT_EQ(peer.socket(), 4);
  peer.close(3);
  EXPECT_EQ(peer.socket(), 3);
  EXPECT_EQ(peer.close(9).error, UserError::kBadHandle);
  EXPECT_EQ(peer.read(-1).error, UserError::kBadHandle);
}

TEST(OwnSockets, NeverOpened) {
  TestPeer peer;
  const int handle = peer.socket();
  EXPECT_EQ(peer.read(handle).error, UserError::kNotConnected);
  EXPECT_EQ(peer.write(handle, 1).error, UserError::kNotConnected);
  EXPECT_EQ(peer.shutdown(handle, 1).error, UserError::kNotConnected);
  EXPECT_EQ(peer.accept(handle).error, UserError::kInvalid);
  EXPECT_EQ(peer.call({.kind = CallKind::kConnect, .handle = handle, .port = 0}).error, UserError::kInvalid);
}

TEST(OwnSockets, ConnectTwice) {
  TestPeer peer;
  const int handle = peer.socket();
  const UserCall first = peer.call({.kind = CallKind::kConnect, .handle = handle, .port = 7});
  EXPECT_EQ(first.error, UserError::kInProgress);
  EXPECT_EQ(first.tuple.remote, 7);
  EXPECT_GE(first.tuple.local, 49152);
  EXPECT_EQ(peer.call({.kind = CallKind::kConnect, .handle = handle, .port = 7}).error, UserError::kAlready);
}

// A refused attempt is reported once, and another may follow.
TEST(OwnSockets, ConnectAfterRefusal) {
  TestPeer peer;
  const int handle = peer.connect();
  peer.hears();
  peer.answer({.flags = "RA", .seq = 0, .ack = 1});
  EXPECT_EQ(peer.get(handle, SocketOption::kError), static_cast<int>(UserError::kRefused));
  EXPECT_EQ(peer.get(handle, SocketOption::kError), 0);
  EXPECT_EQ(peer.call({.kind = CallKind::kConnect, .handle = handle, .port = 5000}).error, UserError::kInProgress);
}

TEST(OwnSockets, BindAndListen) {
  TestPeer peer;
  peer.listen();
  const int other = peer.socket();
  const auto bind = [&](int handle, std::uint16_t port) {
    return peer.call({.kind = CallKind::kBind, .handle = handle, .port = port}).error;
  };
  EXPECT_EQ(bind(other, 80), UserError::kAddressInUse);
  EXPECT_EQ(bind(other, 81), UserError::kNone);
  EXPECT_EQ(bind(other, 82), UserError::kInvalid);
  EXPECT_EQ(peer.call({.kind = CallKind::kConnect, .handle = peer.listener, .port = 1}).error,
            UserError::kNotSupported);
  EXPECT_EQ(peer.call({.kind = CallKind::kListen, .handle = peer.active(), .length = 1}).error, UserError::kInvalid);
}

// MUST-42: a connection being opened does not keep the user from listening on its port; one that stands does, unless
// the address may be reused.
TEST(OwnSockets, ListenBesideAConnection) {
  TestPeer peer;
  peer.connect();
  peer.hears();
  const int first = peer.socket();
  EXPECT_EQ(peer.call({.kind = CallKind::kBind, .handle = first, .port = peer.local}).error, UserError::kNone);
  peer.close(first);
  peer.answer({.flags = "SA", .seq = 0});
  const int second = peer.socket();
  EXPECT_EQ(peer.call({.kind = CallKind::kBind, .handle = second, .port = peer.local}).error, UserError::kAddressInUse);
  peer.set(second, SocketOption::kReuseAddress, 1);
  EXPECT_EQ(peer.call({.kind = CallKind::kBind, .handle = second, .port = peer.local}).error, UserError::kNone);
}

TEST(OwnSockets, SendBuffer) {
  TestPeer peer;
  const int handle = peer.passive({2, 4, 5, 180}, 0);
  EXPECT_EQ(peer.write(handle, 300000).result, 256 * 1024);
  EXPECT_EQ(peer.write(handle, 1).error, UserError::kWouldBlock);
  EXPECT_EQ(peer.set(handle, SocketOption::kSendBuffer, 256 * 1024 + 5).error, UserError::kNone);
  EXPECT_EQ(peer.write(handle, 9).result, 5);
}

// After shutdown for writing, write tells it; a reset is told once.
TEST(OwnSockets, Errors) {
  TestPeer peer;
  const int handle = peer.passive();
  peer.shutdown(handle, 1);
  EXPECT_EQ(peer.write(handle, 1).error, UserError::kPipe);
  peer.answer({.flags = "R", .seq = 1});
  EXPECT_EQ(peer.write(handle, 1).error, UserError::kReset);
  EXPECT_EQ(peer.write(handle, 1).error, UserError::kPipe);
  EXPECT_EQ(peer.read(handle).result, 0);
}

TEST(OwnSockets, Options) {
  TestPeer peer;
  const int handle = peer.passive({2, 4, 3, 232});
  EXPECT_EQ(peer.get(handle, SocketOption::kMaxSegment), 1000);
  EXPECT_EQ(peer.set(handle, SocketOption::kCork, 1).error, UserError::kNoProtocolOption);
  EXPECT_EQ(peer.set(handle, SocketOption::kMaxSegment, 2000).error, UserError::kInvalid);
  const int other = peer.socket();
  peer.set(other, SocketOption::kMaxSegment, 700);
  peer.set(other, SocketOption::kReceiveBuffer, 4321);
  peer.call({.kind = CallKind::kConnect, .handle = other, .port = 99});
  const auto heard = peer.hear();
  EXPECT_EQ(heard.at(0).mss, 700u);
  EXPECT_EQ(heard.at(0).wnd, 4321u);
}

TEST(OwnSockets, Poll) {
  TestPeer peer;
  const auto poll = [&](int handle) { return peer.call({.kind = CallKind::kPoll, .handle = handle}).result; };
  const int handle = peer.connect();
  peer.hears();
  EXPECT_EQ(poll(handle), 0);
  peer.answer({.flags = "SA", .seq = 0});
  EXPECT_EQ(poll(handle), 4);
  peer.answer({.length = 3});
  EXPECT_EQ(poll(handle), 5);
  peer.answer({.flags = "R", .seq = 4});
  EXPECT_EQ(poll(handle), 1 | 4 | 8 | 16);
}

// MUST-12: a normal end and an abort look different to the user.
TEST(OwnSockets, EndOfStreamOrReset) {
  TestPeer ends;
  const int one = ends.passive();
  ends.answer({.flags = "FA", .length = 2});
  EXPECT_EQ(ends.read(one, 1).result, 1);
  EXPECT_EQ(ends.read(one).result, 1);
  EXPECT_EQ(ends.read(one).result, 0);
  TestPeer breaks;
  const int two = breaks.passive();
  breaks.answer({.length = 2});
  breaks.answer({.flags = "R", .seq = 3});
  EXPECT_EQ(breaks.read(two).error, UserError::kReset) << "what was queued is flushed";
}

}  // namespace
}  // namespace tcpassay
