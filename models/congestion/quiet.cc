// SPDX-License-Identifier: Apache-2.0
// The target is silent: what kept it from sending more, and does its congestion window grow as RFC 5681 demands?
#include <algorithm>
#include <utility>

#include "models/blame.h"
#include "models/congestion/algorithms.h"
#include "models/congestion/steps.h"

namespace tcpassay {
namespace {

using Phase = Congestion::Phase;

constexpr int kHalvedSilences = 3;  // in a row that show a window, and not a pause before a larger burst
constexpr int kFlatSlowStart = 3, kFlatAvoidance = 6;  // round trips in a row that show what is no accident

// One more round trip whose flight has grown, or has not. Too many of the second kind in a row depart from `rule`.
void judge_growth(Step& on, bool grown, int flat_max, Rule rule) {
  Congestion& cc = on.tcb.congestion;
  cc.flat_rounds = grown ? std::uint8_t{0} : static_cast<std::uint8_t>(cc.flat_rounds + 1);
  if (cc.flat_rounds == 0) on.cite(rule);
  if (cc.flat_rounds < flat_max) return;
  on.depart(rule);
  cc.flat_rounds = 0;
}

// Does the flight of each round trip grow as slow start and congestion avoidance demand, be it only a little?
void watch_growth(Step& on) {
  const Tcb& tcb = on.tcb;
  Congestion& cc = on.tcb.congestion;
  if (tcb.snd_una < cc.round_end || tcb.ip.smaller_told) return;  // the flight may have shrunk with its segments
  const std::uint32_t now = flight(tcb), last = cc.round_flight;
  const bool each = (cc.acks + 1u) * cc.largest >= last;  // an ACK for nearly every segment
  const bool unreduced =
      cc.lossless && !cc.loss_told && !tcb.ecn.echo_arrived;  // an echo of CE ends slow start as a loss does (RFC 3168)
  const bool avoids = !cc.lossless && cc.reno.ssthresh <= last;
  if (last >= cc.smss && each && cc.phase == Phase::kOpen) {
    if (unreduced && !rfc9406::may_leave_slow_start(last, cc.smss)) {
      judge_growth(on, now > last + last / 6, kFlatSlowStart, Rule::R5681_3_1_ssthresh_init);
    } else if (avoids) {
      judge_growth(on, now > last, kFlatAvoidance, Rule::R5681_3_1_ca_should);
    }
  }
  cc.round_end = tcb.snd_nxt;
  cc.round_flight = now;
  cc.acks = 0;
}

// Section 3.1 and RFC 6928: before the first ACK no more leaves than the initial window. False when refused.
bool initial_window_is_kept(Step& on) {
  const Tcb& tcb = on.tcb;
  const Congestion& cc = tcb.congestion;
  // A FIN is no octet of text, and text that only a lost SYN has carried is not in flight.
  const bool of_syn = tcb.fast_open.text_sent && tcb.snd_nxt == cc.refused_to;
  const SndSeq text_nxt = earlier(of_syn ? cc.resent_to : tcb.snd_nxt, tcb.snd_end);
  const std::uint32_t sent = tcb.snd_una < text_nxt ? text_nxt - tcb.snd_una : 0;
  const std::uint32_t text = sent - std::min(sent, reported(tcb));  // which is in flight no more (RFC 6675)
  // RFC 7413 section 4.2.2: text may have left before the SYN,ACK was lost.
  if (tcb.fast_open.opened && cc.cap == Rule::R5681_3_1_iw_synloss) return true;
  // An ACK that reports something new lets a segment leave, as a duplicate ACK does (RFC 3042, RFC 6675).
  const std::uint32_t limited = std::min<std::uint32_t>(tcb.board.news, 2) * cc.smss;
  if (!first_burst(cc) || text <= cc.reno.cwnd + cc.probe + limited || tcb.snd_wnd == 0) return true;
  const bool unbounded = cc.cap == Rule::R5681_3_1_iw && text > 2 * cc.initial;
  const Rule rule = blamed({
      {!unbounded, cc.cap},
      {tcb.no_delay, Rule::S3_7_4_nodelay_cwnd},
      {kOtherwise, Rule::MUST_19},
  });
  return on.refuse(rule, 1);
}

// RFC 6582 section 3.2, step 3: a partial ACK deflates the window by all that it acknowledges, be it that duplicate
// ACKs have told before what has left. By so much at least the window is smaller than half of the flight.
std::uint32_t deflated_further(const Tcb& tcb) {
  const Congestion& cc = tcb.congestion;
  const std::uint32_t left = cc.recover - tcb.snd_una + (kDupAckThreshold - 1u) * cc.smss;  // limited transmit, too
  return cc.after_partial && left < cc.recover_fs ? cc.recover_fs - left : 0;
}

// RFC 5681 section 3.2 and RFC 6582: what duplicate and partial ACKs have called for should have left by now.
void recovery_has_acted(Step& on) {
  const Tcb& tcb = on.tcb;
  const Congestion& cc = tcb.congestion;
  if (cc.fast_retransmit_due) on.depart(Rule::R5681_3_2_fr);
  const bool text = tcb.snd_una < tcb.snd_end;  // a FIN alone is no segment of the flight
  if (cc.partial_retransmit_due && text && tcb.snd_una + cc.smss <= tcb.snd_edge()) on.depart(Rule::R6582_3_2_partial);
  if (!cc.duplicated) return;
  if (cc.limited_transmit_due && cc.news) on.cite(Rule::R5681_3_2_1_lt);
  if (cc.limited_transmit_due && !cc.news) on.depart(Rule::R5681_3_2_1_lt);
  if (selective(tcb)) return;
  if (cc.phase == Phase::kLoss && cc.duplicates >= kDupAckThreshold) on.cite(Rule::R6582_3_2_recover);
  if (cc.phase != Phase::kRecovery || cc.duplicates <= kDupAckThreshold) return;
  on.cite(Rule::R5681_3_2_4);
  if (cc.news) on.cite(Rule::R5681_3_2_5);
  const std::uint32_t gone = std::min(flight(tcb), cc.duplicates * cc.largest);
  const bool has_room = flight(tcb) - gone + 2 * cc.smss + deflated_further(tcb) <= cc.reno.ssthresh;
  // Behind a message of a smaller path the window has shrunk, nobody says how far in recovery.
  if (!cc.news && held_back(tcb) && has_room && !tcb.ip.smaller_told) on.depart(Rule::R5681_3_2_5);
}

// RFC 5681 section 3.2, step 1: what limited transmit has sent is no part of the window.
std::uint32_t without_limited_transmit(const Tcb& tcb) {
  const Congestion& cc = tcb.congestion;
  return flight(tcb) - std::min(flight(tcb), cc.limited + cc.excess);
}

// An algorithm that keeps 0.7 of its window would have sent more now, so this target is no CUBIC: its window is about
// half of the flight that lost something, and it is no longer in slow start, in which an ACK adds what it acknowledges,
// up to a segment. The smaller window that RFC 6582 allows after recovery shows nothing, and neither does text that
// waits for a while until more can leave.
void strike_cubic(Tcb& tcb) {
  Congestion& cc = tcb.congestion;
  if (!cc.may_be_cubic() || !cc.may_be_reno() || cc.lossless || !cc.progress || cc.phase != Phase::kOpen) return;
  const std::uint32_t now = without_limited_transmit(tcb), half = cc.reno.ssthresh;
  if (cc.after_timeout || half + 2 * cc.smss >= cc.cubic.ssthresh) return;
  if (half + cc.smss / 2 < now) cc.halved_silences = 0;
  if (now + cc.smss <= half || half + cc.smss / 2 < now) return;
  if (cc.recovered && now <= cc.least_exit) return;
  if (cc.recovered) cc.opened = 0;
  if (cc.halved_silences == 0) cc.halved_from = cc.recovered ? now : cc.quiet_flight;
  if (cc.halved_silences < kHalvedSilences) ++cc.halved_silences;
  const bool slow_start = cc.halved_from + cc.opened <= flight(tcb) + cc.smss;  // whole segments leave
  if (cc.halved_silences == kHalvedSilences && !slow_start) cc.fits.remove(Profile::kCubic);
}

// Full segments wait that the peer's window admits, so the congestion window of the target has no room for one more. A
// sender may wait until more can leave at once, as long as less than a third of the window is empty.
void window_is_shown(Tcb& tcb) {
  Congestion& cc = tcb.congestion;
  if (cc.phase != Phase::kOpen || cc.duplicates > 0 || cc.waits || tcb.ip.too_big_seen) return;
  const std::uint32_t used = std::max(flight(tcb), cc.cwnd_at_least), more = (used - 1) / 2;
  const std::uint32_t whole = used + more / cc.smss * cc.smss;
  cc.cwnd_at_most = std::min(cc.cwnd_at_most, std::max(whole, used + cc.smss - 1));
}

// Only the congestion window has held text back: the rules that bound the window are obeyed.
void window_is_kept(Step& on) {
  const Tcb& tcb = on.tcb;
  const Congestion& cc = tcb.congestion;
  on.cite(cc.cap);
  if (cc.cap == Rule::R5681_3_1_iw) {
    on.cite(Rule::MUST_19);
    if (tcb.no_delay) on.cite(Rule::S3_7_4_nodelay_cwnd);
  } else {
    on.cite(Rule::R5681_3_1_use);
  }
  if (info(cc.soft_cap).level == Level::kShould) on.cite(cc.soft_cap);
  if (cc.phase == Phase::kRecovery) on.cite(Rule::R5681_4_3_half);
  if (cc.phase == Phase::kRecovery && selective(tcb) && tcb.snd_una < cc.resent_to) on.cite(Rule::R6675_4_pipe);
  if (cc.phase == Phase::kRecovery && cc.after_partial && !selective(tcb)) on.cite(Rule::R6582_3_2_deflate);
  if (selective(tcb) && cc.duplicated && !cc.progress && cc.phase == Phase::kOpen) on.cite(Rule::R5681_3_2_1_lt_sack);
}

}  // namespace

void congestion_silent(Step& on) {
  Tcb& tcb = on.tcb;
  Congestion& cc = tcb.congestion;
  if (cc.phase == Phase::kNone || tcb.state <= State::kListen) return;  // what is no more owes nothing
  if (cc.scaled != 0 && cc.scaled_sent > 0 && cc.scaled + 2 * cc.largest < flight(tcb)) on.cite(Rule::R5681_3_1_pmtu);
  if (cc.scaled_sent > 0 && cc.scaled != 0)
    cc.scaled_last = std::exchange(cc.scaled, 0);  // what leaves later does not leave at once
  if (!initial_window_is_kept(on)) return;
  recovery_has_acted(on);
  const bool inflated = cc.phase == Phase::kRecovery;  // it shows nothing of the window that comes after
  if (cc.news && cc.duplicates == 0 && !inflated) {
    cc.cwnd_at_least = std::max(cc.cwnd_at_least, flight(tcb));
    cc.at_least_on_path = std::max(cc.at_least_on_path, flight(tcb));
  }
  if (held_back(tcb)) {
    window_is_kept(on);
    window_is_shown(tcb);
    strike_cubic(tcb);
    watch_growth(on);
  }
  cc.quiet_flight = without_limited_transmit(tcb);
  cc.unanswered = false;
  if (cc.halved_silences == 0) cc.opened = 0;
  cc.lost_told = cc.arrived_since_quiet = cc.progress = cc.window_moved = cc.duplicated = cc.informed = cc.news =
      cc.recovered = false;
  cc.was_held_back = held_back(tcb);
  cc.fast_retransmit_due = cc.partial_retransmit_due = cc.limited_transmit_due = false;
}

}  // namespace tcpassay
