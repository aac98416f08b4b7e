// SPDX-License-Identifier: Apache-2.0
// Explicit congestion notification: RFC 3168 section 6.1.
#include <algorithm>

#include "harness/targets/own/stack.h"

namespace own {

// 6.1.1: what our SYN or SYN,ACK says.
void Stack::ecn_setup(Connection& c, Segment& syn) {
  Ecn& ecn = c.ecn;
  if (planted.has(Defect::ecn_ect_on_syn) && settings.ecn != 0) syn.ecn = kEct0;
  const bool willing = settings.ecn != 0 && !variants.has(LegalVariant::ecn_never);
  if (!syn.ctl.ack) {
    const bool once = c.syn_retransmitted && variants.has(LegalVariant::ecn_asked_once);
    ecn.declined = ecn.declined || (ecn.asked && once);
    if (settings.ecn != 1 || !willing || once) return;
    syn.ctl.ece = true;
    syn.ctl.cwr = !planted.has(Defect::ecn_half_setup);
    ecn.asked = true;
    return;
  }
  if (!willing) {
    syn.ctl.ece = syn.ctl.cwr = ecn.peer_asked && planted.has(Defect::ecn_reflects_setup);
    syn.ctl.ece |= ecn.peer_asked && c.syn_retransmitted && planted.has(Defect::ecn_agrees_when_sent_again);
    return;
  }
  syn.ctl.ece = ecn.agreed || planted.has(Defect::ecn_synack_unasked);
}

// What the peer's SYN or SYN,ACK says.
void Stack::ecn_setup_arrives(Connection& c, const Segment& syn) {
  Ecn& ecn = c.ecn;
  if (!syn.ctl.ack) {
    ecn.peer_asked = syn.ctl.ece && syn.ctl.cwr;
    ecn.agreed = ecn.peer_asked && settings.ecn != 0 && !variants.has(LegalVariant::ecn_never);
    return;
  }
  const bool reflected = syn.ctl.cwr && !planted.has(Defect::ecn_believes_reflection);
  ecn.agreed = ecn.asked && ((syn.ctl.ece && !reflected) || planted.has(Defect::ecn_marks_unasked));
}

// 6.1.2: new text is ECT, and the first after a reduction has CWR.
void Stack::ecn_mark(Connection& c, Segment& seg, bool again) {
  Ecn& ecn = c.ecn;
  if (!ecn.agreed) return;
  const bool probe = c.snd_wnd == 0;
  if (probe) {
    const bool later = again && planted.has(Defect::ecn_ect_on_later_probes);
    if (later || planted.has(Defect::ecn_ect_on_probe)) seg.ecn = kEct0;
    return;
  }
  if (again) {
    const bool later = c.cc.recovering && seg.seq != c.snd_una && planted.has(Defect::ecn_ect_on_later_holes);
    if (later || planted.has(Defect::ecn_ect_on_retransmission)) seg.ecn = kEct0;
    seg.ctl.cwr = planted.has(Defect::ecn_cwr_on_retransmission);
    return;
  }
  if (variants.has(LegalVariant::ecn_unmarked) || ecn.declined) return;
  seg.ecn = planted.has(Defect::ecn_ect1) || variants.has(LegalVariant::ecn_ect1) ? kEct1 : kEct0;
  const bool silent = c.fin_queued && planted.has(Defect::ecn_no_cwr_before_fin);
  seg.ctl.cwr = ecn.cwr_due && !silent && !planted.has(Defect::ecn_no_cwr);
  if (!planted.has(Defect::ecn_cwr_sticks)) ecn.cwr_due = false;
}

// After any reduction of the congestion window: no other one until all octets now in flight are acknowledged.
void Stack::ecn_reduced(Connection& c) {
  if (!c.ecn.agreed) return;
  c.ecn.cwr_due = true;
  c.ecn.reacts = true;
  c.ecn.halved = false;
  c.ecn.recover = c.snd_nxt;
}

// ECE on an ACK that moves SND.UNA: the congestion window is halved, to one segment at least. When it is
// one segment already, the next waits for the timer.
void Stack::ecn_echo_arrives(Connection& c, const Segment& seg) {
  Ecn& ecn = c.ecn;
  ecn.no_growth = ecn.agreed && seg.ctl.ece;
  const bool deaf = c.state == State::kCloseWait && planted.has(Defect::ecn_no_reaction_in_close_wait);
  if (!ecn.agreed || !seg.ctl.ece || deaf) return;
  const bool same_window = ecn.reacts && le(seg.ack, ecn.recover) && !planted.has(Defect::ecn_reacts_to_each);
  if (same_window && planted.has(Defect::ecn_grows_in_window_of_reduction)) ecn.no_growth = false;
  if (same_window || (ecn.reacts && planted.has(Defect::ecn_reacts_to_first_only))) return;
  ecn_reduced(c);
  Congestion& cc = c.cc;
  const bool ends = cc.recovering && ge(seg.ack, cc.recover);  // then new_ack() takes SSTHRESH for the window
  if ((cc.recovering && !ends) || planted.has(Defect::ecn_no_reduction)) return;
  // In recovery the flight is inflated by what duplicate ACKs have let go.
  const std::uint32_t outstanding = c.snd_nxt - c.snd_una;
  const std::uint32_t flight = ends ? std::min(outstanding, cc.ssthresh + cc.limited) : outstanding;
  const bool hurries = c.selective.permitted && planted.has(Defect::ecn_does_not_wait_with_sack);
  ecn.waits = !ends && cc.cwnd <= cc.smss && !hurries && !planted.has(Defect::ecn_does_not_wait);
  cc.reduce(flight);
  ecn.halved = true;
  if (ends) return;
  cc.cwnd = std::max(cc.cwnd / 2, cc.smss);
  cc.counted = 0;
}

// 6.1.3: CE and CWR on text in the window.
void Stack::ecn_text_arrives(Connection& c, const Segment& seg) {
  Ecn& ecn = c.ecn;
  if (!ecn.agreed) return;
  if (seg.ctl.cwr && !planted.has(Defect::ecn_echo_never_ends)) {
    ecn.ended = ecn.ended || ecn.echo;
    ecn.echo = false;
  }
  if (seg.ctl.cwr && planted.has(Defect::ecn_cwr_hides_ce)) return;
  if (seg.ecn != kCe || planted.has(Defect::ecn_ce_ignored)) return;
  if (ecn.ended && planted.has(Defect::ecn_second_ce_ignored)) return;
  ecn.echo = true;
}

// 6.1.5: CE outside the window is ignored, but not on a window probe (6.1.6). A retransmitted SYN that no longer asks
// for ECN withdraws the request (6.1.1.1).
void Stack::ecn_unacceptable(Connection& c, const Segment& seg) {
  Ecn& ecn = c.ecn;
  if (c.state == State::kSynReceived && seg.ctl.syn && !seg.ctl.ack && !(seg.ctl.ece && seg.ctl.cwr)) {
    ecn.agreed = ecn.agreed && planted.has(Defect::ecn_keeps_agreement);
  }
  const bool probe = c.rcv_wnd == 0 && seg.seq == c.rcv_nxt && !planted.has(Defect::ecn_probe_ce_ignored);
  if (seg.text.empty() || !(probe || planted.has(Defect::ecn_ce_anywhere))) return;
  ecn_text_arrives(c, seg);
}

}  // namespace own
