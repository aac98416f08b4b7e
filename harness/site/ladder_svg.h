// SPDX-License-Identifier: Apache-2.0
// A ladder diagram as SVG: packets between the lines of peer and target, calls and states beside the target's line, and
// each verdict on the row of its event.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/session/trace.h"
#include "harness/site/html.h"
#include "models/oracle.h"

namespace tcpassay {

inline constexpr std::size_t kRowsMax = 300;  // of a diagram; of a longer trace the rows around the first verdict

// Which events of the trace are shown.
struct ShownEvents {
  std::size_t first = 0, end = 0;
};
ShownEvents shown_events(const Trace& trace, const std::vector<Verdict>& verdicts);

// A row of a packet leads to the anchor #e0, #e1 ... of its event; a verdict leads to #v0, #v1 ...
Html ladder_svg(const Trace& trace, const std::vector<Verdict>& verdicts);

}  // namespace tcpassay
