// SPDX-License-Identifier: Apache-2.0
#include "models/segment_departs.h"

#include "models/inferred_calls.h"
#include "models/ip_layer.h"
#include "models/keep_alive.h"
#include "models/segment_departs_steps.h"
#include "models/selective_acknowledgment.h"
#include "models/timestamps.h"
#include "models/urgent.h"
#include "models/window_scale.h"

namespace tcpassay {
namespace {

// The rule that says why nothing may leave where there is no connection: of the call that was made, or of what arrived.
Rule says_nothing_leaves(const Candidate& tcb, Rule otherwise) {
  constexpr Rule kSilent[] = {Rule::S3_10_4_closed,       Rule::S3_10_5_closed, Rule::S3_10_5_syn_sent,
                              Rule::S3_10_4_syn_received, Rule::MUST_34,        Rule::MUST_41};
  for (const Rule rule : kSilent) {
    if (tcb.now.has({rule, true}) || tcb.later.has({rule, true})) return rule;
  }
  return at_work(tcb, otherwise);
}

// What leaves where a RST is due. A SYN,ACK comes of a passive OPEN that is over.
Rule instead_of_reset(const Candidate& tcb, const Departing& seg) {
  for (const Cite& cite : tcb.now) {
    const bool over = cite.rule == Rule::S3_10_4_listen || cite.rule == Rule::S3_10_5_listen;
    if (over && seg.ctl.syn) return cite.rule;
  }
  return tcb.reply.rule;
}

void reset_departs(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
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
void iss_revealed(const Environment& env, Candidate& tcb, const Departing& syn) {
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
  tcb.rcv_mss = syn.opt.mss.value_or(env.default_mss);
}

void syn_departs(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
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
  if (!known) iss_revealed(on.env, tcb, seg);
  if (seg.opt.mss) {
    on.cite(Rule::SHLD_5);
    on.cite(Rule::MAY_3);
    if (*seg.opt.mss > on.env.mms_r - 20) {
      on.refuse(Rule::MUST_67, 1);
      return;
    }
    on.cite(Rule::MUST_67);
    const std::uint32_t missing = on.env.mms_r - 20 - *seg.opt.mss;
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
    if (!known) tcb.sent_at = on.env.since;
  } else {
    on.cite(answer ? Rule::S3_8_3_synack : Rule::MUST_22);
    if (on.env.since - tcb.sent_at > kSynTimeoutMin / 3) on.cite(Rule::MUST_23);
    on.cite(Rule::SA8_retransmission);
    if (tcb.rexmits < 255) ++tcb.rexmits;
    if (!tcb.congestion.arrived_since_quiet) ++tcb.congestion.syn_losses;
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
  Candidate& tcb = on.tcb;
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
      const Rule why = tcb.ack_now ? tcb.ack_now_rule : tcb.ack_later ? tcb.ack_rule : at_work(tcb, Rule::SA4_7_ack);
      const bool never_sent = tcb.snd_nxt < seg.seq;
      on.refuse(never_sent && info(why).level != Level::kMust ? Rule::SA4_7_ack : why, 1);
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

}  // namespace

Rule at_work(const Candidate& tcb, Rule otherwise) {
  Rule found = otherwise;
  for (int i = 0; i < tcb.prompted && i < tcb.now.size; ++i) {
    const Rule rule = tcb.now.items[static_cast<std::size_t>(i)].rule;
    if (info(rule).level != Level::kMay) found = rule;
  }
  return found;
}

void acknowledgment_seen(Step& on, RcvSeq ack) {
  Candidate& tcb = on.tcb;
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
      tcb.partial_gap_ack = true;
      tcb.partial_gap_ack_end = tcb.rcv_nxt_max;
    }
    tcb.filled = false;
  }
  if (tcb.ack_later) {
    if (tcb.ack_due < on.env.since) {
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

void window_offered(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
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

bool early_ack(const Tcb& tcb, const Departing& seg) {
  return tcb.congestion.arrived_since_quiet && !seg.text.empty() && seg.ack < tcb.rcv_nxt &&
         seg.ack == tcb.rcv_nxt_before;
}

bool ack_is_current(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
  if (!seg.ctl.ack) {
    on.refuse(Rule::S3_1_ack_always, 1);
    return false;
  }
  if (tcb.partial_gap_ack && tcb.rcv_nxt_max < seg.ack &&
      seg.ack <= tcb.partial_gap_ack_end) {  // it had been held after all
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

void segment_departs(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
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
  if (!on.env.user_known && seg.seq != tcb.snd_nxt && seg.text.empty() && is_unprompted_probe(tcb, seg)) {
    if (ack_is_current(on, seg)) acknowledgment_seen(on, seg.ack);
    return;
  }
  if (is_keep_alive(tcb, seg) && (tcb.keep.on || unprompted || !on.env.user_known)) {
    if (!ack_is_current(on, seg)) return;
    if (on.env.user_known) keep_alive_departs(on, seg);
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

}  // namespace tcpassay
