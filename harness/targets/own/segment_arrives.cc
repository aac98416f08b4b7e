// SPDX-License-Identifier: Apache-2.0
// SEGMENT ARRIVES in CLOSED, LISTEN and SYN-SENT: RFC 9293 sections 3.10.7.1 to 3.10.7.3. For the rest see steps.cc.
#include <algorithm>

#include "harness/targets/own/stack.h"

namespace own {

namespace {

bool is_deaf_to_rst(const Connection& c, const Segment& seg, const Planted& planted) {
  if (c.syn_retransmitted && planted.has(Defect::synsent_ignores_late_rst)) return true;
  return seg.ack != c.snd_nxt && planted.has(Defect::synsent_ignores_partial_rst);
}

}  // namespace

void Stack::segment_arrives(Segment& seg) {
  if (Connection* c = find(seg.destination_port, seg.source, seg.source_port)) {
    return c->state == State::kSynSent ? syn_sent_state(*c, seg) : other_states(*c, seg);
  }
  Listener* listener = find_listener(seg.destination_port);
  const bool elsewhere = listener != nullptr && listener->choices.elsewhere;
  if (elsewhere && !planted.has(Defect::local_address_ignored)) listener = nullptr;
  return listener != nullptr ? listen_state(*listener, seg) : closed_state(seg);
}

// 3.10.7.1 CLOSED STATE
void Stack::closed_state(const Segment& seg) {
  if (seg.ctl.rst && !planted.has(Defect::rst_answers_rst)) return;
  if (seg.ctl.syn && !seg.ctl.ack && planted.has(Defect::closed_ignores_syn)) return;
  if (seg.ctl.ack && planted.has(Defect::closed_ignores_ack)) return;
  if (!seg.ctl.syn && !seg.ctl.ack && planted.has(Defect::closed_ignores_rest)) return;
  send_reset_for(seg);
}

// A SYN for which there is no room: dropped, or answered as if the port were CLOSED.
void Stack::beyond_backlog(const Segment& syn) {
  Segment counted = syn;
  if (planted.has(Defect::backlog_rst_wrong_ack)) ++counted.seq;
  if (variants.has(LegalVariant::backlog_resets) || planted.has(Defect::backlog_rst_wrong_ack)) send_reset_for(counted);
}

// 3.10.7.2 LISTEN STATE; `old` is the connection in TIME-WAIT that the SYN reopens.
void Stack::listen_state(Listener& listener, const Segment& seg, std::optional<Reopened> old) {
  // First, check for a RST
  if (seg.ctl.rst) {
    if (planted.has(Defect::listen_resets_on_rst)) send_reset_for(seg);
    return;
  }
  // Second, check for an ACK
  const bool accepts_ack = planted.has(Defect::listen_accepts_ack) && !seg.ctl.syn;
  if (seg.ctl.ack && !accepts_ack) return send_reset_for(seg);
  // Third, check for a SYN; Fourth, other data or control
  if (!seg.ctl.syn && !accepts_ack) return;
  if (seg.ctl.syn && planted.has(Defect::listener_deaf)) return;
  if (listener.embryonic + listener.accept_queue.size() >= listener.backlog) return beyond_backlog(seg);
  if (seg.timestamps && seg.timestamps->echo != 0 && planted.has(Defect::ts_syn_echo_checked)) return;

  Connection* c = create(seg.destination_port, seg.source, seg.source_port, listener.choices);
  if (c == nullptr) return;
  c->passive = true;
  c->parent = &listener;
  c->iss = choose_iss(*c);
  c->reopened = old;
  if (old && planted.has(Defect::tw_iss_below)) c->iss = old->used - 10;
  if (old && le(c->iss, old->used) &&
      !planted.has(Defect::tw_iss_below)) {  // larger than any used before (MAY-2), now and for connections to come
    isn_ahead_ += old->used + 0x10000 - c->iss;
    c->iss = old->used + 0x10000;
  }
  if (accepts_ack) c->iss = seg.ack - 1;
  c->snd_una = c->iss;
  c->snd_nxt = c->iss + 1;
  c->undelivered_since = now_;
  if (planted.has(Defect::rto_too_short)) c->rto.start_from(200 * kMillisecond);
  c->state = State::kSynReceived;
  ++listener.embryonic;
  synchronize(*c, seg);
  fast_open_syn_arrives(listener, *c, seg);
  if (accepts_ack) {
    c->irs = seg.seq - 1;
    c->rcv_nxt = seg.seq;
    acknowledge(*c, seg.ack);
    return established(*c);
  }
  send_syn(*c);
  arm_user_timer(*c);
  if (!seg.text.empty() && planted.has(Defect::syn_text_reprocessed)) return_to_listen(*c);
}

// Takes over the fields of the peer's SYN, in LISTEN and in SYN-SENT. Its text and FIN are queued until ESTABLISHED.
void Stack::synchronize(Connection& c, const Segment& seg) {
  c.irs = seg.seq;
  c.rcv_nxt = seg.seq + 1;
  // Eff.snd.MSS (3.7.1): the lesser of what the peer takes, a default if it does not say, and what IP can send.
  const std::uint16_t most = interface_mss(c.remote_address);
  std::uint16_t send_mss = planted.has(Defect::mss_default_large) ? most : default_send_mss(c.remote_address);
  if (planted.has(Defect::ipv6_default_of_ipv4)) send_mss = std::min<std::uint16_t>(send_mss, 536);
  if (seg.mss) send_mss = std::max<std::uint16_t>(*seg.mss, 1);  // with zero nothing could be sent
  if (planted.has(Defect::mss_ignored)) send_mss = most;
  c.peer_mss_known = seg.mss.has_value();
  c.eff_snd_mss = std::min({send_mss, most, c.choices.mss});
  if (planted.has(Defect::beyond_interface)) c.eff_snd_mss = send_mss;
  if (variants.has(LegalVariant::half_segments)) c.eff_snd_mss = std::max<std::uint16_t>(c.eff_snd_mss / 2, 1);
  c.mss_of_peer = c.eff_snd_mss;

  c.selective.permitted = (offers_sack(c) && seg.sack_permitted) || planted.has(Defect::sack_unasked);
  settle_options(c, seg);
  ecn_setup_arrives(c, seg);

  const bool scale_syn = c.scaling.ok && planted.has(Defect::ws_syn_scaled);
  c.snd_wnd = c.max_snd_wnd = seg.wnd << (scale_syn ? c.scaling.snd : 0);
  if (planted.has(Defect::window_of_syn_ignored)) c.snd_wnd = c.max_snd_wnd = 0xffff;
  c.snd_wl1 = seg.seq;
  c.snd_wl2 = seg.ctl.ack ? seg.ack : c.iss;

  if (variants.has(LegalVariant::syn_text_dropped)) return;
  const std::size_t fits = std::min<std::size_t>(seg.text.size(), c.rcv_wnd);
  c.received.hold(c.rcv_nxt, c.rcv_nxt, seg.text.first(fits));
  if (seg.ctl.fin && seg.text.size() < c.rcv_wnd) {
    c.received.fin = c.rcv_nxt + static_cast<SeqNum>(seg.text.size());
  }
}

// 3.10.7.3 SYN-SENT STATE
void Stack::syn_sent_state(Connection& c, Segment& seg) {
  // First, check the ACK bit
  if (seg.ctl.ack) {
    const bool acceptable = lt(c.snd_una, seg.ack) && le(seg.ack, c.snd_nxt);  // SND.UNA < SEG.ACK =< SND.NXT
    if (!acceptable && planted.has(Defect::synsent_accepts_bad_ack) && seg.ctl.syn) {
      seg.ack = c.snd_nxt;
    } else if (!acceptable && seg.ctl.rst && planted.has(Defect::synsent_believes_bad_rst)) {
      return delete_tcb(c, Ended::kRefused);
    } else if (!acceptable) {
      if (!seg.ctl.rst) send_reset_for(seg);
      if (!seg.ctl.rst && planted.has(Defect::bad_ack_sends_syn)) retransmit(c);
      return;
    }
  }
  // Second, check the RST bit. SEG.SEQ cannot be compared: RCV.NXT has no value yet (RFC 5961 section 3.2).
  if (seg.ctl.rst) {
    if (is_deaf_to_rst(c, seg, planted)) return;
    const bool believed =
        seg.ctl.ack ? !planted.has(Defect::synsent_ignores_rst) : planted.has(Defect::synsent_rst_without_ack);
    if (believed) delete_tcb(c, planted.has(Defect::refused_told_as_timeout) ? Ended::kTimedOut : Ended::kRefused);
    return;
  }
  // Third, check the security: security options are not supported.
  // Fourth, check the SYN bit
  if (seg.ctl.syn) {
    if (!seg.ctl.ack && planted.has(Defect::no_simultaneous_open)) return;
    synchronize(c, seg);
    if (seg.ctl.ack) fast_open_syn_ack_arrives(c, seg);
    if (seg.ctl.ack) acknowledge(c, seg.ack);
    if (!c.syn_acked) {  // simultaneous open
      c.state = State::kSynReceived;
      return send_syn(c);
    }
    // Our SYN has been ACKed. Text and FIN are taken from the sixth step on; what is queued to be sent carries the ACK.
    established(c);
    c.ack_now = true;
    fast_open_resend(c);
    seg.ctl.syn = seg.ctl.fin = false;
    seg.seq = c.rcv_nxt;
    seg.text = {};  // synchronize() has it
    if (check_urg_bit(c, seg) == Then::kReturn || process_segment_text(c, seg) == Then::kReturn ||
        check_fin_bit(c, seg) == Then::kReturn) {
      return;
    }
    return respond(c);
  }
  // Fifth, if neither of the SYN or RST bits is set, then drop the segment
  if (seg.ctl.ack && planted.has(Defect::synsent_ack_stops_timer)) c.timers.retransmission = kNever;
  if (seg.ctl.fin && planted.has(Defect::synsent_takes_fin)) return delete_tcb(c, Ended::kNormally);
  if (seg.ctl.ack && planted.has(Defect::synsent_takes_ack)) {
    Segment syn = seg;
    syn.ctl.syn = true;
    --syn.seq;
    synchronize(c, syn);
    acknowledge(c, seg.ack);
    established(c);
    c.ack_now = true;
    respond(c);
  }
}

}  // namespace own
