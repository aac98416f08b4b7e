// SPDX-License-Identifier: Apache-2.0
// One script played on one target, as run and export do.
#pragma once

#include <memory>

#include "harness/cli/options.h"
#include "harness/script/scenario.h"
#include "harness/target/target.h"

namespace tcpassay {

// The target that the options name. Throws TargetError when it cannot be made.
std::unique_ptr<Target> make_target(const CliOptions& cli);

// Throws UsageError when the target cannot play the script. `assertions`: what the script itself says of the target is
// compared, so that the target must be able to tell it.
void require_playable(const Scenario& scenario, const Target& target, const CliOptions& cli, bool assertions);

// Throws UsageError, with the nearest id, when the scenario says that it covers a rule that does not exist.
void require_known_rules(const std::string& file, const Scenario& scenario);

}  // namespace tcpassay
