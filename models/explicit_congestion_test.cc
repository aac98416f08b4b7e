// SPDX-License-Identifier: Apache-2.0
// ECN as stories: RFC 3168 section 6.1.

#include <gtest/gtest.h>

#include "models/test_trace.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
const Verdicts kNone;
constexpr std::uint8_t kNotEct = 0, kEct1 = 1, kEct0 = 2, kCe = 3;

struct EcnTrace : Trace {
  // A segment with ECN bits: "E" and "W" among the flags, `mark` in the IP header.
  template <class SegmentT>
  static SegmentT marked(SegmentT seg, std::string_view bits, std::uint8_t mark) {
    seg.ctl.ece = bits.find('E') != std::string_view::npos;
    seg.ctl.cwr = bits.find('W') != std::string_view::npos;
    seg.ip.traffic_class = mark;
    return seg;
  }
  EcnTrace& arrives(std::string_view flags, std::string_view bits, std::uint32_t seq, std::uint32_t ack,
                    std::uint32_t octets = 0, std::uint8_t mark = kNotEct) {
    event(marked(tcpassay::in(flags, seq, ack, octets, kSndWnd), bits, mark));
    return *this;
  }
  EcnTrace& departs(std::string_view flags, std::string_view bits, std::uint32_t seq, std::uint32_t ack,
                    std::uint32_t octets = 0, std::uint8_t mark = kNotEct) {
    event(marked(tcpassay::out(flags, seq, ack, octets, kEdgeStays), bits, mark));
    return *this;
  }
  EcnTrace& no_delay() {
    call({.kind = CallKind::kSetOption, .handle = 4, .option = SocketOption::kNoDelay, .value = 1});
    return *this;
  }
  EcnTrace& agree() {
    listen().quiet();
    arrives("S", "EW", 0, 0).departs("S.", "E", 0, 1).quiet().in(".", 1, 1).quiet().accept();
    return *this;
  }
};

TEST(ExplicitCongestion, AgreedToMarkedAndEchoed) {
  EcnTrace t;
  t.agree().write(10);
  t.departs("P.", "", 1, 1, 10, kEct0).quiet();
  t.arrives("P.", "", 1, 11, 20, kCe).departs(".", "E", 11, 21).quiet();
  t.arrives("P.", "W", 21, 11, 20, kEct0).departs(".", "", 11, 41).quiet();
  t.arrives("P.", "", 41, 11, 20, kEct0).departs(".", "", 11, 61).quiet();
  t.arrives("P.", "", 61, 11, 20, kCe).departs(".", "E", 11, 81).quiet();
  EXPECT_EQ(t.verdicts(), kNone);
  for (const Rule rule : {Rule::R3168_5_ect0, Rule::R3168_6_1_1_process, Rule::R3168_6_1_3_ece,
                          Rule::R3168_6_1_3_ece_again, Rule::R3168_6_1_4_ack, Rule::R3168_6_1_1_synack_may}) {
    EXPECT_TRUE(t.judged(rule)) << id(rule);
  }
}

// RFC 9768 section 3.1.1: AE, CWR and ECE on a SYN ask for Accurate ECN. A connection that uses it is named, and what
// stands in AE is its counter's; elsewhere AE is a reserved bit.
TEST(ExplicitCongestion, AccurateEcnIsNamedAndNotJudged) {
  const auto story = [](std::uint8_t asked, std::uint8_t answered, std::string_view bits) {
    EcnTrace t;
    t.listen().quiet();
    Arriving syn = EcnTrace::marked(in("S", 0, 0, 0, kSndWnd), "EW", kNotEct);
    syn.ctl.reserved = asked;
    Departing answer = EcnTrace::marked(out("S.", 0, 1), bits, kNotEct);
    answer.ctl.reserved = answered;
    t.event(syn), t.event(answer);
    return t.verdicts();
  };
  EXPECT_EQ(story(1, 1, ""), Verdicts{"S3_10_6_status inconclusive"});
  EXPECT_EQ(story(1, 1, "W"), Verdicts{"S3_10_6_status inconclusive"});
  EXPECT_EQ(story(1, 0, "E"), kNone);  // classic ECN
  EXPECT_EQ(story(1, 0, ""), kNone);   // none
  EXPECT_FALSE(story(1, 1, "EW").empty());
  EXPECT_EQ(story(1, 1, "EW").at(0), "S3_1_reserved_sent violated");  // the SYN's bits again
  EXPECT_EQ(story(0, 1, "").at(0), "S3_1_reserved_sent violated");    // nobody has asked
  EXPECT_EQ(story(1, 2, "E").at(0), "S3_1_reserved_sent violated");   // another reserved bit
}

// A FIN ahead of a gap, and then a CE mark that is not echoed.
TEST(ExplicitCongestion, CeBehindAHeldFinMayBePassedOverAheadOfItMustNot) {
  const auto unechoed = [](std::uint32_t seq) {
    EcnTrace t;
    t.agree().quiet();
    t.arrives("F.", "", 101, 1).departs(".", "", 1, 1).quiet();
    t.arrives("P.", "", seq, 1, 20, kCe).departs(".", "", 1, 1).quiet();
    return t.verdicts();
  };
  EXPECT_EQ(unechoed(102), kNone);
  EXPECT_EQ(unechoed(51), Verdicts{"R3168_6_1_1_process violated"});
}

TEST(ExplicitCongestion, CeMustBeEchoedUntilCwr) {
  EcnTrace never;
  never.agree().quiet();
  never.arrives("P.", "", 1, 1, 20, kCe).departs(".", "", 1, 21).quiet();
  EXPECT_EQ(never.verdicts(), Verdicts{"R3168_6_1_1_process violated"});
  EcnTrace once;
  once.agree().quiet();
  once.arrives("P.", "", 1, 1, 20, kCe).departs(".", "E", 1, 21).quiet();
  once.arrives("P.", "", 21, 1, 20, kEct0).departs(".", "", 1, 41).quiet();
  EXPECT_EQ(once.verdicts(), Verdicts{"R3168_6_1_3_ece violated"});
  EcnTrace always;
  always.agree().quiet();
  always.arrives("P.", "", 1, 1, 20, kCe).departs(".", "E", 1, 21).quiet();
  always.arrives("P.", "W", 21, 1, 20, kEct0).departs(".", "E", 1, 41).quiet();
  EXPECT_EQ(always.verdicts(), kNone);  // the ACK of the CWR itself may still have it
  always.arrives("P.", "", 41, 1, 20, kEct0).departs(".", "E", 1, 61).quiet();
  EXPECT_EQ(always.verdicts(), Verdicts{"R3168_6_1_3_ece violated"});
}

TEST(ExplicitCongestion, WhatIsNeverMarked) {
  EcnTrace syn;
  syn.listen().quiet();
  syn.arrives("S", "EW", 0, 0).departs("S.", "E", 0, 1, 0, kEct0).quiet();
  EXPECT_EQ(syn.verdicts(), Verdicts{"R3168_6_1_1_synect violated"});
  EcnTrace ack;
  ack.agree().quiet();
  ack.arrives("P.", "", 1, 1, 20).departs(".", "", 1, 21, 0, kEct0).quiet();
  EXPECT_EQ(ack.verdicts(), Verdicts{"R3168_6_1_4_ack violated"});
  EcnTrace again;
  again.agree().write(10);
  again.departs("P.", "", 1, 1, 10, kEct0).quiet(seconds(1));
  again.departs("P.", "", 1, 1, 10, kEct0).quiet();
  EXPECT_EQ(again.verdicts(), Verdicts{"R3168_6_1_5_retx violated"});
  EcnTrace plain;
  plain.open().write(10);
  plain.departs("P.", "", 1, 1, 10, kEct0).quiet();
  EXPECT_EQ(plain.verdicts(), Verdicts{"R3168_6_1_1_ect_cond violated"});
}

TEST(ExplicitCongestion, WhoAsksAndWhoAgrees) {
  EcnTrace unasked;
  unasked.listen().quiet();
  unasked.arrives("S", "E", 0, 0).departs("S.", "E", 0, 1).quiet();
  EXPECT_EQ(unasked.verdicts(), Verdicts{"R3168_6_1_1_synack violated"});
  EcnTrace reflected;
  reflected.connect();
  reflected.departs("S", "EW", 0, 0).quiet();
  reflected.arrives("S.", "EW", 0, 1).departs(".", "", 1, 1).quiet().write(10);
  reflected.departs("P.", "", 1, 1, 10, kEct0).quiet();
  EXPECT_EQ(reflected.verdicts(), Verdicts{"R3168_6_1_1_reflect violated"});
  EcnTrace taken_back;  // by the target's second SYN
  taken_back.connect();
  taken_back.departs("S", "EW", 0, 0).quiet(seconds(1));
  taken_back.departs("S", "", 0, 0).quiet();
  taken_back.arrives("S.", "E", 0, 1).departs(".", "", 1, 1).quiet().write(10);
  taken_back.departs("P.", "", 1, 1, 10, kEct0).quiet();
  EXPECT_EQ(taken_back.verdicts(), Verdicts{"R3168_6_1_1_ect_cond violated"});
  EcnTrace odd;
  odd.connect();
  odd.departs("S", "E", 0, 0).quiet();
  EXPECT_EQ(odd.verdicts(), Verdicts{"R3168_6_1_1_setup_syn departed"});
}

TEST(ExplicitCongestion, OneReductionForAWindow) {
  const auto echoed = [](EcnTrace& t) {
    t.agree().write(10);
    t.departs("P.", "", 1, 1, 10, kEct0).quiet();
    t.arrives(".", "E", 1, 11).quiet().write(10);
  };
  EcnTrace right;
  echoed(right);
  right.departs("P.", "W", 11, 1, 10, kEct0).quiet().in(".", 1, 21).quiet().write(10);
  right.departs("P.", "", 21, 1, 10, kEct0).quiet();
  EXPECT_EQ(right.verdicts(), kNone);
  EXPECT_TRUE(right.judged(Rule::R3168_6_1_1_cwr));
  EXPECT_TRUE(right.judged(Rule::R3168_6_1_2_cwr_first));
  EcnTrace silent;
  echoed(silent);
  silent.departs("P.", "", 11, 1, 10, kEct0).quiet();
  EXPECT_EQ(silent.verdicts(), Verdicts{"R3168_6_1_1_cwr violated"});
  EcnTrace sticky;
  echoed(sticky);
  sticky.departs("P.", "W", 11, 1, 10, kEct0).quiet().in(".", 1, 21).quiet().write(10);
  sticky.departs("P.", "W", 21, 1, 10, kEct0).quiet();
  EXPECT_EQ(sticky.verdicts(), Verdicts{"R3168_6_1_2_cwr_first departed"});
  EcnTrace ect1;
  ect1.agree().write(10);
  ect1.departs("P.", "", 1, 1, 10, kEct1).quiet();
  EXPECT_EQ(ect1.verdicts(), Verdicts{"R3168_5_ect0 departed"});
}

// An echo on a duplicate ACK, to which the target need not react; more text, and a timeout, which reduces the window
// for all of it. Of an echo within it CWR may follow or not; behind it, it must.
TEST(ExplicitCongestion, ATimeoutReducesForAllThatWasSent) {
  const auto story = [](std::uint32_t echoed, std::string_view bits) {
    EcnTrace t;
    t.agree().no_delay().write(1);
    t.departs("P.", "", 1, 1, 1, kEct0).quiet();
    t.arrives(".", "E", 1, 1).quiet().write(100);
    t.departs("P.", "", 2, 1, 100, kEct0).quiet(seconds(1));
    t.departs("P.", "", 1, 1, 101).quiet().write(1);
    t.departs("P.", "W", 102, 1, 1, kEct0).quiet();
    t.arrives(".", "E", 1, echoed).quiet().write(1);
    return t.departs("P.", bits, 103, 1, 1, kEct0).quiet().verdicts();
  };
  EXPECT_EQ(story(101, ""), kNone);
  EXPECT_EQ(story(101, "W"), kNone);
  EXPECT_EQ(story(103, "W"), kNone);
  EXPECT_EQ(story(103, ""), Verdicts{"R3168_6_1_1_cwr violated"});
}

// An echo meets ten segments and acknowledges eight. In the same window of data, or in the next, three duplicate ACKs
// come with five or seven segments in flight, and behind the retransmission leave so many new ones.
Verdicts leave_in_recovery(bool same_window, std::uint32_t segments, std::string_view third = "",
                           std::string_view cwr = "") {
  constexpr std::uint32_t kSegment = 536;
  EcnTrace t;
  std::uint32_t next = 1;
  const auto leave = [&](std::uint32_t count, std::string_view bits = "") {
    for (; count > 0; --count, next += kSegment, bits = "") t.departs(".", bits, next, 1, kSegment, kEct0);
    t.quiet();
  };
  t.agree().write(60 * kSegment);
  leave(10);
  std::uint32_t una = 1 + 8 * kSegment;
  t.arrives(".", "E", 1, una);
  leave(3, "W");
  if (!same_window) {
    una += 3 * kSegment;
    t.arrives(".", "", 1, una);
    leave(3);
  }
  for (int i = 0; i < 2; ++i) {
    t.arrives(".", "", 1, una);
    leave(1);
  }
  t.arrives(".", third, 1, una).departs(".", "", una, 1, kSegment);
  leave(segments, cwr);
  Verdicts found = t.verdicts();
  std::erase_if(found, [](const std::string& v) { return v.ends_with("after that"); });
  return found;
}

// 6.1.2: "only once in response to a series of dropped and/or CE packets from a single window of data".
TEST(ExplicitCongestion, ALossInTheWindowOfAnEchoReducesNoMore) {
  EXPECT_EQ(leave_in_recovery(true, 1), kNone);
  EXPECT_EQ(leave_in_recovery(true, 3), kNone);  // seven of ten
  EXPECT_EQ(leave_in_recovery(true, 4), Verdicts{"R5681_3_2_2 violated"});
  EXPECT_EQ(leave_in_recovery(false, 0), kNone);
  EXPECT_EQ(leave_in_recovery(false, 2), Verdicts{"R5681_3_2_2 violated"});
  EXPECT_EQ(leave_in_recovery(true, 1, "E"), kNone);  // the third duplicate ACK is an echo, too
  EXPECT_EQ(leave_in_recovery(true, 1, "E", "W"), Verdicts{"R3168_6_1_2_react departed"});
}

// An echo on a duplicate ACK, to which the target need not react: new text shows by CWR whether it has. Then a fast
// retransmission, which is a second reason for the same window of data.
TEST(ExplicitCongestion, CwrTellsWhetherAnEchoHasReduced) {
  const auto story = [](std::string_view echoed, std::string_view lost, std::string_view later) {
    EcnTrace t;
    t.agree().no_delay().write(1);
    t.departs("P.", "", 1, 1, 1, kEct0).quiet();
    t.arrives(".", "E", 1, 1).quiet().write(1);
    t.departs("P.", echoed, 2, 1, 1, kEct0).quiet();
    t.arrives(".", "", 1, 1).quiet();
    t.arrives(".", "", 1, 1).departs("P.", "", 1, 1, 2).quiet();
    t.arrives(".", "", 1, 3).quiet().write(1);
    t.departs("P.", lost, 3, 1, 1, kEct0).quiet();
    t.arrives(".", "", 1, 4).quiet().write(1);
    return t.departs("P.", later, 4, 1, 1, kEct0).quiet().verdicts();
  };
  EXPECT_EQ(story("", "W", ""), kNone);
  EXPECT_EQ(story("W", "", ""), kNone);
  EXPECT_EQ(story("", "", ""), Verdicts{"R3168_6_1_2_cwr_any departed"});
  EXPECT_EQ(story("W", "W", ""), Verdicts{"R3168_6_1_2_cwr_first departed"});
  EXPECT_EQ(story("", "W", "W"), Verdicts{"R3168_6_1_2_cwr_first departed"});
}

// A window closes, is probed with the second octet and opens: it leaves again, and no timer has shown a loss. The
// same octet leaves twice more by the timer.
TEST(ExplicitCongestion, WhatAWindowHasRefusedIsNoLoss) {
  const auto story = [](bool refused) {
    EcnTrace t;
    t.agree().write(1);
    t.departs("P.", "", 1, 1, 1, kEct0).quiet();
    t.in(".", 1, 2, 0, refused ? 0 : kSndWnd).quiet().write(1);
    if (refused) {
      t.quiet(seconds(1)).out("P.", 2, 1, 1).quiet();
      t.in(".", 1, 2).out("P.", 2, 1, 1).quiet();
    } else {
      t.departs("P.", "", 2, 1, 1, kEct0).quiet(seconds(1)).out("P.", 2, 1, 1).quiet(seconds(2));
      t.out("P.", 2, 1, 1).quiet();
    }
    t.in(".", 1, 3).quiet().write(1);
    return t.departs("P.", "", 3, 1, 1, kEct0).quiet().verdicts();
  };
  EXPECT_EQ(story(true), kNone);
  EXPECT_EQ(story(false), Verdicts{"R3168_6_1_2_cwr_any departed"});
}

// The ACK that closes the window reports a loss, or does not. Nothing can leave again; CWR tells of the reduction.
TEST(ExplicitCongestion, ALossMayBeReportedAsTheWindowCloses) {
  const auto story = [](bool reported) {
    EcnTrace t;
    Arriving syn = EcnTrace::marked(in("S", 0, 0, 0, kSndWnd), "EW", kNotEct);
    Departing answer = EcnTrace::marked(out("S.", 0, 1, 0, kEdgeStays), "E", kNotEct);
    syn.opt.sack_permitted = answer.opt.sack_permitted = true;
    t.listen().quiet().event(syn).event(answer).quiet().in(".", 1, 1).quiet().accept().write(4 * 536);
    for (std::uint32_t seq = 1; seq < 2000; seq += 536) t.departs(seq > 1600 ? "P." : ".", "", seq, 1, 536, kEct0);
    Arriving report = in(".", 1, 1, 0, 0);
    if (reported) report.opt.block[report.opt.blocks++] = {(kIss + 537).value, (kIss + 1609).value};
    t.quiet().event(report).quiet().in(".", 1, 2145).quiet().write(1);
    return t.departs("P.", "W", 2145, 1, 1, kEct0).quiet().verdicts();
  };
  EXPECT_EQ(story(true), kNone);
  EXPECT_EQ(story(false), Verdicts{"R3168_6_1_2_cwr_first departed"});
}

// Two echoes meet one segment each. The second one finds a window of one segment, unless it has grown between them.
TEST(ExplicitCongestion, AWindowOfOneSegmentMayGrowBetweenTwoEchoes) {
  const auto story = [](bool grows) {
    EcnTrace t;
    t.agree().write(6000);
    t.departs(".", "", 1, 1, 536, kEct0).quiet();
    t.arrives(".", "E", 1, 537).departs(".", "W", 537, 1, 536, kEct0).quiet();
    if (grows) t.arrives(".", "", 1, 805).quiet();
    return t.arrives(".", "E", 1, 1073).departs(".", "W", 1073, 1, 536, kEct0).quiet().verdicts();
  };
  EXPECT_EQ(story(true), kNone);
  EXPECT_EQ(story(false), Verdicts{"R3168_6_1_2_cwnd1 violated"});
}

// An echo meets a window of one segment. The next one waits for a timer that runs so long.
TEST(ExplicitCongestion, TheTimerThatASegmentWaitsForRunsForASecond) {
  const auto story = [](std::chrono::milliseconds wait) {
    EcnTrace t;
    t.agree().write(6000);
    t.departs(".", "", 1, 1, 536, kEct0).quiet();
    t.arrives(".", "E", 1, 537).departs(".", "W", 537, 1, 536, kEct0).quiet();
    t.arrives(".", "E", 1, 1073).quiet().wait(wait);
    return t.departs(".", "W", 1073, 1, 536, kEct0).quiet().verdicts();
  };
  EXPECT_EQ(story(std::chrono::seconds(1)), kNone);
  EXPECT_EQ(story(std::chrono::milliseconds(500)), Verdicts{"R6298_2_4 departed"});
}

// The Nagle algorithm is off. After a timeout the window is one segment, and an ACK leaves part of it in flight.
TEST(ExplicitCongestion, TextWaitsForTheTimerAfterAnEchoNagleOrNot) {
  const auto story = [](std::string_view bits) {
    EcnTrace t;
    t.agree().no_delay().write(1);
    t.departs("P.", "", 1, 1, 1, kEct0).quiet(seconds(1)).out("P.", 1, 1, 1).quiet().write(10);
    t.departs("P.", "W", 2, 1, 10, kEct0).quiet();
    t.arrives(".", bits, 1, 10).quiet().write(1);
    return t.quiet().quiet(milliseconds(600)).verdicts();
  };
  EXPECT_EQ(story("E"), kNone);
  EXPECT_EQ(story(""), Verdicts{"MUST_17 violated"});
}

// Of four segments the first two are lost. CWR follows the retransmission, or does not; and so behind an echo of CE
// that comes with the partial acknowledgment.
Verdicts echo_behind_a_loss(std::string_view after_loss, std::string_view after_echo) {
  constexpr std::uint32_t kSegment = 536;
  EcnTrace t;
  t.agree().write(60 * kSegment);
  for (std::uint32_t i = 0; i < 4; ++i) t.departs(".", "", 1 + i * kSegment, 1, kSegment, kEct0);
  t.quiet();
  for (std::uint32_t i = 4; i < 6; ++i) {
    t.arrives(".", "", 1, 1).departs(".", "", 1 + i * kSegment, 1, kSegment, kEct0).quiet();
  }
  t.arrives(".", "", 1, 1).departs(".", "", 1, 1, kSegment).quiet();
  t.arrives(".", "", 1, 1).departs(".", after_loss, 1 + 6 * kSegment, 1, kSegment, kEct0).quiet();
  t.arrives(".", "", 1, 1).departs(".", "", 1 + 7 * kSegment, 1, kSegment, kEct0).quiet();
  t.arrives(".", "E", 1, 1 + kSegment).departs(".", "", 1 + kSegment, 1, kSegment);
  t.departs(".", after_echo, 1 + 8 * kSegment, 1, kSegment, kEct0).quiet();
  return t.verdicts();
}

// Who has not announced a reduction may not have reduced the window, and then reacts to the echo: one departure, not
// two.
TEST(ExplicitCongestion, AnEchoMayMeetAWindowOfWhichNoReductionWasAnnounced) {
  EXPECT_EQ(echo_behind_a_loss("W", ""), kNone);
  EXPECT_EQ(echo_behind_a_loss("W", "W"), Verdicts{"R3168_6_1_2_react departed"});
  EXPECT_EQ(echo_behind_a_loss("", "W"), Verdicts{"R3168_6_1_2_cwr_any departed"});
  EXPECT_EQ(echo_behind_a_loss("", ""), Verdicts{"R3168_6_1_2_cwr_any departed"});
}

// An echo meets four segments and acknowledges all but 100 octets, which leave again with new text; half of them
// arrive. The timeout has made a window of its own, which is all that can be held against a second segment. Without the
// timeout more than the four segments are an increase.
TEST(ExplicitCongestion, ATimeoutEndsWhatAnEchoBounds) {
  const auto story = [](bool timeout) {
    constexpr std::uint32_t kSegment = 536, kUna = 1 + 4 * kSegment - 100;
    EcnTrace t;
    t.agree().write(60 * kSegment);
    for (std::uint32_t i = 0; i < 4; ++i) t.departs(".", "", 1 + i * kSegment, 1, kSegment, kEct0);
    t.quiet();
    t.arrives(".", "E", 1, kUna).quiet();
    if (timeout) {
      t.quiet(seconds(1));
      t.departs(".", "", kUna, 1, kSegment).quiet();
      t.arrives(".", "", 1, kUna + 50);
      t.departs(".", "W", kUna + kSegment, 1, kSegment, kEct0);
    }
    for (std::uint32_t i = 0; i < 5 && !timeout; ++i) {
      t.departs(".", i == 0 ? "W" : "", kUna + 100 + i * kSegment, 1, kSegment, kEct0);
    }
    return t.quiet().verdicts();
  };
  EXPECT_EQ(story(true), Verdicts{"R5681_3_1_ss_abc departed"});
  EXPECT_EQ(story(false), Verdicts{"R3168_6_1_2_noincrease departed"});
}

// An echo meets one segment of the path and acknowledges a part of it, and so does another ACK, with ECE or without. Of
// these only the second one opens the window.
TEST(ExplicitCongestion, OnlyAnAckWithoutEceOpensTheWindowBehindAnEcho) {
  const auto story = [](std::string_view second) {
    constexpr std::uint32_t kSegment = 536;
    EcnTrace t;
    t.agree().write(60 * kSegment);
    for (std::uint32_t i = 0; i < 4; ++i) t.departs(".", "", 1 + i * kSegment, 1, kSegment, kEct0);
    t.quiet();
    t.arrives(".", "E", 1, 1 + kSegment / 4).quiet();
    for (std::uint32_t i = 0; i < 3; ++i) t.arrives(".", second, 1, 1 + (i + 2) * kSegment / 4).quiet();
    for (std::uint32_t i = 4; i < 6; ++i) t.departs(".", i == 4 ? "W" : "", 1 + i * kSegment, 1, kSegment, kEct0);
    return t.quiet().verdicts();
  };
  EXPECT_EQ(story(""), kNone);
  EXPECT_EQ(story("E"), Verdicts{"R3168_6_1_2_noincrease departed"});
}

// CWR follows a timeout of text without ECT, too (6.1.2: "for any reason"). Without one there is no reason.
TEST(ExplicitCongestion, CwrMayComeBeforeAnythingWasMarked) {
  const auto story = [](bool timeout, std::string_view echo) {
    EcnTrace t;
    t.agree().write(10);
    t.departs("P.", "", 1, 1, 10).quiet(seconds(1));
    if (timeout) t.departs("P.", "", 1, 1, 10).quiet();
    t.arrives(".", echo, 1, 11).quiet().write(10);
    return t.departs("P.", "W", 11, 1, 10, kEct0).quiet().verdicts();
  };
  EXPECT_EQ(story(true, ""), kNone);
  EXPECT_EQ(story(false, "E"), kNone);  // nor does an echo ask what was marked
  EXPECT_FALSE(story(false, "").empty());
}

// What leaves round trip by round trip stays the same: slow start has ended at a size of its own, or by an echo of CE.
TEST(ExplicitCongestion, AnEchoEndsSlowStart) {
  const auto rounds = [](std::string_view bits, std::uint8_t mark) {
    constexpr std::uint32_t kSegment = 536;
    EcnTrace t;
    t.agree().write(30000);
    std::uint32_t sent = 1;
    const char* cwr = mark == kEct0 ? "W" : "";
    for (int round = 0; round < 6; ++round) {
      if (round > 0) t.arrives(".", round == 1 ? bits : "", 1, sent);
      const int segments = round == 0 ? 4 : 2;
      for (int i = 0; i < segments; ++i, sent += kSegment) {
        t.departs(".", i == 0 && round == 1 && !bits.empty() ? cwr : "", sent, 1, kSegment, mark);
      }
      t.quiet();
    }
    return t.verdicts();
  };
  EXPECT_EQ(rounds("E", kEct0), kNone);
  EXPECT_EQ(rounds("E", kNotEct), kNone);  // nothing was marked, and the echo may be believed all the same
  EXPECT_EQ(rounds("", kEct0), Verdicts{"R5681_3_1_ssthresh_init departed"});
}

TEST(ExplicitCongestion, MarksOfAccurateEcnAreNotJudged) {
  EcnTrace t;
  t.listen().quiet();
  Arriving syn = EcnTrace::marked(in("S", 0, 0, 0, kSndWnd), "EW", kNotEct);
  syn.ctl.reserved = 1;
  t.event(syn);
  t.departs("S.", "W", 0, 1).quiet().in(".", 1, 1).quiet().accept();
  t.arrives("P.", "", 1, 1, 20, kCe).departs(".", "", 1, 21, 0, kEct0).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"S3_10_6_status inconclusive"});
}

// One segment leaves of many, and a part of it is acknowledged, with ECE or without. A duplicate ACK lets nothing go.
TEST(ExplicitCongestion, AnEchoAtAWindowOfOneSegmentHoldsBackLimitedTransmit) {
  const auto story = [](std::string_view bits) {
    EcnTrace t;
    t.agree().write(3000);
    t.departs(".", "", 1, 1, 536, kEct0).quiet();
    t.arrives(".", bits, 1, 401).quiet();
    return t.arrives(".", "", 1, 401).quiet().verdicts();
  };
  EXPECT_EQ(story("E"), kNone);
  EXPECT_EQ(story(""), Verdicts{"R5681_3_2_1_lt departed"});
}

// The same with a segment of limited transmit behind the first one, which is no part of the window.
TEST(ExplicitCongestion, LimitedTransmitIsNotPartOfTheWindowThatAnEchoMeets) {
  const auto story = [](std::string_view bits) {
    EcnTrace t;
    t.agree().write(3000);
    t.departs(".", "", 1, 1, 536, kEct0).quiet();
    t.arrives(".", "", 1, 1).departs(".", "", 537, 1, 536, kEct0).quiet();
    t.arrives(".", bits, 1, 401).quiet();
    return t.arrives(".", "", 1, 401).quiet().verdicts();
  };
  EXPECT_EQ(story("E"), kNone);
  EXPECT_EQ(story(""), Verdicts{"R5681_3_2_1_lt departed"});
}

// Ten segments of an octet are in flight, which is the window, and an echo reduces it: so many leave after it.
Verdicts octets_behind_an_echo(std::uint32_t octets) {
  EcnTrace t;
  Arriving syn = EcnTrace::marked(in("S", 0), "EW", kNotEct);
  syn.opt.mss = 1;
  t.listen().quiet().event(syn);
  t.departs("S.", "E", 0, 1).quiet().in(".", 1, 1).quiet().accept().write(100);
  for (std::uint32_t i = 1; i <= 10; ++i) t.departs(".", "", i, 1, 1, kEct0);
  t.quiet();
  t.arrives(".", "E", 1, 11);
  for (std::uint32_t i = 0; i < octets; ++i) t.departs(".", i == 0 ? "W" : "", 11 + i, 1, 1, kEct0);
  t.quiet();
  return t.verdicts();
}

TEST(ExplicitCongestion, HalfOfAFewOctetsIsNotNothing) {
  EXPECT_EQ(octets_behind_an_echo(5), kNone);
  EXPECT_EQ(octets_behind_an_echo(10).at(0), "R3168_5_ce_loss violated");
}

// The path takes segments of 28 octets. So many of them are the window when an echo comes, and one more later: with one
// segment the next text waits.
Verdicts echoes_on_a_small_path(std::uint32_t segments) {
  EcnTrace t;
  t.agree().write(60000);
  for (std::uint32_t i = 0; i < 10; ++i) t.departs(".", "", 1 + i * 536, 1, 536, kEct0);
  t.quiet().event(IcmpArrives{.type = 3, .code = 4, .mtu = 68, .seq = kIss + 1});
  for (std::uint32_t i = 0; i < 10; ++i) t.departs(".", "", 1 + i * 28, 1, 28);
  t.quiet();
  t.arrives(".", "", 1, 5361);
  std::uint32_t next = 5361;
  const auto sends = [&](std::uint32_t number) {
    for (std::uint32_t i = 0; i < number; ++i, next += 28) t.departs(".", i == 0 ? "W" : "", next, 1, 28, kEct0);
    t.quiet();
  };
  t.departs(".", "", next, 1, 28, kEct0).quiet();
  next += 28;
  t.arrives(".", "E", 1, next);
  sends(segments);
  t.arrives(".", "E", 1, next);
  sends(1);
  return t.verdicts();
}

TEST(ExplicitCongestion, OneSegmentIsOneOfThePath) {
  EXPECT_EQ(echoes_on_a_small_path(5), kNone);
  EXPECT_EQ(echoes_on_a_small_path(1), Verdicts{"R3168_6_1_2_cwnd1 violated"});
}

// A router has told of a path of 600 octets. An ACK of two of ten segments has an echo or not, and a duplicate of it
// lets nothing leave: an echo has halved the window.
Verdicts duplicate_behind_an_echo(std::string_view bits) {
  EcnTrace t;
  t.agree();
  t.event(IcmpArrives{.type = 3, .code = 4, .mtu = 600, .seq = kIss + 1});
  t.write(20000);
  for (std::uint32_t i = 0; i < 10; ++i) t.departs(".", "", 1 + i * 536, 1, 536, kEct0);
  t.quiet();
  t.arrives(".", bits, 1, 1073);
  if (bits.empty()) t.departs(".", "", 5361, 1, 536, kEct0).departs(".", "", 5897, 1, 536, kEct0);
  if (bits.empty()) t.departs(".", "", 6433, 1, 536, kEct0);
  t.quiet();
  t.arrives(".", "", 1, 1073).quiet();
  return t.verdicts();
}

TEST(ExplicitCongestion, OnASmallPathTooAnEchoHalvesTheWindowOfLimitedTransmit) {
  EXPECT_EQ(duplicate_behind_an_echo("E"), Verdicts{});
  EXPECT_EQ(duplicate_behind_an_echo(""), Verdicts{"R5681_3_2_1_lt departed"});
}

}  // namespace
}  // namespace tcpassay
