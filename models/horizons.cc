// SPDX-License-Identifier: Apache-2.0
#include "models/horizons.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr HorizonInfo kHorizons[] = {
#define HORIZON(id, rule, time, kind, reason) {#id, Rule::rule, time, HorizonKind::kind, reason},
#include "models/catalogue/horizons.def"
#undef HORIZON
};

}  // namespace

std::span<const HorizonInfo> horizons() {
  return kHorizons;
}

const char* to_string(HorizonKind kind) {
  switch (kind) {
    case HorizonKind::kText:
      return "named by the text";
    case HorizonKind::kDeparture:
      return "a generous bound of ours";
    case HorizonKind::kNever:
      return "taken for never";
  }
  return "";
}

Time horizon(Horizon id) {
  return kHorizons[static_cast<std::size_t>(id)].time;
}

}  // namespace tcpassay
