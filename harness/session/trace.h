// SPDX-License-Identifier: Apache-2.0
// The record of a played scenario: its events, and the assertions of the script that failed.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "harness/script/error.h"
#include "harness/wire/packet.h"
#include "models/oracle.h"

namespace tcpassay {

// All events of a run, for ladder diagrams and export. The trace owns the segments' text.
struct Trace {
  std::string scenario;
  std::vector<Event> events;
  std::vector<std::string>
      states;  // after each event, the states that the oracle considers possible; empty without the oracle
  std::vector<Place> places;  // the script's line for each stimulus; line 0 for other events
  std::deque<Bytes> store;    // what the events' texts point into
};

// An assertion of the script (a `>` line, the result of a call, code) that failed. The oracle's verdicts are separate.
struct Mismatch {
  Place where;
  std::string expected, seen;
};

// Receives every event that the oracle is shown.
class TraceObserver {
 public:
  virtual ~TraceObserver() = default;
  virtual void begins(const Terms& terms, const std::string& name) = 0;
  virtual void happens(const Event& event) = 0;
};

}  // namespace tcpassay
