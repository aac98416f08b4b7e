// SPDX-License-Identifier: Apache-2.0
// Judges one endpoint of a captured conversation. The capture shows segments and times at the capture point. It shows
// neither socket calls nor when the endpoint processed a segment.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/oracle.h"

namespace tcpassay {

// How long after a segment passed the capture point the endpoint processes it.
struct Distance {
  Time usual{};                                 // the delay that is tried first
  Time longest = std::chrono::milliseconds(5);  // the longest one; an answer may also pass this much later than it left
};

// The first contradiction ends the judging, since later events then prove nothing. Verdict::event is the number that
// came with the event. kInconclusive: a limit was reached.
class PassiveOracle {
 public:
  explicit PassiveOracle(const Terms& terms);
  ~PassiveOracle();
  PassiveOracle(PassiveOracle&&) noexcept;
  PassiveOracle& operator=(PassiveOracle&&) noexcept;

  void set(Distance distance);

  // Between the capture point and the endpoint segments are lost: it may have taken each segment once, again, in
  // another order, until `reach` after it passed, or never. What is seen is then condemned only when it breaks a MUST
  // whatever has arrived. To be called before the first segment.
  void expect_losses(Time reach);

  // The segments of the captured packet `number`, in order, at Event::from. There are several when the network
  // interface segments or joins packets (TSO, LRO). Of text only the length is looked at, not the octets.
  void observe(std::span<const Event> segments, std::uint64_t number);

  const std::optional<Verdict>& verdict() const;  // with strict terms also for a freedom that no text grants
  // Freedoms that no text grants, each where it first was the only explanation left; so far, and where nothing is
  // pending that may explain it otherwise.
  const std::vector<Verdict>& tolerated();
  std::string states() const;  // "ESTABLISHED", "CLOSING|TIME-WAIT"
  bool rests() const;          // every possible state is CLOSED or LISTEN, and no segment is left to process

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpassay
