// SPDX-License-Identifier: Apache-2.0
// Captures are made at odd places by odd means. What a capture does to the order, the times and the pieces of innocent
// packets condemns nobody; a guilty end beside it is condemned as before.
#include <chrono>

#include "harness/offline/capture_test.h"

namespace tcpassay {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// The server is near: it answers after 30 us. The client is 30 ms away.
class StrangeCapture : public CaptureJudged {
 protected:
  void open_far() {
    write(up({.syn = true}, 0, 0));
    write(down({.syn = true, .ack = true}, 0, 1));
    write(up({.ack = true}, 1, 1), milliseconds(30));
  }
  void text(std::uint32_t seq, std::size_t octets, Time later) {
    write(up({.psh = true, .ack = true}, seq, 1, octets), later);
  }
  void ack(std::uint32_t number, Time later) { write(down({.ack = true}, 1, number), later); }

  PacketFields packet_at(std::uint32_t seq, std::uint32_t ack, Ctl ctl, bool from_client) {
    PacketFields fields = from_client ? up(ctl, 0, 0) : down(ctl, 0, 0);
    fields.seq = seq;
    fields.ack = ack;
    return fields;
  }
  // A packet with the IP identification.
  void write_as(std::uint16_t identification, PacketFields fields, Time later) {
    fields.damage.identification = identification;
    write(fields, later);
  }
  // A packet whose text was garbled, so that its checksum is wrong.
  void write_garbled(PacketFields fields, Time later) {
    fields.damage.bad_checksum = true;
    write(fields, later);
  }
  Outcome server() {
    result_ = judge();
    return result_.conversations.at(0).ends[1].outcome;
  }
  std::string why() const { return result_.conversations.at(0).ends[1].why; }

  CaptureResult result_{};
};

TEST_F(StrangeCapture, AnAckOverAHoleProvesNothing) {
  open_far();
  text(1001, 1000, milliseconds(70));
  ack(2001, microseconds(50));
  EXPECT_EQ(server(), Outcome::kInconclusive) << why();
}

TEST_F(StrangeCapture, AnAckBelowAHoleIsJudged) {
  open_far();
  text(1, 1000, milliseconds(70));
  ack(700, microseconds(50));
  text(2001, 1000, milliseconds(2));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

TEST_F(StrangeCapture, AnAckOverAGarbledSegmentProvesNothing) {
  open_far();
  write_garbled(up({.psh = true, .ack = true}, 1, 1, 1000), milliseconds(70));
  text(1001, 1000, milliseconds(2));
  ack(2001, microseconds(50));
  EXPECT_EQ(server(), Outcome::kInconclusive) << why();
}

TEST_F(StrangeCapture, WhatCameBeforeAGarbledSegmentIsJudged) {
  open_far();
  text(1, 1000, milliseconds(70));
  ack(700, microseconds(50));
  write_garbled(up({.psh = true, .ack = true}, 1001, 1, 1000), milliseconds(70));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

// A RST that nothing has drawn: octets of the other end that were never captured may have, and nothing else.
class AResetOutOfTheBlue : public StrangeCapture {
 protected:
  void story(std::uint32_t next) {
    open_far();
    text(1, 1000, milliseconds(70));
    ack(1001, microseconds(50));
    text(next, 1000, milliseconds(2));
    ack(next == 1001 ? 2001 : 1001, microseconds(50));
    write(down({.rst = true}, 51, 0), milliseconds(30));
  }
};

TEST_F(AResetOutOfTheBlue, IsDoubtedBesideAHole) {
  story(2001);
  EXPECT_EQ(server(), Outcome::kInconclusive);
  EXPECT_NE(why().find("octets 1001:2001 of the other end were not captured"), std::string::npos) << why();
}

TEST_F(AResetOutOfTheBlue, IsCondemnedWhereAllWasCaptured) {
  story(1001);
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

// A segment is lost behind the capture point: the SACK option of the end that lacks it tells.
class LostBehindTheCapture : public StrangeCapture {
 protected:
  void SetUp() override {
    const Bytes options = {2, 4, 5, 180, 1, 1, 4, 2};  // MSS 1460, SACK permitted
    for (const bool from_client : {true, false}) {
      PacketFields syn = from_client ? up({.syn = true}, 0, 0) : down({.syn = true, .ack = true}, 0, 1);
      syn.options = options;
      write(syn);
    }
    write(up({.ack = true}, 1, 1), milliseconds(30));
    text(1, 1000, milliseconds(70));
    ack(1001, microseconds(50));
  }
  void ack_beyond_gap(std::uint32_t number, std::uint32_t left, std::uint32_t right) {
    PacketFields fields = down({.ack = true}, 1, number);
    Bytes options = {1, 1, 5, 10};
    for (const std::uint32_t edge : {1000 + left, 1000 + right}) {
      for (int shift = 24; shift >= 0; shift -= 8) options.push_back(static_cast<std::uint8_t>(edge >> shift));
    }
    fields.options = options;
    write(fields, microseconds(50));
  }
};

TEST_F(LostBehindTheCapture, NobodyIsAccused) {
  text(1001, 1000, milliseconds(70));
  text(2001, 1000, microseconds(20));
  ack_beyond_gap(1001, 2001, 3001);
  text(1001, 1000, milliseconds(70));
  ack(3001, microseconds(50));
  EXPECT_EQ(server(), Outcome::kInconclusive) << why();
}

TEST_F(LostBehindTheCapture, WhatCameBeforeIsJudged) {
  text(1001, 1000, milliseconds(70));
  ack(1700, microseconds(50));
  text(2001, 1000, milliseconds(70));
  text(3001, 1000, microseconds(20));
  ack_beyond_gap(2001, 3001, 4001);
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

TEST_F(LostBehindTheCapture, AGapOfTheCaptureIsNone) {
  text(2001, 1000, milliseconds(70));
  ack_beyond_gap(1001, 2001, 3001);
  text(1001, 1000, milliseconds(70));
  ack(1500, microseconds(50));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

// A receiver may hold more stretches of text than the judge remembers.
class ManyHoles : public StrangeCapture {
 protected:
  static constexpr std::uint32_t kSegment = 100, kPairs = 14;

  void SetUp() override {  // of each pair of segments the second has come
    open_far();
    for (std::uint32_t pair = 0; pair < kPairs; ++pair) {
      text(1 + (2 * pair + 1) * kSegment, kSegment, pair == 0 ? milliseconds(70) : milliseconds(1));
      ack(1, microseconds(50));
    }
  }
  void first_of(std::uint32_t pair) { text(1 + 2 * pair * kSegment, kSegment, milliseconds(1)); }
  void ack_behind(std::uint32_t pair) { ack(1 + 2 * (pair + 1) * kSegment, microseconds(50)); }
};

TEST_F(ManyHoles, AreFilledOneByOne) {
  for (std::uint32_t pair = 0; pair < kPairs; ++pair) {
    first_of(pair);
    ack_behind(pair);
  }
  EXPECT_EQ(server(), Outcome::kPass) << why();
}

TEST_F(ManyHoles, AnAckInsideASegmentIsCondemned) {
  first_of(0);
  ack(1 + kSegment / 2, microseconds(50));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

TEST_F(ManyHoles, AnAckThatGoesBackIsCondemned) {
  for (std::uint32_t pair = 0; pair < 11; ++pair) {
    first_of(pair);
    ack_behind(pair);
  }
  first_of(11);
  ack_behind(9);
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

TEST_F(StrangeCapture, APartOfALongFrameMayBeAcknowledgedAtItsSegments) {
  open_far();
  text(1, 2000, milliseconds(70));  // segments of 1460 and 540 octets
  ack(1461, microseconds(100));
  ack(2001, microseconds(60));
  EXPECT_EQ(server(), Outcome::kPass) << why();
}

TEST_F(StrangeCapture, AnAckInsideASegmentIsCondemned) {
  open_far();
  text(1, 2000, milliseconds(70));
  ack(1000, microseconds(100));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

TEST_F(StrangeCapture, ALongFrameIsNotTakenBack) {
  open_far();
  text(1, 4380, milliseconds(70));
  ack(2921, microseconds(100));
  ack(1461, microseconds(60));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

TEST_F(StrangeCapture, WhatFollowsALongFrameWaitsWithIt) {
  open_far();
  text(1, 4380, milliseconds(70));
  text(4381, 100, microseconds(10));
  ack(2921, microseconds(100));
  ack(4481, microseconds(60));
  write(down({.psh = true, .ack = true}, 1, 4481, 10), milliseconds(1));
  EXPECT_EQ(server(), Outcome::kPass) << why();
}

TEST_F(StrangeCapture, APortMayBeUsedAgainAfterALongSilence) {
  open_far();
  text(1, 100, milliseconds(70));
  ack(101, microseconds(60));
  write(packet_at(70000, 0, {.syn = true}, true), std::chrono::hours(3));
  write(packet_at(80000, 70001, {.syn = true, .ack = true}, false));
  EXPECT_EQ(server(), Outcome::kPass) << why();
  EXPECT_EQ(result_.conversations.size(), 2u);
}

TEST_F(StrangeCapture, APortIsNotUsedAgainSoon) {
  open_far();
  text(1, 100, milliseconds(70));
  ack(101, microseconds(60));
  write(packet_at(70000, 0, {.syn = true}, true), std::chrono::minutes(3));
  write(packet_at(80000, 70001, {.syn = true, .ack = true}, false));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

TEST_F(StrangeCapture, AFrameOfVeryManySegmentsIsNamed) {
  static const Bytes kSmallMss{2, 4, 0, 8};
  write(up({.syn = true}, 0, 0));
  PacketFields answer = down({.syn = true, .ack = true}, 0, 1);
  answer.options = kSmallMss;
  write(answer);
  text(1, 2000, milliseconds(30));
  EXPECT_EQ(server(), Outcome::kInconclusive);
  EXPECT_NE(why().find("frame 3 is longer than 128 segments"), std::string::npos) << why();
}

// The capture of an ACK that overtakes the text on the way to the file.
TEST_F(StrangeCapture, AnAckMayBeCapturedBeforeItsText) {
  open_far();
  text(1, 1000, milliseconds(70));
  ack(1001, microseconds(60));
  ack(2001, milliseconds(1));
  text(1001, 1000, microseconds(5));
  text(2001, 1000, milliseconds(30));
  ack(3001, microseconds(60));
  EXPECT_EQ(server(), Outcome::kPass) << why();
}

TEST_F(StrangeCapture, AnAckBeforeItsTextEndsWhereTheTextEnds) {
  open_far();
  text(1, 1000, milliseconds(70));
  ack(1001, microseconds(60));
  ack(1501, milliseconds(1));
  text(1001, 1000, microseconds(5));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

TEST_F(StrangeCapture, AnAckLongBeforeItsTextIsCondemned) {
  open_far();
  text(1, 1000, milliseconds(70));
  ack(1001, microseconds(60));
  ack(2001, milliseconds(1));
  text(1001, 1000, milliseconds(60));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

// The end is busy: it takes segments from its queue one after the other.
TEST_F(StrangeCapture, ABusyEndMayBeLate) {
  open_far();
  for (std::uint32_t i = 0; i < 4; ++i) text(1 + i * 1460, 1460, microseconds(100));
  ack(2921, milliseconds(90));
  ack(5841, microseconds(100));
  EXPECT_EQ(server(), Outcome::kPass) << why();
}

TEST_F(StrangeCapture, ABusyEndDoesNotTakeBackWhatItAcknowledged) {
  open_far();
  for (std::uint32_t i = 0; i < 4; ++i) text(1 + i * 1460, 1460, microseconds(100));
  ack(5841, milliseconds(9));
  ack(2921, microseconds(100));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

TEST_F(StrangeCapture, ASynThatWentTwiceMayBeAnsweredLate) {
  write(up({.syn = true}, 0, 0));
  write(up({.syn = true}, 0, 0), seconds(3));
  write(down({.syn = true, .ack = true}, 0, 1), milliseconds(159));
  write(up({.ack = true}, 1, 1), microseconds(200));
  text(1, 100, milliseconds(1));
  ack(101, microseconds(60));
  EXPECT_EQ(server(), Outcome::kPass) << why();
}

TEST_F(StrangeCapture, ASynThatWentTwiceIsAcknowledgedRightly) {
  write(up({.syn = true}, 0, 0));
  write(up({.syn = true}, 0, 0), seconds(3));
  write(down({.syn = true, .ack = true}, 0, 0), milliseconds(159));
  write(up({.ack = true}, 1, 1), microseconds(200));
  text(1, 100, milliseconds(1));
  ack(101, microseconds(60));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

TEST_F(StrangeCapture, ThePacketOfTwoInterfacesIsOneWithoutAnIdentificationToo) {
  open_far();
  text(1, 1000, milliseconds(70));
  write_as(0, down({.ack = true}, 1, 1001), microseconds(60));
  write_as(0, down({.ack = true}, 1, 1001), microseconds(0));
  write_as(0, down({.ack = true}, 1, 1001), microseconds(3));
  EXPECT_EQ(server(), Outcome::kPass) << why();
}

TEST_F(StrangeCapture, TwoAcksForOneSegmentAreCondemned) {
  open_far();
  text(1, 1000, milliseconds(70));
  write_as(0, down({.ack = true}, 1, 1001), microseconds(60));
  write_as(0, down({.ack = true}, 1, 1001), milliseconds(3));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

TEST_F(StrangeCapture, TheAckOfAFinMayBeAnswered) {
  open_far();
  write(down({.fin = true, .ack = true}, 1, 1), milliseconds(70));
  write(up({.ack = true}, 1, 2), milliseconds(30));
  write(down({.ack = true}, 2, 1), microseconds(40));
  EXPECT_EQ(server(), Outcome::kPass) << why();
}

TEST_F(StrangeCapture, TheAckOfAFinIsAnsweredOnceAtMost) {
  open_far();
  write(down({.fin = true, .ack = true}, 1, 1), milliseconds(70));
  write(up({.ack = true}, 1, 2), milliseconds(30));
  write(down({.ack = true}, 2, 1), microseconds(40));
  write(down({.ack = true}, 2, 1), milliseconds(2));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

TEST_F(StrangeCapture, ACoarseClockMakesNoEndNear) {
  write(up({.syn = true}, 0, 0), milliseconds(10));
  write(down({.syn = true, .ack = true}, 0, 1), Time{});
  write(up({.ack = true}, 1, 1), milliseconds(30));
  text(1, 1000, milliseconds(20));
  ack(700, Time{});
  EXPECT_EQ(server(), Outcome::kInconclusive);
  EXPECT_NE(why().find("ticks every 10 ms"), std::string::npos) << why();
}

TEST_F(StrangeCapture, TimesThatWereMadeUpMakeNoEndNear) {
  write(up({.syn = true}, 0, 0), microseconds(1));
  write(down({.syn = true, .ack = true}, 0, 1), microseconds(1));
  write(up({.ack = true}, 1, 1), microseconds(1));
  for (std::uint32_t i = 0; i < 10; ++i) {
    text(1 + i * 100, 100, microseconds(1));
    ack(i == 7 ? 750 : 101 + i * 100, microseconds(1));
  }
  EXPECT_EQ(server(), Outcome::kInconclusive);
  EXPECT_NE(why().find("one microsecond apart"), std::string::npos) << why();
}

// One ACK of what was never sent, and never followed, does not show that the capture lacks packets elsewhere.
TEST_F(StrangeCapture, OneStrayAckDoesNotSilenceTheFile) {
  open_far();
  text(1, 1000, milliseconds(70));
  ack(700, microseconds(50));
  ++client_port_;
  open_far();
  ack(5000, milliseconds(5));
  EXPECT_EQ(server(), Outcome::kFail) << why();
  EXPECT_EQ(result_.failed, 1u);
  EXPECT_EQ(result_.inconclusive, 1u);
}

TEST_F(StrangeCapture, AResetWithASignatureDecidesNothing) {
  static const Bytes kSignature = [] {
    Bytes option(20, 1);
    option[0] = 19;
    option[1] = 18;
    return option;
  }();
  open_far();
  PacketFields reset = up({.rst = true}, 1, 1);
  reset.options = kSignature;
  write(reset, milliseconds(70));
  write(down({.psh = true, .ack = true}, 1, 1, 10), milliseconds(100));
  EXPECT_EQ(server(), Outcome::kInconclusive) << why();
}

TEST_F(StrangeCapture, AfterAResetNoTextIsSent) {
  open_far();
  write(up({.rst = true}, 1, 1), milliseconds(70));
  write(down({.psh = true, .ack = true}, 1, 1, 10), milliseconds(100));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

// The RST of an ABORT and one for text that came meanwhile, sent by two processors.
TEST_F(StrangeCapture, TwoResetsMayBeCapturedInEitherOrder) {
  open_far();
  write(down({.psh = true, .ack = true}, 1, 1, 100), milliseconds(30));
  text(1, 1000, milliseconds(1));
  write(down({.rst = true}, 1, 0), microseconds(20));
  write(down({.rst = true, .ack = true}, 101, 1), microseconds(5));
  EXPECT_EQ(server(), Outcome::kPass) << why();
}

TEST_F(StrangeCapture, AResetOfWhatIsNoMoreIsCondemned) {
  open_far();
  write(down({.psh = true, .ack = true}, 1, 1, 100), milliseconds(30));
  text(1, 1000, milliseconds(1));
  write(down({.rst = true}, 1, 0), microseconds(20));
  write(down({.rst = true, .ack = true}, 101, 1), milliseconds(20));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

// What a capture proves wherever it was made near the end.

TEST_F(StrangeCapture, ASynAckThatMayBeMarkedByTheNetworkIsCondemned) {
  write(up({.syn = true, .ece = true, .cwr = true}, 0, 0));
  PacketFields answer = down({.syn = true, .ack = true, .ece = true}, 0, 1);
  answer.traffic_class = 2;
  write(answer);
  write(up({.ack = true}, 1, 1), milliseconds(30));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

TEST_F(StrangeCapture, ASynThatMayBeMarkedByTheNetworkIsCondemned) {
  PacketFields syn = up({.syn = true, .ece = true, .cwr = true}, 0, 0);
  syn.traffic_class = 2;
  write(syn);
  write(down({.syn = true, .ack = true}, 0, 1), milliseconds(30));
  write(up({.ack = true}, 1, 1));
  result_ = judge();
  EXPECT_EQ(result_.conversations.at(0).ends[0].outcome, Outcome::kFail) << result_.conversations[0].ends[0].why;
}

TEST_F(StrangeCapture, ASynAckThatEchoesNoTimestampIsCondemned) {
  static const Bytes kAsked{1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0}, kAnswered{1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0};
  PacketFields syn = up({.syn = true}, 0, 0), answer = down({.syn = true, .ack = true}, 0, 1);
  syn.options = kAsked;
  answer.options = kAnswered;
  static const Bytes kEchoed{1, 1, 8, 10, 0, 0, 0, 8, 0, 0, 0, 9};
  PacketFields last = up({.ack = true}, 1, 1);
  last.options = kEchoed;
  write(syn);
  write(answer);
  write(last, milliseconds(30));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

// The same under RFC 1122, which has no timestamps.
TEST_F(StrangeCapture, NobodyIsHeldToATextThatIsNewer) {
  static const Bytes kAsked{1, 1, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0}, kAnswered{1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0};
  PacketFields syn = up({.syn = true}, 0, 0), answer = down({.syn = true, .ack = true}, 0, 1);
  syn.options = kAsked;
  answer.options = kAnswered;
  write(syn);
  write(answer);
  const CaptureResult result = judge({.edition = Edition::k1122});
  EXPECT_EQ(result.conversations.at(0).ends[1].outcome, Outcome::kInconclusive);
}

TEST_F(StrangeCapture, ATimeoutThatIsNotDoubledIsCondemned) {
  open_far();
  write(down({.psh = true, .ack = true}, 1, 1, 100), milliseconds(70));
  for (int i = 0; i < 4; ++i) write(down({.psh = true, .ack = true}, 1, 1, 100), seconds(1));
  EXPECT_NE(server(), Outcome::kPass) << why();
}

TEST_F(StrangeCapture, TextBeyondTheWindowIsCondemned) {
  write(up({.syn = true}, 0, 0));
  write(down({.syn = true, .ack = true}, 0, 1));
  PacketFields small = up({.ack = true}, 1, 1);
  small.wnd = 1000;
  write(small, milliseconds(30));
  write(down({.psh = true, .ack = true}, 1, 1, 1400), milliseconds(70));
  EXPECT_EQ(server(), Outcome::kFail) << why();
}

// Three packets of the server behind its SYN,ACK; the last one acknowledges less than the one before it.
class FewPackets : public StrangeCapture {
 protected:
  Outcome last_is(std::uint16_t identification) {
    open_far();
    text(1, 1000, milliseconds(70));
    text(1001, 1000, microseconds(10));
    write_as(0x1a20, down({.ack = true}, 1, 1001), microseconds(50));
    write_as(0x1a22, down({.rst = true, .ack = true}, 1, 2001), microseconds(50));
    write_as(identification, down({.ack = true}, 1, 2001), microseconds(50));
    return server();
  }
};

TEST_F(FewPackets, OneThatWasOvertakenFillsTheGapOfTheNumbers) {
  EXPECT_EQ(last_is(0x1a21), Outcome::kInconclusive) << why();
  EXPECT_NE(why().find("overtaken"), std::string::npos) << why();
}

TEST_F(FewPackets, WhatFollowsAResetIsCondemned) {
  EXPECT_EQ(last_is(0x1a23), Outcome::kFail) << why();
}

TEST_F(FewPackets, ALowerNumberThatWasNotLeftOutIsCondemned) {
  EXPECT_EQ(last_is(0x1a1f), Outcome::kFail) << why();
}

// Far enough for a multiple of it to be more than a number of nanoseconds can say.
TEST_F(StrangeCapture, AClockThatLeapsByDecadesMeasuresNothing) {
  now_ = seconds(4'000'000'000);
  write(up({.syn = true}, 0, 0));
  write(down({.syn = true, .ack = true}, 0, 1), -seconds(4'000'000'000));
  write(up({.ack = true}, 1, 1), seconds(4'000'000'000));
  EXPECT_NE(server(), Outcome::kFail) << why();
}

TEST_F(StrangeCapture, ARoundTripOfDecadesIsNotMultiplied) {
  write(up({.syn = true}, 0, 0));
  write(down({.syn = true, .ack = true}, 0, 1));
  write(up({.ack = true}, 1, 1), seconds(4'000'000'000));
  write(down({.psh = true, .ack = true}, 1, 1, 100));
  EXPECT_NE(server(), Outcome::kFail) << why();
}

}  // namespace
}  // namespace tcpassay
