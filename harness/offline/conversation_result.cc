// SPDX-License-Identifier: Apache-2.0
// The result of judging a conversation, and its ladder diagram.
#include <fmt/format.h>

#include "harness/offline/conversation_state.h"
#include "harness/report/ladder.h"
#include "models/rules.h"

namespace tcpassay {

const char* to_string(Outcome kind) {
  switch (kind) {
    case Outcome::kPass:
      return "accepted";
    case Outcome::kFail:
      return "condemned";
    case Outcome::kInconclusive:
      return "inconclusive";
    case Outcome::kUnsupported:
      return "unsupported";
  }
  return "?";
}

std::string Endpoint::text() const {
  return address.family == 6 ? fmt::format("[{}]:{}", address.text(), port)
                             : fmt::format("{}:{}", address.text(), port);
}

std::string CapturedConversation::ladder_of(std::size_t end) const {
  const DirectionState& direction = *directions_[end];
  Trace trace;
  std::vector<Verdict> verdicts;
  for (const LadderEntry& line : lines_) {
    const DirectionState& sender = *directions_[line.from];
    const DirectionState& other = *directions_[1 - line.from];
    Event event{.from = line.at - lines_.front().at, .until = line.at - lines_.front().at};
    event.tuple = {.local = direction.end.port, .remote = directions_[1 - end]->end.port};
    const std::uint32_t seq = line.segment.seq - sender.first, ack = line.segment.ack - other.first;
    if (line.from == end) {
      Departing out = segment_of<Departing>(line.segment, seq, ack);
      out.text = text_of(line.octets);
      event.what = out;
    } else {
      Arriving in = segment_of<Arriving>(line.segment, seq, ack);
      in.text = text_of(line.octets);
      event.what = in;
    }
    if (direction.verdict && line.frame == direction.verdict->event) {
      verdicts.push_back(*direction.verdict);
      verdicts.back().event = trace.events.size();
    }
    trace.events.push_back(event);
    trace.states.push_back(line.states[end]);
  }
  return ladder(trace, verdicts, {});
}

// Between the capture point and a far end, segments may be lost or reordered without any trace in the capture.
bool CapturedConversation::is_near(std::size_t end) const {
  const auto &least = directions_[end]->turnaround, &there = directions_[1 - end]->turnaround;
  if (!least || !clock_.distrusted().empty()) return false;
  const Time here = *least + clock_.tick();
  return here <= kNearMax || (here <= kNearerMax && there && kNearerTimes * here <= *there);
}

namespace {

// What speaks first against an end: its octets, or the oracle. Under strict terms that may show at the end only.
template <class Direction>
std::optional<Verdict> verdict_of(const Direction& direction) {
  std::optional<Verdict> verdict = direction.verdict;
  if (direction.judge && !verdict) verdict = direction.judge->verdict();
  if (!direction.differs || (verdict && verdict->event <= *direction.differs)) return verdict;
  return Verdict{.rule = Rule::S3_8_1_same_octets,
                 .event = *direction.differs,
                 .allowed = std::string(info(Rule::S3_8_1_same_octets).sentence),
                 .seen = "other octets under the same sequence numbers"};
}

// Octets that never were captured may have arrived and drawn a RST.
template <class Direction>
std::string may_have_drawn(const Direction& other) {
  return fmt::format("octets {}:{} of the other end were not captured, and may have drawn a RST",
                     other.holes.front().from - other.first, other.holes.front().to - other.first);
}

}  // namespace

EndpointResult CapturedConversation::result_of(std::size_t end) const {
  const DirectionState& direction = *directions_[end];
  EndpointResult result{.end = direction.end};
  const auto conclude = [&](Outcome outcome, std::uint64_t frame, std::string why) {
    result.outcome = outcome;
    result.frame = frame;
    result.why = std::move(why);
    return result;
  };
  const std::vector<Verdict> tolerated =
      direction.judge && !direction.verdict ? directions_[end]->judge->tolerated() : std::vector<Verdict>{};
  std::optional<Verdict> verdict = verdict_of(direction);
  result.verdict = verdict;
  result.ladder = verdict && direction.ladder.empty() ? ladder_of(end) : direction.ladder;
  if (verdict && verdict->kind == Verdict::Kind::kInconclusive) {
    return conclude(Outcome::kInconclusive, verdict->event, verdict->allowed);
  }
  const bool unseen = direction.unseen && !direction.unseen_refuted;
  std::string excuse;
  std::uint64_t excuse_at = 0;
  const auto excuse_by = [&](std::uint64_t frame, const std::string& why) {
    if (!excuse.empty()) return;
    excuse = why;
    excuse_at = frame;
  };
  if (direction.doubt)
    excuse_by(direction.doubt->frame, fmt::format("frame {}: {}", direction.doubt->frame, direction.doubt->why));
  if (unseen)
    excuse_by(direction.unseen->frame, fmt::format("frame {}: {}", direction.unseen->frame, direction.unseen->why));
  if (direction.corrupt != 0)
    excuse_by(direction.corrupt, fmt::format("frame {}: its checksum is wrong", direction.corrupt));
  // What was garbled behind the capture's point, or in the file, the other end may have received in order.
  const std::uint64_t garbled = directions_[1 - end]->corrupt;
  if (garbled != 0 && verdict && garbled < verdict->event)
    excuse_by(garbled, fmt::format("frame {}, which arrived: its checksum is wrong in the capture", garbled));
  if (verdict && direction.lossy && direction.lossy->frame <= verdict->event)
    excuse_by(direction.lossy->frame, fmt::format("frame {}: {}", direction.lossy->frame, direction.lossy->why));
  if (!verdict) {
    if (!excuse.empty()) return conclude(Outcome::kInconclusive, excuse_at, excuse);
    if (!not_judged_because_.empty()) return conclude(Outcome::kInconclusive, not_judged_from_, not_judged_because_);
    if (is_near(end) && clock_.distrusted().empty()) result.tolerated = tolerated;
    return result;
  }
  const std::string blamed = fmt::format("frame {}: {} would be broken: allowed {}; seen {}", verdict->event,
                                         info(verdict->rule).id, verdict->allowed, verdict->seen);
  if (!clock_.distrusted().empty()) excuse_by(verdict->event, clock_.distrusted());
  if (!is_near(end)) {
    excuse_by(verdict->event,
              clock_.tick() != Time{}
                  ? fmt::format("the clock of the capture ticks every {} ms only",
                                std::chrono::duration_cast<std::chrono::milliseconds>(clock_.tick()).count())
              : direction.turnaround ? fmt::format("this end is {:.1f} ms away from the capture point",
                                                   std::chrono::duration<double>(*direction.turnaround).count() * 1e3)
                                     : std::string("how far this end is from the capture point did not show"));
  }
  if (direction.reset == verdict->event && !directions_[1 - end]->holes.empty())
    excuse_by(verdict->event, may_have_drawn(*directions_[1 - end]));
  if (!excuse.empty()) return conclude(Outcome::kInconclusive, verdict->event, excuse + "; " + blamed);
  return conclude(Outcome::kFail, verdict->event, fmt::format("allowed {}; seen {}", verdict->allowed, verdict->seen));
}

int CapturedConversation::blamed() const {
  return directions_[0]->verdict.has_value() + directions_[1]->verdict.has_value();
}

ConversationResult CapturedConversation::result() const {
  ConversationResult result{.first_frame = first_frame_, .packets = packets_};
  for (std::size_t end = 0; end < 2; ++end) {
    result.ends[end] = result_of(end);
    result.losses[end] = directions_[end]->losses;
    result.reach[end] = directions_[end]->reach;
  }
  return result;
}

Outcome ConversationResult::outcome() const {
  Outcome worst = Outcome::kPass;
  for (const EndpointResult& end : ends) {
    if (end.outcome == Outcome::kFail) return end.outcome;
    if (end.outcome != Outcome::kPass) worst = end.outcome;
  }
  return worst;
}

}  // namespace tcpassay
