// SPDX-License-Identifier: Apache-2.0
// Follows the times of a captured conversation: how far each end is away, how long an end takes until it has processed
// a segment, and what is lost between an end and the capture point.
#include <algorithm>

#include "harness/offline/conversation_state.h"

namespace tcpassay {
namespace {

constexpr std::size_t kUnansweredMax = 1024;  // segments whose times are kept

}  // namespace

// Measures how far an end is from the capture point, by what it answers at once: SYN,ACK, the ACK of that, other ACKs.
void CapturedConversation::measure(const Decoded& segment, std::size_t from, Time at, std::uint64_t frame) {
  DirectionState& sender = *directions_[from];
  bool changed = segment.ctl.ack && !segment.ctl.rst && measure_lag(segment, from, at, frame);
  if (sender.asked && segment.ctl.ack && segment.ack == sender.asked_ack) {
    const Time took = at - *sender.asked;
    if (!sender.turnaround || took < *sender.turnaround) {
      sender.turnaround = took;
      changed = true;
    }
    sender.asked.reset();
  }
  if (changed && sender.judge) {
    // The clock of a capture may leap by decades, back or forth.
    const Time took = std::clamp(sender.turnaround.value_or(Time{}), Time{}, kCrossingLimit);
    const Time longest =
        std::clamp<Time>(std::max(4 * took, sender.lag + sender.lag / 4), kCrossingMin, kCrossingLimit);
    sender.judge->set({.usual = took <= kNearerMax ? Time{} : took - took / 8, .longest = longest});
  }
  if (!segment.ctl.rst) note_stamps(segment, from, at, frame);
  measure_passing(segment, from, at, frame);
}

// Keeps the times of a segment until it is acknowledged.
void CapturedConversation::measure_passing(const Decoded& segment, std::size_t from, Time at, std::uint64_t frame) {
  DirectionState& sender = *directions_[from];
  DirectionState& other = *directions_[1 - from];
  const std::uint32_t end = segment.seq + length_of(segment);
  if (length_of(segment) == 0 || segment.ctl.rst || segment.fault != Fault::kNone) return;
  other.asked.reset();
  const bool again = sender.syn && !before(sender.next, end);
  if (again) {  // an answer to it may be one to an earlier copy (Karn's algorithm)
    for (Passing& one : sender.unanswered) {
      if (before(one.seq, segment.seq) || before(end, one.end)) continue;
      one.at = at;
      one.again = true;
    }
    return lacks_answer(segment, from, at, frame);
  }
  const bool known = !sender.unanswered.empty() && sender.unanswered.back().end == end;
  const bool old = segment.opt.timestamps && other.echo && before(segment.opt.timestamps->value, *other.echo);
  if (!known && !old && sender.unanswered.size() < kUnansweredMax)
    sender.unanswered.push_back({.seq = segment.seq, .end = end, .at = at, .first = at});
  other.asked = at;
  other.asked_ack = end;
}

// An ACK shows that an end had not processed the segment behind it, though that had passed the capture point. Whether
// this end was busy or the segment was lost on its way does not show. True when that took longer than ever before.
bool CapturedConversation::measure_lag(const Decoded& segment, std::size_t from, Time at, std::uint64_t frame) {
  DirectionState& sender = *directions_[from];
  auto& passed = directions_[1 - from]->unanswered;
  std::optional<Time> since;
  while (!passed.empty() && !before(segment.ack, passed.front().end)) {
    if (segment.ack == passed.front().end) since = passed.front().at;
    note_arrival(segment, from, passed.front(), frame);
    sender.reach = std::max(sender.reach, at - passed.front().first);
    passed.pop_front();
  }
  note_reports(segment, from, at, frame);
  const bool behind = !passed.empty() && !before(segment.ack, passed.front().seq);
  if (behind && !since) since = passed.front().at;
  if (!since || !(behind || segment.ctl.syn)) return false;
  const Time lag = std::min(at - *since, kCrossingLimit);
  if (lag <= sender.lag) return false;
  sender.lag = lag;
  return true;
}

}  // namespace tcpassay
