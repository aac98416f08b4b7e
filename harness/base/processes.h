// SPDX-License-Identifier: Apache-2.0
// Work in several processes, each with a target of its own, that tell what they did line by line.
#pragma once

#include <functional>
#include <string>

namespace tcpassay {

inline constexpr int kJobsMax = 64;

// Hands one line to the process that waits; false when nobody listens any more.
using LineWriter = std::function<bool(const std::string& line)>;

// Runs work(0, say) ... work(jobs - 1, say), each in a process of its own, and calls take(line) here for each line.
// The processes are ended and waited for, however this ends. Throws TargetError with the message of an exception that
// left `work`, and std::runtime_error when there can be no process. A SIGINT that the caller handles is passed on.
void in_processes(int jobs, const std::function<void(int job, const LineWriter& say)>& work,
                  const std::function<void(const std::string& line)>& take);

// While it lives a SIGINT does not end the process; `interrupted()` tells that one came. The processes that are made
// meanwhile inherit it.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  static bool interrupted();

 private:
  void (*before_)(int);
};

}  // namespace tcpassay
