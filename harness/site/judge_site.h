// SPDX-License-Identifier: Apache-2.0
// Writes what `judge` says of recorded conversations as a folder of HTML pages.
#pragma once

#include <string>
#include <vector>

#include "harness/offline/judge_files.h"

namespace tcpassay {

// `json`: what judge_json() says of the same results, which becomes result.json of the report. Throws
// std::runtime_error, in one line, when the folder cannot be written.
void write_judge_site(const std::string& folder, const std::vector<FileResult>& results, const std::string& json);

}  // namespace tcpassay
