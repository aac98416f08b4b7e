// SPDX-License-Identifier: Apache-2.0
#include "models/segment_arrives_steps.h"

#include "models/congestion/congestion.h"
#include "models/selective_acknowledgment.h"
#include "models/timestamps.h"
#include "models/window_scale.h"

namespace tcpassay {

// 3.5.2: a RST whose numbers are acceptable to the sender of the offending segment.
Reply reset_reply(const Arriving& seg, Rule rule, bool must) {
  if (seg.ctl.ack) {
    return {.form = Reply::Form::kRst,
            .must = must,
            .seq = seg.ack,
            .other = seg.ack,
            .ack = seg.seq + seg.len(),
            .rule = rule};
  }
  return {.form = Reply::Form::kRstAck, .must = must, .ack = seg.seq + seg.len(), .rule = rule};
}

// The same for a connection that has sequence numbers of its own: either SEQ is right.
Reply reset_reply(const Tcb& tcb, const Arriving& seg, Rule rule) {
  return {.form = Reply::Form::kRst,
          .must = true,
          .seq = seg.ctl.ack ? seg.ack : tcb.snd_nxt,
          .other = tcb.snd_nxt,
          .ack = seg.seq + seg.len(),
          .rule = rule};
}

// SND.WND <- SEG.WND, SND.WL1 <- SEG.SEQ, SND.WL2 <- SEG.ACK
void take_window(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  window_arrives(on, seg);
  tcb.snd_wnd = window_of(tcb, seg);
  tcb.snd_far = later(tcb.snd_far, tcb.snd_edge());
  tcb.snd_wl1 = tcb.snd_wl1_least = seg.seq;
  tcb.snd_wl2 = seg.ack;
  if (tcb.snd_wnd > tcb.max_snd_wnd) tcb.max_snd_wnd = tcb.snd_wnd;
}

// SND.UNA < SEG.ACK =< SND.NXT, by distances, so that a number half the space away is not taken for new.
bool acks_new(const Tcb& tcb, SndSeq ack) {
  return ack != tcb.snd_una && ack - tcb.snd_una <= tcb.snd_nxt - tcb.snd_una;
}

namespace {

// A segment that earlier ACKs have covered in part is timed from when it left until all of it is acknowledged.
Time cut_segment_left(const Step& on) {
  if (on.env.sent == nullptr || on.tcb.snd_una == on.tcb.iss) return on.tcb.sent_at;
  return on.env.sent->left_last(on.tcb.snd_una, on.tcb.snd_una + 1).value_or(on.tcb.sent_at);
}

}  // namespace

// SND.UNA <- SEG.ACK, and what is thereby acknowledged leaves the retransmission queue.
void advance_snd_una(Step& on, SndSeq ack) {
  Candidate& tcb = on.tcb;
  const bool handshake = tcb.snd_una == tcb.iss;
  timer_acked(on, ack);
  congestion_acked(on, ack);
  // A timestamp measures what was sent again, too (RFC 7323 section 4.1).
  const bool measures = tcb.rexmits == 0 || tcb.timestamped();
  // New text behind what left again measures that much, now or, when it is still on its way, later.
  const Time since = measures ? std::min(tcb.sent_at, cut_segment_left(on)) : tcb.front_from;
  if (measures || tcb.timer.fresh) tcb.rtt_max = std::max(tcb.rtt_max, std::min(on.env.now - since, kRoundTripMax));
  tcb.snd_una = ack;
  // Karn's algorithm: what was retransmitted measures nothing, so the timeout stays as long as it has become. One
  // segment may be timed at a time, so an ACK of part of it measures nothing either.
  const bool measured = tcb.rexmits == 0 && (handshake || (tcb.timer.fresh && tcb.timer.fresh_end <= ack));
  const int doublings = std::min(255, tcb.backed_off + tcb.rexmits);
  tcb.backed_off = measured ? std::uint8_t{0} : static_cast<std::uint8_t>(doublings);
  tcb.rexmits = 0;
  tcb.timed = false;
  if (ack == tcb.snd_nxt) tcb.timer.fresh = false;  // what may measure is still to leave
  tcb.sent_at = tcb.given_at = on.env.now;
}

Then reset_as_user_is_gone(Step& on, const Arriving& seg, bool text_first) {
  Reply reply = reset_reply(on.tcb, seg, Rule::SHLD_3);
  reply.lets_go = seg.ctl.ack && on.tcb.snd_una < on.tcb.snd_limit() && on.may(Freedom::kAckLetsGoBeforeReset);
  reply.ends = reply.lets_go || text_first;
  if (!reply.ends) on.delete_tcb(Rule::SHLD_3);
  on.reply(reply);
  return text_first ? Then::kProceed : Then::kReturn;
}

namespace {

void take_mss(const Environment& env, Tcb& tcb, const Arriving& syn) {
  tcb.snd_mss = syn.opt.mss.value_or(env.default_mss);
  tcb.mss_given = syn.opt.mss.has_value();
  if (tcb.snd_mss == 0) tcb.snd_mss = 0xffff;  // cannot be obeyed
  const int others = (syn.opt.window_scale ? 3 : 0) + (syn.opt.timestamps ? 10 : 0) + (syn.opt.sack_permitted ? 2 : 0);
  tcb.mss_among_options = tcb.mss_given && !syn.opt.unknown && syn.opt.octets > 4 + others;
  tcb.mss_unaligned = tcb.mss_given && !syn.opt.unknown && others == 0 && syn.opt.unaligned;
}

}  // namespace

void take_options(Step& on, const Arriving& syn) {
  take_mss(on.env, on.tcb, syn);
  scale_of_syn(on.tcb, syn);
  take_sack_permitted(on.tcb, syn);
  timestamps_of_syn(on.tcb, syn, on.env.now);
}

void queue_from_syn(Step& on, const Arriving& syn) {
  Candidate& tcb = on.tcb;
  const RcvSeq end = tcb.rcv_nxt + static_cast<std::uint32_t>(syn.text.size());
  tcb.rcv_nxt_max = tcb.syn_text_end = end;
  if (syn.ctl.fin && !on.may(Freedom::kFinOfSynLost)) {
    tcb.held_fin = true;
    tcb.fin_seq = end;
  }
}

}  // namespace tcpassay
