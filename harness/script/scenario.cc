// SPDX-License-Identifier: Apache-2.0
#include "harness/script/scenario.h"

#include <algorithm>

namespace tcpassay {

std::optional<std::uint8_t> ip_version(const Scenario& scenario) {
  const auto says = [&](const char* line) {
    return std::find(scenario.options.begin(), scenario.options.end(), line) != scenario.options.end();
  };
  if (says("--ip_version=ipv6")) return std::uint8_t{6};
  if (says("--ip_version=ipv4")) return std::uint8_t{4};
  return std::nullopt;
}

}  // namespace tcpassay
