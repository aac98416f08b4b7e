// SPDX-License-Identifier: Apache-2.0
// Plays scenarios on a target while the oracle judges what it does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/check/check_options.h"
#include "harness/check/corpus.h"
#include "harness/check/tally.h"
#include "harness/session/session.h"
#include "harness/target/target.h"

namespace tcpassay {

// What `Played::why` begins with when the target died, or was not there any more.
inline constexpr std::string_view kTargetDied = "the target died";
// The same, where the implementation under test crashed, hung or was killed in its child process: a finding.
inline constexpr std::string_view kImplementationDied = "the implementation died";
inline constexpr std::string_view kInterrupted = "interrupted";
inline constexpr std::string_view kNotPlayed = "not played, since the implementation died too often";

// The outcome of one scenario.
struct Played {
  bool skipped = true;
  std::string why{};  // the reason for skipping it
  TraceResult result{};
  std::vector<Mismatch> mismatches{};
};

// Plays all scenarios, in options.jobs processes, and sets `identity` to that of the target. Throws TargetError when
// the target cannot be made, or cannot be made again after it died. A process that dies takes one scenario with it; its
// other scenarios are played by another one. After an interrupt nothing more is played.
std::vector<Played> play_all(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options,
                             Identity& identity);

// Whether the user's --ip made this scenario run over IPv6. A scenario that names its IP version decides itself.
bool chosen_ipv6(const ScenarioFile& file);

}  // namespace tcpassay
