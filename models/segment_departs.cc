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

bool reset_is_due(const Tcb& tcb) {
  return tcb.reply.form == Reply::Form::kRst || tcb.reply.form == Reply::Form::kRstAck;
}

bool no_connection(const Tcb& tcb) {
  return tcb.state == State::kClosed || tcb.state == State::kListen;
}

// A SACK option that reports, behind its first block, what the ACK covers (RFC 2018 section 3).
bool reports_what_it_acknowledges(const Departing& seg) {
  for (std::size_t i = 1; i < seg.opt.blocks; ++i) {
    if (RcvSeq{seg.opt.block[i].right} <= seg.ack) return true;
  }
  return false;
}

bool meets(const Reply& due, const Departing& seg) {
  switch (due.form) {
    case Reply::Form::kRst:
      return seg.ctl.rst && (seg.seq == due.seq || seg.seq == due.other);
    case Reply::Form::kRstAck:
      return seg.ctl.rst && seg.ctl.ack && seg.seq == SndSeq{0} && seg.ack == due.ack;
    case Reply::Form::kSynAck:
      return seg.ctl.syn && seg.ctl.ack && !seg.ctl.rst && seg.ack == due.ack;
    case Reply::Form::kAck:
      return seg.ctl.ack && !seg.ctl.syn && !seg.ctl.rst && seg.len() == 0 && seg.seq == due.seq &&
             seg.ack == due.ack && !reports_what_it_acknowledges(seg);
    case Reply::Form::kSyn:
    case Reply::Form::kNone:
      break;
  }
  return false;
}

// The answer to something before the latest segment. No text orders the answers to several segments; one that must
// leave is paid before one that may.
bool answers_earlier(Step& on, const Departing& seg) {
  const bool latest_must = !on.tcb.reply.optional && meets(on.tcb.reply, seg);
  for (const Reply& due : on.tcb.debts) {
    if (!meets(due, seg) || (due.optional && latest_must)) continue;
    const Reply met = due;
    on.cite(met.rule);
    on.tcb.debts.remove_first(met);
    return true;
  }
  return false;
}

// What is blamed for another segment where a RST is due. A SYN,ACK belongs to a passive OPEN that is over, other
// segments to a connection that lives on though it was to end.
Rule forbids_other_than_reset(const Candidate& tcb, const Departing& seg) {
  const bool ended = !tcb.ways_out.empty() && synchronized(tcb.ways_out.back().from);
  return blamed({
      {seg.ctl.syn && tcb.now.has({Rule::S3_10_4_listen, true}), Rule::S3_10_4_listen},
      {seg.ctl.syn && tcb.now.has({Rule::S3_10_5_listen, true}), Rule::S3_10_5_listen},
      {info(tcb.reply.rule).level == Level::kMust, tcb.reply.rule},
      {ended && info(tcb.ways_out.back().rule).level == Level::kMust, ended ? tcb.ways_out.back().rule : Rule{}},
      {kOtherwise, Rule::S3_10_1_passive},  // a RST should leave; nothing else may
  });
}

// A segment without RST: does the state allow that one leaves?
bool may_leave_in_this_state(Step& on, const Departing& seg) {
  const Candidate& tcb = on.tcb;
  if (reset_is_due(tcb) && !tcb.reply.ends && (!tcb.reply.optional || no_connection(tcb))) {
    return on.refuse(forbids_other_than_reset(tcb, seg), 2);
  }
  if (!no_connection(tcb)) return true;
  const bool was_connected = tcb.was_open || tcb.iss_known;
  const bool way_known = !tcb.ways_out.empty() && info(tcb.ways_out.back().rule).level == Level::kMust;
  const Rule ended = tcb.signal == Signal::kTimedOut ? Rule::MUST_20
                     : way_known                     ? tcb.ways_out.back().rule
                                                     : Rule::SA4_2_established;
  return on.refuse(forbids_any_segment(tcb, was_connected ? ended : Rule::S3_10_1_passive), 5);
}

// A segment without SYN and RST: is the handshake far enough for it?
bool handshake_allows(Step& on) {
  const Candidate& tcb = on.tcb;
  const bool syn_is_due = tcb.reply.form != Reply::Form::kNone && !tcb.reply.optional && !tcb.reply.ends;
  if (syn_is_due) return on.refuse(tcb.reply.rule, 2);
  if (tcb.state == State::kSynSent) return on.refuse(at_work(tcb, Rule::S3_10_1_active), 4);
  return true;
}

// A keep-alive of a target that sends one although the trace does not show that its user has turned them on.
bool unprompted_probe_departs(Step& on, const Departing& seg) {
  if (on.env.user_known || seg.seq == on.tcb.snd_nxt || !seg.text.empty()) return false;
  if (!is_unprompted_probe(on.tcb, seg)) return false;
  if (ack_is_current(on, seg)) acknowledgment_seen(on, seg.ack);
  return true;
}

// True when the segment is taken for a keep-alive (3.8.4).
bool taken_for_keep_alive(Step& on, const Departing& seg) {
  const Candidate& tcb = on.tcb;
  const bool unprompted = tcb.prompted == 0 && !tcb.ack_now && !tcb.ack_later && seg.text.empty();
  if (!is_keep_alive(tcb, seg) || !(tcb.keep.on || unprompted || !on.env.user_known)) return false;
  if (!ack_is_current(on, seg)) return true;
  if (on.env.user_known) keep_alive_departs(on, seg);
  if (!on.refused()) acknowledgment_seen(on, seg.ack);
  if (!on.refused()) timestamps_depart(on, seg, seg.len() != 0);
  return true;
}

// An acknowledgment, text or FIN of an open connection, and what the extensions of TCP demand of it.
void connected_segment_departs(Step& on, const Departing& seg) {
  const Candidate& tcb = on.tcb;
  const Span open{tcb.rcv_nxt, tcb.rcv_nxt_max};  // text that the target may have taken or not
  const bool again = seg.len() != 0 && seg.seq < tcb.snd_nxt;
  const SendBefore before{.snd_una = tcb.snd_una,
                          .snd_nxt = tcb.snd_nxt,
                          .snd_edge = tcb.snd_edge(),
                          .resent_to = tcb.congestion.resent_to,
                          .snd_wnd = tcb.snd_wnd};
  if (seg.len() == 0) {
    acknowledgment_departs(on, seg);
  } else {
    text_departs(on, seg);
  }
  if (!on.refused()) blocks_depart(on, seg, open);
  if (!on.refused()) timestamps_depart(on, seg, again);
  if (!on.refused()) ecn::segment_departs(on, seg, before);
  if (!on.refused()) fast_open::segment_departs(on, seg);
  on.tcb.survived.reset();
}

}  // namespace

Rule at_work(const Candidate& tcb, Rule otherwise) {
  std::optional<Rule> found;
  for (int i = 0; i < tcb.prompted && i < tcb.now.size; ++i) {
    const Rule rule = tcb.now.items[static_cast<std::size_t>(i)].rule;
    if (info(rule).level != Level::kMay && (!found || tells_more(rule, *found))) found = rule;
  }
  return found.value_or(otherwise);
}

bool calls_upon(const Candidate& tcb, Rule rule) {
  for (int i = 0; i < tcb.prompted && i < tcb.now.size; ++i) {
    if (tcb.now.items[static_cast<std::size_t>(i)].rule == rule) return true;
  }
  return false;
}

Rule forbids_any_segment(const Candidate& tcb, Rule otherwise) {
  const auto applied = [&](Rule rule) { return tcb.now.has({rule, true}) || tcb.later.has({rule, true}); };
  constexpr Rule kSilent[] = {Rule::S3_10_4_closed,       Rule::S3_10_5_closed, Rule::S3_10_5_syn_sent,
                              Rule::S3_10_4_syn_received, Rule::MUST_34,        Rule::MUST_41};
  for (const Rule rule : kSilent) {
    if (applied(rule)) return rule;
  }
  return at_work(tcb, otherwise);
}

void segment_departs(Step& on, const Departing& seg) {
  if (!scale_stands_on_syns_only(on, seg)) return;
  if (!on.tcb.debts.empty() && answers_earlier(on, seg)) return;
  if (seg.ctl.rst) {
    if (seg.opt.sack_permitted) {
      on.refuse(Rule::R2018_2_syn_only, 1);
      return;
    }
    ecn::reset_departs(on, seg);
    if (!ip_departs(on, seg)) return;
    reset_departs(on, seg);
    return;
  }
  if (!may_leave_in_this_state(on, seg) || !ip_departs(on, seg)) return;
  if (seg.ctl.syn) {
    syn_departs(on, seg);
    return;
  }
  if (!handshake_allows(on) || !urgent_departs(on, seg)) return;
  if (unprompted_probe_departs(on, seg) || taken_for_keep_alive(on, seg)) return;
  connected_segment_departs(on, seg);
}

}  // namespace tcpassay
