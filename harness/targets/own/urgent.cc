// SPDX-License-Identifier: Apache-2.0
// Urgent data (RFC 9293 section 3.8.5, RFC 6093) and keep-alives (section 3.8.4).
#include <algorithm>

#include "harness/targets/own/stack.h"

namespace own {

// SEND with the urgent flag: SND.UP is the octet after all text that the user has given.
void Stack::send_urgently(Connection& c) {
  c.urgent_out = true;
  c.snd_up = c.send_base() + c.text_queued();
}

// URG and the pointer go on every segment that begins before SND.UP.
void Stack::mark_urgent(const Connection& c, Segment& seg) const {
  const bool behind = !lt(seg.seq, c.snd_up) && !planted.has(Defect::urgent_flag_stays);
  if (!c.urgent_out || behind || seg.ctl.syn || seg.ctl.rst) return;
  if (c.state == State::kCloseWait && planted.has(Defect::urgent_not_in_close_wait)) return;
  if (planted.has(Defect::urgent_never_sent) || (seg.ctl.fin && planted.has(Defect::urgent_not_on_fin))) return;
  SeqNum up = c.snd_up;
  if (planted.has(Defect::urgent_pointer_short)) --up;
  const bool fixed = planted.has(Defect::urgent_pointer_of_first) && c.snd_una != seg.seq;
  const std::uint32_t farthest = planted.has(Defect::urgent_pointer_wraps) ? 0xffffffff : 0xffff;
  seg.up = static_cast<std::uint16_t>(std::min<std::uint32_t>(up - (fixed ? c.snd_una : seg.seq), farthest));
  seg.ctl.urg = !planted.has(Defect::urgent_on_last_only) || le(c.snd_up, seg.seq + c.eff_snd_mss);
  if (!seg.ctl.urg) seg.up = 0;
}

// Sixth, check the URG bit: RCV.UP <- max(RCV.UP,SEG.UP). The user is told when RCV.UP is ahead of the text that he has
// read. The urgent octets stay in the stream.
Stack::Then Stack::check_urg_bit(Connection& c, Segment& seg) {
  const bool bare = seg.up != 0 && (planted.has(Defect::urgent_without_flag) ||
                                    (c.urgent_in && planted.has(Defect::urgent_without_flag_again)));
  if (!seg.ctl.urg && !bare) return Then::kProceed;
  const bool late = c.state == State::kLastAck && planted.has(Defect::urgent_told_in_last_ack);
  if (!c.receives() && !late && !planted.has(Defect::urgent_after_fin)) return Then::kProceed;  // "ignore the URG"
  const bool far = gt(seg.urgent_point, c.rcv_nxt + c.rcv_wnd);
  if (far && planted.has(Defect::urgent_far_drops)) return Then::kReturn;
  if (seg.up == 0 && planted.has(Defect::urgent_zero_crashes)) {
    send_reset(c);
    delete_tcb(c, Ended::kReset);
    return Then::kReturn;
  }
  if (seg.seq != c.rcv_nxt && planted.has(Defect::urgent_in_sequence_only)) return Then::kProceed;
  if (c.urgent_in && planted.has(Defect::urgent_told_once)) return Then::kProceed;
  const bool higher = !c.urgent_in || gt(seg.urgent_point, c.rcv_up) || planted.has(Defect::urgent_recedes);
  if (!higher || !gt(seg.urgent_point, c.read_to())) return Then::kProceed;
  c.urgent_in = true;
  c.rcv_up = seg.urgent_point;
  return Then::kProceed;
}

bool Stack::urgent_waits(const Connection& c) const {
  if (planted.has(Defect::urgent_not_told)) return false;
  return c.urgent_in && (lt(c.read_to(), c.rcv_up) || planted.has(Defect::urgent_mode_stays));
}

bool Stack::at_urgent_mark(const Connection& c) const {
  return c.urgent_in && c.read_to() == c.rcv_up + (planted.has(Defect::urgent_mark_late) ? 1 : 0);
}

// How much of `length` one RECEIVE takes: urgent data and what follows it are not mixed (section 3.9.1.3).
std::uint32_t Stack::up_to_mark(const Connection& c, std::uint32_t length) const {
  if (!c.urgent_in || !lt(c.read_to(), c.rcv_up) || planted.has(Defect::urgent_read_across)) return length;
  return std::min(length, c.rcv_up - c.read_to());
}

void Stack::set_keep_alive(Connection& c, const Choices& choices) {
  const bool ends = c.choices.keep_alive && !choices.keep_alive;
  if (ends && c.keep_probes > 0 && planted.has(Defect::keep_alive_stays_while_probing)) return;
  const bool stays = c.choices.keep_alive && planted.has(Defect::keep_alive_stays_on);
  const bool probing = c.keep_probes > 0 && c.choices.keep_alive && choices.keep_alive;
  c.choices.keep_alive = stays || (choices.keep_alive && !planted.has(Defect::keep_alive_not_for_user));
  c.choices.keep_idle = choices.keep_idle;
  c.choices.keep_interval = choices.keep_interval;
  c.choices.keep_count = choices.keep_count;
  if (planted.has(Defect::keep_alive_of_the_port)) {
    for (Connection* each : existing_) {
      if (each == &c || each->local_port != c.local_port) continue;
      each->choices.keep_alive = choices.keep_alive;
      start_keep_alive_timer(*each);
    }
  }
  // The next probe leaves when it was due, if nothing has come for the idle time that is set now, too.
  if (probing && now_ >= c.heard + keep_idle(c)) return;
  c.keep_probes = 0;
  start_keep_alive_timer(c);
}

Time Stack::keep_idle(const Connection& c) const {
  const bool again = c.kept_alive && planted.has(Defect::keep_alive_soon_again);
  if (again && c.choices.keep_idle == kDefaultIdle) return c.choices.keep_interval;
  if (planted.has(Defect::keep_alive_soon) && c.choices.keep_idle == kDefaultIdle) return 10 * kSecond;
  return planted.has(Defect::keep_alive_fixed) ? kDefaultIdle : c.choices.keep_idle;
}

// "idle": nothing is outstanding, nothing waits to be sent.
void Stack::start_keep_alive_timer(Connection& c) {
  const bool by_timeout = c.choices.user_timeout > 0 && planted.has(Defect::keep_alive_by_user_timeout);
  const bool by_connect = !c.passive && planted.has(Defect::keep_alive_behind_connect);
  const bool asked = c.choices.keep_alive || by_timeout || by_connect;
  const bool on = asked || planted.has(Defect::keep_alive_always);
  const bool spared = c.state == State::kCloseWait && planted.has(Defect::keep_alive_not_in_close_wait);
  const bool runs = on && !spared && c.synchronized() && c.state != State::kTimeWait && !c.in_flight() && !c.unsent();
  c.timers.keep_alive = runs ? std::max(c.heard, now_ - keep_idle(c)) + keep_idle(c) : kNever;
}

void Stack::keep_alive_timeout(Connection& c) {
  if ((c.in_flight() || c.unsent()) && !planted.has(Defect::keep_alive_while_outstanding)) return;  // acknowledge()
  const Time idle = keep_idle(c);
  const bool answered = c.keep_probes == 0 || planted.has(Defect::keep_alive_answers_forgotten);
  if (answered && now_ < c.heard + idle && !planted.has(Defect::keep_alive_not_restarted)) {
    c.timers.keep_alive = c.heard + idle;
    return;
  }
  const unsigned most = planted.has(Defect::keep_alive_gives_up_at_once) ? 1 : c.choices.keep_count;
  if (c.keep_probes >= most) {
    send_reset(c);
    return delete_tcb(c, Ended::kTimedOut);
  }
  ++c.keep_probes;
  Segment probe = from(c);
  probe.seq = c.snd_nxt - 1;
  const bool fixed = planted.has(Defect::keep_alive_interval_fixed);
  c.timers.keep_alive = now_ + (fixed ? kDefaultInterval : c.choices.keep_interval);
  if (planted.has(Defect::keep_alive_without_stamps)) return depart(probe, nullptr, 0, 0);
  if (!planted.has(Defect::keep_alive_with_octet)) return emit(c, probe);
  depart(probe, nullptr, 0, 1);
}

}  // namespace own
