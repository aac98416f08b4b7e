// SPDX-License-Identifier: Apache-2.0
#include "models/ip_layer.h"
#include "models/keep_alive.h"
#include "models/loss_recovery.h"
#include "models/segment_arrives_steps.h"
#include "models/selective_acknowledgment.h"
#include "models/time_wait.h"
#include "models/timestamps.h"
#include "models/urgent.h"
#include "models/window_scale.h"

namespace tcpassay {

// 3.5.2: a RST whose numbers are acceptable to the sender of the offending segment.
Reply reset_reply(const Arriving& seg, Rule rule, bool must) {
  if (seg.ctl.ack) {
    return {.form = Reply::Form::kRst, .must = must, .seq = seg.ack, .other = seg.ack, .rule = rule};
  }
  return {.form = Reply::Form::kRstAck, .must = must, .ack = seg.seq + seg.len(), .rule = rule};
}

// The same for a connection that has sequence numbers of its own: either SEQ is right.
Reply reset_reply(const Tcb& tcb, const Arriving& seg, Rule rule) {
  return {.form = Reply::Form::kRst,
          .must = true,
          .seq = seg.ctl.ack ? seg.ack : tcb.snd_nxt,
          .other = tcb.snd_nxt,
          .rule = rule};
}

// SND.WND <- SEG.WND, SND.WL1 <- SEG.SEQ, SND.WL2 <- SEG.ACK
void take_window(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  window_arrives(on, seg);
  tcb.snd_wnd = window_of(tcb, seg);
  tcb.snd_wl1 = tcb.snd_wl1_least = seg.seq;
  tcb.snd_wl2 = seg.ack;
  if (tcb.snd_wnd > tcb.max_snd_wnd) tcb.max_snd_wnd = tcb.snd_wnd;
}

// SND.UNA < SEG.ACK =< SND.NXT, by distances, so that a number half the space away is not taken for new.
bool acks_new(const Tcb& tcb, SndSeq ack) {
  return ack != tcb.snd_una && ack - tcb.snd_una <= tcb.snd_nxt - tcb.snd_una;
}

// SND.UNA <- SEG.ACK, and what is thereby acknowledged leaves the retransmission queue.
void advance_snd_una(Step& on, SndSeq ack) {
  Candidate& tcb = on.tcb;
  timer_acked(on, ack);
  congestion_acked(on, ack);
  if (tcb.rexmits == 0 && on.env.now - tcb.sent_at > tcb.rtt_max) tcb.rtt_max = on.env.now - tcb.sent_at;
  tcb.snd_una = ack;
  // Karn's algorithm: what was retransmitted measures nothing, so the timeout stays as long as it has become. One
  // segment may be timed at a time, so an ACK of part of it measures nothing either.
  const bool handshake = tcb.timer.samples == 0 && !tcb.timer.fresh;
  const bool measured = tcb.rexmits == 0 && (handshake || (tcb.timer.fresh && tcb.timer.fresh_end <= ack));
  const int doublings = std::min(255, tcb.backed_off + tcb.rexmits);
  tcb.backed_off = measured ? std::uint8_t{0} : static_cast<std::uint8_t>(doublings);
  tcb.rexmits = 0;
  tcb.timed = false;
  tcb.sent_at = on.env.now;
}

namespace {

// A connection begins anew; what is known of the implementation stays.
void fresh(Candidate& tcb) {
  Candidate begun;
  begun.traits = tcb.traits;
  begun.now = tcb.now;
  begun.later = tcb.later;
  begun.demerits = tcb.demerits;
  begun.oddity = tcb.oddity;
  begun.user_timeout = tcb.user_timeout;
  tcb = begun;
}

void take_mss(const Environment& env, Tcb& tcb, const Arriving& syn) {
  tcb.snd_mss = syn.opt.mss.value_or(env.default_mss);
  tcb.mss_given = syn.opt.mss.has_value();
  tcb.peer_sack = syn.opt.sack_permitted;
  if (tcb.snd_mss == 0) tcb.snd_mss = 0xffff;  // cannot be obeyed
  const int others = (syn.opt.window_scale ? 3 : 0) + (syn.opt.timestamps ? 10 : 0) + (syn.opt.sack_permitted ? 2 : 0);
  tcb.mss_among_options = tcb.mss_given && !syn.opt.unknown && syn.opt.octets > 4 + others;
  tcb.mss_unaligned = tcb.mss_given && !syn.opt.unknown && others == 0 && syn.opt.unaligned;
}

// What the peer's SYN says beside its sequence number.
void take_options(Step& on, const Arriving& syn) {
  take_mss(on.env, on.tcb, syn);
  scale_of_syn(on.tcb, syn);
  take_sack_permitted(on.tcb, syn);
  timestamps_of_syn(on.tcb, syn, on.env.now);
}

// 3.10.7.1. CLOSED STATE
void closed(Step& on, const Arriving& seg) {
  if (!seg.text.empty()) on.cite(Rule::SA1_text);
  if (seg.ctl.fin) on.cite(Rule::SA4_8_unsynchronized);
  if (on.env.elsewhere) {  // a passive OPEN stands on another address of the target
    on.cite(Rule::S3_9_1_1_local_address);
    on.tcb.oddity = Rule::S3_9_1_1_local_address;
  }
  if (seg.ctl.syn && on.env.deserted) on.cite(on.env.aborted ? Rule::S3_10_5_listen : Rule::S3_10_4_listen);
  if (seg.ctl.rst) {
    on.cite(Rule::SA1_rst);
    on.cite(Rule::S3_5_2_rst_on_rst);
  } else if (!seg.ctl.ack) {
    on.cite(Rule::S3_5_2_rst_noack);
    on.cite(Rule::SA1_noack);
    on.reply(reset_reply(seg, Rule::SA1_noack, true));
  } else {
    if (on.tcb.was_open) on.cite(Rule::S3_5_1_halfopen_text);
    on.cite(Rule::S3_5_2_rst_ack);
    on.cite(Rule::SA1_ack);
    on.reply(reset_reply(seg, Rule::SA1_ack, true));
  }
}

// Text and FIN of a SYN may wait for ESTABLISHED, or for their retransmission.
void queue_from_syn(Step& on, const Arriving& syn) {
  Candidate& tcb = on.tcb;
  const RcvSeq end = tcb.rcv_nxt + static_cast<std::uint32_t>(syn.text.size());
  tcb.rcv_nxt_max = tcb.syn_text_end = end;
  if (syn.ctl.fin && on.may()) {
    tcb.held_fin = true;
    tcb.fin_seq = end;
  }
}

// 3.10.7.2. LISTEN STATE
void listen(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  // First, check for a RST:
  if (seg.ctl.rst) {
    on.cite(Rule::S3_5_2_rst_on_rst);
    on.cite(Rule::SA2_1_rst);
    return;
  }
  // Second, check for an ACK:
  if (seg.ctl.ack) {
    on.cite(Rule::S3_5_2_rst_ack);
    on.cite(Rule::SA2_2_ack);
    on.reply(reset_reply(seg, Rule::SA2_2_ack, false));
    return;
  }
  // Third, check for a SYN:
  if (seg.ctl.syn) {
    if (on.env.backlog_full && on.may()) return;                    // there is no room: dropped
    if (seg.ctl.fin && on.may()) return;                            // SYN with FIN is dropped by policy in many stacks
    const bool again = tcb.state == State::kListen && tcb.passive;  // the port was in SYN-RECEIVED before
    const Candidate old = tcb;
    fresh(tcb);
    if (old.state == State::kTimeWait) {
      tcb.reopened = true;
      tcb.old_snd_nxt = old.snd_nxt;
      tcb.old_rcv_nxt = old.rcv_nxt;
      tcb.time_wait_from = old.time_wait_from;
      tcb.time_wait_to = old.time_wait_to;
    }
    if (again) on.cite(Rule::S3_5_1_duplicate_syn);
    tcb.passive = true;
    tcb.rcv_nxt = tcb.rcv_nxt_max = tcb.rcv_user = tcb.syn_text_end = seg.seq + 1;
    tcb.irs = seg.seq;
    queue_from_syn(on, seg);
    take_options(on, seg);
    take_window(on, seg);
    ecn::syn_arrives(on, seg);
    fast_open::syn_arrives(on, seg);
    tcb.max_snd_wnd = 0;  // SND.WND proper begins with the ACK of our SYN
    on.cite(Rule::SA2_3_syn);
    on.cite(Rule::S3_4_syn_fin_count);
    const bool echo = seg.opt.timestamps && seg.opt.timestamps->echo != 0;
    on.reply({.form = Reply::Form::kSynAck,
              .rule = echo    ? Rule::R7323_3_2_tsecr_ignore
                      : again ? Rule::MUST_11  // the listener is there still
                              : Rule::SA2_3_syn});
    on.enter(State::kSynReceived, Rule::SA2_3_syn);
    if (!seg.text.empty() || seg.ctl.fin) on.cite_later(Rule::SA2_3_queue);  // the SYN is not processed again for it
    return;
  }
  // Fourth, other data or control:
  if (seg.ctl.fin) on.cite(Rule::SA4_8_unsynchronized);
  on.cite(Rule::SA2_4_other);
}

// What must not make a difference, by this rule.
void odd(Step& on, Rule rule) {
  on.cite(rule);
  on.cite_later(rule);
  on.tcb.oddity = rule;
}

// 3.10.7.3. SYN-SENT STATE
void syn_sent(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  // First, check the ACK bit:
  if (seg.ctl.ack) {
    if (seg.ack <= tcb.iss || tcb.snd_nxt < seg.ack) {
      if (seg.ctl.rst) {
        on.cite(Rule::S3_5_3_synsent);
        on.cite(Rule::R5961_3_2_synsent);
        on.cite(Rule::SA3_1_bad_ack_rst);
        return;
      }
      on.cite(Rule::S3_5_2_rst_ack);
      on.cite(Rule::SA3_1_bad_ack);
      on.cite_later(Rule::S3_5_2_same_state);
      on.reply(reset_reply(seg, Rule::SA3_1_bad_ack, true));
      return;
    }
  }
  // Second, check the RST bit:
  if (seg.ctl.rst) {
    if (seg.ctl.ack) {
      on.cite(Rule::S3_5_3_synsent);
      if (ecn::tries_without(on)) return;
      tcb.signal = Signal::kRefused;
      on.delete_tcb(Rule::SA3_2_reset);
    } else {
      on.cite(Rule::S3_5_3_synsent);
      on.cite(Rule::R5961_3_2_synsent);
      on.cite(Rule::SA3_2_noack);
    }
    return;
  }
  // Third, check the security: no security option is in use.
  // Fourth, check the SYN bit:
  if (seg.ctl.syn) {
    tcb.rcv_nxt = tcb.rcv_nxt_max = tcb.rcv_user = tcb.syn_text_end = seg.seq + 1;
    tcb.irs = seg.seq;
    take_options(on, seg);
    tcb.rcv_edge = tcb.rcv_nxt + tcb.syn_wnd;  // what our SYN offered
    tcb.edge_known = tcb.edge_of_syn = true;
    ecn::syn_arrives(on, seg);
    if (!seg.ctl.ack) ecn::syns_cross(on);
    if (seg.ctl.ack) {
      advance_snd_una(on, seg.ack);
      take_window(on, seg);
      on.cite(Rule::S3_4_syn_fin_count);
      on.cite_later(Rule::SA3_4_window);
      on.enter(State::kEstablished, Rule::SA3_4_established);
      tcb.was_open = true;
      fast_open::syn_ack_arrives(on);
      on.acknowledge_later(Rule::SA3_4_established);
      if (!seg.text.empty() || seg.ctl.fin) {
        on.cite(Rule::SA3_4_rest);
        if (!seg.text.empty()) on.cite(Rule::SA3_4_suppress);
        // The text may be left for a retransmission, if it is not acknowledged.
        const RcvSeq end = tcb.rcv_nxt + static_cast<std::uint32_t>(seg.text.size());
        tcb.rcv_nxt_max = end;
        on.allow_ack();
        if (seg.ctl.fin) {
          tcb.held_fin = true;
          tcb.fin_seq = end;
          reach_fin(on, false);
        }
      }
      return;
    }
    take_window(on, seg);
    if (!seg.text.empty() || seg.ctl.fin) {
      on.cite(Rule::SA3_4_queue);
      queue_from_syn(on, seg);
    }
    on.cite(Rule::MUST_10);
    on.cite(Rule::SA3_4_syn_received);
    on.reply({.form = Reply::Form::kSynAck, .rule = Rule::SA3_4_syn_received});
    on.enter(State::kSynReceived, Rule::SA3_4_syn_received);
    return;
  }
  // Fifth, if neither of the SYN or RST bits is set, then drop the segment and return.
  if (seg.ctl.fin) on.cite(Rule::SA4_8_unsynchronized);
  on.cite(Rule::SA3_5_neither);
}

// 3.10.7.4. Other States

using StepFn = Then (*)(Step&, const Arriving&);
constexpr StepFn kOtherStates[] = {
    check_sequence_number,  // First
    check_rst_bit,          // Second
    check_security,         // Third
    check_syn_bit,          // Fourth
    check_ack_field,        // Fifth
    check_urg_bit,          // Sixth
    process_segment_text,   // Seventh
    check_fin_bit,          // Eighth
};
constexpr int kSteps = 8;

// After CLOSE in SYN-RECEIVED the text that came with the SYN is taken when the handshake goes on, or lost to a user
// who has gone.
Then text_of_syn(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  if (tcb.state == State::kSynReceived || tcb.syn_text_end <= tcb.rcv_nxt_max || tcb.rcv_fin || !tcb.fin_queued) {
    return Then::kProceed;
  }
  if (tcb.user_gone && on.may()) {
    const Reply reply = reset_reply(tcb, seg, Rule::SHLD_3);
    on.delete_tcb(Rule::SHLD_3);
    on.reply(reply);
    return Then::kReturn;
  }
  tcb.rcv_nxt_max = tcb.syn_text_end;
  on.allow_ack();
  return Then::kProceed;
}

// The idealized segment begins at RCV.NXT: of a simultaneous open's SYN,ACK the SYN, which has come before, may be
// trimmed off when text follows it.
std::optional<Arriving> without_syn(Step& on, const Arriving& seg) {
  const Tcb& tcb = on.tcb;
  const bool crossing = tcb.state == State::kSynReceived && !tcb.passive && seg.ctl.syn && seg.ctl.ack &&
                        !seg.ctl.rst && seg.seq == tcb.irs && acks_new(tcb, seg.ack) && seg.len() > 1;
  if (!crossing || !on.may()) return {};
  Arriving ideal = seg;
  ideal.ctl.syn = false;
  ideal.seq = seg.seq + 1;
  if (ideal.up > 0) --ideal.up;  // it points where it did
  if (ideal.up == 0) ideal.ctl.urg = false;
  return ideal;
}

void other_states(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  if (tcb.state == State::kTimeWait && seg.ctl.syn && !seg.ctl.ack && !seg.ctl.rst) {
    const SynInTimeWait then = syn_in_time_wait(on, seg);
    if (then == SynInTimeWait::kBegins) listen(on, seg);
    if (then != SynInTimeWait::kProceeds) return;
    on.answered = true;
  }
  if (tcb.state == State::kTimeWait && seg.seq < tcb.old_seq) tcb.old_seq = seg.seq;
  if (text_of_syn(on, seg) == Then::kReturn) return;
  const BeforeSegment before = before_segment(tcb);
  if (dropped_by_timestamps(on, seg)) {
    if (on.answered) tcb.ack_now_must = tcb.ack_now;
    return;
  }
  note_duplicate(on.tcb, seg);
  const std::optional<Arriving> ideal = without_syn(on, seg);
  int step = 0;
  while (step < kSteps && kOtherStates[step](on, ideal ? *ideal : seg) == Then::kProceed) ++step;
  const Reached reached = step == 0   ? Reached::kSequence
                          : step == 1 ? Reached::kReset
                          : step <= 4 ? Reached::kEarly
                                      : Reached::kPass;
  if (reached != Reached::kPass) urgent_may_arrive(tcb, seg);
  if (on.answered) tcb.ack_now_must = tcb.ack_now;  // without an answer it would have been dropped
  timestamps_recorded(on, seg, before, reached);
  if (reached == Reached::kPass) scale_recorded(on, seg, before.nxt);
}

}  // namespace

void segment_arrives(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  if (tcb.state == State::kClosed || tcb.state == State::kListen) {
    tcb.state = on.env.listening ? State::kListen : State::kClosed;
    // Whether a passive OPEN stands, an unknown user does not say. With an ACK LISTEN allows all that CLOSED does.
    if (!on.env.user_known && !seg.ctl.rst && !seg.ctl.ack && on.may()) tcb.state = State::kClosed;
  }
  tcb.oddity.reset();
  if (!ip_arrives(on, seg)) return;
  switch (seg.fault) {
    case Fault::kNone:
      break;
    case Fault::kChecksum:
      on.cite(Rule::MUST_3);
      on.cite_later(Rule::MUST_3);
      return;
    case Fault::kDataOffset:
    case Fault::kTruncated:
      on.cite(Rule::S3_1_data_offset);
      return;
    case Fault::kOptionLength:
      // It is used as far as it goes, dropped, or taken for a reason to reset.
      on.cite_later(Rule::MUST_7);
      if (on.may()) return;
      if (on.may()) {
        const Reply reply = reset_reply(tcb, seg, Rule::MUST_7);
        if (synchronized(tcb.state) && !on.may()) {
          tcb.signal = Signal::kReset;
          on.delete_tcb(Rule::MUST_7);
        }
        on.reply(seg.ctl.ack || synchronized(tcb.state) ? reply : reset_reply(seg, Rule::MUST_7, true));
        return;
      }
      break;
  }
  const State before = tcb.state;
  if (before <= State::kListen && (tcb.stamps.offered || tcb.stamps.peer)) tcb.stamps = {};
  tcb.front_alone = tcb.partial_gap_ack = false;
  keep_alive_hears(on);
  if (!tcb.congestion.arrived_since_quiet) tcb.congestion.news = false;
  tcb.congestion.arrived_since_quiet = true;
  tcb.rcv_nxt_before = tcb.rcv_nxt;
  if (seg.ctl.reserved != 0) on.cite(Rule::S3_1_reserved_received);
  if (seg.opt.octets != 0) {
    if (!seg.ctl.syn) on.cite(Rule::MUST_5);
    if (seg.opt.user_timeout) odd(on, Rule::R5482_3_ignore);
    if (seg.opt.authentication) odd(on, Rule::R5925_7_3_no_key);
    if (seg.opt.unknown) {
      on.cite(Rule::MUST_6);
      on.cite_later(Rule::MUST_6);
    }
    if (seg.opt.unaligned) on.cite(Rule::MUST_64);
  }
  switch (tcb.state) {
    case State::kClosed:
      closed(on, seg);
      break;
    case State::kListen:
      listen(on, seg);
      urgent_may_arrive(tcb, seg);
      break;
    case State::kSynSent:
      syn_sent(on, seg);
      urgent_may_arrive(tcb, seg);
      break;
    default:
      other_states(on, seg);
      break;
  }
  const Reply::Form form = tcb.reply.form;
  if (form == Reply::Form::kRst || form == Reply::Form::kRstAck) reset_prompted(tcb, seg, before);
}

}  // namespace tcpassay
