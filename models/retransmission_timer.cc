// SPDX-License-Identifier: Apache-2.0
#include "models/retransmission_timer.h"

#include <algorithm>
#include <utility>

#include "models/blame.h"
#include "models/karn.h"
#include "models/segment_departs_steps.h"
#include "models/step.h"
#include "models/timestamps.h"
#include "models/why_again.h"

namespace tcpassay {
namespace {

constexpr Time kAfterSynLoss = std::chrono::seconds(3);  // (5.7)
constexpr Time kGranularity = std::chrono::milliseconds(1);
constexpr Time kCoarse = std::chrono::milliseconds(100);  // of a clock: what is measured with it may be as much shorter

// The shortest timeout that the target can have, before it backs off. It is not shorter than the shortest round trip,
// but a target may limit its timeout to 60 s (2.5).
Time least_timeout(const Tcb& tcb) {
  const RetransmissionTimer& timer = tcb.timer;
  const Time least = std::min<Time>(std::max({timer.rtt_min, timer.sample_min, Time{}}), kRtoMaxMin);
  // A round trip measured by timestamps is as short as a tick makes it (RFC 7323 section 5.4: a second at most).
  if (tcb.timestamped() && kCoarse < tcb.stamps.still_for) return std::max(least - kSlowestTick, Time{});
  if (!timer.exact || timer.samples == 0) return least;
  const Time text = timer.text.srtt < Time{} ? kRtoMin : timer.text.rto();  // the handshake need not be timed
  return std::max(least, std::min<Time>({timer.all.rto(), text, kRtoMaxMin}));
}

// The clocks of the target and of the trace tick at different times, too.
Time with_slack(Time time) {
  return by_another_clock(time) - kClockSlack;
}

// The least gap that follows `gap` when the timeout doubles. A timer may expire a tick late, so `gap` may have
// been longer than the timeout by as much.
Time doubled_at_least(Time gap) {
  return gap + gap / 2 - std::min(kTimerTick, gap / 4);
}

// The least timeout that has backed off to `twice`: the gap that this was computed from was imprecise, and may have
// been a tick longer than the timeout, of a second say.
Time backed_off_at_least(Time twice) {
  return std::min<Time>(twice / 4 * 3, twice - std::min<Time>(2 * kTimerTick, twice / 3));
}

// What is blamed for a timeout that is shorter than it can be.
Rule too_early(const Tcb& tcb, Time gap) {
  const RetransmissionTimer& timer = tcb.timer;
  return blamed({
      {!timer.exact || timer.samples == 0 || gap < by_another_clock(timer.rtt_min), Rule::R6298_5_early},
      {timer.samples == 1, Rule::R6298_2_2},
      {gap >= by_another_clock(std::max(timer.first, kRtoMin)), Rule::R6298_3_onesample},
      {kOtherwise, Rule::R6298_2_3},
  });
}

// The timer sends this front of the queue again for the first time, after `shortest` to `longest`, which has a tick of
// the clock more.
bool first_expiry(Step& on, Time shortest, Time longest) {
  Candidate& tcb = on.tcb;
  RetransmissionTimer& timer = tcb.timer;
  const bool text = synchronized(tcb.state);
  // (5.7)
  if (text && tcb.congestion.syn_losses > 0 && timer.text.srtt < Time{} && timer.exact && !tcb.timestamped()) {
    if (longest < by_another_clock(kAfterSynLoss)) {
      on.refuse(Rule::R6298_5_7, 1);
      return false;
    }
    if (karn::syn_was_measured(tcb, shortest)) {
      on.refuse(Rule::R6298_3_karn, 1);
      return false;
    }
    on.cite(Rule::R6298_5_7);
  }
  if (text && timer.backed_off_rto != Time{}) {
    if (longest < backed_off_at_least(timer.backed_off_rto)) {
      on.refuse(Rule::R6298_3_karn, 1);
      return false;
    }
    if (tcb.rexmits == 0 && !timer.backed_off_further &&
        shortest > timer.backed_off_most + timer.backed_off_most / 2 + kRtoMin) {
      on.refuse(Rule::MUST_18, 1);
      return false;
    }
    on.cite(Rule::R6298_3_karn);
    on.cite(Rule::MUST_18);
  } else if (text) {
    const Time least = least_timeout(tcb);
    if (!karn::loss_was_not_measured(on, least, shortest, longest)) return false;
    if (longest < by_another_clock(least)) {
      on.refuse(too_early(tcb, longest), 1);
      return false;
    }
    if (least > kClockSlack) {
      on.cite(Rule::R6298_5_early);
      on.cite(Rule::MUST_18);
      if (timer.exact && timer.samples == 1) on.cite(Rule::R6298_2_2);
      if (timer.exact && timer.samples > 1) on.cite(Rule::R6298_2_3);
      if (timer.exact && timer.samples > 1 && least > timer.first) on.cite(Rule::R6298_3_onesample);
    }
    if (timer.exact && timer.samples >= 4 && tcb.rexmits == 0 && tcb.backed_off == 0) {
      const Time most = karn::greatest_timeout(timer);
      if (shortest > most + most / 2 + kRtoMin / 2) {
        on.depart(Rule::R6298_2_3_const);
      } else if (most > kRtoMin) {
        on.cite(Rule::R6298_2_3_const);
      }
    }
  }
  const Rule rule = text ? Rule::R6298_2_4 : Rule::R6298_2_1;
  if (longest < kRtoMin) {
    on.depart(rule);
  } else {
    on.cite(rule);
  }
  return true;
}

void front_departs_first(Step& on) {
  RetransmissionTimer& timer = on.tcb.timer;
  timer.sent_at = timer.first_left = on.env.since;
  timer.stop_judged = false;
  on.tcb.front_gap = Time{};
  timer.doubled = false;
}

// A SYN that asks for ECN or carries text may leave again at once without (RFC 3168 section 6.1.1.1, RFC 7413).
bool syn_may_change(const Tcb& tcb) {
  return tcb.ecn.setup_sent || tcb.fast_open.text_due || tcb.congestion.lost_told;
}

// Something has arrived since the front left last, which may be another reason to send it again than the timer.
bool front_departs_after_arrival(Step& on, bool probing) {
  Candidate& tcb = on.tcb;
  RetransmissionTimer& timer = tcb.timer;
  const Congestion& cc = tcb.congestion;
  const Time least = least_timeout(tcb);
  // (5.3): since the last ACK of new text a whole timeout has passed.
  const bool by_timer = !cc.arrived_since_quiet && !probing && synchronized(tcb.state) && !tcb.sack();
  if (by_timer && timer.acked_at >= tcb.front_to && timer.backed_off_rto == Time{}) {
    if (on.env.now - timer.acked_at < with_slack(least)) {
      on.depart(Rule::R6298_5_3);
    } else if (least > 10 * kClockSlack) {
      on.cite(Rule::R6298_5_3);
    }
  }
  // What an ACK of all that was in flight at the loss sends again was taken for a hole.
  if (on.why == Why::kNone) return on.refuse(cc.recovered ? Rule::R5681_3_2_6 : Rule::R6298_5_early, 1);
  const bool only_timer = on.why == Why::kTimeout || tcb.state == State::kSynSent;  // nothing else sends a SYN again
  if (only_timer && !probing && on.env.now - std::min(tcb.front_from, timer.runs_since) + kClockSlack < kRtoMin) {
    const bool may_be_probe = tcb.sack() && probe_timeout_has_passed(on);  // RFC 8985
    if (synchronized(tcb.state) && !may_be_probe) on.depart(Rule::R6298_2_4);
    if (tcb.state == State::kSynSent && !syn_may_change(tcb)) on.depart(Rule::R6298_2_1);
  }
  tcb.front_gap = Time{};
  timer.doubled = false;
  return true;
}

// (5.5) and (2.5): from one expiry to the next the timeout doubles.
bool timeout_doubles(Step& on, bool probing, Time longest) {
  Candidate& tcb = on.tcb;
  RetransmissionTimer& timer = tcb.timer;
  if (longest < std::min<Time>(doubled_at_least(tcb.front_gap), kRtoMaxMin)) {
    if (!probing) return on.refuse(timer.doubled ? Rule::R6298_2_5 : Rule::R6298_5_5, 1);
    on.depart(Rule::SHLD_30);
    return true;
  }
  on.cite(probing ? Rule::SHLD_30 : Rule::R6298_5_5);
  if (!probing && tcb.front_gap > kRtoMaxMin / 4) on.cite(Rule::R6298_2_5);
  timer.doubled = true;
  return true;
}

// Nothing has arrived since the front left last: only the timer can have sent it, so the time between is measured.
bool front_departs_by_timer(Step& on, bool probing) {
  Candidate& tcb = on.tcb;
  RetransmissionTimer& timer = tcb.timer;
  const Time longest = on.env.now - std::min(tcb.front_from, timer.runs_since) + kClockSlack;
  const Time shortest = on.env.since - std::max(tcb.front_to, timer.probed_at);
  if (tcb.front_gap == Time{}) {
    if (!probing && !first_expiry(on, shortest, longest)) return false;
    if (probing && longest < kRtoMin) on.depart(Rule::R6298_2_4);
  } else if (!timeout_doubles(on, probing, longest)) {
    return false;
  }
  if (timer.new_text_followed && !probing) on.cite(Rule::R6298_5_1);
  if (synchronized(tcb.state) && tcb.snd_nxt - tcb.snd_una > tcb.congestion.smss) on.cite(Rule::R6298_5_4);
  tcb.front_gap = shortest;
  timer.gap_most = longest;
  return true;
}

// SHLD-30: the intervals between window probes grow, whether the peer answers them or not. Those that nothing answers
// are measured with the timer.
void probe_departs(Step& on, bool probing) {
  Candidate& tcb = on.tcb;
  RetransmissionTimer& timer = tcb.timer;
  const bool next = probing && timer.probing && tcb.zero_at <= tcb.front_from;
  const Time longest = on.env.now - tcb.front_from + kClockSlack, shortest = on.env.since - tcb.front_to;
  if (next && !tcb.front_alone && timer.probe_gap > Time{}) {
    if (longest < std::min<Time>(doubled_at_least(timer.probe_gap), kRtoMaxMin)) {
      on.depart(Rule::SHLD_30);
    } else {
      on.cite(Rule::SHLD_30);
    }
  }
  timer.probe_gap = next ? shortest : Time{};
  timer.probing = probing;
}

// A round trip that ends now and began with text that the ACK acknowledges is no shorter. Timestamps may be echoed that
// have left later.
Time sample_at_least(const Step& on, SndSeq ack) {
  const Tcb& tcb = on.tcb;
  if (tcb.timestamped() || tcb.fast_open.opened || on.env.sent == nullptr) return Time{};
  if (tcb.snd_una == tcb.iss && ack == tcb.iss + 1) return on.env.since - tcb.front_to;
  const std::optional<Time> left = on.env.sent->left_last(tcb.snd_una, ack);
  return left ? on.env.since - *left : Time{};
}

// What was sent twice measures nothing (Karn), so it is no first sample.
void may_be_measured(Step& on, Time sample) {
  RetransmissionTimer& timer = on.tcb.timer;
  if (timer.rtt_min < Time{}) return;
  sample = std::clamp(sample, Time{}, kRoundTripMax);
  timer.sample_min = timer.sample_min < Time{} ? sample : std::min(timer.sample_min, sample);
}

}  // namespace

void timer_informed(Step& on) {
  may_be_measured(on, on.env.since - std::max(on.tcb.congestion.sent_at, Time{}));
}

void RetransmissionTimer::Estimate::sample(Time r) {
  if (srtt < Time{}) {
    srtt = r;
    rttvar = r / 2;
    return;
  }
  rttvar = rttvar - rttvar / 4 + (srtt > r ? srtt - r : r - srtt) / 4;
  srtt = srtt - srtt / 8 + r / 8;
}

Time RetransmissionTimer::Estimate::rto() const {
  return srtt + std::max(kGranularity, 4 * rttvar);
}

// The bound is generous: 3 s at first (the greatest initial value in use) or 3.6 times the longest round trip seen,
// which is more than SRTT + 4*RTTVAR ever is (3.52 times when two that last no time follow it), doubled on each expiry
// up to two minutes, where RFC 6298 section 2 allows a limit of 60 s or more. The clock adds a tenth, or a tick:
// nothing is required of its granularity (section 4).
Time retransmission_bound(const Tcb& tcb) {
  if (tcb.stamps.stale_echo) return std::chrono::seconds(132);
  Time bound = std::max<Time>(std::chrono::seconds(3), tcb.rtt_max / 5 * 18);
  // What probes a window for the first time may be new, and is no retransmission: its interval doubles all the same.
  const bool new_probe = tcb.snd_wnd == 0 && tcb.timer.probing && tcb.rexmits == 0;
  const int expiries = tcb.rexmits + tcb.backed_off + (new_probe ? 1 : 0);
  for (int i = 0; i < expiries && bound < std::chrono::seconds(120); ++i) bound *= 2;
  if (tcb.snd_wnd == 0 && tcb.rexmits > 0) bound = std::max(bound, 2 * std::max(tcb.front_gap, tcb.timer.probe_gap));
  return std::min<Time>(bound, std::chrono::seconds(120)) + std::max<Time>(bound / 10, kTimerTick);
}

bool timer_may_have_expired(const Step& on) {
  return std::max(with_slack(least_timeout(on.tcb)), kClockSlack) <= on.env.now - on.tcb.front_from;
}

bool front_departs(Step& on, bool again) {
  Candidate& tcb = on.tcb;
  RetransmissionTimer& timer = tcb.timer;
  const bool probing = synchronized(tcb.state) && tcb.snd_wnd == 0;
  probe_departs(on, probing);
  if (again || probing) front_is_in_time(on, again);
  if (!again) {
    front_departs_first(on);
  } else if (on.why == Why::kLossProbe || on.why == Why::kReorderingTimer) {  // which are not measured here
    tcb.front_gap = Time{};
    timer.doubled = false;
  } else if (!(tcb.front_alone ? front_departs_by_timer(on, probing) : front_departs_after_arrival(on, probing))) {
    return false;
  }
  if (again) timer.sent_at = RetransmissionTimer::kNone;
  if (again && synchronized(tcb.state) && timer.samples == 0) timer.first = Time{};  // it has backed off since the SYN
  timer.new_text_followed = false;
  if (!again || !tcb.congestion.arrived_since_quiet) timer.runs_since = on.env.since;
  timer.probed_at = RetransmissionTimer::kNone;
  tcb.front_from = on.env.since;
  tcb.front_to = on.env.now;
  tcb.front_alone = true;
  return true;
}

void text_follows(Step& on, SndSeq seq, bool again) {
  Candidate& tcb = on.tcb;
  RetransmissionTimer& timer = tcb.timer;
  if (seq <= tcb.snd_una) return;
  if (tcb.sack() && !tcb.congestion.arrived_since_quiet && tcb.front_to < on.env.since) timer.probed_at = on.env.now;
  if (!again) {
    if (on.env.since != timer.sent_at) timer.sent_at = RetransmissionTimer::kNone;
    if (on.env.since - tcb.front_to > kClockSlack) timer.new_text_followed = true;
    return;
  }
  timer.sent_at = RetransmissionTimer::kNone;
  const bool goes_on = tcb.congestion.refused_from <= seq && seq < tcb.congestion.refused_to && tcb.ip.too_big_seen;
  const bool by_timer = !tcb.congestion.arrived_since_quiet && tcb.front_to < on.env.since && !goes_on;
  if (by_timer && tcb.snd_wnd != 0 && !tcb.sack() && seq < tcb.snd_edge()) on.depart(Rule::R6298_5_4);
}

namespace {

// Who times one segment at a time may have given that up when the timer expired (RFC 6298 section 3).
bool gives_up_sample(const Tcb& tcb, SndSeq ack) {
  return tcb.congestion.phase == Congestion::Phase::kLoss && ack <= tcb.congestion.recover;
}

// The ACK measures a round trip, or none.
void round_trip_ends(Step& on, SndSeq ack) {
  Candidate& tcb = on.tcb;
  RetransmissionTimer& timer = tcb.timer;
  const bool handshake = tcb.snd_una == tcb.iss;
  timer.runs_since = on.env.since;
  const bool again = tcb.rexmits > 0;
  if (handshake && again && tcb.front_gap > Time{}) timer.first = std::max<Time>(kAfterSynLoss, 2 * tcb.front_gap);
  const bool ambiguous = ack <= tcb.congestion.resent_to;  // text behind that was sent once, and gives a sample
  const bool probed = std::exchange(timer.probing, false) || tcb.snd_wnd == 0;  // whose interval is no timeout
  if (again && ambiguous && !handshake && !probed && tcb.front_gap != Time{} && !tcb.timestamped()) {
    timer.backed_off_rto = std::min<Time>(2 * tcb.front_gap, kRtoMaxMin);
    timer.backed_off_most = 2 * timer.gap_most;
    timer.backed_off_further = false;
  } else if (!ambiguous || (!again && tcb.timestamped())) {
    timer.backed_off_rto = Time{};
  } else if (again) {
    timer.backed_off_further = true;
  }
  const bool fast = tcb.congestion.phase == Congestion::Phase::kRecovery && tcb.front_gap == Time{};
  if (again && ambiguous && !handshake && fast && !tcb.timestamped()) {
    karn::loss_is_acknowledged(on);
  } else if (!ambiguous || !again) {
    timer.of_resent = timer.of_resent_text = RetransmissionTimer::kNone;
  }
  // A sample from a timestamp begins when the target sent its latest TSval, or at any time if the peer echoed another.
  const Stamps& stamps = tcb.stamps;
  if (tcb.timestamped() && (again || stamps.stale_echo || stamps.last_at != timer.sent_at)) {
    const Time least = stamps.stale_echo ? Time{} : on.env.since - stamps.last_at;
    timer.exact = false;
    timer.rtt_min = timer.rtt_min < Time{} ? least : std::min(timer.rtt_min, least);
    timer.acked_at = on.env.now;
    timer.sent_at = RetransmissionTimer::kNone;
    return;
  }
  const Time rtt = std::min(on.env.since - tcb.front_to, kRoundTripMax);
  const bool all = ack == tcb.snd_nxt || (handshake && !tcb.fast_open.text_sent);  // of what may be timed as one
  const bool sure = all && timer.sent_at != RetransmissionTimer::kNone;
  if (!again && sure) {
    timer.rtt_min = timer.rtt_min < Time{} ? rtt : std::min(timer.rtt_min, rtt);
    timer.all.sample(rtt);
    if (!handshake) timer.text.sample(rtt);
    if (timer.samples < 255) ++timer.samples;
    if (timer.samples == 1) timer.first = timer.all.rto();
  } else if (!again || (!ambiguous && (!handshake || tcb.fast_open.opened))) {
    // The segment that was timed left with the last text in flight or before it; or it was sent twice, and no sample is
    // taken.
    timer.exact = false;
    const Time since = on.env.since - std::max(tcb.congestion.sent_at, Time{});
    const bool first = timer.rtt_min < Time{};
    if (!first) timer.rtt_min = std::min(timer.rtt_min, since);
    // Where text left by Fast Open, the target may have timed the SYN,ACK, and none of it; and none of what only a SYN
    // has carried.
    const bool only_syn = on.env.sent != nullptr && !on.env.sent->left_last(tcb.snd_una, ack);
    const bool of_syn = tcb.congestion.sent_at == Congestion::kNever || only_syn;
    if (first && !again && !ambiguous && !gives_up_sample(tcb, ack) && !tcb.fast_open.opened && !of_syn)
      timer.rtt_min = since;
  }
  timer.acked_at = on.env.now;
  timer.sent_at = RetransmissionTimer::kNone;
}

}  // namespace

void timer_acked(Step& on, SndSeq ack) {
  const Time sample = sample_at_least(on, ack);
  round_trip_ends(on, ack);
  may_be_measured(on, sample);
}

// (5.2)
void timer_rests(Step& on) {
  Candidate& tcb = on.tcb;
  RetransmissionTimer& timer = tcb.timer;
  if (timer.stop_judged || timer.acked_at < Time{} || on.env.since - timer.acked_at < kRtoMin) return;
  timer.stop_judged = true;
  on.cite(Rule::R6298_5_2);
}

}  // namespace tcpassay
