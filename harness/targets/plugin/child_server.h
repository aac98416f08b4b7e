// SPDX-License-Identifier: Apache-2.0
// The child's side of a target in a child process.
#pragma once

#include <functional>
#include <memory>

#include "harness/target/target.h"
#include "harness/targets/plugin/child_memory.h"

namespace tcpassay {

// How a target becomes as new between two scenarios.
enum class Renewal : std::uint8_t {
  kReset,   // by its reset()
  kFork,    // each scenario gets a copy of the process as it was when the target had been made
  kAfresh,  // each scenario gets a process in which the target is made again
};

struct ChildTargetMade {
  std::unique_ptr<Target> target;
  Renewal renewal = Renewal::kReset;
};
using ChildTargetMaker = std::function<ChildTargetMade()>;

inline constexpr int kUsedUp = 77;  // exit status of a process that has played its scenario and needs a successor

// Makes the target and serves batches; never returns. The first answer is the identity.
[[noreturn]] void serve(ChildMemory& memory, const ChildTargetMaker& make);

}  // namespace tcpassay
