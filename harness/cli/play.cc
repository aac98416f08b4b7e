// SPDX-License-Identifier: Apache-2.0
#include "harness/cli/play.h"

#include <fmt/format.h>

#include "harness/check/selection.h"
#include "harness/session/session.h"
#include "harness/targets/registry.h"

namespace tcpassay {

std::unique_ptr<Target> make_target(const CliOptions& cli) {
  return make_target(cli.target, OwnStackOptions{.defect = cli.defect, .legal_variants = cli.legal_variants});
}

void require_known_rules(const std::string& file, const Scenario& scenario) {
  for (const std::string& id : scenario.about.covers) {
    try {
      rule_named(id);
    } catch (const std::runtime_error& error) {
      throw UsageError(fmt::format("{}: covers: {}", file, error.what()));
    }
  }
}

void require_playable(const Scenario& scenario, const Target& target, const CliOptions& cli, bool assertions) {
  const auto why = Session::unsupported(scenario, target, ip_version_of(cli), assertions);
  if (!why) return;
  throw UsageError(
      fmt::format("{}: skipped, cannot be played on {}: {}", cli.paths.front(), target.identity().name, *why));
}

}  // namespace tcpassay
