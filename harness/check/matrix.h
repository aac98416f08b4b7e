// SPDX-License-Identifier: Apache-2.0
// The same scenarios on several targets: rules by targets, and the profiles side by side.
#pragma once

#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/check/check_result.h"

namespace tcpassay {

// One target's run, or why there is none.
struct MatrixRun {
  std::string target;  // as the user named it
  CheckResult result{};
  std::string failure{};  // one line; empty: result holds
};

// "A,B,C": the names. A comma inside the TEXT of plugin:FILE.so?TEXT is not told from one between targets.
std::vector<std::string> target_list(const std::string& names);

// The worst exit status of the runs; a target that could not be run counts as 2 where no other is 1.
int exit_status_of(const std::vector<MatrixRun>& runs);

// With `all`, rows on which the targets agree too.
std::string matrix_text(const std::vector<MatrixRun>& runs, bool all, const TextStyle& style);

// {"runs":[...],"matrix":[...],"profiles":[...]}; each run is what check_json() gives, or {"target","failure"}.
std::string matrix_json(const std::vector<MatrixRun>& runs);

}  // namespace tcpassay
