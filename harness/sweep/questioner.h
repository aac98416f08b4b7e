// SPDX-License-Identifier: Apache-2.0
// One case of a sweep: brings the target to a state, sends the stimulus, and then a probe that shows whether a silent
// connection still exists.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/session/session.h"
#include "harness/sweep/grid.h"
#include "harness/sweep/roads.h"

namespace tcpassay {

// The outcome of one case.
struct Answer {
  std::string unreachable{};  // why it could not be played; empty when it was
  bool answered = false;      // the target sent a segment before the probe
  bool ended = false;         // the connection no longer exists
  bool inconclusive = false;
  FollowUp after = FollowUp::kNone;     // not kNone: the follow-up brought the finding, not the stimulus
  const Verdict* finding = nullptr;     // valid until the next case
  const Verdict* on_the_way = nullptr;  // a SHOULD from which the target departed on the road, and it went on; likewise
};

// Plays cases on one target. The steps of each road are prepared once.
class Questioner {
 public:
  Questioner(Target& target, Edition edition, bool strict = false);

  // Without a cell only the road is played.
  const Answer& ask(const Road& road, std::uint8_t ip, const Cell* cell);
  // The last case as a scenario that plays it again.
  Scenario scenario() const;
  const SegmentSpec& stimulus() const { return stimulus_; }
  Session& session() { return session_; }

 private:
  struct Prepared {
    const Road* road = nullptr;
    std::uint8_t ip = 4;
    std::vector<ScriptStep> steps{};
    std::uint32_t snd_una = 0;
    bool listens = false, speaks = false;  // there is a listener; the road sends the SYN of the peer
    bool held = false;                     // the user has the connection and has not closed it
    bool sends = false;                    // ... and can send
    std::optional<Numbers> numbers{};      // after the last time that the road was played
    std::optional<int> shift{};            // of the target's windows, once its SYN was seen
  };
  Prepared& prepared(const Road& road, std::uint8_t ip);
  bool go(Prepared& on);
  bool arrived(const Prepared& on);
  void fill(std::uint32_t outside, bool stamped, int shift);
  Numbers numbers(Prepared& on);
  int shift(Prepared& on);
  void probe(const Prepared& on, const Numbers& before);
  void follow_up(FollowUp next, const Numbers& before);
  void open_window(const Prepared& on, const Numbers& before, FollowUp next);
  void user_acts(const Prepared& on);
  std::string states();

  Session session_;
  bool real_time_ = false;
  std::size_t passed_ = 0;  // the verdicts of the road
  std::vector<std::unique_ptr<Prepared>> roads_{};
  const Prepared* on_ = nullptr;
  std::size_t cases_ = 0;
  std::vector<SegmentSpec> filling_{};  // segments whose text closed the window
  SegmentSpec stimulus_{};
  std::optional<SegmentSpec> probe_{};
  std::optional<SegmentSpec> next_{};   // the follow-up
  std::optional<SegmentSpec> opens_{};  // what lets pending text go
  Time waited_{};                       // before that
  std::optional<Call> write_{}, poll_{};
  bool asked_ = false;  // the stimulus was sent
  Answer answer_{};
};

}  // namespace tcpassay
