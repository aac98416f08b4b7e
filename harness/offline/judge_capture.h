// SPDX-License-Identifier: Apache-2.0
// Judges a capture: every conversation in it, both ends in turn, without a target and without the users' calls.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/offline/conversation_table.h"

namespace tcpassay {

struct CaptureResult {
  Outcome kind = Outcome::kPass;
  std::string why{};  // one line; empty when accepted
  // In the order in which they began. Of those that are accepted only the first kAcceptedListed are kept.
  std::vector<ConversationResult> conversations{};
  std::uint64_t accepted = 0, condemned = 0, inconclusive = 0;  // conversations
  CaptureCounts counts{};
};

inline constexpr std::size_t kAcceptedListed = 1000;
inline constexpr std::size_t kOthersListed = 10000;  // of those that are not accepted

struct CaptureOptions {
  Edition edition = kNewest;
  std::vector<ChosenEnd> ends{};                          // whom to judge; everybody when empty
  std::vector<std::string> defines{};                     // judge_file(): NAME=VALUE for scripts
  bool packets_alone = false;                             // judge_file(): the log of a run beside them is left unread
  std::function<void(std::uint64_t packets)> progress{};  // called now and then
};

// Throws CaptureError when the file is no capture, or one that cannot be read. A file that ends within a packet is
// judged up to there, and that is said.
CaptureResult judge_capture(const std::string& path, const CaptureOptions& options = {});

// Is it a capture, by its first octets?
bool is_capture(const std::string& path);

std::string capture_text(const CaptureResult& result, bool diagrams);

}  // namespace tcpassay
