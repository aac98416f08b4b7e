// SPDX-License-Identifier: Apache-2.0
#include "harness/sweep/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string_view>

namespace tcpassay {
namespace {

constexpr std::uint64_t kClassFactors = 2 * 3 * 7;  // prime factors of the numbers of classes

bool chosen(const Road& road, const SweepOptions& options) {
  const auto& states = options.states;
  if (!states.empty() && std::find(states.begin(), states.end(), road.state) == states.end()) return false;
  return road.name.find(options.road) != std::string_view::npos;
}

}  // namespace

Plan plan_of(const SweepOptions& options) {
  Plan plan;
  const std::vector<Cell> all = all_cells(options.flags), all_stamped = all_cells(options.flags, true);
  assert(all.size() == all_stamped.size());
  // A stride that shares no factor with the numbers of classes meets every pair of them.
  std::uint64_t stride = std::max<std::uint64_t>(options.one_in, 1);
  while (std::gcd(stride, kClassFactors) != 1) ++stride;
  for (std::size_t i = 0; i < all.size(); i += stride) {
    plan.cells.push_back(all[i]);
    plan.stamped.push_back(all_stamped[i]);
  }
  for (const std::uint8_t ip : options.ip) {
    for (const Road& road : all_roads()) {
      if (chosen(road, options)) plan.roads.push_back({.road = &road, .ip = ip, .cells = plan.cells.size()});
    }
  }
  if (plan.roads.empty()) throw std::runtime_error(fmt::format("no road is called '{}'", options.road));
  return plan;
}

}  // namespace tcpassay
