// SPDX-License-Identifier: Apache-2.0
// Computes when the steps of a script happen.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/script/scenario.h"

namespace tcpassay {

// Converts the times of a script's steps, in order, to times since the script's start.
class Schedule {
 public:
  struct Slot {
    bool any = false;               // `*`: whenever it happens
    Time from{}, until{};           // equal but for a range
    Time tolerance{};               // for an observation, either side
    std::optional<Time> returns{};  // of a blocking call
  };

  explicit Schedule(const std::vector<std::string>& options = {});  // --tolerance_usecs is read
  Slot next(const StepTime& time);
  void reached(Time at) { last_ = at; }  // tells when a step with the time `*` has happened

 private:
  Time last_{};
  std::optional<Time> tolerance_{};
};

// How long playing the scenario takes where time is real: until its last step begins or its last call returns, and the
// round trip again for each packet of the peer.
Time length_of(const Scenario& scenario, Time round_trip = {});

}  // namespace tcpassay
