// SPDX-License-Identifier: Apache-2.0
#include "harness/check/claims.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "harness/check/check.h"
#include "harness/check/check_options.h"
#include "harness/check/check_result.h"
#include "harness/check/corpus.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

std::string file_with(const std::string& text) {
  const std::string path = ::testing::TempDir() + "/claims.txt";
  std::ofstream(path) << text;
  return path;
}

CheckResult checked(const std::vector<std::string>& claims, std::vector<std::string> variants = {}) {
  CheckOptions options{.legal_variants = std::move(variants)};
  options.claims = claims;
  return check(read_scenarios({TCPASSAY_SOURCE_DIR "/corpus"}, "extensions"), options);
}

const ClaimResult& claim_of(const CheckResult& result, const std::string& feature) {
  for (const ClaimResult& claim : result.claims) {
    if (claim.feature == feature) return claim;
  }
  throw std::runtime_error("no such feature");
}

TEST(Claims, WhatIsClaimedMustShow) {
  const CheckResult has = checked({"window-scale", "timestamps"});
  EXPECT_EQ(claim_of(has, "window-scale").shown, ClaimResult::Shown::kShown);
  EXPECT_EQ(has.exit_status(), 0);
  const CheckResult lacks = checked({"window-scale", "timestamps"}, {"stamps_not_offered"});
  EXPECT_TRUE(claim_of(lacks, "timestamps").missing());
  EXPECT_EQ(lacks.exit_status(), 1);
  EXPECT_NE(lacks.conclusion().find("timestamps is claimed and not shown"), std::string::npos);
  EXPECT_NE(claims_text(lacks, {}).find("NOT SHOWN"), std::string::npos);
}

TEST(Claims, WhatIsNotClaimedIsNotMissed) {
  const CheckResult lacks = checked({"window-scale"}, {"stamps_not_offered"});
  EXPECT_EQ(lacks.exit_status(), 0);
  EXPECT_FALSE(claim_of(lacks, "timestamps").missing());
  const RuleResult& fast_open = lacks.rules[static_cast<std::size_t>(Rule::R7413_4_2_1_grant)];
  EXPECT_EQ(fast_open.standing, Standing::kNotTestable);
  EXPECT_EQ(fast_open.why, "not claimed");
}

TEST(Claims, AreReadLineByLine) {
  EXPECT_EQ(read_claims(file_with("# mine\nclaims: sack # RFC 2018\n\nclaims: paws ecn\n")),
            (std::vector<std::string>{"sack", "paws", "ecn"}));
  const auto error = [](const std::string& text) -> std::string {
    try {
      read_claims(file_with(text));
    } catch (const std::runtime_error& wrong) {
      return wrong.what();
    }
    return "";
  };
  EXPECT_NE(error("claims: sac\n").find("claims.txt:1: no option is called 'sac'; did you mean sack?"),
            std::string::npos);
  EXPECT_NE(error("claims: sack\nsack\n").find(":2: expected 'claims: NAME ...'"), std::string::npos);
  EXPECT_NE(error("# nothing\n"), "");
  EXPECT_THROW(read_claims("/no/such/claims"), std::runtime_error);
}

}  // namespace
}  // namespace tcpassay
