// SPDX-License-Identifier: Apache-2.0
// A RST leaves: where one is due, and in the form that RFC 9293 sections 3.5.2 and 3.10.7 give it.
#include <algorithm>

#include "models/segment_arrives.h"
#include "models/segment_departs_steps.h"
#include "models/timestamps.h"

namespace tcpassay {
namespace {

// What is blamed for a RST where no reply is due.
Rule forbids_reset(const Candidate& tcb) {
  // Were TIME-WAIT over, the listener would have answered the SYN.
  const bool old_syn = calls_upon(tcb, Rule::R6191_2_ts_drop) || calls_upon(tcb, Rule::R6191_2_prev_nots_drop);
  return blamed({
      {tcb.state == State::kTimeWait, old_syn ? Rule::S3_5_2_unclear : Rule::MUST_13},
      {tcb.keep.unanswered > 0, Rule::MUST_29},
      {tcb.ack_now && tcb.ack_now_must, tcb.ack_now_rule},  // a challenge ACK is due
      {tcb.ack_now, Rule::S3_5_2_unclear},
      {tcb.state != State::kListen && calls_upon(tcb, Rule::S3_5_2_rst_on_rst), Rule::S3_5_2_rst_on_rst},
      {kOtherwise, tcb.survived.value_or(forbids_any_segment(tcb, Rule::S3_5_2_unclear))},
  });
}

// A RST by a target that gives up at a zero window (3.8.6.1), or before R2: nothing has arrived since the front of the
// queue left again. The user may have set the time (3.8.3).
std::optional<Rule> given_up_early(const Step& on, const Departing& seg) {
  const Candidate& tcb = on.tcb;
  if (tcb.state == State::kClosed) return {};  // nothing is left to give up
  const bool shut = tcb.snd_wnd == 0 && tcb.snd_una < tcb.snd_limit() && synchronized(tcb.state) &&
                    !tcb.congestion.arrived_since_quiet;
  if (shut && (seg.seq == tcb.snd_nxt || seg.seq == tcb.snd_una) && tcb.user_timeout == Time{}) return Rule::MUST_37;
  const bool waits = tcb.iss_known && tcb.snd_una < tcb.snd_nxt && tcb.rexmits > 0 && tcb.front_alone;
  if (!waits || (seg.seq != tcb.snd_nxt && seg.seq != tcb.snd_una)) return {};
  if (!synchronized(tcb.state)) return Rule::MUST_23;
  return tcb.user_timeout > Time{} ? Rule::MUST_21 : Rule::SHLD_11;
}

// What is still due to something before the latest segment.
const Reply* earliest_debt(const Candidate& tcb) {
  const Reply* due = std::find_if(tcb.debts.begin(), tcb.debts.end(), [](const Reply& each) { return !each.optional; });
  return due == tcb.debts.end() ? nullptr : due;
}

// <SEQ=SEG.ACK><CTL=RST>, or <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>.
bool has_the_due_form(const Reply& due, const Departing& seg) {
  if (due.form == Reply::Form::kRst) return seg.seq == due.seq || seg.seq == due.other;
  return seg.seq == SndSeq{0} && seg.ctl.ack && seg.ack == due.ack;
}

// Whether to answer may be a SHOULD; the number of a RST that leaves is none.
Rule demands_the_form(const Reply& due) {
  if (info(due.rule).level == Level::kMust) return due.rule;
  return due.form == Reply::Form::kRst ? Rule::S3_5_2_rst_ack : Rule::S3_5_2_rst_noack;
}

// 3.1: with ACK the field names the next octet that the target expects. In answer to a segment that is the one behind
// it, for a connection RCV.NXT too. Of calls that are not known it shows only that something of the sort has come.
bool acknowledges_what_came(const Step& on, const Departing& rst) {
  const Candidate& tcb = on.tcb;
  if (rst.ack == tcb.reply.ack) return true;
  const bool numbers_known = tcb.was_open || tcb.iss_known;
  if (numbers_known && rst.ack == tcb.rcv_edge && tcb.rcv_edge < tcb.reply.ack) return true;  // as it was trimmed
  const RcvSeq least = on.env.user_known ? earlier(tcb.rcv_nxt, tcb.rcv_acked) : tcb.irs;
  return numbers_known && least <= rst.ack && rst.ack <= tcb.rcv_nxt_max;
}

bool reset_may_leave(Step& on, const Departing& seg) {
  const Candidate& tcb = on.tcb;
  const Reply& due = tcb.reply;
  switch (due.form) {
    case Reply::Form::kNone:
      if (const Reply* earlier = earliest_debt(tcb)) return on.refuse(earlier->rule, 1);
      if (const std::optional<Rule> early = given_up_early(on, seg)) {
        if (*early != Rule::SHLD_11) return on.refuse(*early, 1);
        gives_up_early(on);
        return true;
      }
      return on.refuse(forbids_reset(tcb), 3);
    case Reply::Form::kAck:
    case Reply::Form::kSyn:
    case Reply::Form::kSynAck:
      return on.refuse(due.rule, 3);
    case Reply::Form::kRst:
    case Reply::Form::kRstAck:
      break;
  }
  if (!has_the_due_form(due, seg)) return on.refuse(demands_the_form(due), 1);
  if (seg.ctl.ack) {
    if (due.form == Reply::Form::kRst && !acknowledges_what_came(on, seg)) return on.refuse(Rule::S3_1_ack_number, 1);
    on.cite(Rule::S3_1_ack_number);
  }
  if (seg.ctl.syn || seg.ctl.fin) return on.refuse(due.rule, 2);
  return true;
}

}  // namespace

void reset_departs(Step& on, const Departing& seg) {
  if (on.tcb.reply.ends) {
    on.cite(on.tcb.reply.rule);
    on.tcb.ack_now = false;  // text that it refuses is acknowledged before it or never
  }
  on.end_by_reset();
  if (!reset_may_leave(on, seg)) return;
  timestamps_depart_on_reset(on, seg);
  if (on.tcb.reply.optional) on.takes(on.tcb.reply.freedom);
  on.tcb.reply = {};
}

}  // namespace tcpassay
