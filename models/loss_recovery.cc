// SPDX-License-Identifier: Apache-2.0
#include "models/loss_recovery.h"

#include <algorithm>

#include "models/congestion/steps.h"
#include "models/retransmission_timer.h"

namespace tcpassay {
namespace {

constexpr std::uint32_t kDupThresh = 3;
constexpr Time kProbeTimeoutMin = std::chrono::milliseconds(1);  // a segment in answer to an ACK leaves sooner

bool both_permit(const Tcb& tcb) {
  return tcb.selective.peer_permits && tcb.selective.target_permits;
}

bool within(const SndSpan& inner, const SndSpan& outer) {
  return outer.from <= inner.from && inner.to <= outer.to;
}

// Update () of RFC 6675 section 4; false when all of `added` was known. With more spans than the scoreboard can hold,
// it is `vague`.
bool mark(Scoreboard& board, SndSpan added) {
  for (const SndSpan& span : board.sacked) {
    if (within(added, span)) return false;
  }
  InlineVector<SndSpan, 4> kept;
  for (const SndSpan& span : board.sacked) {
    if (added.from <= span.to && span.from <= added.to) {
      added = {earlier(added.from, span.from), later(added.to, span.to)};
    } else {
      kept.add(span);
    }
  }
  if (kept.size == 4) board.vague = true;
  kept.add(added);
  board.sacked = kept;
  return true;
}

void forget_below(Scoreboard& board, SndSeq una) {
  InlineVector<SndSpan, 4> kept;
  for (const SndSpan& span : board.sacked) {
    if (una < span.to) kept.add({later(span.from, una), span.to});
  }
  board.sacked = kept;
  if (board.sacked.empty()) board.vague = false;
}

SndSeq highest(const Tcb& tcb) {
  SndSeq top = tcb.snd_una;
  for (const SndSpan& span : tcb.board.sacked) top = later(top, span.to);
  return top;
}

// The lowest octet at or above `from` that was not reported.
SndSeq next_hole(const Scoreboard& board, SndSeq from) {
  for (int i = 0; i < board.sacked.size; ++i) {  // spans in any order, apart from each other
    for (const SndSpan& span : board.sacked) {
      if (span.from <= from && from < span.to) from = span.to;
    }
  }
  return from;
}

// IsLost () of RFC 6675 section 4, with segments of `smss` octets.
bool is_lost(const Tcb& tcb, SndSeq seq, std::uint32_t smss) {
  std::uint32_t spans = 0, octets = 0;
  for (const SndSpan& span : tcb.board.sacked) {
    if (span.to <= seq) continue;
    ++spans;
    octets += span.to - later(span.from, seq);
  }
  return spans >= kDupThresh || octets > (kDupThresh - 1) * smss;
}

// With the largest segments that the peer takes: then it is lost for every target.
bool is_lost(const Tcb& tcb, SndSeq seq) {
  return is_lost(tcb, seq, tcb.snd_mss);
}

// RFC 8985 section 6.2 counts segments (RACK.segs_sacked): one that is reported in part is none, and with fewer than
// three the reordering timer may run first.
bool three_are_reported(const Step& on) {
  const Tcb& tcb = on.tcb;
  if (on.env.sent == nullptr) return true;
  std::uint32_t spans = 0, segments = 0;
  for (const SndSpan& span : tcb.board.sacked) {
    if (span.to <= tcb.snd_una) continue;
    ++spans;
    segments += on.env.sent->left_within(later(span.from, tcb.snd_una), span.to);
  }
  return spans >= kDupThresh || segments >= kDupThresh;
}

// The segment leaves because an ACK has arrived, and not because a timer has expired: of a target that had answered it
// and was silent the timer sends the front, however short the silence.
bool is_answer(const Step& on) {
  if (on.why == Why::kTimeout && !on.tcb.congestion.arrived_since_quiet) return false;
  if (on.tcb.congestion.lost_told) return true;  // a message of a smaller path, which is answered at once
  return on.env.since - on.tcb.board.arrived_at <= kClockSlack;
}

// The window has closed, and what the same ACK reports calls for text all the same (MAY-7). A window probe would wait
// (RFC 9293 section 3.8.6.1), and shows nothing.
void lost_text_departs_at_closed_window(Step& on, const Departing& seg, SndSeq end) {
  const Tcb& tcb = on.tcb;
  Scoreboard& board = on.tcb.board;
  if (!on.env.user_known || !tcb.congestion.arrived_since_quiet || !is_answer(on) || !front_is_lost(tcb)) return;
  if (tcb.snd_una < seg.seq && !board.front_again) return;
  board.front_again = true;
  board.again = later(later(board.again, tcb.snd_una), end);
}

// RFC 8985 section 7.3: a loss probe repeats the end of the flight, unless there is new text to send.
void loss_probe_departs(Step& on, SndSeq end) {
  const Tcb& tcb = on.tcb;
  on.tcb.board.probed = true;
  if (!tcb.late) on.tcb.timed = false;  // the retransmission timer starts anew
  if (end == tcb.snd_nxt) {
    on.cite(Rule::R8985_7_3_highest);
  } else {
    on.depart(Rule::R8985_7_3_highest);
  }
  const bool new_text = tcb.snd_nxt < tcb.snd_end && tcb.snd_nxt + 1 <= tcb.snd_edge();
  const std::uint32_t least = std::min<std::uint32_t>(tcb.snd_end - tcb.snd_nxt, tcb.snd_mss);
  if (new_text && tcb.snd_nxt + least <= tcb.snd_edge()) {
    on.depart(Rule::R8985_7_3_new_data);
  } else {
    on.cite(Rule::R8985_7_3_new_data);
  }
}

// A timer has expired: text leaves again from SND.UNA on, or a loss probe from the end of the flight.
void by_timer(Step& on, const Departing& seg, SndSeq end) {
  Candidate& tcb = on.tcb;
  Scoreboard& board = tcb.board;
  if (seg.seq <= tcb.snd_una) {
    if (!board.sacked.empty()) on.cite(Rule::R2018_5_rto_left);
    if (board.probed) on.cite(Rule::R8985_7_3_single);
    if (!both_permit(tcb) && end != tcb.snd_nxt) on.cite(Rule::R8985_4_sack);
    // The peer may have reneged: its earlier reports no longer count.
    for (const SndSpan& span : board.sacked) {
      if (board.before.from == board.before.to || span.from < board.before.from) board.before = span;
    }
    tcb.spurious.reported_to = later(tcb.snd_una, highest(tcb));
    board.sacked.clear();
    board.after_rto = board.front_again = true;
    board.vague = board.reordered = board.owes = false;
    board.news = 0;
    board.recover = tcb.snd_nxt;
    board.again = end;
    return;
  }
  if (board.front_again) return;  // the front has left already
  if (!both_permit(tcb)) {
    // Later than that it is the timer of RFC 6298, which another rule judges.
    if (on.env.now - tcb.front_to < kRtoMin) on.refuse(Rule::R8985_4_sack, 1);
    return;
  }
  if (!board.sacked.empty() && end != tcb.snd_nxt) {  // a segment at the end of the flight may be a loss probe
    on.refuse(Rule::R2018_5_rto_left, 1);
  } else if (board.probed) {
    on.refuse(Rule::R8985_7_3_single, 1);
  }
  if (!on.refused()) loss_probe_departs(on, end);
}

// Each block that tells something new counts; false when none does.
bool take_reports(Step& on, const Arriving& seg) {
  const Tcb& tcb = on.tcb;
  Scoreboard& board = on.tcb.board;
  bool news = false;
  for (std::size_t i = 0; i < seg.opt.blocks; ++i) {
    const SndSpan block{SndSeq{seg.opt.block[i].left}, SndSeq{seg.opt.block[i].right}};
    const std::uint32_t left = block.from - tcb.snd_una, right = block.to - tcb.snd_una;
    if (i == 0 && block.to <= seg.ack && tcb.iss < block.from) {  // RFC 2883: the peer has received text twice
      board.duplicate = true;
      on.cite(Rule::R2883_5_tolerate);
    }
    if (right > tcb.snd_nxt - tcb.snd_una) continue;
    if (block.from < tcb.snd_una && right > 0) {  // a receiver that has this would acknowledge it: does it count?
      mark(board, {tcb.snd_una, block.to});
      board.vague = true;
      continue;
    }
    if (left >= right) continue;
    const SndSeq top = highest(tcb), first = next_hole(board, later(block.from, tcb.snd_una));
    if (!mark(board, block)) continue;
    if (first < top && board.again <= first) board.reordered = true;
    news = true;
  }
  return news;
}

// A segment of which the first part is reported, up to `hole`, leaves as it left before. It need not be packed anew
// (RFC 9293 section 3.8.6).
bool leaves_as_before(const Step& on, SndSeq seq, SndSeq hole, SndSeq end) {
  return hole < end && on.env.sent != nullptr && on.env.sent->left_as(seq, end);
}

// Octets from SND.UNA up to what was reported: lost, and in flight no more.
std::uint32_t hole_at_front(const Tcb& tcb) {
  std::uint32_t octets = tcb.snd_nxt - tcb.snd_una;
  for (const SndSpan& span : tcb.board.sacked) {
    if (tcb.snd_una < span.from) octets = std::min(octets, span.from - tcb.snd_una);
  }
  return octets;
}

}  // namespace

void report_arrives(Step& on, const Arriving& seg, SndSeq una, std::uint32_t wnd) {
  Candidate& tcb = on.tcb;
  Scoreboard& board = tcb.board;
  board.arrived_at = on.env.now;
  board.owes = board.owes_old = board.skips = board.duplicate = false;
  const bool moved = tcb.snd_una != una;
  if (moved) {
    // Section 7.3: the next probe needs a round trip that was measured since the last one.
    board.probed = board.probed_all && !tcb.timestamped() && tcb.snd_una <= board.again;
    board.probed_all = board.probed;
    board.front_again = tcb.snd_una < board.again;
    if (board.again <= una) {  // nothing was sent twice, so the text that was acknowledged late was reordered, not lost
      if (!board.sacked.empty()) board.reordered = true;
      board.again = tcb.snd_una;
    }
    board.news = 0;
    board.sack_with_text_or_window_change = false;
    forget_below(board, tcb.snd_una);
    if (board.after_rto && board.recover <= tcb.snd_una) {
      board.after_rto = false;
      board.before = {};
    }
  }
  if (!both_permit(tcb)) return;
  const bool news = take_reports(on, seg);
  if (news) {
    timer_informed(on);
    if (board.news == 0) board.news_at = on.env.now;
    if (board.news < 255) ++board.news;
    if (!seg.text.empty() || tcb.snd_wnd != wnd) board.sack_with_text_or_window_change = true;
  }
  if (news || board.duplicate) tcb.congestion.informed = true;
  const bool at_front = next_hole(board, tcb.snd_una) == tcb.snd_una;
  const bool plain = synchronized(tcb.state) && !board.after_rto && !board.vague && !board.reordered && tcb.snd_wnd > 0;
  const bool text = tcb.snd_una < tcb.snd_end && at_front && !board.front_again;
  // A partial ACK brings the next hole to the front. With nothing on its way the window has room for it (5, step C).
  const bool nothing_on_its_way = board.again <= tcb.snd_una && highest(tcb) == tcb.snd_nxt;
  const bool next_is_due = moved && tcb.congestion.phase == Congestion::Phase::kRecovery && nothing_on_its_way;
  // (C): in recovery another segment leaves when the window has room for one.
  const Congestion& cc = tcb.congestion;
  const std::uint32_t rest = flight(tcb) - std::min(flight(tcb), reported(tcb) + hole_at_front(tcb));
  // Two segments may have left by limited transmit, and are no part of the flight that was halved.
  const bool has_room = cc.phase != Congestion::Phase::kRecovery || next_is_due || rest + 2 * cc.smss <= cc.reno.cwnd;
  const bool due = (news || next_is_due) && has_room;
  board.owes = due && plain && text && is_lost(tcb, tcb.snd_una) && three_are_reported(on);
  const bool old = board.before.from <= tcb.snd_una && tcb.snd_una < board.before.to;
  // What has been reported again since then may be left out again, and what has no room in the window may wait.
  const std::uint32_t next = std::min(tcb.congestion.smss, tcb.snd_limit() - tcb.snd_una);  // new text goes with it
  const bool room = tcb.snd_una + next <= tcb.snd_edge();
  board.owes_old = moved && board.after_rto && old && at_front && seg.opt.blocks == 0 && room;
}

void text_departs_again(Step& on, const Departing& seg, SndSeq end) {
  Candidate& tcb = on.tcb;
  Scoreboard& board = tcb.board;
  if (!synchronized(tcb.state)) return;
  if (tcb.snd_wnd == 0) {
    lost_text_departs_at_closed_window(on, seg, end);
    return;
  }
  if (!on.env.user_known) return;  // only a target in lock step shows what it sends by a timer and what as an answer
  if (was_reported(tcb, later(seg.seq, tcb.snd_una))) on.cite(Rule::R2018_8_keep);
  const bool front = seg.seq <= tcb.snd_una;
  // Where round trips are short, a loss probe soon follows any ACK (RFC 8985 section 7.2).
  const bool probe = both_permit(tcb) && end == tcb.snd_nxt && !front && !board.probed && !board.front_again &&
                     on.env.now - board.arrived_at >= kProbeTimeoutMin;
  if (on.why == Why::kLossProbe) {
    board.probed_all = true;
    board.again = end;
    loss_probe_departs(on, end);
    return;
  }
  if (on.why != Why::kReorderingTimer && (!is_answer(on) || probe)) {
    by_timer(on, seg, end);
    return;
  }
  if (front && board.owes_old) on.cite(Rule::R2018_5_rto_clear);
  board.skips = board.skips || (!front && board.owes_old);
  if (both_permit(tcb) && !board.sacked.empty() && !board.vague && !tcb.congestion.lost_told) {
    const Rule skip = board.after_rto ? Rule::R6675_5_1_use_sack : Rule::R2018_5_record;
    const SndSeq hole = next_hole(board, seg.seq);
    if (hole == seg.seq) {
      on.cite(skip);
    } else if (!leaves_as_before(on, seg.seq, hole, end) && !(front && on.why == Why::kRefused)) {
      on.depart(skip);
    }
    // NextSeg (), rule (1): of the holes that are lost and have not left again, the lowest leaves first.
    const SndSeq next = next_hole(board, later(tcb.snd_una, board.again));
    if (!board.after_rto && !board.reordered && next < highest(tcb) && is_lost(tcb, next)) {
      if (next < seg.seq) {
        on.refuse(Rule::R6675_4_next_segment, 1);
        return;
      }
      if (seg.seq == next) on.cite(Rule::R6675_4_next_segment);
    }
    if (front && board.owes) {
      board.uses = true;
      if (board.sack_with_text_or_window_change && board.news >= kDupThresh) on.cite(Rule::R6675_5_dup_ack);
      on.cite(Rule::R6675_4_is_lost);
    }
  }
  if (front) board.front_again = true;
  board.again = later(later(board.again, tcb.snd_una), end);
}

void recovery_falls_quiet(Step& on) {
  if (on.tcb.state <= State::kListen) return;  // what is no more owes nothing
  Scoreboard& board = on.tcb.board;
  if (board.owes && !board.front_again) {
    if (board.uses && board.sack_with_text_or_window_change && board.news >= kDupThresh) {
      on.refuse(Rule::R6675_5_dup_ack, 2);
      return;
    }
    on.depart(Rule::R6675_4_is_lost);
  }
  if (board.owes_old && !board.front_again) {
    // RFC 2018 section 5.1, a MUST: what leaves is chosen without the reports from before the timeout. RFC 6675 section
    // 5.1 excuses who tests whether the peer has reneged; the ACK that stops before the text, and reports none of it,
    // shows that. Not to send at all is to be late.
    if (board.skips) {
      on.refuse(Rule::R2018_8_keep, 2);
      return;
    }
    on.depart(Rule::R2018_5_rto_clear);
  }
  board.owes = board.owes_old = board.skips = false;
}

bool front_is_lost(const Tcb& tcb) {
  const std::uint32_t smss = std::max(tcb.congestion.largest, 1u);  // as far as the target has shown it
  return is_lost(tcb, tcb.snd_una, std::min<std::uint32_t>(smss, tcb.snd_mss));
}

bool loss_is_told(const Tcb& tcb) {
  if (tcb.snd_una == tcb.snd_nxt) return false;
  const std::uint32_t told = std::max(tcb.congestion.duplicates, tcb.board.news);
  return told >= kDupThresh || front_is_lost(tcb) || (tcb.snd_wnd == 0 && told > 0);
}

bool was_reported(const Tcb& tcb, SndSeq seq) {
  return tcb.board.before.from <= seq && seq < tcb.board.before.to;
}

}  // namespace tcpassay
