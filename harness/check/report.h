// SPDX-License-Identifier: Apache-2.0
// The result of a check, as text for people, JSON for programs and JUnit XML for CI.
#pragma once

#include <string>

#include "harness/base/text.h"
#include "harness/check/check.h"

namespace tcpassay {

std::string check_text(const CheckResult& result, const TextStyle& style);
std::string check_json(const CheckResult& result);
std::string check_junit(const CheckResult& result);

const char* to_string(TraitValue value);  // "both"

}  // namespace tcpassay
