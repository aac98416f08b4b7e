// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/temperaments.h"

namespace own {
namespace {

constexpr TemperamentEntry kAll[] = {
#define TEMPERAMENT(id, departs, what) {Temperament::id, #id, departs, what},
#include "harness/targets/own/temperaments.def"
#undef TEMPERAMENT
};

}  // namespace

std::span<const TemperamentEntry> all_temperaments() { return kAll; }

const TemperamentEntry& entry(Temperament temperament) { return kAll[static_cast<std::size_t>(temperament)]; }

std::optional<Temperament> temperament_named(std::string_view id) {
  for (const TemperamentEntry& known : kAll) {
    if (known.id == id) return known.temperament;
  }
  return std::nullopt;
}

}  // namespace own
