// SPDX-License-Identifier: Apache-2.0
// After how long a silence is judged, and at which level: the table models/catalogue/horizons.def.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/event.h"
#include "models/rules.h"

namespace tcpassay {

enum class HorizonKind : std::uint8_t { kText, kDeparture, kNever };

enum class Horizon : std::uint8_t {
#define HORIZON(id, rule, time, kind, reason) id,
#include "models/catalogue/horizons.def"
#undef HORIZON
};

struct HorizonInfo {
  std::string_view id;  // "kHeldText"
  Rule rule{};          // what is blamed
  Time time{};
  HorizonKind kind{};
  std::string_view reason;
};

std::span<const HorizonInfo> horizons();  // indexed by Horizon
Time horizon(Horizon id);
const char* to_string(HorizonKind kind);  // "named by the text"

}  // namespace tcpassay
