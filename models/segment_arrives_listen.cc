// SPDX-License-Identifier: Apache-2.0
// 3.10.7.1 and 3.10.7.2: a segment arrives in CLOSED or LISTEN.
#include "models/segment_arrives_steps.h"

namespace tcpassay {

// 3.10.7.1. CLOSED STATE
void closed_state(Step& on, const Arriving& seg) {
  if (!seg.text.empty()) on.cite(Rule::SA1_text);
  if (seg.ctl.fin) on.cite(Rule::SA4_8_unsynchronized);
  if (on.env.elsewhere) {  // a passive OPEN stands on another address of the target
    on.cite(Rule::S3_9_1_1_local_address);
    on.tcb.must_ignore = Rule::S3_9_1_1_local_address;
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

namespace {

// A connection begins anew; what is known of the implementation stays.
void fresh(Candidate& tcb) {
  Candidate begun;
  begun.traits = tcb.traits;
  begun.now = tcb.now;
  begun.later = tcb.later;
  begun.demerits = tcb.demerits;
  begun.freedoms = tcb.freedoms;
  begun.debts = tcb.debts;
  begun.must_ignore = tcb.must_ignore;
  tcb = begun;
}

// The numbers of the connection in TIME-WAIT are kept, in case the SYN turns out to be an old one (3.6.1, MAY-2).
void keep_old_numbers(Candidate& tcb, const Candidate& old) {
  tcb.former.kept = true;
  tcb.former.stamped = old.timestamped();
  tcb.former.scale = old.scale;
  tcb.former.scaled_offered = old.scaled_offered;
  tcb.former.snd_nxt = old.snd_nxt;
  tcb.former.rcv_nxt = old.rcv_nxt;
  tcb.time_wait.from = old.time_wait.from;
  tcb.time_wait.to = old.time_wait.to;
}

// 3.9.1.1: a parameter of the OPEN. A user who changes it on the listener later may change it for what comes, or not.
void take_timeout_of_listener(Step& on) {
  Time given = on.env.user_timeout;
  if ((given == Time{} && on.env.listened_timeout == Time{}) || on.may(Freedom::kListenersOptions)) return;
  if (given != on.env.listened_timeout && on.may(Freedom::kListenersOptions)) given = on.env.listened_timeout;
  on.tcb.user_timeout = given;
  if (given > Time{}) on.tcb.user_set_at = on.env.now;
}

// RCV.NXT <- SEG.SEQ+1, IRS <- SEG.SEQ, <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>, SYN-RECEIVED
void begin_connection(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  const bool again = tcb.state == State::kListen && tcb.passive;  // the port was in SYN-RECEIVED before
  const Candidate old = tcb;
  on.put_by();
  fresh(tcb);
  if (old.state == State::kTimeWait) keep_old_numbers(tcb, old);
  if (again) on.cite(Rule::S3_5_1_duplicate_syn);
  tcb.passive = true;
  tcb.sent_at = tcb.given_at = on.env.now;  // the user timeout does not count what was before this connection
  take_timeout_of_listener(on);
  tcb.rcv_nxt = tcb.rcv_nxt_max = tcb.rcv_user = tcb.user_at_offer = tcb.syn_text_end = seg.seq + 1;
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
}

}  // namespace

// 3.10.7.2. LISTEN STATE
void listen_state(Step& on, const Arriving& seg) {
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
    if (on.env.backlog_full && on.may(Freedom::kBacklogDropsSyn)) return;  // there is no room: dropped
    if (on.env.backlog_full && on.may(Freedom::kBacklogResetsSyn)) {       // ... or as if the port were CLOSED
      on.cite(Rule::S3_5_2_rst_noack);
      on.reply(reset_reply(seg, Rule::SA1_noack, true));
      return;
    }
    if (seg.ctl.fin && on.may(Freedom::kSynFinDropped)) return;  // by the eighth step of 3.10.7.4
    begin_connection(on, seg);
    return;
  }
  // Fourth, other data or control:
  if (seg.ctl.fin) on.cite(Rule::SA4_8_unsynchronized);
  on.cite(Rule::SA2_4_other);
}

}  // namespace tcpassay
