// SPDX-License-Identifier: Apache-2.0
#include "models/passive_oracle.h"

#include <gtest/gtest.h>

#include <vector>

#include "models/rules.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t kIss = 5000, kIrs = 100;  // of the end that is judged, and of the other

// A conversation as a third party sees it. The judged end is the one that is connected to, unless it connects.
class Overhearing : public testing::Test {
 protected:
  Overhearing() { judge_.set({.longest = milliseconds(5)}); }

  void after(Time by) { now_ += by; }

  void hears(Ctl ctl, std::uint32_t seq, std::uint32_t ack, std::size_t octets = 0, std::uint16_t wnd = 60000) {
    Arriving seg;
    seg.seq = {kIrs + seq};
    seg.ack = {kIss + ack};
    fill(seg, ctl, octets, wnd);
    show(seg);
  }
  void says(Ctl ctl, std::uint32_t seq, std::uint32_t ack, std::size_t octets = 0, std::uint16_t wnd = 60000) {
    Departing seg;
    seg.seq = {kIss + seq};
    seg.ack = {kIrs + ack};
    fill(seg, ctl, octets, wnd);
    show(seg);
  }
  void show_out(Departing seg, std::size_t octets) {
    seg.text = std::span(text_).first(octets);
    show(seg);
  }
  void opens() {
    hears({.syn = true}, 0, 0);
    says({.syn = true, .ack = true}, 0, 1);
    hears({.ack = true}, 1, 1);
  }
  void expect_accepted() {
    EXPECT_FALSE(judge_.verdict()) << info(judge_.verdict()->rule).id << ": allowed " << judge_.verdict()->allowed
                                   << "; seen " << judge_.verdict()->seen;
  }

  PassiveOracle judge_{Terms{}};

 private:
  template <class SegmentT>
  void fill(SegmentT& seg, Ctl ctl, std::size_t octets, std::uint16_t wnd) {
    seg.ctl = ctl;
    seg.wnd = wnd;
    seg.text = std::span(text_).first(octets);
    if (!ctl.syn) return;
    seg.opt.mss = std::uint16_t{1460};
    seg.opt.octets = 4;
  }
  template <class SegmentT>
  void show(const SegmentT& seg) {
    Event event{.from = now_, .until = now_, .tuple = {.local = 80, .remote = 40000}};
    event.what = seg;
    judge_.observe({&event, 1}, ++number_);
    now_ += std::chrono::microseconds(20);
  }

  std::vector<std::uint8_t> text_ = std::vector<std::uint8_t>(4000);
  Time now_ = seconds(1);
  std::uint64_t number_ = 0;
};

TEST_F(Overhearing, TheUserMayCallWhatExplainsWhatIsSeen) {
  opens();
  hears({.psh = true, .ack = true}, 1, 1, 100);
  says({.psh = true, .ack = true}, 1, 101, 700);  // SEND
  hears({.ack = true}, 101, 701);
  says({.fin = true, .ack = true}, 701, 101);  // CLOSE
  hears({.fin = true, .ack = true}, 101, 702);
  says({.ack = true}, 702, 102);
  expect_accepted();
  EXPECT_NE(judge_.states().find("TIME-WAIT"), std::string::npos);
}

TEST_F(Overhearing, AnActiveOpenIsInferredFromItsSyn) {
  says({.syn = true}, 0, 0);
  hears({.syn = true, .ack = true}, 0, 1);
  says({.ack = true}, 1, 1);
  expect_accepted();
  EXPECT_EQ(judge_.states(), "ESTABLISHED");
}

TEST_F(Overhearing, TheUserMayAbortAtAnyTimeButTheResetHasItsNumber) {
  opens();
  says({.rst = true, .ack = true}, 1, 1);
  expect_accepted();
}

TEST_F(Overhearing, AResetElsewhereIsNobodysAbort) {
  opens();
  says({.rst = true}, 4001, 0);
  ASSERT_TRUE(judge_.verdict());
  EXPECT_EQ(judge_.verdict()->event, 4u);
}

TEST_F(Overhearing, WhatIsOnItsWayNeedNotHaveBeenTaken) {
  opens();
  hears({.psh = true, .ack = true}, 1, 1, 100);
  says({.psh = true, .ack = true}, 1, 1, 10);  // it crosses the text
  says({.ack = true}, 11, 101);
  expect_accepted();
}

TEST_F(Overhearing, WhatHasArrivedLongAgoHas) {
  opens();
  hears({.psh = true, .ack = true}, 1, 1, 100);
  says({.ack = true}, 1, 101);
  after(milliseconds(50));
  says({.psh = true, .ack = true}, 1, 51, 10);  // RCV.NXT goes back
  ASSERT_TRUE(judge_.verdict());
  EXPECT_EQ(judge_.verdict()->event, 6u);
}

// Only the ACK itself shows that the endpoint is later than ever before. What it has acknowledged it does not take
// back.
TEST_F(Overhearing, AnEndThatIsLaterThanEverIsNotAccused) {
  opens();
  hears({.psh = true, .ack = true}, 1, 1, 100);
  hears({.psh = true, .ack = true}, 101, 1, 100);
  after(milliseconds(20));
  hears({.psh = true, .ack = true}, 201, 1, 100);
  judge_.set({.longest = milliseconds(25)});  // as its next ACK, of the first text alone, tells
  says({.ack = true}, 1, 101);
  ASSERT_TRUE(judge_.verdict());
  EXPECT_EQ(judge_.verdict()->kind, Verdict::Kind::kInconclusive);
}

TEST_F(Overhearing, AnEndThatIsLateTakesNoAckBack) {
  opens();
  hears({.psh = true, .ack = true}, 1, 1, 100);
  says({.ack = true}, 1, 101);
  after(milliseconds(50));
  hears({.psh = true, .ack = true}, 101, 1, 100);
  judge_.set({.longest = milliseconds(25)});
  says({.psh = true, .ack = true}, 1, 51, 10);
  ASSERT_TRUE(judge_.verdict());
  EXPECT_EQ(judge_.verdict()->kind, Verdict::Kind::kViolated);
}

// Whether an ACK came before or after the text that crosses it decides times only: that is no state of its own.
class ManyCrossings : public Overhearing {
 protected:
  void cross() {
    judge_.set({.longest = milliseconds(100)});
    opens();
    hears({.psh = true, .ack = true}, 1, 1, 100);
    for (std::uint32_t i = 0; i < 400; ++i) {
      says({.psh = true, .ack = true}, 1 + 100 * i, 1, 100);  // the text that came is not taken yet
      hears({.ack = true}, 101, 101 + 100 * i);
    }
  }
};

TEST_F(ManyCrossings, ReachNoLimit) {
  cross();
  says({.ack = true}, 40001, 101);
  expect_accepted();
}

TEST_F(ManyCrossings, DoNotHideWhatIsWrong) {
  cross();
  says({.ack = true}, 40001, 51);
  ASSERT_TRUE(judge_.verdict());
  EXPECT_EQ(judge_.verdict()->kind, Verdict::Kind::kViolated);
}

// Urgent text leaves again as it was, behind the FIN too.
class UrgentAgain : public Overhearing {
 protected:
  void urgent(std::uint32_t seq, std::uint16_t pointer, std::size_t octets) {
    Departing seg;
    seg.seq = {kIss + seq};
    seg.ack = {kIrs + 1};
    seg.ctl = {.psh = true, .ack = true, .urg = true};
    seg.wnd = 60000;
    seg.up = pointer;
    show_out(seg, octets);
  }
  void send_and_close() {
    opens();
    urgent(1, 5, 5);
    says({.psh = true, .ack = true}, 6, 1, 100);
    says({.fin = true, .ack = true}, 106, 1);
    after(milliseconds(300));
  }
};

TEST_F(UrgentAgain, MayLeaveBehindTheFin) {
  send_and_close();
  urgent(1, 5, 5);
  expect_accepted();
}

TEST_F(UrgentAgain, PointsBehindNoFin) {
  send_and_close();
  urgent(1, 200, 5);
  ASSERT_TRUE(judge_.verdict());
  EXPECT_EQ(judge_.verdict()->event, 7u);
}

TEST_F(Overhearing, SilenceProvesNothing) {
  opens();
  hears({.psh = true, .ack = true}, 1, 1, 100);  // an ACK is due within half a second
  after(seconds(30));
  hears({.psh = true, .ack = true}, 1, 1, 100);
  says({.ack = true}, 1, 101);
  expect_accepted();
}

TEST_F(Overhearing, AWindowBindsAnUnknownUserToo) {
  hears({.syn = true}, 0, 0, 0, 1000);
  says({.syn = true, .ack = true}, 0, 1);
  hears({.ack = true}, 1, 1, 0, 1000);
  says({.psh = true, .ack = true}, 1, 1, 1000);
  expect_accepted();
  says({.psh = true, .ack = true}, 1001, 1, 500);
  ASSERT_TRUE(judge_.verdict());
  EXPECT_EQ(judge_.verdict()->event, 5u);
}

TEST_F(Overhearing, WhetherAPassiveOpenStandsIsNotKnown) {
  hears({.syn = true}, 0, 0);
  says({.rst = true, .ack = true}, std::uint32_t{0} - kIss, 1);  // <SEQ=0>
  expect_accepted();
  EXPECT_TRUE(judge_.rests());
}

// FIN-WAIT-2 has no timeout in RFC 9293. Only without it can a new SYN be answered there.
class GivenUp : public Overhearing {
 protected:
  void new_syn_in_fin_wait_2(Time pause) {
    opens();
    says({.fin = true, .ack = true}, 1, 1);
    hears({.ack = true}, 1, 2);
    after(pause);
    hears({.syn = true}, 1000000, 0);
    says({.syn = true, .ack = true}, 900000, 1000001);
    after(seconds(1));
  }
};

TEST_F(GivenUp, IsToldAndUnderStrictTermsHeldAgainstTheEnd) {
  new_syn_in_fin_wait_2(seconds(70));
  expect_accepted();
  ASSERT_EQ(judge_.tolerated().size(), 1u);
  EXPECT_EQ(judge_.tolerated()[0].freedom, Freedom::kFinWait2GivenUp);
  EXPECT_EQ(judge_.tolerated().size(), 1u);
  Terms strict;
  strict.strict = true;
  judge_ = PassiveOracle{strict};
  new_syn_in_fin_wait_2(seconds(70));
  judge_.tolerated();
  ASSERT_TRUE(judge_.verdict());
  EXPECT_EQ(judge_.verdict()->rule, Rule::SA4_5_fin_wait_2);
}

TEST_F(GivenUp, IsNotToldOfWhoAnswersTheFin) {
  opens();
  says({.fin = true, .ack = true}, 1, 1);
  hears({.ack = true}, 1, 2);
  after(seconds(70));
  hears({.fin = true, .ack = true}, 1, 2);
  says({.ack = true}, 2, 2);
  after(seconds(1));
  expect_accepted();
  EXPECT_TRUE(judge_.tolerated().empty());
}

// Without these freedoms of an unknown user what is legal would be condemned.
class UnknownUser : public Overhearing {
 protected:
  void judge_without(Freedom freedom) {
    Terms terms;
    terms.withheld.set(static_cast<std::size_t>(freedom));
    judge_ = PassiveOracle{terms};
  }
  // CLOSED resets it, LISTEN drops it.
  void refused_fin() {
    hears({.fin = true}, 0, 0);
    Departing rst;
    rst.ctl = {.rst = true, .ack = true};
    rst.ack = {kIrs + 1};
    const Event event{.from = seconds(1), .until = seconds(1), .what = rst};
    judge_.observe({&event, 1}, 99);
  }
};

TEST_F(UnknownUser, MayNotListen) {
  refused_fin();
  expect_accepted();
  judge_without(Freedom::kNoPassiveOpen);
  refused_fin();
  EXPECT_TRUE(judge_.verdict());
}

}  // namespace
}  // namespace tcpassay
