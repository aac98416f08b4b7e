// SPDX-License-Identifier: Apache-2.0
#include "models/timestamps.h"

#include "models/segment_arrives_steps.h"

namespace tcpassay {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr Time kOutdated = hours(24 * 24);  // section 5.5

// s < t, modulo 2^32 (section 5.2).
bool older(std::uint32_t s, std::uint32_t t) {
  return static_cast<std::int32_t>(s - t) < 0;
}

bool some_newer(const Stamps& ts, std::uint32_t value) {
  for (const std::uint32_t recent : ts.recent) {
    if (older(value, recent)) return true;
  }
  return ts.unsure;
}

bool ahead_of_all(const Stamps& ts, std::uint32_t value) {
  for (const std::uint32_t recent : ts.recent) {
    if (!older(recent, value)) return false;
  }
  return !ts.unsure;
}

bool all_newer(const Stamps& ts, std::uint32_t value) {
  for (const std::uint32_t recent : ts.recent) {
    if (!older(value, recent)) return false;
  }
  return !ts.unsure;
}

void add_recent(Stamps& ts, std::uint32_t value) {
  if (ts.recent.has(value)) return;
  if (ts.recent.size == 3) ts.unsure = true;
  ts.recent.add(value);
}

// TS.Recent <- SEG.TSval if SEG.TSval >= TS.Recent.
void take_recent(Stamps& ts, std::uint32_t value, bool surely) {
  const auto old = ts.recent;
  if (surely) ts.recent.clear();
  for (const std::uint32_t recent : old) add_recent(ts, older(value, recent) ? recent : value);
}

// Cites the rule after all others, so that at_work() blames it when the target does not take the segment.
void at_last(Step& on, Rule rule) {
  on.tcb.now.remove({rule, true});
  on.cite(rule);
}

// The same, for text that the target must acknowledge.
void demands_text(Step& on, Rule rule) {
  at_last(on, rule);
  if (on.tcb.ack_later) on.tcb.ack_rule = rule;
}

// Newer than all that TS.Recent may be, but a smaller number: the clock has begun anew.
bool wraps(const Stamps& ts, std::uint32_t value) {
  for (const std::uint32_t recent : ts.recent) {
    if (older(value, recent) || recent <= value) return false;
  }
  return !ts.unsure;
}

bool in_sequence(const Arriving& seg, const BeforeSegment& before) {
  return !seg.text.empty() && seg.seq <= before.nxt && before.nxt < seg.seq + seg.len();
}

// TSecr measures a round trip when it echoes the TSval that the target has sent last.
void note_echo(Step& on, const Arriving& seg) {
  const Tcb& tcb = on.tcb;
  Stamps& ts = on.tcb.stamps;
  if (!seg.ctl.ack || !ts.sent) return;
  const bool current = seg.opt.timestamps->echo == ts.last;
  const bool news = tcb.snd_una < seg.ack && seg.ack <= tcb.snd_nxt;
  if (news && !current) ts.stale_echo = true;
  if (!news && (!current || on.env.now - ts.last_at > seconds(1))) ts.old_duplicate = true;
}

// The connection has been idle for more than 24 days: TS.Recent is no longer valid (section 5.5).
bool outdated(Step& on, std::uint32_t value) {
  Stamps& ts = on.tcb.stamps;
  const Time idle = on.env.now - ts.recent_at;
  if (idle <= kOutdated) return false;
  if (idle <= kOutdated + hours(24) && on.may(Freedom::kStillRecent)) return false;
  ts.recent.clear();
  ts.recent.add(value);
  ts.unsure = false;
  return true;
}

}  // namespace

BeforeSegment before_segment(const Tcb& tcb) {
  return {.acked = tcb.rcv_acked,
          .nxt = tcb.rcv_nxt,
          .nxt_max = tcb.rcv_nxt_max,
          .state = tcb.state,
          .gap = tcb.held.gap()};
}

void timestamps_of_syn(Tcb& tcb, const Arriving& syn, Time now) {
  Stamps& ts = tcb.stamps;
  ts.peer = syn.opt.timestamps.has_value();
  if (!ts.peer) return;
  ts.recent.clear();
  ts.recent.add(syn.opt.timestamps->value);
  ts.arrived.clear();
  ts.arrived.add(syn.opt.timestamps->value);
  ts.unsure = false;
  ts.recent_at = now;
  if (syn.ctl.ack && ts.sent && syn.opt.timestamps->echo != ts.last) ts.stale_echo = true;
}

bool dropped_by_timestamps(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  Stamps& ts = tcb.stamps;
  if (ts.free) {  // if the peer never sent the option, the target does not use it, and drops nothing because of it
    ts.peer = ts.peer || (seg.ctl.syn && seg.opt.timestamps);
    return ts.peer && !seg.ctl.rst && on.may(Freedom::kCrossingStampsDrop);
  }
  if (!ts.on() || seg.ctl.rst) return false;  // a RST is not subjected to the test (5.2)
  if (!seg.opt.timestamps) {
    if (on.should(Rule::R7323_3_2_missing)) {
      on.cite(Rule::R7323_3_2_missing);
      on.cite_later(Rule::R7323_3_2_missing);
      at_last(on, Rule::R7323_3_2_noabort);
      return true;
    }
    on.cite(Rule::R7323_3_2_noabort);
    if (!on.should(Rule::R7323_3_2_missing)) return false;  // a departure: it is taken like any other
    on.acknowledge_now(Rule::R7323_3_2_missing);            // another one: it is dropped, and not silently
    return true;
  }
  const std::uint32_t value = seg.opt.timestamps->value;
  if (!ts.arrived.has(value)) {
    if (ts.arrived.size == 4) ts.arrived.remove(ts.arrived.items[0]);
    ts.arrived.add(value);
  }
  if (!some_newer(ts, value)) {
    note_echo(on, seg);
    return false;
  }
  const bool surely = all_newer(ts, value);
  const bool checks = tcb.state == State::kSynReceived || on.trait(Trait::kChecksTimestamps);
  if (checks && outdated(on, value)) {
    on.cite_later(Rule::R7323_5_5);
    return false;
  }
  if (tcb.state == State::kSynReceived) {  // the rules are for a synchronized connection
    if (!on.may(Freedom::kStampsInSynReceived)) return false;
    on.allow_ack();
    return true;
  }
  if (!checks || (!surely && !on.may(Freedom::kMaybeOldStamp))) {
    note_echo(on, seg);
    return false;
  }
  // R1: "treat the arriving segment as not acceptable".
  if (surely) ts.why = Rule::R7323_5_2_monotone;
  const bool first = tcb.rcv_edge == tcb.rcv_nxt && seg.seq == tcb.rcv_nxt && seg.ctl.ack && tcb.snd_una < seg.ack;
  const bool in_window = tcb.rcv_nxt <= seg.seq && seg.seq < tcb.rcv_edge;
  on.cite(Rule::R7323_5_3_R1);
  on.cite_later(Rule::R7323_5_3_R1);
  if (first || (seg.ctl.syn && in_window)) {
    at_last(on, Rule::R7323_5_3_order);
    on.cite_later(Rule::R7323_5_3_order);
  }
  const bool recently = challenged_recently(on);
  tcb.challenge.at = on.env.now;
  if (recently && on.may(Freedom::kOldStampsThrottled)) return true;
  on.acknowledge_now(Rule::R7323_5_3_R1);
  return true;
}

void timestamps_recorded(Step& on, const Arriving& seg, const BeforeSegment& before, Reached reached) {
  Candidate& tcb = on.tcb;
  Stamps& ts = tcb.stamps;
  if (ts.free || !seg.opt.timestamps) return;
  if (!ts.on()) {
    if (reached == Reached::kPass && in_sequence(seg, before)) {
      demands_text(on, Rule::R7323_3_2_unnegotiated);
    }
    return;
  }
  const std::uint32_t value = seg.opt.timestamps->value;
  if (seg.ctl.rst) {  // a RST changes no TS.Recent
    ts.of_reset.reset();
    if (ahead_of_all(ts, value)) ts.of_reset = value;
    if (reached == Reached::kReset && some_newer(ts, value)) {
      at_last(on, Rule::R7323_5_2_rst_nopaws);
      on.cite_later(Rule::R7323_5_2_rst_nopaws);
    }
    return;
  }
  if (ts.of_reset && !older(value, *ts.of_reset)) ts.of_reset.reset();
  bool known = !ts.unsure;  // TS.Recent has this value already, or the value has just wrapped
  for (const std::uint32_t recent : ts.recent) known = known && recent == value;
  known = known || wraps(ts, value);
  const bool below = seg.seq <= before.acked;
  ts.other_rule = Rule{};
  if (reached != Reached::kPass || tcb.state == State::kSynReceived) {
    if (below) {
      take_recent(ts, value, false);
    } else if (reached == Reached::kSequence && !known) {
      ts.why = Rule::R7323_5_3_R2;  // above the window: not recorded
    }
    return;
  }
  if (below) {
    const bool fills = before.gap && in_sequence(seg, before);
    const bool idle = on.env.now - ts.recent_at > kOutdated;
    take_recent(ts, value, true);
    ts.recent_at = on.env.now;
    ts.why = fills ? Rule::R7323_4_3_fill : Rule::R7323_4_3_recent;
    if (fills) ts.held_is_older = older(ts.held, value) && !ts.several;
    if (in_sequence(seg, before) && known) demands_text(on, idle ? Rule::R7323_5_5 : Rule::R7323_5_3_R45);
    if (in_sequence(seg, before) && ts.of_reset) demands_text(on, Rule::R7323_5_2_rst_nopaws);
    return;
  }
  if (seg.seq <= before.nxt) {  // (A) acknowledgments are delayed
    ts.why = Rule::R7323_4_3_delack;
  } else if (before.nxt_max < seg.seq) {  // (B) a hole
    ts.why = Rule::R7323_4_3_hole;
    ts.held = before.gap && older(value, ts.held) ? ts.held : value;
    ts.several = (before.gap && ts.several) || tcb.held.overflow || tcb.held.spans.size > 1;
  } else {  // (A) or (B), depending on what the target has kept
    take_recent(ts, value, false);
    return;
  }
  if (!known && !some_newer(ts, value)) {
    ts.other = value;
    ts.other_rule = ts.why;
  }
}

void reset_prompted(Tcb& tcb, const Arriving& seg, State before) {
  using Reset = Stamps::Reset;
  Stamps& ts = tcb.stamps;
  // In SYN-RECEIVED a SYN in the window, too, ends a connection that has exchanged timestamps, and so does text that
  // completes the handshake when the user is gone.
  const bool ends_it = tcb.reply.rule == Rule::SA4_4_reset || tcb.reply.rule == Rule::SHLD_3;
  if (ts.on() && (synchronized(before) || ends_it)) {
    ts.reset = Reset::kWithin;
  } else {
    const bool stamps =
        tcb.traits[static_cast<std::size_t>(Trait::kStamps)] >= 0;  // the target implements the option, or may
    ts.reset = seg.opt.timestamps && stamps ? Reset::kProvoked : Reset::kPlain;
    ts.reset_echo = seg.opt.timestamps ? seg.opt.timestamps->value : 0;
  }
}

}  // namespace tcpassay
