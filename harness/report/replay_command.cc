// SPDX-License-Identifier: Apache-2.0
#include "harness/report/replay_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tcpassay {

std::string replay_command(const std::string& file, const ReplayOptions& options) {
  std::string command = fmt::format("tcpassay run {} --target {}", file, options.target);
  if (!options.defect.empty()) command += " --plant " + options.defect;
  if (!options.legal_variants.empty()) command += fmt::format(" --temper {}", fmt::join(options.legal_variants, ","));
  if (options.round_trip.count() > 0) command += fmt::format(" --rtt {}", options.round_trip.count());
  if (options.manner != PeerManner::kPrompt) {
    command += fmt::format(" --peer {}", kPeerManners[static_cast<std::size_t>(options.manner)]);
  }
  if (options.ipv6) command += " --ip 6";
  if (options.edition != kNewest) command += fmt::format(" --ruleset {}", to_string(options.edition));
  if (options.strict) command += " --strict";
  return command;
}

}  // namespace tcpassay
