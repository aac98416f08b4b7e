// SPDX-License-Identifier: Apache-2.0
#include "models/segment_departs.h"

#include "models/ip_layer.h"
#include "models/keep_alive.h"
#include "models/loss_recovery.h"
#include "models/selective_acknowledgment.h"
#include "models/timestamps.h"
#include "models/unknown_user.h"
#include "models/urgent.h"
#include "models/window_scale.h"

namespace tcpassay {
namespace {

// The rule most at work: the last that the latest stimulus called upon and that leaves no freedom.
Rule at_work(const Possible& tcb, Rule otherwise) {
  Rule found = otherwise;
  for (int i = 0; i < tcb.prompted && i < tcb.now.size; ++i) {
    const Rule rule = tcb.now.items[static_cast<std::size_t>(i)].rule;
    if (info(rule).level != Level::kMay) found = rule;
  }
  return found;
}

// The rule that says why nothing may leave where there is no connection: of the call that was made, or of what arrived.
Rule says_nothing_leaves(const Possible& tcb, Rule otherwise) {
  constexpr Rule kSilent[] = {Rule::S3_10_4_closed,       Rule::S3_10_5_closed, Rule::S3_10_5_syn_sent,
                              Rule::S3_10_4_syn_received, Rule::MUST_34,        Rule::MUST_41};
  for (const Rule rule : kSilent) {
    if (tcb.now.has({rule, true}) || tcb.later.has({rule, true})) return rule;
  }
  return at_work(tcb, otherwise);
}

// What leaves where a RST is due. A SYN,ACK comes of a passive OPEN that is over.
Rule instead_of_reset(const Possible& tcb, const Departing& seg) {
  for (const Cite& cite : tcb.now) {
    const bool over = cite.rule == Rule::S3_10_4_listen || cite.rule == Rule::S3_10_5_listen;
    if (over && seg.ctl.syn) return cite.rule;
  }
  return tcb.reply.rule;
}

// The rule that wants the reply that has not come. That a SYN which crosses ours is answered at all is MUST-10.
Rule unanswered(const Possible& tcb) {
  return tcb.reply.rule == Rule::SA3_4_syn_received ? Rule::MUST_10 : tcb.reply.rule;
}

void acknowledgment_seen(Step& on, RcvSeq ack) {
  Possible& tcb = on.tcb;
  if (tcb.filled) {
    std::int8_t& holds = tcb.traits[static_cast<std::size_t>(Trait::kHoldsText)];
    const bool all = ack == tcb.rcv_nxt_max;
    if (tcb.stamps.held_is_older && tcb.stamps.on() && holds > 0 && !tcb.contradicted && !tcb.held_overflow &&
        ack <= tcb.rcv_edge) {
      if (!all) {  // it is known to hold text, and has looked at the timestamps of it again
        on.refuse(Rule::R7323_5_3_once);
        return;
      }
      on.cite(Rule::R7323_5_3_once);
    }
    tcb.stamps.held_is_older = false;
    if (all) {
      on.cite(Rule::SHLD_31);
      on.cite(Rule::MUST_59);
      if (!tcb.contradicted) holds = 1;
    } else if (!tcb.contradicted && !tcb.held_overflow &&
               ack < earlier(tcb.rcv_nxt_max, tcb.rcv_edge)) {  // what lay beyond the window need not have been held
      on.depart(Rule::SHLD_31);
      tcb.on_stairs = true;
      tcb.stairs_to = tcb.rcv_nxt_max;
    }
    tcb.filled = false;
  }
  if (tcb.ack_later) {
    if (tcb.ack_due < on.around.since) {
      on.refuse(tcb.ack_put_off ? Rule::R5681_4_2_500ms : Rule::MUST_40);
      return;
    }
    on.cite(tcb.ack_rule);
    on.cite(Rule::MUST_40);
    on.cite(Rule::R5681_4_2_500ms);
    if (tcb.ack_rule == Rule::SA4_7_ack && !tcb.ack_now && tcb.prompt_acks < kPromptAcksMax) {
      if (++tcb.prompt_acks == kPromptAcksMax) on.depart(Rule::SHLD_18);
    }
  }
  if (ack != tcb.rcv_acked) on.cite(Rule::S3_8_ack_current);
  tcb.rcv_nxt = tcb.rcv_nxt_max = tcb.rcv_acked = ack;
  if (tcb.state == State::kTimeWait) tcb.acked_in_time_wait = true;
  tcb.rcv_unacked = 0;
  tcb.ack_now = tcb.ack_later = false;
}

// RCV.NXT+RCV.WND as offered by this segment.
void window_offered(Step& on, const Departing& seg) {
  Possible& tcb = on.tcb;
  const std::uint32_t shift = tcb.scaled() && !seg.ctl.syn ? tcb.rcv_shift : 0;
  const std::uint32_t wnd = static_cast<std::uint32_t>(seg.wnd) << shift;
  const std::uint32_t unit = (1u << shift) - 1;  // rounding may take so much away (RFC 7323 section 2.4)
  const RcvSeq edge = seg.ack + wnd;
  if (wnd == 0 && tcb.edge_known && edge == tcb.rcv_edge) on.cite(Rule::MAY_8);
  if (!scaled_window_offered(on, seg, edge)) return;
  if (tcb.edge_known && !tcb.edge_of_syn) {
    if (edge + unit < tcb.rcv_edge) {
      on.depart(Rule::SHLD_14);
    } else {
      on.cite(Rule::SHLD_14);
      const std::uint32_t moved = edge < tcb.rcv_edge ? 0 : edge - tcb.rcv_edge;
      tcb.rcv_wnd_max = std::max(tcb.rcv_wnd_max, wnd);
      const bool mss_zero = tcb.mss_given && tcb.snd_mss == 0xffff;
      if (moved > unit && seg.wnd != 0xffff && synchronized(tcb.state) && !tcb.rcv_fin && !mss_zero) {
        if (moved < std::min<std::uint32_t>({tcb.rcv_mss, tcb.snd_mss, tcb.rcv_wnd_max / 2})) {
          on.depart(Rule::S3_8_6_2_2_threshold);
        } else {
          on.cite(Rule::S3_8_6_2_2_threshold);
        }
        const bool alone = seg.len() == 0 && seg.ack == tcb.rcv_acked && !tcb.ack_now && !tcb.ack_later;
        if (alone && moved < std::min<std::uint32_t>({tcb.rcv_mss, tcb.snd_mss, tcb.rcv_wnd_max / 2}) / 8) {
          if (++tcb.silly_updates == kSillyUpdatesMax) on.refuse(Rule::MUST_39, 1);
        } else {
          tcb.silly_updates = 0;
          if (alone) on.cite(Rule::MUST_39);
        }
      }
    }
  }
  tcb.rcv_edge = tcb.edge_known && !tcb.edge_of_syn ? later(tcb.rcv_edge, edge) : edge;
  tcb.edge_known = true;
  tcb.edge_of_syn = false;
}

// Eff.snd.MSS, less the options of this segment (3.7.1). An MSS too small for the options cannot be obeyed.
std::uint32_t segment_room(const Tcb& tcb, const Around& around, const Departing& seg) {
  const std::uint32_t most = std::min<std::uint32_t>(tcb.snd_mss, around.mms_s - 20);
  constexpr std::uint32_t kLeast = 24;
  return most < seg.opt.octets + kLeast ? std::min(most, kLeast) : most - seg.opt.octets;
}

// 3.8.6.2.1 and 3.7.4: how large a segment of new text must be to leave. It is not a window probe.
bool size_is_sensible(Step& on, const Departing& seg) {
  Possible& tcb = on.tcb;
  const auto octets = static_cast<std::uint32_t>(seg.text.size());
  const SndSeq end = seg.seq + octets;
  std::uint32_t most = segment_room(tcb, on.around, seg);
  if (tcb.ip.too_big_seen && octets < most) most = octets;  // the path may not take more
  const std::uint32_t queued = tcb.snd_end - seg.seq;
  const std::uint32_t usable = tcb.snd_edge() - seg.seq;
  const std::uint32_t full = std::min(most, queued);
  const bool as_usual = tcb.snd_full != 0 && tcb.snd_full <= octets && most <= 2 * octets;  // such are its segments
  const bool half = tcb.max_snd_wnd <= 2 * octets;  // of the largest window seen: large enough in any case
  if (octets < std::min(full, usable) && !half) {   // neither the MSS, nor the window, nor the queue is at its end
    if (octets == 1 && tcb.snd_wnd >= 0x8000) {
      on.refuse(Rule::MUST_1, 1);  // a probe of a window that is open: taken for a negative one
      return false;
    }
    on.depart(Rule::SHLD_28);
  } else if (octets < full && octets == usable && !as_usual) {  // the window is at its end
    const bool waited = on.around.now - tcb.window_at >= kOverrideMin;
    if (!waited && !half) {
      on.refuse(Rule::MUST_38, 1);
      return false;
    }
    on.cite(Rule::MUST_38);
    if (waited && !half) on.cite(Rule::S3_8_6_2_1_override);
  } else {
    if (octets == most) on.cite(Rule::SHLD_28);
    if (tcb.snd_wnd >= 0x8000) on.cite(Rule::MUST_1);
  }
  if (octets < most && end == tcb.snd_end) {
    // The variant of A.3 holds a small segment only while another small one is unacknowledged.
    const bool other = tcb.snd_una < tcb.small_end && tcb.small_end <= tcb.snd_nxt;
    const bool urgent = tcb.up.given && seg.seq < tcb.up.snd_up;  // some stacks do not hold urgent octets back
    const bool large_only = !other && tcb.snd_una < tcb.snd_nxt && !tcb.no_delay && !tcb.nagle_free;
    if (large_only && !seg.ctl.fin) on.cite(Rule::SA_A3);
    if (other && !tcb.no_delay && !tcb.nagle_free && !seg.ctl.fin && !urgent) on.depart(Rule::SHLD_7);
    if (other && tcb.no_delay) on.cite(Rule::MUST_17);
    tcb.small_end = end;
  }
  return true;
}

// The fifth step of SEGMENT ARRIVES may send text before the seventh has moved RCV.NXT.
bool early_ack(const Tcb& tcb, const Departing& seg) {
  return tcb.congestion.stirred && !seg.text.empty() && seg.ack < tcb.rcv_nxt && seg.ack == tcb.rcv_nxt_before;
}

// The acknowledgment field of a segment that is not the first of its kind.
bool ack_is_current(Step& on, const Departing& seg) {
  Possible& tcb = on.tcb;
  if (!seg.ctl.ack) {
    on.refuse(Rule::S3_1_ack_always, 1);
    return false;
  }
  if (tcb.on_stairs && tcb.rcv_nxt_max < seg.ack && seg.ack <= tcb.stairs_to) {  // it had been held after all
    on.refuse(Rule::MUST_59, 1);
    return false;
  }
  if (early_ack(tcb, seg)) return true;
  if (seg.ack < tcb.rcv_nxt || tcb.rcv_nxt_max < seg.ack) {
    // That an acknowledgment should leave, or text be held, does not allow it to name what never came.
    const Rule why = tcb.ack_later ? tcb.ack_rule
                     : tcb.ack_now ? tcb.ack_now_rule
                                   : at_work(tcb, Rule::S3_8_ack_current);
    const bool never_came = tcb.rcv_nxt_max < seg.ack;
    on.refuse(never_came && info(why).level != Level::kMust ? Rule::S3_8_ack_current : why, 2);
    return false;
  }
  on.cite(Rule::S3_1_ack_always);
  return true;
}

void reset_departs(Step& on, const Departing& seg) {
  Possible& tcb = on.tcb;
  const Reply& due = tcb.reply;
  switch (due.form) {
    case Reply::Form::kRst:
      if (seg.seq != due.seq && seg.seq != due.other) {
        on.refuse(due.rule, 1);
        return;
      }
      break;
    case Reply::Form::kRstAck:
      if (seg.seq != SndSeq{0} || !seg.ctl.ack || seg.ack != due.ack) {
        on.refuse(due.rule, 1);
        return;
      }
      break;
    default:
      if (due.form != Reply::Form::kNone) {
        on.refuse(due.rule, 3);
      } else {
        const bool challenged = tcb.ack_now && tcb.ack_now_must;
        on.refuse(tcb.state == State::kTimeWait ? Rule::MUST_13
                  : tcb.keep.unanswered > 0     ? Rule::MUST_29
                  : challenged                  ? tcb.ack_now_rule
                  : tcb.ack_now                 ? Rule::S3_5_2_unclear
                                                : says_nothing_leaves(tcb, Rule::S3_5_2_unclear),
                  3);
      }
      return;
  }
  if (seg.ctl.syn || seg.ctl.fin) {
    on.refuse(due.rule, 2);
    return;
  }
  timestamps_depart_on_reset(on, seg);
  tcb.reply = {};
}

// The target's SYN reveals ISS.
void iss_revealed(const Around& around, Possible& tcb, const Departing& syn) {
  const std::uint32_t given = tcb.snd_end - (tcb.iss + 1);
  if (tcb.up.given) tcb.up.snd_up = syn.seq + 1 + (tcb.up.snd_up - (tcb.iss + 1));
  tcb.iss = tcb.snd_una = syn.seq;
  tcb.iss_known = true;
  tcb.snd_nxt = syn.seq + 1 + static_cast<std::uint32_t>(syn.text.size());  // a SYN may carry text
  tcb.board.again = tcb.board.recover = tcb.small_end = tcb.scale.stale = tcb.scale.former = syn.seq;
  tcb.snd_end = later(syn.seq + 1 + given, tcb.snd_nxt);
  tcb.selective.target_permits = syn.opt.sack_permitted;
  tcb.target_sack = syn.opt.sack_permitted;
  tcb.syn_wnd = syn.wnd;
  tcb.rcv_mss = syn.opt.mss.value_or(around.default_mss);
}

void syn_departs(Step& on, const Departing& seg) {
  Possible& tcb = on.tcb;
  const bool answer = seg.ctl.ack;
  if (seg.ctl.fin) {
    on.refuse(at_work(tcb, Rule::S3_10_1_active), 2);
    return;
  }
  const bool first = tcb.reply.form == (answer ? Reply::Form::kSynAck : Reply::Form::kSyn);
  // A SYN or SYN,ACK that was not answered is sent again with the same sequence number; a SYN-RECEIVED that was entered
  // from SYN-SENT, or left by CLOSE, still waits for the answer to its SYN.
  const bool again =
      answer ? (tcb.state >= State::kSynReceived && tcb.snd_una == tcb.iss) : tcb.state == State::kSynSent;
  if (!first && !(again && tcb.iss_known)) {
    on.refuse(tcb.reply.form != Reply::Form::kNone ? tcb.reply.rule
                                                   : at_work(tcb, answer ? Rule::SA4_5_new : Rule::S3_10_1_again),
              3);
    return;
  }
  if (tcb.iss_known && seg.seq != tcb.iss) {
    on.refuse(first ? tcb.reply.rule : Rule::MUST_22, 1);
    return;
  }
  if (answer) {
    if (seg.ack < tcb.rcv_nxt || tcb.rcv_nxt_max < seg.ack) {
      on.refuse(first ? tcb.reply.rule : Rule::S3_8_ack_current, 1);
      return;
    }
  }
  // A SYN,ACK may carry text, but only what the user has given, and likewise urgent octets.
  if (answer && seg.text.size() > tcb.snd_end - (tcb.iss + 1)) {
    on.refuse(Rule::S3_9_1_2_order, 1);
    return;
  }
  if (seg.ctl.urg && !tcb.up.given) {
    on.refuse(Rule::S3_8_5_needs_text, 1);
    return;
  }
  if (answer) {
    fast_open::syn_ack_departs(on, seg, !first);
  } else {
    fast_open::syn_departs(on, seg, !first);
  }
  if (on.refused()) return;
  const bool known = tcb.iss_known;
  if (!known) iss_revealed(on.around, tcb, seg);
  if (seg.opt.mss) {
    on.cite(Rule::SHLD_5);
    on.cite(Rule::MAY_3);
    if (*seg.opt.mss > on.around.mms_r - 20) {
      on.refuse(Rule::MUST_67, 1);
      return;
    }
    on.cite(Rule::MUST_67);
    const std::uint32_t missing = on.around.mms_r - 20 - *seg.opt.mss;
    if (missing == 0) {
      on.cite(Rule::S3_7_1_fixed_headers);
      if (seg.opt.timestamps) on.cite(Rule::R6691_2);
    } else if (missing <= seg.opt.octets && missing % 4 == 0) {
      on.depart(Rule::S3_7_1_fixed_headers);
      if (seg.opt.timestamps) on.depart(Rule::R6691_2);
    }
  } else {
    on.depart(Rule::SHLD_5);
  }
  scale_departs_on_syn(on, seg, !first);
  if (on.refused()) return;
  timestamps_depart_on_syn(on, seg, !first);
  if (on.refused()) return;
  if (!front_departs(on, !first)) return;
  if (first && known) tcb.front_alone = false;  // the timer has been running since the SYN
  if (first) {
    on.cite(tcb.reply.rule);
    tcb.reply = {};
    if (!known) tcb.sent_at = on.around.since;
  } else {
    on.cite(answer ? Rule::S3_8_3_synack : Rule::MUST_22);
    if (on.around.since - tcb.sent_at > kSynTimeoutMin / 3) on.cite(Rule::MUST_23);
    on.cite(Rule::SA8_retransmission);
    if (tcb.rexmits < 255) ++tcb.rexmits;
    if (!tcb.congestion.stirred) ++tcb.congestion.syn_losses;
  }
  tcb.timed = false;
  ecn::syn_departs(on, seg, !first);
  if (answer) {
    if (!known || !tcb.edge_known || tcb.state == State::kSynReceived) window_offered(on, seg);
    acknowledgment_seen(on, seg.ack);
  }
}

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>: owed, called for by an arriving segment, or a window update.
void acknowledgment_departs(Step& on, const Departing& seg) {
  Possible& tcb = on.tcb;
  const bool probes = tcb.snd_wnd == 0 && tcb.snd_una < tcb.snd_limit();
  if (probes &&
      (seg.seq == tcb.snd_una - 1 || seg.seq == tcb.snd_nxt - 1)) {  // an old octet's number probes the window
    if (!ack_is_current(on, seg)) return;
    on.cite(Rule::MUST_36);
    if (!front_departs(on, true)) return;
    tcb.timed = false;
    if (tcb.rexmits < 255) ++tcb.rexmits;
    acknowledgment_seen(on, seg.ack);
    return;
  }
  if (tcb.keep.on && tcb.snd_una < tcb.snd_nxt && tcb.snd_wnd != 0 && !tcb.ack_now && !tcb.ack_later &&
      (seg.seq == tcb.snd_una - 1 || seg.seq == tcb.snd_nxt - 1)) {
    on.refuse(Rule::MUST_26, 1);  // a keep-alive while something is outstanding
    return;
  }
  if (seg.seq != tcb.snd_nxt) {
    // After the peer shrank its window SND.NXT may lie beyond it; such an ACK would not be acceptable to the peer.
    const bool beyond = tcb.snd_edge() < tcb.snd_nxt && tcb.snd_una <= seg.seq && seg.seq <= tcb.snd_edge();
    if (!beyond) {
      on.refuse(tcb.ack_now ? tcb.ack_now_rule : tcb.ack_later ? tcb.ack_rule : at_work(tcb, Rule::SA4_7_ack), 1);
      return;
    }
  }
  if (!ack_is_current(on, seg)) return;
  const bool owed = tcb.ack_now || tcb.ack_later;
  const bool update = tcb.edge_known && tcb.rcv_edge < seg.ack + (static_cast<std::uint32_t>(seg.wnd)
                                                                  << (tcb.scaled() ? tcb.rcv_shift : 0));
  if (!owed && !update && seg.ack == tcb.rcv_acked && tcb.ack_credits == 0) {
    on.refuse(tcb.reply.form != Reply::Form::kNone ? tcb.reply.rule : at_work(tcb, Rule::R5681_4_2_one_ack), 2);
    return;
  }
  if (tcb.ack_credits > 0) {
    --tcb.ack_credits;
    on.cite(Rule::R5681_4_2_one_ack);
  }
  window_offered(on, seg);
  acknowledgment_seen(on, seg.ack);
}

// Text or FIN: SND.UNA =< SEG.SEQ, nothing beyond what the user gave, new octets in order and inside the window.
void text_departs(Step& on, const Departing& seg) {
  Possible& tcb = on.tcb;
  const auto octets = static_cast<std::uint32_t>(seg.text.size());
  const SndSeq text_end = seg.seq + octets;
  const SndSeq end = text_end + (seg.ctl.fin ? 1u : 0u);
  if (!ack_is_current(on, seg)) return;
  if (tcb.state == State::kSynReceived && !fast_open::may_send_early(on, text_end)) return;
  if (end <= tcb.snd_una) {  // all of it was acknowledged before
    const bool by_timer = tcb.snd_una == tcb.snd_nxt && !tcb.congestion.stirred;
    on.refuse(tcb.board.duplicate ? Rule::R2883_5_tolerate : by_timer ? Rule::R6298_5_2 : Rule::SA4_5_new, 2);
    return;
  }
  if (seg.ctl.fin && !tcb.fin_queued) {
    on.refuse(Rule::S3_6_fin_by_user, 2);
    return;
  }
  if (seg.ctl.fin && text_end < tcb.snd_end) {  // not behind the text that was queued before CLOSE
    on.refuse(tcb.state == State::kLastAck ? Rule::S3_10_4_close_wait : Rule::S3_10_4_established, 2);
    return;
  }
  for (const Rule rule : {Rule::S3_10_4_fin_wait, Rule::S3_10_4_closing}) {
    if (seg.ctl.fin && tcb.snd_end < text_end && tcb.now.has({rule, true})) {  // CLOSE was called once more
      on.refuse(rule, 2);
      return;
    }
  }
  if (tcb.snd_end < text_end) {
    on.refuse(seg.ctl.fin || tcb.fin_queued ? Rule::S3_6_send_after_close : Rule::S3_9_1_2_order, 2);
    return;
  }
  if (tcb.snd_nxt < seg.seq) {
    on.refuse(Rule::S3_9_1_2_order, 2);
    return;
  }
  for (std::uint32_t i = 0; i < octets && on.around.user_known; ++i) {
    if (seg.text[i] != target_octet(seg.seq + i - (tcb.iss + 1))) {
      on.refuse(seg.seq < tcb.snd_nxt ? Rule::S3_8_1_same_octets : Rule::S3_10_2_established, 1);
      return;
    }
  }
  const std::uint32_t room = on.around.mms_s - 20 - seg.opt.octets;
  const bool fits_alone = octets <= tcb.snd_mss && octets <= room;
  if (fits_alone && seg.opt.octets != 0) {
    if (octets > segment_room(tcb, on.around, seg)) {
      on.refuse(Rule::S3_7_1_options, 1);
      return;
    }
    on.cite(Rule::S3_7_1_options);
  }
  if (!fits_alone) {
    on.refuse(octets > room           ? Rule::MUST_16
              : !tcb.mss_given        ? Rule::MUST_15
              : tcb.mss_unaligned     ? Rule::MUST_64
              : tcb.mss_among_options ? Rule::MUST_4
                                      : Rule::MUST_14);
    return;
  }
  const bool fresh = tcb.snd_nxt < end;
  const bool resent = seg.seq < tcb.snd_nxt;
  const std::uint32_t added = fresh ? end - tcb.snd_nxt : 0;
  if (resent && octets > 0) on.cite(Rule::S3_8_6_repackage, fresh);
  if (tcb.mss_given && tcb.snd_mss == 0xffff && octets > 0) on.cite(Rule::S3_7_5_mss_65535, octets > 0xfff0);
  if (octets > 0 && !path_departs(on, seg, resent)) return;
  if (resent) {
    text_departs_again(on, seg, end);
    if (on.refused()) return;
  }
  if (fresh && octets > 0 && tcb.snd_edge() < text_end) {
    // Beyond the window only a probe of it may go, one octet at its edge.
    const bool probe =
        octets == 1 && tcb.snd_edge() <= seg.seq && seg.seq <= later(tcb.snd_edge(), tcb.snd_nxt) && tcb.snd_wnd == 0;
    if (!probe) {
      on.refuse(beyond_window(tcb, text_end), 1);
      return;
    }
    on.cite(Rule::MUST_36);
    if (tcb.rexmits == 0) {  // the first: the window has been closed for so long at most
      if (on.around.now - tcb.zero_at < kProbeMin) {
        on.depart(Rule::SHLD_29);
      } else {
        on.cite(Rule::SHLD_29);
      }
    }
    if (tcb.rexmits < 255) ++tcb.rexmits;
  } else if (fresh && octets > 0) {
    on.cite(Rule::S3_8_6_window);
    const bool whole = text_end == tcb.snd_end || octets == segment_room(tcb, on.around, seg);
    if (!text_in_scaled_window(on, seg.seq, text_end, whole)) return;
    const bool any_size = tcb.mss_given && tcb.snd_mss == 0xffff;  // an MSS of zero
    if (!resent && !any_size && !size_is_sensible(on, seg)) return;
    tcb.snd_full = std::max(tcb.snd_full, static_cast<std::uint16_t>(octets));
    if (text_end == tcb.snd_end && !seg.ctl.psh && !seg.ctl.fin && on.around.user_known) {
      on.refuse(Rule::MUST_61, 1);
      return;
    }
    if (text_end == tcb.snd_end) on.cite(Rule::MUST_61);
  }
  if (fresh) {
    on.cite(Rule::S3_9_1_2_order);
    if (octets > 0) {
      on.cite(Rule::S3_10_2_established);
      on.cite(tcb.mss_given ? Rule::MUST_14 : Rule::MUST_15);
      on.cite(Rule::MUST_16);
      if (tcb.mss_among_options && octets == segment_room(tcb, on.around, seg)) on.cite(Rule::MUST_4);
      if (tcb.mss_unaligned && octets == segment_room(tcb, on.around, seg)) on.cite(Rule::MUST_64);
      if (tcb.send_pending) on.cite(Rule::MUST_60);
    }
    if (seg.ctl.fin) {
      on.cite(tcb.state == State::kLastAck ? Rule::S3_10_4_close_wait : Rule::S3_10_4_established);
      on.cite(Rule::S3_6_fin_by_user);
      on.cite(Rule::S3_6_send_after_close);
      on.cite(Rule::S3_4_syn_fin_count);
      if (tcb.send_pending) on.cite(Rule::S3_8_close_push);
      if (tcb.state == State::kSynReceived) on.enter(State::kFinWait1, Rule::S3_10_4_syn_received);
    }
    if (tcb.snd_una == tcb.snd_nxt) {
      tcb.sent_at = on.around.since;
      tcb.timed = false;
      tcb.ip.front_id = seg.ip.identification;
      if (!front_departs(on, false)) return;
    }
    if (!resent && !congestion_admits(on, seg.seq, octets, false)) return;
    text_follows(on, seg.seq, resent);
    tcb.snd_nxt = end;
    tcb.send_pending = false;
  }
  if (resent) {
    if (synchronized(tcb.state) && std::max(kForever, 2 * tcb.user_timeout) < on.around.since - tcb.sent_at) {
      on.refuse(tcb.state == State::kLastAck ? Rule::S3_6_last_ack_timeout : Rule::MUST_20, 1);
      return;
    }
    if (tcb.user_timeout > Time{} && 3 * tcb.user_timeout + kRtoMaxMin < on.around.since - tcb.sent_at) {
      on.refuse(Rule::MUST_21, 1);
      return;
    }
    on.cite(Rule::S3_8_1_same_octets);
    if (tcb.stamps.old_duplicate) on.cite(Rule::R7323_4_1_rttm);
    on.cite(Rule::SA8_retransmission);
    if (seg.ctl.fin) on.cite(Rule::S3_6_fin_retransmit);
    if (on.around.since - tcb.sent_at > kUserTimeoutMin / 2) on.cite(Rule::SHLD_11);
    if (tcb.snd_edge() < text_end) on.cite(tcb.snd_wnd == 0 ? Rule::MUST_35 : Rule::MAY_7);
    if (tcb.snd_edge() < tcb.snd_nxt && text_end <= tcb.snd_edge()) on.cite(Rule::SHLD_16);
    if (tcb.scaled() && tcb.scale.receded && octets > 0) {
      on.cite(tcb.rexmits == 0 ? Rule::R7323_2_4_4 : Rule::R7323_2_4_5, tcb.snd_edge() < text_end);
    }
    if (seg.seq <= tcb.snd_una) {
      on.cite(Rule::MAY_4, seg.ip.identification == tcb.ip.front_id);
      if (!front_departs(on, true)) return;
      if (tcb.rexmits < 255) ++tcb.rexmits;
      tcb.timed = false;
    }
    if (!congestion_admits(on, seg.seq, octets, true, added)) return;
    if (!fresh) text_follows(on, seg.seq, true);
  }
  if (resent || !tcb.timer.fresh) tcb.timer.fresh_end = end;
  tcb.timer.fresh = !resent;
  if (early_ack(tcb, seg)) return;  // what is owed stays owed
  window_offered(on, seg);
  acknowledgment_seen(on, seg.ack);
}

}  // namespace

void segment_departs(Step& on, const Departing& seg) {
  Possible& tcb = on.tcb;
  if (seg.ctl.rst) {
    ecn::reset_departs(on, seg);
    reset_departs(on, seg);
    return;
  }
  if (tcb.reply.form == Reply::Form::kRst || tcb.reply.form == Reply::Form::kRstAck) {
    if (!tcb.reply.optional || tcb.state == State::kClosed || tcb.state == State::kListen) {
      on.refuse(instead_of_reset(tcb, seg), 2);
      return;
    }
  }
  if (tcb.state == State::kClosed || tcb.state == State::kListen) {
    on.refuse(says_nothing_leaves(tcb, tcb.was_open || tcb.iss_known ? Rule::SA4_2_established : Rule::S3_10_1_passive),
              5);
    return;
  }
  if (!ip_departs(on, seg)) return;
  if (seg.ctl.syn) {
    syn_departs(on, seg);
    return;
  }
  if (tcb.reply.form != Reply::Form::kNone && !tcb.reply.optional) {  // SYN or SYN,ACK is what must come
    on.refuse(tcb.reply.rule, 2);
    return;
  }
  if (tcb.state == State::kSynSent) {
    on.refuse(at_work(tcb, Rule::S3_10_1_active), 4);
    return;
  }
  if (!urgent_departs(on, seg)) return;
  const bool unprompted = tcb.prompted == 0 && !tcb.ack_now && !tcb.ack_later && seg.text.empty();
  if (!on.around.user_known && seg.seq != tcb.snd_nxt && seg.text.empty() && is_unprompted_probe(tcb, seg)) {
    if (ack_is_current(on, seg)) acknowledgment_seen(on, seg.ack);
    return;
  }
  if (is_keep_alive(tcb, seg) && (tcb.keep.on || unprompted || !on.around.user_known)) {
    if (!ack_is_current(on, seg)) return;
    if (on.around.user_known) keep_alive_departs(on, seg);
    if (!on.refused()) acknowledgment_seen(on, seg.ack);
    return;
  }
  const Span open{tcb.rcv_nxt, tcb.rcv_nxt_max};  // text that the target may have, or not
  const bool again = seg.len() != 0 && seg.seq < tcb.snd_nxt;
  const SendBefore before{
      .snd_una = tcb.snd_una, .snd_nxt = tcb.snd_nxt, .snd_edge = tcb.snd_edge(), .snd_wnd = tcb.snd_wnd};
  if (seg.len() == 0) {
    acknowledgment_departs(on, seg);
  } else {
    text_departs(on, seg);
  }
  if (!on.refused()) blocks_depart(on, seg, open);
  if (!on.refused()) timestamps_depart(on, seg, again);
  if (!on.refused()) ecn::segment_departs(on, seg, before);
  if (!on.refused()) fast_open::segment_departs(on, seg);
}

void falls_quiet(Step& on) {
  Possible& tcb = on.tcb;
  tcb.selective.triggered = tcb.selective.duplicate = false;
  ecn::falls_quiet(on);
  recovery_falls_quiet(on);
  if (on.refused()) return;
  if (tcb.reply.form != Reply::Form::kNone) {
    if (!tcb.reply.optional) {
      if (tcb.reply.must) {
        on.refuse(unanswered(tcb), 4);
        return;
      }
      on.depart(tcb.reply.rule);
    }
    tcb.reply = {};
  }
  if (tcb.ack_now) {
    if (tcb.ack_now_must) {
      on.refuse(tcb.ack_now_rule, 4);
      return;
    }
    on.depart(tcb.ack_now_rule);
    tcb.ack_now = false;
  }
  const Time surely = on.around.since;
  // Of a peer that contradicts itself nothing may have been taken.
  if (tcb.ack_later && tcb.ack_due < surely) {
    on.refuse(tcb.ack_rule != Rule::SA4_7_ack ? tcb.ack_rule
              : tcb.ack_put_off               ? Rule::R5681_4_2_500ms
                                              : Rule::MUST_40,
              3);
    return;
  }
  if (tcb.send_pending && tcb.snd_edge() <= tcb.snd_nxt) tcb.send_pending = false;  // the window has closed meanwhile
  if (tcb.snd_una < tcb.snd_nxt && tcb.congestion.phase != Congestion::Phase::kOpen) tcb.send_pending = false;
  if (tcb.send_pending && tcb.send_due < surely) {
    on.refuse(tcb.snd_nxt == tcb.snd_end  ? Rule::S3_8_close_push
              : tcb.snd_una < tcb.snd_nxt ? Rule::MUST_17
                                          : Rule::MUST_60,
              3);
    return;
  }
  // What was queued before ESTABLISHED, or waited for an acknowledgment or for the window, must leave when it can.
  const bool can_send = tcb.state == State::kEstablished || tcb.state == State::kCloseWait ||
                        tcb.state == State::kFinWait1 || tcb.state == State::kLastAck || tcb.state == State::kClosing;
  const std::uint32_t queued = tcb.snd_limit() - tcb.snd_nxt;
  if (can_send && !tcb.send_pending && tcb.snd_una == tcb.snd_nxt && queued != 0 && tcb.snd_nxt < tcb.snd_edge() &&
      std::min<std::uint32_t>(queued, tcb.snd_mss) <= tcb.snd_wnd) {
    tcb.send_pending = true;
    tcb.send_due = on.around.now + kSendDelayMax;
  }
  // A small window that is all there is: silly window avoidance may wait for a better one, but not for ever.
  if (can_send && !tcb.send_pending && tcb.snd_una == tcb.snd_nxt && tcb.snd_wnd != 0 && tcb.snd_wnd < queued &&
      tcb.snd_nxt < tcb.snd_end && kOverrideMax < surely - std::max(tcb.window_at, tcb.timer.acked_at)) {
    on.depart(Rule::S3_8_6_2_1_override);
    tcb.window_at = on.around.now;
  }
  if (tcb.ack_later && tcb.ack_rule == Rule::SA4_7_ack && tcb.rcv_acked < tcb.rcv_nxt) {
    tcb.prompt_acks = 0;
    on.cite(Rule::SHLD_18);
  }
  const bool unacknowledged = tcb.iss_known && tcb.snd_una < tcb.snd_nxt && tcb.state > State::kListen;
  if (unacknowledged && tcb.user_timeout > Time{} && 3 * tcb.user_timeout + 2 * kRtoMaxMin < surely - tcb.sent_at) {
    on.refuse(Rule::MUST_21, 3);
    return;
  }
  const bool for_ever = unacknowledged && std::max(kForever, 2 * tcb.user_timeout) < surely - tcb.sent_at;
  if (for_ever && tcb.state == State::kLastAck) {
    on.refuse(Rule::S3_6_last_ack_timeout, 3);
    return;
  }
  if (for_ever && synchronized(tcb.state) && tcb.snd_wnd != 0) {  // R2 has no bound in the text, but there is one
    on.refuse(Rule::MUST_20, 3);
    return;
  }
  if (!tcb.ack_later) tcb.ack_credits = 0;
  if (tcb.snd_edge() < tcb.snd_nxt && tcb.snd_nxt < tcb.snd_end) {
    on.cite(Rule::SHLD_15);
    if (tcb.scaled() && tcb.scale.receded) on.cite(Rule::R7323_2_4_3);
  }
  if (!tcb.no_delay && tcb.snd_una < tcb.small_end && tcb.small_end <= tcb.snd_nxt && tcb.snd_nxt < tcb.snd_end &&
      tcb.snd_end <= tcb.snd_edge()) {
    on.cite(Rule::SHLD_7);  // a small segment is held back
  }

  congestion_silent(on);
  tcb.rcv_nxt_before = {};
  timer_rests(on);

  // 3.10.8 RETRANSMISSION TIMEOUT and 3.8.6.1: while something waits for an acknowledgment or for the window, the front
  // of the queue or a probe leaves again and again, until the connection is given up.
  const bool waits_for_ack =
      tcb.iss_known && tcb.snd_una < tcb.snd_nxt && tcb.state != State::kClosed && tcb.state != State::kListen;
  const bool waits_for_window = synchronized(tcb.state) && tcb.snd_wnd == 0 && tcb.snd_nxt < tcb.snd_end;
  if (!waits_for_ack && !waits_for_window) {
    tcb.timed = false;
  } else if (!tcb.timed) {
    tcb.timed = true;
    tcb.rexmit_due = on.around.now + retransmission_bound(tcb);
    if (tcb.snd_una == tcb.snd_nxt) tcb.sent_at = on.around.now;
  } else if (tcb.rexmit_due < surely) {
    const Time limit = tcb.user_timeout > Time{} ? tcb.user_timeout
                       : synchronized(tcb.state) ? kUserTimeoutMin
                                                 : kSynTimeoutMin;
    const bool shrunk = tcb.snd_edge() < tcb.snd_nxt && tcb.snd_una < tcb.snd_edge();
    if (tcb.rexmit_due - tcb.sent_at < limit && tcb.timer.followed && synchronized(tcb.state)) {
      on.depart(Rule::R6298_5_1);  // each new segment has put it off
      tcb.timer.followed = false;
    } else if (tcb.rexmit_due - tcb.sent_at < limit) {
      on.refuse(shrunk                                              ? Rule::SHLD_16
                : waits_for_window && !waits_for_ack                ? Rule::MUST_36
                : tcb.snd_wnd == 0 && tcb.snd_una + 1 < tcb.snd_nxt ? Rule::MUST_35
                : tcb.state == State::kSynSent                      ? Rule::MUST_22
                : tcb.state == State::kSynReceived                  ? Rule::S3_8_3_synack
                : was_reported(tcb, tcb.snd_una)                    ? Rule::R2018_8_keep
                : tcb.stamps.old_duplicate                          ? Rule::R7323_4_1_rttm
                : tcb.fin_sent() && tcb.snd_una + 1 == tcb.snd_nxt  ? Rule::S3_6_fin_retransmit
                                                                    : Rule::SA8_retransmission,
                3);
      return;
    }
    tcb.timed = false;
  }
  path_quiet(tcb);
  keep_alive_quiet(on);
}

// What forbids that a connection has ended of itself.
Rule ended_early(const Tcb& tcb) {
  if (tcb.state == State::kTimeWait) return Rule::MUST_13;
  if (tcb.rexmits == 0 || tcb.snd_una == tcb.snd_nxt) return Rule::SA4_1_drop;
  if (!synchronized(tcb.state)) return Rule::MUST_23;
  return tcb.snd_wnd == 0 ? Rule::MUST_37 : Rule::SHLD_11;
}

void state_reported(Step& on, const StateReport& report) {
  Possible& tcb = on.tcb;
  const auto none = [](State s) { return s == State::kClosed || s == State::kListen; };
  bool same = report.state == tcb.state || (none(report.state) && none(tcb.state));
  // The FIN that CLOSE has queued may not be out yet: the state that follows it comes with it (3.10.4, CLOSE-WAIT).
  const bool closing = tcb.state == State::kLastAck || (tcb.state == State::kClosing && !on.since(Edition::k1122));
  if (report.state == State::kCloseWait && closing && !tcb.fin_sent()) same = true;
  if (report.state == State::kEstablished && tcb.state == State::kFinWait1 && !tcb.fin_sent()) same = true;
  Rule blame = Rule::S3_10_6_status;
  for (const Cite& cite : tcb.later) {
    if (info(cite.rule).level != Level::kMay) blame = cite.rule;
  }
  const Rule otherwise = none(report.state) ? ended_early(tcb) : Rule::SA4_1_drop;
  if (blame == Rule::S3_10_6_status) blame = at_work(tcb, otherwise);
  if (!same) {
    // It gave up of itself.
    const bool given_up = none(report.state) && synchronized(tcb.state) && tcb.snd_una < tcb.snd_limit();
    if (given_up && tcb.later.empty() && tcb.prompted == 0) {
      const bool shrunk = tcb.snd_edge() + 1 < tcb.snd_nxt;  // by more than a probe
      blame = tcb.snd_wnd != 0 || tcb.rexmits == 0 ? Rule::SHLD_11 : shrunk ? Rule::SHLD_17 : Rule::MUST_37;
    }
    // What had to leave first and did not is the nearer reason.
    if (tcb.reply.form != Reply::Form::kNone && !tcb.reply.optional) blame = unanswered(tcb);
    if (tcb.ack_now && info(tcb.ack_now_rule).level == Level::kMust) blame = tcb.ack_now_rule;
    if (tcb.keep.unanswered > 0 && report.state == State::kClosed) blame = Rule::MUST_29;
    on.refuse(blame, 2);
    return;
  }
  if (report.rcv_nxt && synchronized(tcb.state) && tcb.state != State::kTimeWait) {
    const RcvSeq nxt{*report.rcv_nxt};
    if (nxt < tcb.rcv_nxt || tcb.rcv_nxt_max < nxt) {
      on.refuse(at_work(tcb, Rule::SA4_7_deliver), 1);
      return;
    }
  }
  if (report.snd_una && synchronized(tcb.state) && tcb.state != State::kTimeWait &&
      SndSeq{*report.snd_una} != tcb.snd_una) {
    on.refuse(at_work(tcb, Rule::SA4_5_new), 1);
    return;
  }
  on.cite(Rule::S3_10_6_status);
  for (const Cite& cite : tcb.later) tcb.now.add(cite);
  tcb.later.clear();
}

}  // namespace tcpassay
