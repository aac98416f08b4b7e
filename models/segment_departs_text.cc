// SPDX-License-Identifier: Apache-2.0
// Text and FIN, new or again, and what of them may leave when (RFC 9293 section 3.8).
#include "models/ip_layer.h"
#include "models/loss_recovery.h"
#include "models/segment_departs_steps.h"
#include "models/window_scale.h"

namespace tcpassay {
namespace {

// Eff.snd.MSS, less the options of this segment (3.7.1). An MSS too small for the options cannot be obeyed.
std::uint32_t segment_room(const Tcb& tcb, const Environment& env, const Departing& seg) {
  const std::uint32_t most = std::min<std::uint32_t>(tcb.snd_mss, env.mms_s - 20);
  constexpr std::uint32_t kLeast = 24;
  return most < seg.opt.octets + kLeast ? std::min(most, kLeast) : most - seg.opt.octets;
}

// 3.8.6.2.1 and 3.7.4: how large a segment of new text must be to leave. It is not a window probe.
bool size_is_sensible(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
  const auto octets = static_cast<std::uint32_t>(seg.text.size());
  const SndSeq end = seg.seq + octets;
  std::uint32_t most = segment_room(tcb, on.env, seg);
  if (tcb.ip.too_big_seen && octets < most) most = octets;  // the path may not take more
  const std::uint32_t queued = tcb.snd_end - seg.seq;
  const std::uint32_t usable = tcb.snd_edge() - seg.seq;
  const std::uint32_t full = std::min(most, queued);
  const bool as_usual = tcb.snd_full != 0 && tcb.snd_full <= octets && most <= 2 * octets;  // such are its segments
  const bool half = tcb.max_snd_wnd <= 2 * octets;  // of the largest window seen: large enough in any case
  if (octets < std::min(full, usable) && !half) {   // neither the MSS, nor the window, nor the queue is at its end
    if (octets == 1 && tcb.snd_wnd >= 0x8000) {
      on.refuse(Rule::MUST_1, 1);  // a probe of a window that is open: taken for a negative one
      return false;
    }
    on.depart(Rule::SHLD_28);
  } else if (octets < full && octets == usable && !as_usual) {  // the window is at its end
    const bool waited = on.env.now - tcb.window_at >= kOverrideMin;
    if (!waited && !half) {
      on.refuse(Rule::MUST_38, 1);
      return false;
    }
    on.cite(Rule::MUST_38);
    if (waited && !half) on.cite(Rule::S3_8_6_2_1_override);
  } else {
    if (octets == most) on.cite(Rule::SHLD_28);
    if (tcb.snd_wnd >= 0x8000) on.cite(Rule::MUST_1);
  }
  if (octets < most && end == tcb.snd_end) {
    // The variant of A.3 holds a small segment only while another small one is unacknowledged.
    const bool other = tcb.snd_una < tcb.small_end && tcb.small_end <= tcb.snd_nxt;
    const bool urgent = tcb.up.given && seg.seq < tcb.up.snd_up;  // some stacks do not hold urgent octets back
    const bool large_only = !other && tcb.snd_una < tcb.snd_nxt && !tcb.no_delay && !tcb.nagle_free;
    if (large_only && !seg.ctl.fin) on.cite(Rule::SA_A3);
    if (other && !tcb.no_delay && !tcb.nagle_free && !seg.ctl.fin && !urgent) on.depart(Rule::SHLD_7);
    if (other && tcb.no_delay) on.cite(Rule::MUST_17);
    tcb.small_end = end;
  }
  return true;
}

}  // namespace

void text_departs(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
  const auto octets = static_cast<std::uint32_t>(seg.text.size());
  const SndSeq text_end = seg.seq + octets;
  const SndSeq end = text_end + (seg.ctl.fin ? 1u : 0u);
  if (!ack_is_current(on, seg)) return;
  if (tcb.state == State::kSynReceived && !fast_open::may_send_early(on, text_end)) return;
  if (end <= tcb.snd_una) {  // all of it was acknowledged before
    const bool by_timer = tcb.snd_una == tcb.snd_nxt && !tcb.congestion.arrived_since_quiet;
    on.refuse(tcb.board.duplicate ? Rule::R2883_5_tolerate : by_timer ? Rule::R6298_5_2 : Rule::SA4_5_new, 2);
    return;
  }
  if (seg.ctl.fin && !tcb.fin_queued) {
    on.refuse(Rule::S3_6_fin_by_user, 2);
    return;
  }
  if (seg.ctl.fin && text_end < tcb.snd_end) {  // not behind the text that was queued before CLOSE
    on.refuse(tcb.state == State::kLastAck ? Rule::S3_10_4_close_wait : Rule::S3_10_4_established, 2);
    return;
  }
  for (const Rule rule : {Rule::S3_10_4_fin_wait, Rule::S3_10_4_closing}) {
    if (seg.ctl.fin && tcb.snd_end < text_end && tcb.now.has({rule, true})) {  // CLOSE was called once more
      on.refuse(rule, 2);
      return;
    }
  }
  if (tcb.snd_end < text_end) {
    on.refuse(seg.ctl.fin || tcb.fin_queued ? Rule::S3_6_send_after_close : Rule::S3_9_1_2_order, 2);
    return;
  }
  if (tcb.snd_nxt < seg.seq) {
    on.refuse(Rule::S3_9_1_2_order, 2);
    return;
  }
  for (std::uint32_t i = 0; i < octets && on.env.user_known; ++i) {
    if (seg.text[i] != target_octet(seg.seq + i - (tcb.iss + 1))) {
      on.refuse(seg.seq < tcb.snd_nxt ? Rule::S3_8_1_same_octets : Rule::S3_10_2_established, 1);
      return;
    }
  }
  const std::uint32_t room = on.env.mms_s - 20 - seg.opt.octets;
  const bool fits_alone = octets <= tcb.snd_mss && octets <= room;
  if (fits_alone && seg.opt.octets != 0) {
    if (octets > segment_room(tcb, on.env, seg)) {
      on.refuse(Rule::S3_7_1_options, 1);
      return;
    }
    on.cite(Rule::S3_7_1_options);
  }
  if (!fits_alone) {
    on.refuse(octets > room           ? Rule::MUST_16
              : !tcb.mss_given        ? Rule::MUST_15
              : tcb.mss_unaligned     ? Rule::MUST_64
              : tcb.mss_among_options ? Rule::MUST_4
                                      : Rule::MUST_14);
    return;
  }
  const bool fresh = tcb.snd_nxt < end;
  const bool resent = seg.seq < tcb.snd_nxt;
  const std::uint32_t added = fresh ? end - tcb.snd_nxt : 0;
  if (resent && octets > 0) on.cite(Rule::S3_8_6_repackage, fresh);
  if (tcb.mss_given && tcb.snd_mss == 0xffff && octets > 0) on.cite(Rule::S3_7_5_mss_65535, octets > 0xfff0);
  if (octets > 0 && !path_departs(on, seg, resent)) return;
  if (resent) {
    text_departs_again(on, seg, end);
    if (on.refused()) return;
  }
  if (fresh && octets > 0 && tcb.snd_edge() < text_end) {
    // Beyond the window only a probe of it may go, one octet at its edge.
    const bool probe =
        octets == 1 && tcb.snd_edge() <= seg.seq && seg.seq <= later(tcb.snd_edge(), tcb.snd_nxt) && tcb.snd_wnd == 0;
    if (!probe) {
      on.refuse(beyond_window(tcb, text_end), 1);
      return;
    }
    on.cite(Rule::MUST_36);
    if (tcb.rexmits == 0) {  // the first: the window has been closed for so long at most
      if (on.env.now - tcb.zero_at < kProbeMin) {
        on.depart(Rule::SHLD_29);
      } else {
        on.cite(Rule::SHLD_29);
      }
    }
    if (tcb.rexmits < 255) ++tcb.rexmits;
  } else if (fresh && octets > 0) {
    on.cite(Rule::S3_8_6_window);
    const bool whole = text_end == tcb.snd_end || octets == segment_room(tcb, on.env, seg);
    if (!text_in_scaled_window(on, seg.seq, text_end, whole)) return;
    const bool any_size = tcb.mss_given && tcb.snd_mss == 0xffff;  // an MSS of zero
    if (!resent && !any_size && !size_is_sensible(on, seg)) return;
    tcb.snd_full = std::max(tcb.snd_full, static_cast<std::uint16_t>(octets));
    if (text_end == tcb.snd_end && !seg.ctl.psh && !seg.ctl.fin && on.env.user_known) {
      on.refuse(Rule::MUST_61, 1);
      return;
    }
    if (text_end == tcb.snd_end) on.cite(Rule::MUST_61);
  }
  if (fresh) {
    on.cite(Rule::S3_9_1_2_order);
    if (octets > 0) {
      on.cite(Rule::S3_10_2_established);
      on.cite(tcb.mss_given ? Rule::MUST_14 : Rule::MUST_15);
      on.cite(Rule::MUST_16);
      if (tcb.mss_among_options && octets == segment_room(tcb, on.env, seg)) on.cite(Rule::MUST_4);
      if (tcb.mss_unaligned && octets == segment_room(tcb, on.env, seg)) on.cite(Rule::MUST_64);
      if (tcb.send_pending) on.cite(Rule::MUST_60);
    }
    if (seg.ctl.fin) {
      on.cite(tcb.state == State::kLastAck ? Rule::S3_10_4_close_wait : Rule::S3_10_4_established);
      on.cite(Rule::S3_6_fin_by_user);
      on.cite(Rule::S3_6_send_after_close);
      on.cite(Rule::S3_4_syn_fin_count);
      if (tcb.send_pending) on.cite(Rule::S3_8_close_push);
      if (tcb.state == State::kSynReceived) on.enter(State::kFinWait1, Rule::S3_10_4_syn_received);
    }
    if (tcb.snd_una == tcb.snd_nxt) {
      tcb.sent_at = on.env.since;
      tcb.timed = false;
      tcb.ip.front_id = seg.ip.identification;
      if (!front_departs(on, false)) return;
    }
    if (!resent && !congestion_admits(on, seg.seq, octets, false)) return;
    text_follows(on, seg.seq, resent);
    tcb.snd_nxt = end;
    tcb.send_pending = false;
  }
  if (resent) {
    if (synchronized(tcb.state) && std::max(kForever, 2 * tcb.user_timeout) < on.env.since - tcb.sent_at) {
      on.refuse(tcb.state == State::kLastAck ? Rule::S3_6_last_ack_timeout : Rule::MUST_20, 1);
      return;
    }
    if (tcb.user_timeout > Time{} && 3 * tcb.user_timeout + kRtoMaxMin < on.env.since - tcb.sent_at) {
      on.refuse(Rule::MUST_21, 1);
      return;
    }
    on.cite(Rule::S3_8_1_same_octets);
    if (tcb.stamps.old_duplicate) on.cite(Rule::R7323_4_1_rttm);
    on.cite(Rule::SA8_retransmission);
    if (seg.ctl.fin) on.cite(Rule::S3_6_fin_retransmit);
    if (on.env.since - tcb.sent_at > kUserTimeoutMin / 2) on.cite(Rule::SHLD_11);
    if (tcb.snd_edge() < text_end) on.cite(tcb.snd_wnd == 0 ? Rule::MUST_35 : Rule::MAY_7);
    if (tcb.snd_edge() < tcb.snd_nxt && text_end <= tcb.snd_edge()) on.cite(Rule::SHLD_16);
    if (tcb.scaled() && tcb.scale.receded && octets > 0) {
      on.cite(tcb.rexmits == 0 ? Rule::R7323_2_4_4 : Rule::R7323_2_4_5, tcb.snd_edge() < text_end);
    }
    if (seg.seq <= tcb.snd_una) {
      on.cite(Rule::MAY_4, seg.ip.identification == tcb.ip.front_id);
      if (!front_departs(on, true)) return;
      if (tcb.rexmits < 255) ++tcb.rexmits;
      tcb.timed = false;
    }
    if (!congestion_admits(on, seg.seq, octets, true, added)) return;
    if (!fresh) text_follows(on, seg.seq, true);
  }
  if (resent || !tcb.timer.fresh) tcb.timer.fresh_end = end;
  tcb.timer.fresh = !resent;
  if (early_ack(tcb, seg)) return;  // what is owed stays owed
  window_offered(on, seg);
  acknowledgment_seen(on, seg.ack);
}

}  // namespace tcpassay
