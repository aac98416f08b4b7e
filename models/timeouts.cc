// SPDX-License-Identifier: Apache-2.0
// 3.10.8. Timeouts, and how long TIME-WAIT lasts.
#include "models/horizons.h"
#include "models/keep_alive.h"
#include "models/segment_arrives_steps.h"

namespace tcpassay {

// When TIME-WAIT ends at the latest, if its timer starts now.
Time later_end(const Step& on) {
  return on.env.now + 2 * on.env.msl + on.env.msl / 5 + std::chrono::seconds(1);
}

void start_time_wait(Step& on) {
  on.tcb.time_wait.from = on.env.since + 2 * on.env.msl;
  on.tcb.time_wait.to = later_end(on);
  if (!on.env.user_known)
    on.tcb.time_wait.from = on.env.since;      // the MSL is not known, nor whether the user has aborted
  on.tcb.timed = on.tcb.send_pending = false;  // turn off the other timers
  on.tcb.time_wait.least_seq = on.tcb.rcv_nxt;
}

Time user_limit(const Tcb& tcb) {
  if (tcb.user_timeout > Time{}) return tcb.user_timeout;
  return synchronized(tcb.state) ? kUserTimeoutMin : kSynTimeoutMin;
}

// A target may look at the clock only when its retransmission timer expires, which has doubled by then.
Time kept_by_user_at_most(const Tcb& tcb) {
  return 2 * tcb.user_timeout + horizon(Horizon::kUserTimeout) + 2 * tcb.rtt_max;
}

namespace {

// FIN-WAIT-2 of a connection whose user is gone, which stacks do not keep for ever.
bool is_deserted(const Tcb& tcb, const Environment& env) {
  const bool deserted = tcb.state == State::kFinWait2 && (tcb.user_gone || !env.user_known);
  return deserted && env.now - tcb.quiet_since >= kOrphanMin;
}

// R2 (3.8.3) counts from the first transmission, a time that the user has set from where the data was submitted
// (3.9.1.1), though the window was closed.
Time limit_runs_since(const Tcb& tcb) {
  return tcb.user_timeout > Time{} ? std::min(tcb.sent_at, tcb.given_at) : tcb.sent_at;
}

// Keep-alives, or what was sent, have gone without an answer for so long that the connection may end.
bool counts_as_timed_out(const Tcb& tcb, const Environment& env) {
  if (keep_alive_may_end(tcb, env)) return true;
  if (tcb.snd_una == tcb.snd_nxt && tcb.snd_una == tcb.snd_limit()) return false;
  return env.now - limit_runs_since(tcb) >= user_limit(tcb);
}

// A segment that has just come is answered, before any timer runs out.
bool answer_is_owed(const Tcb& tcb, const Environment& env) {
  const bool owes = tcb.ack_now || (tcb.reply.form != Reply::Form::kNone && tcb.reply.must);
  return owes && env.since - tcb.keep.heard_to <= kClockSlack;
}

}  // namespace

bool time_matters(const Tcb& tcb, const Environment& env) {
  if (tcb.state == State::kClosed || tcb.state == State::kListen || answer_is_owed(tcb, env)) return false;
  if (tcb.state == State::kTimeWait) return tcb.time_wait.from <= env.now;
  return is_deserted(tcb, env) || counts_as_timed_out(tcb, env);
}

namespace {

// R2 and the user timeout count from the first transmission, and what was not sent again when it had to be does not
// give up by them (3.8.3): falls_quiet() says what is missing. A time that the user has set ends the connection all the
// same: that it was not sent again by then was late, and is told already.
bool retransmission_is_overdue(const Tcb& tcb, Time surely) {
  const bool never_sent = tcb.send_pending && tcb.snd_una == tcb.snd_nxt && tcb.snd_nxt < tcb.snd_edge();
  const Time overdue = tcb.send_due - kSendDelayMax + horizon(Horizon::kHeldText);
  if (never_sent && overdue < surely && overdue - limit_runs_since(tcb) < user_limit(tcb)) return true;
  if (!tcb.timed) return false;
  if (tcb.late && tcb.user_timeout > Time{}) return false;
  return tcb.late || (tcb.rexmit_due < surely && tcb.rexmit_due - limit_runs_since(tcb) < user_limit(tcb));
}

}  // namespace

// 3.10.8. Timeouts
void time_passes(Step& on) {
  Candidate& tcb = on.tcb;
  if (tcb.state == State::kTimeWait) {
    // TIME-WAIT TIMEOUT: delete the TCB, enter the CLOSED state.
    if (tcb.time_wait.to < on.env.since || !on.may(Freedom::kTimeWaitGoesOn)) on.delete_tcb(Rule::SA8_time_wait);
    return;
  }
  if (is_deserted(tcb, on.env) && on.may(Freedom::kFinWait2GivenUp)) {
    on.delete_tcb(Rule::SA4_5_fin_wait_2);
    return;
  }
  if (!counts_as_timed_out(tcb, on.env)) return;
  if (retransmission_is_overdue(tcb, on.env.since) || on.may(Freedom::kUserTimeoutAhead)) return;
  if (tcb.user_timeout == Time{}) on.cite_later(Rule::S3_9_1_1_timeout);
  const bool outstanding = tcb.snd_una != tcb.snd_limit();  // otherwise keep-alives were not answered
  if (tcb.user_timeout > Time{} && outstanding) on.cite_later(Rule::MUST_21);
  if (outstanding) on.cite_later(synchronized(tcb.state) ? Rule::MUST_20 : Rule::MUST_23);
  if (tcb.state == State::kLastAck) on.cite_later(Rule::S3_6_last_ack_timeout);
  user_timeout(on);
}

void user_timeout(Step& on) {
  Candidate& tcb = on.tcb;
  tcb.signal = Signal::kTimedOut;
  const SndSeq snd_nxt = tcb.snd_nxt, una = tcb.snd_una;
  on.delete_tcb(Rule::SA8_user);
  on.reply({.form = Reply::Form::kRst,
            .must = false,
            .optional = true,
            .freedom = Freedom::kResetOfTimeout,
            .seq = snd_nxt,
            .other = una,
            .ack = tcb.rcv_nxt,
            .rule = Rule::SA8_user});
}

void gives_up_early(Step& on) {
  on.depart(Rule::SHLD_11);
  user_timeout(on);
}

}  // namespace tcpassay
