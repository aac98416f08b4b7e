// SPDX-License-Identifier: Apache-2.0
#include "models/passive_oracle.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "models/describe.h"
#include "models/inferred_calls.h"
#include "models/passive_oracle_impl.h"
#include "models/segment_arrives.h"
#include "models/segment_departs.h"
#include "models/tolerated_use.h"

namespace tcpassay {
namespace {

constexpr std::size_t kPossibleMax = 48;                   // in one set
constexpr Time kRestMin = std::chrono::milliseconds(100);  // after a silence of this length nothing is due any more
constexpr std::uint32_t kPacketMax = 65535;

}  // namespace

// Time passes until `at`: timers expire, and after a long silence nothing is due any more.
CandidateSet PassiveOracle::Impl::pass(Set before, Time at) {
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
CandidateSet PassiveOracle::Impl::step(const Set& before, const Passed& passed, Time now) {
  env.since = passed.arrives() ? passed.at() : passed.at() - distance.longest;
  env.now = passed.arrives() ? std::max(now, passed.at() + distance.longest) : passed.at();
  Set set_now = before;
  for (const Event& event : passed.segments) {
    set_now = one_segment(set_now, event);
    if (set_now.empty() || limit) break;
  }
  return set_now;
}

CandidateSet PassiveOracle::Impl::one_segment(const Set& before, const Event& event) {
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
    if (staged || lossy) forget_round_trips(p);
    if (lossy) forget_arrivals(p);
  }
  merge(after);
  if (staged || lossy) join_times(after);
  limit |= !lossy && after.size() > kPossibleMax;
  return after;
}

void PassiveOracle::Impl::blame(const Passed& passed, const Set& before) {
  const Rule rule = nearest.rule;
  if (!in_force(rule, env.edition)) {  // nothing explains what follows it either
    return give_up(passed, "what " + std::string(info(rule).id) + " demands is newer than the texts that are applied");
  }
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
  tell_more(verdict->allowed, verdict->seen, refused, accused, rule);
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

void PassiveOracle::Impl::observe(const Passed& passed) {
  nearest = {};
  if (!well_formed(passed)) return;
  if (lossy) {
    observe_losing(passed);
  } else if (staged) {
    observe_staged(passed);
  } else {
    observe_assuming(passed);
  }
  last = passed.at();
  if (passed.arrives()) came = last;
  begun = true;
  latest = passed.segments.back();
  latest_number = passed.number;
  if (limit && !verdict) give_up(passed, "a limit of the judge was reached: too many possible states");
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
  if (!impl_->lossy) impl_->distance = distance;
}

void PassiveOracle::expect_losses(Time reach) {
  impl_->lossy = true;
  impl_->distance = {.longest = reach};
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
  if (!impl_->staged) name_states(impl_->set, text);
  for (const CandidateSet& set : impl_->stage) name_states(set, text);
  return text;
}

bool PassiveOracle::rests() const {
  const auto gone = [](const Candidate& p) { return p.state <= State::kListen; };
  return !impl_->staged && impl_->coming.empty() && std::all_of(impl_->set.begin(), impl_->set.end(), gone);
}

}  // namespace tcpassay
