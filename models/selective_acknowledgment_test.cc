// SPDX-License-Identifier: Apache-2.0
// SACK options of the target: stories of text that comes in the wrong order, and what may be said about it.

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "models/rules.h"
#include "models/test_trace.h"

namespace tcpassay {
namespace {

using Blocks = std::initializer_list<std::pair<std::uint32_t, std::uint32_t>>;

Departing with(Departing seg, Blocks blocks) {
  for (const auto& [left, right] : blocks) {
    seg.opt.block[seg.opt.blocks++] = {(kIrs + left).value, (kIrs + right).value};
  }
  seg.opt.octets = static_cast<std::uint8_t>(seg.opt.octets + (seg.opt.blocks > 0 ? 4 + 8 * seg.opt.blocks : 0));
  return seg;
}

// A connection whose peer permits SACK options, or not.
class Story : public Trace {
 public:
  explicit Story(bool permits = true) {
    Arriving syn = tcpassay::in("S", 0);
    syn.opt.sack_permitted = permits;
    syn.opt.octets = 4;
    Departing answer = tcpassay::out("S.", 0, 1);
    answer.opt.sack_permitted = permits;
    answer.opt.octets = 8;
    listen().quiet().event(syn);
    event(answer).quiet().in(".", 1, 1).quiet().accept();
  }
  // The text `from`..`to` arrives, and this ACK is the answer.
  Story& text(std::uint32_t from, std::uint32_t to, std::uint32_t ack, Blocks blocks) {
    in(".", from, 1, to - from);
    return acks(ack, blocks);
  }
  Story& acks(std::uint32_t ack, Blocks blocks) {
    event(with(tcpassay::out(".", 1, ack), blocks)).quiet();
    return *this;
  }
};

TEST(SelectiveAcknowledgment, CaseThreeOfRfc2018IsObeyed) {
  Story t;
  t.text(101, 201, 1, {{101, 201}}).text(301, 401, 1, {{301, 401}, {101, 201}});
  t.text(501, 601, 1, {{501, 601}, {301, 401}, {101, 201}}).text(201, 301, 1, {{101, 401}, {501, 601}});
  t.text(1, 101, 401, {{501, 601}}).text(401, 501, 601, {});
  EXPECT_EQ(t.verdicts(), Verdicts{});
  for (const Rule rule : {Rule::R2018_3_format, Rule::R2018_4_first, Rule::R2018_4_every_segment, Rule::R2018_4_many,
                          Rule::R2018_4_all_acks, Rule::R2018_4_elect, Rule::R2018_2_syn_only}) {
    EXPECT_TRUE(t.judged(rule)) << id(rule);
  }
  EXPECT_EQ(t.count(Rule::R2018_8_renege).taken, 0u);
}

TEST(SelectiveAcknowledgment, NeedsPermission) {
  Story t(false);
  t.text(101, 201, 1, {});
  EXPECT_EQ(t.verdicts(), Verdicts{});
  EXPECT_TRUE(t.judged(Rule::R2018_4_not_permitted));
  t.text(301, 401, 1, {{301, 401}});
  EXPECT_EQ(t.verdicts(), Verdicts{"R2018_4_not_permitted violated"});
}

TEST(SelectiveAcknowledgment, NeedNotBeGenerated) {
  Story t;
  t.text(101, 201, 1, {}).text(301, 401, 1, {}).text(1, 101, 201, {}).text(201, 301, 401, {});
  EXPECT_EQ(t.verdicts(), Verdicts{});
  EXPECT_EQ(t.count(Rule::R2018_4_elect).taken, 0u);
}

TEST(SelectiveAcknowledgment, FirstBlockHoldsTheLatestSegment) {
  Story t;
  t.text(101, 201, 1, {{101, 201}}).text(301, 401, 1, {{101, 201}, {301, 401}});
  EXPECT_EQ(t.verdicts(), Verdicts{"R2018_4_first violated"});
}

TEST(SelectiveAcknowledgment, AnAckThatWasPutOffReportsWhatTriggeredIt) {
  Story t;
  t.text(101, 201, 1, {{101, 201}}).in(".", 301, 1, 100).quiet();
  t.in(".", 501, 1, 100).event(with(tcpassay::out(".", 1, 1), {{301, 401}, {101, 201}}));
  t.acks(1, {{501, 601}, {301, 401}, {101, 201}});
  for (const std::string& verdict : t.verdicts()) EXPECT_EQ(verdict, "R5681_3_2_out_of_order departed");
}

TEST(SelectiveAcknowledgment, OnlyWhatArrivedIsReported) {
  for (const auto& [left, right] : {std::pair{101u, 202u}, {100u, 201u}, {1u, 201u}, {301u, 401u}, {201u, 101u}}) {
    Story t;
    t.text(101, 201, 1, {{left, right}});
    EXPECT_EQ(t.verdicts(), Verdicts{"R2018_3_format violated"}) << left;
  }
}

// Text that the peer has sent just behind its own FIN, at 101, begins where the acknowledgment of the FIN stands.
TEST(SelectiveAcknowledgment, ABlockBeginsAboveTheAcknowledgmentOrBehindTheFin) {
  const auto verdicts = [](bool fin) {
    Story t;
    const std::uint32_t next = fin ? 102 : 101;
    t.text(next, 202, 1, {{next, 202}});
    if (fin) t.in("F.", 101, 1).event(with(tcpassay::out(".", 1, 1), {{102, 202}})).quiet();
    return t.text(1, 101, next, {{next, 202}}).verdicts();
  };
  EXPECT_EQ(verdicts(true), Verdicts{});
  EXPECT_EQ(verdicts(false), Verdicts{"R2018_3_format violated"});
}

// A FIN at 201 comes with the text before it, and text behind it has come already. It counts, with an ACK that is due
// at once; the text behind it is reported still.
TEST(SelectiveAcknowledgment, AFinCountsThoughTextBehindItHasCome) {
  const auto verdicts = [](bool fin, bool answered) {
    Story t;
    t.text(151, 251, 1, {{151, 251}}).in(fin ? "F." : ".", 1, 1, 200);
    if (answered) t.event(with(tcpassay::out(".", 1, 202), {{201, 251}}));
    t.quiet();
    return t.report(State::kCloseWait).verdicts();
  };
  EXPECT_EQ(verdicts(true, true), Verdicts{});
  EXPECT_EQ(verdicts(true, false), Verdicts{"R5681_3_2_fill departed"});
  EXPECT_NE(verdicts(false, true), Verdicts{});
}

// Two islands come, and then a FIN below them, or text. Of four segments behind it the first one comes again from 51
// on, and the others may have come, too, if the islands are held. One ACK answers them all.
TEST(SelectiveAcknowledgment, WhatCameTwiceBehindTextBehindAFinIsOpen) {
  const auto verdicts = [](bool islands, std::uint32_t from, std::uint32_t to) {
    Story t;
    if (islands) {
      t.text(301, 302, 1, {{301, 302}}).text(501, 502, 1, {{501, 502}, {301, 302}});
      t.text(1, 101, 101, {{501, 502}, {301, 302}});
    } else {
      t.text(1, 101, 101, {});
    }
    t.in("F.", 101, 1).out(".", 1, 102).quiet();
    t.in("P.", 51, 1, 100).in("P.", 151, 1, 200).in("P.", 351, 1, 200).in("F.", 551, 1);
    t.event(with(tcpassay::out(".", 1, 102), {{from, to}})).quiet();
    return t.verdicts();
  };
  EXPECT_EQ(verdicts(true, 51, 102), Verdicts{});
  EXPECT_EQ(verdicts(false, 51, 102), Verdicts{});
  EXPECT_EQ(verdicts(false, 1, 51), Verdicts{"R2883_4_latest departed"});
}

TEST(SelectiveAcknowledgment, AnOmissionCountsOnceItIsKnownThatTheTextWasHeld) {
  Story t;
  t.text(101, 201, 1, {{101, 201}}).text(301, 401, 1, {{301, 401}});
  EXPECT_EQ(t.verdicts(), Verdicts{});  // 101 to 200 may have been dropped
  t.text(1, 101, 201, {{301, 401}});
  EXPECT_EQ(t.verdicts(), Verdicts{"R2018_4_many departed"});
}

TEST(SelectiveAcknowledgment, WhatIsSentAgainNeedNotHaveBeenHeld) {
  Story t;
  t.text(101, 201, 1, {{101, 201}}).text(301, 401, 1, {{301, 401}}).text(1, 201, 201, {{301, 401}});
  EXPECT_EQ(t.verdicts(), Verdicts{});
}

TEST(SelectiveAcknowledgment, TextMayBeDroppedAfterItWasReported) {
  Story t;
  t.text(101, 201, 1, {{101, 201}}).text(1, 101, 101, {});
  EXPECT_EQ(t.verdicts(), Verdicts{"SHLD_31 departed"});
  EXPECT_EQ(t.count(Rule::R2018_8_renege).taken, 1u);
}

TEST(SelectiveAcknowledgment, EveryAckOfAReceiverThatReportsCarriesAnOption) {
  Story t;
  t.text(101, 201, 1, {{101, 201}}).text(301, 401, 1, {}).text(1, 101, 201, {{301, 401}});
  EXPECT_EQ(t.verdicts(), Verdicts{"R2018_4_every_segment departed"});
}

// What the duplicate ACK has reported is left out by a segment with text: another rule is broken.
TEST(SelectiveAcknowledgment, WhatLeavesBesideTheDuplicateAckCarriesAnOptionToo) {
  Story t;
  t.text(101, 201, 1, {{101, 201}}).write(100).out("P.", 1, 1, 100).quiet().in(".", 1, 101).quiet();
  t.in("P.", 1, 101, 50).event(with(tcpassay::out(".", 101, 51), {{101, 201}})).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{"R2018_4_all_acks departed"});
}

TEST(SelectiveAcknowledgment, RoomIsFilledWithTheLatestBlocks) {
  Story t;
  t.text(101, 151, 1, {{101, 151}}).text(201, 251, 1, {{201, 251}, {101, 151}});
  t.text(301, 351, 1, {{301, 351}, {201, 251}, {101, 151}});
  t.text(401, 451, 1, {{401, 451}, {301, 351}, {201, 251}, {101, 151}});
  t.text(501, 551, 1, {{501, 551}, {401, 451}, {301, 351}, {201, 251}});
  EXPECT_TRUE(t.judged(Rule::R2018_4_repeat));
  t.text(601, 651, 1, {{601, 651}, {301, 351}, {201, 251}, {101, 151}});
  t.text(551, 601, 1, {{501, 651}, {301, 351}, {201, 251}, {101, 151}});
  EXPECT_EQ(t.verdicts(), Verdicts{"R2018_4_repeat departed"});
}

TEST(DuplicateAcknowledgment, ExamplesOfRfc2883) {
  Story t;
  t.in(".", 1, 1, 100).quiet();
  t.acks(101, {}).text(1, 101, 101, {{1, 101}});                                      // example 1
  t.text(301, 401, 101, {{301, 401}}).text(1, 101, 101, {{1, 101}, {301, 401}});      // example 2
  t.text(401, 501, 101, {{301, 501}}).text(401, 501, 101, {{401, 501}, {301, 501}});  // example 3
  t.text(51, 151, 151, {{51, 101}, {301, 501}});                                      // example 4
  EXPECT_EQ(t.verdicts(), Verdicts{});
  for (const Rule rule : {Rule::R2883_4_first, Rule::R2883_4_latest, Rule::R2883_4_once, Rule::R2883_4_edges,
                          Rule::R2883_4_island, Rule::R2883_4_partial}) {
    EXPECT_TRUE(t.judged(rule)) << id(rule);
  }
}

// RFC 2883 section 4 (4): the whole block that contains the duplicate comes second. A target that has dropped the rest
// (RFC 2018 section 8) reports what it still holds, and says so when the gap is filled.
TEST(DuplicateAcknowledgment, TheIslandOfADuplicateIsReportedWhole) {
  const auto verdicts = [](std::uint32_t left, std::uint32_t ack) {
    Story t;
    t.text(201, 301, 1, {{201, 301}}).text(301, 401, 1, {{201, 401}}).text(301, 401, 1, {{301, 401}, {left, 401}});
    t.text(1, 201, ack, {});
    return t.verdicts();
  };
  EXPECT_EQ(verdicts(201, 401), Verdicts{});
  EXPECT_EQ(verdicts(301, 401), Verdicts{"R2883_4_island departed"});
  EXPECT_EQ(verdicts(251, 401), Verdicts{"R2883_4_island departed"});
  Story dropped;
  dropped.text(201, 301, 1, {{201, 301}}).text(301, 401, 1, {{201, 401}});
  dropped.text(301, 401, 1, {{301, 401}, {301, 401}}).text(1, 201, 201, {{301, 401}});
  for (const std::string& verdict : dropped.verdicts()) EXPECT_NE(verdict, "R2883_4_island departed");
}

// A part of an island comes again and is reported alone. An ACK without blocks before it may mean that the island was
// dropped, so that the part is new to the target. The part itself may mean that, until the gap is filled.
TEST(DuplicateAcknowledgment, AnIslandThatMayBeGoneIsNotOwed) {
  const auto verdicts = [](Blocks before, std::uint32_t ack) {
    Story t;
    t.text(301, 401, 1, {{301, 401}}).text(401, 501, 1, {{301, 501}}).text(501, 601, 1, before);
    t.text(301, 351, 1, {{301, 351}}).text(1, 301, ack, {});
    return t.verdicts();
  };
  const auto names_island = [](const Verdicts& all) {
    return std::find(all.begin(), all.end(), "R2883_4_island departed") != all.end();
  };
  EXPECT_TRUE(names_island(verdicts({{301, 601}}, 601)));
  EXPECT_FALSE(names_island(verdicts({{301, 601}}, 351)));
  EXPECT_FALSE(names_island(verdicts({}, 601)));
}

TEST(DuplicateAcknowledgment, Departures) {
  const auto verdicts = [](Blocks first, Blocks second) {
    Story t;
    t.text(301, 401, 1, {{301, 401}}).text(1, 101, 101, {{301, 401}}).text(1, 101, 101, first);
    if (second.size() > 0) t.text(401, 501, 101, second);
    return t.verdicts();
  };
  EXPECT_EQ(verdicts({{1, 101}, {301, 401}}, {{301, 501}}), Verdicts{});
  EXPECT_EQ(verdicts({{1, 100}, {301, 401}}, {}), Verdicts{"R2883_4_edges departed"});
}

// A duplicate comes, which the ACK reports or leaves for the next one; and an ACK for new text, or for another
// duplicate, has it in front.
Verdicts duplicate_in_front(bool told_before, bool new_text) {
  Story t;
  t.text(301, 401, 1, {{301, 401}}).text(1, 101, 101, {{301, 401}}).in(".", 1, 1, 100);
  if (told_before) t.acks(101, {{1, 101}, {301, 401}});
  if (new_text) {
    t.text(401, 501, 101, {{1, 101}, {301, 501}});
  } else {
    t.text(51, 101, 101, {{1, 101}, {301, 401}});
  }
  return t.verdicts();
}

TEST(DuplicateAcknowledgment, ComesBeforeNewTextOnlyTheFirstTime) {
  EXPECT_EQ(duplicate_in_front(true, true), Verdicts{"R2018_4_first violated"});
  EXPECT_EQ(duplicate_in_front(false, true), Verdicts{});
  EXPECT_EQ(duplicate_in_front(true, false), Verdicts{"R2883_4_edges departed"});
}

// RFC 2883 binds those who use it: whoever has reported a duplicate reports the next one, too.
TEST(DuplicateAcknowledgment, BindsThoseWhoUseIt) {
  Story guilty, innocent;
  for (Story* t : {&guilty, &innocent}) t->in(".", 1, 1, 100).quiet();
  guilty.acks(101, {}).text(1, 101, 101, {{1, 101}}).text(1, 101, 101, {});
  innocent.acks(101, {}).text(1, 101, 101, {}).text(1, 101, 101, {});
  EXPECT_EQ(guilty.verdicts(), Verdicts{"R2883_4_first departed"});
  EXPECT_EQ(innocent.verdicts(), Verdicts{});
}

// Whoever has reported a duplicate need not report what begins half the number space ahead and ends so far behind.
TEST(DuplicateAcknowledgment, IsNothingThatBeginsHalfTheNumberSpaceAhead) {
  const auto story = [](std::uint32_t seq) {
    Story t;
    t.in(".", 1, 1, 100).quiet();
    t.acks(101, {}).text(1, 101, 101, {{1, 101}}).in(".", seq, 1, 60);
    return t.acks(101, {}).verdicts();
  };
  EXPECT_EQ(story(0x80000000u + 71), Verdicts{});
  EXPECT_EQ(story(31), Verdicts{"R2883_4_first departed"});
}

// Text has come with the SYN, and text half the number space below it comes in SYN-RECEIVED, or does not: the ACK
// reports it as a duplicate.
Verdicts reported_below_text_of_the_syn(bool comes) {
  constexpr std::uint32_t kFar = 0x80000102;  // below RCV.NXT, and above what the SYN has brought
  Trace t;
  Arriving syn = in("S", 0, 0, 536);
  syn.opt.sack_permitted = true;
  syn.opt.octets = 4;
  Departing answer = out("S.", 0, 1);
  answer.opt.sack_permitted = true;
  answer.opt.octets = 8;
  t.listen().quiet().event(syn).event(answer).quiet().in("P.", comes ? kFar : kFar + 1000, 1, 1);
  t.event(with(out(".", 1, 1), {{kFar, kFar + 1}})).quiet();
  return t.verdicts();
}

TEST(DuplicateAcknowledgment, LiesBelowRcvNxtThoughHalfAroundFromTextOfTheSyn) {
  EXPECT_EQ(reported_below_text_of_the_syn(true), Verdicts{});
  EXPECT_EQ(reported_below_text_of_the_syn(false), Verdicts{"R2883_4_latest departed"});
}

// More islands come than are remembered, the last of them at 2001 is the highest, and all text below it. Then a segment
// begins inside and ends behind, and the ACK reports the part up to `to` as a duplicate.
Verdicts part_reported(std::uint32_t to) {
  Story t;
  for (std::uint32_t i = 0; i < 9; ++i) {
    const auto island = [](std::uint32_t number) { return number == 8 ? 2001 : 101 + 200 * number; };
    Departing ack = out(".", 1, 1);
    for (std::uint32_t k = 0; k < 4 && k <= i; ++k) ack = with(ack, {{island(i - k), island(i - k) + 1}});
    ack.opt.octets = static_cast<std::uint8_t>(4 + 8 * ack.opt.blocks);
    t.in(".", island(i), 1, 1).event(ack).quiet();
  }
  t.in(".", 2, 1, 1999);
  t.acks(1, {{2, 2002}}).in(".", 1901, 1, 500);
  return t.acks(1, {{1901, to}, {2, 2401}}).verdicts();
}

TEST(DuplicateAcknowledgment, GoesAsFarAsTextBeyondTheRememberedIslands) {
  EXPECT_EQ(part_reported(2002), Verdicts{});
  EXPECT_EQ(part_reported(2003), Verdicts{"R2883_4_partial departed"});
}

// Crossing SYNs, the peer's with 536 octets, and CLOSE before the handshake is complete. An octet half the number space
// away comes, and is reported as a duplicate: it lies below RCV.NXT, as long as the text of the SYN has not been taken.
Verdicts reported_behind_an_early_close(bool comes) {
  constexpr std::uint32_t kFar = 0x80000103;
  Trace t;
  Arriving syn = in("S", 0, 0, 536);
  syn.opt.sack_permitted = true;
  syn.opt.octets = 4;
  Departing first = out("S", 0), answer = out("S.", 0, 1);
  for (Departing* each : {&first, &answer}) {
    each->opt.sack_permitted = true;
    each->opt.octets = 4;
  }
  t.connect().event(first).quiet().event(syn).event(answer).quiet().shutdown().out("F.", 1, 1).quiet();
  t.in("P.", comes ? kFar : kFar + 1000, 2, 1).event(with(out(".", 2, 1), {{kFar, kFar + 1}})).quiet();
  return t.verdicts();
}

TEST(DuplicateAcknowledgment, LiesBelowRcvNxtBehindAnEarlyClose) {
  EXPECT_EQ(reported_behind_an_early_close(true), Verdicts{});
  EXPECT_EQ(reported_behind_an_early_close(false), Verdicts{"R2883_4_latest departed"});
}

// A segment that is held ahead of a gap comes twice, on a path that has told of its size, with timestamps or without:
// these leave room for one block only, and the duplicate is not reported.
Verdicts duplicate_on_a_path(std::uint32_t mtu, bool stamped) {
  Story t;
  t.text(1, 101, 101, {}).text(1, 101, 101, {{1, 101}}).write(1).out("P.", 1, 101, 1).quiet();
  t.event(IcmpArrives{.type = 3, .code = 4, .mtu = mtu, .seq = kIss + 1}).out("P.", 1, 101, 1).quiet();
  std::uint32_t to = 301;
  for (const std::uint32_t from : {201, 301, 201}) {
    to = std::max(to, from + 100);
    Departing ack = with(out(".", 2, 101), {{201, to}});
    if (stamped) ack.opt.octets += 12;
    t.in(".", from, 2, 100).event(ack).quiet();
  }
  return t.verdicts();
}

TEST(DuplicateAcknowledgment, NeedsRoomForTheBlockThatHoldsIt) {
  EXPECT_EQ(duplicate_on_a_path(68, true), Verdicts{});
  EXPECT_EQ(duplicate_on_a_path(68, false), Verdicts{"R2883_4_first departed"});
  EXPECT_EQ(duplicate_on_a_path(100, true), Verdicts{"R2883_4_first departed"});
}

// Two octets are held, and one of them may be dropped again: of a segment with both either may be the duplicate.
Verdicts either_part_reported(std::uint32_t octet) {
  Story t;
  t.text(602, 603, 1, {{602, 603}}).text(352, 353, 1, {{352, 353}, {602, 603}});
  return t.text(1, 1001, 1001, {{octet, octet + 1}}).verdicts();
}

TEST(DuplicateAcknowledgment, ReportsTheFirstPartThatIsHeldStill) {
  EXPECT_EQ(either_part_reported(602), Verdicts{});
  EXPECT_EQ(either_part_reported(352), Verdicts{});
  EXPECT_EQ(either_part_reported(700), Verdicts{"R2883_4_latest departed"});
}

}  // namespace
}  // namespace tcpassay
