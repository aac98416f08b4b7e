// SPDX-License-Identifier: Apache-2.0
// `//! covers:` is true: a rule that a scenario names is judged by that scenario on a target that can do so. Some rules
// say only what must not happen; such a one is judged where a planted defect that names it breaks it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "harness/check/check.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/own/legal_variants.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

using Names = std::set<std::string>;

// Takes the rules away that this scenario judges on a target.
void take_judged(Names& names, const ScenarioFile& file, const CheckOptions& options) {
  const CheckResult result = check({file}, options);
  std::erase_if(names, [&](const std::string& name) {
    const auto rule = rule_by_id(name);
    return rule && result.rules[static_cast<std::size_t>(*rule)].judged > 0;
  });
}

// On the own stack: under each edition, and in each of its legal variants.
void take_judged_by_own(Names& names, const ScenarioFile& file) {
  for (const Edition edition : {kNewest, Edition::k793, Edition::k1122, Edition::k9293}) {
    if (!names.empty()) take_judged(names, file, {.edition = edition});
  }
  for (const own::LegalVariantEntry& variant : own::all_legal_variants()) {
    if (!names.empty()) take_judged(names, file, {.legal_variants = {std::string(variant.id)}});
  }
}

void take_broken_by_defects(Names& names, const ScenarioFile& file) {
  for (const own::DefectEntry& defect : own::all_defects()) {
    const std::string rules = " " + std::string(defect.rules) + " ";
    const bool named = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return rules.find(" " + name + " ") != std::string::npos;
    });
    if (named) take_judged(names, file, {.defect = std::string(defect.id)});
  }
}

bool linux_is_here() {
  for (const TargetEntry& target : target_table()) {
    if (target.name == "linux") return !target.missing();
  }
  return false;
}

TEST(Covers, EachRuleThatAScenarioNamesIsJudgedByIt) {
  const bool linux_too = linux_is_here();
  std::size_t named = 0, untold = 0;
  for (const ScenarioFile& file : read_scenarios({TCPASSAY_SOURCE_DIR "/corpus"})) {
    const auto& covers = file.scenario.about.covers;
    Names names(covers.begin(), covers.end());
    named += names.size();
    take_judged_by_own(names, file);
    take_broken_by_defects(names, file);
    if (names.empty()) continue;
    if (!linux_too) {
      untold += names.size();
      continue;
    }
    take_judged(names, file, {.target = "linux"});
    for (const std::string& name : names) ADD_FAILURE() << file.path << ": covers: " << name << " is not judged by it";
  }
  EXPECT_GT(named, 1000u);
  if (untold > 0) GTEST_SKIP() << "no Linux target here, so it cannot be told whether some rules are judged by it";
}

}  // namespace
}  // namespace tcpassay
