// SPDX-License-Identifier: Apache-2.0
// Judges one end of a conversation that was overheard. Its segments are known and when they passed the capture point;
// the calls of its user are not, and not when exactly it took what was sent to it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "models/oracle.h"

namespace tcpassay {

// How far the end is from the capture point, there and back.
struct Distance {
  Time usual{};                                 // a segment is taken so long after it was seen ...
  Time longest = std::chrono::milliseconds(5);  // ... or at any time until then
};

// The first contradiction ends the judging: what follows from it proves nothing. Verdict::event is the number that came
// with the event. kInconclusive: a limit was reached.
class PassiveOracle {
 public:
  explicit PassiveOracle(const Terms& terms);
  ~PassiveOracle();
  PassiveOracle(PassiveOracle&&) noexcept;
  PassiveOracle& operator=(PassiveOracle&&) noexcept;

  void set(Distance distance);

  // The segments of one packet, in order, at Event::from; `number` names it. They are several when an interface had not
  // cut them yet, or has joined them. The octets of a text are not looked at, only how many there are.
  void observe(std::span<const Event> segments, std::uint64_t number);

  const std::optional<Verdict>& verdict() const;
  std::string states() const;  // "ESTABLISHED", "CLOSING|TIME-WAIT"
  bool rests() const;          // no connection is left, nor anything of it

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpassay
