// SPDX-License-Identifier: Apache-2.0
// RFC 3168 section 6.1: the agreement, the marks and the receiver. RFC 8311 allows experiments to do otherwise.
// Accurate ECN (RFC 9768, a SYN with AE) shows on the wire; where both sides have agreed to it, nothing is judged here.
#include "models/explicit_congestion.h"

#include "models/step.h"

namespace tcpassay::ecn {
namespace {

using Echo = ExplicitCongestion::Echo;

constexpr std::uint8_t kCe = 3, kEct0 = 2, kAe = 1;  // AE is one of the reserved bits

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
  const bool brings_news = tcb.rcv_nxt_max <= seg.seq || (seg.seq < tcb.rcv_nxt && tcb.rcv_nxt_max < end);
  const bool surely_taken = !seg.text.empty() && !behind_fin && brings_news && (!tcb.edge_known || end <= tcb.rcv_edge);
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
    if (on.refused() || !new_text_departs(on, seg, end)) return;
  } else if (octets > 0) {
    mixed_text_departs(on, seg);
  }
  if (!on.refused()) echo_departs(on, seg, !old && !probe);
}

}  // namespace tcpassay::ecn
