// SPDX-License-Identifier: Apache-2.0
// Selective acknowledgment: what the SACK option of a departing segment says (RFC 2018 section 4, RFC 2883 section 4).
#include <algorithm>

#include "harness/targets/own/stack.h"

namespace own {
namespace {

bool within(const Block& inner, const Block& outer) {
  return le(outer.left, inner.left) && le(inner.right, outer.right);
}

// Removes islands that RCV.NXT has reached.
void forget_acknowledged(Selective& s, SeqNum rcv_nxt) {
  const auto end = s.island.begin() + s.islands;
  s.islands = static_cast<std::uint8_t>(
      std::remove_if(s.island.begin(), end, [&](const Block& b) { return le(b.right, rcv_nxt); }) - s.island.begin());
}

}  // namespace

// Called before the segment is trimmed: notes its first duplicate octets (RFC 2883 section 4).
void Stack::note_duplicate(Connection& c, const Segment& seg) {
  if (!c.selective.permitted || seg.text.empty() || seg.ctl.syn) return;
  if (planted.has(Defect::dsack_missing) && c.selective.told) return;
  if (c.fin_received && planted.has(Defect::dsack_not_after_fin)) return;
  if (variants.has(LegalVariant::dsack_off)) return;
  const SeqNum end = seg.seq + static_cast<SeqNum>(seg.text.size());
  if (lt(seg.seq, c.rcv_nxt) && lt(c.rcv_nxt, end) && planted.has(Defect::dsack_not_of_parts)) return;
  if (lt(seg.seq, c.rcv_nxt)) {
    c.selective.duplicate = Block{.left = seg.seq, .right = min(end, c.rcv_nxt)};
    if (planted.has(Defect::dsack_whole_segment)) c.selective.duplicate->right = end;
  } else if (seg.seq == c.rcv_nxt && planted.has(Defect::dsack_unprompted)) {
    c.selective.duplicate = Block{.left = seg.seq, .right = end};
  } else if (const auto twice = c.received.overlap(seg.seq, end); twice && lt(c.rcv_nxt, twice->begin)) {
    c.selective.duplicate = Block{.left = twice->begin, .right = twice->end};
  }
  c.selective.told = c.selective.told || c.selective.duplicate;
}

// The island with the octet `seq` moves to the front, since it grew last; islands that it now contains are removed.
void Stack::note_island(Connection& c, SeqNum seq, std::uint32_t length) {
  Selective& s = c.selective;
  if (!s.permitted) return;
  const auto stretch = c.received.holding(seq);
  if (!stretch) {
    s.dropped = Block{.left = seq, .right = seq + length};
    return;
  }
  const Block grown{.left = stretch->begin, .right = stretch->end};
  const auto end = s.island.begin() + s.islands;
  auto kept = std::remove_if(s.island.begin(), end, [&](const Block& b) { return within(b, grown); });
  if (kept == s.island.end()) --kept;
  std::move_backward(s.island.begin(), kept, kept + 1);
  s.island[0] = grown;
  s.islands = static_cast<std::uint8_t>(kept - s.island.begin() + 1);
}

// The blocks to send: the duplicate, then the islands, that which grew last first, as many as fit.
void Stack::add_blocks(Connection& c, Segment& seg) const {
  Selective& s = c.selective;
  if (c.state == State::kFinWait2 && planted.has(Defect::sack_not_in_fin_wait_2)) return;
  if (!s.permitted || (s.islands == 0 && !s.duplicate && !s.dropped)) return;
  if (!planted.has(Defect::sack_reports_acknowledged)) forget_acknowledged(s, c.rcv_nxt);
  if (!c.received.has_gap()) s.islands = 0;
  if (seg.ctl.psh && planted.has(Defect::sack_not_on_text)) return;
  if (s.islands == 2 && planted.has(Defect::sack_now_and_then)) return;
  const std::uint32_t taken = option_octets(seg);
  std::size_t room = std::min<std::size_t>((kOptionsMax - 4 - taken) / 8, seg.block.size());
  if (c.path_mtu < kMtu) {  // there is room for an octet of text beside one block, whatever MSS the peer has told
    const std::uint32_t path = c.path_mtu - ip_header(c.remote_address) - kTcpHeader;
    room = std::min<std::size_t>(room, (std::max(path, taken + 13) - taken - 5) / 8);
  }
  if (planted.has(Defect::sack_one_block)) room = 1;
  if (c.stamps.ok && planted.has(Defect::sack_two_blocks_beside_stamps)) room = std::min<std::size_t>(room, 2);
  if (variants.has(LegalVariant::sack_two_blocks)) room = std::min<std::size_t>(room, 2);
  const auto add = [&](const Block& block) {
    if (seg.blocks < room) seg.block[seg.blocks++] = block;
  };
  // Above the acknowledgment a duplicate is told from text that has come once by the island behind it.
  const bool above = s.duplicate && gt(s.duplicate->right, c.rcv_nxt);
  if (s.duplicate && (!above || room > 1 || planted.has(Defect::sack_one_block))) {
    add(*s.duplicate);
    if (planted.has(Defect::dsack_short)) --seg.block[0].right;
    if (above && planted.has(Defect::dsack_without_island)) return;
    for (std::size_t i = 0; above && i < s.islands; ++i) {  // (4): the island of the duplicate comes second
      if (within(*s.duplicate, s.island[i])) std::rotate(&s.island[0], &s.island[i], &s.island[i] + 1);
    }
  }
  const bool dropped = s.dropped && lt(c.rcv_nxt, s.dropped->left);
  if (dropped && !above) add(*s.dropped);
  std::array<Block, Selective::kIslandsMax> order = s.island;
  const bool first_of_all = above && s.islands > 0 && within(*s.duplicate, order[0]);
  if (first_of_all && planted.has(Defect::dsack_island_cut)) order[0].left = s.duplicate->left;
  const auto end = order.begin() + s.islands;
  if (planted.has(Defect::sack_lowest_first)) {
    std::sort(order.begin(), end, [](const Block& a, const Block& b) { return lt(a.left, b.left); });
  }
  if (s.islands > 1 && planted.has(Defect::sack_repeats_oldest)) std::reverse(order.begin() + 1, end);
  for (std::size_t i = 0; i < s.islands; ++i) {
    add(order[i]);
    if (i == 0 && above && dropped) add(*s.dropped);
  }
  if (s.islands == 0) return;
  Block& last = seg.block[seg.blocks - 1u];
  if (planted.has(Defect::sack_too_far)) last.right = c.irs + 1 + (last.right - c.irs + 62) / 64 * 64;
  if (planted.has(Defect::sack_from_rcv_nxt)) last.left = c.rcv_nxt;
  if (planted.has(Defect::sack_edges_swapped)) std::swap(last.left, last.right);
}

// Text that fits a segment beside the options that it would carry now (MUST-16).
std::uint32_t Stack::segment_room(Connection& c) const {
  if (c.selective.islands == 0 && !c.selective.duplicate && !c.selective.dropped) return c.eff_snd_mss;
  Segment seg;
  if (c.stamps.ok) seg.timestamps = Timestamps{};
  add_blocks(c, seg);
  const std::uint32_t options = option_octets(seg) - (c.stamps.ok ? kTimestampsLength : 0);  // those are deducted
  const std::uint32_t most = c.eff_snd_mss * (variants.has(LegalVariant::half_segments) ? 2u : 1u);
  return most > options ? std::min<std::uint32_t>(c.eff_snd_mss, most - options) : 1;
}

}  // namespace own
