// SPDX-License-Identifier: Apache-2.0
// Legal variations of the own stack, which the judge has to spare. Several may be on at once.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace own {

enum class Temperament : std::uint8_t {
#define TEMPERAMENT(id, departs, what) id,
#include "harness/targets/own/temperaments.def"
#undef TEMPERAMENT
};

inline constexpr std::size_t kTemperaments = 0
#define TEMPERAMENT(id, departs, what) +1
#include "harness/targets/own/temperaments.def"
#undef TEMPERAMENT
    ;

struct TemperamentEntry {
  Temperament temperament;
  std::string_view id;       // "nagle_off"
  std::string_view departs;  // "SHLD_7": ids of the SHOULDs that it does not follow, separated by spaces
  std::string_view what;     // one sentence
};

std::span<const TemperamentEntry> all_temperaments();
const TemperamentEntry& entry(Temperament temperament);
std::optional<Temperament> temperament_named(std::string_view id);

class Tempered {
 public:
  void add(Temperament temperament) { bits_.set(static_cast<std::size_t>(temperament)); }
  void clear() { bits_.reset(); }
  bool has(Temperament temperament) const { return bits_[static_cast<std::size_t>(temperament)]; }

 private:
  std::bitset<kTemperaments> bits_;
};

}  // namespace own
