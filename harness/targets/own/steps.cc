// SPDX-License-Identifier: Apache-2.0
// SEGMENT ARRIVES, Other States: the eight steps of RFC 9293 section 3.10.7.4 in their order, with RFC 5961.
#include <algorithm>
#include <cassert>

#include "harness/targets/own/stack.h"

namespace own {
namespace {

bool in_window(const Connection& c, SeqNum seq) {
  return seq - c.rcv_nxt < c.rcv_wnd;
}

// Table 6. A SYN below RCV.NXT lies outside the window, whatever text follows it.
bool is_acceptable(const Connection& c, const Segment& seg) {
  const std::uint32_t len = seg.len();
  if (seg.ctl.syn && lt(seg.seq, c.rcv_nxt)) return false;
  if (len == 0) return c.rcv_wnd == 0 ? seg.seq == c.rcv_nxt : in_window(c, seg.seq);
  if (c.rcv_wnd == 0) return false;
  return in_window(c, seg.seq) || in_window(c, seg.seq + len - 1);
}

// "Trimming off any portions that lie outside the window (including SYN and FIN)."
void trim(const Connection& c, Segment& seg, std::uint32_t extra) {
  if (lt(seg.seq, c.rcv_nxt)) {
    const std::size_t old = std::min<std::size_t>(c.rcv_nxt - seg.seq + extra, seg.text.size());
    seg.text = seg.text.subspan(old);
    seg.seq = c.rcv_nxt;
  }
  const std::uint32_t room = c.rcv_wnd - std::min(c.rcv_wnd, seg.seq - c.rcv_nxt);
  if (seg.text.size() >= room) seg.ctl.fin = false;
  if (seg.text.size() > room) seg.text = seg.text.first(room);
}

}  // namespace

void Stack::other_states(Connection& c, Segment& seg) {
  c.heard = now_;
  c.keep_probes = 0;
  if (syn_in_time_wait(c, seg) == Then::kReturn) return;
  // TrueWindow = SEG.WND << Snd.Wind.Shift (RFC 7323 section 2.3)
  if (seg.window_scale && !seg.ctl.syn && planted.has(Defect::ws_from_any_segment)) {
    c.scaling.snd = *seg.window_scale;
  }
  if (c.scaling.ok && !seg.ctl.syn && !planted.has(Defect::ws_in_unshifted)) seg.wnd <<= c.scaling.snd;
  using Step = Then (Stack::*)(Connection&, Segment&);
  static constexpr Step kSteps[] = {
      &Stack::check_timestamps,       // RFC 7323 section 5.3, R1
      &Stack::check_sequence_number,  // First
      &Stack::check_rst_bit,          // Second
      &Stack::check_security,         // Third
      &Stack::check_syn_bit,          // Fourth
      &Stack::check_ack_field,        // Fifth
      &Stack::check_urg_bit,          // Sixth
      &Stack::process_segment_text,   // Seventh
      &Stack::check_fin_bit,          // Eighth
  };
  for (const Step step : kSteps) {
    if ((this->*step)(c, seg) == Then::kReturn) return;
  }
  respond(c);
}

// First, check sequence number
Stack::Then Stack::check_sequence_number(Connection& c, Segment& seg) {
  if (seg.ctl.rst) return Then::kProceed;  // compared more strictly in the second step (RFC 5961 section 3.2)
  note_duplicate(c, seg);
  const bool forgets_edge = planted.has(Defect::ws_edge_forgotten) && c.scaling.ok && !seg.text.empty() &&
                            gt(seg.seq + seg.len(), c.stamps.last_ack_sent + (c.scaling.announced << c.scaling.rcv));
  if (c.state == State::kSynReceived && planted.has(Defect::synrcvd_unchecked)) {
    seg.seq = c.rcv_nxt;
    return Then::kProceed;
  }
  bool acceptable = is_acceptable(c, seg) && !forgets_edge;
  if (seg.len() == 0 && c.rcv_wnd == 0) acceptable |= planted.has(Defect::zero_window_takes_any_empty);
  if (seg.len() == 0 && seg.seq != c.rcv_nxt) acceptable &= !planted.has(Defect::empty_only_at_rcv_nxt);
  if (lt(seg.seq, c.rcv_nxt)) acceptable &= !planted.has(Defect::only_first_octet_counts);
  if (planted.has(Defect::plain_comparison)) acceptable = seg.seq >= c.rcv_nxt && seg.seq < c.rcv_nxt + c.rcv_wnd;
  if (!acceptable) return unacceptable(c, seg);
  record_timestamp(c, seg);
  trim(c, seg, planted.has(Defect::overlap_shifted));
  return Then::kProceed;
}

// "If an incoming segment is not acceptable, an acknowledgment should be sent in reply"
Stack::Then Stack::unacceptable(Connection& c, Segment& seg) {
  if (planted.has(Defect::unacceptable_not_acked)) return Then::kReturn;
  if (seg.ctl.syn && c.synchronized() && planted.has(Defect::syn_outside_ignored)) return Then::kReturn;
  if (planted.has(Defect::ts_recent_from_outside) && seg.timestamps) c.stamps.recent = seg.timestamps->value;
  if (planted.has(Defect::unacceptable_resets)) {
    send_reset_for(seg);
    return Then::kReturn;
  }
  if (c.rcv_wnd == 0 && seg.seq == c.rcv_nxt && planted.has(Defect::probe_not_answered)) return Then::kReturn;

  // The SYN,ACK that crosses ours in a simultaneous open begins below RCV.NXT, yet Figure 7 completes with it: its SYN
  // is trimmed off and the rest processed (appendix A.2).
  const bool crossing = c.state == State::kSynReceived && !c.passive && seg.ctl.syn && seg.ctl.ack &&
                        seg.seq == c.irs && lt(c.snd_una, seg.ack) && le(seg.ack, c.snd_nxt);
  if (crossing) {
    seg.ctl.syn = false;
    seg.seq = c.rcv_nxt;
    trim(c, seg, 0);
    c.ack_now = true;
    return Then::kProceed;
  }
  if (c.state == State::kTimeWait) {
    // Fifth step: "a retransmission of the remote FIN. Acknowledge it, and restart the 2 MSL timeout."
    if (planted.has(Defect::timewait_ignores_fin)) return Then::kReturn;
    if (seg.ctl.fin && seg.seq + seg.len() == c.rcv_nxt) enter_time_wait(c);
  }
  ecn_unacceptable(c, seg);
  challenge(c, seg);

  // "If the RCV.WND is zero, no segments will be acceptable, but special allowance should be made to accept valid ACKs"
  const bool only_refused = c.rcv_wnd == 0 && seg.seq == c.rcv_nxt && !seg.ctl.syn;
  if (!only_refused || planted.has(Defect::ack_ignored_at_zero_window)) return Then::kReturn;
  seg.text = {};
  seg.ctl.fin = false;
  return Then::kProceed;
}

// Second, check the RST bit: RFC 5961 section 3.2, then the state. A RST may carry text, which is ignored (SHLD-2).
Stack::Then Stack::check_rst_bit(Connection& c, Segment& seg) {
  if (!seg.ctl.rst) return Then::kProceed;
  if (c.rcv_wnd == 0 && planted.has(Defect::rst_ignored_at_zero_window)) return Then::kReturn;
  using Challenged = Connection::Challenged;
  if (c.challenged == Challenged::kByRst && planted.has(Defect::deaf_after_challenge_to_rst)) return Then::kReturn;
  if (c.challenged == Challenged::kBySyn && planted.has(Defect::deaf_after_challenge_to_syn)) return Then::kReturn;
  if (!seg.text.empty() && planted.has(Defect::rst_with_text_ignored)) return Then::kReturn;
  const bool ending = c.state == State::kClosing || c.state == State::kLastAck;
  if (ending && planted.has(Defect::closing_ignores_rst)) return Then::kReturn;
  const bool attempt = c.state == State::kSynReceived && !c.passive;
  if (attempt && planted.has(Defect::active_synrcvd_ignores_rst)) return Then::kReturn;
  const bool inside = in_window(c, seg.seq);
  const bool exact = seg.seq == c.rcv_nxt && !planted.has(Defect::rst_exact_challenged);
  const bool credulous = (inside && tempered.has(LegalVariant::rst_rfc793)) || planted.has(Defect::rst_out_of_window);
  const bool believed = exact || credulous;
  if (!inside && seg.seq != c.rcv_nxt && planted.has(Defect::rst_outside_answered)) challenge(c, seg);
  if (!believed && inside && planted.has(Defect::rst_challenged_and_believed)) {
    challenge(c, seg);
    delete_tcb(c, Ended::kReset);
    return Then::kReturn;
  }
  if (!believed) {  // 1) outside the window: silently drop; 3) inside: challenge ACK
    if (!inside || planted.has(Defect::rst_dropped_in_window)) return Then::kReturn;
    if (planted.has(Defect::challenge_from_rst)) {
      Segment ack = from(c);
      ack.seq = seg.seq;
      emit(c, ack);
      return Then::kReturn;
    }
    challenge(c, seg);
    c.challenged = Challenged::kByRst;
    return Then::kReturn;
  }
  if (c.state == State::kTimeWait && tempered.has(LegalVariant::time_wait_ignores_rst)) return Then::kReturn;
  switch (c.state) {
    case State::kSynReceived:
      if (!c.passive || c.fast_open.opened) {
        delete_tcb(c, c.passive ? Ended::kReset : Ended::kRefused);
      } else if (!planted.has(Defect::synrcvd_keeps_on_rst)) {
        if (planted.has(Defect::synrcvd_rst_kills_listener)) c.parent->open = false;
        return_to_listen(c);
      }
      break;
    case State::kEstablished:
    case State::kFinWait1:
    case State::kFinWait2:
    case State::kCloseWait:
      delete_tcb(c, Ended::kReset);
      break;
    case State::kClosing:
    case State::kLastAck:
    case State::kTimeWait:
      delete_tcb(c, Ended::kNormally);
      break;
    case State::kClosed:
    case State::kListen:
    case State::kSynSent:
      assert(false && "this state has a section of its own");
  }
  return Then::kReturn;
}

// Third, check security: security options are not supported, so every segment matches.
Stack::Then Stack::check_security(Connection&, Segment&) {
  return Then::kProceed;
}

// Fourth, check the SYN bit: RFC 5961 section 4.2
Stack::Then Stack::check_syn_bit(Connection& c, Segment& seg) {
  if (!seg.ctl.syn) return Then::kProceed;
  if (c.state == State::kSynReceived && c.passive) {
    if (planted.has(Defect::syn_in_synrcvd_ignored)) return Then::kProceed;
    return_to_listen(c);
    return Then::kReturn;
  }
  if (planted.has(Defect::no_challenge_on_syn) && c.synchronized()) return Then::kReturn;
  if (planted.has(Defect::crossing_syn_unchallenged) && !c.synchronized()) return Then::kReturn;
  const bool in_silence = planted.has(Defect::syn_resets_in_silence);
  if (in_silence || planted.has(Defect::syn_resets) || tempered.has(LegalVariant::syn_rfc793)) {
    if (!in_silence) send_reset(c);
    delete_tcb(c, Ended::kReset);
    return Then::kReturn;
  }
  challenge(c, seg);
  c.challenged = Connection::Challenged::kBySyn;
  if (planted.has(Defect::syn_challenged_and_taken)) {
    seg.ctl.syn = false;
    return Then::kProceed;
  }
  return Then::kReturn;
}

// Fifth, check the ACK field
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
  const std::uint32_t range = planted.has(Defect::ack_range_of_latest_window) ? c.snd_wnd : c.max_snd_wnd;
  const bool too_old = lt(seg.ack, c.snd_una - range) && !tempered.has(LegalVariant::ack_range_unchecked);
  if (gt(seg.ack, c.snd_nxt) && planted.has(Defect::unsent_ack_resets)) {
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
  if (lt(c.snd_una, seg.ack)) {
    ecn_echo_arrives(c, seg);
    acknowledge(c, seg.ack);
    if (c.ecn.waits) start_retransmission_timer(c);
  }
  if (seg.ack == c.snd_una || planted.has(Defect::old_window_update)) update_window(c, seg);
  if (c.state == State::kClosed) return Then::kReturn;
  if (duplicate && c.selective.permitted) {
    c.board.reported = true;
  } else if (duplicate) {
    duplicate_ack(c);
  }
  if (c.snd_wnd == 0) c.r2_since = now_;  // MUST-37: the peer goes on answering

  if (c.state == State::kFinWait1 && c.fin_acked && !planted.has(Defect::fin_wait_1_stays)) c.state = State::kFinWait2;
  if (c.state == State::kLastAck && planted.has(Defect::last_ack_stays)) return Then::kProceed;
  if (c.state == State::kClosing) {
    if (c.fin_acked) {
      enter_time_wait(c);
    } else {  // "otherwise, ignore the segment", but for text that its window lets go
      send_queued(c);
      return Then::kReturn;
    }
  }
  if (c.state == State::kLastAck && c.fin_acked) delete_tcb(c, Ended::kNormally);
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
    if (!planted.has(Defect::synrcvd_ignores_bad_ack)) send_reset_for(seg);  // <SEQ=SEG.ACK><CTL=RST>
    if (planted.has(Defect::bad_ack_ends_syn_received)) delete_tcb(c, Ended::kReset);
    return Then::kReturn;
  }
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

// SND.UNA <- SEG.ACK, and what is thereby acknowledged leaves the retransmission queue.
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
  if (octets > 0 && planted.has(Defect::timer_not_stopped)) c.send_queue.copy(octets - 1, {&c.last_octet, 1});
  c.send_queue.drop(octets);
  c.snd_una = ack;
  c.probed = false;
  // One measurement for each flight, so that the history is that of RFC 6298 (RFC 7323 section 4.2).
  const std::optional<Time> echoed = echoed_round_trip(c);
  const bool measures = c.timing ? le(c.timed_end, ack) : echoed.has_value();
  if (measures) {
    const bool first = !c.rto.measured();
    if (first || !planted.has(Defect::one_sample_only)) c.rto.sample(echoed.value_or(now_ - c.timed_at));
    if (planted.has(Defect::variance_frozen) && !first) c.rto.start_from(std::max(Rto::kMin, 8 * c.rto.mean()));
    c.timing = false;
  }
  if (!opens && planted.has(Defect::backoff_forgotten)) c.rto.start_from(Rto::kMin);
  c.r2_since = c.last_sent = c.undelivered_since = now_;
  if (opens) {
    start_congestion_control(c);
  } else {
    new_ack(c, octets);
  }
  if (c.in_flight()) {
    if (opens || !planted.has(Defect::timer_runs_on)) start_retransmission_timer(c);  // RFC 6298 (5.3)
  } else if (opens || !planted.has(Defect::timer_not_stopped)) {
    c.timers.retransmission = kNever;  // (5.2)
    start_keep_alive_timer(c);
  }
  if (c.urgent_out && ge(c.snd_una, c.snd_up)) c.urgent_out = false;
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
  const bool newer = lt(c.snd_wl1, seg.seq) || (c.snd_wl1 == seg.seq && le(c.snd_wl2, seg.ack));
  if (planted.has(Defect::window_never_updated)) return;
  if (newer || planted.has(Defect::old_window_update)) take_window(c, seg);
}

void Stack::take_window(Connection& c, const Segment& seg) {
  const bool shrunk = lt(seg.ack + seg.wnd, c.snd_nxt) && c.synchronized();
  if (shrunk && planted.has(Defect::shrunk_window_resets)) send_reset(c);
  const bool was_zero = c.snd_wnd == 0;
  c.snd_wnd = seg.wnd;
  c.snd_wl1 = seg.seq;
  c.snd_wl2 = seg.ack;
  c.max_snd_wnd = std::max(c.max_snd_wnd, seg.wnd);
  // A window that closes or opens starts another interval: the first probe comes one RTO after a window became zero.
  if (was_zero == (seg.wnd == 0) || c.timers.retransmission == kNever) return;
  if (c.in_flight()) {
    start_retransmission_timer(c);
  } else {
    c.timers.retransmission = kNever;
  }
}

// Sixth, check the URG bit: urgent.cc

// Seventh, process the segment text
Stack::Then Stack::process_segment_text(Connection& c, Segment& seg) {
  const bool after_fin = c.fin_received && planted.has(Defect::data_after_fin_delivered);
  if (!c.receives() && !after_fin) return Then::kProceed;  // "Ignore the segment text."

  ByteView text = seg.text;
  if (c.received.fin && !after_fin) {  // nothing follows a FIN
    text = text.first(std::min<std::size_t>(text.size(), std::max(0, ahead(*c.received.fin, seg.seq))));
  }
  if (!text.empty()) ecn_text_arrives(c, seg);
  if (c.fin_queued && planted.has(Defect::half_close_drops_data)) return Then::kProceed;
  SeqNum at = seg.seq;
  if (gt(at, c.rcv_nxt) && planted.has(Defect::delivers_out_of_order)) at = c.rcv_nxt;
  const bool above = gt(at, c.rcv_nxt);
  const bool had_gap = c.received.has_gap();
  if (after_fin) c.received.fin.reset();
  if (planted.has(Defect::paws_rechecks_queue) && seg.timestamps) {
    if (above) c.stamps.held = seg.timestamps->value;
    if (!above && had_gap && lt(c.stamps.held, seg.timestamps->value)) c.received.forget_held();
  }
  const bool dropped = planted.has(Defect::drops_out_of_order) || tempered.has(LegalVariant::out_of_order_dropped);
  const std::size_t most = tempered.has(LegalVariant::out_of_order_one_stretch) ? 1 : Reassembly::kStretchesMax;
  if (!above || !dropped) c.received.hold(c.rcv_nxt, at, text, most);
  const std::uint32_t count = c.received.deliver(c.rcv_nxt);
  if (above && !text.empty()) note_island(c, at, static_cast<std::uint32_t>(text.size()));

  // SHLD-3: "if new data is received after CLOSE is called, its TCP implementation SHOULD send a RST"
  if (c.user_gone && (count > 0 || !text.empty()) && !planted.has(Defect::no_rst_after_close) &&
      !tempered.has(LegalVariant::no_rst_on_close)) {
    abort(c);
    return Then::kReturn;
  }
  if (had_gap && count > seg.text.size() && planted.has(Defect::held_acked_stepwise)) {
    Segment step = from(c);
    step.ack = seg.seq + static_cast<SeqNum>(seg.text.size());
    emit(c, step);
  }
  c.rcv_nxt += count;
  c.rcv_wnd -= std::min(c.rcv_wnd, count);
  if (planted.has(Defect::window_shrinks)) c.rcv_wnd -= std::min(c.rcv_wnd, 3 * count);
  if (text.empty() && count == 0) {
    c.ack_now = c.ack_now || !seg.text.empty();  // text behind the peer's own FIN: say again what is expected
    return Then::kProceed;
  }

  // RFC 5681 section 4.2: at once above a gap and when one is filled, else for every second segment (SHLD-18, SHLD-19).
  ++c.segments_unacked;
  c.octets_unacked += count;
  const bool by_octets = tempered.has(LegalVariant::counts_full_segments) || planted.has(Defect::delayed_ack_restarts);
  const bool full = !by_octets || c.octets_unacked >= 2u * c.rcv_mss;
  const bool second = c.segments_unacked >= 2 || c.octets_unacked >= 2u * c.rcv_mss;
  const bool every_second = second && full && !planted.has(Defect::stretch_ack);
  const bool at_once = tempered.has(LegalVariant::acks_every_segment) || planted.has(Defect::no_delayed_ack);
  const bool gap = (above || had_gap) && !planted.has(Defect::out_of_order_ack_delayed);
  if (count > 0 && planted.has(Defect::two_acks)) send_ack(c), c.ack_now = true;
  if (gap || every_second || at_once) c.ack_now = true;
  return Then::kProceed;
}

// Eighth, check the FIN bit
Stack::Then Stack::check_fin_bit(Connection& c, Segment& seg) {
  if (seg.ctl.fin && !c.receives()) {  // a FIN behind the FIN: remain in the state
    if (planted.has(Defect::second_fin_counted)) ++c.rcv_nxt;
    if (c.state == State::kTimeWait) enter_time_wait(c);
    challenge(c, seg);
    return Then::kProceed;
  }
  if (seg.ctl.fin) {
    if (!c.received.fin) c.received.fin = seg.seq + static_cast<SeqNum>(seg.text.size());
    c.ack_now = true;
  }
  if (c.received.fin && gt(*c.received.fin, c.rcv_nxt) && planted.has(Defect::fin_ahead_forgotten)) {
    c.received.fin = c.rcv_nxt;
  }
  if (!c.receives() || c.received.fin != c.rcv_nxt) return Then::kProceed;

  ++c.rcv_nxt;
  c.rcv_wnd -= std::min(c.rcv_wnd, 1u);
  c.fin_received = true;
  c.ack_now = true;
  if (c.state == State::kEstablished) {
    if (!planted.has(Defect::fin_leaves_established)) c.state = State::kCloseWait;
    if (planted.has(Defect::fin_answers_fin)) close(c);
  } else if (c.state == State::kFinWait1) {
    c.state = State::kClosing;  // our FIN has not been ACKed, or this would be FIN-WAIT-2
  } else {
    enter_time_wait(c);
  }
  return c.state == State::kClosed ? Then::kReturn : Then::kProceed;
}

// Start the time-wait timer, turn off the other timers. Also restarts it.
void Stack::enter_time_wait(Connection& c) {
  if (planted.has(Defect::timewait_missing)) {
    if (c.ack_now) send_ack(c);
    return delete_tcb(c, Ended::kNormally);
  }
  c.state = State::kTimeWait;
  c.timers = Timers{};
  c.timers.time_wait = now_ + (planted.has(Defect::timewait_short) ? 20 * kSecond : 2 * kMsl);
  if (planted.has(Defect::timewait_for_ever)) c.timers.time_wait = kNever;
}

// The end of a connection in SYN-RECEIVED that came from LISTEN. The listener is still there; what goes is the
// connection, unless it tried to reopen one in TIME-WAIT, which is then there again (MAY-2 of section 3.6.1).
void Stack::return_to_listen(Connection& c) {
  if (!c.reopened || c.reopened->time_wait <= now_) return delete_tcb(c, Ended::kNormally);
  const Reopened old = *c.reopened;
  --c.parent->embryonic;
  Tcb tcb;
  tcb.remote_address = c.remote_address;
  tcb.local_port = c.local_port;
  tcb.remote_port = c.remote_port;
  tcb.choices = c.choices;
  tcb.stamps = old.stamps;
  tcb.snd_una = tcb.snd_nxt = old.snd_nxt;
  tcb.rcv_nxt = old.rcv_nxt;
  tcb.attempted = c.snd_nxt;
  tcb.rcv_wnd = old.rcv_wnd;
  tcb.syn_acked = tcb.fin_queued = tcb.fin_sent = tcb.fin_acked = tcb.fin_received = true;
  tcb.user_gone = true;
  tcb.state = State::kTimeWait;
  tcb.timers.time_wait = old.time_wait;
  static_cast<Tcb&>(c) = tcb;
  c.received.clear();
}

}  // namespace own
