// SPDX-License-Identifier: Apache-2.0
// 3.10.7.4, Sixth to Eighth: check the URG bit, process the segment text, check the FIN bit.
#include <optional>

#include "models/explicit_congestion.h"
#include "models/segment_arrives_steps.h"
#include "models/selective_acknowledgment.h"
#include "models/urgent.h"

namespace tcpassay {

// The window is zero for sure, and the segment begins there. More than the octet of a probe is not taken, nor a FIN.
void cut_at_closed_window(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  const bool shut = on.env.user_known && tcb.edge_known && tcb.right_edge().most == tcb.rcv_nxt;
  on.at_shut = shut && seg.seq == tcb.rcv_nxt && seg.len() != 0;
  const bool fin_alone = seg.text.empty() && seg.ctl.fin && !tcb.rcv_fin;
  if (!on.at_shut || (seg.len() < 2 && !fin_alone)) return;
  tcb.cut = {};
  tcb.cut.widen(tcb.rcv_nxt + (seg.text.empty() ? 1 : 2), seg.seq + seg.len());
  tcb.cut_at_shut = true;
}

Rule takes_beyond_edge(const Tcb& tcb) {
  return tcb.cut_at_shut ? Rule::S3_4_text_wnd0 : Rule::SA4_1_trim_right;
}

// Sixth, check the URG bit:
Then check_urg_bit(Step& on, const Arriving& seg) {
  urgent_arrives(on, seg);
  return Then::kProceed;
}

namespace {

// Nothing beyond the greatest edge is taken. A probe of a closed window may be: one octet more may find room.
RcvSeq taken_at_most(const Step& on, RcvSeq end) {
  const Tcb& tcb = on.tcb;
  const RcvSeq most = tcb.right_edge().most;
  if (!on.env.user_known) return end;  // nor are all windows that were offered
  return earlier(end, most == tcb.rcv_nxt ? most + 1 : most);
}

// Where there is no room for another span, the highest is not remembered: what is held from there to the highest octet
// that came is not known.
void remember_held(HeldText& held, Span span) {
  if (held.overflow && held.beyond <= span.from) return;
  if (held.spans.add(span)) return;
  Span* highest = &span;
  for (Span& other : held.spans.items) {
    if (highest->from < other.from) highest = &other;
  }
  held.beyond = highest->from;
  held.overflow = true;
  *highest = span;
}

void hold(Candidate& tcb, RcvSeq from, RcvSeq to) {
  if (!tcb.held.gap() || tcb.held.top < to) tcb.held.top = to;
  int kept = 0;
  for (int i = 0; i < tcb.held.spans.size; ++i) {  // the spans that it touches become one with it
    const Span span = tcb.held.spans.items[static_cast<std::size_t>(i)];
    if (from <= span.to && span.from <= to) {
      from = earlier(span.from, from);
      to = later(span.to, to);
    } else {
      tcb.held.spans.items[static_cast<std::size_t>(kept++)] = span;
    }
  }
  tcb.held.spans.size = static_cast<std::uint8_t>(kept);
  remember_held(tcb.held, {from, to});
}

// A span that text up to `reached` makes part of the sequence, and that is no island any more.
std::optional<Span> take_island(Candidate& tcb, RcvSeq reached) {
  for (const Span& span : tcb.held.spans) {
    if (reached < span.from) continue;
    const Span joined = span;
    tcb.held.spans.remove(joined);
    return joined;
  }
  return {};
}

// RCV.NXT may have reached text that was held and is not remembered: any of it may have joined, whatever the
// acknowledgments tell, until they have passed all of it.
void join_unknown(Step& on) {
  Candidate& tcb = on.tcb;
  HeldText& held = tcb.held;
  if (held.top <= tcb.rcv_nxt) held.overflow = false;
  if (!held.overflow || tcb.rcv_nxt_max < held.beyond || held.top <= tcb.rcv_nxt_max) return;
  if (tcb.rcv_acked < held.beyond) on.reach(Limit::kIslands);
  tcb.rcv_nxt_max = held.top;
  tcb.filled = true;
}

// Text that was held and is now in sequence may have been kept: RCV.NXT goes as far at most.
void join_held(Step& on) {
  Candidate& tcb = on.tcb;
  while (const std::optional<Span> span = take_island(tcb, tcb.rcv_nxt_max)) {
    if (span->to <= tcb.rcv_nxt_max) continue;
    tcb.rcv_nxt_max = span->to;
    tcb.filled = true;
  }
  join_unknown(on);
}

// No text, in whatever state. Text that waited, with the SYN say, may be found to be new only now that nobody is there
// to receive it.
Then no_text(Step& on, const Arriving& seg) {
  const Tcb& tcb = on.tcb;
  const bool text_waits = tcb.user_gone && !tcb.rcv_fin && tcb.rcv_nxt < tcb.rcv_nxt_max;
  return text_waits && on.may(Freedom::kTextThatWaitedResets) ? reset_as_user_is_gone(on, seg) : Then::kProceed;
}

// CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT: "this should not occur since a FIN has been received". Ignore the text.
Then text_behind_fin(Step& on, const Arriving& seg) {
  on.cite(Rule::SA4_7_late);
  on.cite_later(Rule::SA4_7_late);
  if (on.tcb.user_gone && on.may(Freedom::kTextBehindFinResets)) return reset_as_user_is_gone(on, seg);
  on.allow_ack();
  return Then::kReturn;
}

// Where the text ends that counts. Of text beyond the peer's own FIN, which waits, either counts: the text or the FIN.
RcvSeq end_of_text(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  const RcvSeq end = seg.seq + static_cast<std::uint32_t>(seg.text.size());
  if (!tcb.held_fin || !(tcb.fin_seq < end)) return end;
  tcb.contradicted = true;
  if (on.may(Freedom::kTextEndsAtFin)) {
    on.allow_ack();
    return tcb.fin_seq;
  }
  if (!seg.ctl.fin) tcb.held_fin = false;
  return end;
}

// FIN-WAIT-1 and FIN-WAIT-2 of a user who has gone: new text should draw a RST. Of one who has shut down both
// directions it may.
bool refused_as_user_is_gone(Step& on, RcvSeq end) {
  const Tcb& tcb = on.tcb;
  if (!(tcb.rcv_nxt < end)) return false;
  const bool fin_sent = tcb.state == State::kFinWait1 || tcb.state == State::kFinWait2;
  if (!tcb.user_gone) return fin_sent && tcb.reads_shut && on.may(Freedom::kTextBehindShutdownResets);
  // Of a peer that has sent text behind its own FIN, it is open whether this is new.
  if (tcb.contradicted && !on.may(Freedom::kTextBehindFinResets)) return false;
  const bool refused = on.should(Rule::SHLD_3);
  on.cite(Rule::MAY_1, refused);
  return refused;
}

// Text with a gap before it: it should be held, and an acknowledgment leaves at once.
Then text_ahead_of_gap(Step& on, const Arriving& seg, RcvSeq end) {
  Candidate& tcb = on.tcb;
  on.cite(Rule::MAY_13);
  on.cite(Rule::R5681_3_2_out_of_order);
  for (const Span& span : tcb.held.spans) {
    if (seg.seq < span.to && span.from < end) on.cite(Rule::S3_10_overlap);
  }
  const RcvSeq most = taken_at_most(on, end), edge = later(tcb.right_edge().least, seg.seq);
  hold(tcb, seg.seq, most);
  if (edge < most) tcb.held.unsure.widen(edge, most);
  if (tcb.edge_known && edge < end) {
    if (tcb.cut_at_shut) tcb.cut = {};
    tcb.cut_at_shut = false;
    tcb.cut.widen(edge + 1, seg.seq + seg.len());
  }
  const bool whole = !tcb.edge_known || end <= edge;  // else the target may have trimmed or dropped it
  if (whole) triggers_sack(tcb, {seg.seq, end});
  on.acknowledge_now(Rule::R5681_3_2_out_of_order);
  return Then::kProceed;
}

// Text that is next in sequence, or may be: RCV.NXT advances.
Then text_in_sequence(Step& on, const Arriving& seg, RcvSeq end) {
  Candidate& tcb = on.tcb;
  const bool gap = tcb.held.gap();
  const RcvSeq old_nxt = tcb.rcv_nxt;
  const RcvSeq most = taken_at_most(on, end);
  RcvSeq sure = end;
  if (!gap || tcb.cut_at_shut) tcb.cut = {};  // what was held above the gap may have been cut off as well
  tcb.cut_at_shut = false;
  const RcvSeq edge = tcb.right_edge().least;
  const bool shut =
      on.env.user_known && tcb.edge_known && tcb.right_edge().most == tcb.rcv_nxt && seg.seq == tcb.rcv_nxt;
  if (shut) {  // 3.8.6.1: a probe, of which a receiver may take an octet or none
    on.cite(Rule::S3_8_6_1_ack);
    on.acknowledge_now(Rule::S3_8_6_1_ack, true);
    sure = tcb.rcv_nxt;
    cut_at_closed_window(on, seg);
  } else if (tcb.edge_known && edge < end) {
    if (!on.should(Rule::SA4_1_trim_right)) {
      on.acknowledge_now(Rule::SA4_1_ack);
      return Then::kReturn;
    }
    on.cite(Rule::SA4_1_trim_right);
    sure = edge;
    tcb.cut.widen(edge + 1, seg.seq + seg.len());
  }
  if (seg.seq < tcb.rcv_nxt) on.cite(Rule::SA4_1_trim_left);
  on.cite(Rule::SA4_7_deliver);
  if (tcb.mss_omitted && on.env.default_mss < seg.text.size() && seg.seq == tcb.rcv_nxt) tcb.mss_refuted = sure;
  if (tcb.state == State::kFinWait1 || tcb.state == State::kFinWait2) on.cite(Rule::S3_6_half_close);
  if (tcb.contradicted) {  // where the stream ends is no longer sure
    sure = tcb.rcv_nxt;
    tcb.filled = false;
  }
  if (seg.seq <= tcb.rcv_nxt) tcb.rcv_nxt = later(tcb.rcv_nxt, sure);
  tcb.rcv_nxt_max = later(tcb.rcv_nxt_max, most);
  if (gap) {
    join_held(on);
    on.cite(Rule::R5681_3_2_fill);
    on.acknowledge_now(Rule::R5681_3_2_fill);
  }
  tcb.rcv_unacked_before = tcb.rcv_unacked;
  tcb.rcv_unacked += tcb.rcv_nxt - old_nxt;
  if (tcb.rcv_unacked >= 2u * tcb.rcv_mss) {
    on.cite(Rule::SHLD_19);
    on.acknowledge_now(Rule::SHLD_19);
  }
  on.acknowledge_later(on.taken_by);
  return Then::kProceed;
}

// Text that came with the SYN and is not acknowledged yet may be lost: what follows it stands ahead of a gap then.
void text_of_syn_may_be_lost(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  const bool open = tcb.rcv_nxt < tcb.rcv_nxt_max && tcb.rcv_nxt_max == tcb.syn_text_end && !tcb.rcv_fin;
  if (!open || seg.len() == 0 || seg.seq <= tcb.rcv_nxt || !on.may(Freedom::kTextOfSynLost)) return;
  if (tcb.held_fin && tcb.fin_seq == tcb.syn_text_end) tcb.held_fin = false;  // the FIN that came with it, too
  tcb.rcv_nxt_max = tcb.syn_text_end = tcb.rcv_nxt;
}

}  // namespace

// Seventh, process the segment text:
Then process_segment_text(Step& on, const Arriving& seg) {
  ecn::text_arrives(on, seg);
  text_of_syn_may_be_lost(on, seg);
  if (seg.text.empty()) return no_text(on, seg);
  if (on.tcb.rcv_fin) return text_behind_fin(on, seg);
  const RcvSeq end = end_of_text(on, seg);
  if (end <= seg.seq) return Then::kProceed;  // all of it lies beyond the FIN
  if (refused_as_user_is_gone(on, end)) {
    const bool text_first = on.may(Freedom::kTextAckedBeforeReset);
    if (!text_first) on.cite(Rule::SHLD_3);  // else it is when the RST leaves
    if (reset_as_user_is_gone(on, seg, text_first) == Then::kReturn) return Then::kReturn;
  }
  return on.tcb.rcv_nxt_max < seg.seq ? text_ahead_of_gap(on, seg, end) : text_in_sequence(on, seg, end);
}

namespace {

// Text behind the FIN that came before it: a peer that contradicts itself has sent it, and it may be reported.
// It lies in `held.beyond`..`held.top` then.
void remember_text_behind_fin(Tcb& tcb) {
  HeldText& held = tcb.held;
  Span all = held.overflow ? Span{later(held.beyond, tcb.fin_seq), held.top} : Span{};
  for (const Span& span : held.spans) {
    if (span.to <= tcb.fin_seq) continue;
    const bool first = all.from == all.to;
    all = {first ? span.from : earlier(all.from, span.from), first ? span.to : later(all.to, span.to)};
  }
  held.beyond = all.from;
  held.top = all.to;
}

// 3.10.7.4, Eighth: a FIN that is next in sequence.
void take_fin(Step& on) {
  Candidate& tcb = on.tcb;
  remember_text_behind_fin(tcb);
  tcb.rcv_nxt = tcb.rcv_nxt_max = tcb.fin_seq + 1;
  tcb.rcv_fin = true;
  tcb.held_fin = tcb.filled = tcb.held.overflow = false;
  tcb.held.spans.clear();
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

// A FIN that is not surely taken. Behind the right edge, as far as that can have moved, it should be trimmed: "Trimming
// off any portions that lie outside the window (including SYN and FIN)". At a window of zero it is not acceptable, by
// table 6 and since step 1 excepts "valid ACKs, URGs, and RSTs" alone.
bool fin_is_taken(Step& on, bool held) {
  const Tcb& tcb = on.tcb;
  if (held) return on.should(Rule::SHLD_31);
  if (on.at_shut) return false;
  const bool next = tcb.rcv_nxt == tcb.fin_seq && tcb.rcv_nxt_max == tcb.fin_seq && !tcb.contradicted;
  const bool behind_edge =
      on.env.user_known && tcb.edge_known && !tcb.edge_of_syn && tcb.right_edge().most <= tcb.fin_seq;
  return next && behind_edge ? !on.should(Rule::SA4_1_trim_right) : on.may(Freedom::kFinTaken);
}

}  // namespace

// A FIN was seen: it takes effect when all before it has been taken, which is sure, open, or not yet so.
void reach_fin(Step& on, bool in_window) {
  Candidate& tcb = on.tcb;
  if (!tcb.held_fin) return;
  if (tcb.rcv_nxt_max < tcb.fin_seq) {
    on.cite(Rule::SA4_1_hold_fin);
    return;
  }
  if (tcb.fin_seq < tcb.rcv_nxt) {  // the peer sent text beyond its own FIN: either may count
    tcb.contradicted = true;
    tcb.held_fin = false;
  }
  const bool next = tcb.rcv_nxt == tcb.fin_seq && tcb.rcv_nxt_max == tcb.fin_seq;
  const bool beyond = tcb.fin_seq < tcb.rcv_nxt_max;  // text that had come before
  const bool sure = next && in_window && !tcb.contradicted;
  if (!sure) {
    const bool ahead = next && !in_window && tcb.fin_seq != tcb.syn_text_end;  // the FIN came ahead of a gap
    const bool earlier = tcb.filled || ahead;
    const bool held = earlier && !tcb.held_fin_outside && tcb.rcv_nxt_max == tcb.fin_seq;
    if (!fin_is_taken(on, held)) {
      on.allow_ack();
      tcb.contradicted = tcb.contradicted || beyond;
      // There may be gaps still, that are not remembered or where text was not held: the next acknowledgment tells.
      tcb.held_fin = (tcb.held.overflow || tcb.filled) && tcb.rcv_nxt < tcb.fin_seq;
      return;
    }
  }
  tcb.contradicted = tcb.contradicted || beyond;
  take_fin(on);
}

// Eighth, check the FIN bit:
Then check_fin_bit(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
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
    if (!moved || !on.may(Freedom::kFinStands)) tcb.fin_seq = fin;  // a peer that moves its FIN may be held to either
    tcb.held_fin = true;
    in_window = !tcb.edge_known || tcb.fin_seq < tcb.rcv_edge;
    tcb.held_fin_outside = !in_window;
    // A FIN ahead of a gap tells of text that nobody will receive, as text itself would.
    const bool reset_is_due = tcb.reply.ends;  // by text that came with it
    if (tcb.user_gone && !reset_is_due && tcb.rcv_nxt_max < tcb.fin_seq && on.may(Freedom::kFinAheadResets))
      return reset_as_user_is_gone(on, seg);
    if (seg.text.empty() && tcb.rcv_nxt_max < tcb.fin_seq) {
      on.cite(Rule::R5681_3_2_out_of_order);
      on.acknowledge_now(Rule::R5681_3_2_out_of_order);
    }
  }
  reach_fin(on, in_window && (seg.ctl.fin || tcb.fin_seq == tcb.syn_text_end));
  return Then::kReturn;
}

}  // namespace tcpassay
