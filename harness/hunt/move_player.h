// SPDX-License-Identifier: Apache-2.0
// Plays the moves of a campaign on a session and keeps what was played as a scenario with numbers of its own, which
// plays the same without the moves.
#pragma once

#include <functional>
#include <utility>

#include "harness/hunt/moves.h"

namespace tcpassay {

class MovePlayer {
 public:
  explicit MovePlayer(Session& session) : session_(session) {}

  // Starts the session, plays the moves and finishes it; behind a finding nothing more is played. The scenario is that
  // of what was played, also when the target fails and throws.
  void play(const Moves& moves);
  const Scenario& played() const { return played_; }

  // Called behind each move.
  void after_each(std::function<void()> after) { after_ = std::move(after); }
  // Called for each step before it is played.
  void watch(std::function<void(const ScriptStep&)> watcher) { watcher_ = std::move(watcher); }

 private:
  void start(const Moves& moves);
  void segment(const SegmentMove& move);
  void icmp(const IcmpMove& move, std::uint8_t ip);
  void user(const Call& call);
  void keep(decltype(ScriptStep::action) action);

  Session& session_;
  std::function<void(const ScriptStep&)> watcher_{};
  std::function<void()> after_{};
  Scenario played_{};
  Sides sides_{};
  Time waited_{};
};

}  // namespace tcpassay
