// SPDX-License-Identifier: Apache-2.0
// 3.10.7.3: a segment arrives in SYN-SENT.
#include "models/explicit_congestion.h"
#include "models/segment_arrives_steps.h"

namespace tcpassay {
namespace {

// First: an ACK outside ISS < SEG.ACK =< SND.NXT draws a RST, unless the segment is one.
Then check_ack_bit(Step& on, const Arriving& seg) {
  const Tcb& tcb = on.tcb;
  const bool bad_ack = seg.ctl.ack && (seg.ack <= tcb.iss || tcb.snd_nxt < seg.ack);
  if (!bad_ack) return Then::kProceed;
  if (seg.ctl.rst) {
    on.cite(Rule::S3_5_3_synsent);
    on.cite(Rule::R5961_3_2_synsent);
    on.cite(Rule::SA3_1_bad_ack_rst);
    on.survives(Rule::SA3_1_bad_ack_rst);
    return Then::kReturn;
  }
  on.cite(Rule::S3_5_2_rst_ack);
  on.cite(Rule::SA3_1_bad_ack);
  on.cite_later(Rule::S3_5_2_same_state);
  on.survives(Rule::S3_5_2_same_state);
  on.reply(reset_reply(seg, Rule::SA3_1_bad_ack, true));
  return Then::kReturn;
}

// Second: a RST counts when its ACK is acceptable.
void reset_arrives(Step& on, const Arriving& rst) {
  on.cite(Rule::S3_5_3_synsent);
  if (!rst.ctl.ack) {
    on.cite(Rule::R5961_3_2_synsent);
    on.cite(Rule::SA3_2_noack);
    on.survives(Rule::SA3_2_noack);
    return;
  }
  if (ecn::tries_without(on)) return;
  on.tcb.signal = Signal::kNotOpened;  // a reset in the words of 3.10.7.3, a refusal in those of sockets
  on.delete_tcb(Rule::SA3_2_reset);
}

// Fourth: RCV.NXT <- SEG.SEQ+1, IRS <- SEG.SEQ
void take_peers_syn(Step& on, const Arriving& syn) {
  Candidate& tcb = on.tcb;
  // "Form an ACK segment" comes before the text and the FIN of the SYN,ACK: RCV.NXT as it was before these.
  tcb.rcv_nxt = tcb.rcv_nxt_before = tcb.rcv_nxt_max = syn.seq + 1;
  tcb.rcv_user = tcb.user_at_offer = tcb.syn_text_end = syn.seq + 1;
  tcb.irs = syn.seq;
  take_options(on, syn);
  tcb.rcv_edge = tcb.rcv_far = tcb.rcv_nxt + tcb.syn_wnd;  // what our SYN offered
  tcb.edge_known = tcb.edge_of_syn = true;
  ecn::syn_arrives(on, syn);
}

// Fourth: the text and FIN of a SYN,ACK are taken now. The text may be left for a retransmission, if it is not
// acknowledged.
void take_rest(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  if (seg.text.empty() && !seg.ctl.fin) return;
  on.cite(Rule::SA3_4_rest);
  if (!seg.text.empty()) on.cite(Rule::SA3_4_suppress);
  const RcvSeq end = tcb.rcv_nxt + static_cast<std::uint32_t>(seg.text.size());
  tcb.rcv_nxt_max = tcb.syn_text_end = end;
  on.allow_ack();
  if (!seg.ctl.fin) return;
  tcb.held_fin = true;
  tcb.fin_seq = end;
  reach_fin(on, false);
}

// Fourth, our SYN is acknowledged: ESTABLISHED.
void become_established(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  advance_snd_una(on, seg.ack);
  take_window(on, seg);
  on.cite(Rule::S3_4_syn_fin_count);
  if (seg.ack < on.tcb.snd_nxt) on.cite(Rule::SA3_1_bad_ack);  // of a part of what our SYN carried it is a good one
  on.cite_later(Rule::SA3_4_window);
  on.enter(State::kEstablished, Rule::SA3_4_established);
  tcb.was_open = true;
  fast_open::syn_ack_arrives(on);
  on.acknowledge_later(Rule::SA3_4_established);
  take_rest(on, seg);
}

// Fourth, the SYNs cross: SYN-RECEIVED.
void become_syn_received(Step& on, const Arriving& seg) {
  ecn::syns_cross(on);
  take_window(on, seg);
  if (!seg.text.empty() || seg.ctl.fin) {
    on.cite(Rule::SA3_4_queue);
    queue_from_syn(on, seg);
  }
  on.cite(Rule::MUST_10);
  on.cite(Rule::SA3_4_syn_received);
  on.reply({.form = Reply::Form::kSynAck, .rule = Rule::SA3_4_syn_received});
  on.enter(State::kSynReceived, Rule::SA3_4_syn_received);
}

}  // namespace

// 3.10.7.3. SYN-SENT STATE
void syn_sent_state(Step& on, const Arriving& seg) {
  // First, check the ACK bit:
  if (check_ack_bit(on, seg) == Then::kReturn) return;
  // Second, check the RST bit:
  if (seg.ctl.rst) {
    reset_arrives(on, seg);
    return;
  }
  // Third, check the security: no security option is in use.
  // Fourth, check the SYN bit:
  if (seg.ctl.syn) {
    take_peers_syn(on, seg);
    if (seg.ctl.ack) {
      become_established(on, seg);
    } else {
      become_syn_received(on, seg);
    }
    return;
  }
  // Fifth, if neither of the SYN or RST bits is set, then drop the segment and return.
  if (seg.ctl.fin) on.cite(Rule::SA4_8_unsynchronized);
  on.cite(Rule::SA3_5_neither);
}

}  // namespace tcpassay
