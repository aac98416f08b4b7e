// SPDX-License-Identifier: Apache-2.0
// Prints the result of a check: text for people, JSON for programs, JUnit XML for continuous integration.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "harness/base/text.h"
#include "harness/check/check.h"

namespace tcpassay {

// What of a result is printed.
struct ReportChoice {
  bool all_rows = false;     // rules that were not exercised have rows too, even if a part of the corpus was played
  bool only_failed = false;  // only what decides against the target
  bool whole_rows = false;   // rows of the table are as long as they are, as suits where there is no terminal
  bool quiet = false;        // of text, the conclusion alone
};

std::string check_text(const CheckResult& result, const TextStyle& style, const ReportChoice& choice = {});
std::string check_json(const CheckResult& result, const ReportChoice& choice = {});
// With what merge needs of a shard (shard.h).
std::string check_json(const CheckResult& result, const ReportChoice& choice, const nlohmann::ordered_json& shard);
std::string check_junit(const CheckResult& result);

// A rule's standing as people read it: "departed, listed", "option taken".
std::string standing_text(const CheckResult& result, const RuleResult& rule);

}  // namespace tcpassay
