// SPDX-License-Identifier: Apache-2.0
// Segments are lost behind the capture point, as other segments of the file show: which of them the endpoint has taken,
// and when, is open. The number of TCBs and of trials is bounded.
#include <algorithm>
#include <utility>

#include "models/passive_oracle_impl.h"

namespace tcpassay {
namespace {

constexpr std::size_t kPassingMax = 32;    // segments that may still be taken
constexpr std::size_t kTogetherMax = 160;  // possible TCBs
constexpr std::size_t kEffortMax = 60000;  // of one connection

}  // namespace

// Adds what the TCBs become that take the packet. False when a bound was reached.
bool PassiveOracle::Impl::may_take(Set& known, const Passed& arrived, Time at) {
  const Refusal before = nearest;
  effort += known.size();
  Set taken = step(known, arrived, at);
  nearest = before;
  add(known, taken);
  merge(known);
  join_times(known);
  limit = limit || known.size() > kTogetherMax || effort > kEffortMax;
  return !limit;
}

// What is acknowledged is not taken again; a copy would change nothing.
void PassiveOracle::Impl::forget_passing(const Departing& seg) {
  std::erase_if(passing, [&](const Passed& one) {
    const auto& last_of_it = std::get<Arriving>(one.segments.back().what);
    const bool has_text = !last_of_it.text.empty() && !last_of_it.ctl.syn;
    return has_text && seg.ctl.ack && !seg.ctl.rst &&
           last_of_it.seq + static_cast<std::uint32_t>(last_of_it.text.size()) + last_of_it.ctl.fin <= seg.ack;
  });
}

void PassiveOracle::Impl::observe_losing(const Passed& passed) {
  const Time at = passed.at();
  while (!passing.empty() && passing.front().at() + distance.longest < at) {
    if (!may_take(set, passing.front(), at)) return;
    passing.pop_front();
  }
  set = pass(std::move(set), at);
  if (passed.arrives()) {
    passing.push_back(passed);
    limit = limit || passing.size() > kPassingMax;
    return;
  }
  Set known = set;
  for (const Passed& one : passing) {
    if (!may_take(known, one, at)) return;
  }
  nearest = {};
  Set after = step(known, passed, at);
  if (after.empty() && !limit) {  // in another order
    for (auto one = passing.rbegin(); one != passing.rend(); ++one) {
      if (!may_take(known, *one, at)) return;
    }
    nearest = {};
    after = step(known, passed, at);
  }
  if (limit) return;
  if (after.empty()) {
    blame(passed, set);
    const bool proven = verdict->kind == Verdict::Kind::kViolated;
    if (!proven) give_up(passed, "which segments it had taken is not known");
    return;
  }
  set.swap(after);
  forget_passing(std::get<Departing>(passed.segments.back().what));
}

}  // namespace tcpassay
