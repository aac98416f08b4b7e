// SPDX-License-Identifier: Apache-2.0
// What a sweep asks: the roads that were chosen, and for each of them the cells.
#pragma once

#include <cstddef>
#include <vector>

#include "harness/sweep/grid.h"
#include "harness/sweep/roads.h"
#include "harness/sweep/sweep.h"

namespace tcpassay {

struct Plan {
  std::vector<RoadSum> roads;
  std::vector<Cell> cells, stamped;  // as many; the second are those of roads with timestamps
  std::size_t cases() const { return roads.size() * cells.size(); }
  const RoadSum& road(std::size_t number) const { return roads[number / cells.size()]; }
  const Cell& cell(std::size_t number) const {
    const bool stamps = road(number).road->kind == RoadKind::kStamped;
    return (stamps ? stamped : cells)[number % cells.size()];
  }
};

// Throws std::runtime_error where the options choose no road.
Plan plan_of(const SweepOptions& options);

}  // namespace tcpassay
