// SPDX-License-Identifier: Apache-2.0
#include "models/urgent.h"

namespace tcpassay {

void urgent_given(Step& on) {
  const Tcb& tcb = on.tcb;
  Urgent& up = on.tcb.up;
  const bool outstanding = up.given && tcb.snd_una < up.snd_up;
  if (!outstanding) {
    up.former.clear();
    up.plain_end = tcb.snd_nxt;
  } else if (tcb.iss_known) {  // until then nothing has left that could be sent again
    up.former.add(up.snd_up);
  }
  up.given = true;
  up.snd_up = tcb.snd_end;
}

namespace {

// All octets of the segment were sent before: it may be identical to the original (3.8.1, MAY-4).
bool is_sent_again(const Tcb& tcb, const Departing& seg) {
  return !seg.text.empty() && seg.seq + static_cast<std::uint32_t>(seg.text.size()) <= tcb.snd_nxt;
}

// The urgent pointer, or its absence, that the original may have had.
bool is_as_it_was(const Tcb& tcb, const Departing& seg) {
  const Urgent& up = tcb.up;
  if (!up.given || !is_sent_again(tcb, seg)) return false;
  if (!seg.ctl.urg) return seg.seq + static_cast<std::uint32_t>(seg.text.size()) <= up.plain_end;
  return seg.up != 0 && up.former.has(seg.seq + seg.up);
}

}  // namespace

bool urgent_departs(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
  const Urgent& up = tcb.up;
  constexpr std::uint32_t kFarthest = 0xffff;  // the field has sixteen bits
  if (is_as_it_was(tcb, seg)) return true;
  const auto octets = static_cast<std::uint32_t>(seg.text.size());
  if (!seg.ctl.urg) {
    if (!up.given || up.snd_up <= seg.seq || kFarthest < up.snd_up - seg.seq) return true;
    const bool bare = octets == 0 && !seg.ctl.fin;
    if (bare && (seg.ctl.syn || seg.ctl.rst || seg.seq != tcb.snd_nxt)) return true;
    const bool last_urgent_octet = up.snd_up <= seg.seq + octets;
    if (last_urgent_octet && tcb.snd_nxt < up.snd_up) {
      on.refuse(Rule::MUST_30, 1);
      return false;
    }
    on.depart(Rule::S3_8_5_span);
    return true;
  }
  if (!up.given || up.snd_up <= seg.seq || up.snd_up <= tcb.snd_una) {  // no urgent octet is outstanding
    on.refuse(Rule::S3_8_5_needs_text, 1);
    return false;
  }
  const SndSeq point = seg.seq + seg.up;
  const bool saturated = seg.up == kFarthest && kFarthest < up.snd_up - seg.seq;
  if (point != up.snd_up && !saturated) {
    on.refuse(Rule::MUST_62, 1);
    return false;
  }
  on.cite(Rule::MUST_30);
  on.cite(Rule::MUST_62);
  on.cite(Rule::S3_8_5_span);
  on.cite(Rule::S3_8_5_needs_text);
  return true;
}

namespace {

// Out of line the last urgent octet goes another way: the one before the pointer, or, as RFC 793 had it, the one there.
void points_at(Urgent& up, RcvSeq seg_up) {
  const bool again = up.out.may_be(seg_up) && up.out.may_be(seg_up - 1);
  up.out.widen(seg_up - 1, seg_up);
  if ((!again || up.out_left == 0) && up.out_left < 255) ++up.out_left;
}

}  // namespace

namespace {

// Text above a gap names RCV.UP, and `above_to` is behind it. It counts once it is acknowledged, if it did not come
// again: then the target has held it (3.10.7.4 seventh), and has looked at its URG before (sixth).
void urgent_above_gap(const Tcb& tcb, Urgent& up, const Arriving& seg) {
  const RcvSeq end = seg.seq + static_cast<std::uint32_t>(seg.text.size());
  if (seg.text.empty()) return;
  const bool ahead = seg.ctl.urg && tcb.rcv_nxt < seg.seq && tcb.rcv_nxt == tcb.rcv_nxt_max && end <= tcb.rcv_edge;
  const bool first = !up.arrived && !tcb.rcv_fin && seg.up != 0 && seg.seq + seg.up <= end;
  if (ahead && first) {
    up.above_to = end;
  } else if (tcb.rcv_nxt < up.above_to && (up.above_to <= end || seg.ctl.urg)) {
    up.above_to = RcvSeq{};
  }
}

// Is RCV.UP known, be it that it came above a gap?
bool is_sure(const Tcb& tcb) {
  const Urgent& up = tcb.up;
  const bool filled = up.above_to != RcvSeq{} && tcb.rcv_nxt == tcb.rcv_nxt_max && up.above_to <= tcb.rcv_nxt;
  return up.sure || filled;
}

}  // namespace

void urgent_arrives(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  Urgent& up = tcb.up;
  urgent_above_gap(tcb, up, seg);
  if (!seg.ctl.urg) {
    if (seg.up == 0) return;
    up.bare = true;
    on.cite(Rule::S3_1_urgent_pointer);
    tcb.must_ignore = Rule::S3_1_urgent_pointer;
    return;
  }
  if (tcb.rcv_fin) {  // CLOSE-WAIT, CLOSING, LAST-ACK, TIME-WAIT: this should not occur; ignore the URG
    up.late = true;
    on.cite(Rule::SA4_6_late);
    on.cite_later(Rule::SA4_6_late);
    tcb.must_ignore = Rule::SA4_6_late;
    return;
  }
  // RCV.UP <- max(RCV.UP,SEG.UP), and signal the user if it is in advance of the data consumed
  const RcvSeq seg_up = seg.seq + seg.up;
  const bool invalid = seg.up == 0 || tcb.rcv_edge < seg_up || (up.arrived && seg_up < up.rcv_up);
  if (invalid) {
    on.cite(Rule::S3_8_5_no_recede);
    on.cite_later(Rule::S3_8_5_no_recede);
    tcb.must_ignore = Rule::S3_8_5_no_recede;
  }
  const bool known = up.arrived && up.sure;
  if (known && seg_up <= up.rcv_up && seg.up != 0) return;
  const bool in_order = seg.seq <= tcb.rcv_nxt && tcb.rcv_nxt == tcb.rcv_nxt_max;
  const bool greatest = !up.arrived || up.rcv_up < seg_up;  // whichever of the earlier ones counted
  // Half the number space away, an earlier one is behind as much as ahead.
  const bool behind = up.arrived && !known && up.rcv_up <= tcb.rcv_nxt && tcb.rcv_nxt < seg_up;
  if (!known || up.rcv_up <= tcb.rcv_user) up.rcv_from = seg.seq;  // a run begins
  up.sure = greatest && in_order && seg.up != 0 && tcb.rcv_nxt < seg_up;
  up.rcv_up = up.sure || !up.arrived || behind ? seg_up : later(up.rcv_up, seg_up);
  up.arrived = true;
  up.at_closed_window = tcb.edge_known && tcb.rcv_edge == tcb.rcv_nxt;
  points_at(up, seg_up);
}

void urgent_may_arrive(Candidate& tcb, const Arriving& seg) {
  if (!seg.ctl.urg) return;
  Urgent& up = tcb.up;
  if (tcb.rcv_fin) {
    up.late = true;
    return;
  }
  const RcvSeq seg_up = seg.seq + seg.up;
  // What lies behind all that was read, be it half the number space away, moves no pointer that is ahead of that.
  if (!up.arrived || tcb.rcv_user < seg_up) up.rcv_up = up.arrived ? later(up.rcv_up, seg_up) : seg_up;
  up.arrived = true;
  up.sure = false;
  up.above_to = RcvSeq{};  // nor is it known what filled gaps have told
  points_at(up, seg_up);
  if (seg.ctl.syn) points_at(up, seg_up + 1);  // counted from the text, as some do
}

bool urgent_octet_left_out(Candidate& tcb, RcvSeq octet) {
  Urgent& up = tcb.up;
  if (!up.arrived || up.in_line || up.out_left == 0 || !up.out.may_be(octet)) return false;
  --up.out_left;
  return true;
}

void urgent_consumed(Candidate& tcb) {
  Urgent& up = tcb.up;
  up.out.leave_behind(tcb.rcv_user);
  if (!up.out.there) up.out_left = 0;
  if (!up.arrived || up.sure || tcb.rcv_user <= up.rcv_up) return;
  up.sure = true;  // whatever RCV.UP was, it is behind
  up.rcv_from = up.rcv_up;
}

namespace {

// The rule that is broken when the user is told of urgent octets where there are none.
Rule told_of_nothing(const Urgent& up) {
  return up.late ? Rule::SA4_6_late : up.bare ? Rule::S3_1_urgent_pointer : Rule::MUST_33;
}

}  // namespace

void priority_polled(Step& on, const UserCall& call) {
  constexpr std::int64_t kUrgent = 2;
  const Candidate& tcb = on.tcb;
  const Urgent& up = tcb.up;
  if (call.result < 0 || !synchronized(tcb.state)) return;
  const bool told = (call.result & kUrgent) != 0;
  const bool asked = call.value == 0 || (call.value & kUrgent) != 0;
  if (!up.arrived) {
    if (told) {
      on.refuse(told_of_nothing(up));
    } else if (asked && up.late) {
      on.cite(Rule::SA4_6_late);
    } else if (asked && up.bare) {
      on.cite(Rule::S3_1_urgent_pointer);
    }
    return;
  }
  if (!is_sure(tcb) || !asked) return;
  // Before all urgent octets have arrived the user need not be told; a pointer beyond the FIN is never reached.
  const bool all_here = up.rcv_up <= (tcb.rcv_fin ? tcb.fin_seq : tcb.rcv_nxt);
  if (tcb.rcv_user < up.rcv_up && all_here) {
    if (told) {
      on.cite(Rule::MUST_32);
      if (up.at_closed_window) on.cite(Rule::MUST_66);
    } else if (!tcb.reads_shut || !on.may(Freedom::kMarkBehindShutdown)) {
      on.refuse(up.at_closed_window ? Rule::MUST_66 : Rule::MUST_32);
    }
  } else if (up.rcv_up <= tcb.rcv_user && up.in_line) {
    if (told) {
      on.refuse(Rule::MUST_33);
    } else {
      on.cite(Rule::MUST_33);
    }
  }
}

void mark_asked(Step& on, const UserCall& call) {
  const Candidate& tcb = on.tcb;
  const Urgent& up = tcb.up;
  if (call.result != 0 || !up.in_line || !synchronized(tcb.state)) return;
  const bool at_mark = call.value != 0;
  if (!up.arrived) {
    if (at_mark) on.refuse(told_of_nothing(up));
    return;
  }
  if (!up.sure) return;
  // The mark is behind the urgent data, or before its last octet, which some stacks take for the only urgent one.
  const RcvSeq mark = on.trait(Trait::kMarkBeforeLast) ? up.rcv_up - 1 : up.rcv_up;
  if (at_mark != (tcb.rcv_user == mark)) {
    if (tcb.reads_shut && on.may(Freedom::kMarkBehindShutdown)) return;
    on.refuse(Rule::MUST_33);
    return;
  }
  on.cite(Rule::MUST_33);
}

bool urgent_read(Step& on, RcvSeq from, RcvSeq to) {
  const Candidate& tcb = on.tcb;
  const Urgent& up = tcb.up;
  if (!up.in_line || !up.arrived || !up.sure || to <= up.rcv_from || up.rcv_up <= from) return true;
  const RcvSeq before_last = up.rcv_up - 1;
  const bool crosses = from < before_last && before_last < to;
  if (crosses && (up.rcv_up < to || on.trait(Trait::kMarkBeforeLast))) {
    on.refuse(Rule::S3_9_1_3_boundary);
    return false;
  }
  if (to < tcb.rcv_nxt && (to == before_last || to == up.rcv_up)) on.cite(Rule::S3_9_1_3_boundary);
  on.cite(Rule::R6093_6_in_line);
  if (up.rcv_from + 1 < up.rcv_up) on.cite(Rule::MUST_31);
  return true;
}

Rule misread(const Candidate& tcb, Rule otherwise) {
  const Urgent& up = tcb.up;
  if (up.arrived && up.in_line) {
    return up.sure && up.rcv_from + 1 < up.rcv_up ? Rule::MUST_31 : Rule::R6093_6_in_line;
  }
  if (up.bare && !up.arrived) return Rule::S3_1_urgent_pointer;
  return otherwise;
}

}  // namespace tcpassay
