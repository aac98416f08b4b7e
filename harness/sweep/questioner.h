// SPDX-License-Identifier: Apache-2.0
// One question of a sweep: the road to a state, a segment, a probe that tells silence from death, and what follows.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/session/session.h"
#include "harness/sweep/grid.h"
#include "harness/sweep/roads.h"

namespace tcpassay {

// What became of one question.
struct Answer {
  std::string unreachable{};  // why it could not be asked; empty when it was
  bool answered = false;      // a segment left before the probe
  bool ended = false;         // the connection that there was is gone
  bool inconclusive = false;
  FollowUp after = FollowUp::kNone;  // the finding came with it, not with the stimulus
  const Verdict* finding = nullptr;  // valid until the next question
};

// Asks questions of one target. Roads are prepared once.
class Questioner {
 public:
  Questioner(Target& target, Edition edition);

  // `cell` may be null: the road alone.
  const Answer& ask(const Road& road, std::uint8_t ip, const Cell* cell);
  // The last question as a scenario that plays it again.
  Scenario scenario() const;
  const SegmentSpec& stimulus() const { return stimulus_; }
  Session& session() { return session_; }

 private:
  struct Prepared {
    const Road* road = nullptr;
    std::uint8_t ip = 4;
    std::vector<Step> steps{};
    std::uint32_t snd_una = 0;
    bool listens = false, speaks = false;  // a listener is there; the SYN of the peer has been sent
    bool held = false;                     // the user has the connection and has not closed it
    std::optional<Numbers> numbers{};      // as they were when it was gone last
  };
  Prepared& prepared(const Road& road, std::uint8_t ip);
  bool go(Prepared& on);
  void fill(std::uint32_t outside);
  Numbers numbers(const Prepared& on);
  void probe(const Prepared& on, const Numbers& before);
  void follow_up(FollowUp next, const Numbers& before);
  void user_acts(const Prepared& on);
  std::string states();

  Session session_;
  bool real_ = false;  // time is
  std::vector<std::unique_ptr<Prepared>> roads_{};
  const Prepared* on_ = nullptr;
  std::size_t questions_ = 0;
  std::vector<SegmentSpec> filling_{};  // text that closed the window
  SegmentSpec stimulus_{};
  std::optional<SegmentSpec> probe_{};
  std::optional<SegmentSpec> next_{};  // the follow-up
  std::optional<Call> write_{}, poll_{};
  bool asked_ = false;  // the stimulus was put
  Answer answer_{};
};

}  // namespace tcpassay
