// SPDX-License-Identifier: Apache-2.0
// The table of horizons (models/catalogue/horizons.def) for people: after how long a silence is judged, and why.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "models/rule.h"

namespace tcpassay {

std::string horizons_text(int columns);
nlohmann::ordered_json horizons_json();
std::string horizons_of(Rule rule, int columns);  // the entries that blame the rule; empty when there is none

}  // namespace tcpassay
