// SPDX-License-Identifier: Apache-2.0
// Work spread over several processes. Each has a target of its own and reports its results line by line.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace tcpassay {

inline constexpr int kJobsMax = 64;

// Sends one line to the parent process; false when the parent has stopped reading.
using LineWriter = std::function<bool(const std::string& line)>;

// Runs work(0, write) ... work(jobs - 1, write), each in a process of its own, and calls take(line) in the calling
// process for each line. No process is left behind, even when this throws. Throws TargetError with the message of an
// exception that left `work`, and std::runtime_error when no process can be started. An interrupt is passed on to the
// processes. Returns for each process how it died: empty if `work` came to its end.
std::vector<std::string> in_processes(int jobs, const std::function<void(int job, const LineWriter& write)>& work,
                                      const std::function<void(const std::string& line)>& take);

// As long as an Interrupt exists, the first SIGINT or SIGTERM does not end the process: interrupted() then returns
// true. Another one ends it. Processes that are started meanwhile inherit this.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  static bool interrupted();

 private:
  void (*before_int_)(int);
  void (*before_term_)(int);
};

}  // namespace tcpassay
