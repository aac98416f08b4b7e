// SPDX-License-Identifier: Apache-2.0
// Between values of Python and of the harness.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pybind11/pybind11.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "harness/wire/packet.h"
#include "models/event.h"

namespace tcpassay {

namespace py = pybind11;

// Converts seconds of Python. Throws ValueError for a number that is negative, too large or not finite.
inline Time seconds(double s) {
  if (!(s >= 0 && s < 1e9)) throw py::value_error("a time must be a number of seconds, not negative");
  return std::chrono::duration_cast<Time>(std::chrono::duration<double>(s));
}

inline double seconds(Time t) {
  return std::chrono::duration<double>(t).count();
}

inline py::bytes octets(ByteView view) {
  return {reinterpret_cast<const char*>(view.data()), view.size()};
}

inline ByteView view_of(const std::string& bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

inline constexpr std::pair<const char*, SocketOption> kOptions[] = {
    {"reuse_address", SocketOption::kReuseAddress},
    {"linger", SocketOption::kLinger},
    {"no_delay", SocketOption::kNoDelay},
    {"max_segment", SocketOption::kMaxSegment},
    {"receive_buffer", SocketOption::kReceiveBuffer},
    {"send_buffer", SocketOption::kSendBuffer},
    {"error", SocketOption::kError},
    {"user_timeout", SocketOption::kUserTimeout},
    {"keep_alive", SocketOption::kKeepAlive},
    {"keep_idle", SocketOption::kKeepIdle},
    {"keep_interval", SocketOption::kKeepInterval},
    {"keep_count", SocketOption::kKeepCount},
    {"quick_ack", SocketOption::kQuickAck},
    {"cork", SocketOption::kCork},
};

template <class Table>
std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  for (const auto& [name, value] : table) names.emplace_back(name);
  return names;
}

template <class Table>
auto named(const char* what, const std::string& name, const Table& table) {
  for (const auto& [known, value] : table) {
    if (name == known) return value;
  }
  throw py::value_error(fmt::format("there is no {} {}; there are {}", what, name, fmt::join(names_of(table), ", ")));
}

}  // namespace tcpassay
