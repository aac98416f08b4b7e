// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/legal_variants.h"

namespace own {
namespace {

constexpr LegalVariantEntry kAll[] = {
#define LEGAL_VARIANT(id, departs, what) {LegalVariant::id, #id, departs, what},
#include "harness/targets/own/legal_variants.def"
#undef LEGAL_VARIANT
};

}  // namespace

std::span<const LegalVariantEntry> all_legal_variants() {
  return kAll;
}

const LegalVariantEntry& entry(LegalVariant legal_variant) {
  return kAll[static_cast<std::size_t>(legal_variant)];
}

std::optional<LegalVariant> legal_variant_named(std::string_view id) {
  for (const LegalVariantEntry& known : kAll) {
    if (known.id == id) return known.legal_variant;
  }
  return std::nullopt;
}

}  // namespace own
