// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/legal_variants.h"

namespace own {
namespace {

constexpr TemperamentEntry kAll[] = {
#define TEMPERAMENT(id, departs, what) {LegalVariant::id, #id, departs, what},
#include "harness/targets/own/legal_variants.def"
#undef TEMPERAMENT
};

}  // namespace

std::span<const TemperamentEntry> all_legal_variants() {
  return kAll;
}

const TemperamentEntry& entry(LegalVariant legal_variant) {
  return kAll[static_cast<std::size_t>(legal_variant)];
}

std::optional<LegalVariant> legal_variant_named(std::string_view id) {
  for (const TemperamentEntry& known : kAll) {
    if (known.id == id) return known.legal_variant;
  }
  return std::nullopt;
}

}  // namespace own
