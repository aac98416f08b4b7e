// SPDX-License-Identifier: Apache-2.0
// SEGMENT ARRIVES, Other States, fifth step: the ACK field (RFC 9293 section 3.10.7.4).
#include <algorithm>
#include <optional>

#include "harness/targets/own/stack.h"

namespace own {

namespace {

// RFC 5961 section 5.2: so far below SND.UNA an ACK is acceptable.
std::uint32_t ack_range(const Connection& c, const Planted& planted) {
  constexpr std::uint32_t kAny = 0x7fffffff;
  if (c.state != State::kEstablished && planted.has(Defect::ack_range_in_established_only)) return kAny;
  return planted.has(Defect::ack_range_of_latest_window) ? c.snd_wnd : c.max_snd_wnd;
}

bool answers_count(const Connection& c, const Planted& planted) {
  return c.state != State::kCloseWait || !planted.has(Defect::zero_window_gives_up_in_close_wait);
}

}  // namespace

Stack::Then Stack::check_ack_field(Connection& c, Segment& seg) {
  if (!seg.ctl.ack) {
    if (!planted.has(Defect::no_ack_bit_accepted)) return Then::kReturn;
    seg.ack = c.state == State::kSynReceived ? c.snd_nxt : c.snd_una;
  }
  if (c.state == State::kSynReceived) return ack_in_syn_received(c, seg);

  // RFC 5961 section 5.2: (SND.UNA - MAX.SND.WND) =< SEG.ACK =< SND.NXT
  if (gt(seg.ack, c.snd_nxt) && planted.has(Defect::ack_beyond_snd_nxt)) seg.ack = c.snd_nxt;
  if (gt(seg.ack, c.snd_nxt) && planted.has(Defect::optimistic_ack)) c.cc.cwnd += c.cc.smss;
  if (gt(seg.ack, c.snd_nxt) && planted.has(Defect::ack_beyond_dropped)) return Then::kReturn;
  const std::uint32_t range = ack_range(c, planted);
  const bool too_old = lt(seg.ack, c.snd_una - range) && !variants.has(LegalVariant::ack_range_unchecked);
  const bool resets = too_old && planted.has(Defect::old_ack_resets);
  if (resets || (gt(seg.ack, c.snd_nxt) && planted.has(Defect::unsent_ack_resets))) {
    send_reset_for(seg);
    return Then::kReturn;
  }
  if (c.state == State::kCloseWait && planted.has(Defect::close_wait_ignores_acks)) return Then::kProceed;
  if (c.state == State::kFinWait2 && planted.has(Defect::fin_wait_2_deleted)) {
    delete_tcb(c, Ended::kNormally);
    return Then::kReturn;
  }
  if (too_old || gt(seg.ack, c.snd_nxt)) {
    challenge(c, seg);
    return Then::kReturn;
  }
  if (seg.mss && planted.has(Defect::mss_from_any_segment)) {
    c.eff_snd_mss = std::min(*seg.mss, interface_mss(c.remote_address));
  }

  const bool reports = seg.blocks > 0 && update_scoreboard(c, seg);
  const bool any = planted.has(Defect::duplicates_without_sack);
  const bool duplicate = c.selective.permitted && !any ? reports : is_duplicate_ack(c, seg);
  if (seg.blocks > 0 && le(seg.block[0].right, seg.ack) && planted.has(Defect::dsack_resets)) {
    abort(c);
    return Then::kReturn;
  }
  if (seg.blocks > 0 && le(seg.block[0].right, seg.ack)) c.board.doubled = true;
  const bool plainly = planted.has(Defect::una_compared_plainly);
  const bool half_around = seg.ack - c.snd_una == 0x80000000u;  // neither old nor new; taken as old
  if (lt(c.snd_una, seg.ack) && !half_around && (!plainly || c.snd_una < seg.ack)) {
    ecn_echo_arrives(c, seg);
    acknowledge(c, seg.ack);
    if (c.ecn.waits) start_retransmission_timer(c);
  } else {
    nothing_new(c, seg);
  }
  if (seg.ack == c.snd_una || planted.has(Defect::old_window_update)) update_window(c, seg);
  if (c.state == State::kClosed) return Then::kReturn;
  if (duplicate && c.selective.permitted) {
    c.board.reported = true;
  } else if (duplicate) {
    duplicate_ack(c);
  }
  if (c.snd_wnd == 0 && planted.has(Defect::answered_probe_restarts)) c.probed = false;
  if (c.snd_wnd == 0 && answers_count(c, planted)) c.r2_since = now_;  // MUST-37: the peer still answers

  return after_ack(c);
}

// What an ACK of nothing new does with a defect.
void Stack::nothing_new(Connection& c, const Segment& seg) {
  if (c.in_flight() && c.snd_wnd > 0 && planted.has(Defect::any_ack_restarts_timer)) start_retransmission_timer(c);
  if (!seg.text.empty() && planted.has(Defect::text_resets_duplicates)) c.cc.duplicates = 0;
}

// What the acknowledgment of our FIN does in each state.
Stack::Then Stack::after_ack(Connection& c) {
  if (c.state == State::kFinWait1 && c.fin_acked && !planted.has(Defect::fin_wait_1_stays)) {
    c.state = State::kFinWait2;
    const Time timeout = c.choices.user_timeout;
    if (timeout > 0 && planted.has(Defect::user_timeout_in_fin_wait_2)) c.timers.user = now_ + timeout;
    if (planted.has(Defect::rest_behind_fin_ack_lost)) return Then::kReturn;
  }
  if (c.state == State::kLastAck && planted.has(Defect::last_ack_stays)) return Then::kProceed;
  if (c.state == State::kClosing) {
    if (c.fin_acked) {
      enter_time_wait(c);
    } else {  // "otherwise, ignore the segment", but send text that its window allows, and what it shows to be lost
      respond(c);
      return Then::kReturn;
    }
  }
  const bool any = c.state == State::kLastAck && planted.has(Defect::last_ack_ended_by_any_ack);
  if (any || (c.state == State::kLastAck && c.fin_acked)) delete_tcb(c, Ended::kNormally);
  return c.state == State::kClosed ? Then::kReturn : Then::kProceed;
}

Stack::Then Stack::ack_in_syn_received(Connection& c, Segment& seg) {
  SeqNum ack = seg.ack;
  bool acceptable = lt(c.snd_una, ack) && le(ack, c.snd_nxt);  // SND.UNA < SEG.ACK =< SND.NXT
  if (!acceptable && planted.has(Defect::synrcvd_accepts_bad_ack)) {
    acceptable = true;
    ack = c.snd_nxt;
  }
  if (!acceptable) {
    c.selective.duplicate.reset();                                           // of what is dropped nothing came twice
    if (!planted.has(Defect::synrcvd_ignores_bad_ack)) send_reset_for(seg);  // <SEQ=SEG.ACK><CTL=RST>
    if (planted.has(Defect::bad_ack_stops_syn_ack)) c.timers.retransmission = kNever;
    if (planted.has(Defect::bad_ack_ends_syn_received)) delete_tcb(c, Ended::kReset);
    return Then::kReturn;
  }
  if (planted.has(Defect::third_segment_ignored)) return Then::kReturn;
  if (planted.has(Defect::fin_in_syn_received_lost)) seg.ctl.fin = false;
  acknowledge(c, ack);
  take_window(c, seg);
  established(c);
  return Then::kProceed;
}

void Stack::established(Connection& c) {
  if (c.parent != nullptr && !c.fast_open.opened) {
    --c.parent->embryonic;
    c.parent->accept_queue.push_back(&c);
    c.held = true;
  }
  c.was_established = true;
  c.reopened.reset();
  // A CLOSE queued in SYN-RECEIVED is processed now (section 3.10.4).
  c.state = c.fin_queued ? State::kFinWait1 : State::kEstablished;
  c.heard = now_;
  start_keep_alive_timer(c);
}

// SND.UNA <- SEG.ACK: removes acknowledged octets from the retransmission queue.
void Stack::acknowledge(Connection& c, SeqNum ack) {
  std::uint32_t octets = ack - c.snd_una;
  const bool opens = !c.syn_acked;
  if (opens) {
    c.syn_acked = true;
    --octets;
    if (c.syn_retransmitted && !planted.has(Defect::syn_loss_forgotten)) c.rto.syn_was_lost();  // RFC 6298 (5.7)
    if (c.syn_retransmitted && planted.has(Defect::syn_loss_forgotten)) c.rto = Rto{};
  }
  if (c.fin_sent && ack == c.snd_nxt) {
    c.fin_acked = true;
    --octets;
  }
  if (octets > 0) c.send_queue.copy(octets - 1, {&c.last_octet, 1});
  c.send_queue.drop(octets);
  c.snd_una = ack;
  c.probed = false;
  // One measurement a flight, so that SRTT and RTTVAR remember as much as in RFC 6298 (RFC 7323 section 4.2).
  const std::optional<Time> echoed = echoed_round_trip(c);
  const bool measures = c.timing ? le(c.timed_end, ack) : echoed.has_value();
  if (measures) {
    const bool first = !c.rto.measured();
    if (first || !planted.has(Defect::one_sample_only)) {
      const Time part = c.stamps.ok && planted.has(Defect::stamps_measured_by_half) ? 2 : 1;
      c.rto.sample(echoed.value_or(now_ - c.timed_at) / part,
                   {.srtt_first = planted.has(Defect::srtt_before_rttvar),
                    .slow = planted.has(Defect::variance_slow),
                    .small = planted.has(Defect::first_variance_small),
                    .fast_mean = planted.has(Defect::mean_fast),
                    .no_small_variance = planted.has(Defect::variance_lost_when_small)});
    }
    if (planted.has(Defect::variance_frozen) && !first) c.rto.start_from(std::max(Rto::kMin, 8 * c.rto.mean()));
    c.timing = false;
  }
  if (!opens && planted.has(Defect::backoff_forgotten)) c.rto.start_from(Rto::kMin);
  if (!c.in_flight() || !planted.has(Defect::r2_since_flight_began)) c.r2_since = now_;
  c.last_sent = c.undelivered_since = now_;
  if (opens) {
    if (!planted.has(Defect::duplicates_survive_new_acks)) c.cc.duplicates = 0;
    start_congestion_control(c);
  } else {
    new_ack(c, octets);
  }
  if (c.in_flight()) {
    const bool runs_on = (c.fin_sent && planted.has(Defect::timer_runs_on_before_fin)) ||
                         (c.state == State::kCloseWait && planted.has(Defect::timer_runs_on_in_close_wait));
    if (opens || !(runs_on || planted.has(Defect::timer_runs_on))) start_retransmission_timer(c);  // RFC 6298 (5.3)
  } else if (opens || !planted.has(Defect::timer_not_stopped)) {
    const bool runs_on = c.fin_acked && planted.has(Defect::fin_acked_sent_again);
    if (!runs_on) c.timers.retransmission = kNever;  // (5.2)
    start_keep_alive_timer(c);
  }
  if (c.urgent_out && ge(c.snd_una, c.snd_up)) c.urgent_out = planted.has(Defect::urgent_flag_stays);
  arm_user_timer(c);
}

// "The check here prevents using old segments to update the window."
void Stack::update_window(Connection& c, const Segment& seg) {
  const bool receded = c.scaling.ok && lt(seg.ack + seg.wnd, c.snd_una + c.snd_wnd);
  if (receded && planted.has(Defect::ws_shrink_resets)) {
    send_reset(c);
    return delete_tcb(c, Ended::kReset);
  }
  if (receded && planted.has(Defect::ws_keeps_old_edge)) return;
  if (receded && c.cc.recovering && planted.has(Defect::ws_keeps_old_edge_in_recovery)) return;
  const bool plain = planted.has(Defect::window_compared_plainly);
  const bool later = plain ? c.snd_wl1 < seg.seq : lt(c.snd_wl1, seg.seq);
  const bool newer = later || (c.snd_wl1 == seg.seq && le(c.snd_wl2, seg.ack));
  if (planted.has(Defect::window_never_updated)) return;
  if (c.rcv_wnd == 0 && planted.has(Defect::window_kept_at_zero_window)) return;
  const bool opened = seg.empty && lt(c.snd_una + c.snd_wnd, seg.ack + seg.wnd) && c.state > State::kEstablished;
  c.window_unused = opened && planted.has(Defect::opened_window_unused_beyond_established);
  if (newer || planted.has(Defect::old_window_update)) take_window(c, seg);
}

void Stack::take_window(Connection& c, const Segment& seg) {
  const bool shrunk = lt(seg.ack + seg.wnd, c.snd_nxt) && c.synchronized();
  if (shrunk && planted.has(Defect::shrunk_window_resets)) send_reset(c);
  const bool was_zero = c.snd_wnd == 0;
  c.snd_wnd = seg.wnd;
  c.snd_wl1 = seg.seq;
  c.snd_wl2 = seg.ack;
  if (!planted.has(Defect::ack_range_of_first_window)) c.max_snd_wnd = std::max(c.max_snd_wnd, seg.wnd);
  // The timer restarts when the window closes or opens: the first probe leaves one RTO after the window became zero.
  if (was_zero == (seg.wnd == 0) || c.timers.retransmission == kNever) return;
  if (c.in_flight() || c.ecn.waits) {  // what waits for the timer after an echo needs it as well
    start_retransmission_timer(c);
  } else {
    c.timers.retransmission = kNever;
  }
}

}  // namespace own
