// SPDX-License-Identifier: Apache-2.0
#include "models/congestion.h"

#include <algorithm>
#include <cmath>

#include "models/congestion_steps.h"

namespace tcpassay {
namespace {

using Phase = Congestion::Phase;

// Section 3.1: the initial window. RFC 6928 allows ten segments, even when a single SYN was lost.
void begin(Step& on) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  cc.phase = Phase::kOpen;
  cc.smss = std::min<std::uint32_t>(tcb.snd_mss, on.env.mms_s - 20);
  cc.initial = std::min(10 * cc.smss, std::max(2 * cc.smss, 14600u));
  cc.cwnd = cc.initial;
  cc.cap = Rule::R5681_3_1_iw;
  cc.soft_cap = Rule::MAY_18;
  if (cc.syn_losses >= 2) {
    cc.cwnd = cc.smss;
    cc.cap = Rule::R5681_3_1_iw_synloss;
  }
  cc.reno = cc.cwnd;
  cc.round_end = tcb.iss + 1;
  cc.timed_out = cc.resent_to = cc.refused_to = tcb.iss;
}

// RFC 9438 section 4.2: W_cubic(t), in segments and seconds.
double cubic(double w_max, double t, double k) {
  constexpr double kC = 0.4;
  return kC * (t - k) * (t - k) * (t - k) + w_max;
}

// The window at which a target that keeps 0.7 of its window aims, with what the judge does not know taken in the
// target's favour: when its clock began, how large its window was before the loss, and whether it lets the window
// converge (4.7). After a timeout K is zero (4.8).
std::uint32_t cubic_aims_at(const Step& on) {
  const Tcb& tcb = on.tcb;
  const Congestion& cc = tcb.congestion;
  if (cc.lost_at == Congestion::kNever) return Congestion::kArbitrarilyHigh;
  const double smss = cc.smss;
  const double t = std::chrono::duration<double>(on.env.now - cc.lost_at + tcb.rtt_max).count() + 0.1;
  const auto of = [&](double w_max) { return cubic(w_max, t, std::cbrt(w_max * 0.3 / 0.4)); };
  const double half = cc.reno_ssthresh / smss;
  double most = std::max({of(cc.prior / smss), of(2 * half), of(1.7 * half)});
  if (cc.after_timeout) most = std::max(most, cubic(cc.ssthresh / smss, t, 0));
  return static_cast<std::uint32_t>(std::min<double>(most * smss + smss, Congestion::kArbitrarilyHigh));
}

// An ACK of `octets` opens the window: in slow start by `octets` or SMSS, in congestion avoidance by less. In the slow
// start that follows a timeout an ACK adds one segment, however many it acknowledges (RFC 3465 section 2.3).
void grow(Step& on, std::uint32_t octets) {
  Congestion& cc = on.tcb.congestion;
  const std::uint32_t before = cc.cwnd, reno_before = cc.reno;
  const bool avoidance = cc.cwnd >= cc.ssthresh;
  const auto linear = [&](std::uint32_t cwnd) {
    return static_cast<std::uint32_t>((std::uint64_t{octets} * cc.smss + cwnd - 1) / std::max(cwnd, 1u));
  };
  if (!avoidance) {
    cc.cwnd += cc.after_timeout ? cc.smss : std::max(octets, cc.smss);
    if (cc.cap == Rule::R5681_3_1_iw || cc.cap == Rule::R5681_3_1_iw_synloss) cc.cap = Rule::R5681_3_1_use;
  } else if (cc.halves_window) {
    cc.cwnd += linear(cc.cwnd);
  } else {
    const std::uint32_t most = std::max(cubic_aims_at(on), cc.cwnd + linear(cc.cwnd));
    cc.cwnd = std::min(cc.cwnd + std::max(octets / 2, std::max(cc.smss * cc.smss / cc.cwnd, 1u)), most);
  }
  if (avoidance && (cc.cap == Rule::R5681_3_2_6 || cc.cap == Rule::R6582_3_2_full)) cc.cap = Rule::R5681_3_1_ca_inc;
  if (!avoidance && cc.cap == Rule::R5681_3_1_rto_cwnd && cc.cwnd >= 2 * cc.smss) {
    cc.cap = cc.cwnd >= cc.ssthresh ? Rule::R5681_3_1_rto_ssthresh : Rule::R5681_3_1_rto_cwnd;
  }
  if (avoidance && cc.cap == Rule::R5681_3_1_rto_cwnd) cc.cap = Rule::R5681_3_1_rto_ssthresh;
  cc.cwnd = std::min(cc.cwnd, Congestion::kArbitrarilyHigh);

  if (cc.reno < cc.reno_ssthresh) {
    cc.reno += std::min(octets, (cc.after_timeout ? 1u : 2u) * cc.smss);
    if (cc.cwnd - before > cc.reno - reno_before) {
      cc.soft_cap = octets < cc.smss ? Rule::R5681_3_1_ss_abc : Rule::R5681_3_1_ss_inc;
    }
  } else {
    cc.reno += linear(cc.reno);
    if (octets < cc.smss && !cc.other_algorithm) cc.soft_cap = Rule::R5681_3_1_ca_bytes;
  }
  cc.reno = std::min(cc.reno, cc.cwnd);
}

// Equation (4): a loss halves the window. RFC 9438 keeps 0.7 of the window or of the flight. Segments sent by limited
// transmit are not part of the flight.
void reduce(Step& on, Rule cap) {
  Congestion& cc = on.tcb.congestion;
  const std::uint32_t outstanding = flight(on.tcb) - std::min(flight(on.tcb), cc.limited);
  const std::uint32_t widest =
      cc.halves_window ? outstanding : std::max(outstanding, std::min(cc.cwnd, 2 * outstanding));
  if (cc.phase != Phase::kRecovery) {  // a timeout in fast recovery may turn out to have been as vain as that
    cc.prior = cc.cwnd;
    cc.prior_ssthresh = std::max(flight(on.tcb), cc.ssthresh);
  }
  cc.scaled = 0;
  cc.ssthresh = std::max(cc.halves_window ? widest / 2 : widest / 10 * 7, 2 * cc.smss);
  cc.reno_ssthresh = std::max(outstanding / 2, 2 * cc.smss);
  cc.recover = on.tcb.snd_nxt;
  cc.recover_known = true;
  cc.lossless = false;
  cc.lost_at = on.env.since;
  cc.cap = cap;
  cc.soft_cap = Rule::MAY_18;
  cc.cwnd_at_least = 0;
  cc.flat_rounds = 0;
}

// RFC 6582 section 3.2, step 3: a partial acknowledgment leaves NewReno in recovery, a full one ends it.
void ack_in_recovery(Tcb& tcb, SndSeq ack) {
  Congestion& cc = tcb.congestion;
  const std::uint32_t octets = ack - tcb.snd_una;
  if (cc.recover <= ack) {
    cc.phase = Phase::kOpen;
    cc.left = 0;
    cc.recovered = true;
    cc.least_exit = std::max(flight(tcb) - octets, cc.smss) + cc.smss;
    cc.cap = cc.after_partial ? Rule::R6582_3_2_full : Rule::R5681_3_2_6;
    return;
  }
  cc.after_partial = true;
  cc.partial_retransmit_due =
      !selective(tcb) && cc.resent_to <= ack;               // unless text behind it that left again is on its way
  cc.left = cc.left - std::min(cc.left, octets) + cc.smss;  // the window stays inflated, less what was acknowledged
  cc.resent = cc.delivered = 0;
}

// New text is acknowledged after the retransmission timer has expired.
void ack_after_timeout(Congestion& cc, SndSeq ack, std::uint32_t flight_after) {
  cc.left = std::min(cc.left, flight_after);
  if (cc.recover <= ack) {
    cc.phase = Phase::kOpen;
    cc.left = 0;
  }
}

}  // namespace

std::uint32_t flight(const Tcb& tcb) {
  return tcb.snd_nxt - tcb.snd_una;
}

std::uint32_t pipe(const Tcb& tcb) {
  return flight(tcb) - std::min(flight(tcb), tcb.congestion.left);
}

bool selective(const Tcb& tcb) {
  return tcb.sack();
}

bool held_back(const Tcb& tcb) {
  const Congestion& cc = tcb.congestion;
  return tcb.snd_nxt < tcb.snd_end && tcb.snd_end - tcb.snd_nxt >= cc.smss && tcb.snd_nxt < tcb.snd_edge() &&
         tcb.snd_edge() - tcb.snd_nxt >= cc.smss && tcb.snd_una < tcb.snd_nxt;
}

bool first_burst(const Congestion& cc) {
  return cc.lossless && (cc.cap == Rule::R5681_3_1_iw || cc.cap == Rule::R5681_3_1_iw_synloss) && cc.duplicates == 0;
}

void enter_recovery(Step& on) {
  Congestion& cc = on.tcb.congestion;
  const bool twice = !cc.lossless;
  reduce(on, twice ? Rule::R5681_4_3_twice : Rule::R5681_3_2_2);
  loss_is_assumed(on, false);
  cc.phase = Phase::kRecovery;
  cc.after_timeout = false;
  cc.cwnd = cc.ssthresh;
  cc.reno = cc.reno_ssthresh;
  cc.resent = 0;
  cc.delivered = cc.smss;
  cc.after_partial = false;
}

void enter_loss(Step& on) {
  Congestion& cc = on.tcb.congestion;
  const bool in_recovery = cc.phase == Phase::kRecovery;
  const bool again = cc.phase == Phase::kLoss && cc.timed_out == on.tcb.snd_una;
  if (!again) {
    const bool first = cc.phase != Phase::kLoss || cc.recover <= on.tcb.snd_una;
    reduce(on, in_recovery ? Rule::R5681_4_3_twice : Rule::R5681_3_1_rto_cwnd);
    loss_is_assumed(on, first);
  }
  cc.phase = Phase::kLoss;
  cc.after_timeout = true;
  cc.timed_out = cc.resent_to = on.tcb.snd_una;
  cc.cwnd = cc.reno = cc.smss;
  cc.left = flight(on.tcb);
  cc.duplicates = 0;
  cc.limited = 0;
}

void congestion_acked(Step& on, SndSeq ack) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  const std::uint32_t octets = ack - tcb.snd_una;
  if (cc.phase == Phase::kNone) {
    begin(on);
    if (octets > 1) grow(on, octets - 1);  // text that left before the handshake was complete (RFC 7413)
    return;
  }
  const std::uint32_t flight_after = flight(tcb) - octets;
  cc.resent_to = later(cc.resent_to, tcb.snd_una);  // never more than 2^31 behind, so that comparing it has a meaning
  cc.refused_to = later(cc.refused_to, tcb.snd_una);
  cc.progress = true;
  cc.probe = 0;
  cc.scaled = 0;
  if (cc.acks < 255) ++cc.acks;
  if (cc.acks_now < 255) ++cc.acks_now;
  const bool limited = cc.limited > 0 && cc.duplicates < kDupAckThreshold;
  cc.duplicates = 0;
  cc.fast_retransmit_due = cc.limited_transmit_due = false;
  cc.limited = 0;
  if (cc.phase == Phase::kRecovery) {
    ack_in_recovery(tcb, ack);
    return;
  }
  if (cc.phase == Phase::kLoss) {
    ack_after_timeout(cc, ack, flight_after);
  } else {
    cc.left = 0;
  }
  grow(on, octets);
  if (limited) cc.cap = Rule::R5681_3_2_1_lt_cwnd;
  if (!limited && cc.cap == Rule::R5681_3_2_1_lt_cwnd) cc.cap = Rule::R5681_3_1_use;
}

void congestion_not_acked(Step& on, bool duplicate) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  if (cc.phase == Phase::kNone || tcb.snd_una == tcb.snd_nxt) return;
  if (!duplicate) return;
  cc.duplicated = true;
  if (cc.duplicates < 255) ++cc.duplicates;
  if (selective(tcb)) return;
  cc.left += cc.smss;  // may exceed the flight: RFC 5681 does not bound how far the window is inflated
  if (cc.phase == Phase::kRecovery) cc.delivered += cc.smss;
  if (cc.phase != Phase::kOpen) return;
  if (cc.recover_known && tcb.snd_una <= cc.recover) return;
  const bool within = tcb.snd_una + std::min(cc.smss, flight(tcb)) <= tcb.snd_edge();
  const bool within_two = flight(tcb) + cc.largest <= cc.cwnd_at_least + (kDupAckThreshold - 1) * cc.largest;
  if (cc.duplicates < kDupAckThreshold) cc.limited_transmit_due = held_back(tcb) && within_two;
  if (cc.duplicates == kDupAckThreshold) cc.fast_retransmit_due = flight(tcb) >= 4 * cc.smss && within;
}

void congestion_informed(Step& on, SndSeq highest) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  if (cc.phase == Phase::kNone) return;
  if (tcb.snd_una < highest && highest <= tcb.snd_nxt) {
    cc.left = std::max(cc.left, highest - tcb.snd_una);
    if (cc.phase == Phase::kRecovery) cc.delivered += cc.smss;
  }
}

// RFC 4015 section 3.2, step (9), or the window as it was before and as the ACK makes it grow.
void congestion_undone(Step& on, std::uint32_t octets) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  if (cc.prior == 0) return;
  cc.lost_at = Congestion::kNever;
  const std::uint32_t resumed = flight(tcb) + std::min(octets, cc.initial);
  cc.after_timeout = false;
  cc.ssthresh = cc.reno_ssthresh = cc.prior_ssthresh;
  cc.soft_cap = Rule::MAY_18;
  cc.cwnd = cc.reno = std::max(cc.cwnd, cc.prior);
  if (octets > 0) grow(on, octets);
  cc.cwnd = std::max(cc.cwnd, resumed);
  cc.reno = std::max(cc.reno, resumed);
  cc.cap = Rule::R5681_3_1_use;
  cc.fast_retransmit_due = cc.partial_retransmit_due = false;
  cc.phase = Phase::kOpen;
  cc.left = 0;
}

void congestion_path_lowered(Step& on, std::uint32_t before, std::uint32_t after) {
  Congestion& cc = on.tcb.congestion;
  if (cc.phase != Phase::kOpen || !cc.lossless || after >= before || before == 0) return;
  const std::uint64_t cwnd = cc.scaled != 0 ? cc.scaled : cc.cwnd;
  cc.scaled = static_cast<std::uint32_t>(std::max<std::uint64_t>(cwnd * after / before, after));
  cc.scaled_sent = 0;
}

}  // namespace tcpassay
