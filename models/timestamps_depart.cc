// SPDX-License-Identifier: Apache-2.0
// The Timestamps option of a departing segment: the target's clock, and which value it echoes (RFC 7323 sections 3.2,
// 4.1, 4.3, 5.2 and 5.4).
#include "models/timestamps.h"

namespace tcpassay {
namespace {

using std::chrono::seconds;

constexpr Time kRateFrom = seconds(2);  // a clock's rate is measured over so long at least
constexpr Time kAnchorMax = std::chrono::minutes(10);
constexpr std::uint32_t kTicksMin = 8;
constexpr Time kNeverWraps = seconds(60);  // while the rate is not known

// A TSval of a departing segment, and the clock before it.
struct Tick {
  std::uint32_t value = 0, before = 0;
  Time last_at{};       // when `before` left
  Time passed{};        // the time since then, at most
  SndSeq seq{}, end{};  // of the segment
  bool has_text = false;
  bool again = false;  // some of the segment was sent before
};

// The rate of the clock is measured from here on.
void measure_from(Stamps& ts, std::uint32_t value, Time at) {
  ts.anchor = value;
  ts.anchor_at = at;
}

void clock_changed(Stamps& ts, SndSeq seq, Time at) {
  ts.changed_at = at;
  ts.changed_seq = seq;
}

// The clock may have wrapped since the last TSval, or been half way round: then nothing can be said of it.
bool may_have_wrapped(const Stamps& ts, Time passed) {
  if (ts.rate == 0) return passed > kNeverWraps;
  return ts.rate / 1000 * (passed / seconds(1) + 1) > (std::int64_t{1} << 30);
}

// 5.4 (b): the time in which the clock wraps is longer than the MSL.
bool clock_is_slow_enough(Step& on, const Tick& tick) {
  const auto moved = static_cast<std::int32_t>(tick.value - tick.before);
  const double fastest = 4294967296.0 / static_cast<double>(on.env.msl.count());  // ticks in a nanosecond
  if (moved > 1.5 * fastest * static_cast<double>(tick.passed.count()) + 100000) {
    return on.refuse(Rule::R7323_5_4_slow);
  }
  if (on.env.since - tick.last_at >= std::chrono::milliseconds(100)) on.cite(Rule::R7323_5_4_slow);
  return true;
}

// 3.2 and 5.4 (a): the clock ticks at least once a second, and at least once in a window of text.
void clock_ticks_often_enough(Step& on, const Tick& tick) {
  Stamps& ts = on.tcb.stamps;
  const Time since = on.env.since;
  const bool moved = tick.value != tick.before;
  const bool long_enough = since - ts.changed_at >= 2 * kSlowestTick;
  const std::uint32_t octets = tick.end - ts.changed_seq;
  const bool window = tick.has_text && octets < 0x80000000u && octets >= std::max(on.tcb.snd_wnd, 1u);
  if (!moved) {
    ts.still_for = std::max(ts.still_for, since - ts.changed_at);
    if (long_enough && tick.again) on.depart(Rule::R7323_3_2_tsval_current);
    if (long_enough && !tick.again && window) on.depart(Rule::R7323_5_4_window);
    return;
  }
  if (tick.again && since - tick.last_at >= 2 * kSlowestTick) on.cite(Rule::R7323_3_2_tsval_current);
  if (window && long_enough) on.cite(Rule::R7323_5_4_window);
  clock_changed(ts, tick.seq, since);
}

void measure_rate(Stamps& ts, std::uint32_t ticks, Time elapsed) {
  if (elapsed < kRateFrom || ticks < kTicksMin) return;
  const double rate = ticks * 1e12 / static_cast<double>(elapsed.count());
  if (rate < 4e9) ts.rate = static_cast<std::uint32_t>(rate);
}

// 4.1: the clock is about proportional to real time.
bool clock_is_proportional(Step& on, std::uint32_t value) {
  Stamps& ts = on.tcb.stamps;
  const Time elapsed = on.env.since - ts.anchor_at;
  const std::uint32_t ticks = value - ts.anchor;
  if (ts.rate == 0) {
    measure_rate(ts, ticks, elapsed);
    return true;
  }
  const double expected = ts.rate * 1e-12 * static_cast<double>(elapsed.count());
  const double slack = expected / 4 + ts.rate * 0.0005 + 4;  // a quarter, and half a second
  if (ticks > expected + slack || ticks + slack < expected) return on.refuse(Rule::R7323_4_1_clock);
  if (elapsed > 2 * kRateFrom) on.cite(Rule::R7323_4_1_clock);
  if (elapsed > kAnchorMax) measure_from(ts, value, on.env.since);
  return true;
}

// Sections 4.1 and 5.4: the target's clock never goes back and is about proportional to time.
bool clock_departs(Step& on, std::uint32_t value, const Departing& seg, bool again) {
  Stamps& ts = on.tcb.stamps;
  const Time since = on.env.since;
  const Tick tick{.value = value,
                  .before = ts.last,
                  .last_at = ts.last_at,
                  .passed = on.env.now - ts.last_at,
                  .seq = seg.seq,
                  .end = seg.seq + seg.len(),
                  .has_text = !seg.text.empty(),
                  .again = again};
  ts.last = value;
  ts.last_at = since;
  if (!ts.sent || may_have_wrapped(ts, tick.passed)) {
    ts.sent = true;
    clock_changed(ts, seg.seq, since);
    measure_from(ts, value, since);
    return true;
  }
  if (static_cast<std::int32_t>(value - tick.before) < 0) {
    on.depart(Rule::R7323_5_4_monotonic);
    measure_from(ts, value, since);
    return true;
  }
  on.cite(Rule::R7323_5_4_monotonic);
  if (!clock_is_slow_enough(on, tick)) return false;
  clock_ticks_often_enough(on, tick);
  return clock_is_proportional(on, value);
}

// Section 4.3, rule (3): TSecr is the current TS.Recent.
void echo_departs(Step& on, std::uint32_t echo) {
  Stamps& ts = on.tcb.stamps;
  const bool other = ts.other_rule != Rule{} && echo == ts.other;
  if (ts.unsure || ts.recent.has(echo)) {
    on.cite(Rule::R7323_3_2_tsecr_echo);
    if (ts.why != Rule{}) on.cite(ts.why);
  } else if (other) {
    on.depart(ts.other_rule);
  } else {
    const bool sent = ts.arrived.has(echo);
    const bool of_reset = ts.of_reset == echo;
    on.refuse(of_reset ? Rule::R7323_5_2_rst_nopaws : sent && ts.why != Rule{} ? ts.why : Rule::R7323_3_2_tsecr_echo);
    return;
  }
  ts.recent.clear();
  ts.recent.add(echo);
  ts.unsure = false;
  ts.why = ts.other_rule = Rule{};
}

}  // namespace

void timestamps_depart(Step& on, const Departing& seg, bool again) {
  Stamps& ts = on.tcb.stamps;
  const auto& stamps = seg.opt.timestamps;
  if (ts.free) {  // after crossing SYNs the first segment shows what the target holds
    ts.offered = ts.peer = stamps.has_value();
    ts.free = false;
    ts.unsure = true;
  }
  if (!ts.on()) {
    if (stamps) on.refuse(Rule::R7323_3_2_unnegotiated);
    return;
  }
  if (!stamps) {
    on.refuse(Rule::R7323_3_2_all);
    return;
  }
  on.cite(Rule::R7323_3_2_all);
  if (clock_departs(on, stamps->value, seg, again)) echo_departs(on, stamps->echo);
}

void timestamps_depart_on_syn(Step& on, const Departing& syn, bool again) {
  Tcb& tcb = on.tcb;
  Stamps& ts = tcb.stamps;
  const auto& stamps = syn.opt.timestamps;
  const bool has = stamps.has_value();
  const bool answer = syn.ctl.ack, crossing = answer && !tcb.passive;
  if (again && !crossing && has != ts.offered) {  // options are left out of a repeated SYN, say
    ts.free = ts.free || !answer || ts.peer;
  } else if (!answer) {
    on.cite(Rule::R7323_3_2_syn, has);
  } else if (crossing) {
    if (ts.peer != ts.offered) {
      on.cite(Rule::R7323_3_2_cross, has);
      ts.free = true;
    }
  } else if (has && !ts.peer) {
    on.refuse(Rule::R7323_3_2_synack, 1);  // "only if"
  } else if (has) {
    on.cite(Rule::R7323_3_2_synack);
  }
  if (!crossing) ts.offered = ts.offered || has;
  if (!answer || ts.peer) tcb.traits[static_cast<std::size_t>(Trait::kStamps)] = has ? 1 : -1;
  if (!has || !clock_departs(on, stamps->value, syn, again)) return;
  if (!answer) {
    if (stamps->echo == 0) {
      on.cite(Rule::R7323_3_2_tsecr_noack);
    } else {
      on.depart(Rule::R7323_3_2_tsecr_noack);
    }
  } else if (ts.peer) {
    echo_departs(on, stamps->echo);
  }
}

void timestamps_depart_on_reset(Step& on, const Departing& rst) {
  using Reset = Stamps::Reset;
  Stamps& ts = on.tcb.stamps;
  const auto& stamps = rst.opt.timestamps;
  const auto judge = [&](Rule rule, bool good) {
    if (good) {
      on.cite(rule);
    } else {
      on.depart(rule);
    }
  };
  switch (ts.reset) {
    case Reset::kAbort:
      if (!ts.on()) break;
      judge(Rule::R7323_3_2_rst, stamps.has_value());
      judge(Rule::R7323_5_2_rst_abort, stamps.has_value());
      break;
    case Reset::kWithin:
      judge(Rule::R7323_3_2_rst, stamps.has_value());
      break;
    case Reset::kProvoked:
      judge(Rule::R7323_5_2_rst_gen, stamps && stamps->value == 0 && stamps->echo == ts.reset_echo);
      break;
    case Reset::kPlain:
      break;
  }
  ts.reset = Reset::kAbort;
}

}  // namespace tcpassay
