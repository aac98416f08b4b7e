// SPDX-License-Identifier: Apache-2.0
// Text leaves: does the congestion window have room for it (RFC 5681, RFC 6582)?
#include <algorithm>

#include "models/blame.h"
#include "models/congestion/algorithms.h"
#include "models/congestion/steps.h"

namespace tcpassay {
namespace {

using Phase = Congestion::Phase;

constexpr Time kIdleMin = std::chrono::seconds(4);  // longer than an initial RTO

// RFC 5681 section 3.1: the retransmission timer has expired.
void timer_sends_front_again(Step& on, const Leaving& seg) {
  if (!seg.again || on.why != Why::kTimeout) return;
  enter_loss(on);
  on.tcb.congestion.timed_out = on.tcb.snd_una;
}

// The window in proportion to a path that takes smaller segments (3.1).
void path_window_is_kept(Step& on, std::uint32_t octets) {
  Congestion& cc = on.tcb.congestion;
  if (cc.scaled == 0) return;
  cc.scaled_sent += octets;
  if (cc.scaled_to < octets) {  // "by the ratio of the old segment size to the new": the one that the target uses
    cc.scaled = static_cast<std::uint32_t>(std::uint64_t{cc.scaled} * octets / cc.scaled_to);
    cc.scaled_to = octets;
  }
  // Rounding, and one segment that a timer or a probe may have added.
  if (cc.scaled_sent > cc.scaled + 2 * octets) on.depart(Rule::R5681_3_1_pmtu);
}

// RFC 6582 section 3.2: three duplicate ACKs after a timeout start no fast retransmission.
void duplicates_after_timeout(Step& on, const Leaving& seg) {
  const Tcb& tcb = on.tcb;
  Congestion& cc = on.tcb.congestion;
  if (!seg.front || cc.duplicates < kDupAckThreshold || cc.progress || selective(tcb)) return;
  // An ACK of all that was in flight at the timeout covers no more than recover. Its heuristics (4.1, 4.2) tell a loss
  // by a small step of the ACK field or by timestamps.
  const bool at_recover = cc.after_timeout && cc.recover_known && tcb.snd_una == cc.recover &&
                          cc.advanced > 4 * cc.smss && !tcb.timestamped();
  if (cc.timed_out != tcb.snd_una && !at_recover) return;
  if (cc.lost_told && tcb.snd_una < cc.refused_to) return;  // an ICMP message has made it leave
  on.depart(Rule::R6582_3_2_recover);
  cc.cap = Rule::R6582_3_2_recover;
}

// RFC 5681 section 3.2: what duplicate ACKs have shown to be lost is sent again, SND.UNA first. With RACK its
// reordering timer may show it, too (RFC 8985 section 9.3). False when refused.
bool fast_retransmit(Step& on, Leaving& seg) {
  const Tcb& tcb = on.tcb;
  Congestion& cc = on.tcb.congestion;
  if (!seg.again || (!cc.arrived_since_quiet && on.why != Why::kReorderingTimer)) return true;
  if (cc.phase == Phase::kLoss || cc.after_timeout) duplicates_after_timeout(on, seg);
  // What a closed window has refused goes again, lost or not.
  const bool by_duplicates = on.why == Why::kThirdDuplicate || on.why == Why::kEarlyRetransmit;
  const bool refused = tcb.snd_una < cc.refused_to && !by_duplicates;
  // A partial ACK outside recovery: an earlier one has shown that nothing was lost, and the target goes on unaware.
  const bool unaware = on.why == Why::kPartialAck;
  const bool other_reason = refused || unaware || on.why == Why::kTimeout || on.why == Why::kSynOnly;
  const bool reopened = other_reason && !cc.fast_retransmit_due;
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
  // The window that a partial ACK deflates counts from SND.UNA on, whatever copies of the front are on their way.
  const bool may = cc.partial_may_retransmit && cc.phase == Phase::kRecovery && !selective(on.tcb);
  if (may) seg.replaces = true;
  cc.partial_may_retransmit = false;
  if (!cc.partial_retransmit_due) return;
  cc.partial_retransmit_due = false;
  on.cite(Rule::R6582_3_2_partial);
  seg.replaces = true;
}

void new_text_has_left(Congestion& cc, const Leaving& seg) {
  if (seg.again) return;
  if (cc.was_held_back && !cc.arrived_since_quiet && !seg.may_probe) cc.waits = true;
  if (cc.limited_transmit_due) {
    cc.limited += seg.octets;
  } else {
    cc.excess = 0;
  }
  cc.news = cc.news_since_loss = true;
}

// `added`: octets at its end that are new and that SND.NXT counts already.
void measure_flight(const Tcb& tcb, Leaving& seg, std::uint32_t added) {
  const std::uint32_t fresh = seg.end - earlier(tcb.snd_nxt, seg.end);
  seg.more = seg.replaces ? 0 : seg.again ? seg.octets : fresh;
  seg.before = pipe(tcb) - std::min(pipe(tcb), added);
  seg.inflated = flight_of_newreno(tcb) - std::min(flight_of_newreno(tcb), added);
}

// Section 4.1: after an idle time the window is no larger than the restart window.
void restart_after_idle(Step& on) {
  const Tcb& tcb = on.tcb;
  Congestion& cc = on.tcb.congestion;
  if (cc.sent_at == Congestion::kNever || tcb.snd_una != tcb.snd_nxt) return;
  // Behind a pause longer than a timeout, which is a round trip at least, the flight does not grow on, but begins anew.
  if (on.env.now - cc.sent_at > tcb.rtt_max + kClockSlack) cc.round_flight = cc.at_least_on_path = 0;
  if (cc.recommended.cwnd <= cc.initial) return;
  // A timeout that has backed off stays so long until something is measured again.
  if (on.env.since - cc.sent_at <= std::max<Time>({kIdleMin, 4 * tcb.rtt_max, retransmission_bound(tcb)})) return;
  // Nothing says that the octets that were counted towards the next segment (3.1) are forgotten.
  if (!cc.recommended.slow_start()) cc.counted = cc.recommended.cwnd;
  cc.recommended.cwnd = rfc5681::restart_window(cc.initial, cc.recommended.cwnd);
  cc.restarted = cc.recommended.cwnd;
  cc.soft_cap = Rule::R5681_4_1_idle;
}

// All that has arrived since the timer expired: a slow start that counts each segment of it (RFC 3465 section 2.3) has
// that much room beside the loss window.
std::uint32_t arrived_since_timeout(const Tcb& tcb) {
  std::uint32_t octets = tcb.snd_una - tcb.congestion.timed_out;
  for (const SndSpan& span : tcb.board.sacked) octets += span.to - span.from;
  return octets;
}

// RFC 6675 section 4: it has room only if what has left again in this recovery were not on its way.
bool forgets_what_was_resent(const Tcb& tcb, const Leaving& seg) {
  const Congestion& cc = tcb.congestion;
  if (cc.phase != Phase::kRecovery || !selective(tcb)) return false;
  const std::uint32_t gone = later(cc.told, tcb.snd_una) - tcb.snd_una;
  // Beside a single segment that has left again a window that was not halved shows the same.
  return gone > cc.smss && flight(tcb) - std::min(flight(tcb), gone) + seg.more <= cc.widest().cwnd;
}

// A partial ACK ends the recovery of RFC 5681 section 3.2: its window is ssthresh then, and grows again, by slow start
// where both are equal. Who fills the next hole, or has more in flight than that, recovers further, and RFC 5681
// section 4.3 binds: the window is no larger than ssthresh when all has arrived.
bool shows_further_recovery(const Tcb& tcb, const Leaving& seg) {
  const Congestion& cc = tcb.congestion;
  if (cc.phase != Phase::kRecovery || !cc.after_partial) return false;
  return seg.again || flight(tcb) + seg.more > cc.widest().cwnd + 2 * cc.smss;
}

// The rule that a segment breaks for which no profile has room.
Rule bounds_the_flight(const Tcb& tcb, const Leaving& seg) {
  const Congestion& cc = tcb.congestion;
  const bool recovery = cc.phase == Phase::kRecovery;
  const bool inflated = cc.delivered > cc.smss;  // duplicate ACKs have come since recovery began
  const std::uint32_t resent = cc.resent + (seg.again ? seg.octets : seg.more);
  // The window was lowered a second time, and grows too fast since then.
  const bool grows_fast = cc.cap == Rule::R5681_4_3_twice && cc.phase == Phase::kLoss &&
                          seg.before + seg.more <= cc.smss + arrived_since_timeout(tcb);
  return blamed({
      {grows_fast, Rule::R5681_3_1_rto_cwnd},
      {forgets_what_was_resent(tcb, seg), Rule::R6675_4_pipe},
      {recovery && !seg.again && inflated && !selective(tcb) && resent > cc.delivered, Rule::R5681_3_2_4},
      {recovery && seg.again, Rule::R5681_4_3_half},
      {recovery && cc.after_partial && !selective(tcb) && cc.cap != Rule::R5681_4_3_twice, Rule::R6582_3_2_deflate},
      {selective(tcb) && cc.duplicated && !cc.progress && cc.lossless, Rule::R5681_3_2_1_lt_sack},
      {cc.cap == Rule::R6582_3_2_full && !cc.recovers_further, Rule::R6582_3_2_partial},
      {kOtherwise, cc.cap},
  });
}

// More than RFC 5681 recommends: against one of its SHOULDs, which each profile leaves free, or by another algorithm
// (MAY-18).
void judge_recommended_window(Step& on, const Leaving& seg) {
  Congestion& cc = on.tcb.congestion;
  if (seg.before == 0 || cc.phase == Phase::kRecovery || on.why == Why::kSynOnly) return;
  if (on.tcb.ip.smaller_told) return;  // segments of two sizes, and no text says how octets count between them
  if (seg.again && cc.soft_cap == Rule::R5681_4_1_idle) return;  // 4.1 speaks of new text after a pause
  const std::uint32_t beyond = rfc3042::beyond_window(on.tcb) + rfc8985::beyond_window(cc, seg.may_probe);
  if (seg.before + seg.more <= cc.recommended.cwnd + beyond + cc.smss / 2) return;
  const bool of_should = info(cc.soft_cap).level == Level::kShould;
  // What counts octets from the larger ssthresh of RFC 9438 may look like what counts ACKs from half of the flight.
  const std::uint32_t counted =
      std::max(cc.cubic.ssthresh + cc.smss, cc.cubic.cwnd - std::min(cc.cubic.cwnd, cc.generous) + cc.smss / 2);
  const bool of_slow_start = cc.soft_cap == Rule::R5681_3_1_ss_abc || cc.soft_cap == Rule::R5681_3_1_ss_inc;
  const bool up_to_cubic = of_slow_start && !cc.recommended.slow_start() && seg.before + seg.more <= counted;
  // So may the slow start behind a pause, which ends at that ssthresh, too.
  const bool restarted =
      cc.soft_cap == Rule::R5681_4_1_idle && seg.before + seg.more <= cc.restarted + beyond + cc.smss / 2;
  const bool by_cubic = (cc.soft_cap == Rule::R5681_3_1_ca_bytes || up_to_cubic || restarted) &&
                        profiles_with_room(on.tcb, seg).has(Profile::kCubic);
  if (of_should) cc.reno.cwnd = std::max(cc.reno.cwnd, seg.before + seg.more);
  if (by_cubic) {
    on.cite(Rule::MAY_18, true);
    return;
  }
  if (of_should) {
    on.depart(cc.soft_cap);
  } else {
    on.cite(Rule::MAY_18, true);
  }
  cc.soft_cap = Rule::MAY_18;
  cc.recommended = {.cwnd = seg.before + seg.more, .ssthresh = cc.widest().ssthresh};
}

// RFC 5681 section 3.2, step 1: with SACK a duplicate ACK that tells nothing new lets no new text go. Text that waited
// in silence was released by that ACK, whatever room the window has.
bool released_by_a_copy(const Tcb& tcb, const Leaving& seg) {
  const Congestion& cc = tcb.congestion;
  if (!selective(tcb) || seg.again || seg.may_probe || cc.phase != Phase::kOpen) return false;
  const bool other_reason = cc.informed || cc.progress || cc.window_moved || cc.lost_told;
  return cc.was_held_back && cc.duplicated && !other_reason;
}

void has_left_again(Congestion& cc, const Leaving& seg) {
  cc.resent_to = later(cc.resent_to, seg.end);
  cc.refused_from = later(cc.refused_from, seg.end);
}

bool window_has_room(Step& on, const Leaving& seg) {
  Congestion& cc = on.tcb.congestion;
  if (first_burst(cc)) {  // judged as a whole when the target falls quiet
    if (seg.may_probe && !seg.again && cc.probe == 0) cc.probe = seg.octets;
    if (seg.again) has_left_again(cc, seg);
    return true;
  }
  if (!on.env.user_known) return true;  // a window can only be counted where silence shows that it is full
  if (released_by_a_copy(on.tcb, seg)) return on.refuse(Rule::R5681_3_2_1_lt_sack, 1);
  judge_recommended_window(on, seg);
  const ProfileSet fits = profiles_with_room(on.tcb, seg);
  if (fits.empty()) return on.refuse(bounds_the_flight(on.tcb, seg), 1);
  if (cc.waits || cc.cwnd_at_most < seg.before + seg.more) cc.cwnd_at_most = Window::kArbitrarilyHigh;
  cc.fits = fits;
  cc.unanswered = false;
  cc.burst += seg.more;
  if (shows_further_recovery(on.tcb, seg)) cc.recovers_further = true;
  if (cc.phase == Phase::kRecovery) cc.resent += seg.again ? seg.octets : seg.more;
  if (!seg.again) return true;
  cc.left -= std::min(cc.left, seg.more);
  cc.inflated -= std::min(cc.inflated, seg.more);
  has_left_again(cc, seg);
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
