// SPDX-License-Identifier: Apache-2.0
// A file shows that segments are lost, or late, between the capture point and an end that seems near. What such an end
// did not take explains what it does; what no loss explains is condemned as before.
#include <chrono>

#include "harness/offline/capture_test.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// The server seems near: it answers after 30 us. The client is 30 ms away.
class LossyCapture : public CaptureJudged {
 protected:
  void stamp(PacketFields& fields, std::uint32_t value, std::uint32_t echo) {
    stamps_ = {1, 1, 8, 10};
    if (fields.ctl.syn) stamps_ = {2, 4, 5, 180, 8, 10};
    for (const std::uint32_t number : {value, echo}) {
      for (int shift = 24; shift >= 0; shift -= 8) stamps_.push_back(static_cast<std::uint8_t>(number >> shift));
    }
    if (fields.ctl.syn) stamps_.insert(stamps_.end(), {1, 1});
    fields.options = stamps_;
  }
  void report(PacketFields& fields, std::uint32_t left, std::uint32_t right) {
    stamps_ = {1, 1, 5, 10};
    for (const std::uint32_t edge : {1000 + left, 1000 + right}) {
      for (int shift = 24; shift >= 0; shift -= 8) stamps_.push_back(static_cast<std::uint8_t>(edge >> shift));
    }
    fields.options = stamps_;
  }
  void open_far() {
    write(up({.syn = true}, 0, 0), milliseconds(3));
    write(down({.syn = true, .ack = true}, 0, 1));
    write(up({.ack = true}, 1, 1), milliseconds(30));
  }
  void open_with_sack() {
    static const Bytes kOptions = {2, 4, 5, 180, 1, 1, 4, 2};
    PacketFields syn = up({.syn = true}, 0, 0), answer = down({.syn = true, .ack = true}, 0, 1);
    syn.options = answer.options = kOptions;
    write(syn, milliseconds(3));
    write(answer);
    write(up({.ack = true}, 1, 1), milliseconds(30));
  }
  void open_with_stamps() {
    PacketFields syn = up({.syn = true}, 0, 0);
    stamp(syn, 100, 0);
    write(syn, milliseconds(3));
    PacketFields answer = down({.syn = true, .ack = true}, 0, 1);
    stamp(answer, 500, 100);
    write(answer);
    stamped(up({.ack = true}, 1, 1), 130, 500, milliseconds(30));
  }
  void stamped(PacketFields fields, std::uint32_t value, std::uint32_t echo, Time later) {
    stamp(fields, value, echo);
    write(fields, later);
  }
  void text(std::uint32_t seq, std::size_t octets, Time later) {
    write(up({.psh = true, .ack = true}, seq, 1, octets), later);
  }
  void ack(std::uint32_t number, Time later) { write(down({.ack = true}, 1, number), later); }

  void acknowledge_thrice() {
    open_far();
    text(1, 100, milliseconds(70));
    text(101, 100, microseconds(20));
    for (int i = 0; i < 3; ++i) ack(201, milliseconds(2));
  }

  // Another conversation: after a reset the server sends text. Only a lost RST explains it.
  Outcome sends_behind_a_reset() {
    ++client_port_;
    open_far();
    write(up({.rst = true}, 1, 1), milliseconds(70));
    write(down({.psh = true, .ack = true}, 1, 1, 10), milliseconds(100));
    return server(1);
  }
  Outcome server(std::size_t conversation) {
    result_ = judge();
    return result_.conversations.at(conversation).ends[1].outcome;
  }
  std::string why(std::size_t conversation) const { return result_.conversations.at(conversation).ends[1].why; }

  CaptureResult result_{};
  Bytes stamps_{};
};

TEST_F(LossyCapture, WithoutALossTheTextBehindTheResetIsCondemned) {
  open_far();
  text(1, 1000, milliseconds(70));
  ack(1001, microseconds(50));
  EXPECT_EQ(sends_behind_a_reset(), Outcome::kFail) << why(1);
}

TEST_F(LossyCapture, TextThatIsAcknowledgedUponItsLatestCopyOnly) {
  open_far();
  text(1, 1000, milliseconds(70));
  text(1, 1000, milliseconds(300));
  ack(1001, microseconds(50));
  EXPECT_EQ(sends_behind_a_reset(), Outcome::kInconclusive);
  EXPECT_NE(why(1).find("segments to 192.0.2.2 are lost behind the capture point (frame 6"), std::string::npos)
      << why(1);
}

TEST_F(LossyCapture, TextThatWasAcknowledgedBeforeItsCopyIsNoLoss) {
  open_far();
  text(1, 1000, milliseconds(70));
  ack(1001, microseconds(50));
  text(1, 1000, milliseconds(300));
  ack(1001, microseconds(50));
  EXPECT_EQ(sends_behind_a_reset(), Outcome::kFail) << why(1);
}

TEST_F(LossyCapture, AReportedDuplicateIsNoLoss) {
  open_with_sack();
  text(1, 1000, milliseconds(70));
  text(1, 1000, milliseconds(20));
  PacketFields answer = down({.ack = true}, 1, 1001);
  report(answer, 1, 1001);
  write(answer, microseconds(50));
  EXPECT_EQ(sends_behind_a_reset(), Outcome::kFail) << why(1);
}

TEST_F(LossyCapture, AGapThatPassedLongAgo) {
  open_with_sack();
  text(1, 1000, milliseconds(70));
  text(1001, 1000, milliseconds(20));
  PacketFields answer = down({.ack = true}, 1, 1);
  report(answer, 1001, 2001);
  write(answer, microseconds(50));
  EXPECT_EQ(sends_behind_a_reset(), Outcome::kInconclusive) << why(1);
}

TEST_F(LossyCapture, ASynAgainBehindTheSynAck) {
  write(down({.syn = true}, 0, 0), milliseconds(3));
  write(up({.syn = true, .ack = true}, 0, 1), microseconds(30));
  write(down({.syn = true}, 0, 0), milliseconds(1000));
  write(up({.syn = true, .ack = true}, 0, 1), microseconds(30));
  write(down({.ack = true}, 1, 1), microseconds(30));
  EXPECT_EQ(sends_behind_a_reset(), Outcome::kInconclusive) << why(1);
}

TEST_F(LossyCapture, OctetsThatComeBehindLaterOnes) {
  open_far();
  write(down({.psh = true, .ack = true}, 1001, 1, 1000), milliseconds(70));
  write(down({.psh = true, .ack = true}, 1, 1, 1000), milliseconds(300));
  EXPECT_EQ(sends_behind_a_reset(), Outcome::kInconclusive) << why(1);
}

// The server has not echoed the timestamp of an ACK at first, and does so later.
TEST_F(LossyCapture, AnAckThatIsEchoedLate) {
  open_with_stamps();
  stamped(down({.psh = true, .ack = true}, 1, 1, 10), 531, 130, microseconds(50));
  stamped(up({.ack = true}, 1, 11), 160, 531, milliseconds(30));
  stamped(down({.psh = true, .ack = true}, 11, 1, 10), 581, 130, milliseconds(20));
  stamped(down({.psh = true, .ack = true}, 21, 1, 10), 582, 160, milliseconds(1));
  EXPECT_EQ(sends_behind_a_reset(), Outcome::kInconclusive) << why(1);
}

// ... or never: that stack does not take it from an ACK.
TEST_F(LossyCapture, AnAckThatIsNeverEchoedIsNoLoss) {
  open_with_stamps();
  stamped(down({.psh = true, .ack = true}, 1, 1, 10), 531, 130, microseconds(50));
  stamped(up({.ack = true}, 1, 11), 160, 531, milliseconds(30));
  stamped(down({.psh = true, .ack = true}, 11, 1, 10), 581, 130, milliseconds(20));
  stamped(down({.psh = true, .ack = true}, 21, 1, 10), 582, 130, milliseconds(1));
  EXPECT_EQ(sends_behind_a_reset(), Outcome::kFail) << why(1);
  EXPECT_EQ(result_.conversations.at(0).ends[1].outcome, Outcome::kFail) << why(0);
}

// A FIN that was acknowledged leaves again: the ACK was lost, unless the server echoes it.
class FinAgain : public LossyCapture {
 protected:
  Outcome echoes(std::uint32_t value) {
    open_with_stamps();
    stamped(down({.fin = true, .ack = true}, 1, 1), 531, 130, microseconds(50));
    stamped(up({.ack = true}, 1, 2), 160, 531, milliseconds(30));
    stamped(down({.fin = true, .ack = true}, 1, 1), 831, value, milliseconds(270));
    return server(0);
  }
};

TEST_F(FinAgain, MayNotHaveBeenAcknowledgedWhereTheEchoIsOld) {
  EXPECT_EQ(echoes(130), Outcome::kInconclusive) << why(0);
}

TEST_F(FinAgain, IsCondemnedWhereTheAckIsEchoed) {
  EXPECT_EQ(echoes(160), Outcome::kFail) << why(0);
}

// In a file that shows losses, what no loss explains is condemned.
class NoLossExplains : public LossyCapture {
 protected:
  void SetUp() override {
    open_far();
    text(1, 1000, milliseconds(70));
    text(1, 1000, milliseconds(300));
    ack(1001, microseconds(50));
    ++client_port_;
  }
};

TEST_F(NoLossExplains, AnAckInsideASegment) {
  open_far();
  text(1, 1000, milliseconds(70));
  ack(701, microseconds(50));
  EXPECT_EQ(server(1), Outcome::kFail) << why(1);
}

TEST_F(NoLossExplains, TextBeyondTheWindow) {
  PacketFields syn = up({.syn = true}, 0, 0);
  syn.wnd = 1000;
  write(syn, milliseconds(3));
  write(down({.syn = true, .ack = true}, 0, 1));
  PacketFields answer = up({.ack = true}, 1, 1);
  answer.wnd = 1000;
  write(answer, milliseconds(30));
  write(down({.psh = true, .ack = true}, 1, 1, 1000));
  write(down({.psh = true, .ack = true}, 1001, 1, 1000));
  EXPECT_EQ(server(1), Outcome::kFail) << why(1);
}

// A third ACK for two segments: a copy of one of them may have drawn it.
TEST_F(NoLossExplains, ButACopyBehindTheCaptureDoes) {
  acknowledge_thrice();
  EXPECT_EQ(server(1), Outcome::kInconclusive) << why(1);
}

TEST_F(LossyCapture, AThirdAckForTwoSegmentsIsCondemned) {
  acknowledge_thrice();
  EXPECT_EQ(server(0), Outcome::kFail) << why(0);
}

// An ACK in FIN-WAIT-2 is judged like any other: it is no answer to the ACK of the FIN.
class InFinWait2 : public LossyCapture {
 protected:
  void close() {
    open_with_stamps();
    stamped(down({.fin = true, .ack = true}, 1, 1), 531, 130, microseconds(50));
    stamped(up({.ack = true}, 1, 2), 160, 531, milliseconds(30));
    stamped(up({.psh = true, .ack = true}, 1, 2, 100), 200, 531, milliseconds(40));
    stamped(down({.ack = true}, 2, 101), 601, 200, microseconds(50));
    stamped(up({.psh = true, .ack = true}, 101, 2, 100), 210, 531, milliseconds(10));
    stamped(down({.ack = true}, 2, 201), 611, 210, microseconds(50));
  }
};

TEST_F(InFinWait2, TheLastTimestampThatWasAcknowledgedIsEchoed) {
  close();
  stamped(up({.psh = true, .ack = true}, 301, 2, 100), 220, 611, milliseconds(20));
  stamped(down({.ack = true}, 2, 201), 632, 210, microseconds(50));
  EXPECT_EQ(server(0), Outcome::kPass) << why(0);
}

TEST_F(InFinWait2, AnotherTimestampIsCondemned) {
  close();
  stamped(up({.psh = true, .ack = true}, 301, 2, 100), 220, 611, milliseconds(20));
  stamped(down({.ack = true}, 2, 201), 632, 200, microseconds(50));
  EXPECT_EQ(server(0), Outcome::kFail) << why(0);
}

// A receiver has discarded one of several segments that it was to hold. What it says later of the others is judged.
class ADiscardedSegment : public LossyCapture {
 protected:
  void acknowledge_a_part() {
    open_far();
    text(101, 100, milliseconds(70));
    ack(1, microseconds(50));
    text(201, 100, milliseconds(2));
    ack(1, microseconds(50));
    text(301, 100, milliseconds(2));
    ack(1, microseconds(50));
    text(1, 100, milliseconds(70));
    ack(201, microseconds(50));  // 201:301 is gone
  }
};

TEST_F(ADiscardedSegment, DoesNotTellThatTheOthersAreGone) {
  acknowledge_a_part();
  text(201, 100, milliseconds(70));
  ack(401, microseconds(50));
  EXPECT_EQ(server(0), Outcome::kPass) << why(0);
}

TEST_F(ADiscardedSegment, IsNotAcknowledgedBeforeItComesAgain) {
  acknowledge_a_part();
  ack(401, milliseconds(70));
  EXPECT_EQ(server(0), Outcome::kFail) << why(0);
}

// The ACK of a FIN that fills gaps reports nothing that it covers, unless it has come twice.
class TheAckOfAFin : public LossyCapture {
 protected:
  Outcome reports(bool stale) {
    open_with_sack();
    write(down({.fin = true, .ack = true}, 1, 1), microseconds(50));
    write(up({.ack = true}, 1, 2), milliseconds(30));
    const Time soon = microseconds(40);
    write(up({.psh = true, .ack = true}, 101, 2, 100), milliseconds(30));
    PacketFields answer = down({.ack = true}, 2, 1);
    report(answer, 101, 201);
    write(answer, soon);
    write(up({.fin = true, .ack = true}, 201, 2), milliseconds(1));
    answer = down({.ack = true}, 2, 1);
    report(answer, 101, 202);
    write(answer, soon);
    write(up({.psh = true, .ack = true}, 1, 2, 50), milliseconds(30));
    write(up({.psh = true, .ack = true}, 51, 2, 50), microseconds(5));
    answer = down({.ack = true}, 2, 202);
    static const Bytes kTwo = {1, 1, 5, 18, 0, 0, 4, 77, 0, 0, 4, 177, 0, 0, 4, 77, 0, 0, 4, 178};
    if (stale) answer.options = kTwo;  // 101:201 and 101:202
    write(answer, soon);
    write(up({.psh = true, .ack = true}, 1, 2, 100), milliseconds(30));
    write(down({.ack = true}, 2, 202), soon);
    return server(0);
  }
};

TEST_F(TheAckOfAFin, IsAcceptedWithoutThem) {
  EXPECT_EQ(reports(false), Outcome::kPass) << why(0);
}

TEST_F(TheAckOfAFin, IsCondemnedForThem) {
  EXPECT_EQ(reports(true), Outcome::kFail);
  EXPECT_EQ(result_.conversations.at(0).ends[1].verdict->rule, Rule::R2018_3_format) << why(0);
}

}  // namespace
}  // namespace tcpassay
