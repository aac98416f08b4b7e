// SPDX-License-Identifier: Apache-2.0
// What is said of a conversation in the end, and how it is shown.
#include <fmt/format.h>

#include <algorithm>

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
  const DirectionState& way = *directions_[end];
  Trace trace;
  std::vector<Verdict> verdicts;
  for (const LadderEntry& line : lines_) {
    const DirectionState& sender = *directions_[line.from];
    const DirectionState& other = *directions_[1 - line.from];
    Event event{.from = line.at - lines_.front().at, .until = line.at - lines_.front().at};
    event.tuple = {.local = way.end.port, .remote = directions_[1 - end]->end.port};
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
    if (way.verdict && line.frame == way.verdict->event) {
      verdicts.push_back(*way.verdict);
      verdicts.back().event = trace.events.size();
    }
    trace.events.push_back(event);
    trace.states.push_back(line.states[end]);
  }
  return ladder(trace, verdicts, {});
}

// Between a far end and us segments may be lost or overtake each other without our knowing.
bool CapturedConversation::near(std::size_t end) const {
  const auto &here = directions_[end]->turnaround, &there = directions_[1 - end]->turnaround;
  if (!here) return false;
  return *here <= kNearMax || (*here <= kNearerMax && there && kNearerTimes * *here <= *there);
}

EndResult CapturedConversation::end_result(std::size_t end) const {
  const DirectionState& way = *directions_[end];
  EndResult result{.end = way.end};
  const auto say = [&](Outcome kind, std::uint64_t frame, std::string why) {
    result.kind = kind;
    result.frame = frame;
    result.why = std::move(why);
    return result;
  };
  std::optional<Verdict> verdict = way.verdict;
  if (way.differs && (!verdict || *way.differs < verdict->event)) {
    verdict = Verdict{.rule = Rule::S3_8_1_same_octets,
                      .event = *way.differs,
                      .allowed = std::string(info(Rule::S3_8_1_same_octets).sentence),
                      .seen = "other octets under the same sequence numbers"};
  }
  result.verdict = verdict;
  result.ladder = verdict && way.ladder.empty() ? ladder_of(end) : way.ladder;
  if (verdict && verdict->kind == Verdict::Kind::kInconclusive) {
    return say(Outcome::kInconclusive, verdict->event, verdict->allowed);
  }
  const bool unseen = way.unseen && !way.unseen_refuted;
  std::string excuse;
  std::uint64_t excuse_at = 0;
  const auto excused = [&](std::uint64_t frame, const std::string& why) {
    if (!excuse.empty()) return;
    excuse = why;
    excuse_at = frame;
  };
  if (way.doubt) excused(way.doubt->frame, fmt::format("frame {}: {}", way.doubt->frame, way.doubt->why));
  if (unseen) excused(way.unseen->frame, fmt::format("frame {}: {}", way.unseen->frame, way.unseen->why));
  if (way.corrupt != 0) excused(way.corrupt, fmt::format("frame {}: its checksum is wrong", way.corrupt));
  if (!verdict) {
    if (!excuse.empty()) return say(Outcome::kInconclusive, excuse_at, excuse);
    if (!refused_.empty()) return say(Outcome::kInconclusive, refused_at_, refused_);
    return result;
  }
  const std::string blamed = fmt::format("frame {}: {} would be broken: allowed {}; seen {}", verdict->event,
                                         info(verdict->rule).id, verdict->allowed, verdict->seen);
  if (!near(end)) {
    excused(verdict->event, way.turnaround ? fmt::format("this end is {:.1f} ms away from the capture point",
                                                         std::chrono::duration<double>(*way.turnaround).count() * 1e3)
                                           : std::string("how far this end is from the capture point did not show"));
  }
  if (!excuse.empty()) return say(Outcome::kInconclusive, verdict->event, excuse + "; " + blamed);
  return say(Outcome::kFail, verdict->event, fmt::format("allowed {}; seen {}", verdict->allowed, verdict->seen));
}

ConversationResult CapturedConversation::result() const {
  ConversationResult result{.first_frame = first_frame_, .packets = packets_};
  for (std::size_t end = 0; end < 2; ++end) result.ends[end] = end_result(end);
  return result;
}

Outcome ConversationResult::kind() const {
  Outcome worst = Outcome::kPass;
  for (const EndResult& end : ends) {
    if (end.kind == Outcome::kFail) return end.kind;
    if (end.kind != Outcome::kPass) worst = end.kind;
  }
  return worst;
}

}  // namespace tcpassay
