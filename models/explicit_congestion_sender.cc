// SPDX-License-Identifier: Apache-2.0
// RFC 3168 section 6.1.2, The TCP Sender: an echo of CE reduces the congestion window like a loss, once for a window of
// data, and CWR tells of each reduction. That the target reduces is sure of some echoes and of some losses; of others
// it is left open (an echo on a duplicate ACK, one at the very end of the window of data, text that may have left again
// for another reason). CWR then shows whether it has.
#include <algorithm>

#include "models/explicit_congestion.h"
#include "models/ip_layer.h"
#include "models/step.h"

namespace tcpassay::ecn {
namespace {

using Cwr = ExplicitCongestion::Cwr;

constexpr Time kTimerAtLeast = std::chrono::milliseconds(100);  // no retransmission timer is shorter
constexpr Time kTimerShould = std::chrono::milliseconds(900);   // RFC 6298 (2.4), with a clock that is ahead
// Of the window that remain: RFC 3168 keeps 50, CUBIC 70, RFC 8511 (ABE) up to 85.
constexpr std::uint32_t kLossPercent = 85;

// What limited transmit has sent beyond the window (RFC 3042, RFC 6675), at most.
std::uint32_t beyond_window(const Tcb& tcb) {
  return std::min<std::uint32_t>(std::max(tcb.congestion.duplicates, tcb.board.news), 2) * tcb.snd_mss;
}

// The size of the target's own full segments.
std::uint32_t own_segment(const Step& on) {
  return std::min<std::uint32_t>({on.tcb.congestion.largest, on.tcb.snd_mss, path_room(on)});
}

void reduces(ExplicitCongestion& state, SndSeq snd_nxt) {
  state.reduced = state.perhaps_reduced = true;
  state.recover = state.perhaps = snd_nxt;
  state.timed_out = false;
}

void may_reduce(ExplicitCongestion& state, SndSeq snd_nxt, bool timeout = false) {
  if (state.cwr == Cwr::kNo) state.cwr = Cwr::kMay;
  state.perhaps_reduced = true;
  state.perhaps = snd_nxt;
  state.timed_out = timeout;
  state.cwnd_limited = false;
  state.reduced_to = 0;
}

// CWR has left with new text: the target has reduced its window, for all that it may have done so for.
void cwr_tells(ExplicitCongestion& state) {
  if (state.cwr != Cwr::kNo && state.perhaps_reduced && !state.timed_out) reduces(state, state.perhaps);
}

// The window was full when the echo came, and it still is: nothing shows that the target has reduced it.
bool is_as_full_as_before(const Tcb& tcb, SndSeq end) {
  const ExplicitCongestion& state = tcb.ecn;
  return state.reduced_to != 0 && state.flight_at_echo != 0 && end - tcb.snd_una >= state.flight_at_echo;
}

// CWR on the first new text after a reduction, and on no other.
bool cwr_is_right(Step& on, const Departing& seg, SndSeq end) {
  ExplicitCongestion& state = on.tcb.ecn;
  if (seg.ctl.cwr) {
    if (state.cwr == Cwr::kNo) {
      const bool same_window = state.reduced_for(on.tcb.snd_una) && !state.cwr_sent;
      on.depart(same_window ? Rule::R3168_6_1_2_react : Rule::R3168_6_1_2_cwr_first);
    } else if (state.cwr == Cwr::kAfterLoss) {
      on.cite(Rule::R3168_6_1_2_cwr_any);
    } else if (state.cwr == Cwr::kDue) {
      on.cite(Rule::R3168_6_1_1_cwr);
      on.cite(Rule::R3168_6_1_2_cwr_first);
    }
    cwr_tells(state);
  } else if (state.cwr == Cwr::kDue) {
    return on.refuse(is_as_full_as_before(on.tcb, end) ? Rule::R3168_5_ce_loss : Rule::R3168_6_1_1_cwr, 1);
  } else if (state.cwr == Cwr::kAfterLoss) {
    on.depart(Rule::R3168_6_1_2_cwr_any);
    state.reduced = false;      // as has been announced: the target may react to an echo
  } else if (state.cwr_sent) {  // cleared again
    on.cite(Rule::R3168_6_1_1_cwr);
    on.cite(Rule::R3168_6_1_2_cwr_first);
    on.cite(Rule::R3168_6_1_2_react);
  }
  state.cwr_sent = seg.ctl.cwr;
  state.cwr = Cwr::kNo;
  return true;
}

// How large the flight may be after an echo, if the congestion window was its limit before (5, too).
bool flight_is_right(Step& on, SndSeq end) {
  ExplicitCongestion& state = on.tcb.ecn;
  const Tcb& tcb = on.tcb;
  if (state.at_one_segment) {
    if (on.env.now.count() < state.one_segment_echo_at + kTimerAtLeast.count()) {
      return on.refuse(Rule::R3168_6_1_2_cwnd1, 1);
    }
    on.cite(Rule::R3168_6_1_2_cwnd1);
    if (on.env.now.count() < state.one_segment_echo_at + kTimerShould.count()) on.depart(Rule::R6298_2_4);
    state.at_one_segment = false;
  }
  if (state.reduced_to == 0 || state.flight_at_echo == 0) return true;
  const std::uint32_t in_flight = end - tcb.snd_una;
  const std::uint32_t limited = beyond_window(tcb);
  if (tcb.snd_una < state.recover) {
    if (in_flight > std::max(state.flight_at_echo, state.reduced_to + state.grown) + limited) {
      on.depart(Rule::R3168_6_1_2_noincrease);
    } else {
      on.cite(Rule::R3168_6_1_2_noincrease);
    }
    return true;
  }
  const std::uint32_t since = tcb.snd_una - state.recover;  // the window grows again
  if (in_flight > state.reduced_to + since + limited) return on.refuse(Rule::R3168_5_ce_loss, 1);
  on.cite(Rule::R3168_5_ce_loss);
  if (since > state.flight_at_echo) state.reduced_to = 0;
  return true;
}

// The window is reduced for an echo on an ACK of something new.
void echo_reduces(Step& on) {
  ExplicitCongestion& state = on.tcb.ecn;
  const Tcb& tcb = on.tcb;
  state.cwr = Cwr::kDue;
  reduces(state, tcb.snd_nxt);
  // The first of these echoes may have found a window between one and two segments, so the second one counts.
  const bool alone = state.cwnd_limited && state.flight_at_echo <= own_segment(on);
  state.one_segment_echoes =
      alone ? static_cast<std::uint8_t>(std::min(state.one_segment_echoes + 1, 2)) : std::uint8_t{0};
  state.at_one_segment = state.one_segment_echoes == 2;
  state.one_segment_echo_at = on.env.now.count();
  state.reduced_to = state.grown = 0;
  if (!state.cwnd_limited) return;
  const auto kept = static_cast<std::uint32_t>(std::uint64_t{state.flight_at_echo} * kLossPercent / 100);
  state.reduced_to = std::max<std::uint32_t>(kept + tcb.snd_mss, 2u * tcb.snd_mss);
}

// Windows of data that are acknowledged are over.
void windows_end(ExplicitCongestion& state, SndSeq ack) {
  state.reduced = state.reduced && ack <= state.recover;
  state.perhaps_reduced = state.perhaps_reduced && ack <= state.perhaps;
}

}  // namespace

bool new_text_departs(Step& on, const Departing& seg, SndSeq end) {
  return !on.tcb.ecn.marks || (cwr_is_right(on, seg, end) && flight_is_right(on, end));
}

void mixed_text_departs(Step& on, const Departing& seg) {
  ExplicitCongestion& state = on.tcb.ecn;
  if (!seg.ctl.cwr) return;
  cwr_tells(state);
  state.cwr = Cwr::kNo;
}

void resent_departs(Step& on, const Departing& seg, SndSeq end, const SendBefore& before) {
  ExplicitCongestion& state = on.tcb.ecn;
  if (seg.ip.ecn() != 0) {
    on.refuse(Rule::R3168_6_1_5_retx, 1);
    return;
  }
  if (!state.may_mark()) return;
  if (state.marks) {
    on.cite(Rule::R3168_6_1_5_retx);
    seg.ctl.cwr ? on.depart(Rule::R3168_6_1_2_cwr_retx) : on.cite(Rule::R3168_6_1_2_cwr_retx);
  }
  state.cwnd_limited = false;
  state.reduced_to = 0;
  // 6.1.2: CWR follows a reduction for any reason, a timeout in the same window of data, too; and when packets are lost
  // that had left again, "this is interpreted [...] as a new instance of congestion".
  const bool another = !state.reduced_for(before.snd_una);
  const bool lost_again = seg.seq < before.resent_to;
  const bool timeout = on.why == Why::kTimeout;
  if (another || lost_again || timeout) may_reduce(state, before.snd_nxt, timeout);
  // The first retransmission may have been a loss probe; the second left because the timer had expired again.
  const bool expired_twice = timeout && on.tcb.rexmits >= 2 && end == before.snd_nxt;
  const bool fast =
      on.why == Why::kThirdDuplicate && on.tcb.congestion.phase == Congestion::Phase::kRecovery && another;
  if (!state.marks || seg.seq != before.snd_una || state.cwr != Cwr::kMay || !(expired_twice || fast)) return;
  state.cwr = Cwr::kAfterLoss;
  if (fast) reduces(state, before.snd_nxt);
}

void ack_arrives(Step& on, const Arriving& seg, bool news) {
  ExplicitCongestion& state = on.tcb.ecn;
  const Tcb& tcb = on.tcb;
  if (news) windows_end(state, seg.ack);
  state.echo_now = seg.ctl.ece && state.marks && state.may_mark() && !state.unjudged;
  if (news && !seg.ctl.ece) {  // the window grows
    state.one_segment_echoes = 0;
    state.grown += std::min<std::uint32_t>(seg.ack - tcb.snd_una, tcb.snd_mss);
  }
  if (!seg.ctl.ece) return;
  if (state.may_mark() || state.unjudged) {
    state.echo_arrived = true;
    on.tcb.congestion.cwnd_at_least = on.tcb.congestion.at_least_on_path = 0;  // the window is smaller now
  }
  const std::uint32_t flight = tcb.congestion.quiet_flight;
  if (state.setup_sent) state.echo_meets(flight - std::min(flight, beyond_window(tcb)), tcb.snd_mss, tcb.snd_nxt);
  if (!state.may_mark() || state.unjudged) return;
  const SndSeq una = news ? seg.ack : tcb.snd_una;
  if (state.reduced_for(una)) return;
  state.flight_at_echo = flight;
  state.echo_until = tcb.snd_nxt;
  const bool at_the_end = (state.reduced && una == state.recover) || (state.perhaps_reduced && una <= state.perhaps);
  if (news && !at_the_end && state.marks) {
    echo_reduces(on);
  } else {  // which includes an echo of nothing that was marked
    may_reduce(state, tcb.snd_nxt);
  }
}

void loss_is_shown(Step& on) {
  ExplicitCongestion& state = on.tcb.ecn;
  const Tcb& tcb = on.tcb;
  if (state.may_mark() && !state.reduced_for(tcb.snd_una)) may_reduce(state, tcb.snd_nxt);
}

void nothing_was_lost(Step& on) {
  ExplicitCongestion& state = on.tcb.ecn;
  if (state.cwr == Cwr::kAfterLoss) state.cwr = Cwr::kMay;
}

// Only the congestion window holds text back, when it does.
void falls_quiet(Step& on) {
  ExplicitCongestion& state = on.tcb.ecn;
  if (!state.marks) return;
  const Tcb& tcb = on.tcb;
  const std::uint32_t unsent = tcb.snd_nxt < tcb.snd_end ? tcb.snd_end - tcb.snd_nxt : 0;
  const std::uint32_t room = tcb.snd_nxt < tcb.snd_edge() ? tcb.snd_edge() - tcb.snd_nxt : 0;
  state.cwnd_limited = tcb.snd_una < tcb.snd_nxt && tcb.rexmits == 0 && std::min(unsent, room) >= tcb.snd_mss;
}

}  // namespace tcpassay::ecn
