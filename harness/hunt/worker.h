// SPDX-License-Identifier: Apache-2.0
// One process of a campaign.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "harness/base/processes.h"
#include "harness/hunt/campaign.h"
#include "harness/hunt/confirm.h"
#include "harness/hunt/hunt_corpus.h"
#include "harness/hunt/move_player.h"
#include "harness/hunt/mutator.h"
#include "harness/hunt/now_playing.h"

namespace tcpassay {

class HuntWorker {
 public:
  // `before` is what was played in the folder by earlier runs and processes.
  HuntWorker(const HuntOptions& options, int job, const HuntStatus& before, NowPlaying& playing,
             const LineWriter& write_line);

  // Plays until `deadline`, or until it has played options.inputs, or until it is interrupted.
  void run(std::chrono::steady_clock::time_point deadline);

  // The process before this one has died: plays the input that it played once more, writing each step before it is
  // played. When this process dies too, the script of what killed it is in the folder `crash`.
  void play_carefully();

 private:
  void make_again();
  void plant_seeds(std::uint64_t first);
  std::optional<Moves> named(const InputName& name);
  void finish_unconfirmed();
  void look_into(Hunted found);
  void finish_half_written(const std::filesystem::path& place);
  std::string history_names() const;
  std::vector<Moves> history_of(const std::filesystem::path& folder) const;
  void play_one();
  void play(const Moves& moves);
  void note(const FindingKind& kind, const std::string& verdict, const Moves& moves, const Scenario& played);
  void note_death(const TargetError& error, const Moves& moves, const Scenario& played);
  Moves moves_or_none(const Scenario& scenario);
  bool wanted(const FindingKind& kind) const;
  std::size_t pick();
  Moves made_from(const Moves& parent, const Moves& other, std::uint64_t seed) const;
  std::vector<Moves> history() const;
  void tell();

  const HuntOptions& options_;
  int job_;
  const HuntStatus& before_;
  NowPlaying& playing_;
  const LineWriter& write_line_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();

  std::unique_ptr<Target> target_;
  std::unique_ptr<Session> session_, quiet_;
  std::unique_ptr<MovePlayer> player_;
  std::unique_ptr<HuntCorpus> corpus_;
  Feedback feedback_;
  MoveLimits limits_{};
  Random random_;
  // What was played before, the latest last: places in the corpus, and the seed.
  struct Played {
    std::size_t parent, other;
    std::uint64_t seed;
  };
  std::deque<Played> history_;
  std::set<std::string> known_;  // ids of findings
  std::map<std::string, int> by_rule_;
  std::uint64_t inputs_ = 0, told_ = 0, steps_ = 0, told_steps_ = 0;
  bool keep_all_ = false;                  // seeds are kept whatever they show
  std::uint64_t planted_ = 0, seeds_ = 0;  // scripts to begin with that were looked at, of how many
  std::chrono::steady_clock::time_point deadline_{};
};

}  // namespace tcpassay
