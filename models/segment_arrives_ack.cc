// SPDX-License-Identifier: Apache-2.0
// 3.10.7.4, Fifth: check the ACK field.
#include "models/congestion/congestion.h"
#include "models/explicit_congestion.h"
#include "models/loss_recovery.h"
#include "models/segment_arrives_steps.h"
#include "models/spurious.h"
#include "models/window_scale.h"

namespace tcpassay {
namespace {

// If SND.UNA =< SEG.ACK =< SND.NXT, the send window should be updated, but not from an older segment.
void update_send_window(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  const std::uint32_t wnd = window_of(tcb, seg);
  // Of a segment that begins before RCV.NXT the new part counts, with its header adjusted or not.
  const bool straddles = seg.seq < tcb.rcv_nxt && tcb.rcv_nxt < seg.seq + seg.len();
  const RcvSeq seq = straddles && wnd != tcb.snd_wnd && !on.may(Freedom::kUntrimmedForWindow) ? tcb.rcv_nxt : seg.seq;
  // What is ahead of a gap should be held for later, and its window with it. Of text both orders come to the same in
  // the end; a segment without any may be dropped.
  const bool ahead = tcb.rcv_nxt < seg.seq && seg.len() == 0;
  const bool newer = tcb.snd_wl1 < seq || (tcb.snd_wl1 == seq && tcb.snd_wl2 <= seg.ack);
  if (newer && ahead && wnd != tcb.snd_wnd && on.may(Freedom::kWindowAheadDropped)) return;
  const RcvSeq least = newer && ahead && wnd == tcb.snd_wnd ? tcb.snd_wl1_least : seq;
  const bool newer_than_least = tcb.snd_wl1_least <= seq && seq < tcb.snd_wl1 && wnd != tcb.snd_wnd;
  if (newer || (newer_than_least && on.may(Freedom::kWindowBeforeAhead))) {
    tcb.window_at = on.env.now;
    if (!tcb.waits_for_larger_window()) tcb.small_from = on.env.now;
    if (wnd != tcb.snd_wnd) {
      tcb.congestion.window_moved = true;
      if (tcb.snd_edge() < tcb.snd_nxt) tcb.congestion.refused_to = tcb.snd_nxt;
      if (tcb.snd_wnd == 0) {  // what met a closed window may go again
        tcb.congestion.left = std::max(tcb.congestion.left, tcb.snd_nxt - tcb.snd_una);
      }
      on.cite_later(Rule::SA4_5_window);
      if (wnd < tcb.snd_wnd && tcb.snd_una + wnd < tcb.snd_nxt) on.cite_later(Rule::MUST_34);
      tcb.timed = false;
    }
    if (wnd == 0 && tcb.snd_wnd != 0) tcb.zero_at = on.env.now;
    tcb.scale.former = tcb.snd_edge();
    tcb.scale.stale = seg.ack + wnd;
    take_window(on, seg);
    tcb.snd_wl1 = seq;
    tcb.snd_wl1_least = least;
  } else if (wnd != tcb.snd_wnd) {
    on.cite_later(Rule::SA4_5_window_old);
    tcb.scale.stale = seg.ack + wnd;
  }
}

// RFC 5681 section 2 says what counts as a duplicate ACK.
bool is_duplicate_ack(const Tcb& tcb, const Arriving& seg) {
  return tcb.snd_una < tcb.snd_nxt && seg.text.empty() && !seg.ctl.syn && !seg.ctl.fin && seg.ack == tcb.snd_una &&
         window_of(tcb, seg) == tcb.snd_wnd && tcb.snd_wnd != 0;
}

// ESTABLISHED STATE of the fifth step, which the other states share.
Then established_ack(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  const SndSeq una = tcb.snd_una;
  const std::uint32_t wnd = tcb.snd_wnd;
  const bool advances = acks_new(tcb, seg.ack);
  if (advances) {
    on.cite(Rule::SA4_5_new);
    ecn::ack_arrives(on, seg, true);
    advance_snd_una(on, seg.ack);
    tcb.was_open = true;
  } else if (seg.ack <= tcb.snd_una) {
    on.cite(Rule::SA4_5_duplicate);  // it can be ignored
    congestion_not_acked(on, is_duplicate_ack(tcb, seg));
    ecn::ack_arrives(on, seg, false);
  } else {  // SEG.ACK > SND.NXT
    if (synchronized(tcb.state)) {
      on.cite(Rule::S3_5_2_unacceptable);
      on.survives(Rule::S3_5_2_unacceptable);
    }
    on.cite(Rule::SA4_5_unsent);
    on.acknowledge_now(Rule::SA4_5_unsent);
    return Then::kReturn;
  }
  if (shows_nothing_lost(on, seg, una)) {
    congestion_undone(on, tcb.snd_una - una);
    ecn::nothing_was_lost(on);
  }
  if (seg.opt.blocks > 0) congestion_informed(on, seg);
  // RFC 793 takes the window only with an ACK of something new; RFC 1122 mends that.
  const bool literally_old = !on.since(Edition::k1122) && !advances && window_of(tcb, seg) != tcb.snd_wnd;
  if (tcb.snd_una == seg.ack && !(literally_old && on.may(Freedom::kOldAckKeepsWindow))) update_send_window(on, seg);
  if (seg.ack < tcb.snd_una && window_of(tcb, seg) != tcb.snd_wnd) {
    on.cite(Rule::S3_8_6_highest_ack);
    tcb.scale.stale = seg.ack + window_of(tcb, seg);
  }
  report_arrives(on, seg, una, wnd);
  if (loss_is_told(tcb)) {
    tcb.congestion.loss_told = true;
    ecn::loss_is_shown(on);
  }
  if (wnd == 0 && tcb.snd_wnd == 0 && tcb.snd_una < tcb.snd_limit() && tcb.rexmits > 0) {
    tcb.sent_at = on.env.now;
    on.cite_later(Rule::MUST_37);  // the peer answers window probes: the connection stays open
    if (tcb.snd_edge() + 1 < tcb.snd_nxt) on.cite_later(Rule::SHLD_17);
  }
  return Then::kProceed;
}

// RFC 5961 section 5: is SEG.ACK so old that it is refused? Between MAX.SND.WND and the largest permissible window, and
// for what lies before ISS, stacks may differ.
bool refused_as_old(Step& on, const Arriving& seg) {
  const Tcb& tcb = on.tcb;
  if (!on.since(Edition::k9293)) return false;  // an old ACK is a duplicate, however old
  const SndSeq low = tcb.snd_una - tcb.max_snd_wnd;
  if (low <= seg.ack && tcb.iss < seg.ack) {
    if (seg.ack < tcb.snd_una - tcb.snd_wnd) {
      on.cite(Rule::R5961_5_2_maxwnd);
      on.taken_by = Rule::R5961_5_2_maxwnd;
    } else if (seg.ack == low && seg.ack < tcb.snd_una) {
      on.cite(Rule::R5961_5_2_range);
      on.taken_by = Rule::R5961_5_2_range;
    }
    return false;
  }
  if (tcb.snd_nxt < seg.ack && !(seg.ack < tcb.snd_una)) return false;
  constexpr std::uint32_t kLargestWindow = 1u << 30;
  if (tcb.snd_una - kLargestWindow <= seg.ack) return on.may(Freedom::kOldAckRefused);
  const bool refused = on.trait(Trait::kChecksAckRange);
  on.cite(Rule::MAY_12, refused);
  return refused;
}

// SYN-RECEIVED STATE, SND.UNA < SEG.ACK =< SND.NXT: enter ESTABLISHED state.
Then complete_handshake(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  if (tcb.passive && on.env.backlog_full && on.may(Freedom::kBacklogDropsAck))
    return Then::kReturn;  // no room: ignored
  advance_snd_una(on, seg.ack);
  tcb.scale.former = tcb.snd_edge();  // of the window of the SYN
  take_window(on, seg);
  tcb.window_at = tcb.small_from = on.env.now;
  on.enter(State::kEstablished, Rule::SA4_5_synrcvd_ok);
  if (tcb.rcv_nxt_max < tcb.syn_text_end && tcb.user_gone && on.may(Freedom::kTextThatWaitedResets))
    return reset_as_user_is_gone(on, seg);
  if (tcb.rcv_nxt_max < tcb.syn_text_end) {  // what came with the SYN may be taken now
    tcb.rcv_nxt_max = tcb.syn_text_end;
    on.allow_ack();
  }
  on.cite(Rule::SA4_5_synrcvd_ok);
  tcb.was_open = on.established_here = true;
  if (!tcb.passive) on.cite_later(Rule::MUST_10);
  if (tcb.fin_queued) {  // CLOSE had been queued for this
    on.enter(State::kFinWait1, Rule::S3_10_4_syn_received);
    tcb.send_pending = tcb.snd_una == tcb.snd_nxt;  // behind text of the SYN that is not acknowledged it may wait
    tcb.send_due = on.env.now + kSendDelayMax;
  }
  return Then::kProceed;
}

// SYN-RECEIVED STATE
Then syn_received_ack(Step& on, const Arriving& seg) {
  if (acks_new(on.tcb, seg.ack)) return complete_handshake(on, seg);
  on.cite(Rule::SA4_5_synrcvd_bad);
  if (on.may(Freedom::kRangeBeforeReset)) {  // the range check of RFC 5961 comes first
    on.acknowledge_now(Rule::SA4_5_synrcvd_bad);
    return Then::kReturn;
  }
  on.cite(Rule::S3_5_2_rst_ack);
  on.cite_later(Rule::S3_5_2_same_state);
  on.reply(reset_reply(seg, Rule::SA4_5_synrcvd_bad, true));
  return Then::kReturn;
}

// Is SEG.ACK outside the range that is looked at? Then the segment is answered and dropped.
Then check_ack_range(Step& on, const Arriving& seg) {
  const Tcb& tcb = on.tcb;
  if (refused_as_old(on, seg)) {
    on.cite(Rule::SA4_5_range);
    on.cite(Rule::R5961_5_2_range);
    on.cite(Rule::R5961_5_2_ack);
    challenge(on, Rule::R5961_5_2_ack);
    return Then::kReturn;
  }
  // Half the number space away, an ACK is as old as it is unsent.
  if (seg.ack < tcb.snd_una && tcb.snd_nxt < seg.ack && !on.may(Freedom::kHalfSpaceOld)) {
    on.cite(Rule::SA4_5_unsent);
    on.acknowledge_now(Rule::SA4_5_unsent);
    return Then::kReturn;
  }
  return Then::kProceed;
}

// FIN-WAIT-1 to TIME-WAIT: "in addition to the processing for the ESTABLISHED state".
Then closing_states_ack(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  switch (tcb.state) {
    case State::kFinWait1:
      if (!tcb.fin_acked()) break;
      tcb.quiet_since = on.env.now;
      on.enter(State::kFinWait2, Rule::SA4_5_fin_wait_1);
      break;
    case State::kFinWait2:
      on.cite(Rule::SA4_5_fin_wait_2);
      break;
    case State::kCloseWait:
      on.cite(Rule::SA4_5_close_wait);
      break;
    case State::kClosing:
      if (!tcb.fin_acked()) {
        on.cite(Rule::SA4_5_closing);
        return Then::kReturn;
      }
      start_time_wait(on);
      on.enter(State::kTimeWait, Rule::SA4_5_closing);
      break;
    case State::kLastAck:
      if (!tcb.fin_acked()) {
        if (seg.len() == 0) on.survives(Rule::SA4_5_last_ack);
        break;
      }
      on.delete_tcb(Rule::SA4_5_last_ack);
      return Then::kReturn;
    case State::kTimeWait:  // taken for a retransmission of the FIN, which restarts the timer
      on.cite(Rule::SA4_5_time_wait);
      tcb.time_wait.to = later_end(on);
      on.allow_ack();
      break;
    default:
      break;
  }
  return Then::kProceed;
}

}  // namespace

// Fifth, check the ACK field:
Then check_ack_field(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  if (!seg.ctl.ack) {
    on.cite(Rule::SA4_5_off);
    on.cite_later(Rule::SA4_5_off);
    return Then::kReturn;
  }
  if (tcb.state == State::kSynReceived) return syn_received_ack(on, seg);
  if (check_ack_range(on, seg) == Then::kReturn) return Then::kReturn;
  const bool had_fin_acked = tcb.fin_acked();
  if (established_ack(on, seg) == Then::kReturn) return Then::kReturn;
  on.fin_acked_here = !had_fin_acked && tcb.fin_acked();
  return closing_states_ack(on, seg);
}

}  // namespace tcpassay
