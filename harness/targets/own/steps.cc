// SPDX-License-Identifier: Apache-2.0
// SEGMENT ARRIVES, Other States: the eight steps of RFC 9293 section 3.10.7.4 in their order, with RFC 5961.
#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "harness/targets/own/connection.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/own/legal_variants.h"
#include "harness/targets/own/packet.h"
#include "harness/targets/own/seq.h"
#include "harness/targets/own/stack.h"
#include "harness/targets/own/time.h"

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
void trim(const Connection& c, Segment& seg, std::uint32_t extra, bool beyond_edge, bool plain = false,
          std::uint32_t short_by = 0) {
  if (plain ? seg.seq < c.rcv_nxt : lt(seg.seq, c.rcv_nxt)) {
    const std::size_t old = std::min<std::size_t>(c.rcv_nxt - seg.seq + extra, seg.text.size());
    seg.text = seg.text.subspan(old);
    seg.seq = c.rcv_nxt;
  }
  if (beyond_edge) return;
  const std::uint32_t room = c.rcv_wnd - std::min(c.rcv_wnd, seg.seq - c.rcv_nxt);
  if (seg.text.size() + short_by >= room) seg.ctl.fin = false;
  if (seg.text.size() > room) seg.text = seg.text.first(room);
}

}  // namespace

void Stack::other_states(Connection& c, Segment& seg) {
  c.heard = now_;
  if (planted.has(Defect::user_timeout_put_off)) {
    c.undelivered_since = now_;
    arm_user_timer(c);
  }
  c.selective.dropped.reset();  // RFC 2018 section 8: what is held no more is reported as long as it is the newest
  seg.empty = seg.len() == 0;
  const bool answers = !seg.text.empty() || !planted.has(Defect::keep_alive_answers_forgotten);
  c.kept_alive = seg.text.empty() && (c.kept_alive || c.keep_probes > 0);
  if (answers && std::exchange(c.keep_probes, 0u) > 0) start_keep_alive_timer(c);  // it may run for an interval still
  if (c.state == State::kTimeWait && planted.has(Defect::timewait_kept_by_acks)) enter_time_wait(c);
  if (syn_in_time_wait(c, seg) == Then::kReturn) return;
  // TrueWindow = SEG.WND << Snd.Wind.Shift (RFC 7323 section 2.3)
  if (seg.window_scale && !seg.ctl.syn && planted.has(Defect::ws_from_any_segment)) {
    c.scaling.snd = *seg.window_scale;
  }
  const bool beyond = c.state > State::kEstablished && planted.has(Defect::ws_in_unshifted_closing);
  const bool as_it_stands = beyond || (seg.ctl.fin && planted.has(Defect::ws_in_unshifted_on_fin));
  if (c.scaling.ok && !seg.ctl.syn && !as_it_stands && !planted.has(Defect::ws_in_unshifted)) seg.wnd <<= c.scaling.snd;
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
  const bool forgets_edge = planted.has(Defect::ws_edge_forgotten) && c.scaling.ok && !seg.text.empty() &&
                            gt(seg.seq + seg.len(), c.stamps.last_ack_sent + (c.scaling.announced << c.scaling.rcv));
  if (c.state == State::kSynReceived && planted.has(Defect::synrcvd_unchecked)) {
    seg.seq = c.rcv_nxt;
    return Then::kProceed;
  }
  const bool far = seg.seq == c.rcv_nxt + (1u << 31) && planted.has(Defect::far_octet_taken);
  if (far) seg.seq = c.rcv_nxt;
  bool acceptable = is_acceptable(c, seg) && !forgets_edge;
  if (seg.len() == 0 && c.rcv_wnd == 0) acceptable |= planted.has(Defect::zero_window_takes_any_empty);
  const bool at_edge = c.rcv_wnd == 0 && seg.seq == c.rcv_nxt && !seg.text.empty();
  const bool takes = at_edge && planted.has(Defect::zero_window_takes_text);
  const bool takes_fin = c.rcv_wnd == 0 && seg.seq == c.rcv_nxt && seg.ctl.fin && seg.text.empty() && !seg.ctl.syn &&
                         planted.has(Defect::zero_window_takes_fin);
  acceptable |= takes || takes_fin;
  if (seg.ctl.fin && !seg.text.empty() && planted.has(Defect::last_octet_without_fin)) {
    acceptable &= in_window(c, seg.seq) || in_window(c, seg.seq + static_cast<std::uint32_t>(seg.text.size()) - 1);
  }
  const bool last = seg.len() == 0 && c.rcv_wnd > 1 && seg.seq == c.rcv_nxt + c.rcv_wnd - 1;
  if (last && planted.has(Defect::empty_at_last_number_refused)) acceptable = false;
  if (seg.len() == 0 && seg.seq != c.rcv_nxt) {
    const bool here = c.state == State::kCloseWait && planted.has(Defect::empty_only_at_rcv_nxt_in_close_wait);
    acceptable &= !here && !planted.has(Defect::empty_only_at_rcv_nxt);
  }
  const bool refused = seg.len() == 0 && c.rcv_wnd == 0 && planted.has(Defect::zero_window_refuses_empty);
  if (refused) return Then::kReturn;
  if (lt(seg.seq, c.rcv_nxt)) acceptable &= !planted.has(Defect::only_first_octet_counts);
  if (planted.has(Defect::plain_comparison)) acceptable = seg.seq >= c.rcv_nxt && seg.seq < c.rcv_nxt + c.rcv_wnd;
  // What is dropped without a word has brought nothing twice.
  if (!acceptable || seg.ctl.ack || seg.ctl.syn) note_duplicate(c, seg);
  if (!acceptable) return unacceptable(c, seg);
  record_timestamp(c, seg);
  const bool longer = planted.has(Defect::held_text_replaced_whole) && c.received.holding(seg.seq).has_value();
  const bool fin = seg.ctl.fin && seg.seq - c.rcv_nxt + seg.text.size() == c.rcv_wnd;
  const bool held = gt(seg.seq, c.rcv_nxt) && planted.has(Defect::held_text_untrimmed);
  trim(c, seg, planted.has(Defect::overlap_shifted),
       held || longer || takes || takes_fin || planted.has(Defect::text_beyond_edge_taken),
       planted.has(Defect::trim_left_plain), planted.has(Defect::fin_at_last_number_trimmed));
  if (fin && planted.has(Defect::fin_behind_edge_taken)) seg.ctl.fin = true;
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
    if (c.scaling.ok && planted.has(Defect::crossing_window_scaled)) seg.wnd <<= c.scaling.snd;
    record_timestamp(c, seg);
    seg.ctl.syn = false;
    seg.seq = c.rcv_nxt;
    trim(c, seg, 0, false);
    c.ack_now = true;
    return Then::kProceed;
  }
  if (c.state == State::kTimeWait) {
    // Fifth step: "a retransmission of the remote FIN. Acknowledge it, and restart the 2 MSL timeout."
    if (planted.has(Defect::timewait_ignores_fin)) return Then::kReturn;
    const bool again = seg.ctl.fin && seg.seq + seg.len() == c.rcv_nxt;
    if (again) enter_time_wait(c);
  }
  if (c.rcv_wnd == 0 && !seg.text.empty() && planted.has(Defect::probe_answer_opens)) {
    c.rcv_wnd = c.choices.receive_buffer - std::min(c.choices.receive_buffer, c.received.user());
  }
  ecn_unacceptable(c, seg);
  challenge(c, seg);

  // "If the RCV.WND is zero, no segments will be acceptable, but special allowance should be made to accept valid ACKs"
  const bool whole = seg.ctl.fin && planted.has(Defect::fin_refused_with_its_ack);
  const bool only_refused = c.rcv_wnd == 0 && seg.seq == c.rcv_nxt && !seg.ctl.syn && !whole;
  const bool opens = lt(c.snd_una, seg.ack) && le(seg.ack, c.snd_nxt);
  if (c.state == State::kSynReceived && !opens) return Then::kReturn;  // not a valid one
  if (!only_refused || planted.has(Defect::ack_ignored_at_zero_window)) return Then::kReturn;
  const bool late = c.state == State::kFinWait1 && planted.has(Defect::ack_ignored_at_zero_window_behind_fin);
  if (late) return Then::kReturn;
  seg.text = {};
  seg.ctl.fin = false;
  seg.ctl.urg &= !planted.has(Defect::urgent_ignored_at_zero_window);
  return Then::kProceed;
}

// Second, check the RST bit: RFC 5961 section 3.2, then the state. A RST may carry text, which is ignored (SHLD-2).
Stack::Then Stack::check_rst_bit(Connection& c, Segment& seg) {
  if (!seg.ctl.rst) return Then::kProceed;
  if (c.rcv_wnd == 0 && planted.has(Defect::rst_ignored_at_zero_window)) return Then::kReturn;
  const bool old = !seg.ctl.ack && c.cc.timed_out;
  if (old && planted.has(Defect::bare_rst_ignored_after_timeout)) return Then::kReturn;
  using Challenged = Connection::Challenged;
  if (c.challenged == Challenged::kByRst && planted.has(Defect::deaf_after_challenge_to_rst)) return Then::kReturn;
  if (c.challenged == Challenged::kBySyn && planted.has(Defect::deaf_after_challenge_to_syn)) return Then::kReturn;
  if (!seg.text.empty() && planted.has(Defect::rst_with_text_ignored)) return Then::kReturn;
  const bool too_much = seg.text.size() > c.rcv_wnd;
  if (too_much && planted.has(Defect::rst_with_too_much_text_ignored)) return Then::kReturn;
  const bool ending = c.state == State::kClosing || c.state == State::kLastAck;
  if (ending && planted.has(Defect::closing_ignores_rst)) return Then::kReturn;
  const bool attempt = c.state == State::kSynReceived && !c.passive;
  if (attempt && planted.has(Defect::active_synrcvd_ignores_rst)) return Then::kReturn;
  if (c.user_gone && planted.has(Defect::full_close_ignores_rst)) return Then::kReturn;
  const bool inside = in_window(c, seg.seq);
  const bool exact = seg.seq == c.rcv_nxt && !planted.has(Defect::rst_exact_challenged);
  const bool at_edge = seg.seq == c.rcv_nxt + c.rcv_wnd && planted.has(Defect::rst_at_edge_believed);
  const bool at_fin = c.fin_received && seg.seq + 1 == c.rcv_nxt && planted.has(Defect::rst_at_fin_believed);
  const bool at_last_ack = seg.seq == c.stamps.last_ack_sent && planted.has(Defect::rst_at_last_ack_believed);
  const bool at_syn = c.state == State::kSynReceived && seg.seq == c.irs && planted.has(Defect::rst_at_syn_believed);
  const bool old_text = c.state == State::kTimeWait && lt(seg.seq, c.rcv_nxt - 1) && lt(c.irs, seg.seq) &&
                        planted.has(Defect::rst_below_believed_in_time_wait);
  const bool credulous = at_last_ack || at_syn || old_text || (inside && variants.has(LegalVariant::rst_rfc793)) ||
                         planted.has(Defect::rst_out_of_window) || at_edge || at_fin;
  const bool believed = exact || credulous;
  if (!inside && seg.seq != c.rcv_nxt && planted.has(Defect::rst_outside_answered)) challenge(c, seg);
  if (!believed && inside && planted.has(Defect::rst_challenged_and_believed)) {
    challenge(c, seg);
    delete_tcb(c, Ended::kReset);
    return Then::kReturn;
  }
  const bool last = seg.seq + 1 == c.rcv_nxt + c.rcv_wnd;
  if (!believed && last && planted.has(Defect::rst_at_last_number_dropped)) return Then::kReturn;
  if (!believed) {  // 1) outside the window: silently drop
    if (inside) challenge_reset(c, seg);
    return Then::kReturn;
  }
  if (c.state == State::kTimeWait && variants.has(LegalVariant::time_wait_ignores_rst)) return Then::kReturn;
  const bool again = !c.syn_acked && c.syn_retransmitted;
  if (again && planted.has(Defect::rst_ignored_once_syn_was_sent_again)) return Then::kReturn;
  reset_arrives(c);
  return Then::kReturn;
}

// RFC 5961 section 3.2, 3): a RST in the window, but not at RCV.NXT, is answered by a challenge ACK.
void Stack::challenge_reset(Connection& c, Segment& seg) {
  if (planted.has(Defect::rst_dropped_in_window)) return;
  if (planted.has(Defect::challenge_from_rst)) {
    Segment ack = from(c);
    ack.seq = seg.seq;
    return emit(c, ack);
  }
  challenge(c, seg);
  c.challenged = Connection::Challenged::kByRst;
}

// The effect of an acceptable RST in each state.
void Stack::reset_arrives(Connection& c) {
  switch (c.state) {
    case State::kSynReceived:
      if (!c.passive) {
        delete_tcb(c, planted.has(Defect::refused_told_as_reset) ? Ended::kReset : Ended::kRefused);
      } else if (!planted.has(Defect::synrcvd_keeps_on_rst)) {
        if (planted.has(Defect::synrcvd_rst_kills_listener) && c.parent != nullptr) c.parent->open = false;
        handshake_ends(c, Ended::kReset);
      }
      break;
    case State::kEstablished:
    case State::kFinWait1:
    case State::kFinWait2:
      delete_tcb(c, planted.has(Defect::reset_told_as_refused) ? Ended::kRefused : Ended::kReset);
      break;
    case State::kCloseWait:
      delete_tcb(c, planted.has(Defect::close_wait_reset_untold) ? Ended::kNormally : Ended::kReset);
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
    handshake_ends(c, Ended::kReset);
    return Then::kReturn;
  }
  if (planted.has(Defect::no_challenge_on_syn) && c.synchronized()) return Then::kReturn;
  if (c.user_gone && planted.has(Defect::full_close_ignores_syn)) return Then::kReturn;
  if (planted.has(Defect::crossing_syn_unchallenged) && !c.synchronized()) return Then::kReturn;
  const bool in_silence = planted.has(Defect::syn_resets_in_silence);
  if (in_silence || planted.has(Defect::syn_resets) || variants.has(LegalVariant::syn_rfc793)) {
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

// Fifth, check the ACK field: ack_field.cc
// Sixth, check the URG bit: urgent.cc
// Seventh and eighth, process the segment text and check the FIN bit: segment_text.cc

// Start the time-wait timer, turn off the other timers. Also restarts it.
void Stack::enter_time_wait(Connection& c) {
  if (planted.has(Defect::timewait_missing)) {
    if (c.ack_now) send_ack(c);
    return delete_tcb(c, Ended::kNormally);
  }
  c.state = State::kTimeWait;
  const Time keep_alive = planted.has(Defect::keep_alive_in_time_wait) ? c.timers.keep_alive : kNever;
  c.timers = Timers{.keep_alive = keep_alive};
  c.timers.time_wait = now_ + (planted.has(Defect::timewait_short) ? 20 * kSecond : 2 * kMsl);
  if (c.user_gone && planted.has(Defect::timewait_short_after_full_close)) c.timers.time_wait = now_ + kMsl;
  if (planted.has(Defect::timewait_for_ever)) c.timers.time_wait = kNever;
}

// The handshake of a passive OPEN fails. Nobody knows of the connection, unless Fast Open has handed it to the user.
void Stack::handshake_ends(Connection& c, Ended why) {
  if (c.parent == nullptr) return delete_tcb(c, why);
  if (c.fast_open.opened) {
    std::erase(c.parent->accept_queue, &c);
    c.held = false;
  }
  return_to_listen(c);
}

// Ends a connection in SYN-RECEIVED that came from LISTEN. The listener stays. If the connection tried to reopen one in
// TIME-WAIT, that one is restored (MAY-2 of section 3.6.1); otherwise the connection is deleted.
void Stack::return_to_listen(Connection& c) {
  if (!c.reopened || c.reopened->time_wait <= now_) return delete_tcb(c, Ended::kNormally);
  const Reopened old = *c.reopened;
  if (!c.fast_open.opened) --c.parent->embryonic;
  Tcb tcb;
  tcb.remote_address = c.remote_address;
  tcb.local_port = c.local_port;
  tcb.remote_port = c.remote_port;
  tcb.choices = c.choices;
  tcb.stamps = old.stamps;
  tcb.scaling = old.scaling;
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
