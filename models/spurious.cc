// SPDX-License-Identifier: Apache-2.0
#include "models/spurious.h"

#include <algorithm>

#include "models/segment.h"
#include "models/step.h"

namespace tcpassay {
namespace {

using Frto = Spurious::Frto;

// RFC 3522 section 3.2, step (4): the ACK echoes a timestamp older than the first retransmission, so the segment that
// it answers is the original. A duplicate ACK echoes an older segment in any case.
bool eifel(const Tcb& tcb, const Arriving& seg, bool advances) {
  const Spurious& sp = tcb.spurious;
  if (!advances || !sp.stamped || !tcb.timestamped() || !seg.opt.timestamps) return false;
  return static_cast<std::int32_t>(seg.opt.timestamps->echo - sp.resent_stamp) < 0;
}

// RFC 3708 section 3: each octet that was sent again has been reported as a duplicate.
bool all_came_twice(Tcb& tcb, const Arriving& seg) {
  Spurious& sp = tcb.spurious;
  if (!tcb.sack() || seg.opt.blocks == 0) return false;
  const SndSeq left{seg.opt.block[0].left}, right{seg.opt.block[0].right};
  const bool below = right <= seg.ack;
  const bool inside =
      seg.opt.blocks > 1 && SndSeq{seg.opt.block[1].left} <= left && right <= SndSeq{seg.opt.block[1].right};
  if (!(left < right) || (!below && !inside)) return false;
  sp.doubled = true;
  sp.again -= std::min(sp.again, right - left);
  return sp.again == 0;
}

// Does a SACK block report text, below what was sent before the timeout, that had not been reported and has not left
// again?
bool reports_original(const Tcb& tcb, const Arriving& seg) {
  const SndSeq known = later(later(tcb.spurious.reported_to, tcb.congestion.resent_to), seg.ack);
  for (std::size_t i = 0; i < seg.opt.blocks; ++i) {
    const SndSeq right{seg.opt.block[i].right};
    if (known < right && right <= tcb.congestion.recover) return true;
  }
  return false;
}

// RFC 5682 sections 2.1 and 3.1, steps 2 and 3.
bool frto(Tcb& tcb, const Arriving& seg, bool advances) {
  Spurious& sp = tcb.spurious;
  const SndSeq resent_to = tcb.congestion.resent_to;
  if (sp.frto == Frto::kFirstAck) {
    if (!advances && tcb.sack()) return false;
    const bool covers_all = tcb.congestion.recover <= seg.ack;
    sp.frto = advances && !covers_all && resent_to <= seg.ack ? Frto::kSecondAck : Frto::kNo;
    return false;
  }
  if (sp.frto != Frto::kSecondAck) return false;
  sp.frto = Frto::kNo;
  return advances ? resent_to < seg.ack : reports_original(tcb, seg);
}

}  // namespace

void loss_is_assumed(Step& on, bool first_timeout) {
  Spurious& sp = on.tcb.spurious;
  sp = Spurious{.frto = first_timeout ? Frto::kFirstAck : Frto::kNo, .reported_to = sp.reported_to};
}

void text_sent_again(Step& on, const Departing& seg) {
  Spurious& sp = on.tcb.spurious;
  if (on.tcb.congestion.lossless) return;
  if (!sp.stamped && seg.opt.timestamps) {
    sp.stamped = true;
    sp.resent_stamp = seg.opt.timestamps->value;
  }
  sp.again += static_cast<std::uint32_t>(seg.text.size());
  if (sp.frto == Frto::kSecondAck) sp.frto = Frto::kNo;  // the conventional recovery goes on
}

bool shows_nothing_lost(Step& on, const Arriving& seg, SndSeq una) {
  Candidate& tcb = on.tcb;
  if (tcb.congestion.lossless || tcb.congestion.phase == Congestion::Phase::kNone) return false;
  const bool advances = tcb.snd_una != una;
  const bool by_echo = eifel(tcb, seg, advances);
  const bool by_reports = all_came_twice(tcb, seg);
  const bool by_acks = (advances || tcb.congestion.duplicates > 0) && frto(tcb, seg, advances);
  return by_echo || by_reports || by_acks;
}

}  // namespace tcpassay
