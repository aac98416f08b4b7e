// SPDX-License-Identifier: Apache-2.0
// Proposes changes of a target's file of deviations.
#pragma once

#include <string>

#include "harness/check/check_result.h"

namespace tcpassay {

// A diff for `patch -p1` or `git apply --unidiff-zero`: lines of deviations that no longer occur go, lines
// of what is broken and not listed come, with a reason for people to write. `file` is FOLDER/TARGET.txt, which need not
// exist. Empty when nothing is to be changed.
std::string deviations_diff(const CheckResult& result, const std::string& file);

}  // namespace tcpassay
