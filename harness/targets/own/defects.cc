// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/defects.h"

namespace own {
namespace {

constexpr DefectEntry kDefects[] = {
#define DEFECT(id, origin, what, ...) {Defect::id, #id, origin, what, "" __VA_ARGS__},
#include "harness/targets/own/defects.def"
#undef DEFECT
};

}  // namespace

std::span<const DefectEntry> all_defects() {
  return kDefects;
}

const DefectEntry& entry(Defect defect) {
  return kDefects[static_cast<std::size_t>(defect)];
}

std::optional<Defect> defect_named(std::string_view id) {
  for (const DefectEntry& known : kDefects) {
    if (known.id == id) return known.defect;
  }
  return std::nullopt;
}

}  // namespace own
