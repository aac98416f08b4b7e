// SPDX-License-Identifier: Apache-2.0
// A target whose text is lost, reported and sent again: stories of eight segments of 1000 octets.

#include <gtest/gtest.h>

#include <initializer_list>
#include <utility>

#include "models/rules.h"
#include "models/test_trace.h"

namespace tcpassay {
namespace {

using Blocks = std::initializer_list<std::pair<std::uint32_t, std::uint32_t>>;

class Flight : public Trace {
 public:
  explicit Flight(bool permits = true) {
    Arriving syn = tcpassay::in("S", 0);
    syn.opt.mss = kMss;
    syn.opt.sack_permitted = permits;
    Departing answer = tcpassay::out("S.", 0, 1);
    answer.opt.sack_permitted = permits;
    listen().quiet().event(syn);
    event(answer).quiet().in(".", 1, 1).quiet().accept().write(8000);
    for (std::uint32_t seq = 1; seq < 8001; seq += 1000) out(seq == 7001 ? "P." : ".", seq, 1, 1000);
    quiet();
  }
  Flight& reports(std::uint32_t ack, Blocks blocks, std::uint16_t wnd = kSndWnd) {
    Arriving seg = tcpassay::in(".", 1, ack, 0, wnd);
    for (const auto& [left, right] : blocks) {
      seg.opt.block[seg.opt.blocks++] = {(kIss + left).value, (kIss + right).value};
    }
    event(seg);
    return *this;
  }
  Flight& again(std::uint32_t seq) {
    out(seq == 7001 ? "P." : ".", seq, 1, 1000);
    return *this;
  }
};

TEST(LossRecovery, TheHoleIsSentAgainAtOnce) {
  Flight t;
  t.reports(1, {{1001, 4001}}).again(1).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
  EXPECT_TRUE(t.judged(Rule::R6675_4_is_lost) && t.judged(Rule::R2018_5_record));
  Flight late;
  late.reports(1, {{1001, 4001}}).quiet();
  EXPECT_EQ(late.verdicts(), Verdicts{"R6675_4_is_lost departed"});
}

// A block that begins below the ACK of its own segment and ends above it: the peer should have acknowledged all of it.
TEST(LossRecovery, ABlockThatTheAckHasEnteredMayCount) {
  const auto story = [](std::uint32_t from) {
    Flight t;
    t.reports(1001, {{from, 2001}}).quiet();
    return t.reports(1001, {{3001, 6001}}).quiet().verdicts();
  };
  EXPECT_EQ(story(501), Verdicts{});
  EXPECT_EQ(story(1501), Verdicts{"R6675_4_is_lost departed"});
}

TEST(LossRecovery, TwoSegmentsAreNotEnough) {
  Flight t;
  t.reports(1, {{1001, 3001}}).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
}

// So many octets are more than two segments by RFC 6675. RFC 8985 counts segments that are reported whole.
TEST(LossRecovery, ThreeWholeSegmentsAreEnough) {
  const auto waits = [](std::uint32_t from) {
    Flight t;
    return t.reports(1, {{from, 4001}}).quiet().verdicts();
  };
  EXPECT_EQ(waits(1501), Verdicts{});
  EXPECT_EQ(waits(1001), Verdicts{"R6675_4_is_lost departed"});
  Flight at_once;
  EXPECT_EQ(at_once.reports(1, {{1501, 4001}}).again(1).quiet().verdicts(), Verdicts{});
}

TEST(LossRecovery, ReorderedTextMayMakeTheTargetWait) {
  Flight t;
  t.reports(1, {{2001, 3001}}).quiet();
  t.reports(1, {{1001, 3001}}).quiet();  // what was late had not left again
  t.reports(1, {{1001, 5001}}).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
}

TEST(LossRecovery, AnotherWindowDoesNotHideAReport) {
  Flight t;
  t.reports(1, {{1001, 4001}}).again(1).quiet();
  t.reports(5001, {}).quiet();
  t.reports(5001, {{6001, 6101}}, 8100).quiet();
  t.reports(5001, {{6001, 6101}, {6201, 6301}}, 8200).quiet();
  t.reports(5001, {{6001, 6101}, {6201, 6301}, {6401, 6501}}, 8300).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"R6675_5_dup_ack violated"});
}

TEST(LossRecovery, WhoHasNotUsedReportsNeedNot) {
  Flight t;
  t.reports(1, {{1001, 2001}}, 8100).quiet();
  t.reports(1, {{1001, 3001}}, 8200).quiet();
  t.reports(1, {{1001, 4001}}, 8300).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"R6675_4_is_lost departed"});
}

TEST(LossRecovery, TheLowestHoleComesFirst) {
  Flight t;
  t.reports(1, {{1001, 2001}, {3001, 7001}}).again(1).again(2001).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
  EXPECT_TRUE(t.judged(Rule::R6675_4_next_segment));
  Flight other;
  other.reports(1, {{1001, 2001}, {3001, 7001}}).again(2001);
  EXPECT_EQ(other.verdicts(), Verdicts{"R6675_4_next_segment violated"});
}

TEST(LossRecovery, WhatWasReportedIsSkipped) {
  Flight t;
  t.reports(1, {{1001, 5001}}).again(1).again(1001).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"R2018_5_record departed"});
}

TEST(LossRecovery, AfterATimeoutNothingWasReported) {
  Flight t;
  t.reports(1, {{1001, 8001}}).again(1).quiet();
  t.wait(std::chrono::seconds(1)).quiet();
  t.again(1).quiet();
  t.reports(1001, {}).again(1001).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
  EXPECT_TRUE(t.judged(Rule::R2018_5_rto_left) && t.judged(Rule::R2018_5_rto_clear));
  EXPECT_TRUE(t.judged(Rule::R2018_8_keep));
  t.reports(2001, {{3001, 5001}}).again(3001).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"R6675_5_1_use_sack departed"});
}

// After a timeout 3001:4501 is reported, and the front leaves again with this segment.
Verdicts leaves_beside_the_front(std::uint32_t seq) {
  Flight t;
  t.wait(std::chrono::seconds(1));
  t.again(1).quiet();
  t.reports(2001, {{3001, 4501}}).again(2001).again(seq).quiet();
  return t.verdicts();
}

// A segment need not be packed anew where its first half is reported (RFC 9293 section 3.8.6). One that was is cut at
// the hole.
TEST(LossRecovery, ASegmentOfWhichHalfIsReportedLeavesAsItWas) {
  EXPECT_EQ(leaves_beside_the_front(4001), Verdicts{});
  EXPECT_EQ(leaves_beside_the_front(4501), Verdicts{});
  EXPECT_EQ(leaves_beside_the_front(3001), Verdicts{"R6675_5_1_use_sack departed"});
  EXPECT_EQ(leaves_beside_the_front(4201), Verdicts{"R6675_5_1_use_sack departed"});
}

TEST(LossRecovery, ATimeoutBeginsAtTheFront) {
  Flight t;
  t.reports(1, {{1, 2001}}).quiet();
  t.wait(std::chrono::seconds(1));
  t.again(2001);
  EXPECT_EQ(t.verdicts(), Verdicts{"R2018_5_rto_left violated"});
}

TEST(LossRecovery, OneLossProbeIsAllowed) {
  Flight t;
  t.wait(std::chrono::milliseconds(500));
  t.again(7001).quiet();
  t.wait(std::chrono::seconds(1));
  t.again(1).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
  EXPECT_TRUE(t.judged(Rule::R8985_7_3_single) && t.judged(Rule::R8985_7_3_highest));
  Flight twice;
  twice.wait(std::chrono::milliseconds(500));
  twice.again(7001).quiet();
  twice.wait(std::chrono::seconds(1));
  twice.again(7001);
  EXPECT_EQ(twice.verdicts(), Verdicts{"R8985_7_3_single violated"});
  Flight middle;
  middle.wait(std::chrono::milliseconds(500));
  middle.again(5001).quiet();
  EXPECT_EQ(middle.verdicts(), Verdicts{"R8985_7_3_highest departed"});
  Flight without(false);
  without.wait(std::chrono::milliseconds(500));
  without.again(7001);
  EXPECT_EQ(without.verdicts(), Verdicts{"R8985_4_sack violated"});
}

// Where round trips are short the probe timeout is, too; it asks not what was reported.
TEST(LossRecovery, ALossProbeMayComeSoon) {
  Flight t;
  t.reports(1, {{1, 8001}}).quiet().wait(std::chrono::milliseconds(5));
  t.again(7001).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
  Flight at_once;
  at_once.reports(1, {{1, 8001}}).again(7001).quiet();
  EXPECT_EQ(at_once.verdicts(), Verdicts{"R2018_5_record departed"});
}

// RFC 8985 section 7.3: the timer starts anew behind a probe, so the next timeout is not twice what the first was.
TEST(LossRecovery, ALossProbeStartsTheTimer) {
  const auto next_after = [](int milliseconds) {
    Flight t;
    t.wait(std::chrono::seconds(1));
    t.again(7001).quiet();
    t.wait(std::chrono::seconds(1));
    t.again(1).quiet();
    t.wait(std::chrono::milliseconds(milliseconds));
    t.again(1).quiet();
    return t.verdicts();
  };
  EXPECT_EQ(next_after(2000), Verdicts{});
  EXPECT_EQ(next_after(1200), Verdicts{"R6298_5_5 violated"});
}

// The RST behind the report leaves nothing that could leave again. Without it the hole is due.
TEST(LossRecovery, WhatIsNoMoreOwesNothing) {
  const auto reported = [](bool reset) {
    Flight t;
    t.reports(1, {{1001, 4001}});
    if (reset) t.in("R", 1);
    return t.quiet().verdicts();
  };
  EXPECT_EQ(reported(true), Verdicts{});
  EXPECT_EQ(reported(false), Verdicts{"R6675_4_is_lost departed"});
  const auto acknowledged_after_timeout = [](bool reset) {
    Flight t;
    t.reports(1, {{1001, 8001}}).again(1).quiet().wait(std::chrono::seconds(1)).quiet();
    t.again(1).quiet();
    t.reports(1001, {});
    if (reset) t.in("R", 1);
    return t.quiet().verdicts();
  };
  EXPECT_EQ(acknowledged_after_timeout(true), Verdicts{});
  EXPECT_EQ(acknowledged_after_timeout(false), Verdicts{"R2018_5_rto_clear departed"});
}

// The timer runs out 10 ms after a report has let the front leave: the peer may have reneged. Without the timeout what
// it has reported stays.
TEST(LossRecovery, ATimeoutMayFollowAReportAtOnce) {
  const auto goes_on = [](bool timeout) {
    Flight t;
    t.quiet(std::chrono::milliseconds(990));
    t.reports(1, {{1001, 8001}}).again(1).quiet().quiet(std::chrono::milliseconds(10));
    if (timeout) t.again(1).quiet();
    return t.reports(1001, {}).again(1001).again(2001).quiet().verdicts();
  };
  EXPECT_EQ(goes_on(true), Verdicts{});
  EXPECT_EQ(goes_on(false), Verdicts{"R2018_5_record departed"});
}

// A report that closes the window calls for the front, which leaves. It is not due again when the window opens, but
// when only a window probe has left, it is.
TEST(LossRecovery, TheFrontMayLeaveAgainAsTheWindowCloses) {
  const auto opens = [](bool at_once) {
    Flight t;
    t.reports(1, {{1001, 4001}}, 0);
    if (at_once) t.again(1);
    t.quiet().quiet(std::chrono::seconds(1));
    t.again(1).quiet();
    return t.reports(1, {{1001, 5001}}).quiet().verdicts();
  };
  EXPECT_EQ(opens(true), Verdicts{});
  EXPECT_EQ(opens(false), Verdicts{"R6675_4_is_lost departed"});
}

TEST(LossRecovery, ADuplicateReportedDisturbsNothing) {
  Flight t;
  t.reports(1001, {}).quiet();
  t.reports(2001, {{1, 1001}}).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
  EXPECT_TRUE(t.judged(Rule::R2883_5_tolerate));
  t.again(1);
  EXPECT_EQ(t.verdicts(), Verdicts{"R2883_5_tolerate departed"});
}

}  // namespace
}  // namespace tcpassay
