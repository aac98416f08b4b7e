// SPDX-License-Identifier: Apache-2.0
// What happened while a scenario was played: its events, and what scripts expected and did not see.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "harness/script/error.h"
#include "harness/wire/packet.h"
#include "models/oracle.h"

namespace tcpassay {

// Everything that happened, kept for ladders, judging again and export. Segment texts live in the trace's own memory.
struct Trace {
  std::string scenario;
  std::vector<Event> events;
  std::vector<std::string> states;  // after each event, the states the oracle holds possible; empty when it was off
  std::vector<Place> places;        // the script line that caused each stimulus; line 0 elsewhere
  std::deque<Bytes> store;          // what the events' texts point into
};

// A `>` line or the result of a call that did not come as the script says. Beside the oracle, never a rule.
struct Mismatch {
  Place where;
  std::string expected, seen;
};

// Is told everything that the oracle is shown.
class TraceObserver {
 public:
  virtual ~TraceObserver() = default;
  virtual void begins(const Terms& terms, const std::string& name) = 0;
  virtual void happens(const Event& event) = 0;
};

}  // namespace tcpassay
