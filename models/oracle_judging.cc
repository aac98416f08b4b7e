// SPDX-License-Identifier: Apache-2.0
// How an event is judged: the set of TCBs before and after it, verdicts, what counts as judged.
#include <algorithm>

#include "models/describe.h"
#include "models/oracle_impl.h"
#include "models/segment_arrives.h"
#include "models/tolerated_use.h"

namespace tcpassay {
namespace {

constexpr std::size_t kPossibleMax = 48;  // TCBs the target may be in, for one conversation

// After a violation: the TCB takes over what a segment of the target shows.
void resynchronise_with(Candidate& p, const Departing& seg) {
  if (seg.ctl.rst) {
    p.state = State::kClosed;
  } else if (seg.ctl.syn) {
    if (p.state == State::kTimeWait) {  // a connection that should not begin does
      p.passive = seg.ctl.ack;
      p.was_open = p.rcv_fin = p.fin_queued = false;
    }
    p.state = seg.ctl.ack ? State::kSynReceived : State::kSynSent;
    p.stamps.unsure = true;  // TS.Recent is that of the new connection now
    p.iss = p.snd_una = seg.seq;
    p.iss_known = true;
    p.snd_nxt = p.snd_end = seg.seq + 1;
  } else {
    if (p.state <= State::kSynReceived) {
      p.state = State::kEstablished;
      p.was_open = true;
      if (!p.iss_known) p.iss = p.snd_una = p.snd_nxt = p.snd_end = seg.seq;
      p.iss_known = true;
    }
    const SndSeq text_end = seg.seq + static_cast<std::uint32_t>(seg.text.size());
    p.snd_end = later(p.snd_end, text_end);
    p.snd_nxt = later(p.snd_nxt, seg.seq + seg.len());
    if (seg.ctl.fin && !p.fin_queued) {
      p.fin_queued = true;
      p.snd_end = text_end;
      p.state = p.rcv_fin ? State::kLastAck : State::kFinWait1;
    }
  }
  if (seg.ctl.ack && !seg.ctl.rst) {
    p.rcv_nxt = p.rcv_nxt_max = p.rcv_acked = seg.ack;
    p.rcv_edge = p.rcv_far = seg.ack + seg.wnd;
    if (seg.ctl.syn) p.rcv_user = seg.ack;  // the user was given nothing yet, and of text on the SYN nothing is known
    p.user_at_offer = p.rcv_user;
    p.edge_known = true;
  }
}

// After a violation: the TCB takes over what a call has achieved.
void resynchronise_with(Candidate& p, const UserCall& call) {
  p.signal = Signal::kNone;
  if (call.kind == CallKind::kRead && call.result > 0) {
    p.rcv_user = p.rcv_user + static_cast<std::uint32_t>(call.result);
    p.rcv_nxt_max = later(p.rcv_nxt_max, p.rcv_user);
    p.was_open = true;
  }
  if (call.kind == CallKind::kWrite && call.result > 0) {
    p.snd_end = p.snd_end + static_cast<std::uint32_t>(call.result);
  }
  if (call.kind == CallKind::kAccept) p.was_open = true;
}

// After a violation: the TCB takes over the reported state. TIME-WAIT has begun by now, and ends in three MSL at most.
void resynchronise_with(Candidate& p, const StateReport& report, const Event& event, Time msl) {
  p.state = report.state;
  if (report.rcv_nxt) p.rcv_nxt = p.rcv_nxt_max = RcvSeq{*report.rcv_nxt};
  if (report.snd_una) p.snd_una = SndSeq{*report.snd_una};
  if (synchronized(p.state)) p.was_open = true;
  if (p.state == State::kTimeWait) {
    p.time_wait.from = event.from;
    p.time_wait.to = event.until + 3 * msl;
  }
}

}  // namespace

void Oracle::Impl::count(const Cite& cite) {
  if (!in_force(cite.rule, terms.edition)) return;
  Count& c = counts[static_cast<std::size_t>(cite.rule)];
  ++c.judged;
  if (cite.taken) ++c.taken;
}

bool Refusal::is_nearer_than(const Refusal& other) const {
  if (distance == kFar || other.distance == kFar) return distance < other.distance;
  const bool should = info(rule).level == Level::kShould, other_should = info(other.rule).level == Level::kShould;
  if (should != other_should) return should;
  return distance != other.distance ? distance < other.distance : other.rule < rule;
}

bool Oracle::Impl::add_verdict(Rule rule, Verdict::Kind kind, const Conversation* c, const Event& event,
                               std::string allowed, std::string seen) {
  if (kind != Verdict::Kind::kInconclusive && !in_force(rule, terms.edition)) return false;
  const bool consequence = c != nullptr && c->tainted;
  if (kind != Verdict::Kind::kInconclusive && !consequence) {
    Count& n = counts[static_cast<std::size_t>(rule)];
    ++n.judged;
    ++n.broken;
  }
  tell_apart(allowed, seen, event, rule);
  verdicts.push_back({.kind = kind,
                      .rule = rule,
                      .event = event_index,
                      .at = event.until,
                      .tuple = c ? c->tuple : Tuple{},
                      .state = c ? states(*c) : "",
                      .allowed = std::move(allowed),
                      .seen = std::move(seen),
                      .consequence = consequence});
  return true;
}

void Oracle::Impl::note_at_work(Verdict& verdict, const Candidate& p) {
  if (p.must_ignore != verdict.rule) verdict.context = p.must_ignore;
  const auto note = [&](Rule rule) {
    const auto& known = verdict.at_work;
    if (rule != verdict.rule && std::find(known.begin(), known.end(), rule) == known.end()) {
      verdict.at_work.push_back(rule);
    }
  };
  for (const Cite& cite : p.now) note(cite.rule);
  for (const Cite& cite : p.later) note(cite.rule);
}

Verdict::Kind Oracle::Impl::kind_of(Rule rule) {
  return info(rule).level == Level::kShould ? Verdict::Kind::kDeparted : Verdict::Kind::kViolated;
}

std::string Oracle::Impl::states(const Conversation& c) {
  std::string text;
  std::uint32_t seen = 0;
  for (const Candidate& p : c.possible) {
    const std::uint32_t bit = 1u << static_cast<unsigned>(p.state);
    if (seen & bit) continue;
    seen |= bit;
    if (!text.empty()) text += '|';
    text += to_string(p.state);
  }
  return text;
}

void Oracle::Impl::let_time_pass(Conversation& c, const Environment& a, const Event& event) {
  if (std::none_of(c.possible.begin(), c.possible.end(), [&](const Candidate& p) { return time_matters(p, a); }))
    return;
  next.clear();
  Refusal nearest;
  bool within_limits = true;
  for (const Candidate& p : c.possible) {
    if (time_matters(p, a)) {
      within_limits &= each_outcome(p, a, next, nearest, [](Step& on) { time_passes(on); });
    } else {
      next.push_back(p);
    }
  }
  c.possible.swap(next);
  merge(c, event, within_limits);
}

// Equal TCBs are merged. Of the rules that led there those are kept on which all agree.
void Oracle::Impl::merge(Conversation& c, const Event& event, bool within_limits) {
  std::vector<Candidate>& set = c.possible;
  for (std::size_t i = 0; i + 1 < set.size(); ++i) {
    for (std::size_t k = i + 1; k < set.size();) {
      if (static_cast<const Tcb&>(set[i]) == static_cast<const Tcb&>(set[k])) {
        intersect(set[i].now, set[k].now);
        intersect(set[i].later, set[k].later);
        intersect(set[i].ways_out, set[k].ways_out);
        if (set[i].survived != set[k].survived) set[i].survived.reset();
        intersect(set[i].demerits, set[k].demerits);
        set[i].freedoms &= set[k].freedoms;
        set[i].limit = std::max(set[i].limit, set[k].limit);
        if (k + 1 != set.size()) set[k] = set.back();
        set.pop_back();
      } else {
        ++k;
      }
    }
  }
  Limit limit = !within_limits ? Limit::kQuestions : set.size() > kPossibleMax ? Limit::kPossible : Limit::kNone;
  for (Candidate& p : set) {
    if (p.limit != Limit::kNone) limit = p.limit;
    p.limit = Limit::kNone;
  }
  if (limit != Limit::kNone) {
    add_verdict(Rule::S3_10_6_status, Verdict::Kind::kInconclusive, &c, event,
                std::string("a limit of the judge was reached: ") + to_string(limit), describe(event, set.front()));
    if (set.size() > kPossibleMax) set.resize(kPossibleMax);
    c.tainted = true;
  }
}

// After a violation the oracle goes on from what it saw, as well as it can.
void Oracle::Impl::resynchronise(Conversation& c, std::size_t nearest, const Event& event) {
  Candidate p = c.possible[nearest];
  const bool was_over = p.state == State::kTimeWait;
  p.reply = {};
  p.debts.clear();
  p.limit = Limit::kNone;
  p.ack_now = p.ack_later = p.send_pending = p.timed = false;
  p.now.clear();
  p.prompted = 0;
  p.later.clear();
  p.ways_out.clear();
  p.survived.reset();
  p.demerits.clear();
  p.freedoms.reset();
  p.must_ignore.reset();
  if (const auto* seg = std::get_if<Departing>(&event.what)) resynchronise_with(p, *seg);
  if (const auto* call = std::get_if<UserCall>(&event.what)) resynchronise_with(p, *call);
  if (const auto* report = std::get_if<StateReport>(&event.what)) resynchronise_with(p, *report, event, terms.msl);
  if (p.state <= State::kListen) {
    p.told = true;  // of an end that should not have been, the user may have heard anything
  } else if (std::holds_alternative<StateReport>(event.what)) {
    p.signal = Signal::kNone;  // it goes on: there was no end to tell of
  }
  c.begins = c.begins || (was_over && p.state == State::kSynReceived);
  c.possible.clear();
  c.possible.push_back(p);
}

// The freedoms that every explanation needs have been taken. Those that no text grants are reported, or held against
// the target when the terms are strict.
void Oracle::Impl::settle_freedoms(Conversation& c, const Event& event) {
  FreedomSet needed = c.possible.front().freedoms;
  for (const Candidate& p : c.possible) needed &= p.freedoms;
  if (needed.none()) return;
  for (Candidate& p : c.possible) p.freedoms &= ~needed;
  if (c.tainted) return;
  taken |= needed;
  if ((needed & tolerated_freedoms()).none()) return;
  for (Verdict& use : tolerated_uses(needed, event, event_index, states(c), terms.edition)) {
    if (terms.strict) {
      add_verdict(use.rule, use.kind, &c, event, use.allowed, use.seen);
      verdicts.back().freedom = use.freedom;
    } else {
      tolerated.push_back(std::move(use));
    }
  }
}

// What the target did that departs from a SHOULD: the segment that left, and when; or nothing.
std::string Oracle::Impl::departure_seen(Rule rule, const Event& event) const {
  if (last_seen.empty() || last_seen == "nothing") return nothing_until(event.until);
  return last_seen + more_of(last_segment, last_left, rule, last_left_at);
}

// A connection that nobody has taken may have ended: by a segment, or by a timer of the target.
void Oracle::Impl::may_have_died(Conversation& c) {
  const auto ended = [](const Candidate& p) { return p.passive && p.was_open && p.state <= State::kListen; };
  if (!c.taken && !c.abandoned && std::any_of(c.possible.begin(), c.possible.end(), ended)) c.dead = true;
}

// The reaction is complete: the rules on which all explanations agree have been judged.
void Oracle::Impl::settle(Conversation& c, const Event& event) {
  may_have_died(c);
  if (c.begins && std::all_of(c.possible.begin(), c.possible.end(),
                              [](const Candidate& p) { return p.state == State::kSynReceived && p.passive; })) {
    ++c.incarnation;
    c.dead_before += c.dead;
    c.dead = c.handed_out = c.abandoned = false;
    c.taken = false;
  }
  c.begins = false;
  Candidate& first = c.possible.front();
  for (std::size_t i = 1; i < c.possible.size(); ++i) {
    intersect(first.now, c.possible[i].now);
  }
  if (!c.tainted) {
    for (const Cite& cite : first.now) count(cite);
  }
  InlineVector<Rule, kDemeritsMax> departed = first.demerits;
  for (std::size_t i = 1; i < c.possible.size(); ++i) intersect(departed, c.possible[i].demerits);
  for (Candidate& p : c.possible) {
    p.now.clear();
    p.prompted = 0;
    for (const Rule rule : departed) p.demerits.remove(rule);
  }
  for (const Rule rule : departed) {
    add_verdict(rule, Verdict::Kind::kDeparted, &c, event, std::string(info(rule).sentence),
                departure_seen(rule, event));
  }
  settle_freedoms(c, event);
  for (std::size_t t = 0; t < traits.size(); ++t) {
    const std::int8_t value = first.traits[t];
    if (value != 0 &&
        std::all_of(c.possible.begin(), c.possible.end(), [&](const Candidate& p) { return p.traits[t] == value; })) {
      if (!c.tainted) traits[t] = value;
    }
  }
}

// A conversation in which a MUST was broken proves nothing, and neither does one without a loss.
void Oracle::Impl::add_profile_fits(const Conversation& c, std::array<ProfileFit, kProfiles>& fits) {
  const auto& all = c.possible;
  const auto lost = [](const Candidate& p) { return !p.congestion.lossless; };
  if (c.tainted || !std::all_of(all.begin(), all.end(), lost)) return;
  const bool sack = std::any_of(all.begin(), all.end(), [](const Candidate& p) { return p.sack(); });
  for (int i = 0; i < kProfiles; ++i) {
    const auto profile = static_cast<Profile>(i);
    if (profile == Profile::kSack && !sack) continue;
    ++fits[static_cast<std::size_t>(i)].connections;
    const auto fit = [profile](const Candidate& p) { return p.congestion.fits.has(profile); };
    if (std::any_of(all.begin(), all.end(), fit)) ++fits[static_cast<std::size_t>(i)].explained;
  }
}

// The port is in use, but only by connections that are being opened.
bool Oracle::Impl::only_opening(std::uint16_t number) const {
  bool any = false;
  const bool another_listens =
      std::any_of(ports.begin(), ports.end(), [&](const Port& one) { return one.number == number && one.open; });
  if (another_listens) return false;
  for (std::size_t i = 0; i < used; ++i) {
    if (conversations[i].tuple.local != number) continue;
    for (const Candidate& p : conversations[i].possible) {
      if (p.state != State::kSynSent && p.state != State::kSynReceived) return false;
      any = true;
    }
  }
  return any;
}

void Oracle::Impl::port_is_refused(const Event& event) {
  add_verdict(Rule::MUST_42, Verdict::Kind::kViolated, nullptr, event, "a passive OPEN on the port",
              describe(event, Candidate{}));
}

}  // namespace tcpassay
