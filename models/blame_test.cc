// SPDX-License-Identifier: Apache-2.0
#include "models/blame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "models/test_tcb.h"
#include "models/user_calls.h"

namespace tcpassay {
namespace {

// Two rules forbid what was seen: the one that stands first in the table is blamed.
TEST(Blame, FirstRowThatApplies) {
  const auto table = [](bool closed, bool late) {
    return blamed({{closed, Rule::MUST_13}, {late, Rule::MUST_40}, {kOtherwise, Rule::SA8_retransmission}});
  };
  EXPECT_EQ(table(true, true), Rule::MUST_13);
  EXPECT_EQ(table(false, true), Rule::MUST_40);
  EXPECT_EQ(table(false, false), Rule::SA8_retransmission);
}

// A special case before the general rule, else the later of the catalogue; never both ways round.
TEST(Blame, TheRuleThatTellsMore) {
  EXPECT_TRUE(tells_more(Rule::SHLD_2, Rule::SA4_2_established));
  EXPECT_FALSE(tells_more(Rule::SA4_2_established, Rule::SHLD_2));
  EXPECT_TRUE(tells_more(Rule::SA4_5_new, Rule::SA4_1_ack));
  EXPECT_FALSE(tells_more(Rule::SA4_1_ack, Rule::SA4_5_new));
  EXPECT_TRUE(tells_more(Rule::R5961_4_2_rst, Rule::R5961_3_2_legit));
  EXPECT_FALSE(tells_more(Rule::SA4_5_new, Rule::SA4_5_new));
}

Candidate with_cites(std::initializer_list<Rule> rules) {
  Candidate tcb = established();
  tcb.now.clear();
  tcb.later.clear();
  for (const Rule rule : rules) {
    tcb.now.add({rule, true});
    tcb.later.add({rule, true});
  }
  tcb.prompted = tcb.now.size;
  return tcb;
}

// The order of citing decides nothing: a wrong segment and a wrong report are blamed alike in all six orders.
TEST(Blame, TheOrderOfCitingDoesNotCount) {
  std::array<Rule, 3> order{Rule::S3_5_2_unclear, Rule::SA4_1_ack, Rule::SHLD_2};
  std::sort(order.begin(), order.end());
  std::set<std::string> resets, reports_blamed;
  do {
    const Candidate tcb = with_cites({order[0], order[1], order[2]});
    const Outcomes reset = departs(tcb, out("R", 1, 0)), report = reports(tcb, {.state = State::kFinWait2});
    ASSERT_TRUE(reset.all.empty());
    ASSERT_TRUE(report.all.empty());
    resets.insert(reset.blamed);
    reports_blamed.insert(report.blamed);
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_EQ(resets, std::set<std::string>{"SHLD_2"});
  EXPECT_EQ(reports_blamed, std::set<std::string>{"SHLD_2"});
}

// A report of a state that should have been left names the step that was not taken.
TEST(StateReport, NamesTheStepThatWasNotTaken) {
  Candidate closing = established();
  closing = outcomes_of(closing, kListening, [](Step& on) { close_call(on, {}); }).all.at(0);
  EXPECT_EQ(reports(closing, {.state = State::kEstablished}).all.size(), 1u);  // the FIN may still be queued
  closing = after_departure(closing, out("F.", 1, 1));
  EXPECT_EQ(reports(closing, {.state = State::kEstablished}).blamed, "S3_10_4_established");
  const Candidate acked = after_arrival(closing, in(".", 1, 2));
  EXPECT_EQ(reports(acked, {.state = State::kFinWait1}).blamed, "SA4_5_fin_wait_1");
  EXPECT_FALSE(reports(acked, {.state = State::kFinWait2}).all.empty());
}

// A connection that turns out to be dead is blamed on what could have ended it, and must not have.
TEST(DeadConnection, BlamedOnWhatCouldHaveEndedIt) {
  Candidate after_rst = after_arrival(established(), in("R", 100001));
  after_rst.now.clear();
  after_rst.prompted = 0;
  EXPECT_EQ(reports(after_rst, {.state = State::kClosed}).blamed, "SA4_1_rst");
  const Candidate probed = after_arrival(after_rst, in("P.", 1, 1, 10));
  EXPECT_EQ(departs(probed, out("R", 1, 0)).blamed, "SA4_1_rst");
  // The connection has shown that it lives: the RST is no longer the cause.
  const Candidate alive = after_departure(probed, out(".", 1, 11));
  const Candidate later = after_arrival(alive, in("P.", 11, 1, 10));
  EXPECT_NE(departs(later, out("R", 1, 0)).blamed, "SA4_1_rst");
}

}  // namespace
}  // namespace tcpassay
