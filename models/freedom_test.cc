// SPDX-License-Identifier: Apache-2.0
// Freedoms have names, are recorded when every explanation needs them, and those that no text grants are reported.
#include "models/freedom.h"

#include <gtest/gtest.h>

#include <set>

#include "models/test_trace.h"

namespace tcpassay {
namespace {

bool takes(const Candidate& tcb, Freedom freedom) {
  return tcb.freedoms.test(static_cast<std::size_t>(freedom));
}

TEST(Freedoms, HaveAnIdASentenceAndAClauseOrARule) {
  std::set<std::string_view> ids;
  for (const FreedomInfo& freedom : freedoms()) {
    EXPECT_TRUE(ids.insert(freedom.id).second) << freedom.id;
    EXPECT_FALSE(freedom.sentence.empty()) << freedom.id;
    EXPECT_EQ(freedom.excuses.has_value(), freedom.kind == FreedomKind::kTolerated) << freedom.id;
    EXPECT_EQ(freedom.stacks.empty(), freedom.section.size() > 0) << freedom.id;
    EXPECT_EQ(info(*freedom_by_id(freedom.id)).id, freedom.id);
  }
}

// An option that is not taken breaks nothing, so no freedom can excuse one.
TEST(ToleratedFreedom, ExcusesAMustOrAShould) {
  for (const FreedomInfo& freedom : freedoms()) {
    EXPECT_TRUE(!freedom.excuses || info(*freedom.excuses).level != Level::kMay) << freedom.id;
  }
}

TEST(Freedoms, AreCarriedByTheOutcomeThatTookThem) {
  const Outcomes outcomes = arrives(after_arrival(established(), in("F.", 1, 1)), in("R", 1));
  ASSERT_FALSE(outcomes.all.empty());
  for (const Candidate& tcb : outcomes.all) {
    EXPECT_EQ(takes(tcb, Freedom::kRstBehindFin), tcb.state == State::kClosed) << to_string(tcb.state);
  }
}

// The peer has sent its FIN, and then a RST with the number before it.
void reset_behind_fin(Trace& t, State then) {
  t.open().in("F.", 1, 1).out(".", 1, 2).quiet().in("R", 1).quiet().report(then).quiet();
}

TEST(ToleratedFreedom, IsReportedOnceAllExplanationsNeedIt) {
  Trace t;
  reset_behind_fin(t, State::kClosed);
  EXPECT_EQ(t.verdicts(), Verdicts{});
  ASSERT_EQ(t.oracle.tolerated().size(), 1u);
  const Verdict& use = t.oracle.tolerated()[0];
  EXPECT_EQ(use.freedom, Freedom::kRstBehindFin);
  EXPECT_EQ(use.rule, Rule::R5961_3_2_outside);
  EXPECT_EQ(use.kind, Verdict::Kind::kViolated);
  EXPECT_TRUE(t.oracle.freedoms_taken().test(static_cast<std::size_t>(Freedom::kRstBehindFin)));
  t.quiet();
  EXPECT_EQ(t.oracle.tolerated().size(), 1u);
}

TEST(ToleratedFreedom, IsNotReportedOfWhoDoesNotTakeIt) {
  Trace t;
  reset_behind_fin(t, State::kCloseWait);
  EXPECT_TRUE(t.oracle.tolerated().empty());
  EXPECT_TRUE(t.oracle.freedoms_taken().none());
}

TEST(ToleratedFreedom, BreaksTheRuleThatItExcusesUnderStrictTerms) {
  Terms strict;
  strict.strict = true;
  Trace guilty(strict), innocent(strict);
  reset_behind_fin(guilty, State::kClosed);
  EXPECT_EQ(guilty.verdicts(), Verdicts{"R5961_3_2_outside violated"});
  EXPECT_TRUE(guilty.oracle.tolerated().empty());
  reset_behind_fin(innocent, State::kCloseWait);
  EXPECT_EQ(innocent.verdicts(), Verdicts{});
}

Terms strict_terms() {
  Terms strict;
  strict.strict = true;
  return strict;
}

// SYN-RECEIVED after a passive OPEN, and a SYN in the window.
Trace& second_syn(Trace& t) {
  return t.listen().quiet().in("S", 0).out("S.", 0, 1).quiet().in("S", 500);
}

TEST(ToleratedFreedom, StrictTermsTellARstForASecondSynFromAChallenge) {
  Trace guilty(strict_terms()), innocent(strict_terms());
  second_syn(guilty).out_rst_ack(501).quiet();
  EXPECT_EQ(guilty.verdicts(), Verdicts{"SA4_4_passive violated"});
  second_syn(innocent).out(".", 1, 1).quiet();
  EXPECT_EQ(innocent.verdicts(), Verdicts{});
}

// RFC 793 asks for the RST.
TEST(ToleratedFreedom, IsNoneWhereTheTextDemandsIt) {
  Terms old = strict_terms();
  old.edition = Edition::k793;
  Trace t(old);
  second_syn(t).out_rst_ack(501).quiet();
  EXPECT_EQ(t.verdicts(), Verdicts{});
  EXPECT_TRUE(t.oracle.tolerated().empty());
}

// 3.10.7.2 queues the FIN of a SYN, the eighth step of 3.10.7.4 drops a segment with FIN in LISTEN.
TEST(FreedomOfReading, IsHeldAgainstNobodyUnderStrictTerms) {
  Trace t(strict_terms());
  t.listen().quiet().in("SF", 0).quiet(std::chrono::seconds(5));
  EXPECT_EQ(t.verdicts(), Verdicts{});
  EXPECT_TRUE(t.oracle.freedoms_taken().test(static_cast<std::size_t>(Freedom::kSynFinDropped)));
}

}  // namespace
}  // namespace tcpassay
