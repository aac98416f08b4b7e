// SPDX-License-Identifier: Apache-2.0
#include "models/window_scale.h"

#include <algorithm>

namespace tcpassay {
namespace {

std::int8_t& scales(Tcb& tcb) {
  return tcb.traits[static_cast<std::size_t>(Trait::kScalesWindows)];
}

// The window of a segment with SYN is never scaled (RFC 7323 section 2.2), whether the SYN counts or not.
bool of_syn(const Tcb& tcb, const Arriving& seg) {
  return seg.ctl.syn || tcb.scale.syn_trimmed;
}

}  // namespace

std::uint32_t window_of(const Tcb& tcb, const Arriving& seg) {
  return of_syn(tcb, seg) || !tcb.scaled() ? seg.wnd : static_cast<std::uint32_t>(seg.wnd) << tcb.scale.snd_shift();
}

// Windows are scaled when both SYNs carry the option, and never on a SYN. A shift above 14 is used as 14.
void scale_of_syn(Tcb& tcb, const Arriving& syn) {
  tcb.scale.peer_offered = syn.opt.window_scale.has_value();
  tcb.scale.named = syn.opt.window_scale.value_or(0);
}

void window_arrives(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  const SndSeq edge = seg.ack + window_of(tcb, seg);
  if (!of_syn(tcb, seg) && tcb.scaled() && !tcb.scale.of_syn) {
    tcb.scale.receded = edge < tcb.scale.peer_edge;
    if (tcb.scale.receded) on.cite(Rule::R7323_2_4_shrink);
  }
  tcb.scale.peer_edge = edge;
  tcb.scale.peer_wnd = seg.wnd;
  tcb.scale.of_syn = of_syn(tcb, seg);
}

void scale_recorded(Step& on, const Arriving& seg, RcvSeq nxt) {
  Candidate& tcb = on.tcb;
  if (seg.opt.window_scale && !seg.ctl.syn) tcb.scale.stray = true;
  if (!tcb.scaled() || seg.text.empty() || nxt < seg.seq || tcb.rcv_nxt == nxt) return;
  // The text was in sequence and was taken. Did it fit only since the window is scaled, or only since a larger right
  // edge had been offered before?
  const RcvSeq end = seg.seq + static_cast<std::uint32_t>(seg.text.size());
  if (tcb.rcv_edge < end) return;
  const bool beyond = tcb.scale.edge < end;
  if (!beyond && end <= tcb.rcv_acked + tcb.scale.wnd) return;
  const Rule rule = beyond ? Rule::R7323_2_4_1 : Rule::R7323_2_3_out;
  on.tcb.now.remove({rule, true});
  on.cite(rule);
  if (tcb.ack_later) tcb.ack_rule = rule;
}

void scale_departs_on_syn(Step& on, const Departing& syn, bool again) {
  Candidate& tcb = on.tcb;
  const bool has = syn.opt.window_scale.has_value();
  if (has && *syn.opt.window_scale > kWindowShiftMax) {
    on.refuse(Rule::R7323_2_3_send14);
    return;
  }
  if (has) on.cite(Rule::R7323_2_3_send14);
  if (!again || syn.ctl.ack) {  // the target's SYN,ACK may have the option though its first SYN had not
    // Of two SYN,ACKs with and without the option the peer may go by either: both must have it (2.2).
    tcb.scale.withdrawn = again && !has ? std::max(tcb.scale.rcv_shift, tcb.scale.withdrawn) : std::uint8_t{0};
    tcb.scale.target_offered = has;
    tcb.scale.rcv_shift = syn.opt.window_scale.value_or(0);
  }
  if (again) return;
  if (!syn.ctl.ack) {
    on.cite(Rule::R7323_2_2_offer, has);
    if (!has && scales(tcb) > 0) on.depart(Rule::R7323_2_2_offer_zero);
    if (has && scales(tcb) > 0) on.cite(Rule::R7323_2_2_offer_zero);
    if (has && scales(tcb) < 0) on.depart(Rule::R7323_2_3_answer);
    if (has) scales(tcb) = 1;
    return;
  }
  if (!tcb.passive) return;  // crossing SYNs
  if (!tcb.scale.peer_offered) {
    if (has) {
      on.refuse(Rule::R7323_2_2_synack_only_if, 1);
    } else {
      on.cite(Rule::R7323_2_2_synack_only_if);
    }
    return;
  }
  on.cite(Rule::R7323_2_2_synack_only_if);
  if (!has && scales(tcb) > 0) on.depart(Rule::R7323_2_3_answer);
  if (has && scales(tcb) > 0) on.cite(Rule::R7323_2_3_answer);
  scales(tcb) = has ? 1 : -1;
}

bool scale_stands_on_syns_only(Step& on, const Departing& seg) {
  if (seg.ctl.syn) return true;
  if (seg.opt.window_scale) return on.refuse(Rule::R7323_2_1_syn_only, 1);
  if (on.tcb.scale.target_offered) on.cite(Rule::R7323_2_1_syn_only);
  return true;
}

Rule beyond_window(const Tcb& tcb, SndSeq end) {
  if (tcb.scale.stray) return Rule::R7323_2_2_nonsyn;
  if (!tcb.scaled()) {
    if (tcb.snd_edge() < tcb.snd_nxt && tcb.snd_edge() < tcb.snd_far) return Rule::SHLD_15;  // it was shrunk
    if (end <= tcb.scale.stale) return Rule::SA4_5_window_old;
    if (end <= tcb.scale.former) return Rule::SA4_5_window;
    return tcb.scale.of_syn && !tcb.passive ? Rule::SA3_4_window : Rule::S3_8_6_window;
  }
  if (tcb.scale.of_syn) return Rule::R7323_2_2_syn_unscaled;
  if (tcb.scale.named > kWindowShiftMax) return Rule::R7323_2_3_max14;
  if (tcb.scale.receded) return Rule::R7323_2_4_3;
  if (end <= tcb.scale.stale) return Rule::SA4_5_window_old;
  // An edge that was told and has moved back, or one that the peer never told: the window was read with another shift.
  if (end <= tcb.snd_far && tcb.snd_edge() < tcb.snd_far) return Rule::R7323_2_4_3;
  return tcb.scale.snd_shift() > 0 ? Rule::R7323_2_3_in : Rule::S3_8_6_window;
}

bool text_in_scaled_window(Step& on, SndSeq seq, SndSeq end, bool whole) {
  Candidate& tcb = on.tcb;
  const Scale& scale = tcb.scale;
  if (scale.stray && tcb.snd_end > tcb.snd_edge()) on.cite(Rule::R7323_2_2_nonsyn);
  if (!tcb.scaled() || tcb.scale.snd_shift() == 0) return true;
  const bool bounded = tcb.snd_edge() < tcb.snd_end;
  if (scale.of_syn) {
    if (bounded) on.cite(Rule::R7323_2_2_syn_unscaled);
    return true;
  }
  const SndSeq unscaled = tcb.snd_una + scale.peer_wnd;
  if (seq == tcb.snd_una && end == unscaled && !whole && end < tcb.snd_edge()) {
    on.refuse(Rule::R7323_2_3_in);
    return false;
  }
  if (unscaled < end) {
    on.cite(Rule::R7323_2_3_in);
    if (scale.named > kWindowShiftMax && bounded) on.cite(Rule::R7323_2_3_max14);
    if (scale.receded) on.cite(Rule::R7323_2_4_3);
  }
  return true;
}

bool scaled_window_offered(Step& on, const Departing& seg, RcvSeq edge) {
  Candidate& tcb = on.tcb;
  const bool one_sided = tcb.scale.peer_offered != tcb.scale.target_offered && !seg.ctl.syn;
  if (one_sided && tcb.edge_known) {
    const std::uint32_t kept = tcb.rcv_edge - seg.ack;
    const std::uint8_t shift = tcb.scale.target_offered ? tcb.scale.rcv_shift : tcb.scale.withdrawn;
    const bool scaled_all_the_same =
        shift > 0 && edge < tcb.rcv_edge && seg.wnd <= (kept >> shift) + 1u && seg.wnd + 2u >= kept >> shift;
    if (scaled_all_the_same) {
      on.refuse(Rule::R7323_2_2_both);
      return false;
    }
  }
  if (one_sided) on.cite(Rule::R7323_2_2_both);
  tcb.scale.wnd = seg.wnd;
  tcb.scale.edge = edge;
  return true;
}

}  // namespace tcpassay
