// SPDX-License-Identifier: Apache-2.0
// Loss recovery with the peer's SACK options: RFC 6675, and the sender's part of RFC 2018 section 5.
#include <algorithm>

#include "harness/targets/own/stack.h"

namespace own {
namespace {

constexpr unsigned kDupThresh = 3;

// Adds octets to the scoreboard; false when it already had all of them.
bool mark(Scoreboard& board, Block added) {
  const auto end = board.span.begin() + board.spans;
  auto first = std::find_if(board.span.begin(), end, [&](const Block& b) { return le(added.left, b.right); });
  auto last = std::find_if(first, end, [&](const Block& b) { return lt(added.right, b.left); });
  if (first != last && le(first->left, added.left) && le(added.right, first->right)) return false;
  if (first == last) {
    if (board.spans == Scoreboard::kSpansMax) return false;
    std::move_backward(first, end, end + 1);
    *first = added;
    ++board.spans;
    return true;
  }
  *first = {.left = min(first->left, added.left), .right = max((last - 1)->right, added.right)};
  board.spans = static_cast<std::uint8_t>(std::move(last, end, first + 1) - board.span.begin());
  return true;
}

void forget_below(Scoreboard& board, SeqNum una) {
  const auto end = board.span.begin() + board.spans;
  board.spans = static_cast<std::uint8_t>(
      std::remove_if(board.span.begin(), end, [&](const Block& b) { return le(b.right, una); }) - board.span.begin());
}

}  // namespace

// Update (): true when octets were reported that had not been before. A D-SACK block reports nothing new (RFC 2883
// section 5: it lies below the ACK field of its own segment, or inside the second block).
bool Stack::update_scoreboard(Connection& c, const Segment& seg) const {
  if (!c.selective.permitted || !c.in_flight()) return false;
  forget_below(c.board, max(c.snd_una, min(seg.ack, c.snd_nxt)));
  if (planted.has(Defect::sack_disguise_ignored) && (seg.wnd != c.snd_wnd || !seg.text.empty())) return false;
  if (planted.has(Defect::sack_advance_ignored) && lt(c.snd_una, seg.ack)) return false;
  if (seg.ctl.fin && planted.has(Defect::sack_report_on_fin_ignored)) return false;
  bool news = false;
  for (std::size_t i = 0; i < seg.blocks; ++i) {
    if (i > 0 && c.cc.after_timeout && planted.has(Defect::one_block_after_timeout)) break;
    const Block& b = seg.block[i];
    const std::uint32_t flight = c.snd_nxt - c.snd_una;
    const std::uint32_t left = b.left - c.snd_una, right = b.right - c.snd_una;
    news |= i == 0 && le(b.right, seg.ack) && planted.has(Defect::dsack_counts_as_report);
    if (le(b.right, seg.ack) || left >= right || right > flight) continue;
    news |= mark(c.board, b);
  }
  const bool doubled = seg.blocks > 1 && le(seg.block[0].right, seg.ack);
  return news && !(doubled && planted.has(Defect::news_behind_dsack_ignored));
}

// The first octet at or above `from` that the peer has not reported.
SeqNum Stack::next_unsacked(const Connection& c, SeqNum from) const {
  for (std::size_t i = 0; i < c.board.spans; ++i) {
    const Block& b = c.board.span[i];
    if (le(b.left, from) && lt(from, b.right)) return b.right;
  }
  return from;
}

// Where the hole that holds `from` ends.
SeqNum Stack::next_sacked(const Connection& c, SeqNum from) const {
  if (planted.has(Defect::sack_sent_again)) return c.snd_nxt;
  for (std::size_t i = 0; i < c.board.spans; ++i) {
    if (lt(from, c.board.span[i].left)) return c.board.span[i].left;
  }
  return c.snd_nxt;
}

// IsLost (): DupThresh spans, or more than DupThresh-1 segments of octets, were reported above.
bool Stack::is_lost(const Connection& c, SeqNum seq) const {
  std::uint32_t spans = 0, octets = 0;
  for (std::size_t i = 0; i < c.board.spans; ++i) {
    const Block& b = c.board.span[i];
    if (le(b.right, seq)) continue;
    ++spans;
    octets += b.right - max(b.left, seq);
  }
  const bool early = planted.has(Defect::sack_two_segments_are_enough) && octets == (kDupThresh - 1) * c.cc.smss;
  return spans >= kDupThresh + planted.has(Defect::sack_four_blocks_needed) || octets > (kDupThresh - 1) * c.cc.smss ||
         early;
}

// SetPipe (): an estimate of the octets in the network.
std::uint32_t Stack::pipe(const Connection& c) const {
  std::uint32_t octets = 0;
  for (SeqNum at = next_unsacked(c, c.snd_una); lt(at, c.snd_nxt);) {
    SeqNum end = c.snd_nxt;
    for (std::size_t i = c.board.spans; i-- > 0;) {
      if (lt(at, c.board.span[i].left)) end = c.board.span[i].left;
    }
    if (!is_lost(c, at)) octets += end - at;
    if (lt(at, c.board.high_rxt) && !planted.has(Defect::sack_pipe_forgets)) octets += min(end, c.board.high_rxt) - at;
    at = next_unsacked(c, end);
  }
  return octets;
}

// Section 5: an ACK that reports something new.
void Stack::duplicate_by_sack(Connection& c) {
  Congestion& cc = c.cc;
  if (cc.recovering) return recover_by_sack(c);
  if (planted.has(Defect::no_fast_retransmit)) return;
  if (next_unsacked(c, c.snd_una) != c.snd_una) return;  // the segment at the front is not missing
  const bool first = planted.has(Defect::first_report_recovers);
  const bool lost = first || (is_lost(c, c.snd_una) && !planted.has(Defect::sack_counts_acks));
  if (cc.duplicates < kDupThresh && !lost) return;  // (3): limited transmit
  if (cc.recover_known && lt(c.snd_una, cc.recover))
    return;  // 5.1: the octets that the timer retransmitted are not acknowledged yet
  reduce_for_loss(c, planted.has(Defect::ecn_silent_about_sack_loss));  // (4)
  if (planted.has(Defect::sack_keeps_window)) cc.ssthresh = c.snd_nxt - c.snd_una;
  cc.after_timeout = c.board.doubled = false;
  cc.recovering = cc.recover_known = true;
  cc.recover = c.snd_nxt;
  cc.cwnd = cc.ssthresh;
  c.board.high_rxt = c.snd_una;
  if (!planted.has(Defect::sack_highest_hole_first)) retransmit(c);
  cc.front_again = c.snd_wnd == 0;  // (4.3) when the window opens
  recover_by_sack(c);
}

// Section 5 (C) with NextSeg () rules (1) and (3); new text, rule (2), leaves with send_queued.
void Stack::recover_by_sack(Connection& c) {
  Congestion& cc = c.cc;
  if (c.board.spans == 0 || planted.has(Defect::sack_first_hole_only)) return;
  const SeqNum text_end = c.send_base() + c.text_in_flight();
  while (cc.cwnd >= pipe(c) + cc.smss) {
    // Of the front a probe has sent one octet.
    SeqNum seq = c.probed && c.snd_wnd > 0 ? c.snd_una : max(c.snd_una, c.board.high_rxt);
    if (!planted.has(Defect::sack_sent_again)) seq = next_unsacked(c, seq);
    const SeqNum top = c.board.span[c.board.spans - 1u].right;
    if (planted.has(Defect::sack_highest_hole_first) && c.board.spans > 1 && seq == c.snd_una) {
      seq = c.board.span[c.board.spans - 2u].right;
    }
    if (!lt(seq, top) || (!is_lost(c, seq) && c.unsent())) return;
    const std::uint32_t hole = next_sacked(c, seq) - seq;
    const std::uint32_t text = lt(seq, text_end) ? text_end - seq : 0;
    const std::uint32_t length = std::min({hole, text, segment_room(c)});
    const bool fin = c.fin_sent && length == text && length < hole;
    if (length == 0 && !fin) return;
    if (seq == c.snd_una && c.snd_wnd > 0) c.probed = false;
    transmit(c, seq, length, fin);
  }
}

// Loss probes (RFC 8985 section 7.3), which this stack sends only with a legal variant or a defect: true when one was
// sent.
bool Stack::probe_for_loss(Connection& c) {
  const bool legal = variants.has(LegalVariant::loss_probe) && c.selective.permitted && c.board.spans == 0;
  const bool unasked = planted.has(Defect::loss_probe_without_sack) && !c.selective.permitted;
  const bool twice = planted.has(Defect::loss_probe_twice);
  const bool middle = planted.has(Defect::loss_probe_of_middle);
  const bool old = planted.has(Defect::loss_probe_not_new) && c.unsent();
  const bool recovers = c.cc.recover_known && lt(c.snd_una, c.cc.recover);  // section 7.2: no probe in loss recovery
  if (recovers && legal) return false;
  const bool one = c.text_in_flight() <= 2 * c.cc.smss || c.fin_sent || c.probed || c.cc.timed_out;
  if (one || !(legal || unasked || twice || middle || old) || c.board.probes >= (twice ? 2 : 1)) return false;
  ++c.board.probes;
  const std::uint32_t usable = static_cast<std::uint32_t>(std::max(0, ahead(c.snd_una + c.snd_wnd, c.snd_nxt)));
  const std::uint32_t fresh = std::min({c.text_queued() - c.text_in_flight(), usable, segment_room(c)});
  if (fresh > 0 && !(old || twice || middle)) {  // section 7.3: new text, as far as the window has room
    transmit(c, c.snd_nxt, fresh, false);
    return true;
  }
  const std::uint32_t length = std::min(c.cc.smss, segment_room(c));
  transmit(c, c.snd_nxt - length - (middle ? c.cc.smss : 0), length, false);
  return true;
}

}  // namespace own
