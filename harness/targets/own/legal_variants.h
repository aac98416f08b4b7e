// SPDX-License-Identifier: Apache-2.0
// Legal variants of the own stack: behaviour that the RFCs allow, which the oracle must accept. Several may be enabled
// at once.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace own {

enum class LegalVariant : std::uint8_t {
#define LEGAL_VARIANT(id, departs, what) id,
#include "harness/targets/own/legal_variants.def"
#undef LEGAL_VARIANT
};

inline constexpr std::size_t kLegalVariants = 0
#define LEGAL_VARIANT(id, departs, what) +1
#include "harness/targets/own/legal_variants.def"
#undef LEGAL_VARIANT
    ;

struct LegalVariantEntry {
  LegalVariant legal_variant;
  std::string_view id;       // "nagle_off"
  std::string_view departs;  // "SHLD_7": ids of the SHOULDs that it departs from, separated by spaces
  std::string_view what;     // one sentence
};

std::span<const LegalVariantEntry> all_legal_variants();
const LegalVariantEntry& entry(LegalVariant legal_variant);
std::optional<LegalVariant> legal_variant_named(std::string_view id);

// The variants that are enabled.
class LegalVariants {
 public:
  void add(LegalVariant legal_variant) { bits_.set(static_cast<std::size_t>(legal_variant)); }
  void clear() { bits_.reset(); }
  bool has(LegalVariant legal_variant) const { return bits_[static_cast<std::size_t>(legal_variant)]; }

 private:
  std::bitset<kLegalVariants> bits_;
};

}  // namespace own
