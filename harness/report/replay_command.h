// SPDX-License-Identifier: Apache-2.0
// The command line that plays a script again: every finding is printed with it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "harness/session/round_trip.h"
#include "models/edition.h"

namespace tcpassay {

struct ReplayOptions {
  std::string target = "own", defect{};
  std::vector<std::string> legal_variants{};  // of the own stack
  std::chrono::milliseconds round_trip{};     // between peer and target
  PeerManner manner = PeerManner::kPrompt;
  bool ipv6 = false;  // the script does not ask for IPv6 itself
  Edition edition = kNewest;
  bool strict = false;
};

// "tcpassay run FILE --target own --plant DEFECT"; what has its default value is left out.
std::string replay_command(const std::string& file, const ReplayOptions& options);

}  // namespace tcpassay
