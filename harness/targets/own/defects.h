// SPDX-License-Identifier: Apache-2.0
// Known mistakes of TCP implementations. The own stack makes one of them on demand, to test that the oracle finds it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace own {

enum class Defect : std::uint16_t {
#define DEFECT(id, ...) id,
#include "harness/targets/own/defects.def"
#undef DEFECT
};

struct DefectEntry {
  Defect defect;
  std::string_view id;      // "rst_out_of_window"
  std::string_view origin;  // "3.5.3"
  std::string_view what;    // one sentence
  std::string_view rules;   // "S3_5_3_window R5961_3_2_outside": the rules that should be blamed
};

std::span<const DefectEntry> all_defects();
const DefectEntry& entry(Defect defect);
std::optional<Defect> defect_named(std::string_view id);

// The defect that is planted, if any; at most one. has() is a single comparison.
class Planted {
 public:
  void plant(std::optional<Defect> defect) { code_ = defect ? static_cast<int>(*defect) : kNothing; }
  bool has(Defect defect) const { return code_ == static_cast<int>(defect); }

 private:
  static constexpr int kNothing = -1;
  int code_ = kNothing;
};

}  // namespace own
