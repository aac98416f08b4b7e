// SPDX-License-Identifier: Apache-2.0
// An ACK arrives, or a loss begins: what it does to the windows of all profiles.
#include <algorithm>

#include "models/congestion/algorithms.h"
#include "models/congestion/steps.h"
#include "models/ip_layer.h"

namespace tcpassay {
namespace {

using Phase = Congestion::Phase;

// RFC 5681 section 3.1: the initial window. RFC 6928 allows ten segments, even when a single SYN was lost.
void begin(Step& on) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  cc.phase = Phase::kOpen;
  cc.smss = std::min<std::uint32_t>(tcb.snd_mss, on.env.mms_s - 20);
  cc.initial = rfc6928::initial_window(cc.smss);
  cc.reno.cwnd = cc.initial;
  cc.cap = Rule::R5681_3_1_iw;
  cc.soft_cap = Rule::MAY_18;
  if (cc.syn_losses >= 2) {
    cc.reno.cwnd = cc.smss;
    cc.cap = Rule::R5681_3_1_iw_synloss;
  }
  cc.cubic = cc.recommended = cc.reno;
  cc.fits = on.env.profiles;
  if (!selective(tcb)) cc.fits.remove(Profile::kSack);
  cc.round_end = tcb.iss + 1;
  cc.timed_out = cc.resent_to = cc.refused_to = cc.refused_from = cc.told = tcb.iss;
  // RFC 7413 section 4.2.2: what the SYN,ACK does not acknowledge of the SYN's text goes again with its ACK, lost or
  // not.
  if (tcb.fast_open.text_sent && tcb.snd_una < tcb.snd_nxt) cc.refused_to = tcb.snd_nxt;
}

// What RFC 5681 recommends: equation (2), with L of RFC 3465, and equation (3). `widest_adds`: what the ACK has added
// to the widest window. `echo`: it echoes CE, and RFC 3168 section 6.1.2 lets no window grow by it.
void opens_as_recommended(Congestion& cc, std::uint32_t octets, std::uint32_t widest_adds, bool echo) {
  Window& window = cc.recommended;
  if (echo) {
    if (widest_adds > 0) cc.soft_cap = Rule::R3168_6_1_2_noincrease;
  } else if (window.slow_start()) {
    const std::uint32_t adds = rfc5681::slow_start_adds(octets, rfc3465::limit(cc.smss, cc.after_timeout));
    window.cwnd += adds;
    if (widest_adds > adds) cc.soft_cap = octets < cc.smss ? Rule::R5681_3_1_ss_abc : Rule::R5681_3_1_ss_inc;
  } else {
    const std::uint32_t counts = std::min(cc.counted, window.cwnd);
    window.cwnd += rfc5681::avoidance_adds(window.cwnd, octets, cc.smss) + (counts > 0 ? cc.smss : 0);
    cc.counted -= counts;
    if (octets < cc.smss && cc.may_be_reno()) cc.soft_cap = Rule::R5681_3_1_ca_bytes;
  }
  window.cwnd = std::min(window.cwnd, cc.widest().cwnd);
  if (cc.soft_cap != Rule::R5681_4_1_idle) return;
  cc.restarted += cc.restarted < cc.cubic.ssthresh
                      ? rfc5681::slow_start_adds(octets, rfc3465::limit(cc.smss, cc.after_timeout))
                      : rfc5681::avoidance_adds(cc.restarted, octets, cc.smss);
}

// Which rule bounds the windows, once an ACK has opened them. `avoidance`: it did so in congestion avoidance.
Rule cap_after_ack(const Congestion& cc, bool avoidance) {
  const bool initial = cc.cap == Rule::R5681_3_1_iw || cc.cap == Rule::R5681_3_1_iw_synloss;
  if (!avoidance && initial) return Rule::R5681_3_1_use;
  if (avoidance && (cc.cap == Rule::R5681_3_2_6 || cc.cap == Rule::R6582_3_2_full)) return Rule::R5681_3_1_ca_inc;
  const bool grown = !cc.widest().slow_start() && cc.widest().cwnd >= 2 * cc.smss;
  if (cc.cap == Rule::R5681_3_1_rto_cwnd && (avoidance || grown)) return Rule::R5681_3_1_rto_ssthresh;
  return cc.cap;
}

// An ACK of `octets` of new text opens the windows.
void grow(Step& on, std::uint32_t octets) {
  Congestion& cc = on.tcb.congestion;
  const Window before = cc.widest();
  if (octets < cc.smss) cc.counts_unknown = true;  // equation (3) may be executed on every ACK
  cc.cwnd_at_most = std::min(cc.cwnd_at_most + std::max(octets, cc.smss), Window::kArbitrarilyHigh);
  rfc5681::opens(cc.reno, octets, cc.smss, cc.after_timeout);
  rfc9438::opens(on.tcb, cc, octets, on.env.now);
  cc.cap = cap_after_ack(cc, !before.slow_start());
  const std::uint32_t counted = rfc5681::slow_start_adds(octets, rfc3465::limit(cc.smss, cc.after_timeout));
  const std::uint32_t added = cc.widest().cwnd - before.cwnd;
  if (before.slow_start() && added > counted) cc.generous += added - counted;
  opens_as_recommended(cc, octets, cc.widest().cwnd - before.cwnd, on.tcb.ecn.echo_now);
}

// RFC 3168 section 6.1.2: an echo of CE has reduced the window for the window of data that is lost now, and the loss
// reduces it no more, unless it is another one. The flight that the echo has met; 0: there was no echo.
std::uint32_t met_by_echo(Tcb& tcb) {
  const std::uint32_t met = tcb.ecn.met_by_echo(tcb.snd_una);
  tcb.ecn.flight_at_echo = 0;
  return met;
}

// A loss was seen. Segments sent by limited transmit are not part of the flight.
void reduce(Step& on, Rule cap) {
  Congestion& cc = on.tcb.congestion;
  const std::uint32_t all = flight(on.tcb), outstanding = all - std::min(all, cc.limited);
  const std::uint32_t echoed = met_by_echo(on.tcb);
  if (cc.phase != Phase::kRecovery) {  // a timeout in fast recovery may turn out to have been as vain as that
    cc.before = {.reno = cc.reno, .cubic = cc.cubic, .epoch = cc.epoch};
    cc.before.reno.ssthresh = rfc4015::pipe_prev(all, cc.reno.ssthresh);
    cc.before.cubic.ssthresh = rfc4015::pipe_prev(all, cc.cubic.ssthresh);
  }
  cc.scaled = cc.scaled_last = cc.counted = cc.generous = 0;
  cc.reno.ssthresh = cc.recommended.ssthresh =
      rfc5681::half(std::max(outstanding, std::min(echoed, cc.reno.cwnd)), cc.smss);
  rfc9438::reduce(cc, std::max(outstanding, std::min(echoed, cc.cubic.cwnd)), on.env.since);
  cc.recover = on.tcb.snd_nxt;
  cc.recover_fs = std::max(outstanding, 1u);
  cc.recover_known = true;
  cc.lossless = false;
  cc.cap = cap;
  cc.soft_cap = Rule::MAY_18;
  cc.cwnd_at_least = cc.at_least_on_path = 0;
  cc.cwnd_at_most = Window::kArbitrarilyHigh;
  cc.flat_rounds = cc.halved_silences = 0;
}

// What the SACK blocks of one ACK say.
struct Report {
  SndSeq highest{};         // behind the highest octet that they report, SND.UNA at least
  std::uint32_t fresh = 0;  // octets that no earlier ACK has reported, as far as the scoreboard shows
  bool of_resent = false;   // some of these had left again
};

// Octets from `left` to `right` that no earlier ACK has reported, as far as the scoreboard knows.
std::uint32_t not_reported(const Tcb& tcb, SndSeq left, SndSeq right) {
  std::uint32_t octets = right - left;
  for (const SndSpan& span : tcb.board.sacked) {
    const SndSeq from = later(span.from, left), to = earlier(span.to, right);
    if (from < to) octets -= std::min(octets, to - from);
  }
  return octets;
}

Report read_report(const Tcb& tcb, const Arriving& seg) {
  const Congestion& cc = tcb.congestion;
  const SndSeq told = later(cc.told, tcb.snd_una);
  Report report{.highest = tcb.snd_una};
  for (std::size_t i = 0; i < seg.opt.blocks; ++i) {
    const SndSeq right{seg.opt.block[i].right}, left = later(SndSeq{seg.opt.block[i].left}, tcb.snd_una);
    // A block of what was never sent, or of text that came twice, says nothing.
    if (right - tcb.snd_una > tcb.snd_nxt - tcb.snd_una || right <= left) continue;
    report.highest = later(report.highest, right);
    if (told < right) report.fresh += right - later(left, told);
    bool known = told <= left;
    for (const SndSpan& span : tcb.board.sacked) known = known || (span.from <= left && right <= span.to);
    if (known) continue;
    // Behind the first block stand those of earlier ACKs, of which the scoreboard knows a few (RFC 2018 section 4).
    if (i == 0) report.fresh += not_reported(tcb, left, earlier(right, told));
    report.of_resent = report.of_resent || left < cc.resent_to;
  }
  return report;
}

// Octets above the acknowledgment that a path has refused: they never entered the network.
std::uint32_t refused_and_not_resent(const Tcb& tcb, SndSeq ack) {
  const SndSeq from = later(ack, tcb.congestion.refused_from), to = tcb.congestion.refused_to;
  return tcb.ip.smaller_told && from < to ? to - from : 0;
}

// RFC 6582 section 3.2, step 3: a partial acknowledgment leaves NewReno in recovery, a full one ends it.
void ack_in_recovery(Tcb& tcb, SndSeq ack) {
  Congestion& cc = tcb.congestion;
  const std::uint32_t octets = ack - tcb.snd_una;
  if (cc.recover <= ack) {
    cc.phase = Phase::kOpen;
    cc.left = cc.inflated = refused_and_not_resent(tcb, ack);
    cc.recovered = true;
    cc.least_exit = rfc6582::conservative_exit(flight(tcb) - octets, cc.smss);
    cc.cap = cc.after_partial ? Rule::R6582_3_2_full : Rule::R5681_3_2_6;
    return;
  }
  cc.after_partial = cc.partial_may_retransmit = true;
  cc.partial_retransmit_due =
      !selective(tcb) && cc.resent_to <= ack;  // unless text behind it that left again is on its way
  cc.left = rfc6582::deflated(cc.left, octets, cc.smss);
  cc.inflated = rfc6582::deflated(cc.inflated, octets, cc.smss);
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

std::uint32_t reported(const Tcb& tcb) {
  std::uint32_t octets = 0;
  if (selective(tcb)) {
    for (const SndSpan& span : tcb.board.sacked) octets += span.to - span.from;
  }
  return octets;
}

std::uint32_t pipe(const Tcb& tcb) {
  // What was reported has left, whatever has left again since (RFC 6675 section 4).
  return flight(tcb) - std::min(flight(tcb), std::max(tcb.congestion.left, reported(tcb)));
}

std::uint32_t flight_of_newreno(const Tcb& tcb) {
  return selective(tcb) ? flight(tcb) - std::min(flight(tcb), tcb.congestion.inflated) : pipe(tcb);
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
  for (Window* window : {&cc.reno, &cc.cubic, &cc.recommended}) {
    *window = {.cwnd = window->ssthresh, .ssthresh = window->ssthresh};
  }
  cc.resent = 0;
  cc.delivered = std::max(cc.smss, reported(on.tcb));
  cc.after_partial = cc.recovers_further = cc.partial_may_retransmit = false;
}

void enter_loss(Step& on) {
  Congestion& cc = on.tcb.congestion;
  const bool in_recovery = cc.phase == Phase::kRecovery;
  const bool again = cc.phase == Phase::kLoss && cc.timed_out == on.tcb.snd_una;
  if (!again) {
    cc.counts_unknown = !cc.lossless;
    const bool first = cc.phase != Phase::kLoss || cc.recover <= on.tcb.snd_una;
    reduce(on, in_recovery ? Rule::R5681_4_3_twice : Rule::R5681_3_1_rto_cwnd);
    loss_is_assumed(on, first);
  }
  cc.recover = on.tcb.snd_nxt;  // RFC 6582 section 3.2, step 4: after each timeout
  cc.phase = Phase::kLoss;
  cc.news_since_loss = false;
  cc.after_timeout = true;
  cc.timed_out = cc.resent_to = cc.told = on.tcb.snd_una;
  for (Window* window : {&cc.reno, &cc.cubic, &cc.recommended}) window->cwnd = cc.smss;  // LW of RFC 5681
  cc.left = flight(on.tcb);
  cc.inflated = cc.generous = 0;
  cc.duplicates = 0;
  cc.limited = cc.excess = 0;
}

namespace {

void ack_arrives(Congestion& cc) {
  cc.several = cc.unanswered;
  cc.unanswered = true;
  cc.burst = 0;
}

}  // namespace

void congestion_acked(Step& on, SndSeq ack) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  ack_arrives(cc);
  const std::uint32_t octets = ack - tcb.snd_una;
  if (cc.phase == Phase::kNone) {
    begin(on);
    if (octets > 1) grow(on, octets - 1);  // text that left before the handshake was complete (RFC 7413)
    if (octets > 1 && tcb.fast_open.text_sent) cc.left = flight(tcb) - octets;  // the peer has not taken the rest
    return;
  }
  const std::uint32_t flight_after = flight(tcb) - octets;
  cc.advanced = octets;
  cc.resent_to = later(cc.resent_to, tcb.snd_una);  // never more than 2^31 behind, so that comparing it has a meaning
  cc.refused_to = later(cc.refused_to, tcb.snd_una);
  cc.refused_from = later(cc.refused_from, tcb.snd_una);
  cc.told = later(cc.told, tcb.snd_una);
  cc.progress = true;
  cc.probe = 0;
  cc.scaled = cc.scaled_last = 0;
  if (cc.acks < 255) ++cc.acks;
  cc.opened += std::min(octets, cc.smss);
  const bool limited = cc.limited > 0 && cc.duplicates < kDupAckThreshold;
  cc.duplicates = 0;
  cc.fast_retransmit_due = cc.limited_transmit_due = false;
  cc.excess += cc.limited;
  cc.limited = 0;
  if (cc.phase == Phase::kRecovery) {
    ack_in_recovery(tcb, ack);
    return;
  }
  cc.inflated = 0;
  if (cc.phase == Phase::kLoss) {
    ack_after_timeout(cc, ack, flight_after);
  } else {
    cc.left = refused_and_not_resent(tcb, ack);
  }
  grow(on, octets);
  if (limited) cc.cap = Rule::R5681_3_2_1_lt_cwnd;
  if (!limited && cc.cap == Rule::R5681_3_2_1_lt_cwnd) cc.cap = Rule::R5681_3_1_use;
}

void congestion_not_acked(Step& on, bool duplicate) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  ack_arrives(cc);
  if (cc.phase == Phase::kNone || tcb.snd_una == tcb.snd_nxt) return;
  if (!duplicate) return;
  cc.duplicated = true;
  if (cc.duplicates < 255) ++cc.duplicates;
  cc.inflated += cc.smss;
  if (selective(tcb)) return;
  cc.left += cc.smss;  // may exceed the flight: RFC 5681 does not bound how far the window is inflated
  if (cc.phase == Phase::kRecovery) cc.delivered += cc.smss;
  if (cc.phase != Phase::kOpen) return;
  if (cc.recover_known && tcb.snd_una <= cc.recover) return;
  const bool within = tcb.snd_una + std::min(cc.smss, flight(tcb)) <= tcb.snd_edge();
  const std::uint32_t segment = std::min(cc.largest, path_room(on));  // before the path became smaller it was larger
  const bool within_two = flight(tcb) + segment <= cc.at_least_on_path + (kDupAckThreshold - 1) * segment;
  const bool waits = tcb.ecn.may_wait_for_timer(tcb.snd_una);
  const bool too_big = tcb.ip.smaller_told && tcb.snd_una < cc.refused_to;  // what was refused goes first
  if (cc.duplicates < kDupAckThreshold) cc.limited_transmit_due = held_back(tcb) && within_two && !waits && !too_big;
  if (cc.duplicates == kDupAckThreshold) cc.fast_retransmit_due = flight(tcb) >= 4 * cc.smss && within;
}

void congestion_informed(Step& on, const Arriving& seg) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  if (cc.phase == Phase::kNone) return;
  const Report report = read_report(tcb, seg);
  if (report.highest == tcb.snd_una) return;
  const std::uint32_t gone = report.highest - tcb.snd_una;
  // RFC 6675 section 4, SetPipe (b): what left again is on its way. Once something that left since recovery began has
  // arrived, it may be lost, too, for all the judge knows (RFC 8985 section 6.2).
  const bool all_on_its_way =
      cc.phase == Phase::kRecovery && !cc.progress && !report.of_resent && report.highest <= cc.recover;
  const std::uint32_t known = later(cc.told, tcb.snd_una) - tcb.snd_una;
  cc.left += all_on_its_way ? gone - std::min(gone, known) : gone - std::min(gone, cc.left);
  if (cc.phase == Phase::kRecovery) cc.delivered += std::max(report.fresh, cc.smss);
  cc.told = later(cc.told, report.highest);
}

// RFC 4015 section 3.2, step (9), or the windows as they were before (RFC 9438 section 4.9.2) and as the ACK makes them
// grow.
void congestion_undone(Step& on, std::uint32_t octets) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  if (cc.before.reno.cwnd == 0) return;
  cc.after_timeout = false;
  cc.soft_cap = Rule::MAY_18;
  cc.reno = {.cwnd = std::max(cc.reno.cwnd, cc.before.reno.cwnd), .ssthresh = cc.before.reno.ssthresh};
  cc.cubic = {.cwnd = std::max(cc.cubic.cwnd, cc.before.cubic.cwnd), .ssthresh = cc.before.cubic.ssthresh};
  cc.recommended = cc.widest();
  cc.cwnd_at_most = Window::kArbitrarilyHigh;
  cc.epoch = cc.before.epoch;
  if (octets > 0) grow(on, octets);
  const std::uint32_t resumed = rfc4015::window(flight(tcb), octets, cc.initial);
  for (Window* window : {&cc.reno, &cc.cubic, &cc.recommended}) window->cwnd = std::max(window->cwnd, resumed);
  cc.cap = Rule::R5681_3_1_use;
  cc.fast_retransmit_due = cc.partial_retransmit_due = false;
  // RFC 5682 section 2.1, step 2: without new text that can leave behind the first ACK a target recovers as ever.
  if (cc.phase == Phase::kLoss && !cc.news_since_loss) return;
  cc.phase = Phase::kOpen;
  cc.left = cc.inflated = 0;
}

void congestion_path_lowered(Step& on, std::uint32_t before, std::uint32_t after) {
  Congestion& cc = on.tcb.congestion;
  if (cc.phase != Phase::kOpen || !cc.lossless || after >= before || before == 0) return;
  const std::uint64_t cwnd = cc.scaled != 0 ? cc.scaled : cc.scaled_last != 0 ? cc.scaled_last : cc.widest().cwnd;
  cc.scaled = static_cast<std::uint32_t>(std::max<std::uint64_t>(cwnd * after / before, after));
  cc.scaled_to = after;
  cc.scaled_sent = 0;
}

}  // namespace tcpassay
