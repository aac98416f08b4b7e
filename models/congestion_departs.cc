// SPDX-License-Identifier: Apache-2.0
// Text leaves: does the congestion window have room for it (RFC 5681, RFC 6582)?
#include <algorithm>

#include "models/blame.h"
#include "models/congestion_steps.h"

namespace tcpassay {
namespace {

using Phase = Congestion::Phase;

constexpr Time kIdleMin = std::chrono::seconds(4);  // longer than an initial RTO

// A segment of text, as congestion control sees it.
struct Leaving {
  SndSeq seq{}, end{};
  std::uint32_t octets = 0;
  bool again = false;        // it was sent before
  bool front = false;        // it begins at SND.UNA
  bool may_probe = false;    // it may be a loss probe (RFC 8985), which the window does not hold back
  bool replaces = false;     // it replaces a segment that counts as lost, so the flight stays the same
  std::uint32_t more = 0;    // octets by which the flight grows
  std::uint32_t before = 0;  // the flight before that
};

// RFC 5681 section 3.1: the retransmission timer has expired.
void timer_sends_front_again(Step& on, const Leaving& seg) {
  if (!seg.again || on.why != Why::kTimeout || on.tcb.congestion.arrived_since_quiet) return;
  enter_loss(on);
  on.tcb.congestion.timed_out = on.tcb.snd_una;
}

// The window in proportion to a path that takes smaller segments (3.1).
void path_window_is_kept(Step& on, std::uint32_t octets) {
  Congestion& cc = on.tcb.congestion;
  if (cc.scaled == 0) return;
  cc.scaled_sent += octets;
  // Rounding, and one segment that a timer or a probe may have added.
  if (cc.scaled_sent > cc.scaled + 2 * octets) on.depart(Rule::R5681_3_1_pmtu);
}

// RFC 6582 section 3.2: three duplicate ACKs after a timeout start no fast retransmission.
void duplicates_after_timeout(Step& on, const Leaving& seg) {
  const Tcb& tcb = on.tcb;
  Congestion& cc = on.tcb.congestion;
  if (!seg.front || cc.duplicates < kDupAckThreshold || cc.progress || selective(tcb)) return;
  if (cc.timed_out != tcb.snd_una) return;
  on.depart(Rule::R6582_3_2_recover);
  cc.cap = Rule::R6582_3_2_recover;
}

// RFC 5681 section 3.2: what duplicate ACKs have shown to be lost is sent again, SND.UNA first. With RACK its
// reordering timer may show it, too (RFC 8985 section 9.3). False when refused.
bool fast_retransmit(Step& on, Leaving& seg) {
  const Tcb& tcb = on.tcb;
  Congestion& cc = on.tcb.congestion;
  if (!seg.again || (!cc.arrived_since_quiet && on.why != Why::kReorderingTimer)) return true;
  if (cc.phase == Phase::kLoss) duplicates_after_timeout(on, seg);
  // What a closed window has refused goes again, lost or not.
  const bool reopened = (tcb.snd_una < cc.refused_to || on.why == Why::kTimeout) && !cc.fast_retransmit_due;
  const bool loss_seen = cc.duplicates > 0 || selective(tcb);
  if (cc.phase != Phase::kOpen || reopened || !loss_seen) return true;
  if (!seg.front) {
    const bool wrong = !selective(tcb) && cc.duplicates >= kDupAckThreshold && cc.fast_retransmit_due;
    return !wrong || on.refuse(Rule::R5681_3_2_3, 1);
  }
  if (cc.fast_retransmit_due) {
    on.cite(Rule::R5681_3_2_fr);
    on.cite(Rule::R5681_3_2_3);
  }
  enter_recovery(on);
  seg.replaces = true;
  return true;
}

// RFC 6582 section 3.2, step 3: a partial acknowledgment lets the first unacknowledged segment leave again.
void front_has_left_again(Step& on, Leaving& seg) {
  Congestion& cc = on.tcb.congestion;
  if (!seg.again || !seg.front) return;
  cc.fast_retransmit_due = false;
  if (!cc.partial_retransmit_due) return;
  cc.partial_retransmit_due = false;
  on.cite(Rule::R6582_3_2_partial);
  seg.replaces = true;
}

void new_text_has_left(Congestion& cc, const Leaving& seg) {
  if (seg.again) return;
  if (cc.limited_transmit_due) cc.limited += seg.octets;
  cc.news = true;
}

// `added`: octets at its end that are new and that SND.NXT counts already.
void measure_flight(const Tcb& tcb, Leaving& seg, std::uint32_t added) {
  const std::uint32_t fresh = seg.end - earlier(tcb.snd_nxt, seg.end);
  seg.more = seg.replaces ? 0 : seg.again ? seg.octets : fresh;
  seg.before = pipe(tcb) - std::min(pipe(tcb), added);
}

// Section 4.1: after an idle time the window is no larger than the restart window.
void restart_after_idle(Step& on) {
  const Tcb& tcb = on.tcb;
  Congestion& cc = on.tcb.congestion;
  if (cc.sent_at == Congestion::kNever || tcb.snd_una != tcb.snd_nxt || cc.reno <= cc.initial) return;
  if (on.env.since - cc.sent_at <= std::max<Time>(kIdleMin, 4 * tcb.rtt_max)) return;
  cc.reno = cc.initial;
  cc.soft_cap = Rule::R5681_4_1_idle;
}

// Limited transmit: two segments beyond cwnd, for the first duplicate ACK already. `left` has one for each.
std::uint32_t limited_transmit(const Congestion& cc, const Leaving& seg) {
  const bool limited = !seg.again && cc.phase == Phase::kOpen && 0 < cc.duplicates && cc.duplicates < kDupAckThreshold;
  return limited ? (kDupAckThreshold - 1u - cc.duplicates) * cc.smss : 0;
}

// What bounds the widest window that any accepted algorithm gives.
Rule bounds_the_flight(const Tcb& tcb, const Leaving& seg) {
  const Congestion& cc = tcb.congestion;
  const bool recovery = cc.phase == Phase::kRecovery;
  const bool inflated = cc.delivered > cc.smss;  // duplicate ACKs have come since recovery began
  return blamed({
      {recovery && !seg.again && inflated && cc.resent > cc.delivered, Rule::R5681_3_2_4},
      {recovery && seg.again, Rule::R5681_4_3_half},
      {selective(tcb) && cc.duplicated && !cc.progress && cc.lossless, Rule::R5681_3_2_1_lt_sack},
      {kOtherwise, cc.cap},
  });
}

// `proportional`: RFC 6937 lets recovery reduce the flight step by step, so a share of what is delivered may be sent.
bool cwnd_has_room(Step& on, const Leaving& seg, bool proportional) {
  const Congestion& cc = on.tcb.congestion;
  const std::uint32_t probe = seg.may_probe ? cc.smss : 0;
  const bool grown = cc.halves_window || cc.cap == Rule::R5681_3_1_ca_inc || cc.cap == Rule::R5681_3_1_rto_ssthresh;
  const std::uint32_t rounding = grown && cc.cwnd >= cc.ssthresh ? cc.smss : 0;
  const std::uint32_t slack = limited_transmit(cc, seg) + probe + rounding;
  const bool exceeded = seg.before > 0 && seg.before + seg.more > cc.cwnd + slack && !proportional;
  return !exceeded || on.refuse(bounds_the_flight(on.tcb, seg), 1);
}

// More than RFC 5681 itself would send: against one of its SHOULDs, or by another algorithm (MAY-18).
void note_more_than_reno(Step& on, const Leaving& seg) {
  Congestion& cc = on.tcb.congestion;
  if (seg.before == 0 || cc.phase == Phase::kRecovery) return;
  if (seg.before + seg.more <= cc.reno + limited_transmit(cc, seg) + cc.smss / 2) return;
  if (info(cc.soft_cap).level == Level::kShould) {
    on.depart(cc.soft_cap);
  } else {
    on.cite(Rule::MAY_18, true);
    cc.other_algorithm = true;
  }
  cc.soft_cap = Rule::MAY_18;
  cc.reno = seg.before + seg.more;
  cc.reno_ssthresh = cc.ssthresh;
}

bool window_has_room(Step& on, const Leaving& seg) {
  Congestion& cc = on.tcb.congestion;
  const bool recovery = cc.phase == Phase::kRecovery;
  const bool proportional = recovery && cc.resent + seg.more <= cc.delivered / 10 * 7 + 2 * cc.smss;
  if (recovery) cc.resent += seg.again ? seg.octets : seg.more;
  if (first_burst(cc)) {  // judged as a whole when the target falls quiet
    if (seg.may_probe && !seg.again && cc.probe == 0) cc.probe = seg.octets;
    return true;
  }
  if (!on.env.user_known) return true;  // a window can only be counted where silence shows that it is full
  if (!cwnd_has_room(on, seg, proportional)) return false;
  note_more_than_reno(on, seg);
  if (!seg.again) return true;
  cc.left -= std::min(cc.left, seg.more);
  cc.resent_to = later(cc.resent_to, seg.end);
  return true;
}

}  // namespace

bool congestion_admits(Step& on, SndSeq seq, std::uint32_t octets, bool again, std::uint32_t added) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  if (cc.phase == Phase::kNone || octets == 0) return true;
  if (tcb.snd_wnd == 0) {  // a window probe
    cc.sent_at = on.env.now;
    return true;
  }
  Leaving seg{.seq = seq,
              .end = seq + octets,
              .octets = octets,
              .again = again,
              .front = seq <= tcb.snd_una,
              .may_probe = selective(tcb) && !cc.arrived_since_quiet && probe_timeout_has_passed(on)};
  cc.largest = std::max(cc.largest, octets);
  timer_sends_front_again(on, seg);
  path_window_is_kept(on, octets);
  if (!fast_retransmit(on, seg)) return false;
  front_has_left_again(on, seg);
  new_text_has_left(cc, seg);
  measure_flight(tcb, seg, added);
  restart_after_idle(on);
  cc.sent_at = on.env.now;
  return window_has_room(on, seg);
}

}  // namespace tcpassay
