// SPDX-License-Identifier: Apache-2.0
// Acknowledgments: segments without text and FIN, and the acknowledgment field of every segment (RFC 9293 sections
// 3.8.6.1, 3.8.6.3 and 3.10.7.4).
#include "models/horizons.h"
#include "models/segment_arrives_steps.h"
#include "models/segment_departs_steps.h"

namespace tcpassay {
namespace {

bool numbers_an_old_octet(const Tcb& tcb, const Departing& seg) {
  return seg.seq == tcb.snd_una - 1 || seg.seq == tcb.snd_nxt - 1;
}

// 3.8.6.1: an empty segment with the number of an old octet probes a window that is closed.
bool is_window_probe(const Tcb& tcb, const Departing& seg) {
  return tcb.snd_wnd == 0 && tcb.snd_una < tcb.snd_limit() && numbers_an_old_octet(tcb, seg);
}

void window_probe_departs(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
  if (!ack_is_current(on, seg)) return;
  on.cite(Rule::MUST_36);
  if (!front_departs(on, true)) return;
  tcb.timed = false;
  if (tcb.rexmits < 255) ++tcb.rexmits;
  acknowledgment_seen(on, seg.ack);
}

// A keep-alive while text is outstanding, which 3.8.4 forbids.
bool is_early_keep_alive(const Tcb& tcb, const Departing& seg) {
  return tcb.keep.on && tcb.snd_una < tcb.snd_nxt && tcb.snd_wnd != 0 && !tcb.ack_now && !tcb.ack_later &&
         numbers_an_old_octet(tcb, seg);
}

// SEG.SEQ=SND.NXT. After the peer shrank its window SND.NXT may lie beyond it; such an ACK would not be acceptable to
// the peer, so it may have a number in the window instead.
bool ack_sequence_is_due(Step& on, const Departing& seg) {
  const Candidate& tcb = on.tcb;
  if (seg.seq == tcb.snd_nxt) return true;
  const bool shrunk = tcb.snd_edge() < tcb.snd_nxt;
  if (shrunk && tcb.snd_una <= seg.seq && seg.seq <= tcb.snd_edge()) return true;
  const Rule demands = blamed({
      {tcb.ack_now, tcb.ack_now_rule},
      {tcb.ack_later, tcb.ack_rule},
      {kOtherwise, at_work(tcb, Rule::SA4_7_ack)},
  });
  // Whether to answer may be a SHOULD; the form of what leaves is none. Nor has it to do with timestamps: an ACK
  // leaves.
  const bool of_form = info(demands).level == Level::kMust && demands != Rule::R7323_3_2_unnegotiated;
  return on.refuse(of_form ? demands : Rule::SA4_7_ack, 1);
}

// The target owes this acknowledgment, moves the window with it, acknowledges something new, or an arriving segment
// has called for it.
bool ack_is_called_for(Step& on, const Departing& seg) {
  const Candidate& tcb = on.tcb;
  const std::uint32_t wnd = static_cast<std::uint32_t>(seg.wnd) << (tcb.scaled() ? tcb.scale.rcv_shift : 0);
  const bool owed = tcb.ack_now || tcb.ack_later;
  const bool update = tcb.edge_known && tcb.rcv_edge < seg.ack + wnd;
  if (owed || update || seg.ack != tcb.rcv_acked || tcb.ack_credits != 0) return true;
  const Rule forbids = blamed({
      {tcb.reply.form != Reply::Form::kNone, tcb.reply.rule},                   // something else is due
      {tcb.now.has({Rule::R5681_4_2_one_ack, true}), Rule::R5681_4_2_one_ack},  // one has left already
      {kOtherwise, at_work(tcb, Rule::R5681_4_2_one_ack)},
  });
  // A rule by which the segment should be acknowledged does not ask for a second acknowledgment.
  return on.refuse(info(forbids).level == Level::kMust ? forbids : Rule::R5681_4_2_one_ack, 2);
}

// Text that was held filled the gap: the acknowledgment shows whether the target has kept it (3.8, SHLD-31).
bool filled_gap_acknowledged(Step& on, RcvSeq ack) {
  Candidate& tcb = on.tcb;
  std::int8_t& holds = tcb.traits[static_cast<std::size_t>(Trait::kHoldsText)];
  const bool all = ack == tcb.rcv_nxt_max;
  const bool unsure = tcb.contradicted || tcb.held.overflow;  // what is held is not known
  if (tcb.stamps.held_is_older && tcb.stamps.on() && holds > 0 && !unsure && ack <= tcb.rcv_edge) {
    if (!all) return on.refuse(Rule::R7323_5_3_once);  // it held the text, but tested its timestamps once more
    on.cite(Rule::R7323_5_3_once);
  }
  tcb.stamps.held_is_older = false;
  if (all) {
    on.cite(Rule::SHLD_31);
    on.cite(Rule::MUST_59);
    if (!tcb.contradicted) holds = 1;
  } else if (!unsure && ack < earlier(tcb.rcv_nxt_max, tcb.rcv_edge) && !tcb.held.unsure.may_be(ack)) {
    // Beyond the window, as it is now or was then, text need not be held.
    on.depart(Rule::SHLD_31);
    tcb.partial_gap_ack = true;
    tcb.partial_gap_ack_end = tcb.rcv_nxt_max;
    // Which of the text behind it is held still does not show.
    tcb.held.top = tcb.held.gap() ? later(tcb.held.top, tcb.rcv_nxt_max) : tcb.rcv_nxt_max;
    tcb.held.overflow = true;
    tcb.held.beyond = ack;
  }
  tcb.filled = false;
  return true;
}

// 3.8.6.3: an acknowledgment that may be delayed leaves.
bool delayed_ack_is_in_time(Step& on, bool alone) {
  Candidate& tcb = on.tcb;
  if (delayed_ack_is_overdue(on)) return on.refuse(tcb.ack_put_off ? Rule::R5681_4_2_500ms : Rule::MUST_40);
  on.cite(tcb.ack_rule);
  on.cite(Rule::MUST_40);
  on.cite(Rule::R5681_4_2_500ms);
  if (!alone) return true;  // text takes it along at once
  // Of a peer that has sent text behind its own FIN, it is open which text counts, and so whether an ACK was delayed.
  const bool in_sequence = tcb.ack_rule == Rule::SA4_7_ack && !tcb.ack_now && !tcb.contradicted;
  const bool prompt = in_sequence && tcb.prompt_acks < kPromptAcksMax;
  if (prompt && ++tcb.prompt_acks == kPromptAcksMax) {
    on.depart(Rule::SHLD_18);
  } else if (prompt) {
    on.takes(Freedom::kPromptAcks);
  }
  return true;
}

}  // namespace

void acknowledgment_departs(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
  if (is_window_probe(tcb, seg)) {
    window_probe_departs(on, seg);
    return;
  }
  if (is_early_keep_alive(tcb, seg)) {
    on.refuse(Rule::MUST_26, 1);
    return;
  }
  if (!ack_sequence_is_due(on, seg) || !ack_is_current(on, seg) || !ack_is_called_for(on, seg)) return;
  if (tcb.ack_credits > 0) {
    if (--tcb.ack_credits == 0) tcb.ack_missed = false;
    on.cite(Rule::R5681_4_2_one_ack);
  }
  window_offered(on, seg);
  acknowledgment_seen(on, seg.ack);
}

namespace {

// RFC 5681 section 3.2: what should leave immediately has waited, as if it were a delayed acknowledgment.
void immediate_ack_departs(Step& on) {
  const Candidate& tcb = on.tcb;
  const Rule rule = tcb.ack_now_rule;
  const bool due = tcb.ack_now && (rule == Rule::R5681_3_2_out_of_order || rule == Rule::R5681_3_2_fill);
  if (!due || !on.env.user_known) return;
  if (horizon(Horizon::kImmediateAck) < on.env.since - tcb.keep.heard_from) on.depart(rule);
}

// 3.8.6.3, SHLD-19: one acknowledgment for three full-sized segments, which came one after the other: it was due before
// the last of them. Segments of one instant may have been joined on their way.
void stretched_ack_departs(Step& on, RcvSeq ack) {
  const Candidate& tcb = on.tcb;
  const bool due = tcb.ack_now && tcb.ack_now_rule == Rule::SHLD_19 && ack == tcb.rcv_nxt_max && on.env.user_known;
  const std::uint32_t full = tcb.rcv_mss;
  if (!due || tcb.rcv_unacked < 3 * full || tcb.rcv_unacked_before < 2 * full) return;
  const Time first = tcb.ack_due - kDelayedAckMax;
  if (first + kClockSlack <= tcb.keep.heard_from) on.depart(Rule::SHLD_19);
}

}  // namespace

void acknowledgment_seen(Step& on, RcvSeq ack, bool alone) {
  Candidate& tcb = on.tcb;
  immediate_ack_departs(on);
  stretched_ack_departs(on, ack);
  const bool filled = tcb.filled;
  if (filled && !filled_gap_acknowledged(on, ack)) return;
  tcb.held.unsure.leave_behind(ack);
  if (tcb.ack_later && !delayed_ack_is_in_time(on, alone)) return;
  if (ack != tcb.rcv_acked) on.cite(Rule::S3_8_ack_current);
  if (tcb.mss_omitted && tcb.mss_refuted != RcvSeq{} && tcb.mss_refuted <= ack) {  // it takes more than the default
    on.depart(Rule::SHLD_5);
    tcb.mss_omitted = false;
  }
  tcb.rcv_nxt = tcb.rcv_nxt_max = tcb.rcv_acked = ack;
  if (filled && tcb.held_fin && tcb.fin_seq <= ack) tcb.held_fin = false;  // nothing is missing before it: not taken
  if (tcb.held.overflow && tcb.held.top <= ack) tcb.held.overflow = false;
  if (tcb.state == State::kTimeWait) tcb.time_wait.acknowledged = true;
  tcb.rcv_unacked = 0;
  tcb.ack_now = tcb.ack_later = false;
  // 3.10.7.3 acknowledges the SYN first and then takes the text that came with it, whose ACK may be delayed.
  const bool syn_alone = tcb.state == State::kEstablished && !tcb.passive && ack == tcb.irs + 1;
  if (!syn_alone || tcb.syn_text_end <= ack) return;
  tcb.rcv_nxt_max = tcb.syn_text_end;
  on.allow_ack();
}

// "The delay MUST be less than 0.5 seconds" (3.8.6.3): half a second is too late. RFC 793 names no time.
bool delayed_ack_is_overdue(const Step& on) {
  return on.since(Edition::k1122) ? on.tcb.ack_due <= on.env.since : on.tcb.ack_due < on.env.since;
}

bool early_ack(const Tcb& tcb, const Departing& seg) {
  const bool again = seg.ctl.fin && seg.seq < tcb.snd_nxt;
  const bool let_go = again || !seg.text.empty();  // by an ACK, before what came with it is taken
  if (tcb.reply.ends && !tcb.reply.lets_go) return false;
  return tcb.congestion.arrived_since_quiet && let_go && seg.ack < tcb.rcv_nxt && seg.ack == tcb.rcv_nxt_before;
}

bool ack_is_current(Step& on, const Departing& seg) {
  const Candidate& tcb = on.tcb;
  if (!seg.ctl.ack) return on.refuse(Rule::S3_1_ack_always, 1);
  const bool held_after_all = tcb.partial_gap_ack && tcb.rcv_nxt_max < seg.ack && seg.ack <= tcb.partial_gap_ack_end;
  if (held_after_all) return on.refuse(Rule::MUST_59, 1);
  if (early_ack(tcb, seg)) return true;
  const bool never_arrived = tcb.rcv_nxt_max - tcb.irs < seg.ack - tcb.irs;  // half the space away, too
  if (!never_arrived && !(seg.ack < tcb.rcv_nxt)) {
    on.cite(Rule::S3_1_ack_always);
    return true;
  }
  if (never_arrived && tcb.cut.may_be(seg.ack)) return on.refuse(takes_beyond_edge(tcb), 1);
  const bool all_but_the_fin = tcb.rcv_fin && !never_arrived && seg.ack == tcb.rcv_nxt - 1;
  const bool must_leave = tcb.ack_later || tcb.ack_now;
  const Rule called = at_work(tcb, Rule::S3_8_ack_current);  // a message about the path asks for no acknowledgment
  const bool of_path = called == Rule::R1191_3_reduce || called == Rule::R8201_4_reduce;
  const Rule demands = blamed({
      {all_but_the_fin && tcb.ack_later && info(tcb.ack_rule).level == Level::kMust, Rule::SA4_8_ack},
      {must_leave && !never_arrived && calls_upon(tcb, Rule::S3_4_modulo), Rule::S3_4_modulo},
      {tcb.ack_later, tcb.ack_rule},
      {tcb.ack_now, tcb.ack_now_rule},
      {kOtherwise, of_path ? Rule::S3_8_ack_current : called},
  });
  // A rule that an acknowledgment should leave, or text be held, does not allow it to name what never arrived, nor a
  // number that an earlier acknowledgment has left behind.
  return on.refuse(info(demands).level == Level::kMust ? demands : Rule::S3_8_ack_current, 2);
}

}  // namespace tcpassay
