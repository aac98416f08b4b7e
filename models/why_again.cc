// SPDX-License-Identifier: Apache-2.0
#include "models/why_again.h"

#include <algorithm>

#include "models/congestion/steps.h"
#include "models/loss_recovery.h"
#include "models/retransmission_timer.h"
#include "models/step.h"

namespace tcpassay {
namespace {

using Phase = Congestion::Phase;

// RFC 5827 section 3: with fewer than four segments in flight, and no new text that could leave, the sender waits for
// as many duplicate ACKs as the flight can draw.
bool early_retransmit(const Tcb& tcb) {
  const Congestion& cc = tcb.congestion;
  const std::uint32_t segment = std::max(std::min(cc.largest, cc.smss), 1u);
  const std::uint32_t segments = (flight(tcb) + segment - 1) / segment;
  if (flight(tcb) == cc.largest) return false;  // a single segment draws no duplicate ACK
  if (segments > kDupAckThreshold || held_back(tcb)) return false;
  const std::uint32_t needed = std::max(segments, 2u) - 1;
  return cc.duplicates >= needed || tcb.board.news >= needed;
}

// RFC 8985 section 6.2, step 5: a segment that left sufficiently later has arrived, or sufficient time has passed since
// one that left later arrived. How long that is depends on the target: a quarter of the shortest round trip at first.
bool reordering_window_has_passed(const Step& on) {
  const Tcb& tcb = on.tcb;
  const Time least = std::max(tcb.timer.rtt_min, Time{}) / 4 - kClockSlack;
  const Time apart = tcb.congestion.sent_at - tcb.front_from, since = on.env.now - tcb.board.news_at;
  return least <= Time{} || apart >= least || since >= least;
}

bool shown_by_reports(const Step& on) {
  const Tcb& tcb = on.tcb;
  const Scoreboard& board = tcb.board;
  if (!tcb.sack()) return false;
  if (board.after_rto || board.vague || board.reordered) return true;
  if (board.sacked.empty()) return false;
  return board.news >= kDupAckThreshold || front_is_lost(tcb) || reordering_window_has_passed(on);
}

// In fast recovery the front has left again, and SND.UNA has not moved since: only reports show that it was lost once
// more, a round trip after it left (RFC 8985 section 6.2).
bool lost_once_more(const Step& on) {
  const Tcb& tcb = on.tcb;
  const Time rtt = std::max(tcb.timer.rtt_min, Time{});
  return tcb.sack() && rtt - rtt / 20 <= on.env.now - tcb.front_from + kClockSlack;
}

// The front leaves after something has arrived: what of it calls for that?
Why called_for(const Step& on) {
  const Tcb& tcb = on.tcb;
  const Congestion& cc = tcb.congestion;
  if (tcb.fast_open.text_due) return Why::kSynOnly;
  const bool refused = cc.lost_told || tcb.snd_una < cc.refused_to;
  const bool by_duplicate = cc.duplicated && !cc.window_moved && !cc.lost_told;
  if (refused && !by_duplicate) return Why::kRefused;
  // Partial: some of what was outstanding when the loss was assumed is outstanding still. An ACK that shows that
  // nothing was lost may undo the recovery, but need not: whoever does not look for it goes on.
  const bool outstanding = tcb.snd_una < cc.recover && cc.recover <= tcb.snd_nxt;
  const bool assumed = cc.phase != Phase::kOpen || (cc.recover_known && !cc.lossless);
  // The front has left again since: of a record that does not tell silence the timer may be the reason by now.
  const bool answered = tcb.rexmits > 0 && timer_may_have_expired(on);
  const bool unaware = cc.phase == Phase::kOpen && cc.recover_known && !cc.lossless;
  // Slow start goes on where it can.
  const bool room = cc.progress || (cc.window_moved && (cc.phase == Phase::kLoss || unaware));
  if (room && assumed && outstanding) return answered ? Why::kTimeout : Why::kPartialAck;
  if (cc.phase == Phase::kRecovery && tcb.board.front_again) {
    if (lost_once_more(on)) return Why::kReported;
    if (timer_may_have_expired(on)) return Why::kTimeout;
    return refused ? Why::kRefused : Why::kNone;
  }
  if (cc.duplicates >= kDupAckThreshold) return Why::kThirdDuplicate;
  if (early_retransmit(tcb)) return Why::kEarlyRetransmit;
  if (refused) return Why::kRefused;
  const bool nothing_reported = tcb.board.sacked.empty() && !tcb.board.vague;
  if (nothing_reported && timer_may_have_expired(on)) return Why::kTimeout;
  if (shown_by_reports(on)) return Why::kReported;
  if (timer_may_have_expired(on)) return Why::kTimeout;
  // Of a target whose user is not known, it is not sure what had arrived when the segment left.
  const bool shows_something = !cc.lossless || cc.duplicates > 0 || cc.progress || cc.window_moved || tcb.sack();
  return !on.env.user_known && shows_something ? Why::kThirdDuplicate : Why::kNone;
}

// RFC 8985 section 7.2: nothing was reported, no recovery goes on, and a round trip was measured since the last probe.
bool may_probe(const Step& on, SndSeq end) {
  const Tcb& tcb = on.tcb;
  const Congestion& cc = tcb.congestion;
  const bool single = end == tcb.snd_nxt && flight(tcb) <= std::max<std::uint32_t>(cc.smss, tcb.snd_mss);
  const bool calm = tcb.board.sacked.empty() && !tcb.board.after_rto && cc.timed_out != tcb.snd_una;
  return tcb.sack() && single && calm && !tcb.board.probed && tcb.rexmits == 0 && probe_timeout_has_passed(on);
}

// The reordering timer runs from the report of later text, for no longer than a round trip.
bool reordering_timer_may_run(const Step& on) {
  const Tcb& tcb = on.tcb;
  if (!tcb.sack() || (tcb.board.sacked.empty() && !tcb.board.vague) || tcb.board.front_again) return false;
  return on.env.since - tcb.board.arrived_at <= tcb.rtt_max + 2 * kClockSlack;
}

// Text behind the front leaves again with a reason, too: a loss was assumed or may be shown, a window or the path has
// refused it, or it is a loss probe. Old text may go with new. Which timer of which segment has expired is not
// followed: what leaves later than a clock's granularity after the last text is let pass, and only what leaves at once
// is refused.
bool may_follow(const Step& on, SndSeq end) {
  const Tcb& tcb = on.tcb;
  const Congestion& cc = tcb.congestion;
  if (!on.env.user_known || !synchronized(tcb.state) || tcb.fast_open.text_due || tcb.snd_nxt < end) return true;
  const bool assumed = cc.phase != Phase::kOpen || cc.duplicates > 0 || (cc.recover_known && tcb.snd_una < cc.recover);
  const bool shown = tcb.sack() && (!tcb.board.sacked.empty() || tcb.board.vague || tcb.board.reordered);
  const bool refused = cc.lost_told || tcb.snd_una < cc.refused_to || tcb.snd_wnd == 0;
  const bool probe = tcb.sack() && end == tcb.snd_nxt && probe_timeout_has_passed(on);  // RFC 8985 section 7.3
  const Time last = std::max(tcb.front_from, cc.sent_at);
  return assumed || shown || refused || probe || on.env.now - last > kClockSlack;
}

Why expired(Step& on, SndSeq end) {
  if (reordering_timer_may_run(on) && on.may(Freedom::kReorderingTimer)) return Why::kReorderingTimer;
  if (may_probe(on, end) && on.may(Freedom::kLossProbe)) return Why::kLossProbe;
  return Why::kTimeout;
}

}  // namespace

bool probe_timeout_has_passed(const Step& on) {
  const Tcb& tcb = on.tcb;
  if (tcb.timer.rtt_min < Time{}) return false;  // section 7.3: no round trip was measured
  // Section 7.2: new text or an ACK of new text restarts the timer, a duplicate ACK does not.
  const Time last = std::max({tcb.front_to, tcb.timer.acked_at, tcb.congestion.sent_at});
  if (on.env.user_known && on.env.now <= last) return false;  // a timer runs for some time, however short a round trip
  return on.env.now - last + kClockSlack >= tcb.timer.rtt_min - tcb.timer.rtt_min / 20;
}

// Section 7.3: new text that waits, however little, leaves as a loss probe.
bool may_be_loss_probe(const Step& on) {
  return on.tcb.sack() && !on.tcb.congestion.arrived_since_quiet && probe_timeout_has_passed(on);
}

Why why_it_departs(Step& on, SndSeq seq, SndSeq end) {
  const Tcb& tcb = on.tcb;
  if (tcb.snd_nxt <= seq) return Why::kNew;
  if (tcb.snd_una < seq) return may_follow(on, end) ? Why::kBehind : Why::kNone;
  if (!synchronized(tcb.state)) return Why::kTimeout;
  if (tcb.snd_wnd == 0) return Why::kWindowProbe;
  return tcb.congestion.arrived_since_quiet ? called_for(on) : expired(on, end);
}

}  // namespace tcpassay
