// SPDX-License-Identifier: Apache-2.0
// Traces as stories, and what the oracle finds in them.
#include "models/oracle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "models/test_trace.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
const Verdicts kNone;

// What a verdict says

TEST(Verdict, NamesRuleEventStateAllowedAndSeen) {
  Trace t;
  t.open().in("P.", 1, 1, 100).out(".", 1, 99).quiet();
  ASSERT_EQ(t.verdicts(), Verdicts{"SA4_7_ack violated"});
  const Verdict& v = t.oracle.verdicts()[0];
  EXPECT_EQ(v.event, 11u);
  EXPECT_EQ(v.at, seconds(1));
  EXPECT_EQ(v.tuple, kFirst);
  EXPECT_EQ(v.state, "ESTABLISHED");
  EXPECT_NE(v.allowed.find("<SEQ=1><ACK=101><CTL=ACK>"), std::string::npos) << v.allowed;
  EXPECT_EQ(v.seen, "<SEQ=1><ACK=99><CTL=ACK>");
}

TEST(Verdict, IsCounted) {
  Trace t;
  t.open().in("P.", 1, 1, 100).out(".", 1, 99);
  EXPECT_EQ(t.count(Rule::SA4_7_ack).broken, 1u);
  EXPECT_EQ(t.count(Rule::SA4_7_ack).judged, 1u);
  EXPECT_FALSE(t.judged(Rule::SA4_7_ack));
}

// After a verdict the oracle goes on from what it saw; what it finds then is no finding of its own.
TEST(Verdict, LaterOnesAreConsequences) {
  Trace t;
  t.open().in("P.", 1, 1, 100).out(".", 1, 99).quiet();
  t.in("P.", 101, 1, 10).out(".", 2, 99).quiet();
  ASSERT_GE(t.verdicts().size(), 2u);
  EXPECT_FALSE(t.oracle.verdicts()[0].consequence);
  EXPECT_TRUE(t.oracle.verdicts()[1].consequence);
  EXPECT_EQ(t.count(t.oracle.verdicts()[1].rule).broken, t.oracle.verdicts()[1].rule == Rule::SA4_7_ack ? 1u : 0u);
}

TEST(Verdict, TheOracleGoesOnFromWhatItSaw) {
  Trace t;
  t.open().in("P.", 1, 1, 100).out(".", 1, 51).quiet().in("P.", 51, 1, 50).out(".", 1, 101).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"SA4_7_ack violated"});
  EXPECT_EQ(t.state(), "ESTABLISHED");
}

// A rule is not counted as obeyed once the trace is tainted.
TEST(Verdict, WhatFollowsProvesNothing) {
  Trace t;
  t.open().in("P.", 1, 1, 100).out(".", 1, 99).quiet();
  t.in("F.", 99, 1).out(".", 1, 100).quiet();
  EXPECT_EQ(t.count(Rule::SA4_8_ack).judged, 0u);
}

// Traits

TEST(TraitOfATrace, IsFoundOut) {
  Trace challenges;
  challenges.open().in("R", 500).out(".", 1, 1).quiet();
  EXPECT_EQ(challenges.oracle.trait(Trait::kChallengesRst), true);
  Trace resets;
  resets.open().in("R", 500).quiet().in("P.", 500, 1, 10).out("R", 1).quiet();
  EXPECT_EQ(resets.oracle.trait(Trait::kChallengesRst), false);
  EXPECT_EQ(resets.verdicts(), Verdicts{"R5961_3_2_scope departed"});
}

TEST(TraitOfATrace, IsUnknownUntilItShows) {
  Trace t;
  t.open();
  EXPECT_EQ(t.oracle.trait(Trait::kChallengesRst), std::nullopt);
}

// A stack that challenges one inexact RST and takes the next does neither the one nor the other.
TEST(TraitOfATrace, IsRemembered) {
  Trace t;
  t.open().in("R", 500).out(".", 1, 1).quiet().wait(minutes(1));
  t.in("R", 600).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"SA4_2_inexact violated"});
}

TEST(TraitOfATrace, HoldsForOtherConversationsToo) {
  Trace t;
  t.open().in("R", 500).out(".", 1, 1).quiet().wait(minutes(1));
  t.on(kSecond).in("S", 0).out("S.", 0, 1).quiet().in(".", 1, 1).quiet().in("R", 600).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"SA4_2_inexact violated"});
}

TEST(TraitOfATrace, EndsWithTheTrace) {
  Trace t;
  t.open().in("R", 500).out(".", 1, 1).quiet();
  t.oracle.start();
  EXPECT_EQ(t.oracle.trait(Trait::kChallengesRst), std::nullopt);
}

// Reports of a white-box target

TEST(Report, AgreesOrContradicts) {
  Trace right;
  right.open().report(State::kEstablished).quiet();
  EXPECT_EQ(right.verdicts(), kNone);
  EXPECT_TRUE(right.judged(Rule::S3_10_6_status));
  Trace wrong;
  wrong.open().in("F.", 1, 1).out(".", 1, 2).quiet().report(State::kEstablished);
  ASSERT_EQ(wrong.verdicts(), Verdicts{"SA4_8_established violated"});
  EXPECT_NE(wrong.oracle.verdicts()[0].allowed.find("CLOSE-WAIT"), std::string::npos);
}

// The report decides between explanations.
TEST(Report, NarrowsWhatIsPossible) {
  Trace t;
  t.open().in("R", 500);
  EXPECT_NE(t.state().find('|'), std::string::npos) << t.state();
  t.report(State::kClosed);
  EXPECT_EQ(t.state(), "CLOSED");
}

// A listener takes a SYN that has RST. Nothing but that is held against it: no text is thought to wait for the user.
TEST(Resynchronised, WithAConnectionThatShouldNotBe) {
  Trace t;
  t.listen().in("SR", 0).out("S.", 0, 1).quiet().in(".", 1, 1).quiet().accept().quiet();
  const std::size_t before = t.verdicts().size();
  EXPECT_GE(before, 1u);
  EXPECT_EQ(t.read_fails(UserError::kWouldBlock).verdicts().size(), before);
}

// TIME-WAIT

TEST(TimeWait, EndsAfterTwoMsl) {
  Trace t(Terms{.msl = seconds(30)});
  t.open().shutdown().out("F.", 1, 1).quiet().in("F.", 1, 2).out(".", 2, 2).quiet(seconds(59));
  EXPECT_EQ(t.state(), "TIME-WAIT");
  t.quiet(seconds(60));
  EXPECT_EQ(t.state(), "CLOSED");
  EXPECT_EQ(t.verdicts(), kNone);
}

// The FIN again, shortly before the end: the target must still know the connection.
TEST(TimeWait, MustLastThatLong) {
  Trace t(Terms{.msl = seconds(30)});
  t.open().shutdown().out("F.", 1, 1).quiet().in("F.", 1, 2).out(".", 2, 2).quiet(seconds(55));
  t.in("F.", 1, 2).out("R", 2).quiet();
  EXPECT_EQ(t.verdicts().size(), 1u);
}

// More than one

TEST(Conversations, AreJudgedApart) {
  Trace t;
  t.open().on(kSecond).in("S", 0).out("S.", 0, 1).quiet().in(".", 1, 1).quiet();
  t.on(kFirst).in("P.", 1, 1, 100).on(kSecond).in("P.", 1, 1, 50);
  t.out(".", 1, 51).on(kFirst).out(".", 1, 101).quiet();
  EXPECT_EQ(t.verdicts(), kNone);
}

TEST(Conversations, AnAnswerOnTheWrongOneIsSeen) {
  Trace t;
  t.open().on(kSecond).in("S", 0).out("S.", 0, 1).quiet().in(".", 1, 1).quiet();
  t.on(kFirst).in("P.", 1, 1, 100).on(kSecond).out(".", 1, 101).quiet();
  ASSERT_FALSE(t.verdicts().empty());
  EXPECT_EQ(t.oracle.verdicts()[0].tuple, kSecond);
}

// Two segments for a closed port before the target had a chance to answer the first: both answers are due, but a TCB
// remembers one reply, so that the first to leave is blamed.
TEST(Conversations, TwoSegmentsBeforeTheFirstAnswer) {
  Trace t;
  t.in("S", 0).in(".", 1, 77).out_rst_ack(1).out("R", 77).quiet();
  EXPECT_EQ(t.verdicts(), kNone);
  Trace swapped;  // no text orders the answers to two segments
  swapped.in("S", 0).in(".", 1, 77).out("R", 77).out_rst_ack(1).quiet();
  EXPECT_EQ(swapped.verdicts(), kNone);
}

TEST(Conversations, TwoSegmentsBeforeTheFirstAnswerHaveTwo) {
  Trace one;
  one.in("S", 0).in(".", 1, 77).out_rst_ack(1).quiet();
  EXPECT_EQ(one.verdicts(), Verdicts{"SA1_ack violated"});
  Trace other;
  other.in("S", 0).in(".", 1, 77).out("R", 77).quiet();
  EXPECT_EQ(other.verdicts(), Verdicts{"SA1_noack violated"});
  Trace numbers;
  numbers.in("S", 0).in(".", 1, 77).out_rst_ack(2).quiet();
  EXPECT_EQ(numbers.verdicts(), Verdicts{"SA1_ack violated"});
  Trace twice;
  twice.in("S", 0).in(".", 1, 77).out("R", 77).out("R", 77).quiet();
  EXPECT_EQ(twice.verdicts(), Verdicts{"SA1_noack violated"});
}

// A record does not know that the target is idle: an answer may be late, but not missing in the end.
TEST(Conversations, ALateAnswerIsOneAllTheSame) {
  const Quiet so_far{.idle = false};
  Trace late;
  late.in("S", 0).event(so_far).wait(seconds(5)).event(so_far).out_rst_ack(1).quiet();
  EXPECT_EQ(late.verdicts(), kNone);
  Trace missing;
  missing.in("S", 0).event(so_far).wait(seconds(5)).event(so_far).quiet();
  EXPECT_EQ(missing.verdicts(), Verdicts{"SA1_noack violated"});
}

// What has a time is late by it, in a record too.
TEST(Conversations, ADelayedAckIsLateInARecord) {
  const Quiet so_far{.idle = false, .reacting = true};
  Trace t;
  t.open().in("P.", 1, 1, 10).event(so_far).wait(seconds(1)).event(so_far).out(".", 1, 11).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"MUST_40 violated"});
}

// One silence of 200 s hides nothing that one of 90 s shows: who gave up by R2 had to send again before. Late departs
// from a SHOULD; what has not come at the horizon never does.
TEST(Conversations, GivingUpTakesRetransmissions) {
  const auto after = [](auto story, Time silence) {
    Trace t;
    story(t);
    t.quiet().quiet(silence).quiet(milliseconds(1));
    return t.verdicts();
  };
  const auto text = [](Trace& t) { t.open().write(10).out("P.", 1, 1, 10); };
  const auto fin = [](Trace& t) { t.open().shutdown().out("F.", 1, 1).quiet().in("F.", 1, 1).out(".", 2, 2); };
  const auto probe = [](Trace& t) { t.open().in(".", 1, 1, 0, 0).quiet().write(10); };
  const auto syn_ack = [](Trace& t) { t.listen().quiet().in("S", 0).out("S.", 0, 1); };
  EXPECT_EQ(after(text, seconds(90)), Verdicts{"R6298_5_4 departed"});
  EXPECT_EQ(after(text, seconds(200)), Verdicts{"SA8_retransmission violated"});
  EXPECT_EQ(after(fin, seconds(90)), Verdicts{"R6298_5_4 departed"});
  EXPECT_EQ(after(fin, seconds(200)), Verdicts{"S3_6_fin_retransmit violated"});
  EXPECT_EQ(after(probe, seconds(90)), Verdicts{"SHLD_29 departed"});
  EXPECT_EQ(after(probe, seconds(200)), Verdicts{"MUST_36 violated"});
  EXPECT_EQ(after(syn_ack, seconds(170)), Verdicts{"R6298_5_4 departed"});
  EXPECT_EQ(after(syn_ack, seconds(3000)), Verdicts{"S3_8_3_synack violated"});
}

TEST(Conversations, AFullBacklogMayDropASyn) {
  Trace t;
  t.listen(1).in("S", 0).out("S.", 0, 1).quiet().in(".", 1, 1).quiet();
  t.on(kSecond).in("S", 0).quiet();
  EXPECT_EQ(t.verdicts(), kNone);
}

// A SYN for the same ports after the connection ended is a new connection, with a new ISS.
TEST(Conversations, ThePortsMayBeUsedAgain) {
  Trace t;
  t.open().in("R", 1).quiet().in("S", 700).out("S.", 90000, 701).quiet();
  EXPECT_EQ(t.verdicts(), kNone);
  EXPECT_EQ(t.oracle.iss(kFirst), kIss.value + 90000);
  EXPECT_EQ(t.oracle.irs(kFirst), kIrs.value + 700);
}

// Traces

std::vector<Event> some_events() {
  const auto at = [](int ms, auto what) {
    const Time time = milliseconds(ms);
    return Event{.from = time, .until = time, .tuple = kFirst, .what = what};
  };
  return {at(1, UserCall{.kind = CallKind::kSocket, .result = 3}),
          at(1, UserCall{.kind = CallKind::kBind, .handle = 3, .port = 80}),
          at(1, UserCall{.kind = CallKind::kListen, .handle = 3, .length = 4}),
          at(2, in("S", 0, 0, 10)),
          at(3, out("S.", 0, 1)),
          at(4, Quiet{}),
          at(5, in("P.", 1, 1, 100)),
          at(6, in("R", 500)),
          at(7, out(".", 1, 101)),
          at(8, Quiet{}),
          at(9, out("P.", 1, 5, 3)),
          at(600, Quiet{})};
}

std::string judgement(Oracle& oracle) {
  oracle.start();
  std::string text;
  for (const Event& event : some_events()) {
    oracle.observe(event);
    text += oracle.states(kFirst) + "\n";
  }
  for (const Verdict& v : oracle.verdicts()) text += id(v.rule) + v.state + v.allowed + v.seen + "\n";
  for (const Count& c : oracle.counts()) {
    text += std::to_string(c.judged) + "," + std::to_string(c.broken) + "," + std::to_string(c.taken) + " ";
  }
  return text;
}

TEST(Oracle, IsDeterministicAndStartForgetsEverything) {
  Oracle one, other;
  const std::string first = judgement(one);
  EXPECT_EQ(judgement(other), first);
  EXPECT_EQ(judgement(one), first);
}

TEST(Oracle, StartForgetsVerdictsCountsAndPorts) {
  Trace t;
  t.open().out("R", 1).quiet();
  ASSERT_FALSE(t.verdicts().empty());
  t.oracle.start();
  EXPECT_EQ(t.verdicts(), kNone);
  for (const Count& count : t.oracle.counts()) EXPECT_EQ(count.judged + count.broken + count.taken, 0u);
  t.in("S", 0).out_rst_ack(1).quiet();  // nobody listens any more
  EXPECT_EQ(t.verdicts(), kNone);
}

TEST(Oracle, KnowsNothingOfAStrangeConversation) {
  Oracle oracle;
  oracle.start();
  EXPECT_EQ(oracle.states(kFirst), "");
  EXPECT_EQ(oracle.iss(kFirst), std::nullopt);
  EXPECT_EQ(oracle.irs(kFirst), std::nullopt);
}

TEST(Oracle, CountsTransitions) {
  std::vector<std::uint8_t> counters(Oracle::kTransitions);
  Trace t;
  t.oracle.watch_transitions(counters.data());
  t.open();
  EXPECT_GT(std::count_if(counters.begin(), counters.end(), [](std::uint8_t n) { return n > 0; }), 3);
}

// A slow observer: what happened between two instants is given the doubt.
TEST(Oracle, GivesALateObserverTheBenefitOfTheDoubt) {
  Trace t;
  t.open().in("P.", 1, 1, 100);
  t.oracle.observe({.from = seconds(1), .until = seconds(9), .tuple = kFirst, .what = out(".", 1, 101)});
  t.oracle.observe({.from = seconds(1), .until = seconds(9), .tuple = kFirst, .what = Quiet{}});
  EXPECT_EQ(t.verdicts(), kNone);
}

// Reaching a limit is said, never passed over: of so many islands the last are not remembered.
TEST(Oracle, BeyondItsLimitsItIsInconclusive) {
  Trace t;
  t.open();
  for (std::uint32_t i = 1; i <= 9; ++i) t.in("P.", 1 + 200 * i, 1, 100).out(".", 1, 1).quiet();
  t.in("P.", 341, 1, 1460).out(".", 1, 1).quiet().in("P.", 1, 1, 340);
  bool inconclusive = false;
  for (const Verdict& v : t.oracle.verdicts()) inconclusive |= v.kind == Verdict::Kind::kInconclusive;
  EXPECT_TRUE(inconclusive) << t.state();
}

// A SYN,ACK may carry text of the user's, but he has given none.
TEST(Oracle, ASynAckMakesNoTextUp) {
  Trace t;
  t.listen().quiet().in("S", 0).out("S.", 0, 1, 1);
  EXPECT_EQ(t.verdicts(), Verdicts{"S3_9_1_2_order violated"});
  Trace urgent;
  Departing syn_ack = out("S.", 0, 1);
  syn_ack.ctl.urg = true;
  urgent.listen().quiet().in("S", 0).event(syn_ack);
  EXPECT_EQ(urgent.verdicts(), Verdicts{"S3_8_5_needs_text violated"});
}

}  // namespace
}  // namespace tcpassay
