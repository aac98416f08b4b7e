// SPDX-License-Identifier: Apache-2.0
// The window that a departing segment offers (RFC 9293 section 3.8.6): it does not shrink, and it does not open by a
// few octets at a time (3.8.6.2.2).
#include <algorithm>

#include "models/horizons.h"
#include "models/ip_layer.h"
#include "models/segment_departs_steps.h"
#include "models/window_scale.h"

namespace tcpassay {
namespace {

// Eff.snd.MSS leaves room for options, and fits the smallest path of which a message has told (3.7.1, 3.7.2): whether
// the target has forgotten that one is not known.
std::uint32_t least_opening(const Step& on, const Departing& seg) {
  const Tcb& tcb = on.tcb;
  const std::uint32_t room = std::min<std::uint32_t>(tcb.snd_mss, path_room(on));
  const std::uint32_t effective = room - std::min<std::uint32_t>(room, seg.opt.octets);
  return std::min<std::uint32_t>({tcb.rcv_mss, effective, tcb.rcv_wnd_max / 2});
}

// 3.8.6.2.2: the right edge has moved by `moved` octets, which are fewer than a segment or half the buffer or not.
// `unit`: as of edge_moves().
void opening_is_sensible(Step& on, const Departing& seg, std::uint32_t moved, std::uint32_t unit) {
  Candidate& tcb = on.tcb;
  const std::uint32_t least = least_opening(on, seg);
  if (moved + unit < least) {
    on.depart(Rule::S3_8_6_2_2_threshold);
  } else {
    on.cite(Rule::S3_8_6_2_2_threshold);
  }
  const bool alone = seg.len() == 0 && seg.ack == tcb.rcv_acked && !tcb.ack_now && !tcb.ack_later;
  if (moved < least / 8) {
    if (alone && ++tcb.silly_updates == kSillyUpdatesMax) on.refuse(Rule::MUST_39, 1);
    if (alone) on.takes(Freedom::kSmallUpdates);
    return;  // that an ACK of text has opened the window by as little shows no algorithm
  }
  tcb.silly_updates = 0;
  if (alone) on.cite(Rule::MUST_39);
}

// 3.8.6.2.2: the window opens when enough is free. All of the buffer is, once nothing waits to be read.
void window_opens_in_the_end(Step& on) {
  const Candidate& tcb = on.tcb;
  const bool empty = tcb.read_all_at > Time{} && tcb.rcv_user == tcb.rcv_nxt_max && !tcb.held.gap();
  if (!empty || tcb.reads_shut || tcb.user_gone || tcb.rcv_fin) return;
  if (on.env.since - tcb.read_all_at > horizon(Horizon::kShutWindow)) on.depart(Rule::S3_8_6_2_2_threshold);
}

// Each window but the first. `unit`: octets that rounding may take away (RFC 7323 section 2.4).
void edge_moves(Step& on, const Departing& seg, RcvSeq edge, std::uint32_t unit) {
  Candidate& tcb = on.tcb;
  const bool cannot_say_more =
      seg.ctl.syn && seg.wnd == 0xffff;  // RFC 7323 section 2.2: a SYN's window is never scaled
  if (edge + unit < tcb.rcv_edge && !cannot_say_more) {
    on.depart(Rule::SHLD_14);
    tcb.shrunk_by = tcb.rcv_edge - edge;
    return;
  }
  on.cite(Rule::SHLD_14);
  tcb.shrunk_by = 0;
  const std::uint32_t moved = edge < tcb.rcv_edge ? 0 : edge - tcb.rcv_edge;
  const bool mss_zero = tcb.mss_given && tcb.snd_mss == 0xffff;
  const bool could_say_more = unit > 0 || tcb.rcv_edge - tcb.rcv_acked != 0xffff;  // the offer before
  const bool opens = moved > unit && seg.wnd != 0xffff && could_say_more;
  if (opens && synchronized(tcb.state) && !tcb.rcv_fin && !mss_zero) opening_is_sensible(on, seg, moved, unit);
}

}  // namespace

void window_offered(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
  const std::uint32_t shift = tcb.scaled() && !seg.ctl.syn ? tcb.scale.rcv_shift : 0;
  const std::uint32_t wnd = static_cast<std::uint32_t>(seg.wnd) << shift;
  const RcvSeq edge = seg.ack + wnd;
  if (wnd == 0 && tcb.edge_known && edge == tcb.rcv_edge) on.cite(Rule::MAY_8);
  if (wnd == 0) window_opens_in_the_end(on);
  if (!scaled_window_offered(on, seg, edge)) return;
  const bool first = !tcb.edge_known || tcb.edge_of_syn;
  const bool shrinks = !first && edge + ((1u << shift) - 1) < tcb.rcv_edge;
  if (!shrinks) tcb.rcv_wnd_max = std::max(tcb.rcv_wnd_max, wnd);
  if (!first) edge_moves(on, seg, edge, (1u << shift) - 1);
  tcb.rcv_edge = first ? edge : later(tcb.rcv_edge, edge);
  tcb.user_at_offer = tcb.rcv_user;
  tcb.rcv_far = tcb.edge_known ? later(tcb.rcv_far, edge) : edge;
  tcb.scaled_offered = tcb.scaled_offered || !seg.ctl.syn;
  tcb.edge_known = true;
  tcb.edge_of_syn = false;
}

}  // namespace tcpassay
