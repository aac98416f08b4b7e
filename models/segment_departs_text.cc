// SPDX-License-Identifier: Apache-2.0
// Text and FIN, new or again, and what of them may leave when (RFC 9293 section 3.8).
#include "models/ip_layer.h"
#include "models/loss_recovery.h"
#include "models/segment_arrives.h"
#include "models/segment_departs_steps.h"
#include "models/spurious.h"
#include "models/why_again.h"
#include "models/window_scale.h"

namespace tcpassay {
namespace {

std::uint32_t effective_mss(const Tcb& tcb, const Environment& env) {
  return std::min<std::uint32_t>(tcb.snd_mss, env.mms_s - 20);
}

// Eff.snd.MSS, less the options of this segment (3.7.1). An MSS too small for the options cannot be obeyed.
std::uint32_t segment_room(const Tcb& tcb, const Environment& env, const Departing& seg) {
  const std::uint32_t most = effective_mss(tcb, env);
  constexpr std::uint32_t kLeast = 24;
  return most < seg.opt.octets + kLeast ? std::min(most, kLeast) : most - seg.opt.octets;
}

// Where a segment of text or FIN lies, as measured before it moves SND.NXT.
struct Extent {
  std::uint32_t octets;  // of text
  SndSeq text_end, end;  // behind the last octet of text; behind the FIN too
  bool fresh, resent;    // some of it is new; some of it was sent before
};

Extent extent_of(const Tcb& tcb, const Departing& seg) {
  const auto octets = static_cast<std::uint32_t>(seg.text.size());
  const SndSeq text_end = seg.seq + octets;
  const SndSeq end = text_end + (seg.ctl.fin ? 1u : 0u);
  return {
      .octets = octets, .text_end = text_end, .end = end, .fresh = tcb.snd_nxt < end, .resent = seg.seq < tcb.snd_nxt};
}

// An MSS of zero or 65535, as RFC 9293 section 3.7.5 gives it to jumbograms: a segment may have any size.
bool any_size(const Tcb& tcb) {
  return tcb.mss_given && tcb.snd_mss == 0xffff;
}

// ---- Sequence: nothing acknowledged, no gap, the FIN behind all text ----

bool is_not_yet_acknowledged(Step& on, const Departing& seg, const Extent& at) {
  const Candidate& tcb = on.tcb;
  if (tcb.snd_una < at.end) {
    const bool known = on.env.user_known && on.env.sent != nullptr;
    const bool queued = tcb.snd_una <= seg.seq || !known || on.env.sent->lies_across(seg.seq, tcb.snd_una);
    return queued || on.refuse(Rule::SA4_5_new, 2);
  }
  // Of a queue that is empty the timer has nothing to send. A closed window is probed, be it with an octet that the
  // peer has taken: 3.8.6.1 asks for a new one "if available".
  const bool probes = tcb.snd_wnd == 0 && tcb.snd_nxt < tcb.snd_end && at.octets <= 1;
  const bool by_timer = probes && tcb.snd_una == tcb.snd_nxt && !tcb.congestion.arrived_since_quiet;
  const bool aborted = tcb.state == State::kTimeWait && !tcb.ways_out.empty() &&
                       tcb.ways_out.back().rule == Rule::S3_10_5_established;  // all was flushed
  const Rule rule = blamed({
      {aborted, Rule::S3_10_5_established},
      {tcb.board.duplicate, Rule::R2883_5_tolerate},
      {by_timer, Rule::R6298_5_2},
      {kOtherwise, Rule::SA4_5_new},
  });
  return on.refuse(rule, 2);
}

// 3.10.4: the FIN stands behind the text that the user gave before CLOSE, and a second CLOSE gives no second FIN. A FIN
// that is acknowledged has left the retransmission queue (3.10.7.4, fifth step).
bool fin_is_due(Step& on, const Departing& seg, const Extent& at) {
  const Candidate& tcb = on.tcb;
  if (!seg.ctl.fin) return true;
  const bool closed_again = tcb.snd_end < at.text_end;
  const bool second = closed_again && at.octets == 0 && tcb.snd_end < tcb.snd_nxt;
  constexpr Time kAtOnce = std::chrono::milliseconds(150);  // no retransmission timer expires sooner
  const bool at_call = tcb.snd_end < tcb.snd_nxt && on.env.now - tcb.front_from < kAtOnce;
  const Rule too_early = tcb.state == State::kLastAck ? Rule::S3_10_4_close_wait : Rule::S3_10_4_established;
  const Blame table[] = {
      {!tcb.fin_queued, Rule::S3_6_fin_by_user},
      {at.text_end < tcb.snd_end, too_early},
      {closed_again && tcb.now.has({Rule::S3_10_4_fin_wait, true}), Rule::S3_10_4_fin_wait},
      {closed_again && tcb.now.has({Rule::S3_10_4_closing, true}), Rule::S3_10_4_closing},
      {second, tcb.snd_end < tcb.snd_una ? Rule::SA4_5_new : too_early},
      {at_call && tcb.now.has({Rule::S3_10_4_fin_wait, true}), Rule::S3_10_4_fin_wait},
      {at_call && tcb.now.has({Rule::S3_10_4_closing, true}), Rule::S3_10_4_closing},
  };
  for (const Blame& row : table) {
    if (row.when) return on.refuse(row.rule, 2);
  }
  return true;
}

bool sequence_is_due(Step& on, const Departing& seg, const Extent& at) {
  const Candidate& tcb = on.tcb;
  if (!is_not_yet_acknowledged(on, seg, at) || !fin_is_due(on, seg, at)) return false;
  if (tcb.snd_end < at.text_end) {  // more than the user has given
    return on.refuse(seg.ctl.fin || tcb.fin_queued ? Rule::S3_6_send_after_close : Rule::S3_9_1_2_order, 2);
  }
  if (tcb.snd_nxt < seg.seq) return on.refuse(Rule::S3_9_1_2_order, 2);
  return true;
}

// ---- Contents and size ----

bool contents_are_right(Step& on, const Departing& seg, const Extent& at) {
  const Candidate& tcb = on.tcb;
  if (!on.env.user_known) return true;
  for (std::uint32_t i = 0; i < at.octets; ++i) {
    const std::uint32_t offset = seg.seq + i - (tcb.iss + 1);
    if (seg.text[i] == target_octet(offset)) continue;
    return on.refuse(blamed({
                         {at.resent, Rule::S3_8_1_same_octets},
                         {offset < tcb.given_early, Rule::S3_10_2_unsynchronized},
                         {kOtherwise, Rule::S3_10_2_established},
                     }),
                     1);
  }
  return true;
}

// 3.7.1: no more text than the peer's MSS and IP take, less the options.
bool size_is_allowed(Step& on, const Departing& seg, const Extent& at) {
  const Candidate& tcb = on.tcb;
  const std::uint32_t room = on.env.mms_s - 20 - seg.opt.octets;
  constexpr std::uint32_t kLeastDefault = 536;
  const bool cut = seg.seq + at.octets < tcb.snd_end && at.octets < kLeastDefault;  // to some MSS: the option was read
  if (at.octets > tcb.snd_mss || at.octets > room) {
    return on.refuse(blamed({
        {at.octets > room, Rule::MUST_16},
        {!tcb.mss_given, Rule::MUST_15},
        {tcb.mss_unaligned, Rule::MUST_64},
        {tcb.mss_among_options && !cut, Rule::MUST_4},
        {kOtherwise, Rule::MUST_14},
    }));
  }
  if (seg.opt.octets == 0) return true;
  if (at.octets > segment_room(tcb, on.env, seg)) return on.refuse(Rule::S3_7_1_options, 1);
  on.cite(Rule::S3_7_1_options);
  return true;
}

// ---- Window: new text inside it, or one octet that probes it ----

// 3.8.6.1: beyond the window only a probe may go: "at least one octet of new data" at its edge, while it is closed. A
// larger one is told from text that ignores the window by the wait before it, and by being alone.
bool is_window_probe_with_text(const Step& on, const Departing& seg, const Extent& at) {
  const Candidate& tcb = on.tcb;
  if (tcb.snd_wnd != 0 || seg.seq < tcb.snd_edge()) return false;
  if (at.octets == 1) return seg.seq <= later(tcb.snd_edge(), tcb.snd_nxt);
  return seg.seq == tcb.snd_edge() && tcb.snd_una == seg.seq && on.env.now - tcb.zero_at >= kProbeMin;
}

bool departs_beyond_window(Step& on, const Departing& seg, const Extent& at) {
  Candidate& tcb = on.tcb;
  if (!is_window_probe_with_text(on, seg, at)) return on.refuse(beyond_window(tcb, at.text_end), 1);
  on.cite(Rule::MUST_36);
  if (tcb.rexmits == 0) {  // the first probe: the window has been closed for so long at most
    if (on.env.now - tcb.zero_at < kProbeMin) {
      on.depart(Rule::SHLD_29);
    } else {
      on.cite(Rule::SHLD_29);
    }
  }
  if (tcb.rexmits < 255) ++tcb.rexmits;
  return true;
}

// A window of 32768 octets or more is probed as if it were closed. It may be the window of a segment too old to count
// that is closed, or the one before the latest. Otherwise the target takes the window for a negative one.
Rule probes_open_window(const Tcb& tcb, SndSeq seq) {
  const auto closed_at = [&](SndSeq edge) { return tcb.iss < edge && edge <= seq; };
  return blamed({
      {closed_at(tcb.scale.stale), Rule::SA4_5_window_old},
      {closed_at(tcb.scale.former) && tcb.snd_full > 1, Rule::SA4_5_window},
      {kOtherwise, Rule::MUST_1},
  });
}

// The size of a segment that neither fills the MSS, nor uses up the window, nor empties the queue (3.8.6.2.1).
// `most`: of a segment. An octet may be half of two, and probes nothing then.
bool small_segment_departs(Step& on, SndSeq seq, std::uint32_t octets, std::uint32_t most) {
  if (octets == 1 && most > 2 && on.tcb.snd_wnd >= 0x8000) return on.refuse(probes_open_window(on.tcb, seq), 1);
  constexpr std::uint32_t kDefaultOfIpv4 = 536, kRoomOfIpv6 = 1460;
  const bool foreign_default = octets == kDefaultOfIpv4 && on.env.mms_s == kRoomOfIpv6 && !on.tcb.ip.too_big_seen;
  if (foreign_default && !on.tcb.mss_given) return on.refuse(Rule::MUST_15, 1);
  on.depart(Rule::SHLD_28);
  return true;
}

// A segment that uses up a window smaller than a segment. `half`: it has half of the largest window seen, or more.
bool window_end_departs(Step& on, bool half) {
  const bool waited = on.env.now - std::max(on.tcb.small_from, on.tcb.timer.acked_at) >= kOverrideMin;
  if (!waited && !half) return on.refuse(Rule::MUST_38, 1);
  on.cite(Rule::MUST_38);
  if (waited && !half) on.cite(Rule::S3_8_6_2_1_override);
  return true;
}

// 3.7.4, Nagle: a small segment at the end of the queue waits until all is acknowledged, or, in the variant of A.3,
// until another small segment is.
void small_end_departs(Step& on, const Departing& seg, const Extent& at) {
  Candidate& tcb = on.tcb;
  const bool other = tcb.snd_una < tcb.small_end && tcb.small_end <= tcb.snd_nxt;
  const bool urgent = tcb.up.given && seg.seq < tcb.up.snd_up;  // some stacks do not hold urgent octets back
  const bool nagle = !tcb.no_delay && !tcb.nagle_free && !tcb.corked && !seg.ctl.fin;
  if (nagle && !other && tcb.snd_una < tcb.snd_nxt) on.cite(Rule::SA_A3);
  if (nagle && other && !urgent && !may_be_loss_probe(on)) on.depart(Rule::SHLD_7);
  if (other && tcb.no_delay) on.cite(Rule::MUST_17);
  tcb.small_end = at.text_end;
}

// 3.8.6.2.1 and 3.7.4: how large a segment of new text must be to leave. It is not a window probe.
bool size_is_sensible(Step& on, const Departing& seg, const Extent& at) {
  const Candidate& tcb = on.tcb;
  const std::uint32_t octets = at.octets;
  std::uint32_t most = segment_room(tcb, on.env, seg);
  if (tcb.ip.too_big_seen && octets < most) most = octets;  // the path may not take more
  // A small MSS that is obeyed all the same.
  if (octets + seg.opt.octets == effective_mss(tcb, on.env)) most = octets;
  // One that the options fill by themselves cannot be obeyed: no size is the sensible one.
  if (effective_mss(tcb, on.env) <= seg.opt.octets && octets < most) most = octets;
  const std::uint32_t queued = tcb.snd_end - seg.seq;
  const std::uint32_t usable = tcb.snd_edge() - seg.seq;
  const std::uint32_t full = std::min(most, queued);
  const bool as_usual = tcb.snd_full != 0 && tcb.snd_full <= octets && most <= 2 * octets + seg.opt.octets;  // its own
  const bool half = tcb.max_snd_wnd <= 2 * octets;
  if (octets < std::min(full, usable) && !half) {
    if (!small_segment_departs(on, seg.seq, octets, most)) return false;
  } else if (octets < full && octets == usable && !as_usual) {
    if (!window_end_departs(on, half)) return false;
  } else {
    if (octets == most) on.cite(Rule::SHLD_28);
    if (tcb.snd_wnd >= 0x8000) on.cite(Rule::MUST_1);
  }
  if (octets < most && at.text_end == tcb.snd_end) small_end_departs(on, seg, at);
  return true;
}

// The last octet that the user has given carries PSH (3.9.1.2), unless the user gives text without PUSH.
bool push_is_set(Step& on, const Departing& seg, const Extent& at) {
  if (at.text_end != on.tcb.snd_end || on.tcb.corked) return true;
  if (!seg.ctl.psh && !seg.ctl.fin && on.env.user_known) return on.refuse(Rule::MUST_61, 1);
  on.cite(Rule::MUST_61);
  return true;
}

// 3.8.6: new text inside the window.
bool departs_inside_window(Step& on, const Departing& seg, const Extent& at) {
  Candidate& tcb = on.tcb;
  on.cite(Rule::S3_8_6_window);
  // A path has told the size, or an old router none.
  const bool by_path = tcb.ip.least_told == kIpv4Floor || at.octets + seg.opt.octets == path_room(on);
  const bool whole =
      at.text_end == tcb.snd_end || at.octets == segment_room(tcb, on.env, seg) || any_size(tcb) || by_path;
  if (!text_in_scaled_window(on, seg.seq, at.text_end, whole)) return false;
  if (!at.resent && !any_size(tcb) && !size_is_sensible(on, seg, at)) return false;
  tcb.snd_full = std::max(tcb.snd_full, static_cast<std::uint16_t>(at.octets));
  return push_is_set(on, seg, at);
}

bool window_allows(Step& on, const Departing& seg, const Extent& at) {
  if (!at.fresh || at.octets == 0) return true;
  return on.tcb.snd_edge() < at.text_end ? departs_beyond_window(on, seg, at) : departs_inside_window(on, seg, at);
}

// ---- New text, and text that was sent before ----

void new_text_is_right(Step& on, const Departing& seg, const Extent& at) {
  const Candidate& tcb = on.tcb;
  on.cite(Rule::S3_10_2_established);
  on.cite(tcb.mss_given ? Rule::MUST_14 : Rule::MUST_15);
  on.cite(Rule::MUST_16);
  const bool full = at.octets == segment_room(tcb, on.env, seg);
  if (tcb.mss_among_options && full) on.cite(Rule::MUST_4);
  if (tcb.mss_unaligned && full) on.cite(Rule::MUST_64);
  if (tcb.send_pending) on.cite(Rule::MUST_60);
}

void fin_is_right(Step& on) {
  const Candidate& tcb = on.tcb;
  on.cite(tcb.state == State::kLastAck ? Rule::S3_10_4_close_wait : Rule::S3_10_4_established);
  on.cite(Rule::S3_6_fin_by_user);
  on.cite(Rule::S3_6_send_after_close);
  on.cite(Rule::S3_4_syn_fin_count);
  if (tcb.send_pending) on.cite(Rule::S3_8_close_push);
  if (tcb.state == State::kSynReceived) on.enter(State::kFinWait1, Rule::S3_10_4_syn_received);
}

// 3.8.6.1: "at least one octet of new data" probes a closed window, now or again, also behind text that is outstanding.
// That text lies beyond the edge and may wait until the window opens (3.8.6, MAY-7).
bool probes_behind_the_front(const Tcb& tcb, const Departing& seg, const Extent& at) {
  return tcb.snd_wnd == 0 && at.octets == 1 && tcb.snd_una < seg.seq && tcb.snd_nxt <= at.text_end;
}

// Some of the segment is new: it moves SND.NXT.
bool new_part_departs(Step& on, const Departing& seg, const Extent& at) {
  Candidate& tcb = on.tcb;
  on.cite(Rule::S3_9_1_2_order);
  if (at.octets > 0) new_text_is_right(on, seg, at);
  if (seg.ctl.fin) fin_is_right(on);
  if (tcb.snd_una == tcb.snd_nxt) {                                     // nothing else is in flight
    const bool probes = tcb.snd_wnd == 0 && tcb.user_timeout > Time{};  // that time runs since the text was given
    if (!probes) tcb.sent_at = on.env.since;
    tcb.ip.front_id = seg.ip.identification;
    if (!front_departs(on, false)) return false;
    tcb.timed = false;
  }
  if (!at.resent && !congestion_admits(on, seg.seq, at.octets, false)) return false;
  text_follows(on, seg.seq, at.resent);
  if (probes_behind_the_front(tcb, seg, at)) tcb.timed = tcb.timer.new_text_followed = false;
  tcb.snd_nxt = at.end;
  tcb.send_pending = false;
  return true;
}

// 3.8.3: what is never acknowledged is given up in the end, whether the user has set a time or not.
bool retransmission_may_go_on(Step& on) {
  const Candidate& tcb = on.tcb;
  const Time since_first = on.env.since - tcb.sent_at;
  if (synchronized(tcb.state) && std::max(kForever, 2 * tcb.user_timeout) < since_first) {
    return on.refuse(tcb.state == State::kLastAck ? Rule::S3_6_last_ack_timeout : Rule::MUST_20, 1);
  }
  const bool user_gave_up =
      tcb.user_timeout > Time{} && kept_by_user_at_most(tcb) < on.env.since - std::max(tcb.sent_at, tcb.user_set_at);
  return !user_gave_up || on.refuse(Rule::MUST_21, 1);
}

// 3.8.1, and 3.8.6 after the peer has shrunk its window.
void retransmission_is_right(Step& on, const Departing& seg, const Extent& at) {
  const Candidate& tcb = on.tcb;
  const bool beyond = tcb.snd_edge() < at.text_end;
  on.cite(Rule::S3_8_1_same_octets);
  if (tcb.stamps.old_duplicate) on.cite(Rule::R7323_4_1_rttm);
  on.cite(Rule::SA8_retransmission);
  if (seg.ctl.fin) on.cite(Rule::S3_6_fin_retransmit);
  if (on.env.since - tcb.sent_at > kUserTimeoutMin / 2) on.cite(Rule::SHLD_11);
  if (beyond) on.cite(tcb.snd_wnd == 0 ? Rule::MUST_35 : Rule::MAY_7);
  if (tcb.snd_edge() < tcb.snd_nxt && at.text_end <= tcb.snd_edge()) on.cite(Rule::SHLD_16);
  if (tcb.scaled() && tcb.scale.receded && at.octets > 0) {
    on.cite(tcb.rexmits == 0 ? Rule::R7323_2_4_4 : Rule::R7323_2_4_5, beyond);
  }
}

// Some of the segment was sent before. `added`: sequence numbers that are new in it.
bool old_part_departs(Step& on, const Departing& seg, const Extent& at, std::uint32_t added) {
  Candidate& tcb = on.tcb;
  if (!retransmission_may_go_on(on)) return false;
  retransmission_is_right(on, seg, at);
  if (seg.seq <= tcb.snd_una) {
    on.cite(Rule::MAY_4, seg.ip.identification == tcb.ip.front_id);
    if (!front_departs(on, true)) return false;
  }
  if (seg.seq <= tcb.snd_una || probes_behind_the_front(tcb, seg, at)) {
    if (tcb.rexmits < 255) ++tcb.rexmits;
    tcb.timed = false;
  }
  if (!at.fresh) text_follows(on, seg.seq, true);
  if (!congestion_admits(on, seg.seq, at.octets, true, added)) return false;
  text_sent_again(on, seg);
  return true;
}

// What the path and the peer's SACK options say of text, before it is measured against the window.
bool path_and_reports_allow(Step& on, const Departing& seg, const Extent& at) {
  const Candidate& tcb = on.tcb;
  if (at.resent && at.octets > 0) on.cite(Rule::S3_8_6_repackage, at.fresh);
  if (any_size(tcb) && at.octets > 0) on.cite(Rule::S3_7_5_mss_65535, at.octets > 0xfff0);
  if (at.octets > 0 && !path_departs(on, seg, at.resent)) return false;
  if (at.resent) text_departs_again(on, seg, at.end);
  return !on.refused();
}

}  // namespace

void text_departs(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
  if (!ack_is_current(on, seg)) return;
  const Extent at = extent_of(tcb, seg);
  // 3.10.2 queues text until ESTABLISHED, and 3.10.4 a CLOSE behind it: a FIN alone may leave before.
  const bool early = tcb.state == State::kSynReceived || (tcb.snd_una == tcb.iss && at.octets > 0);
  if (early && !fast_open::may_send_early(on, at.text_end)) return;
  if (!sequence_is_due(on, seg, at) || !contents_are_right(on, seg, at) || !size_is_allowed(on, seg, at)) return;
  on.why = why_it_departs(on, seg.seq, at.end);
  if (on.why == Why::kNone && tcb.snd_una < seg.seq) {
    on.refuse(Rule::R6298_5_early, 1);
    return;
  }
  if (!path_and_reports_allow(on, seg, at) || !window_allows(on, seg, at)) return;
  const std::uint32_t added = at.fresh ? at.end - tcb.snd_nxt : 0;
  if (at.fresh && !new_part_departs(on, seg, at)) return;
  if (at.resent && !old_part_departs(on, seg, at, added)) return;
  if (at.resent || !tcb.timer.fresh) tcb.timer.fresh_end = at.end;
  tcb.timer.fresh = !at.resent;
  if (early_ack(tcb, seg)) return;  // the acknowledgment that the target owes is still due
  window_offered(on, seg);
  acknowledgment_seen(on, seg.ack, false);
}

}  // namespace tcpassay
