// SPDX-License-Identifier: Apache-2.0
// Congestion control: RFC 5681 sections 3 and 4.1, RFC 6582 section 3.2, RFC 3042.
#include <algorithm>

#include "harness/targets/own/stack.h"

namespace own {
namespace {

constexpr unsigned kDupThresh = 3;
constexpr unsigned kInitialSegments = 10;        // RFC 6928 section 2
constexpr std::uint32_t kInitialOctets = 14600;  // the same

}  // namespace

// The initial window; after a lost SYN one segment (section 3.1).
void Stack::start_congestion_control(Connection& c) {
  Congestion& cc = c.cc;
  cc.smss = c.eff_snd_mss;
  cc.initial = std::min(kInitialSegments * cc.smss, std::max(2 * cc.smss, kInitialOctets));
  cc.cwnd = c.syn_retransmitted && !planted.has(Defect::syn_loss_keeps_window) ? cc.smss : cc.initial;
  cc.resend = c.small_end = c.snd_nxt;
  if (planted.has(Defect::synack_grows_window)) cc.cwnd += cc.smss;
  if (planted.has(Defect::no_slow_start)) cc.cwnd = Congestion::kArbitrarilyHigh;
  if (planted.has(Defect::uninitialized_window) && !c.peer_mss_known) cc.cwnd = 16 * cc.smss;
  if (planted.has(Defect::ssthresh_from_syn_window)) cc.ssthresh = std::max(2 * cc.smss, c.snd_wnd);
  if (planted.has(Defect::ssthresh_low)) cc.ssthresh = 4 * cc.smss;
}

// How many octets above SND.UNA may be sent, or sent again.
std::uint32_t Stack::congestion_window(const Connection& c, bool again) const {
  const Congestion& cc = c.cc;
  if (c.choices.no_delay && planted.has(Defect::no_delay_ignores_window)) return Congestion::kArbitrarilyHigh;
  // What goes again in recovery outside RFC 6675 was refused by the path, which pipe() does not know.
  if (cc.recovering && c.selective.permitted && !again) {  // RFC 6675 section 5 (C)
    return c.snd_nxt - c.snd_una + cc.cwnd - std::min(cc.cwnd, pipe(c));
  }
  return cc.recovering ? cc.cwnd : std::max(cc.cwnd, cc.limit);
}

// An ACK of `octets` of new text, outside recovery: equation (2), or SMSS for each window of text (section 3.1).
void Stack::grow_window(Congestion& cc, std::uint32_t octets) const {
  if (cc.slow_start() || planted.has(Defect::avoidance_never_begins)) {
    std::uint32_t more = std::min(octets, cc.smss);
    if (planted.has(Defect::ack_division)) more = cc.smss;
    if (planted.has(Defect::ack_counts_all)) more = octets;
    const bool stretch = cc.restarted && octets >= 3 * cc.smss;
    if (stretch && planted.has(Defect::stretch_counts_all_behind_pause)) more = octets;
    if (cc.after_timeout && planted.has(Defect::timeout_counts_all)) more = octets;
    cc.cwnd += more;
    return;
  }
  if (planted.has(Defect::avoidance_stands_still)) return;
  if (planted.has(Defect::avoidance_adds_half)) cc.cwnd += octets / 2;
  if (planted.has(Defect::avoidance_rounds_down)) {
    cc.cwnd += cc.smss * cc.smss / cc.cwnd;
    return;
  }
  if (planted.has(Defect::avoidance_extra)) cc.cwnd += cc.smss / 4;
  if (planted.has(Defect::avoidance_counts_acks)) {
    cc.cwnd += std::max(cc.smss * cc.smss / cc.cwnd, 1u);
    return;
  }
  // RFC 9438 section 4.3: whoever keeps 0.7 of the window adds 0.53 segments for each window of text.
  const std::uint64_t window = variants.has(LegalVariant::keeps_070) ? cc.cwnd * 100ull / 53 : cc.cwnd;
  cc.counted += octets;
  if (cc.counted < window) return;
  cc.counted -= static_cast<std::uint32_t>(window);
  cc.cwnd += cc.smss;
}

// RFC 3522: the ACK echoes a timestamp older than what was sent again first, so the original has arrived. RFC 4015 then
// restores the window. The defects do so without such evidence.
bool Stack::restores_window(const Connection& c, std::uint32_t octets) const {
  const Congestion& cc = c.cc;
  const bool full = cc.recovering && ge(c.snd_una, cc.recover);
  if (full && c.ecn.agreed && planted.has(Defect::ecn_keeps_window)) return true;
  if (full && c.stamps.ok && planted.has(Defect::stamps_undo_recovery)) return true;
  if (full && c.board.doubled && cc.repaired_much && planted.has(Defect::dsack_undoes_recovery)) return true;
  if (cc.timed_out && c.stamps.ok && planted.has(Defect::stamps_undo_timeout)) return true;
  if (cc.timed_out && octets > cc.smss && planted.has(Defect::jump_undoes_timeout)) return true;
  const bool lost = cc.recovering || cc.timed_out;
  return lost && cc.resent_stamped && c.stamps.echo && lt(*c.stamps.echo, cc.resent_stamp) &&
         variants.has(LegalVariant::eifel_undo);
}

// RFC 9438 section 4.6: 0.7 of the flight is kept.
void Stack::keep_more(Congestion& cc, std::uint32_t flight) const {
  const bool changes = cc.recover_known && planted.has(Defect::halves_once);
  if (!changes && !planted.has(Defect::avoidance_adds_half) && !variants.has(LegalVariant::keeps_070)) return;
  cc.ssthresh = std::max((flight - std::min(flight, cc.limited)) / 10 * 7, 2 * cc.smss);
}

// Equation (4), unless an echo of CE has reduced the window for the same window of data (RFC 3168 section 6.1.2).
void Stack::reduce_for_loss(Connection& c, bool silent) {
  Congestion& cc = c.cc;
  const bool reduced = c.ecn.halved && lt(c.snd_una, c.ecn.recover);
  if (reduced) return cc.keep();
  if (planted.has(Defect::limited_transmit_counts)) cc.limited = 0;
  cc.reduce(c.snd_nxt - c.snd_una);
  keep_more(cc, c.snd_nxt - c.snd_una);
  if (!silent && !planted.has(Defect::ecn_silent_about_loss)) ecn_reduced(c);
}

// How many duplicate ACKs show a loss.
unsigned Stack::duplicates_needed(const Connection& c) const {
  if (planted.has(Defect::first_duplicate_retransmits)) return 1;
  const std::uint32_t segments = (c.snd_nxt - c.snd_una + c.cc.smss - 1) / c.cc.smss;
  if (c.fin_sent && planted.has(Defect::no_fast_retransmit_before_fin)) return ~0u;
  const bool few = 1 < segments && segments <= kDupThresh && !c.unsent();
  return few && variants.has(LegalVariant::early_retransmit) ? segments - 1 : kDupThresh;
}

// The ACK field has moved SND.UNA by `octets`.
void Stack::new_ack(Connection& c, std::uint32_t octets) {
  Congestion& cc = c.cc;
  if (planted.has(Defect::limited_transmit_grows)) cc.cwnd += std::min(cc.duplicates, kDupThresh - 1) * 2 * cc.smss;
  if (!planted.has(Defect::duplicates_survive_new_acks)) cc.duplicates = 0;
  cc.limited = cc.limit = cc.refused = 0;
  cc.front_again = false;
  if (restores_window(c, octets)) {
    cc.undo();
    cc.resend = c.snd_nxt;
    return;
  }
  cc.timed_out = cc.timed_out && planted.has(Defect::second_timeout_keeps_ssthresh);
  cc.resend = max(cc.resend, c.snd_una);
  if (!cc.recovering && c.ecn.no_growth) {  // RFC 3168 section 6.1.2
    if (planted.has(Defect::ecn_grows_on_echo)) cc.cwnd += 2 * octets;
    return;
  }
  if (!cc.recovering) return grow_window(cc, octets);
  const std::uint32_t flight = c.snd_nxt - c.snd_una;
  const bool one_off = planted.has(Defect::full_ack_taken_for_partial) && !c.selective.permitted && c.in_flight();
  const bool early = c.selective.permitted && planted.has(Defect::sack_recovery_ends_early);
  if (one_off ? gt(c.snd_una, cc.recover)
              : ge(c.snd_una, cc.recover) || early) {  // full acknowledgment: (3) of RFC 6582 section 3.2
    cc.recovering = false;
    if (!planted.has(Defect::window_not_deflated)) cc.cwnd = std::min(cc.ssthresh, std::max(flight, cc.smss) + cc.smss);
    return;
  }
  if (c.selective.permitted) {
    c.board.progress = true;
    return;
  }
  // Partial acknowledgment: the next segment was lost too.
  cc.partial = true;
  if (!planted.has(Defect::partial_ack_deflates_nothing)) cc.cwnd -= std::min(cc.cwnd, octets);
  if (octets >= cc.smss) cc.cwnd += cc.smss;
  cc.cwnd = std::max(cc.cwnd, cc.smss);
  const bool ignored = c.fin_sent && planted.has(Defect::partial_ack_ignored_before_fin);
  cc.front_again = !ignored && !planted.has(Defect::partial_ack_ignored);
}

// Section 2 defines when an ACK is a duplicate.
bool Stack::is_duplicate_ack(const Connection& c, const Segment& seg) const {
  if (seg.ack != c.snd_una || seg.ctl.syn || seg.ctl.fin || !c.in_flight() || c.snd_wnd == 0) return false;
  if (planted.has(Defect::any_ack_is_duplicate)) return true;
  const bool update = c.cc.recovering && seg.wnd > 0 && planted.has(Defect::window_updates_inflate);
  return seg.empty && (seg.wnd == c.snd_wnd || update);
}

// Section 3.2
void Stack::duplicate_ack(Connection& c) {
  Congestion& cc = c.cc;
  ++cc.duplicates;
  // (1): each of the first two allows one segment of new text, at most two beyond cwnd (RFC 3042).
  const bool edge = c.snd_una == cc.recover && planted.has(Defect::recover_counts_as_new);
  const bool of_old =
      cc.recover_known && le(c.snd_una, cc.recover) && !edge;  // duplicate ACKs for segments that were sent twice
  const bool none = planted.has(Defect::no_limited_transmit) ||
                    (cc.recover_known && planted.has(Defect::limited_transmit_once)) ||
                    (c.state == State::kCloseWait && planted.has(Defect::no_limited_transmit_in_close_wait));
  if (!cc.recovering && !of_old && cc.duplicates < kDupThresh && !none) {
    const SeqNum behind = lt(cc.resend, c.snd_nxt) ? cc.resend : c.snd_nxt;  // what a path has refused goes first
    cc.limit = std::min(cc.cwnd + (kDupThresh - 1) * cc.smss, behind - c.snd_una + cc.smss);
  }
  if (c.selective.permitted) return duplicate_by_sack(c);
  if (cc.recovering) {
    const bool kept = cc.partial && planted.has(Defect::no_inflation_behind_partial_ack);
    if (!kept && !planted.has(Defect::no_inflation)) cc.cwnd += cc.smss;  // (4): a segment has left the network
    if (planted.has(Defect::inflates_twice)) cc.cwnd += cc.smss;
    return;
  }
  if (cc.duplicates != duplicates_needed(c) || planted.has(Defect::no_fast_retransmit)) return;
  // (2) of RFC 6582
  if (of_old && !planted.has(Defect::fast_retransmit_after_timeout)) return;
  reduce_for_loss(c);  // (2)
  if (planted.has(Defect::reduces_twice)) cc.ssthresh = std::max(cc.ssthresh / 2, 2 * cc.smss);
  if (planted.has(Defect::ssthresh_not_halved)) cc.ssthresh = c.snd_nxt - c.snd_una;
  cc.recovering = cc.recover_known = true;
  cc.after_timeout = cc.partial = false;
  cc.recover = c.snd_nxt;
  if (planted.has(Defect::whole_window_again)) {
    const SeqNum end = c.snd_una + c.text_in_flight();
    for (SeqNum at = c.snd_una; lt(at, end); at += cc.smss) {
      transmit(c, at, std::min(end - at, cc.smss), false);
    }
  } else if (planted.has(Defect::fast_retransmit_of_last)) {
    const std::uint32_t last = std::min(c.text_in_flight(), cc.smss);
    transmit(c, c.snd_una + c.text_in_flight() - last, last, false);
  } else {
    cc.front_again = true;  // (3)
  }
  const unsigned left = cc.duplicates - std::min(cc.duplicates, cc.refused);  // segments have left the network
  cc.cwnd = cc.ssthresh + (planted.has(Defect::no_inflation) ? 0 : left * cc.smss);
  if (planted.has(Defect::inflates_one_more)) cc.cwnd += cc.smss;
}

// The retransmission timer has expired: equation (4), then the loss window.
void Stack::congestion_timeout(Connection& c) {
  Congestion& cc = c.cc;
  const bool again = cc.recovering;
  if (!cc.timed_out) {
    cc.reduce(planted.has(Defect::timeout_halves_window) ? cc.cwnd : c.snd_nxt - c.snd_una);
    keep_more(cc, c.snd_nxt - c.snd_una);
    if (planted.has(Defect::ssthresh_kept_by_timeout)) cc.ssthresh = Congestion::kArbitrarilyHigh;
  }
  cc.timed_out = cc.after_timeout = cc.recover_known = true;
  if (c.board.spans > 0 && planted.has(Defect::sack_text_discarded)) c.board.discarded = c.board.span[0];
  if (!planted.has(Defect::sack_marks_kept)) c.board.spans = 0;  // the receiver may have reneged (RFC 2018 section 5)
  const bool unmoved = planted.has(Defect::no_loss_window) || (again && planted.has(Defect::second_loss_ignored));
  const bool kept = c.fin_sent && planted.has(Defect::loss_window_not_before_fin);
  if (!unmoved && !kept) cc.cwnd = cc.smss;
  cc.counted = cc.limited = cc.limit = cc.refused = 0;
  cc.duplicates = 0;
  cc.recovering = cc.front_again = false;
  if (!cc.timed_out_before || !planted.has(Defect::recover_of_first_timeout)) cc.recover = c.snd_nxt;
  cc.timed_out_before = true;
  if (!planted.has(Defect::ecn_silent_about_loss)) ecn_reduced(c);
  if (planted.has(Defect::no_retransmit_data) || planted.has(Defect::no_retransmit_fin)) return;
  cc.resend = c.snd_una;
}

// Section 4.1: new text after a pause longer than the RTO. RW = min(IW, cwnd)
void Stack::restart_after_idle(Connection& c) {
  const Time last = planted.has(Defect::idle_counts_what_arrives) ? std::max(c.cc.sent_at, c.heard) : c.cc.sent_at;
  if (c.state == State::kCloseWait && planted.has(Defect::no_restart_in_close_wait)) return;
  if (c.in_flight() || now_ - last <= c.rto.value() || planted.has(Defect::no_restart_after_idle)) return;
  c.cc.restarted = true;
  c.cc.cwnd = planted.has(Defect::restart_with_initial_window) ? c.cc.initial : std::min(c.cc.initial, c.cc.cwnd);
}

}  // namespace own
