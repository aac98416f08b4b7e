// SPDX-License-Identifier: Apache-2.0
// Sees a finding again on a fresh target, makes it smaller, and writes it in all its forms.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/hunt/hunted.h"
#include "harness/hunt/moves.h"
#include "harness/session/session.h"

namespace tcpassay {

// Options of a session that judges inputs of a campaign.
SessionOptions hunt_session(const HuntTerms& terms, const Target& target);

// A target of its own on which inputs are played to see what they show.
class Witness {
 public:
  explicit Witness(const HuntTerms& terms) : terms_(terms) {}
  ~Witness();

  // What it shows first; nothing when the target is right. A target that dies or fails is made again.
  std::optional<FindingKind> shown_by(const Scenario& scenario);
  std::optional<FindingKind> shown_by(const Moves& moves);
  const Scenario& played() const { return played_; }  // by the moves
  std::string verdict() const { return verdict_; }    // in words
  void renew();                                       // the next one is played on a fresh target

 private:
  Session& session();
  template <class Play>
  std::optional<FindingKind> shown(Play&& play);

  const HuntTerms& terms_;
  std::unique_ptr<Target> target_;
  std::unique_ptr<Session> session_;
  Scenario played_{};
  std::string verdict_{};
};

// Whether both blame the same rule at the same level; of deaths, whether the target dies the same death.
bool same_fault(const FindingKind& a, const FindingKind& b);

// The folder has `first.pkt`: what was played when it was seen. `history()` was played before it, oldest first. Sets
// status, steps, verdict and replay, and writes finding.pkt, finding.json and the other forms.
void confirm(Hunted& found, const Moves& moves, const std::function<std::vector<Moves>()>& history,
             const HuntTerms& terms);

// Plays finding.pkt of the folder again and makes it smaller still.
void minimise(Hunted& found, const HuntTerms& terms);

// finding.pcapng with the verdicts as comments and finding.run, the log of the run; test_finding.py, a case for pytest.
void write_forms(const Hunted& found, const HuntTerms& terms);

}  // namespace tcpassay
