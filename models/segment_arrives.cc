// SPDX-License-Identifier: Apache-2.0
#include "models/segment_arrives.h"

#include "models/ip_layer.h"
#include "models/keep_alive.h"
#include "models/loss_recovery.h"
#include "models/selective_acknowledgment.h"
#include "models/time_wait.h"
#include "models/timestamps.h"
#include "models/urgent.h"
#include "models/window_scale.h"

namespace tcpassay {
namespace {

enum class Then { kProceed, kReturn };

bool wraps(const Tcb& tcb, const Arriving& seg) {
  return seg.seq.value + seg.len() < seg.seq.value || (tcb.rcv_nxt.value > seg.seq.value && tcb.rcv_nxt <= seg.seq);
}

// A connection begins anew; what is known of the implementation stays.
void fresh(Possible& tcb) {
  Possible begun;
  begun.traits = tcb.traits;
  begun.now = tcb.now;
  begun.later = tcb.later;
  begun.demerits = tcb.demerits;
  begun.oddity = tcb.oddity;
  begun.user_timeout = tcb.user_timeout;
  tcb = begun;
}

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

void take_mss(const Around& around, Tcb& tcb, const Arriving& syn) {
  tcb.snd_mss = syn.opt.mss.value_or(around.default_mss);
  tcb.mss_given = syn.opt.mss.has_value();
  tcb.peer_sack = syn.opt.sack_permitted;
  if (tcb.snd_mss == 0) tcb.snd_mss = 0xffff;  // cannot be obeyed
  const int others = (syn.opt.window_scale ? 3 : 0) + (syn.opt.timestamps ? 10 : 0) + (syn.opt.sack_permitted ? 2 : 0);
  tcb.mss_among_options = tcb.mss_given && !syn.opt.unknown && syn.opt.octets > 4 + others;
}

// What the peer's SYN says beside its sequence number.
void take_options(Step& on, const Arriving& syn) {
  take_mss(on.around, on.tcb, syn);
  scale_of_syn(on.tcb, syn);
  take_sack_permitted(on.tcb, syn);
  timestamps_of_syn(on.tcb, syn, on.around.now);
}

// SND.WND <- SEG.WND, SND.WL1 <- SEG.SEQ, SND.WL2 <- SEG.ACK
void take_window(Step& on, const Arriving& seg) {
  Possible& tcb = on.tcb;
  window_arrives(on, seg);
  tcb.snd_wnd = window_of(tcb, seg);
  tcb.snd_wl1 = seg.seq;
  tcb.snd_wl2 = seg.ack;
  if (tcb.snd_wnd > tcb.max_snd_wnd) tcb.max_snd_wnd = tcb.snd_wnd;
}

// SND.UNA < SEG.ACK =< SND.NXT, by distances, so that a number half the space away is not taken for new.
bool acks_new(const Tcb& tcb, SndSeq ack) {
  return ack != tcb.snd_una && ack - tcb.snd_una <= tcb.snd_nxt - tcb.snd_una;
}

// SND.UNA <- SEG.ACK, and what is thereby acknowledged leaves the retransmission queue.
void advance_snd_una(Step& on, SndSeq ack) {
  Possible& tcb = on.tcb;
  timer_acked(on, ack);
  congestion_acked(on, ack);
  if (tcb.rexmits == 0 && on.around.now - tcb.sent_at > tcb.rtt_max) tcb.rtt_max = on.around.now - tcb.sent_at;
  tcb.snd_una = ack;
  // Karn's algorithm: what was retransmitted measures nothing, so the timeout stays as long as it has become.
  const bool measured = tcb.rexmits == 0 && tcb.congestion.resent_to < ack;
  tcb.backed_off = measured ? std::uint8_t{0} : std::max(tcb.backed_off, tcb.rexmits);
  tcb.rexmits = 0;
  tcb.timed = false;
  tcb.sent_at = on.around.now;
}

// TIME-WAIT ends by then, when its timer starts now.
Time later_end(const Step& on) {
  return on.around.now + 2 * on.around.msl + on.around.msl / 5 + std::chrono::seconds(1);
}

// 3.10.7.1. CLOSED STATE
void closed(Step& on, const Arriving& seg) {
  if (!seg.text.empty()) on.cite(Rule::SA1_text);
  if (seg.ctl.fin) on.cite(Rule::SA4_8_unsynchronized);
  if (on.around.elsewhere) {  // a passive OPEN stands on another address of the target
    on.cite(Rule::S3_9_1_1_local_address);
    on.tcb.oddity = Rule::S3_9_1_1_local_address;
  }
  if (seg.ctl.syn && on.around.deserted) on.cite(on.around.aborted ? Rule::S3_10_5_listen : Rule::S3_10_4_listen);
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
  Possible& tcb = on.tcb;
  const RcvSeq end = tcb.rcv_nxt + static_cast<std::uint32_t>(syn.text.size());
  tcb.rcv_nxt_max = tcb.syn_text_end = end;
  if (syn.ctl.fin && on.may()) {
    tcb.held_fin = true;
    tcb.fin_seq = end;
  }
}

// 3.10.7.2. LISTEN STATE
void listen(Step& on, const Arriving& seg) {
  Possible& tcb = on.tcb;
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
    if (on.around.backlog_full && on.may()) return;                 // there is no room: dropped
    if (seg.ctl.fin && on.may()) return;                            // SYN with FIN is dropped by policy in many stacks
    const bool again = tcb.state == State::kListen && tcb.passive;  // the port was in SYN-RECEIVED before
    const Possible old = tcb;
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
    if (!seg.text.empty() || seg.ctl.fin) on.cite(Rule::SA2_3_queue);
    queue_from_syn(on, seg);
    take_options(on, seg);
    take_window(on, seg);
    ecn::syn_arrives(on, seg);
    fast_open::syn_arrives(on, seg);
    tcb.max_snd_wnd = 0;  // SND.WND proper begins with the ACK of our SYN
    on.cite(Rule::SA2_3_syn);
    on.cite(Rule::S3_4_syn_fin_count);
    const bool echo = seg.opt.timestamps && seg.opt.timestamps->echo != 0;
    on.reply({.form = Reply::Form::kSynAck, .rule = echo ? Rule::R7323_3_2_tsecr_ignore : Rule::SA2_3_syn});
    on.enter(State::kSynReceived, Rule::SA2_3_syn);
    return;
  }
  // Fourth, other data or control:
  if (seg.ctl.fin) on.cite(Rule::SA4_8_unsynchronized);
  on.cite(Rule::SA2_4_other);
}

bool reaches(const Tcb& tcb, RcvSeq seq) {
  return tcb.rcv_nxt <= seq && seq <= tcb.rcv_nxt_max;
}

// What must not make a difference, by this rule.
void odd(Step& on, Rule rule) {
  on.cite(rule);
  on.cite_later(rule);
  on.tcb.oddity = rule;
}

// 3.10.7.4, Eighth: a FIN that is next in sequence.
void take_fin(Step& on) {
  Possible& tcb = on.tcb;
  tcb.rcv_nxt = tcb.rcv_nxt_max = tcb.fin_seq + 1;
  tcb.rcv_fin = true;
  tcb.held_fin = tcb.filled = tcb.held_overflow = false;
  tcb.held.clear();
  on.cite(Rule::S3_4_syn_fin_count);
  on.acknowledge_later(Rule::SA4_8_ack);
  switch (tcb.state) {
    case State::kEstablished:
      on.enter(State::kCloseWait, on.established_here ? Rule::SA4_8_syn_received : Rule::SA4_8_established);
      break;
    case State::kFinWait1:
      if (tcb.fin_acked()) {
        start_time_wait(on);
        on.enter(State::kTimeWait, Rule::SA4_8_fin_wait_1_acked);
      } else {
        on.enter(State::kClosing, Rule::SA4_8_fin_wait_1);
      }
      break;
    case State::kFinWait2:
      start_time_wait(on);
      on.enter(State::kTimeWait, on.fin_acked_here ? Rule::SA4_8_fin_wait_1_acked : Rule::SA4_8_fin_wait_2);
      break;
    default:
      break;
  }
}

// A FIN was seen: it takes effect when all before it has been taken, which is sure, open, or not yet so.
void reach_fin(Step& on, bool in_window) {
  Possible& tcb = on.tcb;
  if (!tcb.held_fin) return;
  if (tcb.rcv_nxt_max < tcb.fin_seq) {
    on.cite(Rule::SA4_1_hold_fin);
    return;
  }
  if (tcb.fin_seq < tcb.rcv_nxt) {  // the peer sent text beyond its own FIN: either may count
    tcb.contradicted = true;
    tcb.held_fin = false;
    if (on.may()) return;
  }
  const bool sure = tcb.rcv_nxt == tcb.fin_seq && tcb.rcv_nxt_max == tcb.fin_seq && in_window;
  if (!sure) {
    const bool held = tcb.filled && !tcb.held_fin_outside && tcb.rcv_nxt_max == tcb.fin_seq;
    const bool taken = held ? on.should(Rule::SHLD_31) : on.may();
    if (!taken) {
      tcb.contradicted = tcb.contradicted || tcb.fin_seq < tcb.rcv_nxt_max;
      tcb.held_fin = false;
      return;
    }
  }
  take_fin(on);
}

// 3.10.7.3. SYN-SENT STATE
void syn_sent(Step& on, const Arriving& seg) {
  Possible& tcb = on.tcb;
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

Then check_ack_field(Step& on, const Arriving& seg);

// A segment that fails the test. Its ACK field may be used all the same: at a zero window that is a special allowance,
// just below the window it is Appendix A.2.
void unacceptable(Step& on, const Arriving& seg) {
  Possible& tcb = on.tcb;
  if (seg.ctl.rst) {
    // Some stacks take a RST at RCV.NXT-1 once the peer's FIN has arrived: it was sent before that FIN was.
    const bool behind_fin = tcb.rcv_fin && seg.seq == tcb.rcv_nxt - 1;
    if (behind_fin && on.may()) {
      tcb.signal = tcb.state == State::kCloseWait ? Signal::kReset : tcb.signal;
      on.delete_tcb(Rule::SA4_2_closing);
      return;
    }
    on.cite(Rule::S3_5_2_rst_on_rst);
    on.cite(Rule::S3_5_3_window);
    on.cite(Rule::R5961_3_2_outside);
    on.cite(Rule::SA4_2_outside);
    on.cite(Rule::SA4_1_rst);
    return;
  }
  if (synchronized(tcb.state)) {
    on.cite(Rule::S3_5_2_unclear);
    on.cite(Rule::S3_5_2_unacceptable);
  }
  if (tcb.state == State::kSynReceived) on.cite(Rule::SA4_1_syn_received);
  if (seg.ctl.syn && synchronized(tcb.state)) {
    on.cite(Rule::S3_5_1_halfopen_syn);
    if (tcb.traits[static_cast<std::size_t>(Trait::kChallengesSyn)] > 0) on.cite(Rule::SA4_4_challenge);
  }
  if (tcb.state == State::kTimeWait && seg.ctl.fin) {
    on.cite(Rule::SA4_8_time_wait);
    on.cite(Rule::SA4_5_time_wait);
    if (on.around.since + on.around.msl > tcb.time_wait_from) on.cite(Rule::MUST_13);
    // Whether the timer starts again is left open: step 1 drops the FIN before the steps that restart it.
    tcb.time_wait_to = later_end(on);
  } else if (seg.ctl.fin && tcb.rcv_fin) {
    on.cite(Rule::SA4_8_stay);
  }
  on.cite_later(Rule::SA4_1_drop);
  const bool bad_ack = seg.ctl.ack && !acks_new(tcb, seg.ack);
  if (tcb.state == State::kSynReceived && bad_ack && !on.may()) {
    // 3.5.2, group 2: an unacceptable ACK in a state that is not synchronized draws a RST, whatever its SEQ.
    on.cite_later(Rule::S3_5_2_same_state);
    on.cite(Rule::S3_5_2_rst_ack);
    on.reply(reset_reply(seg, Rule::SA4_5_synrcvd_bad, true));
    return;
  }
  on.cite(Rule::SA4_1_ack);
  on.acknowledge_now(Rule::SA4_1_ack);
  ecn::unacceptable_arrives(on, seg);

  const bool useful = seg.ctl.ack && !seg.ctl.syn && acks_new(tcb, seg.ack);
  const bool crossing = tcb.state == State::kSynReceived && seg.ctl.syn && seg.ctl.ack && seg.seq == tcb.irs &&
                        acks_new(tcb, seg.ack);  // simultaneous open, figure 7
  const bool window_news = seg.ctl.ack && !seg.ctl.syn && seg.ack == tcb.snd_una && window_of(tcb, seg) != tcb.snd_wnd;
  const bool zero_window = tcb.rcv_edge == tcb.rcv_nxt && seg.seq == tcb.rcv_nxt;
  const bool near_below = seg.seq < tcb.rcv_nxt && tcb.rcv_nxt <= seg.seq + seg.len() + 1;
  if ((useful || window_news) && zero_window) {
    if (on.should(Rule::SA4_1_zero_window)) {
      on.cite_later(Rule::SA4_1_zero_window);
      check_ack_field(on, seg);
    }
  } else if (crossing || ((useful || window_news) && near_below)) {
    if (on.may(Rule::SA_A2)) {
      if (crossing) on.acknowledge_later(Rule::MUST_10);
      if (on.may()) tcb.ack_now = false;  // a test that is widened so far as to accept it owes no answer
      check_ack_field(on, seg);
      if (crossing) reach_fin(on, true);
    }
  }
}

// First, check sequence number:
Then check_sequence_number(Step& on, const Arriving& seg) {
  Possible& tcb = on.tcb;
  if (wraps(tcb, seg)) on.cite(Rule::S3_4_modulo);
  switch (acceptable(tcb, seg)) {
    case Acceptable::kYes:
      on.cite(seg.len() != 0                ? Rule::S3_4_text_wnd
              : tcb.rcv_edge == tcb.rcv_nxt ? Rule::S3_4_len0_wnd0
                                            : Rule::S3_4_len0_wnd);
      return Then::kProceed;
    case Acceptable::kEither: {
      const bool probe = seg.len() != 0 && tcb.rcv_edge == tcb.rcv_nxt && seg.seq == tcb.rcv_nxt;
      if (probe) on.cite(Rule::S3_8_6_1_ack);
      if (!on.may()) {
        if (probe && seg.ctl.ack && tcb.snd_una < seg.ack) on.cite_later(Rule::SA4_1_zero_window);
        return Then::kProceed;
      }
      break;
    }
    case Acceptable::kNo:
      on.cite(seg.len() != 0 ? Rule::S3_4_text_wnd : Rule::S3_4_len0_wnd);
      break;
  }
  if (seg.len() != 0 && tcb.rcv_edge == tcb.rcv_nxt) on.cite(Rule::S3_4_text_wnd0);
  unacceptable(on, seg);
  return Then::kReturn;
}

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> in answer to what may be an attack (RFC 5961); repeats may be throttled.
void challenge(Step& on, Rule rule) {
  Possible& tcb = on.tcb;
  const bool recently = tcb.challenged >= Time{} && on.around.now - tcb.challenged < kThrottlePeriod;
  if (recently && on.may(Rule::R5961_7_throttle)) return;
  tcb.challenged = on.around.now;
  on.cite(rule);
  on.acknowledge_now(rule);
}

// Return to the LISTEN state; or to TIME-WAIT, when the SYN that ended it was old (3.6.1, MAY-2).
void back_to_listen(Step& on, Rule rule) {
  Possible& tcb = on.tcb;
  const bool back = tcb.reopened && on.may();
  on.delete_tcb(rule);
  if (on.around.listening) tcb.state = State::kListen;
  if (!back) return;
  tcb.state = State::kTimeWait;
  tcb.snd_una = tcb.snd_nxt = tcb.snd_end = tcb.old_snd_nxt;
  tcb.rcv_nxt = tcb.rcv_nxt_max = tcb.rcv_acked = tcb.old_rcv_nxt;
  tcb.rcv_fin = tcb.was_open = true;
  tcb.edge_known = tcb.reopened = false;
}

// The connection is reset by the peer: queues are flushed, the user is told.
void reset_by_peer(Step& on, Rule exact) {
  Possible& tcb = on.tcb;
  on.cite(exact);
  switch (tcb.state) {
    case State::kSynReceived:
      on.cite_later(Rule::MUST_11);
      if (tcb.passive) {
        back_to_listen(on, Rule::SA4_2_passive);
      } else {
        tcb.signal = Signal::kRefused;
        on.delete_tcb(Rule::SA4_2_active);
      }
      break;
    case State::kEstablished:
    case State::kFinWait1:
    case State::kFinWait2:
    case State::kCloseWait:
      tcb.signal = Signal::kReset;
      on.delete_tcb(Rule::SA4_2_established);
      break;
    default:
      on.delete_tcb(Rule::SA4_2_closing);
      break;
  }
}

// Second, check the RST bit:
Then check_rst_bit(Step& on, const Arriving& seg) {
  Possible& tcb = on.tcb;
  if (!seg.ctl.rst) return Then::kProceed;
  on.cite(Rule::S3_5_2_rst_on_rst);
  if (tcb.state == State::kTimeWait) {
    const bool ignored = on.may(Rule::R1337_3_F1);
    if (tcb.acked_in_time_wait) on.cite(Rule::R1337_2_hazard, ignored);  // it may be what our own ACK has drawn
    if (ignored) {
      tcb.ignored_rst = true;
      return Then::kReturn;
    }
    if (tcb.stamps.on()) on.cite(Rule::R1337_3_F2, tcb.ignored_rst);
  }
  if (tcb.stamps.on() && seg.opt.timestamps && seg.opt.timestamps->echo != tcb.stamps.last &&
      on.may(Rule::R7323_5_2_rst_tsecr)) {
    if (!on.may()) challenge(on, Rule::SA4_2_inexact);
    return Then::kReturn;
  }
  if (reaches(tcb, seg.seq)) {
    if (tcb.rcv_nxt != tcb.rcv_nxt_max && on.may()) {  // what RCV.NXT is, is not known
      challenge(on, Rule::SA4_2_inexact);
      return Then::kReturn;
    }
    if (tcb.rcv_edge == tcb.rcv_nxt) on.cite_later(Rule::MUST_66);
    if (!seg.text.empty()) on.cite_later(Rule::SHLD_2);
    on.cite_later(Rule::R5961_3_2_exact);
    const Tcb::Challenge challenged = tcb.challenge;
    reset_by_peer(on, Rule::SA4_2_exact);
    if (challenged == Tcb::Challenge::kRst) on.cite_later(Rule::R5961_3_2_legit);
    if (challenged == Tcb::Challenge::kSyn) on.cite_later(Rule::R5961_4_2_rst);
    return Then::kReturn;
  }
  if (at_sack_edge(tcb, seg.seq) && on.may()) {  // the RST of a peer that believes the gap to be filled
    reset_by_peer(on, Rule::SA4_2_established);
    return Then::kReturn;
  }
  if (on.since(Edition::k9293) && on.trait(Trait::kChallengesRst)) {
    on.cite(Rule::R5961_3_2_scope);
    on.cite(Rule::R5961_3_2_inexact);
    if (!seg.text.empty()) on.cite_later(Rule::R5961_3_2_drop);
    challenge(on, Rule::SA4_2_inexact);
    tcb.challenge = Tcb::Challenge::kRst;
    return Then::kReturn;
  }
  on.depart(Rule::R5961_3_2_scope);  // RFC 793 takes any RST in the window
  reset_by_peer(on, Rule::SA4_2_established);
  return Then::kReturn;
}

// Third, check security: no security option is in use, so there is nothing to compare.
Then check_security(Step&, const Arriving&) {
  return Then::kProceed;
}

// Fourth, check the SYN bit:
Then check_syn_bit(Step& on, const Arriving& seg) {
  Possible& tcb = on.tcb;
  if (!seg.ctl.syn) return Then::kProceed;
  if (tcb.state == State::kSynReceived && tcb.passive) {
    // RFC 9293 returns to LISTEN, 793 resets, 5961 challenges; dropping it is seen too. What all exclude is taking it.
    on.cite_later(Rule::SA4_4_passive);
    if (!on.may()) {
      back_to_listen(on, Rule::SA4_4_passive);
      if (tcb.state != State::kTimeWait && on.may()) on.reply(reset_reply(seg, Rule::SA4_4_passive, true));
    } else if (!on.may()) {
      challenge(on, Rule::SA4_4_passive);
    }
    return Then::kReturn;
  }
  const Rule rule = tcb.state == State::kSynReceived ? Rule::SA4_4_active : Rule::SA4_4_challenge;
  if (on.since(Edition::k9293) && on.trait(Trait::kChallengesSyn)) {
    on.cite(Rule::R5961_4_2_scope);
    on.cite(Rule::R5961_4_2_syn);
    if (seg.len() > 1) on.cite_later(Rule::R5961_4_2_drop);
    challenge(on, rule);
    tcb.challenge = Tcb::Challenge::kSyn;
  } else {  // RFC 793
    on.depart(Rule::R5961_4_2_scope);
    tcb.signal = Signal::kReset;
    const Reply reply = reset_reply(tcb, seg, Rule::SA4_4_reset);
    on.delete_tcb(Rule::SA4_4_reset);
    on.reply(reply);
  }
  return Then::kReturn;
}

// If SND.UNA =< SEG.ACK =< SND.NXT, the send window should be updated, but not from an older segment.
void update_send_window(Step& on, const Arriving& seg) {
  Possible& tcb = on.tcb;
  const std::uint32_t wnd = window_of(tcb, seg);
  // Of a segment that begins before RCV.NXT the new part counts, with its header adjusted or not.
  const bool straddles = seg.seq < tcb.rcv_nxt && tcb.rcv_nxt < seg.seq + seg.len();
  const RcvSeq seq = straddles && wnd != tcb.snd_wnd && !on.may() ? tcb.rcv_nxt : seg.seq;
  if (tcb.snd_wl1 < seq || (tcb.snd_wl1 == seq && tcb.snd_wl2 <= seg.ack)) {
    tcb.window_at = on.around.now;
    if (wnd != tcb.snd_wnd) {
      tcb.congestion.window_moved = true;
      if (tcb.snd_wnd == 0) tcb.congestion.left = tcb.snd_nxt - tcb.snd_una;  // what met a closed window may go again
      on.cite_later(Rule::SA4_5_window);
      if (wnd < tcb.snd_wnd && tcb.snd_una + wnd < tcb.snd_nxt) on.cite_later(Rule::MUST_34);
      tcb.timed = false;
    }
    if (wnd == 0 && tcb.snd_wnd != 0) tcb.zero_at = on.around.now;
    take_window(on, seg);
    tcb.snd_wl1 = seq;
  } else if (wnd != tcb.snd_wnd) {
    on.cite_later(Rule::SA4_5_window_old);
  }
}

// RFC 5681 section 2 says what counts as a duplicate ACK.
bool is_duplicate_ack(const Tcb& tcb, const Arriving& seg) {
  return tcb.snd_una < tcb.snd_nxt && seg.text.empty() && !seg.ctl.syn && !seg.ctl.fin && seg.ack == tcb.snd_una &&
         window_of(tcb, seg) == tcb.snd_wnd && tcb.snd_wnd != 0;
}

// ESTABLISHED STATE of the fifth step, which the other states share.
Then established_ack(Step& on, const Arriving& seg) {
  Possible& tcb = on.tcb;
  const SndSeq una = tcb.snd_una;
  const std::uint32_t wnd = tcb.snd_wnd;
  const bool advances = acks_new(tcb, seg.ack);
  if (advances) {
    on.cite(Rule::SA4_5_new);
    ecn::ack_arrives(on, seg, true);
    advance_snd_una(on, seg.ack);
    tcb.was_open = true;
  } else if (seg.ack <= tcb.snd_una) {
    on.cite(Rule::SA4_5_duplicate);  // it can be ignored
    congestion_not_acked(on, is_duplicate_ack(tcb, seg));
    ecn::ack_arrives(on, seg, false);
  } else {                           // SEG.ACK > SND.NXT
    if (synchronized(tcb.state)) on.cite(Rule::S3_5_2_unacceptable);
    on.cite(Rule::SA4_5_unsent);
    on.acknowledge_now(Rule::SA4_5_unsent);
    return Then::kReturn;
  }
  if (seg.opt.blocks > 0 || seg.opt.timestamps) {
    SndSeq highest = tcb.snd_una;
    for (std::size_t i = 0; i < seg.opt.blocks; ++i) highest = later(highest, SndSeq{seg.opt.block[i].right});
    const bool doubled = seg.opt.blocks > 0 && SndSeq{seg.opt.block[0].left} < seg.ack;  // RFC 2883
    congestion_informed(on, highest, doubled || seg.opt.timestamps);
  }
  // RFC 793 takes the window only with an ACK of something new; RFC 1122 mends that.
  const bool literally_old = !on.since(Edition::k1122) && !advances && window_of(tcb, seg) != tcb.snd_wnd;
  if (tcb.snd_una == seg.ack && !(literally_old && on.may())) update_send_window(on, seg);
  if (seg.ack < tcb.snd_una && window_of(tcb, seg) != tcb.snd_wnd) on.cite(Rule::S3_8_6_highest_ack);
  report_arrives(on, seg, una, wnd);
  if (tcb.snd_wnd == 0 && tcb.snd_una < tcb.snd_limit() && tcb.rexmits > 0) {
    tcb.sent_at = on.around.now;
    on.cite_later(Rule::MUST_37);  // the peer answers window probes: the connection stays open
    if (tcb.snd_edge() + 1 < tcb.snd_nxt) on.cite_later(Rule::SHLD_17);
  }
  return Then::kProceed;
}

// RFC 5961 section 5: is SEG.ACK so old that it is refused? Between MAX.SND.WND and the largest permissible window, and
// for what lies before ISS, stacks may differ.
bool refused_as_old(Step& on, const Arriving& seg) {
  const Tcb& tcb = on.tcb;
  if (!on.since(Edition::k9293)) return false;  // an old ACK is a duplicate, however old
  const SndSeq low = tcb.snd_una - tcb.max_snd_wnd;
  if (low <= seg.ack && tcb.iss < seg.ack) {
    if (seg.ack < tcb.snd_una - tcb.snd_wnd) {
      on.cite(Rule::R5961_5_2_maxwnd);
      on.taken_by = Rule::R5961_5_2_maxwnd;
    }
    return false;
  }
  if (tcb.snd_nxt < seg.ack && !(seg.ack < tcb.snd_una)) return false;
  constexpr std::uint32_t kLargestWindow = 1u << 30;
  if (tcb.snd_una - kLargestWindow <= seg.ack) return on.may();
  const bool refused = on.trait(Trait::kChecksAckRange);
  on.cite(Rule::MAY_12, refused);
  return refused;
}

// Fifth, check the ACK field:
Then check_ack_field(Step& on, const Arriving& seg) {
  Possible& tcb = on.tcb;
  if (!seg.ctl.ack) {
    on.cite(Rule::SA4_5_off);
    on.cite_later(Rule::SA4_5_off);
    return Then::kReturn;
  }
  if (tcb.state == State::kSynReceived) {
    if (acks_new(tcb, seg.ack)) {
      if (tcb.passive && on.around.backlog_full && on.may()) return Then::kReturn;  // no room: ignored
      advance_snd_una(on, seg.ack);
      take_window(on, seg);
      tcb.window_at = on.around.now;
      on.enter(State::kEstablished, Rule::SA4_5_synrcvd_ok);
      if (tcb.rcv_nxt_max < tcb.syn_text_end && tcb.user_gone && on.may()) {
        const Reply reply = reset_reply(tcb, seg, Rule::SHLD_3);
        on.delete_tcb(Rule::SHLD_3);
        on.reply(reply);
        return Then::kReturn;
      }
      if (tcb.rcv_nxt_max < tcb.syn_text_end) {  // what came with the SYN may be taken now
        tcb.rcv_nxt_max = tcb.syn_text_end;
        on.allow_ack();
      }
      on.cite(Rule::SA4_5_synrcvd_ok);
      tcb.was_open = on.established_here = true;
      if (!tcb.passive) on.cite_later(Rule::MUST_10);
      if (tcb.fin_queued) {  // CLOSE had been queued for this
        on.enter(State::kFinWait1, Rule::S3_10_4_syn_received);
        tcb.send_pending = true;
        tcb.send_due = on.around.now + kSendDelayMax;
      }
      return Then::kProceed;
    }
    on.cite(Rule::SA4_5_synrcvd_bad);
    if (on.may()) {  // the range check of RFC 5961 comes first
      on.acknowledge_now(Rule::SA4_5_synrcvd_bad);
    } else {
      on.cite(Rule::S3_5_2_rst_ack);
      on.cite_later(Rule::S3_5_2_same_state);
      on.reply(reset_reply(seg, Rule::SA4_5_synrcvd_bad, true));
    }
    return Then::kReturn;
  }
  if (refused_as_old(on, seg)) {
    on.cite(Rule::SA4_5_range);
    on.cite(Rule::R5961_5_2_range);
    on.cite(Rule::R5961_5_2_ack);
    challenge(on, Rule::R5961_5_2_ack);
    return Then::kReturn;
  }
  // Half the number space away, an ACK is as old as it is unsent.
  if (seg.ack < tcb.snd_una && tcb.snd_nxt < seg.ack && !on.may()) {
    on.cite(Rule::SA4_5_unsent);
    on.acknowledge_now(Rule::SA4_5_unsent);
    return Then::kReturn;
  }
  const bool had_fin_acked = tcb.fin_acked();
  if (established_ack(on, seg) == Then::kReturn) return Then::kReturn;
  on.fin_acked_here = !had_fin_acked && tcb.fin_acked();
  switch (tcb.state) {
    case State::kFinWait1:
      if (tcb.fin_acked()) {
        tcb.quiet_since = on.around.now;
        on.enter(State::kFinWait2, Rule::SA4_5_fin_wait_1);
      }
      break;
    case State::kFinWait2:
      on.cite(Rule::SA4_5_fin_wait_2);
      break;
    case State::kCloseWait:
      on.cite(Rule::SA4_5_close_wait);
      break;
    case State::kClosing:
      if (!tcb.fin_acked()) {
        on.cite(Rule::SA4_5_closing);
        return Then::kReturn;
      }
      start_time_wait(on);
      on.enter(State::kTimeWait, Rule::SA4_5_closing);
      break;
    case State::kLastAck:
      if (tcb.fin_acked()) {
        on.delete_tcb(Rule::SA4_5_last_ack);
        return Then::kReturn;
      }
      break;
    case State::kTimeWait:  // taken for a retransmission of the FIN, which restarts the timer
      on.cite(Rule::SA4_5_time_wait);
      tcb.time_wait_to = later_end(on);
      on.allow_ack();
      break;
    default:
      break;
  }
  return Then::kProceed;
}

// Sixth, check the URG bit:
Then check_urg_bit(Step& on, const Arriving& seg) {
  urgent_arrives(on, seg);
  return Then::kProceed;
}

void hold(Possible& tcb, RcvSeq from, RcvSeq to) {
  if (tcb.held.empty() || tcb.held_top < to) tcb.held_top = to;
  int kept = 0;
  for (int i = 0; i < tcb.held.size; ++i) {  // the spans that it touches become one with it
    const Span span = tcb.held.items[static_cast<std::size_t>(i)];
    if (from <= span.to && span.from <= to) {
      from = earlier(span.from, from);
      to = later(span.to, to);
    } else {
      tcb.held.items[static_cast<std::size_t>(kept++)] = span;
    }
  }
  tcb.held.size = static_cast<std::uint8_t>(kept);
  if (tcb.held.size == kHeldMax) tcb.held_overflow = true;
  tcb.held.add({from, to});
}

// Text that was held and is now in sequence may have been kept: RCV.NXT goes as far at most.
void join_held(Possible& tcb) {
  if (tcb.held_overflow && tcb.rcv_nxt_max < tcb.held_top) {
    tcb.rcv_nxt_max = tcb.held_top;
    tcb.filled = true;
  }
  for (bool joined = true; joined;) {
    joined = false;
    for (const Span& span : tcb.held) {
      if (span.from <= tcb.rcv_nxt_max) {
        if (tcb.rcv_nxt_max < span.to) {
          tcb.rcv_nxt_max = span.to;
          tcb.filled = true;
        }
        const Span gone = span;
        tcb.held.remove(gone);
        joined = true;
        break;
      }
    }
  }
}

// Seventh, process the segment text:
Then process_segment_text(Step& on, const Arriving& seg) {
  Possible& tcb = on.tcb;
  const auto octets = static_cast<std::uint32_t>(seg.text.size());
  ecn::text_arrives(on, seg);
  // Text that waited, with the SYN say, may be found to be new only now that nobody is there to receive it.
  if (octets == 0 && tcb.user_gone && !tcb.rcv_fin && tcb.rcv_nxt < tcb.rcv_nxt_max && on.may()) {
    const Reply reply = reset_reply(tcb, seg, Rule::SHLD_3);
    on.delete_tcb(Rule::SHLD_3);
    on.reply(reply);
    return Then::kReturn;
  }
  if (octets == 0) return Then::kProceed;
  RcvSeq end = seg.seq + octets;
  if (tcb.rcv_fin) {  // CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT: this should not occur; ignore the text
    on.cite(Rule::SA4_7_late);
    on.cite_later(Rule::SA4_7_late);
    if (tcb.user_gone && on.may()) {
      const Reply reply = reset_reply(tcb, seg, Rule::SHLD_3);
      on.delete_tcb(Rule::SHLD_3);
      on.reply(reply);
      return Then::kReturn;
    }
    on.allow_ack();
    return Then::kReturn;
  }
  if (tcb.held_fin && tcb.fin_seq < end) tcb.contradicted = true;
  if (tcb.held_fin && tcb.fin_seq < end) {  // beyond the peer's own FIN: it counts, or the FIN does
    if (on.may()) {
      on.allow_ack();
      if (tcb.fin_seq <= seg.seq) return Then::kProceed;
      end = tcb.fin_seq;
    } else if (!seg.ctl.fin) {
      tcb.held_fin = false;
    }
  }
  const bool nobody = tcb.user_gone && tcb.rcv_nxt < end;
  const bool refused = nobody && on.should(Rule::SHLD_3);
  if (nobody) on.cite(Rule::MAY_1, refused);
  if (refused) {
    on.cite(Rule::SHLD_3);
    const Reply reply = reset_reply(tcb, seg, Rule::SHLD_3);
    on.delete_tcb(Rule::SHLD_3);
    on.reply(reply);
    return Then::kReturn;
  }
  if (tcb.rcv_nxt_max < seg.seq) {  // ahead of a gap
    on.cite(Rule::MAY_13);
    on.cite(Rule::R5681_3_2_out_of_order);
    for (const Span& span : tcb.held) {
      if (seg.seq < span.to && span.from < end) on.cite(Rule::S3_10_overlap);
    }
    hold(tcb, seg.seq, end);
    triggers_sack(tcb, {seg.seq, end});
    on.acknowledge_now(Rule::R5681_3_2_out_of_order);
    return Then::kProceed;
  }
  const bool gap = !tcb.held.empty() || tcb.held_overflow;
  const RcvSeq old_nxt = tcb.rcv_nxt;
  RcvSeq sure = end;
  if (tcb.edge_known && tcb.rcv_edge < end) {
    if (!on.should(Rule::SA4_1_trim_right)) {
      on.acknowledge_now(Rule::SA4_1_ack);
      return Then::kReturn;
    }
    on.cite(Rule::SA4_1_trim_right);
    sure = later(tcb.rcv_edge, tcb.rcv_nxt);
  }
  if (seg.seq < tcb.rcv_nxt) on.cite(Rule::SA4_1_trim_left);
  on.cite(Rule::SA4_7_deliver);
  if (tcb.state == State::kFinWait1 || tcb.state == State::kFinWait2) on.cite(Rule::S3_6_half_close);
  if (tcb.contradicted) {  // where the stream ends is no longer sure
    sure = tcb.rcv_nxt;
    tcb.filled = false;
  }
  if (seg.seq <= tcb.rcv_nxt) tcb.rcv_nxt = later(tcb.rcv_nxt, sure);
  tcb.rcv_nxt_max = later(tcb.rcv_nxt_max, end);
  if (gap) {
    join_held(tcb);
    on.cite(Rule::R5681_3_2_fill);
    on.acknowledge_now(Rule::R5681_3_2_fill);
  }
  tcb.rcv_unacked += tcb.rcv_nxt - old_nxt;
  if (tcb.rcv_unacked >= 2u * tcb.rcv_mss) {
    on.cite(Rule::SHLD_19);
    on.acknowledge_now(Rule::SHLD_19);
  }
  on.acknowledge_later(on.taken_by);
  return Then::kProceed;
}

// Eighth, check the FIN bit:
Then check_fin_bit(Step& on, const Arriving& seg) {
  Possible& tcb = on.tcb;
  if (tcb.rcv_fin) {
    if (seg.ctl.fin) {
      on.cite(tcb.state == State::kTimeWait ? Rule::SA4_8_time_wait : Rule::SA4_8_stay);
      on.allow_ack();
    }
    return Then::kReturn;
  }
  bool in_window = true;
  if (seg.ctl.fin) {
    const RcvSeq fin = seg.seq + static_cast<std::uint32_t>(seg.text.size());
    const bool moved = tcb.held_fin && fin != tcb.fin_seq;
    tcb.contradicted = tcb.contradicted || moved;
    if (!moved || !on.may()) tcb.fin_seq = fin;  // a peer that moves its FIN may be held to either
    tcb.held_fin = true;
    in_window = !tcb.edge_known || tcb.fin_seq < tcb.rcv_edge;
    tcb.held_fin_outside = !in_window;
    if (seg.text.empty() && tcb.rcv_nxt_max < tcb.fin_seq) {
      on.cite(Rule::R5681_3_2_out_of_order);
      on.acknowledge_now(Rule::R5681_3_2_out_of_order);
    }
  }
  reach_fin(on, in_window);
  return Then::kReturn;
}

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
  Possible& tcb = on.tcb;
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

void other_states(Step& on, const Arriving& seg) {
  Possible& tcb = on.tcb;
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
  int step = 0;
  while (step < kSteps && kOtherStates[step](on, seg) == Then::kProceed) ++step;
  const Reached reached = step == 0   ? Reached::kSequence
                          : step == 1 ? Reached::kReset
                          : step <= 4 ? Reached::kEarly
                                      : Reached::kAccepted;
  if (reached != Reached::kAccepted) urgent_may_arrive(tcb, seg);
  if (on.answered) tcb.ack_now_must = tcb.ack_now;  // without an answer it would have been dropped
  timestamps_recorded(on, seg, before, reached);
  if (reached == Reached::kAccepted) scale_recorded(on, seg, before.nxt);
}

}  // namespace

void start_time_wait(Step& on) {
  on.tcb.time_wait_from = on.around.since + 2 * on.around.msl;
  on.tcb.time_wait_to = later_end(on);
  on.tcb.timed = on.tcb.send_pending = false;  // turn off the other timers
  on.tcb.old_seq = on.tcb.rcv_nxt;
}

Acceptable acceptable(const Tcb& tcb, const Arriving& seg) {
  const RcvSeq nxt = tcb.rcv_nxt, most = tcb.rcv_nxt_max;
  const RcvSeq edge = tcb.edge_known ? later(tcb.rcv_edge, nxt) : nxt;
  const RcvSeq far = later(most + (kWindowMax << (tcb.scaled() ? tcb.rcv_shift : 0)), edge);
  const auto surely_in = [&](RcvSeq s) { return most <= s && s < edge; };
  const auto maybe_in = [&](RcvSeq s) { return nxt <= s && s <= far; };
  if (seg.len() == 0 || seg.ctl.rst) {  // a RST is judged by its SEQ alone; at a closed window too (MUST-66)
    if ((seg.seq == nxt && nxt == most) || surely_in(seg.seq)) return Acceptable::kYes;
    return maybe_in(seg.seq) ? Acceptable::kEither : Acceptable::kNo;
  }
  const RcvSeq last = seg.seq + seg.len() - 1;
  if (surely_in(seg.seq) || surely_in(last)) return Acceptable::kYes;
  if (maybe_in(seg.seq) || maybe_in(last)) return Acceptable::kEither;
  return seg.seq < nxt && far < last ? Acceptable::kEither : Acceptable::kNo;
}

void segment_arrives(Step& on, const Arriving& seg) {
  Possible& tcb = on.tcb;
  if (tcb.state == State::kClosed || tcb.state == State::kListen) {
    tcb.state = on.around.listening ? State::kListen : State::kClosed;
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
  tcb.front_alone = tcb.on_stairs = false;
  keep_alive_hears(on);
  if (!tcb.congestion.stirred) tcb.congestion.news = false;
  tcb.congestion.stirred = true;
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

bool time_matters(const Tcb& tcb, const Around& around) {
  switch (tcb.state) {
    case State::kClosed:
    case State::kListen:
      return false;
    case State::kTimeWait:
      return tcb.time_wait_from <= around.now;
    case State::kFinWait2:
      if (tcb.user_gone && around.now - tcb.quiet_since >= kOrphanMin) return true;
      break;
    default:
      break;
  }
  if (keep_alive_may_end(tcb, around)) return true;
  if (tcb.snd_una == tcb.snd_nxt && tcb.snd_una == tcb.snd_limit()) return false;
  const Time limit = tcb.user_timeout > Time{} ? tcb.user_timeout
                     : synchronized(tcb.state) ? kUserTimeoutMin
                                               : kSynTimeoutMin;
  return around.now - tcb.sent_at >= limit;
}

// 3.10.8. Timeouts
void time_passes(Step& on) {
  Possible& tcb = on.tcb;
  if (tcb.state == State::kTimeWait) {
    // TIME-WAIT TIMEOUT: delete the TCB, enter the CLOSED state.
    if (tcb.time_wait_to < on.around.since || !on.may()) on.delete_tcb(Rule::SA8_time_wait);
    return;
  }
  if (tcb.state == State::kFinWait2 && tcb.user_gone) {
    if (!on.may()) on.delete_tcb(Rule::SA4_5_fin_wait_2);
    return;
  }
  // USER TIMEOUT: flush all queues, signal the user, delete the TCB. A reset may be sent to tell the peer.
  if (on.may()) return;
  if (tcb.user_timeout == Time{}) on.cite_later(Rule::S3_9_1_1_timeout);
  tcb.signal = Signal::kTimedOut;
  const SndSeq snd_nxt = tcb.snd_nxt;
  const bool outstanding = tcb.snd_una != tcb.snd_limit();  // otherwise keep-alives were not answered
  if (tcb.user_timeout > Time{} && outstanding) on.cite_later(Rule::MUST_21);
  if (outstanding) on.cite_later(synchronized(tcb.state) ? Rule::MUST_20 : Rule::MUST_23);
  const SndSeq una = tcb.snd_una;
  if (tcb.state == State::kLastAck) on.cite_later(Rule::S3_6_last_ack_timeout);
  on.delete_tcb(Rule::SA8_user);
  on.reply({.form = Reply::Form::kRst,
            .must = false,
            .optional = true,
            .seq = snd_nxt,
            .other = una,
            .rule = Rule::SA8_user});
}

}  // namespace tcpassay
