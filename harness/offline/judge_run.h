// SPDX-License-Identifier: Apache-2.0
// Judges a run of check or run again, from its capture and its log.
#pragma once

#include <string>

#include "harness/offline/judge.h"

namespace tcpassay {

// Throws CaptureError, which names the line of the log that does not fit the capture.
FileResult judge_run(const std::string& capture, const std::string& log, Edition edition, bool strict);

}  // namespace tcpassay
