// SPDX-License-Identifier: Apache-2.0
#include "models/congestion.h"

#include <algorithm>

#include "models/step.h"

namespace tcpassay {
namespace {

using Phase = Congestion::Phase;

constexpr std::uint8_t kDupThresh = 3;
constexpr int kFlatSlowStart = 3, kFlatAvoidance = 6;  // round trips that show what is no accident
constexpr std::uint32_t kDelayBasedFrom = 16;          // segments: beyond, slow start may end by itself (RFC 9406)
constexpr Time kIdleMin = std::chrono::seconds(4);     // longer than an initial RTO

std::uint32_t flight(const Tcb& tcb) {
  return tcb.snd_nxt - tcb.snd_una;
}

std::uint32_t pipe(const Tcb& tcb) {
  return flight(tcb) - std::min(flight(tcb), tcb.congestion.left);
}

// Selective acknowledgments say more than counting does; who has them may recover in other ways (RFC 6675, RFC 8985).
bool selective(const Tcb& tcb) {
  return tcb.sack();
}

// Full segments wait, and the peer's window has room: only the congestion window holds them back.
bool held_back(const Tcb& tcb) {
  const Congestion& cc = tcb.congestion;
  return tcb.snd_nxt < tcb.snd_end && tcb.snd_end - tcb.snd_nxt >= cc.smss && tcb.snd_nxt < tcb.snd_edge() &&
         tcb.snd_edge() - tcb.snd_nxt >= cc.smss && tcb.snd_una < tcb.snd_nxt;
}

// Section 3.1: the initial window. RFC 6928 allows ten segments, and that a single lost SYN leaves it as it is.
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
  cc.timed_out = cc.resent_to = tcb.iss;
}

// The window grows by an ACK of `octets`: in slow start by as much, or by SMSS; in congestion avoidance more slowly.
void grow(Congestion& cc, std::uint32_t octets) {
  const std::uint32_t before = cc.cwnd, reno_before = cc.reno;
  const bool avoidance = cc.cwnd >= cc.ssthresh;
  const auto linear = [&](std::uint32_t cwnd) {
    return static_cast<std::uint32_t>((std::uint64_t{octets} * cc.smss + cwnd - 1) / std::max(cwnd, 1u));
  };
  if (!avoidance) {
    cc.cwnd += std::max(octets, cc.smss);
    if (cc.cap == Rule::R5681_3_1_iw || cc.cap == Rule::R5681_3_1_iw_synloss) cc.cap = Rule::R5681_3_1_use;
  } else if (cc.halves) {
    cc.cwnd += linear(cc.cwnd);
  } else {
    cc.cwnd += std::max(octets / 2, std::max(cc.smss * cc.smss / cc.cwnd, 1u));
  }
  if (avoidance && (cc.cap == Rule::R5681_3_2_6 || cc.cap == Rule::R6582_3_2_full)) cc.cap = Rule::R5681_3_1_ca_inc;
  if (!avoidance && cc.cap == Rule::R5681_3_1_rto_cwnd && cc.cwnd >= 2 * cc.smss) {
    cc.cap = cc.cwnd >= cc.ssthresh ? Rule::R5681_3_1_rto_ssthresh : Rule::R5681_3_1_rto_cwnd;
  }
  if (avoidance && cc.cap == Rule::R5681_3_1_rto_cwnd) cc.cap = Rule::R5681_3_1_rto_ssthresh;
  cc.cwnd = std::min(cc.cwnd, Congestion::kArbitrarilyHigh);

  if (cc.reno < cc.reno_ssthresh) {
    cc.reno += std::min(octets, 2 * cc.smss);
    if (cc.cwnd - before > cc.reno - reno_before) {
      cc.soft_cap = octets < cc.smss ? Rule::R5681_3_1_ss_abc : Rule::R5681_3_1_ss_inc;
    }
  } else {
    cc.reno += linear(cc.reno);
    if (octets < cc.smss && !cc.other) cc.soft_cap = Rule::R5681_3_1_ca_bytes;
  }
  cc.reno = std::min(cc.reno, cc.cwnd);
}

// Equation (4). RFC 9438 keeps 0.7, of the window or of what was in flight; limited transmit does not count.
void reduce(Step& on, Rule cap) {
  Congestion& cc = on.tcb.congestion;
  const std::uint32_t outstanding = flight(on.tcb) - std::min(flight(on.tcb), cc.limited);
  const std::uint32_t widest = cc.halves ? outstanding : std::max(outstanding, std::min(cc.cwnd, 2 * outstanding));
  cc.prior = cc.cwnd;
  cc.scaled = 0;
  cc.ssthresh = std::max(cc.halves ? widest / 2 : widest / 10 * 7, 2 * cc.smss);
  cc.reno_ssthresh = std::max(outstanding / 2, 2 * cc.smss);
  cc.recover = on.tcb.snd_nxt;
  cc.recover_known = true;
  cc.lossless = false;
  cc.cap = cap;
  cc.soft_cap = Rule::MAY_18;
  cc.sure = 0;
  cc.flat = 0;
}

// No text has been acknowledged, and none lost.
bool first_burst(const Congestion& cc) {
  return cc.lossless && (cc.cap == Rule::R5681_3_1_iw || cc.cap == Rule::R5681_3_1_iw_synloss) && cc.duplicates == 0;
}

// Section 3.2, steps 2 and 3
void enter_recovery(Step& on) {
  Congestion& cc = on.tcb.congestion;
  const bool twice = !cc.lossless;
  reduce(on, twice ? Rule::R5681_4_3_twice : Rule::R5681_3_2_2);
  cc.phase = Phase::kRecovery;
  cc.cwnd = cc.ssthresh;
  cc.reno = cc.reno_ssthresh;
  cc.resent = 0;
  cc.delivered = cc.smss;
  cc.after_partial = false;
}

// Section 3.1: the loss window. What was in flight is given up for lost.
void enter_loss(Step& on) {
  Congestion& cc = on.tcb.congestion;
  const bool in_recovery = cc.phase == Phase::kRecovery;
  const bool again = cc.phase == Phase::kLoss && cc.timed_out == on.tcb.snd_una;
  if (!again) {
    reduce(on, in_recovery ? Rule::R5681_4_3_twice : Rule::R5681_3_1_rto_cwnd);
  }
  cc.phase = Phase::kLoss;
  cc.timed_out = cc.resent_to = on.tcb.snd_una;
  cc.cwnd = cc.reno = cc.smss;
  cc.left = flight(on.tcb);
  cc.duplicates = 0;
  cc.limited = 0;
}

}  // namespace

void congestion_acked(Step& on, SndSeq ack) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  if (cc.phase == Phase::kNone) {
    begin(on);
    return;
  }
  const std::uint32_t octets = ack - tcb.snd_una;
  const std::uint32_t flight_after = flight(tcb) - octets;
  cc.resent_to = later(cc.resent_to, tcb.snd_una);  // kept near, or in a long connection it would seem to lie ahead
  cc.progress = true;
  cc.scaled = 0;
  if (cc.acks < 255) ++cc.acks;
  const bool limited = cc.limited > 0 && cc.duplicates < kDupThresh;
  cc.duplicates = 0;
  cc.fr_due = cc.lt_due = false;
  cc.limited = 0;
  switch (cc.phase) {
    case Phase::kRecovery:
      if (ack < cc.recover) {  // a partial acknowledgment
        cc.after_partial = true;
        cc.partial_due = !selective(tcb) && cc.resent_to <= ack;  // the rest of what has just left again is on its way
        cc.left = cc.left - std::min(cc.left, octets) + cc.smss;  // inflation stays, less what was acknowledged
        cc.resent = cc.delivered = 0;
        return;
      }
      cc.phase = Phase::kOpen;
      cc.left = 0;
      cc.cap = cc.after_partial ? Rule::R6582_3_2_full : Rule::R5681_3_2_6;
      return;
    case Phase::kLoss:
      cc.left = std::min(cc.left, flight_after);
      if (cc.resent_to < ack) {  // more than was sent again: the timeout may have been spurious (RFC 5682)
        cc.cwnd = std::max(cc.cwnd, cc.prior);
        cc.ssthresh = Congestion::kArbitrarilyHigh;
        cc.cap = Rule::R5681_3_1_use;
      }
      if (cc.recover <= ack) {
        cc.phase = Phase::kOpen;
        cc.left = 0;
      }
      break;
    default:
      cc.left = 0;
      break;
  }
  grow(cc, octets);
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
  cc.left += cc.smss;  // beyond what is in flight, too: inflation need not be capped
  if (cc.phase == Phase::kRecovery) cc.delivered += cc.smss;
  if (cc.phase != Phase::kOpen) return;
  if (cc.recover_known && tcb.snd_una <= cc.recover) return;
  const bool within = tcb.snd_una + std::min(cc.smss, flight(tcb)) <= tcb.snd_edge();
  const bool within_two = flight(tcb) + cc.largest <= cc.sure + (kDupThresh - 1) * cc.largest;
  if (cc.duplicates < kDupThresh) cc.lt_due = held_back(tcb) && within_two;
  if (cc.duplicates == kDupThresh) cc.fr_due = flight(tcb) >= 4 * cc.smss && within;
}

void congestion_informed(Step& on, SndSeq highest, bool undone) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  if (cc.phase == Phase::kNone) return;
  if (tcb.snd_una < highest && highest <= tcb.snd_nxt) {
    cc.left = std::max(cc.left, highest - tcb.snd_una);
    if (cc.phase == Phase::kRecovery) cc.delivered += cc.smss;
  }
  if (undone && !cc.lossless && cc.prior != 0) {
    cc.cwnd = std::max(cc.cwnd, cc.prior);
    cc.ssthresh = Congestion::kArbitrarilyHigh;
    cc.cap = Rule::R5681_3_1_use;
  }
}

void congestion_path_lowered(Step& on, std::uint32_t before, std::uint32_t after) {
  Congestion& cc = on.tcb.congestion;
  if (cc.phase != Phase::kOpen || !cc.lossless || after >= before || before == 0) return;
  const std::uint64_t cwnd = cc.scaled != 0 ? cc.scaled : cc.cwnd;
  cc.scaled = static_cast<std::uint32_t>(std::max<std::uint64_t>(cwnd * after / before, after));
  cc.scaled_sent = 0;
}

bool congestion_admits(Step& on, SndSeq seq, std::uint32_t octets, bool again, std::uint32_t added) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  if (cc.phase == Phase::kNone || octets == 0) return true;
  if (tcb.snd_wnd == 0) {  // a window probe
    cc.sent_at = on.env.now;
    return true;
  }
  const bool front = seq <= tcb.snd_una;
  cc.largest = std::max(cc.largest, octets);
  const bool by_timer = again && !cc.arrived_since_quiet;
  bool replaces = false;
  const bool loss_probe = selective(tcb) && !cc.arrived_since_quiet;
  if (by_timer && front && !(loss_probe && flight(tcb) <= cc.smss && cc.timed_out != tcb.snd_una)) enter_loss(on);
  if (by_timer && front) cc.timed_out = tcb.snd_una;
  if (cc.scaled != 0) {
    cc.scaled_sent += octets;
    // Rounding, and one segment that a timer or a probe may have added.
    if (cc.scaled_sent > cc.scaled + 2 * octets) on.depart(Rule::R5681_3_1_pmtu);
  }
  const bool reopened = cc.window_moved && !cc.fr_due;  // what a closed window has refused goes again, lost or not
  if (again && cc.arrived_since_quiet && cc.phase == Phase::kOpen && !reopened &&
      (cc.duplicates > 0 || selective(tcb))) {
    if (!front && !selective(tcb) && cc.duplicates >= kDupThresh && cc.fr_due) {
      on.refuse(Rule::R5681_3_2_3, 1);
      return false;
    }
    if (front) {
      if (cc.fr_due) {
        on.cite(Rule::R5681_3_2_fr);
        on.cite(Rule::R5681_3_2_3);
      }
      enter_recovery(on);
      replaces = true;  // the first copy is lost
    }
  } else if (again && cc.arrived_since_quiet && cc.phase == Phase::kLoss && front && cc.duplicates >= kDupThresh &&
             !cc.progress && !selective(tcb) && cc.timed_out == tcb.snd_una) {
    on.depart(Rule::R6582_3_2_recover);
    cc.cap = Rule::R6582_3_2_recover;
  }
  if (again && front) cc.fr_due = false;
  if (again && front && cc.partial_due) {
    cc.partial_due = false;
    on.cite(Rule::R6582_3_2_partial);
    replaces = true;
  }
  if (!again && cc.lt_due) cc.limited += octets;
  if (!again) cc.news = true;

  const SndSeq end = seq + octets;
  const std::uint32_t more = replaces ? 0 : again ? octets : end - std::min(tcb.snd_nxt, end);
  const std::uint32_t before = pipe(tcb) - std::min(pipe(tcb), added);
  // Limited transmit: two segments beyond cwnd, for the first duplicate already. `left` has one for each.
  const bool limited = !again && cc.phase == Phase::kOpen && 0 < cc.duplicates && cc.duplicates < kDupThresh;
  const std::uint32_t beyond = limited ? (kDupThresh - 1u - cc.duplicates) * cc.smss : 0;
  const std::uint32_t slack = beyond + (loss_probe ? cc.smss : 0) + (cc.halves && cc.cwnd >= cc.ssthresh ? cc.smss : 0);
  if (cc.sent_at != Congestion::kNever && tcb.snd_una == tcb.snd_nxt &&
      on.env.since - cc.sent_at > std::max<Time>(kIdleMin, 4 * tcb.rtt_max) && cc.reno > cc.initial) {
    cc.reno = cc.initial;
    cc.soft_cap = Rule::R5681_4_1_idle;
  }
  cc.sent_at = on.env.now;
  // RFC 6937 lets recovery go down step by step: a share of what is delivered may be sent.
  const bool proportional = cc.phase == Phase::kRecovery && cc.resent + more <= cc.delivered / 10 * 7 + 2 * cc.smss;
  if (cc.phase == Phase::kRecovery) cc.resent += again ? octets : more;
  if (first_burst(cc)) return true;     // judged as a whole
  if (!on.env.user_known) return true;  // a window can only be counted where silence shows that it is full
  if (before > 0 && before + more > cc.cwnd + slack && !proportional) {
    Rule rule = cc.cap;
    if (selective(tcb) && cc.duplicated && !cc.progress && cc.lossless) rule = Rule::R5681_3_2_1_lt_sack;
    if (cc.phase == Phase::kRecovery && again) rule = Rule::R5681_4_3_half;
    const bool inflated = cc.delivered > cc.smss;  // duplicate ACKs have come since recovery began
    if (cc.phase == Phase::kRecovery && !again && inflated && cc.resent > cc.delivered) rule = Rule::R5681_3_2_4;
    on.refuse(rule, 1);
    return false;
  }
  if (before > 0 && before + more > cc.reno + beyond + cc.smss / 2 && cc.phase != Phase::kRecovery) {
    if (info(cc.soft_cap).level == Level::kShould) {
      on.depart(cc.soft_cap);
    } else {
      on.cite(Rule::MAY_18, true);
      cc.other = true;
    }
    cc.soft_cap = Rule::MAY_18;
    cc.reno = before + more;
    cc.reno_ssthresh = cc.ssthresh;
  }
  if (again) {
    cc.left -= std::min(cc.left, more);
    cc.resent_to = later(cc.resent_to, end);
  }
  return true;
}

namespace {

// Does the flight of each round trip grow as slow start and congestion avoidance demand? No less than a little.
void watch_growth(Step& on) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  if (tcb.snd_una < cc.round_end) return;
  const std::uint32_t now = flight(tcb), last = cc.round_flight;
  const bool each = (cc.acks + 1u) * cc.largest >= last;  // an ACK for nearly every segment
  const bool unreduced = cc.lossless && !tcb.ecn.heard;   // an echo of CE ends slow start as a loss does (RFC 3168)
  const bool avoids = !cc.lossless && cc.reno_ssthresh <= last;
  if (last >= cc.smss && each && cc.phase == Phase::kOpen) {
    if (unreduced && last < kDelayBasedFrom * cc.smss) {
      cc.flat = now <= last + last / 6 ? static_cast<std::uint8_t>(cc.flat + 1) : std::uint8_t{0};
      if (cc.flat == 0) on.cite(Rule::R5681_3_1_ssthresh_init);
      if (cc.flat >= kFlatSlowStart) on.depart(Rule::R5681_3_1_ssthresh_init);
    } else if (avoids) {
      cc.flat = now <= last ? static_cast<std::uint8_t>(cc.flat + 1) : std::uint8_t{0};
      if (cc.flat == 0) on.cite(Rule::R5681_3_1_ca_should);
      if (cc.flat >= kFlatAvoidance) on.depart(Rule::R5681_3_1_ca_should);
    }
    if (cc.flat >= kFlatAvoidance || (unreduced && cc.flat >= kFlatSlowStart)) cc.flat = 0;
  }
  cc.round_end = tcb.snd_nxt;
  cc.round_flight = now;
  cc.acks = 0;
}

}  // namespace

void congestion_silent(Step& on) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  if (cc.phase == Phase::kNone || tcb.state == State::kClosed) return;
  const bool held = held_back(tcb);
  if (cc.scaled != 0 && cc.scaled_sent > 0 && cc.scaled + 2 * cc.largest < flight(tcb)) on.cite(Rule::R5681_3_1_pmtu);
  const SndSeq text_nxt = earlier(tcb.snd_nxt, tcb.snd_end);  // a FIN is no octet of text
  const std::uint32_t text = tcb.snd_una < text_nxt ? text_nxt - tcb.snd_una : 0;
  if (first_burst(cc) && text > cc.cwnd && tcb.snd_wnd != 0) {
    const bool unbounded = cc.cap == Rule::R5681_3_1_iw && text > 2 * cc.initial;
    on.refuse(!unbounded ? cc.cap : tcb.no_delay ? Rule::S3_7_4_nodelay_cwnd : Rule::MUST_19, 1);
    return;
  }
  if (cc.fr_due) on.depart(Rule::R5681_3_2_fr);
  if (cc.partial_due && tcb.snd_una + cc.smss <= tcb.snd_edge()) on.depart(Rule::R6582_3_2_partial);
  if (cc.lt_due && cc.duplicated) {
    if (cc.news) {
      on.cite(Rule::R5681_3_2_1_lt);
    } else {
      on.depart(Rule::R5681_3_2_1_lt);
    }
  }
  if (cc.phase == Phase::kLoss && !selective(tcb) && cc.duplicates >= kDupThresh && cc.duplicated) {
    on.cite(Rule::R6582_3_2_recover);
  }
  if (cc.phase == Phase::kRecovery && !selective(tcb) && cc.duplicated && cc.duplicates > kDupThresh) {
    on.cite(Rule::R5681_3_2_4);
    if (cc.news) on.cite(Rule::R5681_3_2_5);
    const std::uint32_t gone = std::min(flight(tcb), cc.duplicates * cc.largest);
    if (!cc.news && held && flight(tcb) - gone + 2 * cc.smss <= cc.reno_ssthresh) on.depart(Rule::R5681_3_2_5);
  }
  const bool inflated = cc.phase == Phase::kRecovery;  // it shows nothing of the window that comes after
  if (cc.news && cc.duplicates == 0 && !inflated) cc.sure = std::max(cc.sure, flight(tcb));
  if (held) {
    on.cite(cc.cap);
    if (cc.cap == Rule::R5681_3_1_iw) {
      on.cite(Rule::MUST_19);
      if (tcb.no_delay) on.cite(Rule::S3_7_4_nodelay_cwnd);
    } else {
      on.cite(Rule::R5681_3_1_use);
    }
    if (info(cc.soft_cap).level == Level::kShould) on.cite(cc.soft_cap);
    if (cc.phase == Phase::kRecovery) on.cite(Rule::R5681_4_3_half);
    if (selective(tcb) && cc.duplicated && !cc.progress && cc.phase == Phase::kOpen) on.cite(Rule::R5681_3_2_1_lt_sack);
    // What an algorithm of 0.7 would have sent on.
    if (cc.cap == Rule::R5681_3_2_6 && !cc.lossless && cc.progress && flight(tcb) <= cc.reno_ssthresh + cc.smss &&
        cc.reno_ssthresh + 2 * cc.smss < cc.ssthresh && !cc.other) {
      cc.halves = true;
      cc.ssthresh = cc.reno_ssthresh;
      cc.cwnd = cc.reno;
    }
    watch_growth(on);
  }
  cc.lost_told = cc.arrived_since_quiet = cc.progress = cc.window_moved = cc.duplicated = cc.news = false;
  cc.fr_due = cc.partial_due = cc.lt_due = false;
}

}  // namespace tcpassay
