// SPDX-License-Identifier: Apache-2.0
// Stories in pairs as in guilty_twins_test.cc: what the user chooses while a timer runs, and is told by a call that has
// another reason to fail.
#include <gtest/gtest.h>

#include "models/test_trace.h"

namespace tcpassay {
namespace {

using std::chrono::seconds;

Trace& set(Trace& t, SocketOption option, std::int64_t value, int handle = 4) {
  return t.call({.kind = CallKind::kSetOption, .handle = handle, .option = option, .value = value});
}

// A connection with keep-alives after ten seconds, the first of which has left.
Trace& probed_once(Trace& t, std::int64_t interval) {
  t.open();
  set(t, SocketOption::kKeepIdle, 10);
  set(t, SocketOption::kKeepInterval, interval);
  set(t, SocketOption::kKeepAlive, 1);
  return t.quiet(seconds(10)).out(".", 0, 1).quiet();
}

// The next one is due after a minute. A SYN arrives a second behind the first, or nothing does.
Verdicts probed_again_after(Time time, bool syn) {
  Trace t;
  probed_once(t, 60).quiet(seconds(1));
  if (syn) t.in("S.", 0, 1).out(".", 1, 1).quiet();
  t.quiet(time - seconds(1)).out(".", 0, 1).quiet();
  return t.verdicts();
}

TEST(KeepAliveTwins, ASynBeginsTheIdleTimeAnewOrTheIntervalGoesOn) {
  EXPECT_EQ(probed_again_after(seconds(11), true), Verdicts{});
  EXPECT_EQ(probed_again_after(seconds(60), true), Verdicts{});
  EXPECT_EQ(probed_again_after(seconds(9), true), Verdicts{"MUST_27 violated"});
  EXPECT_EQ(probed_again_after(seconds(11), false), Verdicts{"MUST_27 violated"});
}

// Behind the second keep-alive, with intervals of five seconds, the user chooses ten; then a RST gives up.
Verdicts given_up_after(Time time) {
  Trace t;
  probed_once(t, 5).quiet(seconds(5)).out(".", 0, 1).quiet();
  set(t, SocketOption::kKeepInterval, 10);
  t.quiet(time - seconds(1)).wait(seconds(1)).out("R", 1).quiet();
  return t.verdicts();
}

// ... or probes again, and gives up then.
Verdicts given_up_behind_a_probe_after(Time time) {
  Trace t;
  probed_once(t, 5);
  set(t, SocketOption::kKeepInterval, 10);
  t.quiet(seconds(5)).out(".", 0, 1).quiet().quiet(time - seconds(1)).wait(seconds(1)).out("R", 1).quiet();
  return t.verdicts();
}

TEST(KeepAliveTwins, AnIntervalThatRunsMayEndAsItBegan) {
  EXPECT_EQ(given_up_after(seconds(5)), Verdicts{});
  EXPECT_EQ(given_up_after(seconds(10)), Verdicts{});
  EXPECT_EQ(given_up_after(seconds(4)), Verdicts{"MUST_29 violated"});
  EXPECT_EQ(given_up_behind_a_probe_after(seconds(10)), Verdicts{});
  EXPECT_EQ(given_up_behind_a_probe_after(seconds(5)), Verdicts{"MUST_29 violated"});
}

// The window is closed, the user has set so many seconds and closes. The FIN leaves four times, the peer answers after
// twenty seconds, and after a minute or more the connection is found closed.
Verdicts fin_given_up(int timeout, Time found) {
  Trace t;
  t.open();
  set(t, SocketOption::kUserTimeout, timeout * 1000);
  t.in(".", 1, 1, 0, 0).quiet().shutdown();
  for (int i = 0; i < 4; ++i) t.quiet(seconds(1 << i)).out("F.", 1, 1).quiet();
  t.quiet(seconds(5)).in(".", 1, 1, 0, 0).quiet().wait(found - seconds(20)).report(State::kClosed);
  return t.verdicts();
}

TEST(UserTimeoutTwins, OneThatEndsBeforeTheNextProbeExcusesThatItIsMissing) {
  EXPECT_EQ(fin_given_up(30, seconds(60)), Verdicts{});
  EXPECT_EQ(fin_given_up(30, seconds(120)), Verdicts{});
  EXPECT_NE(fin_given_up(110, seconds(120)), Verdicts{});
  EXPECT_EQ(fin_given_up(30, seconds(29)), Verdicts{"MUST_37 violated"});
}

// The window is closed, an octet waits for it, and so many empty probes leave. The connection is there at `there`, and
// gone at `gone`.
Verdicts probed_in_vain(std::size_t probes, int there, int gone) {
  constexpr int kTimes[] = {1, 3, 7, 15, 31, 63, 123};
  Trace t;
  t.open().in(".", 1, 1, 0, 0).quiet().write(1).quiet();
  int at = 0;
  for (std::size_t i = 0; i < probes; at = kTimes[i++]) t.quiet(seconds(kTimes[i] - at)).out(".", 0, 1).quiet();
  t.quiet(seconds(there - at)).report(State::kEstablished).quiet(seconds(gone - there)).report(State::kClosed);
  return t.verdicts();
}

TEST(UserTimeoutTwins, R2CountsFromTheFirstProbe) {
  EXPECT_EQ(probed_in_vain(7, 161, 184), Verdicts{});
  EXPECT_EQ(probed_in_vain(6, 64, 90), Verdicts{"MUST_37 violated"});
}

// The user has set so many seconds on a passive OPEN, or nothing. The SYN,ACK leaves at 0, 1, 3, 7, 15 and 31 s, and
// then the connection is found to be no more.
Verdicts handshake_given_up(int timeout, Time found) {
  Trace t;
  t.listen();
  if (timeout > 0) set(t, SocketOption::kUserTimeout, timeout * 1000, 3);
  t.quiet().in("S", 0).out("S.", 0, 1).quiet();
  for (int i = 0; i < 5; ++i) t.quiet(seconds(1 << i)).out("S.", 0, 1).quiet();
  return t.quiet(found - seconds(31)).report(State::kClosed).verdicts();
}

TEST(UserTimeoutTwins, ThatOfAPassiveOpenHoldsForItsConnections) {
  EXPECT_EQ(handshake_given_up(45, seconds(60)), Verdicts{});
  EXPECT_NE(handshake_given_up(45, seconds(40)), Verdicts{});
  EXPECT_NE(handshake_given_up(0, seconds(60)), Verdicts{});
}

// The same, where the user had set another time when the socket began to listen, and none before that.
Verdicts handshake_given_up_after_change(Time found, bool listens_again = false) {
  Trace t;
  t.call({.kind = CallKind::kSocket, .result = 3});
  t.call({.kind = CallKind::kBind, .handle = 3, .port = 8080});
  set(t, SocketOption::kUserTimeout, 45000, 3);
  t.call({.kind = CallKind::kListen, .handle = 3, .length = 1});
  set(t, SocketOption::kUserTimeout, 200000, 3);
  if (listens_again) t.call({.kind = CallKind::kListen, .handle = 3, .length = 1});
  t.quiet().in("S", 0).out("S.", 0, 1).quiet();
  for (int i = 0; i < 5; ++i) t.quiet(seconds(1 << i)).out("S.", 0, 1).quiet();
  return t.quiet(found - seconds(31)).report(State::kClosed).verdicts();
}

TEST(UserTimeoutTwins, AConnectionHasThatOfItsListenerAsItIsOrAsItWas) {
  EXPECT_EQ(handshake_given_up_after_change(seconds(60)), Verdicts{});
  EXPECT_NE(handshake_given_up_after_change(seconds(40)), Verdicts{});
  EXPECT_EQ(handshake_given_up_after_change(seconds(60), true), Verdicts{});
  EXPECT_NE(handshake_given_up_after_change(seconds(40), true), Verdicts{});
}

// A connection is reset, its socket is asked to connect to all hosts, which fails so, and RECEIVE says end of stream.
Verdicts end_read_after(UserError error) {
  Trace t;
  t.open_actively().in("R", 1).quiet();
  t.call(
      {.kind = CallKind::kConnect, .handle = 3, .port = 8080, .host = Host::kBroadcast, .result = -1, .error = error});
  return t.read_end().verdicts();
}

TEST(SocketTwins, AnOpenToAllTellsOfTheResetOrOfItsAddress) {
  EXPECT_EQ(end_read_after(UserError::kReset), Verdicts{});
  EXPECT_EQ(end_read_after(UserError::kUnreachable), Verdicts{"MUST_12 violated"});
}

// sendto() with MSG_FASTOPEN on a connection that is open: the text is taken and leaves, or leaves though it was not.
Verdicts sends_to(std::int64_t result) {
  Trace t;
  t.open_actively().call({.kind = CallKind::kSendTo,
                          .handle = 3,
                          .port = t.tuple.remote,
                          .length = 1,
                          .result = result,
                          .error = result < 0 ? UserError::kInvalid : UserError::kNone,
                          .tuple = t.tuple});
  return t.out("P.", 1, 1, 1).quiet().verdicts();
}

TEST(SocketTwins, SendToOnAnOpenConnectionIsASend) {
  EXPECT_EQ(sends_to(1), Verdicts{});
  EXPECT_EQ(sends_to(-1), Verdicts{"S3_9_1_2_order violated"});
}

// The user shuts down one direction or both, and text draws a RST.
Verdicts text_behind_shutdown(std::int64_t how) {
  Trace t;
  t.open().call({.kind = CallKind::kShutdown, .handle = 4, .how = static_cast<std::uint8_t>(how)});
  return t.out("F.", 1, 1).quiet().in("P.", 1, 2, 100).out("R", 2).quiet().verdicts();
}

TEST(SocketTwins, TextDrawsARstWhereNobodyCanReadIt) {
  EXPECT_EQ(text_behind_shutdown(2), Verdicts{});
  EXPECT_EQ(text_behind_shutdown(1), Verdicts{"S3_6_half_close violated"});
}

}  // namespace
}  // namespace tcpassay
