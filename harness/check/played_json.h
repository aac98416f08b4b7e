// SPDX-License-Identifier: Apache-2.0
// What a process that plays scenarios writes to its parent, as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "harness/check/player.h"
#include "harness/target/target.h"

namespace tcpassay {

nlohmann::ordered_json to_json(const Identity& identity);  // the name, the version and the abilities
nlohmann::ordered_json to_json(const Played& played);

// They read what to_json() has written. Throw an exception of nlohmann::json when a field is missing.
Identity identity_from_json(const nlohmann::ordered_json& json);
Played played_from_json(const nlohmann::ordered_json& json);

}  // namespace tcpassay
