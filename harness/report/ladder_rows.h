// SPDX-License-Identifier: Apache-2.0
// The rows of a ladder diagram, however it is drawn: what each event of a trace is called, and which state it led to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/session/trace.h"

namespace tcpassay {

struct LadderRow {
  // A packet of the peer, a packet of the target, a call of the target's user. kOther: silence, or a report of the
  // state, which diagrams show only where a verdict is about it.
  enum class Kind : std::uint8_t { kArrives, kDeparts, kCall, kOther };
  Kind kind = Kind::kOther;
  Time at{};
  std::string label{};      // "S. 0 ack 1 win 65535 <mss 1460>", with the ports where there are several conversations
  std::string new_state{};  // if it differs from the one before
};

// One row for each event. Sequence numbers are relative to the latest SYN of their sender.
std::vector<LadderRow> ladder_rows(const Trace& trace);

}  // namespace tcpassay
