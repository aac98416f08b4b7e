// SPDX-License-Identifier: Apache-2.0
// One target and one session on it, as Python sees them: the class _tcpassay.Run.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/report/ladder.h"
#include "harness/script/scenario.h"
#include "harness/session/session.h"
#include "scripts/python/values.h"
#include "scripts/python/watched_target.h"

namespace tcpassay {

class Run {
 public:
  Run(const std::string& target, const std::optional<std::string>& plant, bool assertions, double final_wait, int ip);
  void start(const std::string& name, std::uint64_t seed);
  py::dict identity() const;
  // One `<` line of the packetdrill language, without its time. `payload`, if there is any, is its text.
  void inject_line(const std::string& line, const std::string& payload);
  void inject_bytes(const std::string& packet) { session_.inject_packet(view_of(packet)); }
  // (result, error, value, text, local port, remote port)
  py::tuple call(const std::string& kind, int handle, std::uint16_t port, std::uint32_t length, int how,
                 const std::string& option, std::int64_t value);
  void configure(const std::string& name, std::int64_t value);
  void advance(double by) { session_.advance(seconds(by)); }
  // Lets time pass until the target sends something, but at most `within` seconds.
  void wait(double within);
  // The segments that the target has sent since the last call.
  py::list take_segments();
  py::dict peer(std::optional<std::uint16_t> local, std::optional<std::uint16_t> remote);
  double now() { return seconds(target_->now()); }
  std::string states() { return session_.oracle().states(session_.peer().tuple); }
  std::optional<std::string> reported_state();
  void finish() { session_.finish(); }
  void play(const Scenario& scenario) { session_.play(scenario); }
  py::list verdicts();
  py::dict judged();
  // Writes what went over the wire as pcapng; verdicts are comments of the packets that they are about.
  void write_capture(const std::string& path);
  std::string ladder() { return tcpassay::ladder(session_.trace(), session_.oracle().verdicts(), TextStyle{}); }
  py::list mismatches();
  std::optional<std::string> unsupported(const Scenario& scenario);

 private:
  // How many packets the trace has up to this event and with it.
  std::size_t packets_until(std::size_t event) const;
  // Takes times from the trace and octets from the session: both have the packets in the same order.
  void take();
  py::dict segment_of(Time at, const Bytes& packet);

  std::unique_ptr<WatchedTarget> target_;
  std::uint8_t ip_;
  bool assertions_;
  Session session_;
  std::size_t taken_ = 0, events_ = 0, matched_ = 0;
  std::vector<std::pair<Time, Bytes>> waiting_;
};

}  // namespace tcpassay
