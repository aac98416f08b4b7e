// SPDX-License-Identifier: Apache-2.0
// The target is silent, or says where it is: what had to leave by now is overdue (RFC 9293 section 3.8).
#include "models/ip_layer.h"
#include "models/keep_alive.h"
#include "models/loss_recovery.h"
#include "models/segment_departs_steps.h"

namespace tcpassay {
namespace {

// What forbids that a connection has ended of itself.
Rule ended_early(const Tcb& tcb) {
  if (tcb.state == State::kTimeWait) return Rule::MUST_13;
  if (tcb.rexmits == 0 || tcb.snd_una == tcb.snd_nxt) return Rule::SA4_1_drop;
  if (!synchronized(tcb.state)) return Rule::MUST_23;
  return tcb.snd_wnd == 0 ? Rule::MUST_37 : Rule::SHLD_11;
}

}  // namespace

Rule unanswered(const Candidate& tcb) {
  return tcb.reply.rule == Rule::SA3_4_syn_received ? Rule::MUST_10 : tcb.reply.rule;
}

void falls_quiet(Step& on) {
  Candidate& tcb = on.tcb;
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
  const Time surely = on.env.since;
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
    tcb.send_due = on.env.now + kSendDelayMax;
  }
  // A small window that is all there is: silly window avoidance may wait for a better one, but not for ever.
  if (can_send && !tcb.send_pending && tcb.snd_una == tcb.snd_nxt && tcb.snd_wnd != 0 && tcb.snd_wnd < queued &&
      tcb.snd_nxt < tcb.snd_end && kOverrideMax < surely - std::max(tcb.window_at, tcb.timer.acked_at)) {
    on.depart(Rule::S3_8_6_2_1_override);
    tcb.window_at = on.env.now;
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
    tcb.rexmit_due = on.env.now + retransmission_bound(tcb);
    if (tcb.snd_una == tcb.snd_nxt) tcb.sent_at = on.env.now;
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

void state_reported(Step& on, const StateReport& report) {
  Candidate& tcb = on.tcb;
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
