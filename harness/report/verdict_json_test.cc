// SPDX-License-Identifier: Apache-2.0
#include "harness/report/verdict_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "models/rules.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

// No field has its default value, so that one which is forgotten shows.
Verdict verdict_with_all_fields() {
  return {.kind = Verdict::Kind::kDeparted,
          .rule = Rule::MUST_10,
          .event = 17,
          .at = std::chrono::hours(100) + Time(123'456'789),
          .tuple = {.local = 8080, .remote = 40001},
          .state = "CLOSING|TIME-WAIT",
          .allowed = "state \"ESTABLISHED\"",
          .seen = "<SEQ=1><CTL=RST>",
          .at_work = {Rule::MUST_2, Rule::MUST_3},
          .context = Rule::SA_A1_dscp,
          .consequence = true};
}

Verdict written_and_read(const Verdict& verdict) {
  return verdict_from_json(Json::parse(to_json(verdict).dump()));
}

TEST(VerdictJson, EveryFieldComesBack) {
  const Verdict before = verdict_with_all_fields();
  const Verdict after = written_and_read(before);
  EXPECT_EQ(after.kind, before.kind);
  EXPECT_EQ(after.rule, before.rule);
  EXPECT_EQ(after.event, before.event);
  EXPECT_EQ(after.at, before.at);
  EXPECT_EQ(after.tuple, before.tuple);
  EXPECT_EQ(after.state, before.state);
  EXPECT_EQ(after.allowed, before.allowed);
  EXPECT_EQ(after.seen, before.seen);
  EXPECT_EQ(after.at_work, before.at_work);
  EXPECT_EQ(after.context, before.context);
  EXPECT_EQ(after.consequence, before.consequence);
}

TEST(VerdictJson, EveryRuleAndKindComesBack) {
  for (std::size_t i = 0; i < rules().size(); ++i) {
    const Verdict verdict{.rule = static_cast<Rule>(i)};
    EXPECT_EQ(written_and_read(verdict).rule, verdict.rule) << info(verdict.rule).id;
  }
  using enum Verdict::Kind;
  for (const auto kind : {kViolated, kDeparted, kInconclusive}) {
    EXPECT_EQ(written_and_read({.kind = kind}).kind, kind) << to_string(kind);
  }
}

TEST(VerdictJson, WhatIsUnknownOrMissingIsSaid) {
  Json json = to_json(verdict_with_all_fields());
  json["rule"] = "MUST_0";
  EXPECT_THROW(verdict_from_json(json), std::runtime_error);
  json.erase("rule");
  EXPECT_THROW(verdict_from_json(json), Json::exception);
}

TEST(VerdictJson, InBriefALimitOfTheJudgeHasNoLevel) {
  EXPECT_EQ(brief_json({.rule = Rule::MUST_10})["level"], "MUST");
  EXPECT_EQ(brief_json({.kind = Verdict::Kind::kInconclusive, .rule = Rule::MUST_10})["level"], "inconclusive");
}

}  // namespace
}  // namespace tcpassay
