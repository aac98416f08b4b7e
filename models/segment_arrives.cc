// SPDX-License-Identifier: Apache-2.0
// 3.10.7: what is done with every segment that arrives, and the choice among the four sections by state.
#include "models/segment_arrives.h"

#include "models/ip_layer.h"
#include "models/keep_alive.h"
#include "models/segment_arrives_steps.h"
#include "models/timestamps.h"
#include "models/urgent.h"

namespace tcpassay {
namespace {

// On a port without a connection: LISTEN when a passive OPEN stands there, otherwise CLOSED.
void choose_closed_or_listen(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  if (tcb.state != State::kClosed && tcb.state != State::kListen) return;
  tcb.state = on.env.listening ? State::kListen : State::kClosed;
  // An unknown user does not say whether a passive OPEN stands. With an ACK LISTEN allows all that CLOSED does.
  if (!on.env.user_known && !seg.ctl.rst && !seg.ctl.ack && on.may(Freedom::kNoPassiveOpen)) tcb.state = State::kClosed;
}

// MUST-7: a segment with an illegal option length is used as far as it goes, dropped, or taken for a reason to reset.
Then bad_option_length(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  on.cite_later(Rule::MUST_7);
  if (on.may(Freedom::kBadLengthDropped)) return Then::kReturn;
  if (!on.may(Freedom::kBadLengthAnswered)) return Then::kProceed;
  const Reply reply = reset_reply(tcb, seg, Rule::MUST_7);
  if (synchronized(tcb.state) && !on.may(Freedom::kBadLengthSurvived)) {
    tcb.signal = Signal::kReset;
    on.delete_tcb(Rule::MUST_7);
  }
  on.reply(seg.ctl.ack || synchronized(tcb.state) ? reply : reset_reply(seg, Rule::MUST_7, true));
  return Then::kReturn;
}

// A damaged segment is dropped before any state looks at it.
Then check_fault(Step& on, const Arriving& seg) {
  switch (seg.fault) {
    case Fault::kNone:
      return Then::kProceed;
    case Fault::kChecksum:
      on.cite(Rule::MUST_3);
      on.cite_later(Rule::MUST_3);
      return Then::kReturn;
    case Fault::kDataOffset:
    case Fault::kTruncated:
      on.cite(Rule::S3_1_data_offset);
      return Then::kReturn;
    case Fault::kOptionLength:
      return bad_option_length(on, seg);
  }
  return Then::kProceed;
}

// What a segment carries must not make a difference, by this rule.
void makes_no_difference(Step& on, Rule rule) {
  on.cite(rule);
  on.cite_later(rule);
  on.tcb.must_ignore = rule;
}

// Reserved bits and options that mean nothing to the target are ignored.
void ignore_unknown(Step& on, const Arriving& seg) {
  if (seg.ctl.reserved != 0) on.cite(Rule::S3_1_reserved_received);
  if (seg.opt.octets == 0) return;
  if (!seg.ctl.syn) on.cite(Rule::MUST_5);
  if (seg.opt.user_timeout) makes_no_difference(on, Rule::R5482_3_ignore);
  if (seg.opt.authentication) makes_no_difference(on, Rule::R5925_7_3_no_key);
  if (seg.opt.unknown) {
    on.cite(Rule::MUST_6);
    on.cite_later(Rule::MUST_6);
  }
  if (seg.opt.at_odd_octet && !seg.ctl.syn) on.cite(Rule::MUST_64);
}

// What every undamaged segment changes.
void note_arrival(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  const bool ended = tcb.state == State::kClosed || tcb.state == State::kListen;
  if (ended && (tcb.stamps.offered || tcb.stamps.peer)) tcb.stamps = {};
  tcb.front_alone = tcb.partial_gap_ack = false;
  keep_alive_hears(on, seg);
  if (!tcb.congestion.arrived_since_quiet) tcb.congestion.news = false;
  tcb.congestion.arrived_since_quiet = true;
  tcb.rcv_nxt_before = tcb.rcv_nxt;
}

}  // namespace

void segment_arrives(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  choose_closed_or_listen(on, seg);
  tcb.must_ignore.reset();
  if (!ip_arrives(on, seg)) return;
  if (check_fault(on, seg) == Then::kReturn) return;
  note_arrival(on, seg);
  ignore_unknown(on, seg);
  const State before = tcb.state;
  switch (before) {
    case State::kClosed:
      closed_state(on, seg);
      break;
    case State::kListen:
      listen_state(on, seg);
      urgent_may_arrive(tcb, seg);
      break;
    case State::kSynSent:
      syn_sent_state(on, seg);
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
