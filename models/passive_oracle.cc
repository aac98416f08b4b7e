// SPDX-License-Identifier: Apache-2.0
#include "models/passive_oracle.h"

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "models/candidate_set.h"
#include "models/describe.h"
#include "models/inferred_calls.h"
#include "models/segment_arrives.h"
#include "models/segment_departs.h"
#include "models/tolerated_use.h"

namespace tcpassay {
namespace {

using Set = CandidateSet;

constexpr std::size_t kPossibleMax = 48;   // in one set
constexpr std::size_t kCrossingMax = 256;  // segments that the endpoint may not have processed yet, at once
constexpr std::size_t kRecentMax = 2048;   // segments kept for a second look (`recent`)
constexpr Time kRestMin = std::chrono::milliseconds(100);  // after a silence of this length nothing is due any more
constexpr std::uint32_t kPacketMax = 65535;

struct Passed {
  std::vector<Event> segments;
  std::uint64_t number = 0;

  Time at() const { return segments.front().from; }
  bool arrives() const { return std::holds_alternative<Arriving>(segments.front().what); }
};

// A point in the capture from which the oracle can judge again, when the assumed times of processing turn out wrong.
struct Mark {
  Time at{}, last{};  // when the segment passed that came then, and the one before it
  Set set;
  std::deque<Passed> coming;  // seen, not processed yet
};

}  // namespace

struct PassiveOracle::Impl {
  Distance distance;
  Environment env;

  // At first each segment is assumed to be processed Distance::usual after it passed the capture point.
  Set set = Set(1);
  std::deque<Passed> coming;
  Time last{};
  bool begun = false;
  Event latest;  // the latest segment, and the number of its packet
  std::uint64_t latest_number = 0;
  Mark mark, newer;
  std::deque<Passed> recent;  // since `mark`
  bool forgotten = false;     // `recent` does not hold all of it

  // When that explains nothing, all times are tried: stage[i] has the TCBs of an endpoint that has processed i of
  // `pending`.
  bool staged = false;
  std::vector<Set> stage;
  std::deque<Passed> pending;

  std::optional<Verdict> verdict;
  std::vector<Verdict> tolerated;
  Terms terms;
  bool limit = false;
  Refusal nearest;
  Candidate accused;
  Event refused;

  void observe(const Passed& passed);
  bool stage_by_stage(const Passed& passed);
  void look_back(const Passed& passed);
  void go_on(Time at);
  void remember(const Passed& passed);
  void take_coming(Time until);
  Set pass(Set before, Time at);
  Set step(const Set& before, const Passed& passed, Time now);
  Set one_segment(const Set& before, const Event& event);
  void blame(const Passed& passed, const Set& before);
  void give_up(const Passed& passed, std::string why);
  bool well_formed(const Passed& passed);
  void settle_freedoms(const Event& event, std::uint64_t number);
};

// Time passes until `at`: timers expire, and after a long silence nothing is due any more.
Set PassiveOracle::Impl::pass(Set before, Time at) {
  env.since = at;
  env.now = at;
  Set after;
  Refusal ignored;
  if (begun && at - last >= std::max(kRestMin, 2 * distance.longest)) {
    for (const Candidate& p : before) {
      const std::size_t count = after.size();
      limit |= !each_outcome(p, env, after, ignored, [](Step& on) { rest_unseen(on); });
      if (after.size() == count) after.push_back(p);
    }
    before.swap(after);
    after.clear();
    merge(before);
  }
  const auto matters = [&](const Candidate& p) { return time_matters(p, env); };
  if (std::none_of(before.begin(), before.end(), matters)) return before;
  for (const Candidate& p : before) {
    if (matters(p)) {
      limit |= !each_outcome(p, env, after, ignored, [](Step& on) { time_passes(on); });
    } else {
      after.push_back(p);
    }
  }
  merge(after);
  return after;
}

// What each TCB becomes by a packet that passed the capture point some time ago; empty when none agrees with it.
Set PassiveOracle::Impl::step(const Set& before, const Passed& passed, Time now) {
  env.since = passed.arrives() ? passed.at() : passed.at() - distance.longest;
  env.now = passed.arrives() ? std::max(now, passed.at() + distance.longest) : passed.at();
  Set set_now = before;
  for (const Event& event : passed.segments) {
    set_now = one_segment(set_now, event);
    if (set_now.empty() || limit) break;
  }
  return set_now;
}

Set PassiveOracle::Impl::one_segment(const Set& before, const Event& event) {
  Set after;
  const auto* in = std::get_if<Arriving>(&event.what);
  const auto* out = std::get_if<Departing>(&event.what);
  if (in != nullptr && in->ctl.ack) env.last_ack = in->ack;
  for (const Candidate& p : before) {
    Refusal refusal;
    limit |= !each_outcome(p, env, after, refusal, [&](Step& on) {
      if (in != nullptr) {
        on.tcb.now.clear();
        on.tcb.later.clear();
        on.tcb.demerits.clear();
        segment_arrives(on, *in);
        on.tcb.prompted = on.tcb.now.size;
      } else {
        infer_calls(on, *out);
        segment_departs(on, *out);
      }
    });
    if (refusal.is_nearer_than(nearest)) {
      nearest = refusal;
      accused = p;
      refused = event;
    }
  }
  for (Candidate& p : after) {
    forget_window(p);
    if (staged) forget_round_trips(p);
  }
  merge(after);
  if (staged) join_times(after);
  limit |= after.size() > kPossibleMax;
  return after;
}

void PassiveOracle::Impl::blame(const Passed& passed, const Set& before) {
  const Rule rule = nearest.rule;
  std::string states;
  name_states(before, states);
  verdict = Verdict{.kind = info(rule).level == Level::kShould ? Verdict::Kind::kDeparted : Verdict::Kind::kViolated,
                    .rule = rule,
                    .event = passed.number,
                    .at = passed.at(),
                    .tuple = passed.segments.front().tuple,
                    .state = states,
                    .allowed = describe_allowed({accused}, refused, rule),
                    .seen = describe(refused, accused)};
  tell_apart(verdict->allowed, verdict->seen, refused, rule);
  if (accused.must_ignore != rule) verdict->context = accused.must_ignore;
}

void PassiveOracle::Impl::give_up(const Passed& passed, std::string why) {
  verdict = Verdict{.kind = Verdict::Kind::kInconclusive,
                    .rule = Rule::S3_10_6_status,
                    .event = passed.number,
                    .at = passed.at(),
                    .tuple = passed.segments.front().tuple,
                    .allowed = std::move(why),
                    .seen = describe(passed.segments.front(), set.empty() ? Candidate{} : set.front())};
}

// Checks the form of a segment, which is wrong or right in every state of the connection.
bool PassiveOracle::Impl::well_formed(const Passed& passed) {
  const auto* seg = std::get_if<Departing>(&passed.segments.front().what);
  if (seg == nullptr) return true;
  std::optional<Rule> broken;
  if (seg->fault == Fault::kTruncated || seg->fault == Fault::kDataOffset) broken = Rule::S3_1_data_offset;
  if (seg->fault == Fault::kOptionLength) broken = Rule::MUST_68;
  if (seg->opt.nonzero_after_end) broken = Rule::MUST_69;
  if (seg->opt.mss && !seg->ctl.syn) broken = Rule::MUST_65;
  const ExplicitCongestion unknown{};
  if (!ecn::reserved_bits_are_right(set.empty() ? unknown : set.front().ecn, *seg)) broken = Rule::S3_1_reserved_sent;
  if (!broken || !in_force(*broken, env.edition)) return true;
  nearest = {*broken, 1};
  refused = passed.segments.front();
  accused = set.empty() ? Candidate{} : set.front();
  blame(passed, set);
  verdict->allowed = std::string(info(*broken).sentence);
  return false;
}

// All earlier segments have been processed: what every explanation needs is told once. Strict terms end the judging.
void PassiveOracle::Impl::settle_freedoms(const Event& event, std::uint64_t number) {
  FreedomSet needed = tolerated_freedoms();
  for (const Verdict& use : tolerated) needed.reset(static_cast<std::size_t>(*use.freedom));
  for (const Candidate& p : set) needed &= p.freedoms;
  if (needed.none() || set.empty()) return;
  std::string states;
  name_states(set, states);
  for (Verdict& use : tolerated_uses(needed, event, number, states, env.edition)) tolerated.push_back(std::move(use));
  if (terms.strict && !verdict && !tolerated.empty()) verdict = tolerated.front();
}

// Keeps a mark, and the segments since, that is as old as the longest delay of a segment.
void PassiveOracle::Impl::remember(const Passed& passed) {
  const Time at = passed.at();
  const bool apart = at - last > distance.longest && coming.empty();
  if (apart || !begun) {  // all earlier segments have been processed
    settle_freedoms(latest, latest_number);
    newer = {.at = at, .last = last, .set = set};
    mark = newer;
    recent.clear();
    forgotten = false;
  } else if (at - newer.at > distance.longest || recent.size() > kRecentMax) {
    forgotten = at - newer.at <= distance.longest;
    mark = std::move(newer);
    newer = {.at = at, .last = last, .set = set, .coming = coming};
    while (!recent.empty() && recent.front().at() < mark.at) recent.pop_front();
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

void PassiveOracle::Impl::observe(const Passed& passed) {
  const Time at = passed.at();
  nearest = {};
  if (!well_formed(passed)) return;
  if (staged) {
    if (!stage_by_stage(passed)) {
      blame(passed, stage.back().empty() ? set : stage.back());
    } else if (pending.empty()) {
      go_on(at);
    }
  } else {
    remember(passed);
    take_coming(at);
    set = pass(std::move(set), at);
    if (passed.arrives()) {
      coming.push_back(passed);
      take_coming(at);
    } else {
      Set after = step(set, passed, at);
      if (after.empty()) {
        look_back(passed);
      } else {
        set.swap(after);
      }
    }
  }
  last = at;
  begun = true;
  latest = passed.segments.back();
  latest_number = passed.number;
  if (limit && !verdict) give_up(passed, "a limit of the judge was reached: too many possible states");
}

// One more segment, for each number of pending segments that the endpoint may have processed. False when none of them
// explains it.
bool PassiveOracle::Impl::stage_by_stage(const Passed& passed) {
  const Time at = passed.at();
  while (!pending.empty() && (stage.front().empty() || pending.front().at() + distance.longest < at)) {
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
  for (std::size_t i = 0; i < stage.size(); ++i) {
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
  if (any) stage.swap(after);
  return any;
}

// No segment is pending: goes on with one set and assumed times.
void PassiveOracle::Impl::go_on(Time at) {
  staged = false;
  set = stage.back();
  coming.clear();
  recent.clear();
  forgotten = false;
  newer = mark = {.at = at, .last = at, .set = set};
}

// With the assumed times nothing explains the segment. Judges again from the mark with all times that are possible.
void PassiveOracle::Impl::look_back(const Passed& passed) {
  const Refusal first = nearest;
  const Candidate first_accused = accused;
  const Event first_refused = refused;
  const Set before = set;
  const Time last_before = last;
  staged = true;
  pending = mark.coming;
  stage.assign(1, mark.set);
  for (const Passed& earlier : pending) stage.push_back(step(stage.back(), earlier, mark.at));
  last = mark.last;
  bool agrees = true;
  for (const Passed& one : recent) {
    agrees = agrees && !limit && stage_by_stage(one);
    last = one.at();
  }
  last = last_before;
  if (agrees) {
    recent.clear();
    if (pending.empty()) go_on(passed.at());
  } else if (forgotten || limit) {
    give_up(passed, "a limit of the judge was reached: too many segments on their way at once");
  } else {
    nearest = first;
    accused = first_accused;
    refused = first_refused;
    blame(passed, before);
  }
}

PassiveOracle::PassiveOracle(const Terms& terms) : impl_(std::make_unique<Impl>()) {
  impl_->env = {.listening = true,
                .backlog_full = true,  // or it may be: then a SYN is dropped
                .msl = terms.msl,
                .mms_r = kPacketMax,  // nothing is known of its link
                .mms_s = kPacketMax,
                .default_mss = terms.default_mss,
                .edition = terms.edition,
                .user_known = false};
  impl_->terms = terms;
  impl_->env.withheld = &impl_->terms.withheld;
}
PassiveOracle::~PassiveOracle() = default;
PassiveOracle::PassiveOracle(PassiveOracle&&) noexcept = default;
PassiveOracle& PassiveOracle::operator=(PassiveOracle&&) noexcept = default;

void PassiveOracle::set(Distance distance) {
  impl_->distance = distance;
}

void PassiveOracle::observe(std::span<const Event> segments, std::uint64_t number) {
  if (!impl_->verdict) impl_->observe({.segments = {segments.begin(), segments.end()}, .number = number});
}

const std::optional<Verdict>& PassiveOracle::verdict() const {
  return impl_->verdict;
}

const std::vector<Verdict>& PassiveOracle::tolerated() {
  Impl& impl = *impl_;
  impl.take_coming(impl.last + impl.distance.longest);
  if (!impl.staged && !impl.verdict && impl.begun) impl.settle_freedoms(impl.latest, impl.latest_number);
  return impl.tolerated;
}

std::string PassiveOracle::states() const {
  std::string text;
  for (const Set& set : impl_->staged ? impl_->stage : std::vector<Set>{impl_->set}) name_states(set, text);
  return text;
}

bool PassiveOracle::rests() const {
  const auto gone = [](const Candidate& p) { return p.state <= State::kListen; };
  return !impl_->staged && impl_->coming.empty() && std::all_of(impl_->set.begin(), impl_->set.end(), gone);
}

}  // namespace tcpassay
