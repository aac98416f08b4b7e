// SPDX-License-Identifier: Apache-2.0
// Follows the numbers and the order of a captured conversation: what the capture lacks, and what it has twice.
#include <fmt/format.h>

#include <algorithm>

#include "harness/offline/conversation_state.h"

namespace tcpassay {
namespace {

constexpr Time kCopyMax = std::chrono::milliseconds(1);  // between copies whose IP identification tells nothing
constexpr std::size_t kTextMax = 256 * 1024;             // octets of text kept for one direction
constexpr std::size_t kPacketsRemembered = 8;            // a duplicate is looked for among so many
constexpr std::size_t kHolesMax = 64;
constexpr std::uint16_t kMssIpv4 = 536, kMssIpv6 = 1220;  // RFC 9293 section 3.7.1

}  // namespace

bool CapturedConversation::DirectionState::lacks_below(std::uint32_t number) const {
  return std::any_of(holes.begin(), holes.end(), [&](const Range& hole) { return before(hole.from, number); });
}

bool CapturedConversation::DirectionState::captured(Range octets) {
  std::vector<Range> left;
  bool late = false;
  for (const Range& hole : holes) {
    if (!before(octets.from, hole.to) || !before(hole.from, octets.to)) {
      left.push_back(hole);
      continue;
    }
    late = late || hole.confirmed || octets.at - hole.at > kResequencedMin;
    if (before(hole.from, octets.from)) left.push_back({hole.from, octets.from, hole.at, hole.confirmed});
    if (before(octets.to, hole.to)) left.push_back({octets.to, hole.to, hole.at, hole.confirmed});
  }
  holes.swap(left);
  return late;
}

// Whether this is a packet that was captured before, for example at another interface. It was sent only once.
bool CapturedConversation::is_duplicate(const Decoded& segment, std::size_t from, Time at) {
  DirectionState& sender = *directions_[from];
  Print print{
      .identification = segment.identification, .seq = segment.seq, .ack = segment.ack, .length = length_of(segment)};
  const bool told = segment.identification != 0;
  if (!told) {
    print.ctl = segment.ctl;
    print.wnd = segment.wnd;
    print.timestamps = segment.opt.timestamps;
    print.heard = directions_[1 - from]->said;
  }
  const bool again = std::any_of(sender.recent.begin(), sender.recent.end(), [&](const auto& one) {
    return one.first == print && (told || at - one.second <= kCopyMax);
  });
  ++sender.said;
  sender.recent.emplace_back(print, at);
  if (sender.recent.size() > kPacketsRemembered) sender.recent.pop_front();
  return again;
}

bool CapturedConversation::DirectionState::has_skipped(std::uint16_t number) const {
  return std::find(skipped.begin(), skipped.end(), number) != skipped.end();
}

// A few numbers that are left out between two packets tell that others were sent between these, however few packets
// there have been. A stack that chooses its numbers at random hardly ever makes so small a step.
void CapturedConversation::DirectionState::skip_to(std::uint16_t number) {
  constexpr std::uint16_t kSkippedMax = 8;
  const auto step = static_cast<std::uint16_t>(number - identification);
  if (step == 0 || step > kSkippedMax) return;
  for (auto one = static_cast<std::uint16_t>(identification + 1); one != number; ++one) skipped.push_back(one);
  while (skipped.size() > 2 * kSkippedMax) skipped.pop_front();
}

// Notes when the order of the packets in the capture is not the order in which they were sent.
void CapturedConversation::note_order(const Decoded& segment, std::size_t from, std::uint64_t frame) {
  constexpr int kFollows = 8;
  constexpr std::uint16_t kStepMax = 64;
  DirectionState& sender = *directions_[from];
  if (segment.identification != 0) {
    const auto step = static_cast<std::uint16_t>(segment.identification - sender.identification);
    const bool back = step > 0xff00;
    if (back && (sender.in_order >= kFollows || sender.has_skipped(segment.identification)))
      sender.doubted(frame, "it was overtaken on its way to the capture point");
    if (!back && sender.identification != 0) sender.skip_to(segment.identification);
    if (sender.identification != 0 && step > kStepMax && !back) sender.in_order = 0;
    if (step <= kStepMax && sender.in_order < kFollows) ++sender.in_order;
    if (!back) sender.identification = segment.identification;
  }
  if (segment.opt.timestamps && !segment.ctl.rst) {
    const std::uint32_t value = segment.opt.timestamps->value;
    if (sender.tsval && before(value, *sender.tsval)) {
      sender.doubted(frame, "its timestamp is older than that of a packet before it: it may have been overtaken");
    } else {
      sender.tsval = value;
    }
  }
}

// A connection begins, perhaps not the first one between the two ends.
void CapturedConversation::begin(std::size_t from, const Decoded& syn) {
  DirectionState& sender = *directions_[from];
  room_.used -= sender.kept.size();
  sender.kept.clear();
  sender.syn = true;
  sender.fin = reset_ = false;
  sender.opening.reset();
  sender.first = syn.seq;
  sender.next = sender.acked = sender.kept_from = syn.seq + 1;
  sender.holes.clear();
  sender.whole_from.reset();
  std::erase_if(sender.unanswered, [&](const Passing& one) { return one.end != syn.seq + 1; });
  sender.fin_acknowledged = false;
  sender.mss = syn.opt.mss.value_or(syn.source.family == 6 ? kMssIpv6 : kMssIpv4);
}

// Follows the sequence numbers and notes what the capture lacks.
void CapturedConversation::note_numbers(const Decoded& segment, std::size_t from, Time at, std::uint64_t frame) {
  DirectionState& sender = *directions_[from];
  DirectionState& other = *directions_[1 - from];
  const std::uint32_t end = segment.seq + length_of(segment);
  const bool another = segment.ctl.syn && !segment.ctl.rst && (!sender.syn || sender.first != segment.seq);
  if (another && sender.syn && !segment.ctl.ack) {
    sender.opening = segment;
  } else if (another) {
    begin(from, segment);
    if (other.opening && segment.ctl.ack && segment.ack == other.opening->seq + 1)
      begin(1 - from, Decoded(*other.opening));
  } else if (sender.syn && !segment.ctl.rst) {
    if (before(sender.next, segment.seq)) {
      sender.doubted(frame, fmt::format("octets {}:{} were not captured before it", sender.next - sender.first,
                                        segment.seq - sender.first));
      if (sender.holes.size() < kHolesMax) sender.holes.push_back({.from = sender.next, .to = segment.seq, .at = at});
      sender.whole_from = segment.seq;
    }
    // The other end has acknowledged octets that the capture lacks. This segment starts with them, so this end had not
    // sent them yet; or it starts behind them, so this end had.
    if (other.unseen && frame != other.unseen->frame) {
      if (segment.seq == other.unseen_from && !other.unseen_proven) other.unseen_refuted = true;
      if (!before(segment.seq, other.unseen_to)) other.unseen_proven = !other.unseen_refuted;
    }
    if (!sender.holes.empty() && sender.captured({.from = segment.seq, .to = end, .at = at}))
      sender.loses(frame, "some of its octets come behind later ones");
    if (before(sender.next, end)) sender.next = end;
  }
  if (segment.ctl.rst && !sender.verdict) sender.reset = frame;
  sender.fin = sender.fin || (segment.ctl.fin && !segment.ctl.rst);
  if (!segment.ctl.ack || segment.ctl.rst) return;
  note_losses(segment, from, frame);
  for (Range& hole : other.holes)
    hole.confirmed = hole.confirmed || (segment.opt.blocks > 0 && segment.ack == hole.from);
  const bool over_hole = other.lacks_below(segment.ack) && !before(other.next, segment.ack);
  const bool unknown = !other.syn || over_hole || before(other.next, segment.ack);
  if (unknown && !sender.unseen && !(segment.ctl.syn && !other.syn)) {
    sender.unseen = DirectionState::Doubt{frame, "it acknowledges what the capture does not have"};
    sender.unseen_from = other.next;
    sender.unseen_to = segment.ack;
    sender.unseen_proven = over_hole;
  } else if (!unknown && before(other.acked, segment.ack)) {
    other.acked = segment.ack;
    other.acked_at = at;
    other.acked_stamp.reset();
    if (segment.opt.timestamps) other.acked_stamp = segment.opt.timestamps->value;
  }
}

// A SACK option reports text behind a gap, but the capture has all of the gap before that text: it was lost or
// overtaken on its way from the capture point.
void CapturedConversation::note_losses(const Decoded& segment, std::size_t from, std::uint64_t frame) {
  DirectionState& sender = *directions_[from];
  const DirectionState& other = *directions_[1 - from];
  if (sender.lossy || !other.syn || (other.whole_from && before(segment.ack, *other.whole_from))) return;
  for (std::size_t i = 0; i < segment.opt.blocks; ++i) {
    const auto& block = segment.opt.block.at(i);
    const bool gap = before(segment.ack, block.left) && before(block.left, block.right);
    if (!gap || before(other.next, block.right)) continue;
    sender.lossy = DirectionState::Doubt{frame, "it reports a gap that the capture does not have"};
  }
}

// A retransmission carries the same octets (RFC 9293 section 3.8.1).
void CapturedConversation::compare_text(const Decoded& segment, bool kept, std::size_t from, std::uint64_t frame) {
  DirectionState& sender = *directions_[from];
  const auto drop = [&](std::size_t octets) {
    sender.kept.erase(sender.kept.begin(), sender.kept.begin() + static_cast<std::ptrdiff_t>(octets));
    sender.kept_from += static_cast<std::uint32_t>(octets);
    room_.used -= octets;
  };
  if (before(sender.kept_from, sender.acked))
    drop(std::min<std::size_t>(sender.acked - sender.kept_from, sender.kept.size()));
  if (sender.kept.empty() && before(sender.kept_from, sender.acked)) sender.kept_from = sender.acked;
  if (segment.text.empty() || segment.ctl.rst || segment.fault != Fault::kNone) return;
  if (!kept) {
    sender.compared = false;
    return;
  }
  const std::uint32_t begin = segment.seq + segment.ctl.syn;
  const auto at = static_cast<std::int32_t>(begin - sender.kept_from);
  const auto octets = static_cast<std::int32_t>(segment.text.size());
  const auto have = static_cast<std::int32_t>(sender.kept.size());
  const std::int32_t low = std::max(at, 0), high = std::min(at + octets, have);
  if (low < high) {
    const bool same =
        std::equal(sender.kept.begin() + low, sender.kept.begin() + high, segment.text.begin() + (low - at));
    const bool probe = octets == 1 && begin + 1 == sender.next;  // a window probe may carry any octet
    if (!same && !probe && !sender.differs) sender.differs = frame;
  }
  if (at < 0 || at > have || at + octets <= have) return;
  const auto fresh = static_cast<std::size_t>(at + octets - have);
  if (sender.kept.size() + fresh > kTextMax || room_.used + fresh > TextRoom::kMax) {
    sender.compared = false;
    return;
  }
  sender.kept.insert(sender.kept.end(), segment.text.end() - static_cast<std::ptrdiff_t>(fresh), segment.text.end());
  room_.used += fresh;
}

}  // namespace tcpassay
