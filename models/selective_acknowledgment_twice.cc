// SPDX-License-Identifier: Apache-2.0
// Which octets of an arriving segment have come before (RFC 2883).
#include "models/selective_acknowledgment.h"
#include "models/spans.h"

namespace tcpassay {
namespace {

void remember_duplicate(Sack& sack, const Span& span) {
  if (sack.duplicates.size == 3) {
    const Span oldest = *sack.duplicates.begin();
    sack.duplicates.remove(oldest);
  }
  sack.duplicates.remove(span);
  sack.duplicates.add(span);
}

// The target need not hold what has arrived, and holds what it has reported: another part of the segment may be the
// first that came twice.
void later_parts_may_be_first(Tcb& tcb, const Span& all, const Span& again) {
  const auto may_be = [&](const Span& held) {
    const Span part{later(held.from, all.from), earlier(held.to, all.to)};
    if (!(part.from < part.to) || part.from == again.from) return;
    Sack& sack = tcb.selective;
    if (!sack.duplicates.has(part)) sack.duplicates.add(part);  // none that came surely gives way to it
    if (!sack.parts.has(part)) sack.parts.add(part);
  };
  if (tcb.held.overflow) may_be({tcb.held.beyond, tcb.held.top});
  for (const Span& span : tcb.held.spans) may_be(span);
  for (const Span& span : tcb.selective.reported) may_be(span);
}

}  // namespace

void note_duplicate(Tcb& tcb, const Arriving& seg) {
  Sack& sack = tcb.selective;
  sack.triggered = sack.duplicate = false;
  sack.parts.clear();
  if (!sack.peer_permits || seg.len() == 0 || seg.ctl.rst) return;
  const Span all{seg.seq, seg.seq + seg.len()};
  if (overlap(sack.omitted, all)) sack.omitted = {};
  Span again{all.to, all.to};
  // Text of the SYN waits until the connection is ESTABLISHED.
  const RcvSeq taken = tcb.state == State::kSynReceived ? later(tcb.rcv_nxt_max, tcb.syn_text_end) : tcb.rcv_nxt_max;
  if (all.to <= tcb.rcv_nxt || all.to <= tcb.rcv_nxt_max) {  // it may lie half the number space below text of the SYN
    again = all;
    // What begins half the number space away is as far above RCV.NXT as below it.
    const bool below = tcb.irs < all.from && all.from < tcb.rcv_nxt;
    sack.exact = tcb.rcv_nxt == taken && below && !seg.ctl.syn && !seg.ctl.fin;
  } else if (all.from < taken) {
    again = {all.from, earlier(all.to, taken)};
    // Octets before the first one, a SYN and a FIN may be reported or not.
    sack.exact = tcb.rcv_nxt == taken && tcb.irs < all.from && !seg.ctl.syn && !seg.ctl.fin;
  } else {
    for (const Span& span : tcb.held.spans) {
      if (!overlap(span, all) || again.from <= span.from) continue;
      again = {later(span.from, all.from), earlier(span.to, all.to)};
    }
    if (tcb.held_fin && seg.ctl.fin && all.to == tcb.fin_seq + 1) {  // a FIN that is held has a number, too
      if (empty(again)) again.from = tcb.fin_seq;
      if (again.to == tcb.fin_seq) again.to = all.to;
    }
    sack.exact = within(again, sack.kept) && !seg.ctl.syn && !seg.ctl.fin;  // the target need not hold what arrived
    if (empty(again) && tcb.held.overflow && tcb.held.beyond < all.to) {    // it may have come behind too many gaps
      again = {later(tcb.held.beyond, all.from), all.to};
      sack.exact = false;
    } else if (tcb.held.overflow && tcb.held.beyond <= again.to &&
               again.to < all.to) {  // that may have come next to it
      again.to = later(again.to, earlier(all.to, tcb.held.top));
      sack.exact = false;
    }
  }
  if (!sack.exact || empty(again)) later_parts_may_be_first(tcb, all, again);
  if (empty(again)) return;
  remember_duplicate(sack, again);
  sack.partial = again == all ? RcvSeq{} : all.to;
  sack.duplicate = sack.exact && sack.target_permits && !seg.text.empty() && !tcb.user_gone &&
                   synchronized(tcb.state) && tcb.state != State::kTimeWait;
}

}  // namespace tcpassay
