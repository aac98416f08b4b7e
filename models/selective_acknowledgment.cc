// SPDX-License-Identifier: Apache-2.0
#include "models/selective_acknowledgment.h"

#include "models/ip_layer.h"
#include "models/segment_arrives_steps.h"
#include "models/spans.h"

namespace tcpassay {
namespace {

constexpr std::uint32_t kOptionsMax = 40, kBlock = 8, kSackHeader = 4;  // octets; two No-Operations before the option

bool lies_behind_fin(const Tcb& tcb, const Span& block) {
  return tcb.rcv_fin && tcb.fin_seq + 1 < block.to;
}

// ... and had come when the FIN was taken: a peer that contradicts itself has sent it.
bool had_come_behind_fin(const Tcb& tcb, const Span& block) {
  return lies_behind_fin(tcb, block) && within(block, {tcb.held.beyond, tcb.held.top});
}

// Does the block lie above the acknowledgment? Text behind the FIN begins where the acknowledgment of the FIN stands.
bool lies_above(const Tcb& tcb, const Span& block, RcvSeq ack) {
  return ack < block.from || (block.from == ack && ack == tcb.fin_seq + 1 && lies_behind_fin(tcb, block));
}

// Has the target received every octet of the block, as far as can be known? The octet behind the last may be a FIN.
bool has_arrived(const Tcb& tcb, Span block, const Span& open) {
  if (tcb.selective.vague || tcb.contradicted) return true;
  if (tcb.held.overflow && tcb.held.beyond < block.to) return true;  // more gaps than are remembered
  if (lies_behind_fin(tcb, block)) return had_come_behind_fin(tcb, block);
  if (tcb.rcv_fin && block.to == tcb.fin_seq + 1) return true;
  if (tcb.held_fin && block.to == tcb.fin_seq + 1) --block.to.value;
  if (block.from == block.to || within(block, open)) return true;
  for (const Span& span : tcb.held.spans) {
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

// Blocks below the acknowledgment are no longer reported. If it stops inside a block, the target has dropped the rest.
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
  // The acknowledgment covers text that was omitted and not sent again, so the target has held it all the time.
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
  const bool told = std::any_of(sack.reported.begin(), sack.reported.end(),
                                [&](const Span& span) { return within(sack.trigger, span); });
  if (triggered && !told) {
    sack.omitted = sack.trigger;
    sack.omitted_rule = Rule::R2018_4_every_segment;
  } else if (!sack.reported.empty()) {
    sack.omitted = *sack.reported.begin();
    sack.omitted_rule = Rule::R2018_4_all_acks;
  }
}

// RFC 2883 section 4: the first block reports octets that arrived a second time, below the acknowledgment or above it.
// False when they were reported before.
bool duplicate_reported(Step& on, const Span& block, bool above) {
  Sack& sack = on.tcb.selective;
  if (had_come_behind_fin(on.tcb, block)) return true;  // it was reported before
  if (on.tcb.contradicted) return true;  // the peer has sent text behind its own FIN: it is open what was taken
  const bool whole = sack.duplicates.has(block);  // of several, one that contains it is meant
  const bool part =
      std::any_of(sack.duplicates.begin(), sack.duplicates.end(), [&](const Span& due) { return within(block, due); });
  for (int i = sack.duplicates.size - 1; i >= 0; --i) {
    const Span due = sack.duplicates.items[static_cast<std::size_t>(i)];
    const bool newest = i == sack.duplicates.size - 1;
    if (whole ? !(block == due) : part ? !within(block, due) : !overlap(block, due)) continue;
    on.tcb.traits[static_cast<std::size_t>(Trait::kReportsDuplicates)] = 1;
    on.cite(Rule::R2883_4_latest);
    on.cite(Rule::R2883_4_once);
    if (newest && sack.duplicate) on.cite(Rule::R2883_4_first);
    const Rule edges = sack.partial != RcvSeq{} ? Rule::R2883_4_partial : Rule::R2883_4_edges;
    if (block == due) {
      if (newest) on.cite(edges);
    } else if ((newest && sack.exact) || !within(block, due)) {
      on.depart(newest ? edges : Rule::R2883_4_edges);
    }
    if (above) on.cite(Rule::R2883_4_island);
    sack.duplicates.remove(due);
    sack.told = block;
    sack.duplicate = false;
    return true;
  }
  // There are more of these than `duplicates` remembers.
  if (std::any_of(sack.parts.begin(), sack.parts.end(), [&](const Span& p) { return within(block, p); })) {
    on.cite(Rule::R2883_4_latest);
    sack.told = block;
    sack.duplicate = false;
    return true;
  }
  on.depart(block == sack.told ? Rule::R2883_4_once : Rule::R2883_4_latest);
  return !(block == sack.told);
}

// How many blocks have room beside the other options of a segment.
std::uint32_t blocks_that_fit(const Options& opt) {
  const std::uint32_t others = (opt.timestamps ? 12u : 0u) + (opt.signature ? 20u : 0u) + (opt.user_timeout ? 4u : 0u);
  return std::min((kOptionsMax - kSackHeader - others) / kBlock, 4u);
}

// Above the acknowledgment a D-SACK block needs the block behind it, for which a small path may have no room.
bool room_for_two(const Step& on, const Departing& seg) {
  const Sack& sack = on.tcb.selective;
  if (sack.duplicates.empty() || sack.duplicates.back().from < seg.ack) return true;
  const std::uint32_t others = seg.opt.octets - (seg.opt.blocks > 0 ? kSackHeader + kBlock * seg.opt.blocks : 0u);
  return others + kSackHeader + 2 * kBlock < path_room(on);
}

// The blocks of one SACK option. The first may be a D-SACK block; those of RFC 2018 begin at `first`.
struct Blocks {
  std::array<Span, 4> block{};
  int first = 0, count = 0;
  bool told = false;  // the first was a D-SACK block before

  const Span& at(int i) const { return block[static_cast<std::size_t>(i)]; }
  bool none() const { return first == count; }
  Span newest() const { return none() ? Span{} : at(first); }
  bool include(const Span& span) const {
    for (int i = first; i < count; ++i) {
      if (within(span, at(i))) return true;
    }
    return false;
  }
};

// Blocks whose own ACK was put off have never been first, and take room all the same.
int never_first(const Sack& sack, const Blocks& blocks) {
  int found = 0;
  for (int i = blocks.first + 1; i < blocks.count; ++i) {
    const Span& here = blocks.at(i);
    found +=
        std::none_of(sack.reported.begin(), sack.reported.end(), [&](const Span& span) { return overlap(span, here); });
  }
  return found;
}

// RFC 2018 section 4: the option is filled with other blocks, those that were first in earlier options. Whether the
// target still holds a block that it leaves out shows later.
void judge_choice(Step& on, const Blocks& blocks, const Options& opt) {
  Sack& sack = on.tcb.selective;
  if (opt.unknown || opt.fast_open) return;
  if (on.tcb.ip.smaller_told) return;  // a small path may have room for fewer
  const int room = static_cast<int>(blocks_that_fit(opt));
  const int taken = blocks.first + 1 + never_first(sack, blocks);
  int others = 0, left = 0;
  for (const Span& span : sack.reported) {
    if (within(span, blocks.at(blocks.first))) continue;
    if (taken + others >= room) {
      ++left;
      continue;
    }
    ++others;
    if (blocks.include(span)) continue;
    // RFC 2883 section 4 (4): behind a duplicate above the acknowledgment stands the whole block that contains it.
    const bool cut = blocks.first == 1 && within(blocks.at(0), blocks.newest()) && overlap(span, blocks.newest());
    if (empty(sack.omitted)) {
      sack.omitted = span;
      sack.omitted_rule = cut ? Rule::R2883_4_island : blocks.count < room ? Rule::R2018_4_many : Rule::R2018_4_repeat;
    }
    return;
  }
  if (others > 0) on.cite(Rule::R2018_4_many);
  if (left > 0) on.cite(Rule::R2018_4_repeat);
}

// RFC 2018 section 3: each block has a left and a right edge, above the ACK field, and the target has received all of
// it. RFC 2883 section 5: a first block below the ACK field, or inside the second block, is a D-SACK block.
std::optional<Blocks> read_blocks(Step& on, const Departing& seg, const Span& open) {
  Blocks blocks{.count = seg.opt.blocks};
  for (std::size_t i = 0; i < seg.opt.blocks; ++i) {
    Span& block = blocks.block[i];
    block = {RcvSeq{seg.opt.block[i].left}, RcvSeq{seg.opt.block[i].right}};
    if (block.from < block.to) continue;
    on.refuse(Rule::R2018_3_format, 1);
    return {};
  }
  const bool across_fin = on.tcb.contradicted && blocks.at(0).from < seg.ack;  // the ACK stops at the FIN in it
  const bool below = blocks.at(0).to <= seg.ack || across_fin;
  const bool inside = !below && blocks.count > 1 && within(blocks.at(0), blocks.at(1));
  // A D-SACK block may be too long for what came twice, and then it holds the block that should hold it.
  const bool spills = !below && !inside && blocks.count > 1 && on.tcb.selective.duplicate &&
                      within(blocks.at(1), blocks.at(0)) && has_arrived(on.tcb, blocks.at(1), open) &&
                      !has_arrived(on.tcb, blocks.at(0), open);
  if (spills) on.depart(on.tcb.selective.partial != RcvSeq{} ? Rule::R2883_4_partial : Rule::R2883_4_edges);
  blocks.first = below || inside || spills ? 1 : 0;
  for (int i = blocks.first; i < blocks.count; ++i) {
    const Span& block = blocks.at(i);
    if (lies_above(on.tcb, block, seg.ack) && has_arrived(on.tcb, block, open)) continue;
    const RcvSeq edge = on.tcb.cut.least - 1;  // up to it the block must have arrived; beyond it, it was cut off
    const bool beyond = on.tcb.cut.may_be(block.to) && has_arrived(on.tcb, {earlier(block.from, edge), edge}, open);
    if (lies_above(on.tcb, block, seg.ack) && beyond) {
      on.refuse(takes_beyond_edge(on.tcb), 1);
      return {};
    }
    on.refuse(Rule::R2018_3_format, 1);
    return {};
  }
  on.cite(Rule::R2018_3_format);
  const Span& duplicate = blocks.at(spills ? 1 : 0);
  if (blocks.first == 1) blocks.told = !duplicate_reported(on, duplicate, inside || spills);
  return blocks;
}

// RFC 2018 section 4: the first block holds the text of the segment that called for this ACK. False when refused.
bool first_block_is_right(Step& on, const Departing& seg, const Blocks& blocks) {
  const Tcb& tcb = on.tcb;
  Sack& sack = on.tcb.selective;
  // Of a peer that has sent text behind its own FIN, it is open what the target has taken.
  const bool triggered =
      sack.triggered && seg.ack < sack.trigger.from && sack.trigger.to <= tcb.rcv_edge && !tcb.contradicted;
  if (!triggered) {
    sack.unanswered = false;
    if (!blocks.none()) on.cite(Rule::R2018_4_all_acks);
    return true;
  }
  // RFC 2883 section 4 lets a duplicate come first that the latest packets have brought, and that once. While answers
  // to earlier segments are due, it is open which of them this one is.
  const bool misplaced = blocks.told && tcb.debts.empty() && !within(sack.trigger, blocks.at(0));
  const bool holds = !blocks.none() && within(sack.trigger, blocks.newest()) && !misplaced;
  // An ACK that was put off for an earlier segment may leave before the target looks at this one.
  const bool put_off = !blocks.none() && !empty(sack.earlier) && within(sack.earlier, blocks.newest());
  if (!holds && !put_off) return on.refuse(Rule::R2018_4_first, 1);
  if (holds) {
    on.cite(Rule::R2018_4_first);
    on.cite(Rule::R2018_4_every_segment);
    sack.unanswered = false;
  }
  sack.earlier = {};
  return true;
}

// Text that an option before did not report was held all the same.
void omitted_is_reported(Step& on, const Blocks& blocks) {
  Sack& sack = on.tcb.selective;
  if (empty(sack.omitted) || !blocks.include(sack.omitted)) return;
  on.depart(sack.omitted_rule);
  sack.omitted = {};
}

void blocks_are_distinct(Step& on, const Blocks& blocks) {
  Sack& sack = on.tcb.selective;
  // A part of a block that was reported before is a duplicate, and RFC 2883 wants the whole block behind it. Or the
  // target has dropped that block (RFC 2018 section 8): the rest has to come again then.
  for (const Span& span : sack.reported) {
    const bool part = within(blocks.newest(), span) && !(blocks.newest() == span);
    if (blocks.first != 0 || !sack.duplicate || !part || !empty(sack.omitted)) continue;
    sack.omitted = span;
    sack.omitted_rule = Rule::R2883_4_island;
  }
  for (int i = blocks.first; i < blocks.count; ++i) {
    for (int k = blocks.first; k < blocks.count; ++k) {
      if (i != k && within(blocks.at(i), blocks.at(k))) on.depart(Rule::R2018_4_many);
    }
  }
}

void judge_blocks(Step& on, const Departing& seg, const Span& open) {
  Sack& sack = on.tcb.selective;
  if (!sack.peer_permits) {
    on.refuse(Rule::R2018_4_not_permitted, 1);
    return;
  }
  const std::optional<Blocks> blocks = read_blocks(on, seg, open);
  if (!blocks) return;
  sack.generates = true;
  on.cite(Rule::R2018_4_elect);
  omitted_is_reported(on, *blocks);
  if (!first_block_is_right(on, seg, *blocks) || blocks->none()) return;
  blocks_are_distinct(on, *blocks);
  const Span newest = blocks->newest();
  const int second = blocks->first + 1;
  if (!(newest == sack.trigger)) sack.kept = newest;
  if (second < blocks->count && within(sack.trigger, newest)) sack.kept = blocks->at(second);
  judge_choice(on, *blocks, seg.opt);
  remember_first(sack, newest);
}

}  // namespace

void take_sack_permitted(Tcb& tcb, const Arriving& syn) {
  tcb.selective.peer_permits = syn.opt.sack_permitted;
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
  if (seg.ack < open.to) sack.vague = true;  // the target has not kept all that arrived
  if (seg.opt.blocks == 0) {
    no_blocks(on, seg);
    if (seg.text.empty()) sack.kept = {};  // it may have dropped what it held
  } else {
    judge_blocks(on, seg, open);
  }
  // RFC 2883 binds those who use it: whoever has reported a duplicate once.
  const bool reports = on.tcb.traits[static_cast<std::size_t>(Trait::kReportsDuplicates)] > 0;
  const bool part = sack.partial != RcvSeq{};
  if (part && seg.ack < sack.partial) return;  // what leaves first may answer something else
  const bool little_room = sack.duplicate && !room_for_two(on, seg);
  const bool owed = sack.duplicate && reports && !on.tcb.contradicted && !little_room;
  if (owed) on.depart(part ? Rule::R2883_4_partial : Rule::R2883_4_first);
  sack.duplicate = false;
}

}  // namespace tcpassay
