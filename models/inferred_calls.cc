// SPDX-License-Identifier: Apache-2.0
#include "models/inferred_calls.h"

#include "models/segment_departs.h"
#include "models/user_calls.h"

namespace tcpassay {
namespace {

constexpr std::uint32_t kSendMax = 1u << 30;  // of octets that one SEND adds; half of what comparison can tell apart

constexpr std::uint8_t kCopiesMax = 8;  // of a segment that the network may have made

bool is_owed(const Tcb& tcb, const Departing& rst) {
  const Reply& due = tcb.reply;
  if (due.form == Reply::Form::kRst) return rst.seq == due.seq || rst.seq == due.other;
  return due.form == Reply::Form::kRstAck && rst.seq == SndSeq{0} && rst.ctl.ack && rst.ack == due.ack;
}

// A SYN on the ports of an open connection means that its user has gone: by a call, or by a user timeout that expired.
void infer_open(Step& on, const Departing& syn) {
  Candidate& tcb = on.tcb;
  const bool again = tcb.state == State::kSynSent && tcb.iss_known && syn.seq == tcb.iss;
  if (again || (tcb.state == State::kSynSent && tcb.reply.form == Reply::Form::kSyn)) return;
  tcb.state = State::kClosed;
  UserCall call{.kind = CallKind::kConnect, .result = -1, .error = UserError::kInProgress};
  if (!syn.text.empty() || syn.opt.fast_open || syn.opt.fast_open_experiment) {
    call.kind = CallKind::kSendTo;
    call.result = static_cast<std::int64_t>(syn.text.size());
  }
  active_open_call(on, call);
}

// A RST may mean ABORT, CLOSE with text unread, or that the listener was closed. Its SEQ lies in the send window, or is
// SEG.ACK of the segment that it answers.
void infer_abort(Step& on, const Departing& rst) {
  Candidate& tcb = on.tcb;
  if (tcb.state <= State::kSynSent) return;
  if (is_owed(tcb, rst)) return;  // were it an ABORT all the same, the next answer would look like another
  const bool own = tcb.snd_una <= rst.seq && rst.seq <= tcb.snd_nxt;
  const bool answers = on.env.last_ack && rst.seq == *on.env.last_ack;
  const bool no_listener = tcb.state == State::kSynReceived && rst.seq == SndSeq{0} && rst.ctl.ack;
  if (!own && !answers && !no_listener) return;
  on.delete_tcb(Rule::S3_10_5_established);
  on.reply({.form = Reply::Form::kRst,
            .seq = rst.seq,
            .other = rst.seq,
            .ack = tcb.rcv_nxt,
            .rule = Rule::S3_10_5_established});
}

// Behind the FIN no octet becomes urgent: the segment leaves again as it was.
void infer_urgent_again(Candidate& tcb, const Departing& seg) {
  const SndSeq point = seg.seq + seg.up;
  if (tcb.snd_end < point || tcb.snd_nxt <= seg.seq) return;
  tcb.up.given = true;
  tcb.up.snd_up = point;
}

}  // namespace

void infer_calls(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
  tcb.nagle_free = true;
  if (seg.ctl.rst) {
    infer_abort(on, seg);
    return;
  }
  if (seg.ctl.syn) {
    if (!seg.ctl.ack) infer_open(on, seg);
    return;
  }
  if (tcb.state <= State::kSynSent || !tcb.iss_known) return;
  if (tcb.fin_queued) {
    if (seg.ctl.urg) infer_urgent_again(tcb, seg);
    return;
  }
  const SndSeq text_end = seg.seq + static_cast<std::uint32_t>(seg.text.size());
  const bool next = tcb.snd_end < text_end && text_end - tcb.snd_end <= kSendMax;
  if (next) {
    tcb.snd_end = text_end;
    tcb.window_at = tcb.small_from = on.env.now;
  }
  if (seg.ctl.urg) {  // only the urgent pointer shows where the urgent octets end
    tcb.up.given = true;
    tcb.up.snd_up = seg.seq + seg.up;
  } else if (tcb.up.given && tcb.up.snd_up <= seg.seq) {
    tcb.up.given = false;
  }
  if (seg.ctl.fin && text_end == tcb.snd_end) close_call(on, {.kind = CallKind::kShutdown, .how = 1});
}

void rest_unseen(Step& on) {
  Candidate& tcb = on.tcb;
  tcb.reply = {};
  if (tcb.ack_now || (tcb.ack_later && tcb.ack_due < on.env.since)) tcb.ack_now = tcb.ack_later = false;
  tcb.send_pending = tcb.timed = false;
  tcb.board.owes = tcb.board.owes_old = false;
  tcb.user_timeout = Time{};
  falls_quiet(on);
  tcb.now.clear();
  tcb.later.clear();
  tcb.demerits.clear();
  tcb.freedoms.reset();
  tcb.prompted = 0;
}

void forget_window(Candidate& tcb) {
  Congestion& cc = tcb.congestion;
  cc.reno = cc.cubic = cc.recommended = Window{};
  cc.before = {};
  cc.fits = {};
  cc.left = cc.inflated = cc.limited = cc.resent = cc.delivered = cc.round_flight = 0;
  cc.acks = cc.flat_rounds = cc.halved_silences = 0;
  cc.round_end = {};
  if (cc.phase != Congestion::Phase::kNone) cc.cap = cc.soft_cap = Rule::R5681_3_1_use;
}

void forget_round_trips(Candidate& tcb) {
  tcb.timer = {.rtt_min = Time{}, .exact = false};
  tcb.rtt_max = Time{};
}

void forget_arrivals(Candidate& tcb) {
  Stamps& ts = tcb.stamps;
  if (ts.on() || ts.peer) {
    ts.unsure = true;
    ts.recent.clear();
    ts.arrived.clear();
    ts.why = ts.other_rule = Rule{};
    ts.other = ts.held = 0;
    ts.recent_at = Time::max() / 2;  // never outdated
    ts.held_is_older = ts.several = ts.stale_echo = ts.old_duplicate = false;
  }
  const bool permits = tcb.selective.peer_permits, permitted = tcb.selective.target_permits;
  tcb.selective = {.peer_permits = permits, .target_permits = permitted, .vague = true};
  tcb.board = {.vague = true};
  tcb.ip.arrived_id = 0;
  tcb.ip.arrived_class = 0;
  tcb.keep.heard_from = tcb.keep.heard_to = Time{};
  tcb.challenge = {};
  if (synchronized(tcb.state)) tcb.ack_credits = kCopiesMax;
}

bool is_unprompted_probe(const Tcb& tcb, const Departing& seg) {
  if (!synchronized(tcb.state) || seg.ctl.fin || seg.text.size() > 1) return false;
  return seg.seq == tcb.snd_una - 1 || seg.seq == tcb.snd_nxt - 1;
}

}  // namespace tcpassay
