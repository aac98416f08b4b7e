// SPDX-License-Identifier: Apache-2.0
// Judges many files of recorded conversations at once, and whole folders, on several threads.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "harness/offline/judge.h"

namespace tcpassay {

struct JudgeAllOptions {
  CaptureOptions capture{};
  int jobs = 0;  // threads; 0: one for each core
  std::function<void(std::size_t done, std::size_t all, const std::string& last)> progress{};
  std::function<void(const FileResult&)> judged{};  // called for each file when it is done, by one thread at a time
};

// The files themselves, and of folders and those below them all scripts (.pkt) and captures, sorted by name.
// Throws CaptureError for a path that does not exist and for a folder without such files.
std::vector<std::string> recorded_files(const std::vector<std::string>& paths);

// Results in the order of the paths. A file that cannot be read is kUnsupported, with FileResult::unreadable and the
// reason.
std::vector<FileResult> judge_all(const std::vector<std::string>& paths, const JudgeAllOptions& options);

// 1 when one fails, else 2 when one could not be read or none has anything that can be judged, else 0.
int exit_status_of(const std::vector<FileResult>& results);

}  // namespace tcpassay
