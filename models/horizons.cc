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

Time horizon(Horizon id) {
  return kHorizons[static_cast<std::size_t>(id)].time;
}

}  // namespace tcpassay
