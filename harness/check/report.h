// SPDX-License-Identifier: Apache-2.0
// Prints the result of a check: text for people, JSON for programs, JUnit XML for continuous integration.
#pragma once

#include <string>

#include "harness/base/text.h"
#include "harness/check/check.h"

namespace tcpassay {

std::string check_text(const CheckResult& result, const TextStyle& style);
std::string check_json(const CheckResult& result);
std::string check_junit(const CheckResult& result);

// A rule's standing as people read it: "departed, listed", "option taken".
std::string standing_text(const CheckResult& result, const RuleResult& rule);

}  // namespace tcpassay
