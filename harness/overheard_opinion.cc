// SPDX-License-Identifier: Apache-2.0
// What is said of a conversation in the end, and how it is shown.
#include <fmt/format.h>

#include <algorithm>

#include "harness/ladder.h"
#include "harness/overheard_way.h"
#include "models/rules.h"

namespace tcpassay {

const char* to_string(OpinionKind kind) {
  switch (kind) {
    case OpinionKind::kAccepted:
      return "accepted";
    case OpinionKind::kCondemned:
      return "condemned";
    case OpinionKind::kInconclusive:
      return "inconclusive";
    case OpinionKind::kUnsupported:
      return "unsupported";
  }
  return "?";
}

std::string Endpoint::text() const {
  return address.family == 6 ? fmt::format("[{}]:{}", address.text(), port)
                             : fmt::format("{}:{}", address.text(), port);
}

std::string Overheard::ladder_of(std::size_t end) const {
  const Way& way = *way_[end];
  Trace trace;
  std::vector<Verdict> verdicts;
  for (const Line& line : lines_) {
    const Way& sender = *way_[line.from];
    const Way& other = *way_[1 - line.from];
    Event event{.from = line.at - lines_.front().at, .until = line.at - lines_.front().at};
    event.tuple = {.local = way.end.port, .remote = way_[1 - end]->end.port};
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
bool Overheard::near(std::size_t end) const {
  const auto &here = way_[end]->turnaround, &there = way_[1 - end]->turnaround;
  if (!here) return false;
  return *here <= kNearMax || (*here <= kNearerMax && there && kNearerTimes * *here <= *there);
}

EndOpinion Overheard::end_opinion(std::size_t end) const {
  const Way& way = *way_[end];
  EndOpinion opinion{.end = way.end};
  const auto say = [&](OpinionKind kind, std::uint64_t frame, std::string why) {
    opinion.kind = kind;
    opinion.frame = frame;
    opinion.why = std::move(why);
    return opinion;
  };
  std::optional<Verdict> verdict = way.verdict;
  if (way.differs && (!verdict || *way.differs < verdict->event)) {
    verdict = Verdict{.rule = Rule::S3_8_1_same_octets,
                      .event = *way.differs,
                      .allowed = std::string(info(Rule::S3_8_1_same_octets).sentence),
                      .seen = "other octets under the same sequence numbers"};
  }
  opinion.verdict = verdict;
  opinion.ladder = verdict && way.ladder.empty() ? ladder_of(end) : way.ladder;
  if (verdict && verdict->kind == Verdict::Kind::kInconclusive) {
    return say(OpinionKind::kInconclusive, verdict->event, verdict->allowed);
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
    if (!excuse.empty()) return say(OpinionKind::kInconclusive, excuse_at, excuse);
    if (!refused_.empty()) return say(OpinionKind::kInconclusive, refused_at_, refused_);
    return opinion;
  }
  const std::string blamed = fmt::format("frame {}: {} would be broken: allowed {}; seen {}", verdict->event,
                                         info(verdict->rule).id, verdict->allowed, verdict->seen);
  if (!near(end)) {
    excused(verdict->event, way.turnaround ? fmt::format("this end is {:.1f} ms away from the capture point",
                                                         std::chrono::duration<double>(*way.turnaround).count() * 1e3)
                                           : std::string("how far this end is from the capture point did not show"));
  }
  if (!excuse.empty()) return say(OpinionKind::kInconclusive, verdict->event, excuse + "; " + blamed);
  return say(OpinionKind::kCondemned, verdict->event,
             fmt::format("allowed {}; seen {}", verdict->allowed, verdict->seen));
}

ConversationOpinion Overheard::opinion() const {
  ConversationOpinion opinion{.first_frame = first_frame_, .packets = packets_};
  for (std::size_t end = 0; end < 2; ++end) opinion.ends[end] = end_opinion(end);
  return opinion;
}

OpinionKind ConversationOpinion::kind() const {
  OpinionKind worst = OpinionKind::kAccepted;
  for (const EndOpinion& end : ends) {
    if (end.kind == OpinionKind::kCondemned) return end.kind;
    if (end.kind != OpinionKind::kAccepted) worst = end.kind;
  }
  return worst;
}

}  // namespace tcpassay
