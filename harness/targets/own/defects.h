// SPDX-License-Identifier: Apache-2.0
// Known mistakes of TCP implementations, which the own stack makes on demand so that the judge can be judged.
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
  std::string_view rules;   // "S3_5_3_window R5961_3_2_outside": those that name it
};

std::span<const DefectEntry> all_defects();
const DefectEntry& entry(Defect defect);
std::optional<Defect> defect_named(std::string_view id);

// The one defect that is planted, if any. Asking is one comparison.
class Planted {
 public:
  void plant(std::optional<Defect> defect) { code_ = defect ? static_cast<int>(*defect) : kNothing; }
  bool has(Defect defect) const { return code_ == static_cast<int>(defect); }

 private:
  static constexpr int kNothing = -1;
  int code_ = kNothing;
};

}  // namespace own
