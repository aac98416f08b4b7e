// SPDX-License-Identifier: Apache-2.0
// What shows that segments are lost, or late, between the capture point and an end.
#include <algorithm>

#include "harness/offline/conversation_state.h"

namespace tcpassay {
namespace {

constexpr std::size_t kStampsMax = 256;

}  // namespace

// What was sent again because no ACK came is acknowledged now, and was never reported to have come twice (RFC 2883):
// the first copy was lost on its way.
void CapturedConversation::note_arrival(const Decoded& segment, std::size_t from, const Passing& passed,
                                        std::uint64_t frame) {
  DirectionState& sender = *directions_[from];
  if (!passed.again || passed.reported || passed.at - passed.first <= std::max(kCrossingMin, sender.lag)) return;
  const bool duplicate = segment.opt.blocks > 0 && !before(segment.ack, segment.opt.block[0].right);
  if (!duplicate) sender.loses(frame, "what was sent again is acknowledged only upon the latest copy");
}

// A SACK option reports what has arrived, and that what passed long before has not.
void CapturedConversation::note_reports(const Decoded& segment, std::size_t from, Time at, std::uint64_t frame) {
  DirectionState& sender = *directions_[from];
  auto& passed = directions_[1 - from]->unanswered;
  for (std::size_t i = 0; i < segment.opt.blocks; ++i) {
    const auto& block = segment.opt.block.at(i);
    const auto left = std::lower_bound(passed.begin(), passed.end(), block.left,
                                       [](const Passing& one, std::uint32_t edge) { return before(one.seq, edge); });
    for (auto one = left; one != passed.end() && !before(block.right, one->end) && !one->reported; ++one)
      one->reported = true;
    const bool gap = !passed.empty() && segment.ack == passed.front().seq && before(segment.ack, block.left);
    if (gap && !passed.front().reported && at - passed.front().at > std::max(kCrossingMin, sender.lag))
      sender.loses(frame, "it reports a gap that the capture does not have");
  }
}

// An end sends again what was answered long ago, and does not echo the answer: it has not taken it. A keep-alive or a
// window probe is no retransmission.
void CapturedConversation::lacks_answer(const Decoded& segment, std::size_t from, Time at, std::uint64_t frame) {
  DirectionState& sender = *directions_[from];
  const auto& unanswered = directions_[1 - from]->unanswered;
  const Time longest = std::max(kCrossingMin, sender.lag);
  if (segment.ctl.syn) {
    const bool answered = !segment.ctl.ack && !unanswered.empty() && at - unanswered.front().at > longest;
    if (answered) sender.loses(frame, "it sends its SYN again behind the SYN,ACK");
    return;
  }
  const std::uint32_t end = segment.seq + length_of(segment);
  const bool probe = segment.seq + 1 == sender.next && !segment.ctl.fin;
  if (probe || before(sender.acked, end) || at - sender.acked_at <= longest) return;
  const bool echoes =
      segment.opt.timestamps && sender.acked_stamp && !before(segment.opt.timestamps->echo, *sender.acked_stamp);
  if (!echoes) sender.loses(frame, "it sends again what was acknowledged, and does not echo the ACK");
}

// The timestamp of an ACK is echoed at once (RFC 7323 section 4.3). One that is passed over at first, and echoed by a
// later segment, was late.
void CapturedConversation::note_stamps(const Decoded& segment, std::size_t from, Time at, std::uint64_t frame) {
  if (!segment.opt.timestamps) return;
  DirectionState &sender = *directions_[from], &other = *directions_[1 - from];
  if (length_of(segment) == 0 && !before(sender.acked, segment.seq) && other.stamps.size() < kStampsMax &&
      (other.stamps.empty() || before(other.stamps.back().value, segment.opt.timestamps->value)))
    other.stamps.push_back({.value = segment.opt.timestamps->value, .at = at});
  const std::uint32_t echo = segment.opt.timestamps->echo;
  if (sender.overlooked_for > Time{} && echo == sender.overlooked) {
    sender.reach = std::max(sender.reach, sender.overlooked_for);
    sender.loses(frame, "it echoes an ACK that it had not taken long after the ACK passed");
  }
  while (!sender.stamps.empty() && !before(echo, sender.stamps.front().value)) sender.stamps.pop_front();
  if (!sender.stamps.empty() && at - sender.stamps.front().at > kCrossingMin) {
    sender.overlooked = sender.stamps.front().value;
    sender.overlooked_for = at - sender.stamps.front().at;
  } else if (sender.overlooked_for > Time{} && before(sender.overlooked, echo)) {
    sender.overlooked_for = Time{};
  }
  sender.echo = echo;
}

}  // namespace tcpassay
