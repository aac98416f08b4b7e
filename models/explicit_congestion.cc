// SPDX-License-Identifier: Apache-2.0
// RFC 3168 section 6.1. RFC 8311 allows experiments to do otherwise. Accurate ECN (RFC 9768, a SYN with AE) shows on
// the wire; where both sides have agreed to it, nothing is judged here.
#include "models/explicit_congestion.h"

#include <algorithm>

#include "models/step.h"

namespace tcpassay::ecn {
namespace {

using Echo = ExplicitCongestion::Echo;
using Cwr = ExplicitCongestion::Cwr;

constexpr std::uint8_t kCe = 3, kEct0 = 2, kAe = 1;             // AE is one of the reserved bits
constexpr Time kTimerAtLeast = std::chrono::milliseconds(100);  // no retransmission timer is shorter
// Of the window that remain: RFC 3168 keeps 50, CUBIC 70, RFC 8511 (ABE) up to 85.
constexpr std::uint32_t kLossPercent = 85;

bool accurate(const Ctl& ctl) {
  return ctl.cwr || (ctl.reserved & kAe) != 0;
}

void echo_begins(ExplicitCongestion& state) {
  if (state.echo == Echo::kOn) return;
  state.echo = Echo::kOn;
  state.echoed = false;
}

Rule echo_rule(const ExplicitCongestion& state) {
  if (state.echoed) return Rule::R3168_6_1_3_ece;
  return state.ended ? Rule::R3168_6_1_3_ece_again : Rule::R3168_6_1_1_process;
}

// 6.1.3: every acknowledgment has ECE from the arrival of CE to that of CWR, and no other has it. `strict`: the segment
// is a pure ACK or new text; one that is sent again may still have the bits it had before.
void echo_departs(Step& on, const Departing& seg, bool strict) {
  ExplicitCongestion& state = on.tcb.ecn;
  if (!state.processes_ce()) return;
  if (seg.ctl.ece) {
    if (state.echo == Echo::kOff) {
      on.refuse(Rule::R3168_6_1_3_ece, 1);
      return;
    }
    if (state.echo == Echo::kOn) on.cite(echo_rule(state));
    state.echoed = true;
  } else if (state.echo == Echo::kOn && strict) {
    on.refuse(echo_rule(state), 1);
  } else if (state.ended && strict) {
    on.cite(Rule::R3168_6_1_3_ece);
  }
}

// 6.1.1: new text may have ECT when both sides have agreed and no SYN since has said otherwise.
void mark_departs(Step& on, const Departing& seg) {
  ExplicitCongestion& state = on.tcb.ecn;
  if (seg.ip.ecn() == 0) {
    if (state.reflected && state.setup_sent) on.cite(Rule::R3168_6_1_1_reflect);
    if (state.setup_sent || state.setup_received) {
      if (!state.may_mark()) {
        on.cite(Rule::R3168_6_1_1_ect_cond);
      } else if (state.other_received) {
        on.cite(Rule::R3168_6_1_1_ect_should);
      }
    }
    return;
  }
  if (!state.may_mark()) {
    on.refuse(state.reflected ? Rule::R3168_6_1_1_reflect : Rule::R3168_6_1_1_ect_cond, 1);
    return;
  }
  if (state.other_received) {
    on.depart(Rule::R3168_6_1_1_ect_should);
    return;
  }
  state.marks = true;
  seg.ip.ecn() == kEct0 ? on.cite(Rule::R3168_5_ect0) : on.depart(Rule::R3168_5_ect0);
}

// 6.1.2: CWR on the first new text after a reduction, and on no other.
void cwr_departs(Step& on, const Departing& seg) {
  ExplicitCongestion& state = on.tcb.ecn;
  if (seg.ctl.cwr) {
    if (state.cwr == Cwr::kNo) {
      const bool same_window = state.window_reduced && on.tcb.snd_una < state.recover && !state.cwr_sent;
      on.depart(same_window ? Rule::R3168_6_1_2_react : Rule::R3168_6_1_2_cwr_first);
    } else if (state.cwr == Cwr::kAfterLoss) {
      on.cite(Rule::R3168_6_1_2_cwr_any);
    } else if (state.cwr == Cwr::kDue) {
      on.cite(Rule::R3168_6_1_1_cwr);
      on.cite(Rule::R3168_6_1_2_cwr_first);
    }
  } else if (state.cwr == Cwr::kDue) {
    on.refuse(Rule::R3168_6_1_1_cwr, 1);
    return;
  } else if (state.cwr == Cwr::kAfterLoss) {
    on.depart(Rule::R3168_6_1_2_cwr_any);
  } else if (state.cwr_sent) {  // cleared again
    on.cite(Rule::R3168_6_1_1_cwr);
    on.cite(Rule::R3168_6_1_2_cwr_first);
    on.cite(Rule::R3168_6_1_2_react);
  }
  state.cwr_sent = seg.ctl.cwr;
  state.cwr = Cwr::kNo;
}

// 5 and 6.1.2: how large the flight may be after an echo, if the congestion window was its limit before.
void flight_departs(Step& on, SndSeq end) {
  ExplicitCongestion& state = on.tcb.ecn;
  const Tcb& tcb = on.tcb;
  if (state.at_one_segment) {
    if (on.env.now.count() < state.one_segment_echo_at + kTimerAtLeast.count()) {
      on.refuse(Rule::R3168_6_1_2_cwnd1, 1);
      return;
    }
    on.cite(Rule::R3168_6_1_2_cwnd1);
    state.at_one_segment = false;
  }
  if (state.reduced_to == 0 || state.flight_at_echo == 0) return;
  const std::uint32_t in_flight = end - tcb.snd_una;
  const std::uint32_t limited = std::min<std::uint32_t>(tcb.congestion.duplicates, 2) * tcb.snd_mss;  // RFC 3042
  if (tcb.snd_una < state.recover) {
    if (in_flight > state.flight_at_echo + limited) {
      on.depart(Rule::R3168_6_1_2_noincrease);
    } else {
      on.cite(Rule::R3168_6_1_2_noincrease);
    }
    return;
  }
  const std::uint32_t since = tcb.snd_una - state.recover;  // the window grows again
  if (in_flight > state.reduced_to + since + limited) {
    on.refuse(Rule::R3168_5_ce_loss, 1);
    return;
  }
  on.cite(Rule::R3168_5_ce_loss);
  if (since > state.flight_at_echo) state.reduced_to = 0;
}

// Text is sent again, as a rule because it was lost, and a loss reduces the congestion window like an echo.
void resent_departs(Step& on, const Departing& seg, SndSeq end, const SendBefore& before) {
  ExplicitCongestion& state = on.tcb.ecn;
  if (seg.ip.ecn() != 0) {
    on.refuse(Rule::R3168_6_1_5_retx, 1);
    return;
  }
  if (!state.may_mark()) return;
  if (state.marks) {
    on.cite(Rule::R3168_6_1_5_retx);
    seg.ctl.cwr ? on.depart(Rule::R3168_6_1_2_cwr_retx) : on.cite(Rule::R3168_6_1_2_cwr_retx);
  }
  state.cwnd_limited = false;
  state.reduced_to = 0;
  const bool another = !state.window_reduced || state.recover <= before.snd_una;
  if (another) {
    state.window_reduced = true;
    state.recover = state.perhaps = before.snd_nxt;
  }
  if (on.why == Why::kTimeout) state.perhaps = before.snd_nxt;
  // 6.1.2: CWR follows a reduction for any reason, a timeout in the same window of data, too.
  if ((another || on.why == Why::kTimeout) && state.cwr == Cwr::kNo) state.cwr = Cwr::kMay;
  // The first retransmission may have been a loss probe; the second left because the timer had expired again.
  const bool expired_twice = on.tcb.rexmits >= 2 && end == before.snd_nxt;
  const bool fast = on.why == Why::kThirdDuplicate && on.tcb.congestion.phase == Congestion::Phase::kRecovery;
  if (state.marks && (expired_twice || fast) && seg.seq == before.snd_una && state.cwr == Cwr::kMay)
    state.cwr = Cwr::kAfterLoss;
}

// The segment probes the target's window, which is closed.
bool probes(const Tcb& tcb, const Arriving& seg) {
  return !seg.text.empty() && tcb.edge_known && tcb.rcv_edge == tcb.rcv_nxt && seg.seq == tcb.rcv_nxt;
}

void answer_probe(Step& on) {
  if (!on.should(Rule::R3168_6_1_6_probe_ce)) return;
  on.cite(Rule::R3168_6_1_6_probe_ce);
  echo_begins(on.tcb.ecn);
}

}  // namespace

bool reserved_bits_are_right(const ExplicitCongestion& state, const Departing& seg) {
  const Ctl& ctl = seg.ctl;
  if (ctl.reserved != kAe) return ctl.reserved == 0;
  if (ctl.syn && !ctl.ack) return ctl.ece && ctl.cwr;
  if (ctl.syn) return state.accurate_asked && !ctl.ece;
  return state.accurate || (state.unjudged && (state.accurate_offered || state.accurate_asked));
}

void syn_arrives(Step& on, const Arriving& syn) {
  ExplicitCongestion& state = on.tcb.ecn;
  const Ctl& ctl = syn.ctl;
  if (ctl.ack && state.accurate_offered && accurate(ctl)) {
    state.accurate = state.unjudged = true;
    return;
  }
  const bool setup = ctl.ece && ctl.cwr == !ctl.ack;
  (setup ? state.setup_received : state.other_received) = true;
  if (ctl.ack) state.reflected = ctl.cwr;
  if (!ctl.ack) state.accurate_asked = setup && (ctl.reserved & kAe) != 0;
}

// 6.1.1.1
bool tries_without(Step& on) {
  if (!on.tcb.ecn.setup_sent || !on.may(Rule::R3168_6_1_1_1_rst)) return false;
  on.reply({.form = Reply::Form::kSyn, .rule = Rule::R3168_6_1_1_1_rst});
  return true;
}

void syns_cross(Step& on) {
  ExplicitCongestion& state = on.tcb.ecn;
  if (state.setup_sent || state.setup_received) state.unjudged = true;
}

void text_arrives(Step& on, const Arriving& seg) {
  ExplicitCongestion& state = on.tcb.ecn;
  const Tcb& tcb = on.tcb;
  if (!state.processes_ce()) return;
  const bool ce = seg.ip.ecn() == kCe;
  if (!ce && !seg.ctl.cwr && state.echo != Echo::kEnding) return;
  const RcvSeq end = seg.seq + static_cast<std::uint32_t>(seg.text.size());
  const bool behind_fin = tcb.rcv_fin || (tcb.held_fin && tcb.fin_seq < end);
  const bool surely_taken =
      !seg.text.empty() && !behind_fin && tcb.rcv_nxt_max <= seg.seq && (!tcb.edge_known || end <= tcb.rcv_edge);
  if (seg.ctl.cwr && state.echo == Echo::kOn && (surely_taken || !on.may(Freedom::kCwrPassedOver))) {
    state.echo = Echo::kEnding;
    state.ended = true;
  } else if (state.echo == Echo::kEnding && surely_taken && !ce) {
    state.echo = Echo::kOff;
  }
  if (!ce || state.echo == Echo::kOn) return;
  if (probes(tcb, seg)) {
    answer_probe(on);
  } else if (surely_taken || !on.may(Freedom::kCePassedOver)) {
    echo_begins(state);
  }
}

// 6.1.5 and 6.1.6
void unacceptable_arrives(Step& on, const Arriving& seg) {
  ExplicitCongestion& state = on.tcb.ecn;
  const Tcb& tcb = on.tcb;
  if (tcb.state == State::kSynReceived && seg.ctl.syn && !seg.ctl.ack && seg.seq == tcb.irs) syn_arrives(on, seg);
  if (!state.processes_ce()) return;
  if (seg.ctl.cwr && state.echo == Echo::kOn && !on.may(Freedom::kCwrOfUnacceptable)) {
    state.echo = Echo::kEnding;
    state.ended = true;
  }
  if (seg.ip.ecn() != kCe || state.echo == Echo::kOn || seg.text.empty()) return;
  if (state.echo == Echo::kEnding) {
    if (!on.may(Freedom::kCeOfUnacceptable)) echo_begins(state);
  } else if (probes(tcb, seg)) {
    answer_probe(on);
  } else if (on.should(Rule::R3168_6_1_5_oow)) {
    on.cite(Rule::R3168_6_1_5_oow);
  } else {
    echo_begins(state);
  }
}

void ack_arrives(Step& on, const Arriving& seg, bool news) {
  ExplicitCongestion& state = on.tcb.ecn;
  const Tcb& tcb = on.tcb;
  if (seg.ctl.ece && (state.may_mark() || state.unjudged)) {
    state.echo_arrived = true;
    on.tcb.congestion.cwnd_at_least = 0;  // the window is smaller now
  }
  if (seg.ctl.ece && state.setup_sent) state.echo_meets(tcb.congestion.quiet_flight, tcb.snd_mss, tcb.snd_nxt);
  if (!seg.ctl.ece || !state.marks || state.unjudged) return;
  const bool same_window = state.window_reduced && seg.ack <= state.recover;
  const bool perhaps = state.window_reduced && !same_window && seg.ack <= state.perhaps;
  if (!same_window) state.flight_at_echo = tcb.congestion.quiet_flight;
  if (!news || perhaps || (same_window && seg.ack == state.recover)) {  // the target may react to this echo or not
    if (state.cwr == Cwr::kNo) state.cwr = Cwr::kMay;
    state.cwnd_limited = false;
    state.reduced_to = 0;
    if (!same_window) state.perhaps = tcb.snd_nxt;
    if (!same_window && !perhaps) {
      state.window_reduced = true;
      state.recover = tcb.snd_nxt;
    }
    return;
  }
  if (same_window) return;
  state.cwr = Cwr::kDue;
  state.window_reduced = true;
  state.recover = state.perhaps = tcb.snd_nxt;
  // The first of these echoes may have found a window between one and two segments, so the second one counts.
  const bool alone = state.cwnd_limited && state.flight_at_echo <= tcb.snd_mss;
  state.one_segment_echoes =
      alone ? static_cast<std::uint8_t>(std::min(state.one_segment_echoes + 1, 2)) : std::uint8_t{0};
  state.at_one_segment = state.one_segment_echoes == 2;
  state.one_segment_echo_at = on.env.now.count();
  state.reduced_to = 0;
  if (state.cwnd_limited) {
    state.reduced_to =
        std::max<std::uint32_t>(state.flight_at_echo / 100 * kLossPercent + tcb.snd_mss, 2u * tcb.snd_mss);
  }
}

// 6.1.1
void syn_departs(Step& on, const Departing& syn, bool again) {
  ExplicitCongestion& state = on.tcb.ecn;
  const Ctl& ctl = syn.ctl;
  if (syn.ip.ecn() != 0) {
    on.refuse(Rule::R3168_6_1_1_synect, 1);
    return;
  }
  on.cite(Rule::R3168_6_1_1_synect);
  bool setup = false;
  if (!ctl.ack) {
    setup = ctl.ece && ctl.cwr;
    if (ctl.ece != ctl.cwr) {
      on.depart(Rule::R3168_6_1_1_setup_syn);
    } else {
      on.cite(Rule::R3168_6_1_1_setup_syn);
    }
    if (setup) state.accurate_offered = (ctl.reserved & kAe) != 0;
    if (again && state.setup_sent) on.cite(Rule::R3168_6_1_1_1_timeout, !setup);
  } else {
    if (state.accurate_asked && accurate(ctl)) {
      state.accurate = state.unjudged = true;
      return;
    }
    setup = ctl.ece && !ctl.cwr;
    if (setup && !state.setup_received) {
      on.refuse(Rule::R3168_6_1_1_synack, 1);
      return;
    }
    if (ctl.cwr) {
      on.depart(Rule::R3168_6_1_1_unwilling);
    } else if (!setup) {
      on.cite(Rule::R3168_6_1_1_unwilling);
    }
    if (state.setup_received) {
      on.cite(Rule::R3168_6_1_1_synack_may, setup);
    } else {
      on.cite(Rule::R3168_6_1_1_synack);
    }
  }
  (setup ? state.setup_sent : state.other_sent) = true;
}

// 5.2: a packet whose loss the sender would not notice carries no ECT.
void reset_departs(Step& on, const Departing& rst) {
  const ExplicitCongestion& state = on.tcb.ecn;
  if (rst.ip.ecn() != 0) {
    if (!state.unjudged) on.refuse(Rule::R3168_5_2_unnoticed, 1);
  } else if (state.marks) {
    on.cite(Rule::R3168_5_2_unnoticed);
  }
}

void segment_departs(Step& on, const Departing& seg, const SendBefore& before) {
  ExplicitCongestion& state = on.tcb.ecn;
  const bool bits = seg.ip.ecn() != 0 || seg.ctl.ece || seg.ctl.cwr;
  if (state.unjudged || (!bits && !state.setup_sent && !state.setup_received)) return;
  const auto octets = static_cast<std::uint32_t>(seg.text.size());
  const SndSeq end = seg.seq + octets;
  const bool old = seg.seq < before.snd_nxt;
  const bool probe =
      before.snd_wnd == 0 && octets <= 1 && seg.len() == octets && (octets == 1 ? before.snd_edge <= seg.seq : old);
  if (probe) {
    if (seg.ip.ecn() != 0 || seg.ctl.cwr) {
      on.refuse(Rule::R3168_6_1_6_probe, 1);
      return;
    }
    if (state.marks) on.cite(Rule::R3168_6_1_6_probe);
  } else if (seg.len() == 0) {
    const Rule rule = old ? Rule::R3168_5_2_unnoticed : Rule::R3168_6_1_4_ack;
    if (seg.ip.ecn() != 0) {
      on.refuse(state.reflected ? Rule::R3168_6_1_1_reflect : rule, 1);
      return;
    }
    if (state.processes_ce()) on.cite(rule);
    if (state.marks && seg.ctl.cwr) on.depart(Rule::R3168_6_1_2_cwr_first);
  } else if (octets > 0 && end <= before.snd_nxt) {
    resent_departs(on, seg, end, before);
  } else if (octets > 0 && !old) {
    mark_departs(on, seg);
    if (on.refused()) return;
    if (state.marks) cwr_departs(on, seg);
    if (on.refused()) return;
    if (state.marks) flight_departs(on, end);
  }
  if (!on.refused()) echo_departs(on, seg, !old && !probe);
}

// Only the congestion window holds text back, when it does.
void falls_quiet(Step& on) {
  ExplicitCongestion& state = on.tcb.ecn;
  if (!state.marks) return;
  const Tcb& tcb = on.tcb;
  const std::uint32_t unsent = tcb.snd_nxt < tcb.snd_end ? tcb.snd_end - tcb.snd_nxt : 0;
  const std::uint32_t room = tcb.snd_nxt < tcb.snd_edge() ? tcb.snd_edge() - tcb.snd_nxt : 0;
  state.cwnd_limited = tcb.snd_una < tcb.snd_nxt && tcb.rexmits == 0 && std::min(unsent, room) >= tcb.snd_mss;
  if (state.cwnd_limited) state.limited_flight = tcb.snd_nxt - tcb.snd_una;
}

}  // namespace tcpassay::ecn
