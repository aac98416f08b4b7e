// SPDX-License-Identifier: Apache-2.0
// The target is silent: what had to leave by now is overdue (RFC 9293 sections 3.8 and 3.10.8).
#include <algorithm>

#include "models/congestion/steps.h"
#include "models/horizons.h"
#include "models/ip_layer.h"
#include "models/keep_alive.h"
#include "models/loss_recovery.h"
#include "models/segment_arrives.h"
#include "models/segment_departs_steps.h"

namespace tcpassay {
namespace {

// ---- What had to leave in answer to the last stimulus ----

// Answers to what came before the latest segment.
bool earlier_answers_have_left(Step& on) {
  for (const Reply& due : on.tcb.debts) {
    if (due.optional) continue;
    if (due.must) return on.refuse(due.rule, 4);
    on.depart(due.rule);
  }
  on.tcb.debts.clear();
  return true;
}

bool reply_has_left(Step& on) {
  Candidate& tcb = on.tcb;
  if (tcb.reply.form == Reply::Form::kNone) return true;
  if (!tcb.reply.optional) {
    if (tcb.reply.must) return on.refuse(unanswered(tcb), 4);
    on.depart(tcb.reply.rule);
  }
  tcb.reply = {};
  return true;
}

bool prompt_ack_has_left(Step& on) {
  Candidate& tcb = on.tcb;
  if (!tcb.ack_now) return true;
  if (tcb.ack_now_must) return on.refuse(tcb.ack_now_rule, 4);
  on.depart(tcb.ack_now_rule);
  tcb.ack_now = false;
  tcb.ack_missed = true;
  return true;
}

// 3.8.6.3
bool delayed_ack_is_not_overdue(Step& on) {
  const Candidate& tcb = on.tcb;
  if (!tcb.ack_later || !delayed_ack_is_overdue(on)) return true;
  const Rule rule = blamed({
      {tcb.ack_rule != Rule::SA4_7_ack, tcb.ack_rule},
      {tcb.ack_put_off, Rule::R5681_4_2_500ms},
      {kOtherwise, Rule::MUST_40},
  });
  return on.refuse(rule, 3);
}

// ---- Text and FIN that the user has given ----

// RFC 5681 section 3.1 bounds the initial window from above only: it may be one segment, and after the loss of a SYN it
// has to be.
bool fills_least_initial_window(const Tcb& tcb) {
  const Congestion& cc = tcb.congestion;
  return first_burst(cc) && cc.smss < tcb.snd_limit() - tcb.snd_una;
}

// RFC 5681 section 3.1 scales the window to the smaller segments of a path. A window that began as one of them is two
// behind an ACK.
bool fills_scaled_window(const Step& on) {
  const Tcb& tcb = on.tcb;
  return tcb.ip.smaller_told && 2 * path_room(on) <= tcb.snd_nxt - tcb.snd_una;
}

bool queued_text_is_not_overdue(Step& on) {
  Candidate& tcb = on.tcb;
  const bool in_flight = tcb.snd_una < tcb.snd_nxt;
  if (tcb.snd_edge() <= tcb.snd_nxt) tcb.send_pending = false;  // the window has closed meanwhile
  const bool early = in_flight && tcb.fast_open.opened;  // what left before the handshake has a window of its own
  if ((in_flight && tcb.congestion.phase != Congestion::Phase::kOpen) || early) tcb.send_pending = false;
  if (in_flight && (fills_least_initial_window(tcb) || fills_scaled_window(on))) tcb.send_pending = false;
  const bool refused = tcb.congestion.old_text_goes_first(tcb.snd_una);
  if (in_flight && (refused || tcb.ecn.may_wait_for_timer(tcb.snd_una))) tcb.send_pending = false;
  if (!tcb.send_pending) return true;
  const bool fin_alone = tcb.snd_nxt == tcb.snd_end;
  const Horizon limit = fin_alone && in_flight ? Horizon::kFinBehindText
                        : fin_alone            ? Horizon::kHeldFin
                        : in_flight            ? Horizon::kNagleOff
                                               : Horizon::kHeldText;
  const Time held = on.env.since - (tcb.send_due - kSendDelayMax);
  const bool early_text = limit == Horizon::kHeldText && tcb.snd_nxt == tcb.iss + 1 && tcb.given_early > 0;
  const Rule rule = blamed({
      {early_text, Rule::S3_10_2_unsynchronized},
      {fin_alone && tcb.closed_early, Rule::S3_10_4_syn_received},
      {kOtherwise, horizons()[static_cast<std::size_t>(limit)].rule},
  });
  return held <= horizon(limit) || on.refuse(rule, 3);
}

bool can_send(const Tcb& tcb) {
  return tcb.state == State::kEstablished || tcb.state == State::kCloseWait || tcb.state == State::kFinWait1 ||
         tcb.state == State::kLastAck || tcb.state == State::kClosing;
}

// Text that was queued before ESTABLISHED, or waited for an acknowledgment or for the window, must leave when it can.
void queued_text_becomes_due(Step& on) {
  Candidate& tcb = on.tcb;
  const std::uint32_t queued = tcb.snd_limit() - tcb.snd_nxt;
  if (!can_send(tcb) || tcb.send_pending || tcb.snd_una != tcb.snd_nxt || queued == 0) return;
  if (tcb.corked && !tcb.fin_queued) return;
  if (!(tcb.snd_nxt < tcb.snd_edge()) || std::min<std::uint32_t>(queued, tcb.snd_mss) > tcb.snd_wnd) return;
  tcb.send_pending = true;
  tcb.send_due = on.env.now + kSendDelayMax;
}

// 3.8.6.2.1: where the peer offers a small window and no better one, silly window avoidance waits for a better one
// only until the override timeout.
void small_window_is_used_in_time(Step& on) {
  Candidate& tcb = on.tcb;
  const std::uint32_t queued = tcb.snd_limit() - tcb.snd_nxt;
  if (!can_send(tcb) || tcb.send_pending || tcb.snd_una != tcb.snd_nxt || tcb.corked) return;
  if (tcb.snd_wnd == 0 || tcb.snd_wnd >= queued || !(tcb.snd_nxt < tcb.snd_end)) return;
  if (on.env.since - std::max(tcb.window_at, tcb.timer.acked_at) <= horizon(Horizon::kSmallWindow)) return;
  on.depart(Rule::S3_8_6_2_1_override);
  tcb.window_at = on.env.now;
}

// ---- When the target must have given up ----

// Text or a FIN that waits for a closed window.
bool waits_for_window(const Tcb& tcb) {
  return synchronized(tcb.state) && tcb.snd_wnd == 0 && tcb.snd_nxt < tcb.snd_limit();
}

// R2 of 3.8.3, as the user has set it, or as long as any implementation takes.
bool connection_is_not_kept_for_ever(Step& on) {
  const Candidate& tcb = on.tcb;
  const bool unacknowledged = tcb.iss_known && tcb.snd_una < tcb.snd_nxt && tcb.state > State::kListen;
  if (!unacknowledged && !waits_for_window(tcb)) return true;
  const Time since_first = on.env.since - tcb.sent_at;
  const bool user_gave_up =
      tcb.user_timeout > Time{} && kept_by_user_at_most(tcb) < on.env.since - std::max(tcb.sent_at, tcb.user_set_at);
  const bool for_ever = std::max(kForever, 2 * tcb.user_timeout) < since_first;  // the text gives R2 no upper bound
  const Blame table[] = {
      {user_gave_up, Rule::MUST_21},
      {for_ever && tcb.state == State::kLastAck, Rule::S3_6_last_ack_timeout},
      {for_ever && synchronized(tcb.state), Rule::MUST_20},  // of window probes, too, that nothing answers
  };
  for (const Blame& row : table) {
    if (row.when) return on.refuse(row.rule, 3);
  }
  return true;
}

// ---- What silence shows to be right ----

void delayed_ack_waits(Step& on) {
  Candidate& tcb = on.tcb;
  if (!tcb.ack_later || tcb.ack_rule != Rule::SA4_7_ack || !(tcb.rcv_acked < tcb.rcv_nxt)) return;
  tcb.prompt_acks = 0;
  on.cite(Rule::SHLD_18);
}

void text_is_held_back(Step& on) {
  const Candidate& tcb = on.tcb;
  if (!(tcb.snd_nxt < tcb.snd_end)) return;
  if (tcb.snd_edge() < tcb.snd_nxt) {  // by a window that has shrunk
    on.cite(Rule::SHLD_15);
    if (tcb.scaled() && tcb.scale.receded) on.cite(Rule::R7323_2_4_3);
  }
  const bool small_in_flight = tcb.snd_una < tcb.small_end && tcb.small_end <= tcb.snd_nxt;
  if (!tcb.no_delay && small_in_flight && tcb.snd_end <= tcb.snd_edge()) on.cite(Rule::SHLD_7);  // by Nagle
}

// ---- 3.10.8 RETRANSMISSION TIMEOUT, and window probes (3.8.6.1) ----

bool waits_for_ack(const Tcb& tcb) {
  return tcb.iss_known && tcb.snd_una < tcb.snd_nxt && tcb.state != State::kClosed && tcb.state != State::kListen;
}

// What is blamed when neither the front of the queue nor a probe has left again in time.
Rule demands_retransmission(const Tcb& tcb) {
  const bool shrunk = tcb.snd_edge() < tcb.snd_nxt && tcb.snd_una < tcb.snd_edge();
  return blamed({
      {shrunk, Rule::SHLD_16},
      {waits_for_window(tcb) && !waits_for_ack(tcb), Rule::MUST_36},
      {tcb.snd_wnd == 0 && tcb.snd_una + 1 < tcb.snd_nxt, Rule::MUST_35},
      {tcb.state == State::kSynSent, Rule::MUST_22},
      {tcb.state == State::kSynReceived, Rule::S3_8_3_synack},
      {was_reported(tcb, tcb.snd_una), Rule::R2018_8_keep},
      {tcb.stamps.old_duplicate, Rule::R7323_4_1_rttm},
      {tcb.fin_sent() && tcb.snd_una + 1 == tcb.snd_nxt, Rule::S3_6_fin_retransmit},
      {kOtherwise, Rule::SA8_retransmission},
  });
}

// What a retransmission or a probe departs from that is late: the times of timers are recommended. `sent`: how often
// the front has left again, if the one that is late is the first.
Rule recommends_retransmission(const Tcb& tcb, int sent) {
  const bool shrunk = tcb.snd_edge() < tcb.snd_nxt && tcb.snd_una < tcb.snd_edge();
  return blamed({
      {shrunk, Rule::SHLD_16},
      {waits_for_window(tcb) && !waits_for_ack(tcb) && tcb.rexmits == sent, Rule::SHLD_29},
      {tcb.snd_wnd == 0 && synchronized(tcb.state), Rule::SHLD_30},
      {kOtherwise, Rule::R6298_5_4},
  });
}

// A timer that has expired late is as late when nothing has arrived meanwhile.
bool was_overdue(const Step& on) {
  const Tcb& tcb = on.tcb;
  return tcb.timed && !tcb.late && tcb.rexmit_due < on.env.since && !tcb.timer.new_text_followed;
}

// The horizon: what was not sent again by then never is. A timeout that has backed off may be longer.
Time never_sent_again(const Tcb& tcb) {
  const Horizon id = synchronized(tcb.state) ? Horizon::kTextAgain : Horizon::kSynAgain;
  return std::max<Time>(horizon(id), 2 * retransmission_bound(tcb));
}

// While the target waits for an acknowledgment or for the window, the front of the queue or a probe leaves again and
// again, until the connection is given up.
bool retransmission_is_not_overdue(Step& on) {
  Candidate& tcb = on.tcb;
  if (!waits_for_ack(tcb) && !waits_for_window(tcb)) {
    tcb.timed = false;
    return true;
  }
  if (!tcb.timed) {  // what started the timer was the event before this silence, or an earlier one
    tcb.timed = true;
    tcb.late = false;
    tcb.rexmit_due = (on.env.before > Time{} ? on.env.before : on.env.now) + retransmission_bound(tcb);
    if (tcb.snd_una == tcb.snd_nxt && tcb.rexmits == 0) tcb.sent_at = on.env.now;  // an empty probe begins nothing anew
  }
  if (!(tcb.rexmit_due < on.env.since)) return true;
  if (tcb.late) return on.refuse(demands_retransmission(tcb), 3);
  if (tcb.timer.new_text_followed && synchronized(tcb.state)) {
    on.depart(Rule::R6298_5_1);  // each new segment has restarted the timer
    tcb.timer.new_text_followed = false;
    tcb.timed = false;
    return true;
  }
  on.depart(recommends_retransmission(tcb, 0));
  tcb.late = true;
  tcb.rexmit_due = tcb.rexmit_due - retransmission_bound(tcb) + never_sent_again(tcb);
  return tcb.rexmit_due < on.env.since ? on.refuse(demands_retransmission(tcb), 3) : true;
}

}  // namespace

void front_is_in_time(Step& on, bool again) {
  if (was_overdue(on)) on.depart(recommends_retransmission(on.tcb, again ? 0 : 1));
}

Rule unanswered(const Candidate& tcb) {
  const bool cookie = tcb.fast_open.only_syn && info(tcb.fast_open.why).level == Level::kMust;  // a SYN all the same
  return blamed({
      {tcb.reply.rule == Rule::SA3_4_syn_received, Rule::MUST_10},
      {tcb.reply.rule == Rule::SA2_3_syn && cookie, tcb.fast_open.why},
      {kOtherwise, tcb.reply.rule},
  });
}

bool owes_at_once(const Candidate& tcb) {
  const auto due = [](const Reply& reply) { return reply.form != Reply::Form::kNone && !reply.optional; };
  return tcb.ack_now || due(tcb.reply) || std::any_of(tcb.debts.begin(), tcb.debts.end(), due);
}

namespace {

// A record that goes on does not say that no answer comes. The acknowledgment that a segment should draw waits no
// longer than one that may be delayed; what leaves later answers something else.
void answer_is_late(Step& on, const Quiet& silence) {
  if (silence.reacting || on.env.before == Time{} || !on.tcb.ack_now || on.tcb.ack_now_must) return;
  if (horizon(Horizon::kAnswer) <= on.env.now - on.env.before) prompt_ack_has_left(on);
}

// It has answered all that came: what did not leave will not.
void reaction_ends(Step& on) {
  Candidate& tcb = on.tcb;
  tcb.selective.triggered = tcb.selective.duplicate = false;
  ecn::falls_quiet(on);
  recovery_falls_quiet(on);
}

// What has a time is overdue by it, whether or not answers may still come.
bool nothing_timed_is_overdue(Step& on) {
  if (!delayed_ack_is_not_overdue(on) || !queued_text_is_not_overdue(on)) return false;
  queued_text_becomes_due(on);
  small_window_is_used_in_time(on);
  delayed_ack_waits(on);
  return connection_is_not_kept_for_ever(on);
}

void what_silence_shows(Step& on) {
  Candidate& tcb = on.tcb;
  if (!tcb.ack_later) tcb.ack_credits = tcb.ack_missed ? 1 : 0;
  text_is_held_back(on);
  congestion_silent(on);
  tcb.rcv_nxt_before = {};
  timer_rests(on);
}

}  // namespace

void falls_quiet(Step& on, const Quiet& silence) {
  Candidate& tcb = on.tcb;
  if (!silence.idle) answer_is_late(on, silence);
  const bool answered = !silence.reacting && (silence.idle || !owes_at_once(tcb));
  if (answered) reaction_ends(on);
  if (on.refused()) return;
  if (silence.idle && (!earlier_answers_have_left(on) || !reply_has_left(on) || !prompt_ack_has_left(on))) return;
  if (answered) delayed_ack_waits(on);
  if (!nothing_timed_is_overdue(on)) return;
  if (answered) what_silence_shows(on);
  if (!retransmission_is_not_overdue(on)) return;
  if (answered) path_quiet(tcb);
  keep_alive_quiet(on);
}

}  // namespace tcpassay
