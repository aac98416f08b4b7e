// SPDX-License-Identifier: Apache-2.0
// RFC 9293 section 3.9.2: addresses, the Differentiated Services field, ICMP messages, the path MTU.
#include "models/ip_layer.h"

#include <gtest/gtest.h>

#include "models/test_trace.h"

namespace tcpassay {
namespace {

constexpr std::uint8_t kUnreachable = 3, kHost = 1, kPortClosed = 3, kTooBig = 4, kQuench = 4;

IcmpArrives message(std::uint8_t type, std::uint8_t code, std::uint32_t mtu = 0, std::uint32_t seq = 1) {
  return {.type = type, .code = code, .mtu = mtu, .seq = kIss + seq};
}
Outcomes strikes(const Candidate& tcb, const IcmpArrives& icmp) {
  return outcomes_of(tcb, kListening, [&](Step& on) { icmp_arrives(on, icmp); });
}

TEST(Icmp, ASoftErrorEndsNothing) {
  const Outcomes after = strikes(sent(established(), 10), message(kUnreachable, kHost));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED"});
  EXPECT_TRUE(after.cite(Rule::MUST_56));
}

// RFC 5461 section 4: what is widespread is spared.
TEST(Icmp, ASoftErrorMayEndAnAttempt) {
  EXPECT_EQ(strikes(syn_sent(), message(kUnreachable, kHost, 0, 0)).texts.size(), 2u);
}

TEST(Icmp, AHardErrorEndsAnAttempt) {
  const Outcomes after = strikes(syn_sent(), message(kUnreachable, kPortClosed, 0, 0));
  ASSERT_EQ(after.all.size(), 2u);
  for (const Candidate& tcb : outcomes(after)) {
    EXPECT_EQ(tcb.demerits.has(Rule::SHLD_26), tcb.state == State::kSynSent);
  }
}

bool takes(const Candidate& tcb, Freedom freedom) {
  return tcb.freedoms.test(static_cast<std::size_t>(freedom));
}

// Who lives on takes the freedom: the text asks to give up.
TEST(Icmp, WhoOutlivesAHardErrorTakesAFreedomByState) {
  const IcmpArrives hard = message(kUnreachable, kPortClosed, 0, 0);
  for (const Candidate& tcb : strikes(syn_received(true), hard).all) {
    EXPECT_EQ(takes(tcb, Freedom::kHardErrorSparesPassive), tcb.state == State::kSynReceived);
  }
  for (const Candidate& tcb : strikes(sent(established(), 10), message(kUnreachable, kPortClosed)).all) {
    EXPECT_EQ(takes(tcb, Freedom::kHardErrorSparesSynchronized), tcb.state == State::kEstablished);
  }
  for (const Candidate& tcb : strikes(syn_sent(), message(kUnreachable, kPortClosed, 0, 99)).all) {
    EXPECT_EQ(takes(tcb, Freedom::kHardErrorOfAnother), tcb.state == State::kSynSent);
  }
}

TEST(Icmp, ASourceQuenchIsDiscarded) {
  EXPECT_TRUE(strikes(sent(established(), 10), message(kQuench, 0)).cite(Rule::MUST_55));
}

TEST(Icmp, TheUserMayLearnOfASoftError) {
  Trace t;
  t.open().write(10).out("P.", 1, 1, 10).quiet().event(message(kUnreachable, kHost)).quiet();
  const UserCall told{.kind = CallKind::kGetOption,
                      .handle = t.user,
                      .option = SocketOption::kError,
                      .value = static_cast<int>(UserError::kUnreachable)};
  t.call(told).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
  EXPECT_TRUE(t.judged(Rule::SHLD_25));
}

// Fifteen hundred octets are on their way when a router says that packets of 400 octets are as many as it takes.
Trace& too_big(Trace& t) {
  t.open().write(1500).out(".", 1, 1, 536).out(".", 537, 1, 536).out("P.", 1073, 1, 428).quiet();
  return t.event(message(kUnreachable, kTooBig, 400));
}

TEST(PathMtu, WhatWasTooBigLeavesInSmallerPackets) {
  Trace t;
  too_big(t).out(".", 1, 1, 360).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
  EXPECT_TRUE(t.judged(Rule::R1191_3_reduce));
}

// An old router tells no size: a segment may be as long as the peer's window is if it is not scaled, which without the
// message only who has not scaled it would send.
TEST(PathMtu, OfAnOldRouterIsUnknown) {
  const auto sends_what_the_field_says = [](bool told) {
    Trace t;
    Arriving syn = in("S", 0);
    Departing answer = out("S.", 0, 1);
    syn.opt.window_scale = answer.opt.window_scale = 7;
    syn.opt.octets = answer.opt.octets = 4;
    t.listen().quiet().event(syn).event(answer).quiet().in(".", 1, 1, 0, 500).quiet().accept();
    t.write(736).out(".", 1, 1, 536, 500).quiet();
    if (told) t.event(message(kUnreachable, kTooBig, 0)).quiet();
    t.in(".", 1, 537, 0, 150).out(".", 537, 1, 150, 500).quiet();
    return t.verdicts();
  };
  EXPECT_EQ(sends_what_the_field_says(true), Verdicts{});
  EXPECT_EQ(sends_what_the_field_says(false), Verdicts{"R7323_2_3_in violated"});
}

TEST(PathMtu, NotAsItWas) {
  Trace t;
  too_big(t).out(".", 1, 1, 536);
  EXPECT_EQ(t.verdicts(), Verdicts{"R1191_3_reduce violated"});
}

TEST(PathMtu, WhoeverObeysHoldsToIt) {
  Trace t;
  too_big(t).out(".", 1, 1, 360).quiet().in(".", 1, 1501).quiet().write(1500).out(".", 1501, 1, 536);
  EXPECT_EQ(t.verdicts(), Verdicts{"R1191_3_reduce violated"});
}

TEST(PathMtu, WhoeverIgnoresTheMessageIsFree) {
  Trace t;
  too_big(t).quiet().in(".", 1, 1501).quiet().write(1500).out(".", 1501, 1, 536);
  EXPECT_EQ(t.verdicts(), Verdicts{});
}

// RFC 5681 section 3.1: ten segments of 536 octets were the window, so ten of 360 are.
Trace& ten_too_big(Trace& t) {
  t.open().in(".", 1, 1, 0, 65535).quiet().write(60000);
  for (std::uint32_t i = 0; i < 10; ++i) t.out(".", 1 + i * 536, 1, 536);
  t.quiet().event(message(kUnreachable, kTooBig, 400));
  for (std::uint32_t i = 0; i < 10; ++i) t.out(".", 1 + i * 360, 1, 360);
  return t;
}

TEST(PathMtu, TheWindowShrinksAsTheSegmentsDo) {
  Trace t;
  ten_too_big(t).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
  EXPECT_TRUE(t.judged(Rule::R5681_3_1_pmtu));
}

TEST(PathMtu, NoMoreOfTheSmallerSegmentsThanOfTheLarger) {
  Trace t;
  ten_too_big(t);
  for (std::uint32_t i = 10; i < 14; ++i) t.out(".", 1 + i * 360, 1, 360);
  t.quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"R5681_3_1_pmtu departed"});
}

// A duplicate ACK comes, and nothing leaves. Of what the path has refused a third is still to leave again.
TEST(PathMtu, WhatItHasRefusedLeavesBeforeNewText) {
  const auto story = [](bool refused) {
    Trace t;
    t.open().in(".", 1, 1, 0, 65535).quiet().write(60000);
    for (std::uint32_t i = 0; i < 10; ++i) t.out(".", 1 + i * 536, 1, 536);
    t.quiet();
    if (refused) t.event(message(kUnreachable, kTooBig, 400));
    for (std::uint32_t i = 0; refused && i < 10; ++i) t.out(".", 1 + i * 360, 1, 360);
    return t.quiet().in(".", 1, 1, 0, 65535).quiet().verdicts();
  };
  EXPECT_EQ(story(true), Verdicts{});
  EXPECT_EQ(story(false), Verdicts{"R5681_3_2_1_lt departed"});
}

// The window opens by 40 octets, which is more than a segment has room for on a path that takes 68.
TEST(PathMtu, IsAMeasureOfHowMuchTheWindowOpens) {
  const auto story = [](bool small) {
    Trace t;
    t.open().in("P.", 1, 1, 100).out(".", 1, 101).quiet().write(1).out("P.", 1, 1 + 100, 1).quiet();
    if (small) t.event(message(kUnreachable, kTooBig, 68)).quiet();
    return t.read(1, 40).out(".", 2, 101, 0, kRcvWnd - 60).quiet().verdicts();
  };
  EXPECT_EQ(story(true), Verdicts{});
  EXPECT_EQ(story(false), Verdicts{"S3_8_6_2_2_threshold departed"});
}

// A router says that 20 octets are as many as it takes: the path MTU stays at 68, which is 28 octets of text.
TEST(PathMtu, HasAFloor) {
  Trace t;
  t.open().write(600).out(".", 1, 1, 536).quiet().event(message(kUnreachable, kTooBig, 20));
  t.out(".", 1, 1, 14).quiet();  // half of that, as a retransmission may be cut
  t.in(".", 1, 537).write(1000).out(".", 537, 1, 28);
  EXPECT_EQ(t.verdicts(), Verdicts{});
  t.out(".", 565, 1, 8);  // as large as an estimate of 48 octets lets it be
  EXPECT_EQ(t.verdicts(), Verdicts{"R1191_3_floor violated"});
}

TEST(Addresses, ASynToAGroupIsDropped) {
  Trace t;
  Arriving syn = in("S", 0);
  syn.ip.oddity = Carrier::Oddity::kGroupDestination;
  t.listen().quiet().event(syn).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
  EXPECT_TRUE(t.judged(Rule::MUST_57));
  t.event(syn).out("S.", 0, 1);
  EXPECT_EQ(t.verdicts(), Verdicts{"MUST_57 violated"});
}

TEST(Dscp, IsWhatTheUserSet) {
  Trace t;
  t.open();
  t.call({.kind = CallKind::kSetOption, .handle = t.user, .option = SocketOption::kTypeOfService, .value = 0x28});
  Departing seg = out("P.", 1, 1, 10);
  seg.ip.traffic_class = 0x28;
  t.write(10).event(seg).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
  seg = out("P.", 11, 1, 10);
  t.in(".", 1, 11).quiet().write(10).event(seg);
  EXPECT_EQ(t.verdicts(), Verdicts{"MUST_48 violated"});
}

}  // namespace
}  // namespace tcpassay
