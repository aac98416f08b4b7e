// SPDX-License-Identifier: Apache-2.0
#include "models/freedom.h"

#include "models/rules.h"

namespace tcpassay {
namespace {

constexpr FreedomInfo kTable[] = {
#define FREEDOM(id, kind, rfc, section, sentence) {#id, FreedomKind::kind, rfc, section, {}, "", sentence},
#define TOLERATED(id, rule, stacks, sentence) {#id, FreedomKind::kTolerated, 0, "", Rule::rule, stacks, sentence},
#include "models/catalogue/freedoms.def"
#undef FREEDOM
#undef TOLERATED
};

}  // namespace

const char* to_string(FreedomKind kind) {
  switch (kind) {
    case FreedomKind::kGranted:
      return "granted";
    case FreedomKind::kReading:
      return "reading";
    case FreedomKind::kTolerated:
      return "tolerated";
    case FreedomKind::kUnknown:
      return "unknown";
  }
  return "?";
}

std::span<const FreedomInfo> freedoms() {
  return kTable;
}

const FreedomInfo& info(Freedom freedom) {
  return kTable[static_cast<std::size_t>(freedom)];
}

const FreedomSet& tolerated_freedoms() {
  static const FreedomSet set = [] {
    FreedomSet all;
    for (std::size_t i = 0; i < kFreedoms; ++i) all.set(i, kTable[i].excuses.has_value());
    return all;
  }();
  return set;
}

std::optional<Freedom> freedom_by_id(std::string_view id) {
  for (std::size_t i = 0; i < std::size(kTable); ++i) {
    if (kTable[i].id == id) return static_cast<Freedom>(i);
  }
  return {};
}

}  // namespace tcpassay
