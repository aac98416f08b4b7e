// SPDX-License-Identifier: Apache-2.0
// 3.10.7.4, First: check sequence number. What is not acceptable is answered and dropped.
#include "models/explicit_congestion.h"
#include "models/segment_arrives_steps.h"
#include "models/urgent.h"
#include "models/window_scale.h"

namespace tcpassay {
namespace {

bool wraps(const Tcb& tcb, const Arriving& seg) {
  if (seg.seq.value + seg.len() < seg.seq.value) return true;
  if (tcb.rcv_nxt.value > seg.seq.value && tcb.rcv_nxt <= seg.seq) return true;
  return !seg.text.empty() && tcb.held.gap() && tcb.held.top.value < tcb.rcv_nxt.value;  // text held behind a gap
}

// Of the rules that ask for an acknowledgment of this segment the one that says the most.
Rule why_acknowledged(const Tcb& tcb, const Arriving& seg) {
  if (tcb.state == State::kTimeWait) return seg.ctl.fin ? Rule::SA4_5_time_wait : Rule::SA4_1_ack;
  if (tcb.state == State::kSynReceived) return Rule::SA4_1_syn_received;
  if (seg.ctl.syn) return Rule::S3_5_1_halfopen_syn;
  const bool probe = seg.len() != 0 && tcb.rcv_edge == tcb.rcv_nxt && seg.seq == tcb.rcv_nxt;
  return probe ? Rule::S3_8_6_1_ack : Rule::SA4_1_ack;
}

// An unacceptable RST is dropped in silence. Some stacks take one at RCV.NXT-1 once the peer's FIN has arrived: the
// peer sent it before that FIN.
void unacceptable_rst(Step& on, const Arriving& rst) {
  Candidate& tcb = on.tcb;
  const bool behind_fin = tcb.rcv_fin && rst.seq == tcb.rcv_nxt - 1;
  if (behind_fin && on.may(Freedom::kRstBehindFin)) {
    tcb.signal = tcb.state == State::kCloseWait ? Signal::kReset : tcb.signal;
    on.delete_tcb(Rule::SA4_2_closing);
    return;
  }
  // Of a segment that extends beyond the window the target may have taken all: RCV.NXT is behind it then.
  const bool cut = tcb.cut.may_be(rst.seq) && takes_beyond_edge(tcb) == Rule::SA4_1_trim_right;
  const bool reached = tcb.cut.least <= tcb.rcv_nxt_max + 1;  // else a gap lies before it
  const bool behind_text = cut && reached && rst.seq == tcb.cut.most;
  if (behind_text && !on.should(Rule::SA4_1_trim_right)) {
    tcb.signal = Signal::kReset;
    on.delete_tcb(Rule::SA4_2_exact);
    return;
  }
  // 3.5.2 (3) acknowledges whatever is not acceptable; 3.10.7.4 and RFC 5961 drop this. The texts leave it undecided.
  if (tcb.rcv_nxt_max < rst.seq) on.allow_ack();
  on.cite(Rule::S3_5_2_rst_on_rst);
  on.cite(Rule::S3_5_3_window);
  on.cite(Rule::R5961_3_2_outside);
  on.cite(Rule::SA4_2_outside);
  on.cite(Rule::SA4_1_rst);
  on.survives(Rule::SA4_1_rst);
}

// The rules that speak of this segment, by its state and control bits.
void cite_unacceptable(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  if (synchronized(tcb.state)) {
    on.cite(Rule::S3_5_2_unclear);
    on.cite(Rule::S3_5_2_unacceptable);
    on.survives(Rule::S3_5_2_unacceptable);
  }
  if (tcb.state == State::kSynReceived) on.cite(Rule::SA4_1_syn_received);
  if (seg.ctl.syn && synchronized(tcb.state)) {
    on.cite(Rule::S3_5_1_halfopen_syn);
    if (tcb.traits[static_cast<std::size_t>(Trait::kChallengesSyn)] > 0) on.cite(Rule::SA4_4_challenge);
  }
  if (tcb.state == State::kTimeWait && seg.ctl.fin) {
    on.cite(Rule::SA4_8_time_wait);
    on.cite(Rule::SA4_5_time_wait);
    if (on.env.since + on.env.msl > tcb.time_wait.from) on.cite(Rule::MUST_13);
    // Whether the timer starts again is left open: step 1 drops the FIN before the steps that restart it.
    tcb.time_wait.to = later_end(on);
  } else if (seg.ctl.fin && tcb.rcv_fin) {
    on.cite(Rule::SA4_8_stay);
  }
  on.cite_later(Rule::SA4_1_drop);
}

// The ACK field of an unacceptable segment may be used all the same: at a zero window that is the "special allowance",
// just below the window it is Appendix A.2.
Then allowance_for_ack(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  const bool crossing = tcb.state == State::kSynReceived && seg.ctl.syn && seg.ctl.ack && seg.seq == tcb.irs &&
                        acks_new(tcb, seg.ack);  // simultaneous open, figure 7
  const bool plain_ack = seg.ctl.ack && !seg.ctl.syn;
  const bool new_window = seg.ack == tcb.snd_una && window_of(tcb, seg) != tcb.snd_wnd;
  const bool reports = seg.opt.blocks > 0 && tcb.sack() && tcb.snd_una < tcb.snd_nxt;
  const bool useful = plain_ack && (acks_new(tcb, seg.ack) || new_window || reports);
  const bool zero_window = tcb.rcv_edge == tcb.rcv_nxt && seg.seq == tcb.rcv_nxt;
  const bool near_below = seg.seq < tcb.rcv_nxt && tcb.rcv_nxt <= seg.seq + seg.len() + 1;
  if (useful && zero_window) {
    if (!on.should(Rule::SA4_1_zero_window)) return Then::kReturn;
    on.cite_later(Rule::SA4_1_zero_window);
    return Then::kAckField;
  }
  if (!crossing && !(useful && near_below)) return Then::kReturn;
  if (!on.may(Rule::SA_A2)) return Then::kReturn;
  if (crossing) on.acknowledge_later(Rule::MUST_10);
  if (on.may(Freedom::kWidenedTestOwesNothing))
    tcb.ack_now = false;  // a test that is widened so far as to accept it owes no answer
  return crossing ? Then::kAckFieldAndFin : Then::kAckField;
}

// MUST-66: URG is processed while the window is closed, though the text is not acceptable.
void urgent_at_closed_window(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  const bool receives =
      tcb.state == State::kEstablished || tcb.state == State::kFinWait1 || tcb.state == State::kFinWait2;
  const bool next = tcb.rcv_nxt == tcb.rcv_nxt_max && seg.seq == tcb.rcv_nxt;
  const bool closed = tcb.edge_known && tcb.rcv_edge == tcb.rcv_nxt;
  const bool good_ack = seg.ctl.ack && (seg.ack == tcb.snd_una || acks_new(tcb, seg.ack));
  if (!seg.ctl.urg || seg.ctl.syn || !receives || !next || !closed || !good_ack) return;
  urgent_arrives(on, seg);
  on.urgent_processed = true;
}

// "If an incoming segment is not acceptable, an acknowledgment should be sent in reply (unless the RST bit is set)".
Then unacceptable(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  if (seg.ctl.rst) {
    unacceptable_rst(on, seg);
    return Then::kReturn;
  }
  cite_unacceptable(on, seg);
  const bool bad_ack = seg.ctl.ack && !acks_new(tcb, seg.ack);
  if (tcb.state == State::kSynReceived && bad_ack && !on.may(Freedom::kAckBeforeReset)) {
    // 3.5.2, group 2: an unacceptable ACK in a state that is not synchronized draws a RST, whatever its SEQ.
    on.cite_later(Rule::S3_5_2_same_state);
    on.cite(Rule::S3_5_2_rst_ack);
    on.reply(reset_reply(seg, Rule::SA4_5_synrcvd_bad, true));
    return Then::kReturn;
  }
  if (seg.ctl.syn && synchronized(tcb.state)) {  // RFC 5961 section 4.2: a challenge, whatever its sequence number
    if (challenged_recently(on) && on.may(Rule::R5961_7_throttle)) return Then::kReturn;
    tcb.challenge.at = on.env.now;
  }
  urgent_at_closed_window(on, seg);
  on.cite(Rule::SA4_1_ack);
  // Step 1 says "should"; of a probe and of the FIN in TIME-WAIT the text elsewhere says more.
  const Rule why = why_acknowledged(tcb, seg);
  on.acknowledge_now(why, why == Rule::S3_8_6_1_ack || why == Rule::SA4_5_time_wait);
  ecn::unacceptable_arrives(on, seg);
  return allowance_for_ack(on, seg);
}

}  // namespace

// The test of table 6, where RCV.NXT and the right edge may lie between bounds. By distances from RCV.NXT, so that a
// number half the space away is not inside.
Acceptable acceptable(const Tcb& tcb, const Arriving& seg, bool offers_seen) {
  const Between<RcvSeq> nxt = tcb.rcv_next();
  Between<RcvSeq> edge = tcb.right_edge();
  if (!offers_seen) edge.most = later(edge.most, nxt.most + (kWindowMax << (tcb.scaled() ? tcb.scale.rcv_shift : 0)));
  const auto surely_in = [&](RcvSeq s) {
    return nxt.most - nxt.least <= s - nxt.least && s - nxt.least < edge.least - nxt.least;
  };
  const auto maybe_in = [&](RcvSeq s) {
    return s - nxt.least <= nxt.most - nxt.least || s - nxt.least < edge.most - nxt.least;
  };
  if (seg.len() == 0 || seg.ctl.rst) {  // a RST is judged by its SEQ alone; at a closed window too (MUST-66)
    if ((seg.seq == nxt.least && nxt.known()) || surely_in(seg.seq)) return Acceptable::kYes;
    return maybe_in(seg.seq) ? Acceptable::kEither : Acceptable::kNo;
  }
  const RcvSeq last = seg.seq + seg.len() - 1;
  if (surely_in(seg.seq) || surely_in(last)) return Acceptable::kYes;
  if (maybe_in(seg.seq) || maybe_in(last)) return Acceptable::kEither;
  // It begins before the window and ends behind it: not acceptable by the letter.
  return nxt.least - seg.seq < seg.len() ? Acceptable::kEither : Acceptable::kNo;
}

// First, check sequence number:
Then check_sequence_number(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  if (wraps(tcb, seg)) on.cite(Rule::S3_4_modulo);
  switch (acceptable(tcb, seg, on.env.user_known)) {
    case Acceptable::kYes:
      on.cite(seg.len() != 0                ? Rule::S3_4_text_wnd
              : tcb.rcv_edge == tcb.rcv_nxt ? Rule::S3_4_len0_wnd0
                                            : Rule::S3_4_len0_wnd);
      return Then::kProceed;
    case Acceptable::kEither: {
      const bool probe = seg.len() != 0 && tcb.rcv_edge == tcb.rcv_nxt && seg.seq == tcb.rcv_nxt;
      if (probe) on.cite(Rule::S3_8_6_1_ack);
      if (probe) cut_at_closed_window(on, seg);
      if (!on.may(Freedom::kNotAcceptable)) {
        if (probe && seg.ctl.ack && tcb.snd_una < seg.ack) on.cite_later(Rule::SA4_1_zero_window);
        return Then::kProceed;
      }
      break;
    }
    case Acceptable::kNo:
      on.cite(seg.len() != 0 ? Rule::S3_4_text_wnd : Rule::S3_4_len0_wnd);
      break;
  }
  if (seg.len() != 0 && tcb.rcv_edge == tcb.rcv_nxt) on.cite(Rule::S3_4_text_wnd0);
  return unacceptable(on, seg);
}

}  // namespace tcpassay
