// SPDX-License-Identifier: Apache-2.0
// Many recorded conversations at once: files and whole folders of scripts and captures, on several threads.
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
};

// Of a folder and those below it: .pkt, .pcap, .pcapng and .cap, by name. Throws CaptureError for a path that is not
// there and for a folder without any.
std::vector<std::string> recorded_files(const std::vector<std::string>& paths);

// In the order of the paths. A file that cannot be read is kUnsupported, with Opinion::unread and the reason.
std::vector<RecordResult> judge_all(const std::vector<std::string>& paths, const JudgeAllOptions& options);

// 1 when one is condemned, else 2 when one could not be read.
int exit_status_of(const std::vector<RecordResult>& results);

}  // namespace tcpassay
