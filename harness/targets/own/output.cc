// SPDX-License-Identifier: Apache-2.0
// Segments departing: when text, acknowledgments and resets are sent, and what they look like (RFC 9293 sections 3.5.2,
// 3.7.4, 3.8.6).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "harness/targets/own/connection.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/own/ip.h"
#include "harness/targets/own/isn.h"
#include "harness/targets/own/legal_variants.h"
#include "harness/targets/own/packet.h"
#include "harness/targets/own/ring.h"
#include "harness/targets/own/seq.h"
#include "harness/targets/own/stack.h"
#include "harness/targets/own/time.h"

namespace own {

// After the steps of SEGMENT ARRIVES: sends text if allowed, and an ACK with it, alone, or delayed.
void Stack::respond(Connection& c) {
  if (c.state == State::kClosed) return;
  if (c.board.progress && c.cc.recovering) recover_by_sack(c);
  if (c.board.reported) duplicate_ack(c);
  c.board.reported = c.board.progress = false;
  if (c.ack_now && variants.has(LegalVariant::ack_first)) send_ack(c);
  send_queued(c);
  if (c.ack_now) return send_ack(c);
  const bool runs = c.timers.delayed_ack != kNever && !planted.has(Defect::delayed_ack_restarts);
  if (c.segments_unacked == 0 || runs) return;
  if (c.unsent() && c.in_flight() && planted.has(Defect::held_text_holds_acks)) return;
  Time delay = kDelayedAck;
  if (planted.has(Defect::delayed_ack_one_second)) delay = kSecond;
  if (variants.has(LegalVariant::delayed_ack_40ms)) delay = 40 * kMillisecond;
  if (variants.has(LegalVariant::delayed_ack_450ms)) delay = 450 * kMillisecond;
  c.timers.delayed_ack = now_ + delay;
}

// Segmentizes the send queue as far as the windows, the Nagle algorithm and silly window avoidance allow.
void Stack::send_queued(Connection& c, bool override_sws) {
  if (!c.sends() || c.ecn.waits || std::exchange(c.window_unused, false)) return;
  if (c.state == State::kClosing && planted.has(Defect::closing_sends_nothing)) return;
  if (tries_larger_path(c)) c.eff_snd_mss = c.mss_of_peer;
  if (c.cc.front_again && c.snd_wnd > 0) {
    c.cc.front_again = false;
    retransmit(c);
  }
  if (c.unsent()) restart_after_idle(c);
  while (true) {
    // Octets sent into a zero window were refused, so they are sent again at once when the window opens. So are octets
    // that the retransmission timer considers lost.
    if (c.board.spans > 0 && !planted.has(Defect::sack_unused_after_timeout)) {
      c.cc.resend = next_unsacked(c, c.cc.resend);
    }
    if (c.board.discarded.has(c.cc.resend)) c.cc.resend = c.board.discarded.right;
    const bool lost = c.syn_acked && lt(c.cc.resend, c.snd_nxt);
    const bool refused = c.probed && !variants.has(LegalVariant::probe_without_text);
    const bool again = (refused || lost) && c.snd_wnd > 0 && c.in_flight();
    const SeqNum next = again ? (refused ? c.snd_una : c.cc.resend) : c.snd_nxt;
    const std::uint32_t d = c.text_queued() - std::min(c.text_queued(), next - c.send_base());
    // U = SND.UNA + SND.WND - SND.NXT; negative when the peer shrank its window (MUST-34)
    std::uint32_t u = static_cast<std::uint32_t>(std::max(0, ahead(c.snd_una + c.snd_wnd, next)));
    if (c.snd_una + c.snd_wnd < next && planted.has(Defect::edge_compared_plainly)) u = 0;
    if (planted.has(Defect::window_ignored)) u = std::max(u, 0xffffu);
    if (u == 0 && c.snd_wnd > 0 && lt(c.snd_una + c.snd_wnd, next) && planted.has(Defect::shrunk_window_unsigned)) {
      u = 0xffff;
    }

    std::uint32_t length = std::min({d, u, segment_room(c)});
    if (again && c.board.spans > 0) length = std::min(length, next_sacked(c, next) - next);
    const bool may = may_send(c, d, u, next - c.send_base()) || (override_sws && u > 0) || (again && d <= u) ||
                     (again && c.board.spans > 0);
    if (d > 0 && !may) break;
    if (next - c.snd_una + length > congestion_window(c, again)) break;
    // FIN occupies the octet behind the text and needs its place in the window.
    const bool together = length == 0 || !variants.has(LegalVariant::fin_apart);
    const bool waits = c.state == State::kSynReceived;  // 3.10.4: until ESTABLISHED
    const bool fin = c.fin_queued && (again || !c.fin_sent) && length == d && length < u && together && !waits;
    if (length == 0 && (!fin || (next != c.snd_una && planted.has(Defect::fin_waits_for_acks)))) break;
    const bool beyond = next - c.snd_una + length > c.cc.cwnd;
    if (!again && !c.cc.recovering && beyond) c.cc.limited += length;
    const bool swaps =
        !again && length > 0 && 2 * length <= std::min(d, u) && planted.has(Defect::second_segment_first);
    transmit(c, swaps ? next + length : next, length, fin);
    if (again) c.probed = false;
    override_sws = false;
  }
  if (c.in_flight() || !c.unsent() || c.snd_wnd == 0) c.timers.override = kNever;
  if (c.in_flight() || !c.unsent()) return;
  if (c.snd_wnd > 0) {  // no acknowledgment will arrive that could trigger this later
    const Time wait = variants.has(LegalVariant::override_100ms) ? 100 * kMillisecond : kSwsOverride;
    if (!planted.has(Defect::no_sws_override)) c.timers.override = std::min(c.timers.override, now_ + wait);
  } else if (c.timers.retransmission == kNever && (c.text_queued() > 0 || !planted.has(Defect::fin_alone_not_probed))) {
    c.r2_since = c.last_sent = now_;
    start_retransmission_timer(c);
    if (planted.has(Defect::zero_window_probed_at_once)) c.timers.retransmission = now_;
  }
}

// Section 3.8.6.2.1, rules (1) to (3). D octets wait, U is the usable window; all that the user sends counts as pushed.
bool Stack::may_send(Connection& c, std::uint32_t d, std::uint32_t u, std::uint32_t in_flight) const {
  if (planted.has(Defect::silly_window_sender) && u > 0) return true;
  const bool always =
      planted.has(c.state == State::kCloseWait ? Defect::no_delay_not_in_close_wait : Defect::nagle_always);
  const bool no_delay = c.choices.no_delay && !always && !planted.has(Defect::nagle_always);
  const bool no_small = variants.has(LegalVariant::nagle_of_minshall) && le(c.small_end, c.snd_una);
  const bool off = no_delay || no_small || planted.has(Defect::no_nagle) || variants.has(LegalVariant::nagle_off);
  const bool nagle = in_flight == 0 || off;  // [SND.NXT = SND.UNA and]
  const std::uint32_t most = std::min(d, u);
  if (most >= segment_room(c) || (nagle && d <= u)) return true;  // rules (1) and (2)
  return nagle && most > 0 && 2 * most >= c.max_snd_wnd;
}

namespace {

// RFC 3522 step (2): RetransmitTS.
void note_resent(Connection& c) {
  c.cc.repaired_much = c.cc.resent_stamped;
  if (c.cc.resent_stamped) return;
  c.cc.resent_stamped = true;
  c.cc.resent_stamp = c.stamps.last;
}

}  // namespace

// Sends `length` octets of the send queue from `seq` on, for the first time or again.
void Stack::transmit(Connection& c, SeqNum seq, std::uint32_t length, bool fin) {
  const bool again = lt(seq, c.snd_nxt);
  const SeqNum end = seq + length + fin;
  const std::uint32_t offset = length > 0 ? seq - c.send_base() : 0;

  Segment seg = from(c);
  seg.seq = seq;
  seg.ctl.fin = fin;
  // MUST-61: PSH on the last segment of what is queued.
  seg.ctl.psh = length > 0 && offset + length == c.text_queued() && !planted.has(Defect::no_push);
  if (length > 0 && variants.has(LegalVariant::push_everywhere)) seg.ctl.psh = true;
  if (fin && planted.has(Defect::fin_without_ack)) seg.ctl.ack = false;
  if (again && planted.has(Defect::ttl_not_on_retransmissions)) seg.ttl = 64;
  if (length > 0) ecn_mark(c, seg, again);
  if (again && planted.has(Defect::stale_ack_on_retransmit)) seg.ack = c.irs + 1;

  if (!c.in_flight()) c.r2_since = now_;
  if (seq == c.snd_una) c.last_sent = now_;
  if (length > 0 && length < c.eff_snd_mss) c.small_end = max(c.small_end, end);
  if (again) {
    c.board.high_rxt = max(c.board.high_rxt, end);
    if (seq == c.snd_una) c.cc.front_again = false;
    const bool measured = planted.has(Defect::karn_ignored_in_recovery) && c.cc.recovering;
    if (!planted.has(Defect::karn_ignored) && !measured) c.timing = false;
  } else if (!c.timing && c.snd_wnd > 0) {
    c.timing = true;
    c.timed_end = end;
    c.timed_at = now_;
  }
  c.cc.sent_at = now_;
  emit(c, seg, offset, length);
  if (again) note_resent(c);
  if (le(seq, c.cc.resend) && lt(c.cc.resend, end)) c.cc.resend = end;
  c.snd_nxt = max(c.snd_nxt, end);
  c.fin_sent |= fin;
  if (c.state == State::kCloseWait && planted.has(Defect::close_wait_starts_no_timer)) return;
  if (c.probe_interval > 0 && c.snd_wnd > 0 && planted.has(Defect::probed_window_stops_timer)) return;
  if (c.timers.retransmission == kNever || planted.has(Defect::timer_starts_with_each)) start_retransmission_timer(c);
}

// <SEQ=ISS><CTL=SYN>, or <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK> once the peer's SYN is known.
void Stack::send_syn(Connection& c) {
  Segment seg = from(c);
  seg.seq = c.iss;
  seg.ctl.syn = true;
  const bool bare_again = !c.passive && c.syn_retransmitted && planted.has(Defect::simopen_again_without_ack);
  if (c.state == State::kSynSent || bare_again) {
    seg.ctl.ack = false;
    seg.ack = 0;
  }
  ecn_setup(c, seg);
  if (!seg.ctl.ack && planted.has(Defect::dscp_not_on_syn)) seg.traffic_class = 0;
  if (!seg.ctl.ack && planted.has(Defect::syn_from_elsewhere)) ++seg.source.low;
  const bool forgotten = seg.ctl.ack && planted.has(Defect::synack_missing_mss);
  const bool bare = seg.ctl.ack && c.syn_retransmitted && planted.has(Defect::synack_again_without_mss);
  const bool omit = forgotten || bare || variants.has(LegalVariant::mss_not_offered);
  if (seg.ctl.ack == false && planted.has(Defect::syn_with_ack)) seg.ctl.ack = true;
  if (c.syn_retransmitted && planted.has(Defect::syn_number_moves)) ++seg.seq;
  if (!omit) seg.mss = planted.has(Defect::mss_offered_too_large) ? 9000 : c.rcv_mss;  // SHLD-5, MAY-3
  // The answer to a SYN permits what that SYN permitted.
  seg.sack_permitted = seg.ctl.ack ? c.selective.permitted : offers_sack(c);
  if (!omit && planted.has(Defect::mss_less_options)) *seg.mss -= 4;
  seg.wnd = std::min(c.rcv_wnd, 0xffffu);  // never scaled (RFC 7323 section 2.2)
  offer_options(c, seg);
  if (seg.ctl.ack && c.syn_retransmitted && planted.has(Defect::synack_again_unscaled)) seg.window_scale.reset();
  seg.length_too_long = planted.has(Defect::option_length_wrong);
  seg.padded_with_ones = planted.has(Defect::option_padding_not_zero);
  if (seg.ctl.ack && c.passive == false && !c.syn_retransmitted) {  // of a simultaneous open
    if (planted.has(Defect::simopen_sends_wrong_seq)) seg.seq = c.iss + 1;
    if (planted.has(Defect::simopen_sends_ack)) return send_ack(c);
  }
  if (c.timers.retransmission == kNever && !c.syn_retransmitted) {
    c.timing = true;
    c.timed_end = c.iss + 1;
    c.timed_at = c.r2_since = now_;
  } else {
    c.timing = planted.has(Defect::karn_ignored);
  }
  c.last_sent = now_;
  if (seg.ctl.ack) fast_open_syn_ack(c, seg);
  const std::uint32_t text = seg.ctl.ack ? 0 : fast_open_syn(c, seg);
  emit(c, seg, 0, text);
  if (c.timers.retransmission == kNever) start_retransmission_timer(c);
}

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
void Stack::send_ack(Connection& c) {
  Segment seg = from(c);
  if (c.ecn.agreed && planted.has(Defect::ecn_ect_on_ack)) seg.ecn = kEct0;
  emit(c, seg);
}

// The ACK in answer to a segment that is not acceptable (section 3.5.2 group 3, RFC 5961): at most one for each
// segment.
void Stack::challenge(Connection& c, Segment& seg) {
  if (seg.answered) return;
  seg.answered = true;
  const bool blind = c.synchronized() && (seg.ctl.rst || seg.ctl.syn);  // RFC 5961 speaks of these states only
  if (blind && variants.has(LegalVariant::challenges_throttled)) {
    if (now_ - c.challenged_at < kChallengePeriod) return;
    c.challenged_at = now_;
  }
  send_ack(c);
}

// ABORT: <SEQ=SND.NXT><CTL=RST>
void Stack::send_reset(Connection& c) {
  Segment seg = from(c);
  seg.ctl.ack = variants.has(LegalVariant::rst_with_ack);
  seg.ctl.ece = false;
  seg.ctl.rst = true;
  if (planted.has(Defect::dscp_not_on_resets)) seg.traffic_class = 0;
  if (c.state == State::kCloseWait && planted.has(Defect::abort_in_close_wait_from_una)) seg.seq = c.snd_una;
  if (c.ecn.agreed && planted.has(Defect::ecn_ect_on_rst)) seg.ecn = kEct0;
  if (!seg.ctl.ack) seg.ack = 0;
  // RFC 7323 section 5.2
  const bool bare = variants.has(LegalVariant::stamps_not_on_resets);
  if (!c.stamps.ok && provoking_stamp_ && !bare) seg.timestamps = {0, *provoking_stamp_};
  seg.wnd = 0;
  emit(c, seg);
}

// Section 3.5.2, groups 1 and 2: with ACK <SEQ=SEG.ACK><CTL=RST>, else <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>.
// Never for a reset.
void Stack::send_reset_for(const Segment& seg) {
  Segment rst{.source = address_for(seg.source),
              .destination = seg.source,
              .source_port = seg.destination_port,
              .destination_port = seg.source_port};
  rst.ctl.rst = true;
  if (planted.has(Defect::reserved_bits_on_resets)) rst.reserved = seg.reserved;
  if (seg.ctl.ack) {
    rst.seq = planted.has(Defect::closed_rst_wrong_seq) ? 0 : seg.ack;
    const bool made_up = planted.has(Defect::closed_rst_acks_nothing);
    rst.ctl.ack = made_up || variants.has(LegalVariant::rst_with_ack);
    if (rst.ctl.ack) rst.ack = seg.seq + seg.len() + (made_up ? 31337 : 0);
  } else {
    rst.ctl.ack = true;
    rst.ack = seg.seq + (planted.has(Defect::closed_rst_wrong_ack) ? 0 : seg.len());
  }
  // RFC 7323 section 5.2
  const bool bare = planted.has(Defect::rst_without_timestamp) || variants.has(LegalVariant::stamps_not_on_resets);
  const auto* c = find(seg.destination_port, seg.source, seg.source_port);
  if (c != nullptr && c->state == State::kSynSent && planted.has(Defect::syn_sent_reset_without_timestamp))
    return depart(rst, nullptr, 0, 0);
  if (seg.timestamps && !bare) rst.timestamps = {0, seg.timestamps->value};
  depart(rst, nullptr, 0, 0);
}

// A segment with the fields that all segments of the connection share: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>.
Segment Stack::from(const Connection& c) const {
  Segment seg{.source = address_for(c.remote_address),
              .destination = c.remote_address,
              .source_port = c.local_port,
              .destination_port = c.remote_port,
              .seq = c.snd_nxt,
              .ack = c.rcv_nxt,
              .wnd = announced_window(c)};
  seg.traffic_class = planted.has(Defect::dscp_not_set) ? 0 : c.choices.traffic_class;
  const bool usual = c.state == State::kCloseWait && planted.has(Defect::ttl_not_in_close_wait);
  seg.ttl = usual || planted.has(Defect::ttl_not_set) ? 64 : c.choices.ttl;
  if (planted.has(Defect::source_changes) && c.fin_received) ++seg.source.low;
  seg.ctl.ack = true;
  seg.ctl.ece = c.ecn.echo;
  if (planted.has(Defect::mss_on_every_segment)) seg.mss = c.rcv_mss;
  if (planted.has(Defect::reserved_bits_sent)) seg.reserved = last_reserved_;
  if (planted.has(Defect::ack_before_text) && c.rcv_nxt != c.irs + 1) ++seg.ack;
  if (planted.has(Defect::fin_not_counted) && c.fin_received) --seg.ack;
  return seg;
}

// SEG.WND = (RCV.WND >> Rcv.Wind.Shift), RFC 7323 section 2.3.
std::uint32_t Stack::announced_window(const Connection& c) const {
  const bool scale = c.scaling.ok && !planted.has(Defect::ws_out_unshifted);
  return std::min(c.rcv_wnd >> (scale ? c.scaling.rcv : 0), 0xffffu);
}

// Sends a segment. With the ACK bit it also serves as the acknowledgment that was due.
void Stack::emit(Connection& c, Segment seg, std::uint32_t offset, std::uint32_t length) {
  const bool again = lt(seg.seq, c.snd_nxt) && (length > 0 || seg.ctl.fin);
  if (c.grows_untold && c.receives()) tell_growth(c, seg);
  if (c.stamps.ok && !seg.timestamps) seg.timestamps = stamp(c, seg, again);
  if (seg.ctl.fin && planted.has(Defect::ts_missing_on_fin)) seg.timestamps.reset();
  seg.ctl.ece &= seg.ctl.syn || !seg.ctl.fin || !planted.has(Defect::ecn_echo_not_on_fin);
  const bool bare = planted.has(Defect::ts_missing_on_reset) || variants.has(LegalVariant::stamps_not_on_resets);
  const bool late = c.state == State::kCloseWait && planted.has(Defect::ts_missing_on_close_wait_reset);
  if (seg.ctl.rst && (bare || late)) seg.timestamps.reset();
  seg.sack_permitted |= seg.ctl.rst && c.selective.permitted && planted.has(Defect::sack_permitted_on_resets);
  if (seg.ctl.ack && !seg.ctl.syn && !seg.ctl.rst) {
    if (!seg.ctl.fin || !planted.has(Defect::sack_not_on_fin)) add_blocks(c, seg);
    const bool kept = length > 0 && planted.has(Defect::dsack_again_behind_text);
    if (!kept && !planted.has(Defect::dsack_again)) c.selective.duplicate.reset();
    seg.sack_permitted = c.selective.permitted && planted.has(Defect::sack_permitted_on_acks);
  }
  if (seg.ctl.ack) {
    const bool stays = (seg.ctl.syn && c.fast_open.opened && planted.has(Defect::fast_open_ack_forgotten)) ||
                       (length > 0 && planted.has(Defect::ack_on_text_forgotten));
    if (!stays) c.stamps.last_ack_sent = seg.ack;
    const std::uint8_t unscaled = seg.ctl.syn && c.scaling.ok ? c.scaling.rcv : 0;  // RFC 7323 section 2.2
    c.scaling.announced = static_cast<std::uint16_t>(seg.wnd >> unscaled);
    c.ack_now = false;
    c.segments_unacked = c.octets_unacked = 0;
    c.timers.delayed_ack = kNever;
    if (planted.has(Defect::ecn_echo_once)) c.ecn.echo = false;
  }
  const bool bare_segment = length == 0 && !seg.ctl.syn;
  if (bare_segment && c.scaling.ok && planted.has(Defect::ws_on_acks)) seg.window_scale = c.scaling.rcv;
  const bool repeated = lt(seg.seq, c.snd_nxt);
  const bool altered = planted.has(repeated ? Defect::retransmits_different_data : Defect::text_in_wrong_order);
  Segment marked = seg;
  if (length > 0 || seg.ctl.fin || !planted.has(Defect::urgent_not_on_acks)) mark_urgent(c, marked);
  if (bare_segment && planted.has(Defect::dscp_not_on_acks)) marked.traffic_class = 0;
  if (c.snd_wnd == 0 && length > 0 && planted.has(Defect::dscp_not_on_probes)) marked.traffic_class = 0;
  depart(marked, &c.send_queue, offset, length, altered);
}

void Stack::depart(const Segment& seg, const Ring* text, std::uint32_t offset, std::uint32_t length, bool altered) {
  if (collected_ == departed_.size()) {
    departed_.clear();
    wire_.clear();
    collected_ = 0;
  }
  const std::size_t start = wire_.size();
  if (start > kWireOctetsMax) return;
  const std::span<std::uint8_t> place = begin_packet(wire_, seg, length);
  if (length > 0 && text != nullptr) text->copy(offset, place);
  if (length > 0 && altered) place[0] = static_cast<std::uint8_t>(~place[0]);
  finish_packet(wire_, start, planted.has(Defect::checksum_wrong_on_odd_length));
  if (planted.has(Defect::ipv6_without_checksum) && !seg.destination.is_ipv4()) {
    wire_[start + kIpv6Header + 16] = wire_[start + kIpv6Header + 17] = 0;
  }
  departed_.push_back({.at = now_, .start = start, .length = wire_.size() - start});
}

// Section 3.8.6.2.2: enlarges RCV.WND when the user has freed enough space; true when it did.
bool Stack::open_window(Connection& c) {
  const std::uint32_t user = c.received.user();
  const std::uint32_t kept = user + c.rcv_wnd;
  if (kept >= c.choices.receive_buffer) return false;
  if (c.rcv_wnd == 0 && planted.has(Defect::window_stays_shut)) return false;
  const std::uint32_t reduction = c.choices.receive_buffer - kept;
  const bool half = variants.has(LegalVariant::half_segments);  // of the MSS, from which timestamps are taken once
  const std::uint32_t full = half ? 2u * c.eff_snd_mss + (c.stamps.ok ? kTimestampsLength : 0) : c.eff_snd_mss;
  const std::uint32_t worth = std::min(c.choices.receive_buffer / 2, full);
  const bool at_once = c.rcv_wnd == 0 && planted.has(Defect::window_opens_from_zero_at_once);
  if (reduction < worth && !at_once && !planted.has(Defect::silly_window_receiver)) return false;
  c.rcv_wnd = c.choices.receive_buffer - user;
  return true;
}

SeqNum Stack::choose_iss(const Connection& c) {
  const FourTuple tuple{.local_address = address_for(c.remote_address),
                        .remote_address = c.remote_address,
                        .local_port = c.local_port,
                        .remote_port = c.remote_port};
  if (planted.has(Defect::isn_constant)) return 1;
  if (planted.has(Defect::isn_clock_only)) return static_cast<SeqNum>(now_ / 4000);
  if (planted.has(Defect::isn_computed)) return last_iss_ = 1664525 * last_iss_ + 1013904223;
  if (planted.has(Defect::isn_small_steps)) {
    return last_iss_ += 64000 + static_cast<SeqNum>(prf(secret_, tuple) % 64000);
  }
  Time clock = variants.has(LegalVariant::isn_fast_clock) ? now_ * (4000 / 64) : now_;
  if (planted.has(Defect::isn_slow_clock)) clock /= 16;
  if (planted.has(Defect::isn_clock_uneven)) clock *= 1 + c.remote_port % 16;
  const SeqNum iss = initial_sequence_number(secret_, tuple, clock) + isn_ahead_;
  if (settings.initial_sequence_number < 0) return iss;
  if (!isn_shift_) isn_shift_ = static_cast<SeqNum>(settings.initial_sequence_number) - iss;
  return iss + *isn_shift_;
}

}  // namespace own
