// SPDX-License-Identifier: Apache-2.0
// Plays scenarios on a target and says for each rule whether it was obeyed, broken or never exercised.
#pragma once

#include <vector>

#include "harness/check/check_options.h"
#include "harness/check/check_result.h"
#include "harness/check/corpus.h"

namespace tcpassay {

inline constexpr std::size_t kConfirmedMax = 50;  // scenarios played again to confirm what was found

// Throws TargetError when the target cannot be made, or cannot be made again after it died.
CheckResult check(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options);

// What check() does when all were played: adds up what `played` has shown into `result`, which has the target and the
// unsteady ones.
void conclude(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options,
              const std::vector<Played>& played, CheckResult& result);

}  // namespace tcpassay
