// SPDX-License-Identifier: Apache-2.0
#include "harness/sweep/grid.h"

#include <gtest/gtest.h>

#include <set>

#include "harness/script/print.h"
#include "harness/script/scenario.h"
#include "harness/sweep/roads.h"

namespace tcpassay {
namespace {

constexpr Numbers kOpen{
    .sent = true, .announced = true, .snd_una = 1, .snd_nxt = 11, .rcv_nxt = 0xfffffe01, .rcv_wnd = 2048};

TEST(SweepGrid, HasEverySetOfControlBitsWithEveryClass) {
  const auto cells = all_cells();
  constexpr std::size_t kDressed = 8u * 8 * 7 * 4 + 8u * 8 * 2 * 4;  // neither PSH nor URG, a large window
  EXPECT_EQ(cells.size(), 32u * 8 * 7 * 4 * 3 + 32u * 8 * 2 * 4 * 3 + 2 * kDressed);
  EXPECT_EQ(all_cells({0x12}).size(), 8u * 7 * 4 * (3 + 2));
  EXPECT_EQ(all_cells({0x32}).size(), 8u * 7 * 4 * 3);
}

TEST(SweepGrid, EveryCellIsAnotherSegment) {
  std::set<std::string> segments;
  const auto cells = all_cells({0x10});
  for (const Cell& cell : cells) segments.insert(to_text(ScriptStep{.action = Inject{segment_of(cell, kOpen)}}));
  EXPECT_EQ(segments.size(), cells.size());
}

TEST(SweepGrid, ADressIsWhatIsToBeIgnored) {
  Cell cell{.flags = 0x10, .seq = SeqClass::kNext, .dress = Dress::kUnknownOption};
  EXPECT_EQ(segment_of(cell, kOpen).options.size(), 1u);
  cell.dress = Dress::kReservedBit;
  EXPECT_EQ(segment_of(cell, kOpen).ctl.reserved, 8);
  EXPECT_NE(to_text(cell).find("reserved bit"), std::string::npos);
}

TEST(SweepGrid, WhereTimestampsWereNegotiatedTheyAreCurrentOldOrMissing) {
  EXPECT_EQ(all_cells({}, true).size(), all_cells().size());
  Numbers stamped = kOpen;
  stamped.stamped = true;
  const auto stamp_of = [](const SegmentSpec& spec) {
    return spec.options.empty() ? 0 : spec.options.back().values[0];
  };
  Cell cell{.flags = 0x10, .seq = SeqClass::kNext, .window = WindowClass::kLarge};
  EXPECT_TRUE(segment_of(cell, kOpen).options.empty());
  EXPECT_EQ(stamp_of(segment_of(cell, stamped)), kLaterStamp);
  cell.window = WindowClass::kSmall;
  EXPECT_EQ(stamp_of(segment_of(cell, stamped)), kRoadStamp);
  cell.dress = Dress::kOldStamp;
  EXPECT_EQ(stamp_of(segment_of(cell, stamped)), kOldStamp);
  cell.dress = Dress::kNoStamp;
  EXPECT_EQ(stamp_of(segment_of(cell, stamped)), 0u);
  EXPECT_EQ(stamp_of(segment_of(FollowUp::kText, {}, stamped, stamped)), kLaterStamp);
}

TEST(SweepGrid, EveryClassIsFollowedByEverySecondSegment) {
  std::set<std::pair<SeqClass, FollowUp>> by_seq;
  std::set<std::pair<TextClass, FollowUp>> by_text;
  for (const Cell& cell : all_cells({0x10})) {
    by_seq.insert({cell.seq, follow_up_of(cell, 0, 4)});
    by_text.insert({cell.text, follow_up_of(cell, 0, 4)});
    EXPECT_NE(follow_up_of(cell, 0, 4), follow_up_of(cell, 1, 4));
    EXPECT_NE(follow_up_of(cell, 0, 4), follow_up_of(cell, 0, 6));
  }
  EXPECT_EQ(by_seq.size(), std::size_t{kSeqClasses * kFollowUps});
  EXPECT_EQ(by_text.size(), std::size_t{kTextClasses * kFollowUps});
}

TEST(SweepGrid, SecondSegmentsCountFromWhereTheTargetIsNow) {
  Numbers now = kOpen;
  now.rcv_nxt = 5;
  const SegmentSpec stimulus = segment_of(Cell{.flags = 0x10, .seq = SeqClass::kLast}, kOpen);
  EXPECT_EQ(segment_of(FollowUp::kAgain, stimulus, kOpen, now), stimulus);
  const SegmentSpec reset = segment_of(FollowUp::kReset, stimulus, kOpen, now);
  EXPECT_EQ(reset.seq, 5u);
  EXPECT_TRUE(reset.ctl.rst && !reset.ctl.ack);
  EXPECT_EQ(segment_of(FollowUp::kOldAck, stimulus, kOpen, now).ack, 0u);
  EXPECT_EQ(segment_of(FollowUp::kWindow, stimulus, kOpen, now).seq, kOpen.rcv_nxt);
}

TEST(SweepGrid, NumbersWrap) {
  Cell cell{.flags = 0x10, .seq = SeqClass::kLast, .ack = AckClass::kBelow, .text = TextClass::kFills};
  SegmentSpec spec = segment_of(cell, kOpen);
  EXPECT_EQ(spec.seq, 1536u);  // RCV.NXT + 2047
  EXPECT_EQ(spec.ack, 0u);
  EXPECT_EQ(spec.length, 2048u);
  cell.seq = SeqClass::kOpposite;
  cell.ack = AckClass::kOpposite;
  spec = segment_of(cell, kOpen);
  EXPECT_EQ(spec.seq, 0x7ffffe01u);
  EXPECT_EQ(spec.ack, 0x8000000bu);
}

TEST(SweepGrid, SaysWhatCannotBe) {
  const Cell inside{.flags = 0x10, .ack = AckClass::kInside}, una{.flags = 0x10, .ack = AckClass::kUna};
  const Cell fills{.text = TextClass::kFills}, edge{.seq = SeqClass::kEdge};
  Numbers numbers = kOpen;
  for (const Cell& cell : {inside, una, fills, edge}) EXPECT_EQ(impossible(cell, numbers), nullptr);
  numbers.snd_nxt = numbers.snd_una + 1;
  EXPECT_NE(impossible(inside, numbers), nullptr);
  EXPECT_EQ(impossible(una, numbers), nullptr);
  numbers.snd_nxt = numbers.snd_una;
  EXPECT_NE(impossible(una, numbers), nullptr);
  numbers.rcv_wnd = 0;
  EXPECT_STREQ(impossible(fills, numbers), "there is no room for text");
  EXPECT_NE(impossible(edge, numbers), nullptr);
  EXPECT_STREQ(impossible(fills, Numbers{}), "no window was announced");
}

TEST(SweepGrid, ReadsSetsOfControlBits) {
  for (const char* word : {"SYN+ACK", "SA", "S.", ".S", "ACK+SYN"}) EXPECT_EQ(flags_named(word), 0x12) << word;
  EXPECT_EQ(flags_named("FSRPUA"), 0x3f);
  EXPECT_EQ(flags_named("none"), 0);
  for (const char* word : {"", "X", "SYN ACK", "SYN+"}) EXPECT_EQ(flags_named(word), std::nullopt) << word;
  EXPECT_EQ(flags_text(0x12), "SYN,ACK");
}

TEST(SweepRoads, LeadToEachOfTheElevenStates) {
  std::set<State> states;
  for (const Road& road : all_roads()) {
    states.insert(road.state);
    EXPECT_EQ(steps_of(road).empty(), road.name == "never opened") << road.name;
  }
  EXPECT_EQ(states.size(), static_cast<std::size_t>(kStates));
}

// A name stands once for each state, since results of shards are joined by it.
TEST(SweepRoads, HaveNamesOfTheirOwn) {
  std::set<std::pair<State, std::string_view>> names;
  std::set<RoadKind> kinds;
  for (const Road& road : all_roads()) {
    EXPECT_TRUE(names.insert({road.state, road.name}).second) << to_string(road.state) << " " << road.name;
    kinds.insert(road.kind);
    EXPECT_EQ(road.iss.has_value(), road.name.find("ISS") != std::string_view::npos) << road.name;
  }
  EXPECT_EQ(kinds.size(), std::size_t{kRoadKinds});
}

}  // namespace
}  // namespace tcpassay
