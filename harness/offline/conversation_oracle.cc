// SPDX-License-Identifier: Apache-2.0
// Shows packets to the oracles of both ends. A packet longer than the MSS was captured before the interface cut it, or
// after the interface joined it. An oracle sees the segments that it is on the wire.
#include <algorithm>
#include <type_traits>

#include "harness/offline/conversation_state.h"

namespace tcpassay {
namespace {

constexpr std::uint32_t kPieceMin =
    8;  // least octets of text in a piece, when the options leave no room within the MSS
constexpr std::size_t kLinesAfter = 3;  // of a ladder after the packet that it is about
constexpr Time kWaitMin = std::chrono::milliseconds(5);
constexpr std::size_t kWaitingMax = 64;  // packets

}  // namespace

// How much text one segment to the other end may carry. Zero: any amount.
std::uint32_t CapturedConversation::piece_of(const Decoded& segment, std::size_t from) const {
  const std::uint32_t mss = directions_[1 - from]->mss, options = segment.opt.octets;
  if (mss == 0 || segment.ctl.syn) return 0;
  return mss > options + kPieceMin ? mss - options : std::max(mss, kPieceMin);
}

// The segments of `count` octets of text from `first` on.
template <class SegmentT>
void CapturedConversation::cut(const Decoded& segment, std::size_t from, Time at, std::uint32_t first,
                               std::uint32_t count) {
  const bool departs = std::is_same_v<SegmentT, Departing>;
  const auto octets = static_cast<std::uint32_t>(segment.text.size());
  const std::uint32_t room = piece_of(segment, from);
  const std::uint32_t piece = room == 0 ? std::max(octets, 1u) : room;
  const std::uint32_t end = first + count;
  segments_.clear();
  do {
    const std::uint32_t length = std::min(end - first, piece);
    Event event{.from = at, .until = at};
    event.tuple = {.local = directions_[departs ? from : 1 - from]->end.port,
                   .remote = directions_[departs ? 1 - from : from]->end.port};
    auto part = segment_of<SegmentT>(segment, segment.seq, segment.ack);
    part.seq.value += first;
    if (first != 0) part.ctl.cwr = false;
    if (first + length != octets) part.ctl.fin = part.ctl.psh = false;
    part.text = text_of(length);
    event.what = part;
    segments_.push_back(event);
    first += length;
  } while (first < end);
}

void CapturedConversation::note_verdict(DirectionState& judged) {
  if (!judged.judge->verdict()) return;
  judged.verdict = judged.judge->verdict();
  judged.lines_after = kLinesAfter + 1;
}

// A long packet leaves its end as one: nothing arrives between its segments.
void CapturedConversation::show_departing(const Captured& captured, const Decoded& segment, std::size_t from) {
  DirectionState& judged = *directions_[from];
  if (!judged.judge || judged.verdict) return;
  cut<Departing>(segment, from, captured.when, 0, static_cast<std::uint32_t>(segment.text.size()));
  judged.judge->observe(segments_, captured.number);
  judged.shown = captured.when;
  note_verdict(judged);
}

// An end that is near may answer some of the segments of a long packet before it has processed the others. So the
// packet, and what arrives behind it, waits until the next ACK of that end tells how much it has processed.
void CapturedConversation::show_arriving(const Captured& captured, const Decoded& segment, std::size_t from) {
  DirectionState& judged = *directions_[1 - from];
  if (!judged.judge || judged.verdict) return;
  const std::uint32_t piece = piece_of(segment, from);
  // Text ahead of a gap is not acknowledged, nor is text without ACK, which is dropped: so no ACK tells how much of it
  // was processed.
  const bool told = segment.ctl.ack && !directions_[from]->lacks_below(segment.seq);
  const bool is_long = piece != 0 && segment.text.size() > piece && segment.fault == Fault::kNone && told;
  const bool near = !judged.turnaround || *judged.turnaround <= kNearerMax;
  Waiting one{.number = captured.number,
              .at = captured.when,
              .segment = segment,
              .octets = static_cast<std::uint32_t>(segment.text.size())};
  one.segment.text = text_of(one.octets);
  one.segment.options = {};
  if (judged.waiting.empty() && !(is_long && near)) return show_part(one, from, one.octets);
  judged.waiting.push_back(one);
  while (judged.waiting.size() > kWaitingMax) {
    show_part(judged.waiting.front(), from, judged.waiting.front().octets);
    judged.waiting.pop_front();
  }
}

// Shows so many octets more of a packet that waits.
void CapturedConversation::show_part(Waiting& one, std::size_t from, std::uint32_t count) {
  DirectionState& judged = *directions_[1 - from];
  if (!judged.judge || judged.verdict) return;
  judged.shown = std::max(judged.shown, one.at);
  cut<Arriving>(one.segment, from, judged.shown, one.done, count - std::min(count, one.done));
  one.done = count;
  judged.judge->observe(segments_, one.number);
  note_verdict(judged);
}

// Shows of the packets that wait for this end what the ACK in its segment tells that it has processed.
void CapturedConversation::take_waiting(const Decoded& segment, std::size_t from, Time at) {
  DirectionState& judged = *directions_[from];
  const Time longest = std::max(kWaitMin, judged.lag + judged.lag / 4);
  while (!judged.waiting.empty()) {
    Waiting& one = judged.waiting.front();
    const std::uint32_t behind = segment.ack - one.segment.seq;  // octets of it that are acknowledged
    const bool tells = segment.ctl.ack && !segment.ctl.rst && one.octets > 0;
    const bool crossed = tells && !before(one.segment.seq + one.done, segment.ack) && at - one.at <= longest;
    if (crossed) return;
    const std::uint32_t piece = piece_of(one.segment, 1 - from);
    const bool partly = tells && before(segment.ack, one.segment.seq + one.octets) && piece != 0 &&
                        behind % piece == 0 && behind > one.done && at - one.at <= longest;
    if (partly) return show_part(one, 1 - from, behind);
    show_part(one, 1 - from, one.octets);
    judged.waiting.pop_front();
  }
}

}  // namespace tcpassay
