// SPDX-License-Identifier: Apache-2.0
// Judges a capture: both ends of every conversation in it. Needs no target; the capture does not show the users' calls.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/offline/conversation_table.h"

namespace tcpassay {

struct CaptureResult {
  Outcome outcome = Outcome::kPass;
  std::string why{};  // one line; empty when it passed
  // In the order in which they began; of those that passed only the first kPassedListed.
  std::vector<ConversationResult> conversations{};
  std::uint64_t passed = 0, failed = 0, inconclusive = 0;  // conversations
  CaptureCounts counts{};
  std::string broken_off{};  // why the rest of the file was not read
};

inline constexpr std::size_t kPassedListed = 1000;
inline constexpr std::size_t kOthersListed = 10000;  // of those that did not pass

struct CaptureOptions {
  Edition edition = kNewest;
  bool strict = false;                 // hold tolerated freedoms against the target
  std::vector<ChosenEnd> ends{};       // judge only these; empty: all
  std::vector<std::string> defines{};  // judge_file(): NAME=VALUE for scripts
  bool packets_alone = false;          // judge_file(): do not read the log of the run beside a captureable
  std::function<void(std::uint64_t packets)> progress{};  // called now and then
  // Called with the file's name: for each conversation when it is over, and for each that is newly accused as soon as
  // it is. In a capture that lacks packets the result of the whole file may excuse it later.
  std::function<void(const std::string& file, const ConversationResult&)> over{}, accused{};
};

// Throws CaptureError when the file is no capture, or one that cannot be read. A file that ends within a packet is
// judged up to there; the outcome is then inconclusive at best.
CaptureResult judge_capture(const std::string& path, const CaptureOptions& options = {});

// Whether the first octets of the file are those of a capture.
bool is_capture(const std::string& path);

std::string capture_text(const CaptureResult& result, bool diagrams);

}  // namespace tcpassay
