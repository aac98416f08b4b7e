// SPDX-License-Identifier: Apache-2.0
// SEGMENT ARRIVES, Other States, seventh and eighth step: the segment text and the FIN bit (RFC 9293 section 3.10.7.4).
#include <algorithm>

#include "harness/targets/own/stack.h"

namespace own {

// Seventh, process the segment text
Stack::Then Stack::process_segment_text(Connection& c, Segment& seg) {
  const bool after_fin = c.fin_received && planted.has(Defect::data_after_fin_delivered);
  if (!c.receives() && !after_fin) return Then::kProceed;  // "Ignore the segment text."

  ByteView text = seg.text;
  if (c.received.fin && !after_fin) {  // nothing follows a FIN
    text = text.first(std::min<std::size_t>(text.size(), std::max(0, ahead(*c.received.fin, seg.seq))));
  }
  const bool part = c.selective.duplicate && planted.has(Defect::ecn_ce_of_parts_ignored);
  if (!text.empty() && !part) ecn_text_arrives(c, seg);
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
  if (planted.has(Defect::held_fin_outdated) && seg.timestamps) {
    if (above && seg.ctl.fin) c.stamps.held = seg.timestamps->value;
    const bool newer = !above && !seg.ctl.fin && !text.empty() && lt(c.stamps.held, seg.timestamps->value);
    if (newer && c.received.fin) c.received.fin.reset();
  }
  const bool dropped = planted.has(Defect::drops_out_of_order) || variants.has(LegalVariant::out_of_order_dropped);
  const std::size_t most = variants.has(LegalVariant::out_of_order_one_stretch) ? 1 : Reassembly::kStretchesMax;
  const SeqNum end = at + static_cast<SeqNum>(text.size());
  const bool no_place = !above && c.received.stretches() >= 4 && !c.received.holding(end) &&
                        planted.has(Defect::many_stretches_drop_next);
  if ((!above || !dropped) && !no_place) c.received.hold(c.rcv_nxt, at, text, most);
  if (!above && planted.has(Defect::gap_of_one_octet_filled) && !c.received.holding(end) &&
      c.received.holding(end + 1)) {
    constexpr std::uint8_t kMadeUp[1] = {};
    c.received.hold(c.rcv_nxt, end, kMadeUp, most);
  }
  const std::uint32_t count = c.received.deliver(c.rcv_nxt);
  if (above && !text.empty()) note_island(c, at, static_cast<std::uint32_t>(text.size()));

  // SHLD-3: "if new data is received after CLOSE is called, its TCP implementation SHOULD send a RST"
  if (c.user_gone && (count > 0 || !text.empty()) && !planted.has(Defect::no_rst_after_close) &&
      !variants.has(LegalVariant::no_rst_on_close)) {
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
    c.ack_now = c.ack_now || !seg.text.empty();  // text after the peer's own FIN: acknowledge again
    return Then::kProceed;
  }

  schedule_ack(c, count, above || had_gap);
  return Then::kProceed;
}

// RFC 5681 section 4.2: at once above a gap and when one is filled, else for every second segment (SHLD-18, SHLD-19).
void Stack::schedule_ack(Connection& c, std::uint32_t count, bool at_gap) {
  ++c.segments_unacked;
  c.octets_unacked += count;
  const bool by_octets = variants.has(LegalVariant::counts_full_segments) || planted.has(Defect::delayed_ack_restarts);
  const bool full = !by_octets || c.octets_unacked >= 2u * c.rcv_mss;
  const bool second = c.segments_unacked >= 2 || c.octets_unacked >= 2u * c.rcv_mss;
  const bool every_second = second && full && !planted.has(Defect::stretch_ack);
  const bool at_once = variants.has(LegalVariant::acks_every_segment) || planted.has(Defect::no_delayed_ack);
  const bool gap = at_gap && !planted.has(Defect::out_of_order_ack_delayed);
  if (count > 0 && planted.has(Defect::two_acks)) send_ack(c), c.ack_now = true;
  if (gap || every_second || at_once) c.ack_now = true;
}

// Eighth, check the FIN bit
Stack::Then Stack::check_fin_bit(Connection& c, Segment& seg) {
  if (seg.ctl.urg && planted.has(Defect::fin_with_urg_ignored)) seg.ctl.fin = false;
  if (seg.ctl.fin && !c.receives()) {  // a second FIN: remain in the state
    if (planted.has(Defect::second_fin_counted)) ++c.rcv_nxt;
    if (c.state == State::kTimeWait) enter_time_wait(c);
    challenge(c, seg);
    return Then::kProceed;
  }
  if (seg.ctl.fin) {
    if (!c.received.fin) c.received.fin = seg.seq + static_cast<SeqNum>(seg.text.size());
    c.ack_now = true;
  }
  // Text that the peer has sent behind its own FIN was taken already: then that FIN was none.
  if (c.received.fin && c.receives() && lt(*c.received.fin, c.rcv_nxt)) c.received.fin.reset();
  if (c.received.fin && gt(*c.received.fin, c.rcv_nxt) && planted.has(Defect::fin_ahead_forgotten)) {
    c.received.fin = c.rcv_nxt;
  }
  if (!c.receives() || c.received.fin != c.rcv_nxt) return Then::kProceed;

  ++c.rcv_nxt;
  c.rcv_wnd -= std::min(c.rcv_wnd, 1u);
  c.fin_received = true;
  c.received.forget_held();  // behind its FIN a peer has nothing to say
  c.ack_now = true;
  if (c.state == State::kEstablished) {
    if (planted.has(Defect::close_wait_stops_timer)) c.timers.retransmission = kNever;
    if (!planted.has(Defect::fin_leaves_established)) c.state = State::kCloseWait;
    if (planted.has(Defect::fin_answers_fin)) close(c);
  } else if (c.state == State::kFinWait1 && !planted.has(Defect::fin_wait_1_waits_too_early)) {
    if (planted.has(Defect::closing_stops_timer)) c.timers.retransmission = kNever;
    c.state = State::kClosing;  // our FIN has not been ACKed, or this would be FIN-WAIT-2
  } else {
    enter_time_wait(c);
  }
  return c.state == State::kClosed ? Then::kReturn : Then::kProceed;
}

}  // namespace own
