// SPDX-License-Identifier: Apache-2.0
// The freedoms of models/catalogue/freedoms.def: what a target may do, beyond the SHOULDs and MAYs of the catalogue.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "models/rule.h"

namespace tcpassay {

enum class FreedomKind : std::uint8_t { kGranted, kReading, kTolerated, kUnknown };
inline constexpr std::size_t kFreedomKinds = 4;
const char* to_string(FreedomKind kind);  // "granted"

enum class Freedom : std::uint8_t {
#define FREEDOM(id, kind, rfc, section, sentence) id,
#define TOLERATED(id, rule, stacks, sentence) id,
#include "models/catalogue/freedoms.def"
#undef FREEDOM
#undef TOLERATED
};

struct FreedomInfo {
  std::string_view id;  // "kRstBehindFin"
  FreedomKind kind;
  int rfc;                      // 9293; 0 when tolerated
  std::string_view section;     // "3.10.7.4"
  std::optional<Rule> excuses;  // of a tolerated freedom: the rule that it excuses
  std::string_view stacks;      // ... and who takes it
  std::string_view sentence;
};

std::span<const FreedomInfo> freedoms();  // indexed by Freedom
const FreedomInfo& info(Freedom freedom);
std::optional<Freedom> freedom_by_id(std::string_view id);

inline constexpr std::size_t kFreedoms = 0
#define FREEDOM(id, kind, rfc, section, sentence) +1
#define TOLERATED(id, rule, stacks, sentence) +1
#include "models/catalogue/freedoms.def"
#undef FREEDOM
#undef TOLERATED
    ;

using FreedomSet = std::bitset<kFreedoms>;

const FreedomSet& tolerated_freedoms();

}  // namespace tcpassay
