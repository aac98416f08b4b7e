// SPDX-License-Identifier: Apache-2.0
// A cause as a process of a sweep tells it to the one that collects them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "harness/sweep/sweep.h"

namespace tcpassay {

nlohmann::ordered_json cause_to_line(const Cause& cause);
Cause cause_from_line(const nlohmann::ordered_json& json);

}  // namespace tcpassay
