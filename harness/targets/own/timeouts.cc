// SPDX-License-Identifier: Apache-2.0
// Timeouts: RFC 9293 section 3.10.8, RFC 6298 section 5, and zero-window probes of section 3.8.6.1.
#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "harness/targets/own/stack.h"

namespace own {

// Runs the timer of `c` that is due now; true when something was sent.
bool Stack::run_timer(Connection& c) {
  const std::size_t before = departed_.size();
  Timers& t = c.timers;
  if (t.user <= now_ && c.snd_wnd == 0 && planted.has(Defect::user_timeout_not_at_zero_window)) {
    t.user = kNever;
  } else if (t.user <= now_) {  // USER TIMEOUT: "connection aborted due to user timeout"
    delete_tcb(c, planted.has(Defect::timeout_untold) ? Ended::kNormally : Ended::kTimedOut);
  } else if (t.retransmission <= now_) {
    t.retransmission = kNever;
    retransmission_timeout(c);
  } else if (t.override <= now_) {
    t.override = kNever;
    send_queued(c, true);
  } else if (t.delayed_ack <= now_) {
    t.delayed_ack = kNever;
    send_ack(c);
  } else if (t.keep_alive <= now_) {
    t.keep_alive = kNever;
    keep_alive_timeout(c);
  } else if (t.time_wait <= now_) {  // TIME-WAIT TIMEOUT
    delete_tcb(c, Ended::kNormally);
  }
  return departed_.size() != before;
}

// RETRANSMISSION TIMEOUT
void Stack::retransmission_timeout(Connection& c) {
  // What waits for the timer after an echo leaves, or probes the window if that has closed meanwhile.
  const bool probes = c.snd_wnd == 0 && (c.text_queued() > 0 || c.fin_queued);
  if (std::exchange(c.ecn.waits, false) && !c.in_flight() && !probes) return send_queued(c);
  const bool shrunk = c.syn_acked && c.snd_wnd > 0 && lt(c.snd_una + c.snd_wnd, c.snd_nxt);
  if (shrunk && now_ - c.r2_since > 20 * kSecond && planted.has(Defect::shrunk_unanswered_gives_up)) {
    return delete_tcb(c, Ended::kTimedOut);
  }
  if (excessive(c)) {
    const bool lost = c.state == State::kSynReceived && c.parent != nullptr && planted.has(Defect::backlog_place_lost);
    if (lost) ++c.parent->embryonic;
    if (c.state == State::kSynReceived && c.passive) return handshake_ends(c, Ended::kTimedOut);
    return delete_tcb(c, Ended::kTimedOut);
  }
  if (!c.in_flight() && planted.has(Defect::timer_not_stopped)) return send_acknowledged_octet(c, 0);
  if (!planted.has(Defect::karn_ignored)) c.timing = false;
  if (c.syn_acked && c.snd_wnd == 0) {
    probe(c);
  } else {
    if (c.syn_acked && probe_for_loss(c)) return start_retransmission_timer(c);
    const SeqNum front = next_unsacked(c, c.snd_una);
    if (c.syn_acked) congestion_timeout(c);
    if (c.syn_acked && planted.has(Defect::sack_front_skipped) && lt(front, c.snd_nxt)) {
      transmit(c, front, std::min(c.snd_nxt - front - c.fin_sent, segment_room(c)), false);
      return start_retransmission_timer(c);
    }
    if (c.syn_acked && planted.has(Defect::last_segment_first)) {
      const std::uint32_t last = std::min(c.text_in_flight(), std::uint32_t{c.eff_snd_mss});
      transmit(c, c.snd_nxt - c.fin_sent - last, last, false);
    } else {
      retransmit(c);
    }
    if (!planted.has(Defect::no_backoff)) c.rto.back_off();  // (5.5)
  }
  if (c.state == State::kClosed) return;
  c.last_sent = now_;
  start_retransmission_timer(c);  // (5.6)
}

// Section 3.8.3: R2 is reached when the same segment has been retransmitted for that long. A user timeout replaces it.
bool Stack::excessive(const Connection& c) const {
  const bool opening = c.state == State::kSynSent && planted.has(Defect::user_timeout_not_in_syn_sent);
  if (c.choices.user_timeout > 0 && !opening && !planted.has(Defect::user_timeout_ignored)) return false;
  const bool syn = !c.syn_acked;
  Time r2 = syn ? kR2Syn : kR2Data;
  if (variants.has(LegalVariant::gives_up_late)) r2 *= 2;
  if (syn && planted.has(Defect::gives_up_syn_early)) r2 = 15 * kSecond;
  const bool crossed = c.state == State::kSynReceived && !c.passive;
  if (crossed && planted.has(Defect::gives_up_crossed_syn_early)) r2 = 30 * kSecond;
  if (!syn && planted.has(Defect::gives_up_data_early)) r2 = 5 * kSecond;
  if (c.state == State::kCloseWait && planted.has(Defect::close_wait_never_gives_up)) return false;
  if (!syn && planted.has(Defect::never_gives_up)) return false;
  if (!syn && c.snd_wnd == 0 && planted.has(Defect::unanswered_probes_go_on)) return false;
  if (c.state == State::kLastAck && planted.has(Defect::last_ack_for_ever)) return false;
  return c.last_sent - c.r2_since >= r2;
}

// For defects: the octet that was acknowledged last, and `more` that are in flight.
void Stack::send_acknowledged_octet(Connection& c, std::uint32_t more) {
  std::vector<std::uint8_t> text(more + 1, c.last_octet);
  c.send_queue.copy(0, std::span(text).subspan(1));
  Ring again;
  again.append(text);
  Segment seg = from(c);
  --seg.seq;
  if (more == 0) return depart(seg, &again, 0, 1);
  seg.seq = c.snd_una - 1;
  seg.ctl.psh = more == c.text_queued();
  depart(seg, &again, 0, more + 1);
}

// (5.4): sends the earliest unacknowledged segment, built anew from the send queue. Octets beyond a window that shrank
// wait: the stack does not use MAY-7.
void Stack::retransmit(Connection& c) {
  if (!c.syn_acked) {
    c.syn_retransmitted = true;
    const bool answer = c.state != State::kSynSent;
    if (planted.has(answer ? Defect::synack_sent_once : Defect::syn_sent_once)) return;
    return send_syn(c);
  }
  std::uint32_t length = std::min({c.text_in_flight(), segment_room(c), c.snd_wnd});
  if (variants.has(LegalVariant::retransmits_half)) length = std::min(length, (c.eff_snd_mss + 1u) / 2);
  const bool shrunk = c.snd_wnd > 0 && c.snd_wnd < c.snd_nxt - c.snd_una;
  if (shrunk && planted.has(Defect::shrunk_not_retransmitted)) return;
  if (c.board.discarded.has(c.snd_una)) return;
  if (c.board.spans > 0) length = std::min(length, next_sacked(c, c.snd_una) - c.snd_una);
  const bool fin = c.fin_sent && length == c.text_in_flight() && length < std::max(c.snd_wnd, 1u);
  if (length == 0 && !fin) return;  // the window has closed
  if (length > 0 && planted.has(Defect::no_retransmit_data)) return;
  const bool both = fin && length > 0 && c.state == State::kLastAck;
  if (both && planted.has(Defect::no_retransmit_fin_with_text_in_last_ack)) return;
  if (fin && planted.has(Defect::no_retransmit_fin)) return;
  const bool old = c.snd_una != c.iss + 1 && length > 0 && length < segment_room(c) && !fin;
  if (old && planted.has(Defect::acknowledged_octet_again)) return send_acknowledged_octet(c, length);
  transmit(c, c.snd_una, length, fin);
  c.probed = false;
}

// Probes a zero window with the octet at its left edge, whether sent before or new (SHLD-29, SHLD-30).
void Stack::probe(Connection& c) {
  const bool first = !c.probed;
  if (first) c.zero_since = now_;
  if (now_ - c.zero_since > 600 * kSecond && planted.has(Defect::zero_window_ends_in_ten_minutes)) {
    return delete_tcb(c, Ended::kTimedOut);
  }
  if (planted.has(Defect::zero_window_never_probed)) return;
  if (c.text_in_flight() > 0 && planted.has(Defect::shrunk_window_not_probed)) return;
  if (planted.has(Defect::zero_window_gives_up) && c.probe_interval >= 8 * kSecond) {
    return delete_tcb(c, Ended::kTimedOut);
  }
  if (planted.has(Defect::shrunk_gives_up) && c.text_in_flight() > 1 && c.probe_interval >= 8 * kSecond) {
    return delete_tcb(c, Ended::kTimedOut);
  }
  c.probed = true;
  if (!c.in_flight() && c.snd_una != c.iss + 1 && planted.has(Defect::probe_repeats_octet)) {
    send_acknowledged_octet(c, 0);
  } else if (variants.has(LegalVariant::probe_without_text)) {
    Segment seg = from(c);
    seg.seq = c.snd_una - 1;
    emit(c, seg);
  } else {
    transmit(c, c.snd_una, std::min(c.text_queued(), 1u), c.text_queued() == 0);
  }
  const bool kept = c.probe_interval > 0 && planted.has(Defect::second_zero_window_late);
  if (first && !kept) c.probe_interval = c.rto.value();
  if (!planted.has(Defect::zero_window_no_backoff)) c.probe_interval = std::min(2 * c.probe_interval, Rto::kMax);
}

// (5.1), (5.3), (5.6); for a zero window the interval between probes takes the place of the RTO.
void Stack::start_retransmission_timer(Connection& c) {
  const bool zero_window = c.syn_acked && c.snd_wnd == 0;
  Time rto = c.rto.value();
  const bool early = c.syn_acked && !c.selective.permitted && c.board.probes == 0;
  if (early && planted.has(Defect::loss_probe_without_sack)) rto = 300 * kMillisecond;
  if (planted.has(Defect::rto_is_the_mean) && c.syn_acked) rto = c.rto.mean();
  const bool single = c.syn_acked && c.selective.permitted && c.snd_nxt - c.snd_una <= c.cc.smss;
  if (single && planted.has(Defect::early_timer_with_sack)) rto = c.rto.mean() / 2;
  const bool late = planted.has(zero_window ? Defect::zero_window_probed_late : Defect::timer_expires_late);
  if (late && c.syn_acked && !(zero_window && c.probed)) rto *= 10;
  if (planted.has(Defect::rto_ceiling_low)) rto = std::min(rto, 8 * kSecond);
  if (c.ecn.waits && planted.has(Defect::half_the_wait_at_one_segment)) rto /= 2;
  const bool kept = c.probe_interval > 0 && planted.has(Defect::second_zero_window_late);
  Time at = now_ + (zero_window && (c.probed || kept) ? c.probe_interval : rto);
  constexpr Time kTick = 500 * kMillisecond;
  if (variants.has(LegalVariant::timer_ticks_500ms)) at = (at + kTick - 1) / kTick * kTick;
  c.timers.retransmission = at;
}

// The user timeout runs while something sent or queued has not been acknowledged.
void Stack::arm_user_timer(Connection& c) {
  if (c.state == State::kCloseWait && planted.has(Defect::user_timeout_not_in_close_wait)) return;
  const Time timeout = c.choices.user_timeout;
  const bool opening = c.state == State::kSynSent && planted.has(Defect::user_timeout_not_in_syn_sent);
  const bool runs = timeout > 0 && !opening && c.state != State::kClosed && (c.in_flight() || c.unsent()) &&
                    !planted.has(Defect::user_timeout_ignored);
  c.timers.user = runs ? c.undelivered_since + timeout : kNever;
}

}  // namespace own
