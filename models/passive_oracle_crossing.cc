// SPDX-License-Identifier: Apache-2.0
// Segments cross: when the endpoint processes a segment that passed the capture point is not known. One time is assumed
// first. Where that explains nothing, all times within the bounds are tried.
#include <algorithm>
#include <utility>

#include "models/passive_oracle_impl.h"

namespace tcpassay {
namespace {

constexpr std::size_t kCrossingMax = 512;       // segments that the endpoint may not have processed yet, at once
constexpr std::size_t kRecentMax = 2048;        // segments kept for a second look (`recent`)
constexpr std::size_t kPatienceMax = 1u << 20;  // packets

}  // namespace

// Keeps a mark, and the segments since, that is as old as the longest delay of a segment.
void PassiveOracle::Impl::remember(const Passed& passed) {
  const Time at = passed.at();
  const bool apart = at - last > distance.longest && coming.empty();
  if (apart || !begun) {  // all earlier segments have been processed
    settle_freedoms(latest, latest_number);
    newer = {.at = at, .last = last, .presumed = came, .stage = {set}, .pending = {}};
    mark = newer;
    recent.clear();
    before_newer = 0;
    forgotten = false;
  } else if (at - newer.at > distance.longest || recent.size() > kRecentMax) {
    forgotten = at - newer.at <= distance.longest;
    mark = std::move(newer);
    const Time taken = coming.empty() ? came : coming.front().at() - Time(1);
    newer = {.at = at, .last = last, .presumed = taken, .stage = {set}, .pending = coming};
    recent.erase(recent.begin(), recent.begin() + static_cast<std::ptrdiff_t>(before_newer));
    before_newer = recent.size();
  }
  recent.push_back(passed);
}

void PassiveOracle::Impl::take_coming(Time until) {
  while (!coming.empty() && coming.front().at() + distance.usual <= until) {
    const Passed due = std::move(coming.front());
    coming.pop_front();
    set = step(set, due, std::min(until, due.at() + distance.longest));
  }
}

void PassiveOracle::Impl::observe_assuming(const Passed& passed) {
  const Time at = passed.at();
  remember(passed);
  ++assumed_for;
  take_coming(at);
  set = pass(std::move(set), at);
  if (passed.arrives()) {
    coming.push_back(passed);
    take_coming(at);
    return;
  }
  Set after = step(set, passed, at);
  if (after.empty()) {
    look_back(passed);
  } else {
    set.swap(after);
  }
}

void PassiveOracle::Impl::observe_staged(const Passed& passed) {
  if (!stage_by_stage(passed)) {
    accuse(passed, stage.back().empty() ? set : stage.back());
  } else if (pending.empty() || ++staged_for >= patience) {
    assume_times(passed.at());
  }
}

// One more segment, for each number of pending segments that the endpoint may have processed. False when none of them
// explains it.
bool PassiveOracle::Impl::stage_by_stage(const Passed& passed) {
  const Time at = passed.at();
  while (!pending.empty() && (stage.front().empty() || pending.front().at() + distance.longest < at)) {
    if (!stage.front().empty()) presumed = std::max(presumed, pending.front().at());
    stage.erase(stage.begin());
    pending.pop_front();
  }
  for (Set& one : stage) one = pass(std::move(one), at);
  if (passed.arrives()) {
    pending.push_back(passed);
    stage.push_back(step(stage.back(), passed, at));
    limit |= pending.size() > kCrossingMax;
    return true;
  }
  std::vector<Set> after;
  bool any = false;
  for (std::size_t i = 0; i < stage.size() && !limit; ++i) {
    Set here = step(stage[i], passed, at);
    if (i > 0 && !after.back().empty()) {
      const Refusal known = nearest;
      add(here, step(after.back(), pending[i - 1], at));
      merge(here);
      join_times(here);
      nearest = known;
    }
    any |= !here.empty();
    after.push_back(std::move(here));
  }
  if (any && !limit) stage.swap(after);
  return any || limit;
}

// Goes on with one set and assumed times, where the latest observations allow that.
void PassiveOracle::Impl::assume_times(Time at) {
  std::size_t taken = 0;
  while (taken < pending.size() && pending[taken].at() + distance.usual <= at) ++taken;
  staged_for = 0;
  if (stage[taken].empty()) return;
  staged = false;
  assumed_for = 0;
  set = stage[taken];
  coming.assign(pending.begin() + static_cast<std::ptrdiff_t>(taken), pending.end());
  recent.clear();
  before_newer = 0;
  forgotten = false;
  mark = {.at = at, .last = at, .presumed = presumed, .stage = std::move(stage), .pending = std::move(pending)};
  newer = mark;
}

// With the assumed times nothing explains the segment. Judges again from the mark with all times that are possible.
void PassiveOracle::Impl::look_back(const Passed& passed) {
  const Refusal first = nearest;
  const Candidate first_accused = accused;
  const Event first_refused = refused;
  const Time last_before = last;
  staged = true;
  patience = assumed_for <= 4 * patience ? std::min(2 * patience, kPatienceMax) : std::max(patience / 2, kPatienceMin);
  staged_for = 0;
  stage = mark.stage;
  pending = mark.pending;
  presumed = mark.presumed;
  while (stage.size() <= pending.size()) stage.push_back(step(stage.back(), pending[stage.size() - 1], mark.at));
  last = mark.last;
  bool agrees = true;
  for (const Passed& one : recent) {
    agrees = agrees && !limit && stage_by_stage(one);
    last = one.at();
  }
  last = last_before;
  if (agrees && !limit) {
    recent.clear();
    before_newer = 0;
    if (pending.empty()) assume_times(passed.at());
  } else if (forgotten || limit) {
    give_up(passed, "a limit of the judge was reached: too many segments on their way at once");
  } else {
    nearest = first;
    accused = first_accused;
    refused = first_refused;
    accuse(passed, set);
  }
}

// The endpoint may be later than it ever was before, which only this segment tells: then it may not have processed what
// it was taken to have processed long ago.
void PassiveOracle::Impl::accuse(const Passed& passed, const Set& before) {
  if (presumed != kNever && passed.at() - presumed <= distance.longest) {
    give_up(passed, "it takes segments later than it did before: which it had taken is not known");
  } else {
    blame(passed, before);
  }
}

}  // namespace tcpassay
