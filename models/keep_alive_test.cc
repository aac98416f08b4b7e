// SPDX-License-Identifier: Apache-2.0
// RFC 9293 section 3.8.4: keep-alives.

#include <gtest/gtest.h>

#include "models/test_trace.h"

namespace tcpassay {
namespace {

using std::chrono::seconds;

Trace& set(Trace& t, SocketOption option, std::int64_t value) {
  return t.call({.kind = CallKind::kSetOption, .handle = t.user, .option = option, .value = value});
}
// An open connection whose user has asked for keep-alives after ten seconds.
Trace& with_keep_alive(Trace& t) {
  t.open();
  set(t, SocketOption::kKeepIdle, 10);
  set(t, SocketOption::kKeepInterval, 10);
  return set(t, SocketOption::kKeepAlive, 1);
}

TEST(KeepAlive, LeavesAfterTheIdleTime) {
  Trace t;
  with_keep_alive(t).quiet(seconds(5)).wait(seconds(5)).out(".", 0, 1).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
  EXPECT_TRUE(t.judged(Rule::MUST_27));
  EXPECT_TRUE(t.judged(Rule::SHLD_12));
}

TEST(KeepAlive, LeavesNoSooner) {
  Trace t;
  with_keep_alive(t).quiet(seconds(5)).out(".", 0, 1);
  EXPECT_EQ(t.verdicts(), Verdicts{"MUST_27 violated"});
}

TEST(KeepAlive, IsNotSentUnasked) {
  Trace t;
  t.open().quiet(seconds(8000)).out(".", 0, 1);
  EXPECT_EQ(t.verdicts(), Verdicts{"MUST_25 violated"});
}

TEST(KeepAlive, WaitsTwoHoursByDefault) {
  Trace t;
  set(t.open(), SocketOption::kKeepAlive, 1).quiet(seconds(7000)).out(".", 0, 1);
  EXPECT_EQ(t.verdicts(), Verdicts{"MUST_28 violated"});
}

TEST(KeepAlive, IsOverdueInTheEnd) {
  Trace t;
  with_keep_alive(t).quiet(seconds(15));
  EXPECT_EQ(t.verdicts(), Verdicts{"MUST_27 violated"});
}

TEST(KeepAlive, WhatArrivesRestartsTheIdleTime) {
  Trace t;
  with_keep_alive(t).quiet(seconds(8)).in(".", 1, 1).quiet().wait(seconds(5)).out(".", 0, 1);
  EXPECT_EQ(t.verdicts(), Verdicts{"MUST_26 violated"});
}

TEST(KeepAlive, OneThatIsNotAnsweredEndsNothing) {
  Trace t;
  with_keep_alive(t).quiet().wait(seconds(10)).out(".", 0, 1).quiet().wait(seconds(10)).out("R", 1, 0);
  EXPECT_EQ(t.verdicts(), Verdicts{"MUST_29 violated"});
}

TEST(KeepAlive, SeveralMay) {
  Trace t;
  with_keep_alive(t).quiet();
  for (int i = 0; i < 3; ++i) t.wait(seconds(10)).out(".", 0, 1).quiet();
  t.wait(seconds(10)).out("R", 1, 0).quiet().read_fails(UserError::kTimedOut);
  EXPECT_EQ(t.verdicts(), Verdicts{});
}

// The next keep-alive comes after `wait`, or not in that time. The interval of 30 seconds is chosen before the first
// one, or an idle time of 10 and this interval behind it, when the wait that goes on may be any of them.
Verdicts after_the_first(Time wait, bool comes, bool chosen_behind_it) {
  Trace t;
  with_keep_alive(t).quiet();
  if (!chosen_behind_it) set(t, SocketOption::kKeepInterval, 30);
  t.wait(seconds(10)).out(".", 0, 1).quiet();
  if (chosen_behind_it) set(set(t, SocketOption::kKeepInterval, 30), SocketOption::kKeepIdle, 10);
  return (comes ? t.wait(wait).out(".", 0, 1).quiet() : t.quiet(wait)).verdicts();
}

TEST(KeepAlive, TheIntervalIsTheOneThatWasChosenBeforeIt) {
  EXPECT_EQ(after_the_first(seconds(30), true, false), Verdicts{});
  EXPECT_EQ(after_the_first(seconds(10), true, false), Verdicts{"MUST_27 violated"});
  EXPECT_EQ(after_the_first(seconds(60), false, false), Verdicts{"MUST_27 violated"});
  EXPECT_EQ(after_the_first(seconds(10), true, true), Verdicts{});
  EXPECT_EQ(after_the_first(seconds(60), false, true), Verdicts{});
}

TEST(KeepAlive, MayCarryAnOctetButShouldNot) {
  Trace t;
  with_keep_alive(t).quiet().wait(seconds(10)).out(".", 0, 1, 1).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"SHLD_12 departed"});
}

// A listener whose user has asked for keep-alives after ten seconds, or not; nobody accepts the connection.
Verdicts before_accept(bool asked, Time silence) {
  Trace t;
  t.listen();
  set(t, SocketOption::kKeepIdle, 10);
  if (asked) set(t, SocketOption::kKeepAlive, 1);
  t.quiet().in("S", 0).out("S.", 0, 1).quiet().in(".", 1, 1).quiet(silence).out(".", 0, 1).quiet();
  return t.verdicts();
}

TEST(KeepAlive, MayBeTheListenersBeforeAnybodyAccepts) {
  EXPECT_EQ(before_accept(true, seconds(10)), Verdicts{});
  EXPECT_EQ(before_accept(false, seconds(10)), Verdicts{"MUST_25 violated"});
  EXPECT_EQ(before_accept(true, seconds(5)), Verdicts{"MUST_27 violated"});
}

// A socket has an idle time of ten seconds when it begins to listen, and of `then` seconds behind that.
Verdicts idle_time_moves(std::uint32_t then, Time silence) {
  Trace t;
  t.call({.kind = CallKind::kSocket, .result = 3}).call({.kind = CallKind::kBind, .handle = 3, .port = t.tuple.local});
  set(t, SocketOption::kKeepAlive, 1);
  set(t, SocketOption::kKeepIdle, 10);
  t.call({.kind = CallKind::kListen, .handle = 3, .length = 8});
  set(t, SocketOption::kKeepIdle, then);
  t.quiet().in("S", 0).out("S.", 0, 1).quiet().in(".", 1, 1).quiet(silence).out(".", 0, 1).quiet();
  return t.verdicts();
}

TEST(KeepAlive, AConnectionHasTheIdleTimeOfTheListenOrOfTheListener) {
  EXPECT_EQ(idle_time_moves(20, seconds(10)), Verdicts{});
  EXPECT_EQ(idle_time_moves(20, seconds(20)), Verdicts{});
  EXPECT_EQ(idle_time_moves(20, seconds(5)), Verdicts{"MUST_27 violated"});
}

// Keep-alives follow each other after two seconds. One is not answered, and a SYN comes behind it or not.
Verdicts behind_a_syn(bool comes) {
  Trace t;
  with_keep_alive(t);
  set(t, SocketOption::kKeepInterval, 2);
  t.quiet(seconds(10)).out(".", 0, 1).quiet(seconds(1));
  if (comes) t.in("S.", 1, 1).out(".", 1, 1);
  return t.quiet(seconds(3)).verdicts();
}

TEST(KeepAlive, ASynMayBeginTheIdleTimeAnew) {
  EXPECT_EQ(behind_a_syn(true), Verdicts{});
  EXPECT_EQ(behind_a_syn(false), Verdicts{"MUST_27 violated"});
}

// A connection that nobody has accepted is given up, or goes on: nine of its keep-alives were not answered. One more
// may be waiting, and another peer's SYN is dropped; or two.
Verdicts drops_a_syn(bool given_up, std::uint32_t backlog) {
  Trace t;
  t.call({.kind = CallKind::kSocket, .result = 3}).call({.kind = CallKind::kBind, .handle = 3, .port = t.tuple.local});
  set(t, SocketOption::kKeepAlive, 1);
  set(t, SocketOption::kKeepIdle, 10);
  set(t, SocketOption::kKeepInterval, 75);
  t.call({.kind = CallKind::kListen, .handle = 3, .length = backlog});
  t.quiet().in("S", 0).out("S.", 0, 1).quiet().in(".", 1, 1).quiet(seconds(10)).out(".", 0, 1).quiet();
  for (int i = 0; i < 8; ++i) t.quiet(seconds(75)).out(".", 0, 1).quiet();
  t.quiet(seconds(75));
  if (given_up) t.out("R", 1).quiet();
  return t.on({.local = t.tuple.local, .remote = 4321}).in("S", 0).quiet().verdicts();
}

TEST(KeepAlive, WhatWasGivenUpWaitsToBeAcceptedAllTheSame) {
  EXPECT_EQ(drops_a_syn(true, 1), Verdicts{});
  EXPECT_EQ(drops_a_syn(false, 1), Verdicts{});
  EXPECT_EQ(drops_a_syn(true, 2), Verdicts{"SA2_3_syn violated"});
}

}  // namespace
}  // namespace tcpassay
