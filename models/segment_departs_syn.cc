// SPDX-License-Identifier: Apache-2.0
// A SYN or SYN,ACK leaves, first or sent again (RFC 9293 sections 3.5, 3.7.1 and 3.8.3).
#include "models/segment_departs_steps.h"
#include "models/timestamps.h"
#include "models/window_scale.h"

namespace tcpassay {
namespace {

// The SYN or SYN,ACK that the target owes, and not one that it sends again.
bool is_first(const Tcb& tcb, const Departing& syn) {
  return tcb.reply.form == (syn.ctl.ack ? Reply::Form::kSynAck : Reply::Form::kSyn);
}

// A SYN or SYN,ACK that was not answered is sent again with the same sequence number. A SYN-RECEIVED that was entered
// from SYN-SENT, or that CLOSE has left, still waits for the answer to its SYN.
bool may_be_sent_again(const Tcb& tcb, const Departing& syn) {
  if (!tcb.iss_known) return false;
  if (!syn.ctl.ack) return tcb.state == State::kSynSent;
  return tcb.state >= State::kSynReceived && tcb.snd_una == tcb.iss;
}

// Is this the moment for a SYN or SYN,ACK?
bool syn_is_due(Step& on, const Departing& syn, bool first) {
  const Candidate& tcb = on.tcb;
  if (syn.ctl.fin) return on.refuse(at_work(tcb, Rule::S3_10_1_active), 2);
  if (first || may_be_sent_again(tcb, syn)) return true;
  const Rule rule = blamed({
      {tcb.reply.form != Reply::Form::kNone, tcb.reply.rule},
      {syn.ctl.ack, at_work(tcb, Rule::SA4_5_new)},
      {tcb.state == State::kTimeWait, Rule::MUST_13},  // MAY-2 and RFC 6191 are for a SYN of the peer
      {tcb.state == State::kSynReceived, tcb.passive ? Rule::S3_8_3_synack : Rule::SA3_4_syn_received},
      {kOtherwise, at_work(tcb, Rule::S3_10_1_again)},
  });
  return on.refuse(rule, 3);
}

// SEG.SEQ=ISS, and of a SYN,ACK SEG.ACK=RCV.NXT.
bool syn_numbers_are_right(Step& on, const Departing& syn, bool first) {
  const Candidate& tcb = on.tcb;
  if (tcb.iss_known && syn.seq != tcb.iss) return on.refuse(first ? tcb.reply.rule : Rule::MUST_22, 1);
  if (!syn.ctl.ack) return true;
  const bool outside = syn.ack < tcb.rcv_nxt || tcb.rcv_nxt_max < syn.ack;
  return !outside || on.refuse(first ? tcb.reply.rule : Rule::S3_8_ack_current, 1);
}

// A SYN,ACK may carry text and urgent octets, but only those that the user has given.
bool syn_contents_are_right(Step& on, const Departing& syn) {
  const Candidate& tcb = on.tcb;
  const std::uint32_t given = tcb.snd_end - (tcb.iss + 1);
  if (syn.ctl.ack && syn.text.size() > given) return on.refuse(Rule::S3_9_1_2_order, 1);
  if (syn.ctl.urg && !tcb.up.given) return on.refuse(Rule::S3_8_5_needs_text, 1);
  return true;
}

bool fast_open_allows(Step& on, const Departing& syn, bool first) {
  if (syn.ctl.ack) {
    fast_open::syn_ack_departs(on, syn, !first);
  } else {
    fast_open::syn_departs(on, syn, !first);
  }
  return !on.refused();
}

// The target's SYN reveals ISS.
void iss_revealed(const Environment& env, Candidate& tcb, const Departing& syn) {
  const std::uint32_t given = tcb.snd_end - (tcb.iss + 1);
  if (tcb.up.given) tcb.up.snd_up = syn.seq + 1 + (tcb.up.snd_up - (tcb.iss + 1));
  tcb.up.plain_end = syn.seq + 1;
  tcb.iss = tcb.snd_una = syn.seq;
  tcb.congestion.resent_to = syn.seq;  // nothing has left again
  tcb.iss_known = true;
  tcb.snd_nxt = syn.seq + 1 + static_cast<std::uint32_t>(syn.text.size());  // a SYN may carry text
  tcb.board.again = tcb.board.recover = tcb.small_end = tcb.scale.stale = tcb.scale.former = tcb.snd_far = syn.seq;
  tcb.snd_end = later(syn.seq + 1 + given, tcb.snd_nxt);
  tcb.selective.target_permits = syn.opt.sack_permitted;
  tcb.syn_wnd = syn.wnd;
  tcb.rcv_mss = syn.opt.mss.value_or(env.default_mss);
}

// 3.6.1: MAY-2 permits to reopen TIME-WAIT if ISS is larger than all numbers used before; otherwise TIME-WAIT lasts
// (MUST-13). RFC 6191, for connections with timestamps, has no such condition.
bool iss_is_above_the_former(Step& on, const Departing& syn) {
  const Candidate& tcb = on.tcb;
  if (!tcb.former.kept || tcb.timestamped()) return true;
  if (syn.seq < tcb.former.snd_nxt) return on.refuse(Rule::S3_6_1_reopen_iss, 1);
  on.cite(Rule::S3_6_1_reopen_iss);
  return true;
}

// 3.7.1: the MSS option is MMS_R less the fixed TCP header of 20 octets.
bool mss_departs(Step& on, const Departing& syn) {
  if (!syn.opt.mss) {
    const bool differs = on.env.link_known && on.env.mms_r - 20 != on.env.default_mss;
    differs ? on.depart(Rule::SHLD_5) : static_cast<void>(on.tcb.mss_omitted = true);
    return true;
  }
  on.cite(Rule::SHLD_5);
  on.cite(Rule::MAY_3);
  const std::uint32_t due = on.env.mms_r - 20;
  if (*syn.opt.mss > due) return on.refuse(Rule::MUST_67, 1);
  on.cite(Rule::MUST_67);
  const std::uint32_t missing = due - *syn.opt.mss;
  if (missing == 0) {
    on.cite(Rule::S3_7_1_fixed_headers);
    if (syn.opt.timestamps) on.cite(Rule::R6691_2);
  } else if (missing <= syn.opt.octets && missing % 4 == 0) {  // so much less as options take
    on.depart(Rule::S3_7_1_fixed_headers);
    if (syn.opt.timestamps) on.depart(Rule::R6691_2);
  }
  return true;
}

bool scale_and_timestamps_allow(Step& on, const Departing& syn, bool first) {
  scale_departs_on_syn(on, syn, !first);
  if (on.refused()) return false;
  timestamps_depart_on_syn(on, syn, !first);
  return !on.refused();
}

// What was due has left. `known`: ISS was known before, from the SYN of this side.
void first_syn_has_left(Step& on, bool known) {
  Candidate& tcb = on.tcb;
  if (known) tcb.front_alone = false;  // the timer has been running since the SYN
  on.cite(tcb.reply.rule);
  tcb.reply = {};
  if (!known) tcb.sent_at = on.env.since;
}

// 3.8.3: the SYN or SYN,ACK was sent again.
void syn_has_left_again(Step& on, const Departing& syn) {
  Candidate& tcb = on.tcb;
  on.cite(syn.ctl.ack ? Rule::S3_8_3_synack : Rule::MUST_22);
  if (on.env.since - tcb.sent_at > kSynTimeoutMin / 3) on.cite(Rule::MUST_23);
  on.cite(Rule::SA8_retransmission);
  if (tcb.rexmits < 255) ++tcb.rexmits;
  if (!tcb.congestion.arrived_since_quiet) ++tcb.congestion.syn_losses;
}

}  // namespace

void syn_departs(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
  const bool first = is_first(tcb, seg);
  if (!syn_is_due(on, seg, first) || !syn_numbers_are_right(on, seg, first)) return;
  if (!syn_contents_are_right(on, seg) || !fast_open_allows(on, seg, first)) return;
  const bool known = tcb.iss_known;
  if (!known) iss_revealed(on.env, tcb, seg);
  if (!mss_departs(on, seg) || !scale_and_timestamps_allow(on, seg, first)) return;
  if (!known && !iss_is_above_the_former(on, seg)) return;
  if (!front_departs(on, !first)) return;
  if (first) {
    first_syn_has_left(on, known);
  } else {
    syn_has_left_again(on, seg);
  }
  tcb.timed = false;
  ecn::syn_departs(on, seg, !first);
  if (!seg.ctl.ack) return;
  if (!known || !tcb.edge_known || tcb.state == State::kSynReceived) window_offered(on, seg);
  acknowledgment_seen(on, seg.ack);
}

}  // namespace tcpassay
