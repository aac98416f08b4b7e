// SPDX-License-Identifier: Apache-2.0
// Window scale and timestamps (RFC 7323), and what they do for SYNs in TIME-WAIT (RFC 6191).
#include <algorithm>

#include "harness/targets/own/stack.h"

namespace own {
namespace {

constexpr std::uint8_t kUsualShift = 7, kShiftMax = 14;
constexpr std::uint32_t kLeastScaled =
    1000;  // octets: a smaller receive buffer is not scaled, since the rounding would matter
constexpr Time kOutdated = 24 * 24 * 3600 * kSecond;  // RFC 7323 section 5.5

}  // namespace

// Rcv.Wind.Shift: as much as the buffer needs, but at least the usual shift.
std::uint8_t Stack::receive_shift(const Choices& choices) const {
  if (planted.has(Defect::ws_shift_15)) return 15;
  if (variants.has(LegalVariant::scale_0)) return 0;
  if (variants.has(LegalVariant::scale_14) && choices.receive_buffer >= 0xffff) return kShiftMax;
  std::uint8_t shift = choices.receive_buffer < kLeastScaled ? std::uint8_t{0} : kUsualShift;
  const std::uint8_t most = kShiftMax + planted.has(Defect::ws_shift_of_huge_buffer);
  while (choices.receive_buffer >> shift > 0xffff && shift < most) ++shift;
  return shift;
}

// The options of our SYN, or of our SYN,ACK in answer. Section 2.2: offered even when a shift of 0 would do.
void Stack::offer_options(Connection& c, Segment& syn) {
  Scaling& ws = c.scaling;
  Stamps& ts = c.stamps;
  if (!syn.ctl.ack) {
    const bool small = c.choices.receive_buffer < 0xffff && planted.has(Defect::ws_small_buffer_unoffered);
    ws.offered = !small && settings.window_scaling && !variants.has(LegalVariant::scale_not_offered);
    ts.offered = settings.timestamps && !variants.has(LegalVariant::stamps_not_offered);
  }
  ws.rcv = receive_shift(c.choices);
  const bool unanswered = c.passive && planted.has(Defect::ws_not_answered);
  const bool ws_unasked = c.passive && planted.has(Defect::ws_unsolicited);
  const bool ts_unasked = c.passive && planted.has(Defect::ts_unsolicited);
  ws.ok = ws.ok && !unanswered;
  if ((syn.ctl.ack ? ws.ok : ws.offered) || ws_unasked) syn.window_scale = ws.rcv;
  if (planted.has(Defect::ws_shift_misnamed) && syn.window_scale) ++*syn.window_scale;
  const bool none = planted.has(syn.ctl.ack ? Defect::ws_answer_names_none : Defect::ws_syn_names_none);
  if (none && syn.window_scale) syn.window_scale = 0;
  if ((syn.ctl.ack ? ts.ok : ts.offered) || ts_unasked) syn.timestamps = stamp(c, syn, false);
}

// Evaluates the options of both SYNs. After a passive OPEN every offer is accepted.
void Stack::settle_options(Connection& c, const Segment& syn) {
  Scaling& ws = c.scaling;
  const bool scales = settings.window_scaling && !variants.has(LegalVariant::scale_not_offered);
  const bool ws_ours = c.passive ? scales : ws.offered;
  ws.ok = ws_ours && (syn.window_scale.has_value() || planted.has(Defect::ws_one_sided));
  const bool none = syn.window_scale == std::uint8_t{0} && planted.has(Defect::ws_zero_is_none);
  if (none && !c.passive) ws.ok = false;
  ws.snd = syn.window_scale.value_or(0);
  if (ws.snd > kShiftMax && !planted.has(Defect::ws_unclamped)) ws.snd = kShiftMax;
  ws.snd &= 31;
  ws.rcv = receive_shift(c.choices);
  const std::uint32_t window = 0xffffu << (ws.ok ? ws.rcv : 0);  // SEG.WND cannot express more
  c.choices.receive_buffer = std::min(c.choices.receive_buffer, window);
  c.buffer_limit = std::min(c.buffer_limit, window);
  c.rcv_wnd = std::min(c.rcv_wnd, window);

  Stamps& ts = c.stamps;
  const bool ts_ours = c.passive ? settings.timestamps && !variants.has(LegalVariant::stamps_not_offered) : ts.offered;
  ts.ok = ts_ours && syn.timestamps.has_value();
  if (!ts.ok) return;
  ts.recent = syn.timestamps->value;
  ts.recent_at = now_;
  if (syn.ctl.ack) ts.echo = syn.timestamps->echo;
  // RFC 9293 section 3.7.1: Eff.snd.MSS leaves room for the options.
  if (planted.has(Defect::options_not_deducted)) return;
  const int most = c.eff_snd_mss - static_cast<int>(kTimestampsLength);
  c.eff_snd_mss = static_cast<std::uint16_t>(std::max(most, 1));
}

// A millisecond clock with an unpredictable offset (sections 5.4 and 7).
std::uint32_t Stack::timestamp_clock(Connection& c) {
  Stamps& ts = c.stamps;
  const bool plain = c.passive && planted.has(Defect::ts_no_offset_passive);
  if (ts.offset == 0 && !plain && !planted.has(Defect::ts_no_offset)) {
    FourTuple tuple{.local_address = c.remote_address,  // the other way round: not what ISS is made of
                    .remote_address = address_for(c.remote_address),
                    .local_port = c.remote_port,
                    .remote_port = c.local_port};
    if (planted.has(Defect::ts_offset_of_own_port)) tuple.local_port = 0;
    ts.offset = static_cast<std::uint32_t>(prf(secret_, tuple) >> 16);
  }
  if (planted.has(Defect::ts_clock_per_segment)) return ts.offset + ts.count++;
  if (planted.has(Defect::ts_clock_too_fast)) return ts.offset + static_cast<std::uint32_t>(now_);
  if (c.state == State::kCloseWait && planted.has(Defect::ts_clock_stops_in_close_wait)) return ts.last;
  if (planted.has(Defect::ts_clock_minutes)) return ts.offset + static_cast<std::uint32_t>(now_ / (60 * kSecond));
  return ts.offset + static_cast<std::uint32_t>(now_ / timestamp_tick());
}

Time Stack::timestamp_tick() const {
  if (variants.has(LegalVariant::stamps_tick_1s)) return kSecond;
  return variants.has(LegalVariant::stamps_tick_10ms) ? 10 * kMillisecond : kMillisecond;
}

// Section 3.2: TSval is the clock now; TSecr is TS.Recent on a segment with ACK, else zero.
Timestamps Stack::stamp(Connection& c, const Segment& seg, bool again) {
  Stamps& ts = c.stamps;
  std::uint32_t value = timestamp_clock(c);
  if (again && planted.has(Defect::ts_stale_on_retransmit)) value = ts.last;
  if (again && planted.has(Defect::ts_goes_back)) value = ts.last - 10;
  if (seg.ctl.syn && !c.syn_retransmitted) ts.first = value;
  ts.last = value;
  std::uint32_t echo = seg.ctl.ack ? ts.recent : 0;
  if (!seg.ctl.ack && planted.has(Defect::ts_syn_echo_garbage)) echo = value;
  if (seg.ctl.ack && !seg.ctl.syn && planted.has(Defect::ts_echo_garbage)) ++echo;
  return {.value = value, .echo = echo};
}

// The round trip according to TSecr, if it is a TSval that this connection has sent.
std::optional<Time> Stack::echoed_round_trip(Connection& c) {
  const Stamps& ts = c.stamps;
  if (!ts.ok || !ts.echo || planted.has(Defect::ts_clock_per_segment)) return std::nullopt;
  const std::uint32_t clock = timestamp_clock(c);
  if (*ts.echo - ts.first > clock - ts.first) return std::nullopt;
  return Time{clock - *ts.echo} * timestamp_tick();
}

// Section 5.3, R1, and section 3.2 for a segment that lacks the option.
Stack::Then Stack::check_timestamps(Connection& c, Segment& seg) {
  Stamps& ts = c.stamps;
  ts.echo.reset();
  if (!ts.ok) {
    const bool ignored = !seg.timestamps || seg.ctl.syn || !planted.has(Defect::ts_unnegotiated_dropped);
    return ignored ? Then::kProceed : Then::kReturn;
  }
  if (!seg.timestamps) {
    const bool taken = planted.has(Defect::ts_missing_accepted) || variants.has(LegalVariant::stamps_may_be_missing);
    if (seg.ctl.rst || taken) return Then::kProceed;
    const bool closing = c.state == State::kCloseWait && planted.has(Defect::ts_missing_aborts_close_wait);
    if (closing || planted.has(Defect::ts_missing_aborts)) {
      send_reset(c);
      delete_tcb(c, Ended::kReset);
    }
    return Then::kReturn;
  }
  if (seg.ctl.ack) ts.echo = seg.timestamps->echo;
  if (planted.has(Defect::rttm_from_duplicates) && seg.text.empty()) {
    if (const auto round_trip = echoed_round_trip(c)) c.rto.sample(*round_trip);
  }
  const bool strict = variants.has(LegalVariant::reset_echo_checked);
  if (seg.ctl.rst && strict && seg.timestamps->echo != ts.last) return Then::kReturn;
  const bool takes = seg.seq != c.rcv_nxt && gt(seg.timestamps->value, ts.recent);
  if (seg.ctl.rst && takes && planted.has(Defect::ts_recent_of_reset)) ts.recent = seg.timestamps->value;
  if (seg.ctl.rst && !planted.has(Defect::paws_on_reset)) return Then::kProceed;
  const bool spared = (seg.len() == 0 && planted.has(Defect::paws_not_on_empty)) ||
                      (c.state != State::kEstablished && planted.has(Defect::paws_in_established_only));
  const bool passed = (seg.ctl.fin && planted.has(Defect::paws_not_on_fin)) ||
                      (c.received.has_gap() && planted.has(Defect::paws_not_beside_gap)) ||
                      (gt(seg.seq, c.rcv_nxt) && planted.has(Defect::paws_not_above_gap));
  if (spared || passed || variants.has(LegalVariant::old_stamps_accepted)) return Then::kProceed;
  const std::uint32_t value = seg.timestamps->value;
  const bool equal = value == ts.recent && !seg.text.empty() && planted.has(Defect::paws_drops_equal);
  const bool plain = planted.has(Defect::paws_compares_plainly);
  if (!(plain ? value < ts.recent : lt(value, ts.recent)) && !equal) return Then::kProceed;
  const Time outdated = planted.has(Defect::paws_outdated_in_a_day) ? kOutdated / 24 : kOutdated;
  if (now_ - ts.recent_at > outdated && !planted.has(Defect::paws_never_outdated)) {
    ts.recent = value;
    ts.recent_at = now_;
    return Then::kProceed;
  }
  if (c.rcv_wnd == 0 && planted.has(Defect::paws_after_sequence)) return Then::kProceed;
  if (planted.has(Defect::ts_recent_decreases)) ts.recent = value;
  if (!seg.ctl.rst && !planted.has(Defect::paws_not_acked)) challenge(c, seg);
  return Then::kReturn;
}

// Section 4.3, rule (2), and section 5.3, R3: the segment is in the window.
void Stack::record_timestamp(Connection& c, const Segment& seg) {
  Stamps& ts = c.stamps;
  if (!ts.ok || !seg.timestamps || seg.ctl.rst || planted.has(Defect::ts_recent_never)) return;
  const bool fills = c.received.has_gap() && le(seg.seq, c.rcv_nxt);
  if (fills && planted.has(Defect::ts_fill_not_echoed)) return;
  const bool next = le(seg.seq, c.rcv_nxt) && planted.has(Defect::ts_echo_latest);
  const bool above = gt(seg.seq, c.rcv_nxt) && planted.has(Defect::ts_echo_above_gap);
  if (!le(seg.seq, ts.last_ack_sent) && !next && !above) return;
  if (lt(seg.timestamps->value, ts.recent)) return;
  ts.recent = seg.timestamps->value;
  ts.recent_at = now_;
}

// A SYN in TIME-WAIT begins a new connection or is dropped (RFC 6191 section 2, MAY-2 of RFC 9293 section 3.6.1).
Stack::Then Stack::syn_in_time_wait(Connection& c, const Segment& seg) {
  if (c.state != State::kTimeWait || !seg.ctl.syn || seg.ctl.ack || seg.ctl.rst) return Then::kProceed;
  if (variants.has(LegalVariant::time_wait_not_reopened)) return Then::kProceed;
  if (find_listener(c.local_port) == nullptr) return Then::kProceed;
  if (honours(c, seg)) return reopens(c, seg) ? Then::kReturn : Then::kProceed;
  return variants.has(LegalVariant::time_wait_acks_old_syn) ? Then::kProceed : Then::kReturn;
}

// The last sequence number is that of the peer's FIN, one below RCV.NXT.
bool Stack::honours(const Connection& c, const Segment& seg) const {
  bool above = ge(seg.seq, c.rcv_nxt) && !planted.has(Defect::tw_never_reopened);
  if (seg.seq == c.rcv_nxt && planted.has(Defect::tw_next_number_refused)) above = false;
  if (planted.has(Defect::tw_any_sequence)) above = true;
  const bool offers = settings.timestamps && !variants.has(LegalVariant::stamps_not_offered);
  const bool was = c.stamps.ok, will = seg.timestamps && offers;
  if (!was && will) return above || !planted.has(Defect::tw_new_timestamps_refused);
  if (!was) return above;
  if (!will) return above && !planted.has(Defect::tw_lost_timestamps_refused);
  const std::uint32_t value = seg.timestamps->value;
  const bool plainly = planted.has(Defect::tw_timestamp_plain);
  if (plainly ? value > c.stamps.recent : gt(value, c.stamps.recent))
    return above || !planted.has(Defect::tw_timestamp_ignored);
  if (value == c.stamps.recent) return above && !planted.has(Defect::tw_equal_timestamp_refused);
  return planted.has(Defect::tw_old_timestamp_honoured);
}

bool Stack::reopens(Connection& c, const Segment& seg) {
  Listener* listener = find_listener(c.local_port);
  if (listener->embryonic + listener->accept_queue.size() >= listener->backlog) return false;
  const Reopened old{.snd_nxt = c.snd_nxt,
                     .rcv_nxt = c.rcv_nxt,
                     .used = max(c.snd_nxt, c.attempted.value_or(c.snd_nxt)),
                     .rcv_wnd = c.rcv_wnd,
                     .time_wait = c.timers.time_wait,
                     .scaling = c.scaling,
                     .stamps = c.stamps};
  delete_tcb(c, Ended::kNormally);
  listen_state(*listener, seg, old);
  return true;
}

}  // namespace own
