// SPDX-License-Identifier: Apache-2.0
#include "models/selective_acknowledgment.h"

namespace tcpassay {
namespace {

constexpr std::uint32_t kOptionsMax = 40, kBlock = 8, kSackHeader = 4;  // octets; two No-Operations before the option

bool within(const Span& inner, const Span& outer) {
  return outer.from <= inner.from && inner.to <= outer.to;
}

bool overlap(const Span& a, const Span& b) {
  return a.from < b.to && b.from < a.to;
}

bool empty(const Span& span) {
  return span.from == span.to;
}

// Has the target received every octet of the block, as far as can be known? The octet behind the last may be a FIN.
bool has_arrived(const Tcb& tcb, Span block, const Span& open) {
  if (tcb.selective.vague || tcb.held_overflow || tcb.contradicted) return true;
  if (tcb.held_fin && block.to == tcb.fin_seq + 1) --block.to.value;
  if (block.from == block.to || within(block, open)) return true;
  for (const Span& span : tcb.held) {
    if (within(block, span)) return true;
    if (span.from == open.to && within(block, {open.from, span.to})) return true;
  }
  return false;
}

void remember_first(Sack& sack, const Span& block) {
  InlineVector<Span, 4> kept;
  kept.add(block);
  for (const Span& span : sack.reported) {
    if (!within(span, block)) kept.add(span);
  }
  sack.reported = kept;
}

// What the acknowledgment has reached is reported no more. Where it stops inside a block, the rest was dropped.
void acknowledged(Step& on, RcvSeq ack) {
  Sack& sack = on.tcb.selective;
  InlineVector<Span, 4> kept;
  for (const Span& span : sack.reported) {
    if (ack < span.from) {
      kept.add(span);
    } else {
      on.cite(Rule::R2018_8_renege, ack < span.to);
    }
  }
  sack.reported = kept;
  if (empty(sack.omitted) || ack < sack.omitted.to) return;
  // It was held all the time, since nobody has sent it again.
  if (!sack.generates) {
    on.cite(Rule::R2018_4_elect, false);
  } else {
    on.depart(sack.omitted_rule);
  }
  sack.omitted = {};
}

// An ACK that carries no SACK option.
void no_blocks(Step& on, const Departing& seg) {
  const Tcb& tcb = on.tcb;
  Sack& sack = on.tcb.selective;
  const bool triggered = sack.triggered && seg.ack < sack.trigger.from;
  if (!sack.peer_permits) {
    if (triggered) on.cite(Rule::R2018_4_not_permitted);
    return;
  }
  sack.unanswered = false;
  if (tcb.user_gone || tcb.rcv_fin || !empty(sack.omitted)) return;
  if (triggered) {
    sack.omitted = sack.trigger;
    sack.omitted_rule = Rule::R2018_4_every_segment;
  } else if (!sack.reported.empty()) {
    sack.omitted = *sack.reported.begin();
    sack.omitted_rule = Rule::R2018_4_all_acks;
  }
}

// RFC 2883 section 4: the first block reports octets that came a second time, below the acknowledgment or above it.
void duplicate_reported(Step& on, const Span& block, bool above) {
  Sack& sack = on.tcb.selective;
  for (int i = sack.duplicates.size - 1; i >= 0; --i) {
    const Span due = sack.duplicates.items[static_cast<std::size_t>(i)];
    const bool newest = i == sack.duplicates.size - 1;
    if (!overlap(block, due)) continue;
    on.cite(Rule::R2883_4_latest);
    on.cite(Rule::R2883_4_once);
    if (newest && sack.duplicate) on.cite(Rule::R2883_4_first);
    const Rule edges = sack.partial ? Rule::R2883_4_partial : Rule::R2883_4_edges;
    if (block == due) {
      if (newest) on.cite(edges);
    } else if ((newest && sack.exact) || !within(block, due)) {
      on.depart(newest ? edges : Rule::R2883_4_edges);
    }
    if (above) on.cite(Rule::R2883_4_island);
    sack.duplicates.remove(due);
    sack.told = block;
    sack.duplicate = false;
    return;
  }
  on.depart(block == sack.told ? Rule::R2883_4_once : Rule::R2883_4_latest);
}

// How many blocks have room beside the other options of a segment.
std::uint32_t blocks_that_fit(const Options& opt) {
  const std::uint32_t others = (opt.timestamps ? 12u : 0u) + (opt.signature ? 20u : 0u) + (opt.user_timeout ? 4u : 0u);
  return std::min((kOptionsMax - kSackHeader - others) / kBlock, 4u);
}

// "As many distinct SACK blocks as possible", and which: those that were first in the options before. Which of them are
// still held shows later.
void judge_choice(Step& on, const std::array<Span, 4>& block, int first, int count, const Options& opt) {
  Sack& sack = on.tcb.selective;
  const int room = static_cast<int>(blocks_that_fit(opt));
  if (opt.unknown || opt.fast_open) return;
  const auto included = [&](const Span& span) {
    for (int i = first; i < count; ++i) {
      if (within(span, block[static_cast<std::size_t>(i)])) return true;
    }
    return false;
  };
  // A block whose own ACK was put off has never been first, and takes room all the same.
  int strangers = 0;
  for (int i = first + 1; i < count; ++i) {
    const Span& here = block[static_cast<std::size_t>(i)];
    strangers +=
        std::none_of(sack.reported.begin(), sack.reported.end(), [&](const Span& span) { return overlap(span, here); });
  }
  int others = 0, left = 0;
  for (const Span& span : sack.reported) {
    if (within(span, block[static_cast<std::size_t>(first)])) continue;
    if (first + 1 + others + strangers >= room) {
      ++left;
      continue;
    }
    ++others;
    if (included(span)) continue;
    if (empty(sack.omitted)) {
      sack.omitted = span;
      sack.omitted_rule = count < room ? Rule::R2018_4_many : Rule::R2018_4_repeat;
    }
    return;
  }
  if (others > 0) on.cite(Rule::R2018_4_many);
  if (left > 0) on.cite(Rule::R2018_4_repeat);
}

void judge_blocks(Step& on, const Departing& seg, const Span& open) {
  Tcb& tcb = on.tcb;
  Sack& sack = tcb.selective;
  if (!sack.peer_permits) {
    on.refuse(Rule::R2018_4_not_permitted, 1);
    return;
  }
  const int count = seg.opt.blocks;
  std::array<Span, 4> block{};
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    block[at] = {RcvSeq{seg.opt.block[at].left}, RcvSeq{seg.opt.block[at].right}};
    if (!(block[at].from < block[at].to)) {
      on.refuse(Rule::R2018_3_format, 1);
      return;
    }
  }
  // RFC 2883 section 5: a first block below the ACK field, or inside the second block, is a D-SACK block.
  const bool below = block[0].to <= seg.ack;
  const bool inside = !below && count > 1 && within(block[0], block[1]);
  const int first = below || inside ? 1 : 0;
  for (int i = first; i < count; ++i) {
    const Span& b = block[static_cast<std::size_t>(i)];
    if (b.from <= seg.ack || !has_arrived(tcb, b, open)) {
      on.refuse(Rule::R2018_3_format, 1);
      return;
    }
  }
  on.cite(Rule::R2018_3_format);
  if (first == 1) duplicate_reported(on, block[0], inside);
  sack.generates = true;
  on.cite(Rule::R2018_4_elect);
  if (!empty(sack.omitted)) {  // was it held although it was not reported?
    for (int i = first; i < count; ++i) {
      if (!within(sack.omitted, block[static_cast<std::size_t>(i)])) continue;
      on.depart(sack.omitted_rule);
      sack.omitted = {};
      break;
    }
  }
  const Span newest = first < count ? block[static_cast<std::size_t>(first)] : Span{};
  if (sack.triggered && seg.ack < sack.trigger.from && sack.trigger.to <= tcb.rcv_edge) {
    const bool holds = first < count && within(sack.trigger, newest);
    // An ACK that had been put off for an earlier segment may leave before this one is looked at.
    const bool put_off = first < count && !empty(sack.earlier) && within(sack.earlier, newest);
    if (!holds && !put_off) {
      on.refuse(Rule::R2018_4_first, 1);
      return;
    }
    if (holds) {
      on.cite(Rule::R2018_4_first);
      on.cite(Rule::R2018_4_every_segment);
      sack.unanswered = false;
    }
    sack.earlier = {};
  } else {
    sack.unanswered = false;
    if (first == count) return;
    on.cite(Rule::R2018_4_all_acks);
  }
  // A part of an island that was reported before is a duplicate without the whole behind it.
  for (const Span& span : sack.reported) {
    const bool part = within(newest, span) && !(newest == span);
    if (first == 0 && sack.duplicate && part) on.depart(Rule::R2883_4_island);
  }
  for (int i = first; i < count; ++i) {
    for (int k = first; k < count; ++k) {
      const bool twice = i != k && within(block[static_cast<std::size_t>(i)], block[static_cast<std::size_t>(k)]);
      if (twice) on.depart(Rule::R2018_4_many);
    }
  }
  if (!(newest == sack.trigger)) sack.kept = newest;
  if (first + 1 < count && within(sack.trigger, newest)) sack.kept = block[static_cast<std::size_t>(first) + 1];
  judge_choice(on, block, first, count, seg.opt);
  remember_first(sack, newest);
}

}  // namespace

void take_sack_permitted(Tcb& tcb, const Arriving& syn) {
  tcb.selective.peer_permits = syn.opt.sack_permitted;
}

void note_duplicate(Tcb& tcb, const Arriving& seg) {
  Sack& sack = tcb.selective;
  sack.triggered = sack.duplicate = false;
  if (!sack.peer_permits || seg.len() == 0 || seg.ctl.rst) return;
  const Span all{seg.seq, seg.seq + seg.len()};
  if (overlap(sack.omitted, all)) sack.omitted = {};
  Span again{all.to, all.to};
  if (all.from < tcb.rcv_nxt_max) {
    again = {all.from, earlier(all.to, tcb.rcv_nxt_max)};
    // Octets from before the first one, and a SYN or FIN, may count or not.
    sack.exact = tcb.rcv_nxt == tcb.rcv_nxt_max && tcb.irs < all.from && !seg.ctl.syn && !seg.ctl.fin;
  } else {
    for (const Span& span : tcb.held) {
      if (!overlap(span, all) || again.from <= span.from) continue;
      again = {later(span.from, all.from), earlier(span.to, all.to)};
    }
    sack.exact = within(again, sack.kept) && !seg.ctl.fin;  // what came need not be held
  }
  if (empty(again)) return;
  if (sack.duplicates.size == 3) {
    const Span oldest = *sack.duplicates.begin();
    sack.duplicates.remove(oldest);
  }
  sack.duplicates.remove(again);
  sack.duplicates.add(again);
  sack.partial = !(again == all);
  sack.duplicate = sack.exact && !sack.partial && sack.target_permits && !seg.text.empty() && !tcb.user_gone &&
                   synchronized(tcb.state) && tcb.state != State::kTimeWait;
}

void triggers_sack(Tcb& tcb, Span text) {
  tcb.selective.earlier = tcb.selective.unanswered ? tcb.selective.trigger : Span{};
  tcb.selective.trigger = text;
  tcb.selective.triggered = tcb.selective.unanswered = true;
}

bool at_sack_edge(const Tcb& tcb, RcvSeq seq) {
  if (tcb.selective.reported.empty()) return false;
  RcvSeq top = tcb.rcv_nxt;
  for (const Span& span : tcb.selective.reported) top = later(top, span.to);
  return seq == top;
}

void blocks_depart(Step& on, const Departing& seg, Span open) {
  Sack& sack = on.tcb.selective;
  if (seg.ctl.syn) return;
  if (seg.opt.sack_permitted) {
    on.refuse(Rule::R2018_2_syn_only, 1);
    return;
  }
  if (seg.opt.octets != 0) on.cite(Rule::R2018_2_syn_only);
  if (!seg.ctl.ack) return;
  acknowledged(on, seg.ack);
  if (seg.ack < open.to) sack.vague = true;  // something that came was not kept, or not all of it
  if (seg.opt.blocks == 0) {
    no_blocks(on, seg);
  } else {
    judge_blocks(on, seg, open);
  }
  if (sack.duplicate) on.depart(Rule::R2883_4_first);
  sack.duplicate = false;
}

}  // namespace tcpassay
