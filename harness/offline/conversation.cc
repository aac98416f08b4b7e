// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/conversation.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/offline/conversation_state.h"
#include "harness/session/session.h"

namespace tcpassay {
namespace {

constexpr Time kCrossingMin = std::chrono::milliseconds(5);  // a segment that was seen is taken by then
constexpr Time kCrossingLimit = std::chrono::seconds(4);
constexpr std::size_t kLines = 14, kLinesAfter = 3;       // of a ladder, and behind the packet that it is about
constexpr std::size_t kTextMax = 256 * 1024;              // octets kept of one direction
constexpr std::size_t kPacketsRemembered = 8;             // in which a duplicate is looked for
constexpr std::uint32_t kPieceMin = 8;                    // an MSS below the options cannot be obeyed
constexpr std::uint16_t kMssIpv4 = 536, kMssIpv6 = 1220;  // RFC 9293 section 3.7.1

bool before(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) < 0;
}

std::uint32_t length_of(const Decoded& segment) {
  return static_cast<std::uint32_t>(segment.text.size()) + segment.ctl.syn + segment.ctl.fin;
}

bool has_option(const Decoded& segment, std::uint8_t kind) {
  const ByteView area = segment.options;
  for (std::size_t at = 0; at < area.size() && area[at] != 0;) {
    if (area[at] == kind) return true;
    if (area[at] == 1) {
      ++at;
    } else if (at + 1 < area.size() && area[at + 1] >= 2) {
      at += area[at + 1];
    } else {
      break;
    }
  }
  return false;
}

}  // namespace

CapturedConversation::CapturedConversation(const Captured& captured, const Decoded& opening, Edition edition,
                                           Chosen chosen, TextRoom& room)
    : room_(room), first_frame_(captured.number) {
  Terms terms = terms_over(opening.source.family);
  terms.edition = edition;
  for (std::size_t i = 0; i < 2; ++i) {
    directions_[i] = std::make_unique<DirectionState>();
    if (i == 0 ? chosen.first : chosen.second) directions_[i]->judge.emplace(terms);
  }
  directions_[0]->end = {opening.source, opening.source_port};
  directions_[1]->end = {opening.destination, opening.destination_port};
  if (opening.ctl.syn && !opening.ctl.ack) return;
  not_judged(captured.number,
             fmt::format("seen from the middle: frame {}, the first of it, is no SYN", captured.number));
}

CapturedConversation::~CapturedConversation() {
  for (const auto& way : directions_) room_.used -= way->kept.size();
}

void CapturedConversation::not_judged(std::uint64_t frame, const std::string& why) {
  if (!refused_.empty()) return;
  refused_ = why;
  refused_at_ = frame;
}

// Extensions that change what RFC 9293 asks for and that the model does not have, or only with what came before.
std::optional<std::string> CapturedConversation::beyond_us(const Decoded& segment) const {
  constexpr std::uint8_t kMultipath = 30, kAccurateEcn0 = 172, kAccurateEcn1 = 174;
  if (!segment.ctl.syn) return std::nullopt;
  if (segment.opt.fast_open || segment.opt.fast_open_experiment) {
    return "TCP Fast Open (RFC 7413): what earlier connections agreed on is not known";
  }
  if (has_option(segment, kMultipath)) return "Multipath TCP (RFC 8684)";
  const bool accurate = (segment.ctl.reserved & 1) != 0 && !segment.ctl.ack;
  if (accurate || has_option(segment, kAccurateEcn0) || has_option(segment, kAccurateEcn1)) return "Accurate ECN";
  return std::nullopt;
}

// The same packet again, on its way or at another interface: it was sent once.
bool CapturedConversation::seen_twice(const Decoded& segment, std::size_t from) {
  DirectionState& way = *directions_[from];
  const Print print{segment.identification, segment.seq, segment.ack, length_of(segment)};
  const bool again =
      segment.identification != 0 && std::find(way.recent.begin(), way.recent.end(), print) != way.recent.end();
  way.recent.push_back(print);
  if (way.recent.size() > kPacketsRemembered) way.recent.pop_front();
  return again;
}

// Does the order in which the packets were sent differ from that in the capture?
void CapturedConversation::note_order(const Decoded& segment, std::size_t from, std::uint64_t frame) {
  constexpr int kFollows = 8;
  constexpr std::uint16_t kStepMax = 64;
  DirectionState& way = *directions_[from];
  if (segment.identification != 0) {
    const auto step = static_cast<std::uint16_t>(segment.identification - way.identification);
    const bool back = step > 0xff00;
    if (back && way.in_order >= kFollows) way.doubted(frame, "it was overtaken on its way to the capture point");
    if (way.identification != 0 && step > kStepMax && !back) way.in_order = 0;
    if (step <= kStepMax && way.in_order < kFollows) ++way.in_order;
    if (!back) way.identification = segment.identification;
  }
  if (segment.opt.timestamps && !segment.ctl.rst) {
    const std::uint32_t value = segment.opt.timestamps->value;
    if (way.tsval && before(value, *way.tsval)) {
      way.doubted(frame, "its timestamp is older than that of a packet before it: it may have been overtaken");
    } else {
      way.tsval = value;
    }
  }
}

// A connection begins, perhaps not the first between the two.
void CapturedConversation::begin(std::size_t from, const Decoded& syn) {
  DirectionState& way = *directions_[from];
  room_.used -= way.kept.size();
  way.kept.clear();
  way.syn = true;
  way.fin = reset_ = false;
  way.opening.reset();
  way.first = syn.seq;
  way.next = way.acked = way.kept_from = syn.seq + 1;
  way.mss = syn.opt.mss.value_or(syn.source.family == 6 ? kMssIpv6 : kMssIpv4);
}

// Sequence numbers: what is missing in the capture?
void CapturedConversation::note_numbers(const Decoded& segment, std::size_t from, std::uint64_t frame) {
  DirectionState& way = *directions_[from];
  DirectionState& other = *directions_[1 - from];
  const std::uint32_t end = segment.seq + length_of(segment);
  const bool another = segment.ctl.syn && !segment.ctl.rst && (!way.syn || way.first != segment.seq);
  if (another && way.syn && !segment.ctl.ack) {
    way.opening = segment;
  } else if (another) {
    begin(from, segment);
    if (other.opening && segment.ctl.ack && segment.ack == other.opening->seq + 1)
      begin(1 - from, Decoded(*other.opening));
  } else if (way.syn && !segment.ctl.rst) {
    if (before(way.next, segment.seq)) {
      way.doubted(frame, fmt::format("octets {}:{} were not captured before it", way.next - way.first,
                                     segment.seq - way.first));
    }
    // Is it this end that shows whether what the other has acknowledged unseen was ever sent?
    if (other.unseen && frame != other.unseen->frame) {
      if (segment.seq == other.unseen_from) other.unseen_refuted = true;
    }
    if (before(way.next, end)) way.next = end;
  }
  way.fin = way.fin || (segment.ctl.fin && !segment.ctl.rst);
  if (!segment.ctl.ack || segment.ctl.rst) return;
  const bool unknown = !other.syn || before(other.next, segment.ack);
  if (unknown && !way.unseen && !(segment.ctl.syn && !other.syn)) {
    way.unseen = DirectionState::Doubt{frame, "it acknowledges what the capture does not have"};
    way.unseen_from = other.next;
    way.unseen_to = segment.ack;
  } else if (!unknown && before(other.acked, segment.ack)) {
    other.acked = segment.ack;
  }
}

// A retransmission carries the same octets (RFC 9293 section 3.8.1).
void CapturedConversation::compare_text(const Decoded& segment, bool kept, std::size_t from, std::uint64_t frame) {
  DirectionState& way = *directions_[from];
  const auto drop = [&](std::size_t octets) {
    way.kept.erase(way.kept.begin(), way.kept.begin() + static_cast<std::ptrdiff_t>(octets));
    way.kept_from += static_cast<std::uint32_t>(octets);
    room_.used -= octets;
  };
  if (before(way.kept_from, way.acked)) drop(std::min<std::size_t>(way.acked - way.kept_from, way.kept.size()));
  if (way.kept.empty() && before(way.kept_from, way.acked)) way.kept_from = way.acked;
  if (segment.text.empty() || segment.ctl.rst || segment.fault != Fault::kNone) return;
  if (!kept) {
    way.compared = false;
    return;
  }
  const std::uint32_t begin = segment.seq + segment.ctl.syn;
  const auto at = static_cast<std::int32_t>(begin - way.kept_from);
  const auto octets = static_cast<std::int32_t>(segment.text.size());
  const auto have = static_cast<std::int32_t>(way.kept.size());
  const std::int32_t low = std::max(at, 0), high = std::min(at + octets, have);
  if (low < high) {
    const bool same = std::equal(way.kept.begin() + low, way.kept.begin() + high, segment.text.begin() + (low - at));
    const bool probe = octets == 1 && begin + 1 == way.next;  // a probe may carry any octet
    if (!same && !probe && !way.differs) way.differs = frame;
  }
  if (at < 0 || at > have || at + octets <= have) return;
  const auto fresh = static_cast<std::size_t>(at + octets - have);
  if (way.kept.size() + fresh > kTextMax || room_.used + fresh > TextRoom::kMax) {
    way.compared = false;
    return;
  }
  way.kept.insert(way.kept.end(), segment.text.end() - static_cast<std::ptrdiff_t>(fresh), segment.text.end());
  room_.used += fresh;
}

// How far an end is away shows by what it answers at once: its SYN,ACK, the ACK of one, and other ACKs.
void CapturedConversation::measure(const Decoded& segment, std::size_t from, Time at) {
  DirectionState& way = *directions_[from];
  DirectionState& other = *directions_[1 - from];
  if (way.asked && segment.ctl.ack && segment.ack == way.asked_ack) {
    const Time took = at - *way.asked;
    if (!way.turnaround || took < *way.turnaround) {
      way.turnaround = took;
      const Time longest = std::clamp<Time>(4 * took, kCrossingMin, kCrossingLimit);
      if (way.judge) way.judge->set({.usual = took <= kNearerMax ? Time{} : took - took / 8, .longest = longest});
    }
    way.asked.reset();
  }
  const std::uint32_t end = segment.seq + length_of(segment);
  if (length_of(segment) == 0 || segment.ctl.rst || segment.fault != Fault::kNone) return;
  other.asked.reset();
  const bool again = way.syn && !before(way.next, end);
  if (again) return;  // what answers it may answer an earlier one (Karn's algorithm)
  other.asked = at;
  other.asked_ack = end;
}

// A segment longer than the MSS was not cut yet, by an interface that does so, or joined again: it is taken for what it
// is on the wire.
void CapturedConversation::show(const Captured& captured, const Decoded& segment, std::size_t from, bool departs) {
  const std::size_t to = 1 - from;
  DirectionState& judged = *directions_[departs ? from : to];
  if (!judged.judge || judged.verdict) return;
  const auto octets = static_cast<std::uint32_t>(segment.text.size());
  const std::uint32_t mss = directions_[to]->mss, options = segment.opt.octets;
  const std::uint32_t room = mss > options + kPieceMin ? mss - options : std::max(mss, kPieceMin);
  const std::uint32_t piece = mss == 0 || segment.ctl.syn ? std::max(octets, 1u) : room;
  segments_.clear();
  for (std::uint32_t at = 0; at < octets || segments_.empty(); at += piece) {
    const std::uint32_t length = std::min(octets - at, piece);
    Event event{.from = captured.when, .until = captured.when};
    event.tuple = {.local = judged.end.port, .remote = directions_[departs ? to : from]->end.port};
    const auto fill = [&](auto part) {
      part.seq.value += at;
      if (at != 0) part.ctl.cwr = false;
      if (at + length != octets) part.ctl.fin = part.ctl.psh = false;
      part.text = text_of(length);
      event.what = part;
    };
    if (departs) {
      fill(segment_of<Departing>(segment, segment.seq, segment.ack));
    } else {
      fill(segment_of<Arriving>(segment, segment.seq, segment.ack));
    }
    segments_.push_back(event);
  }
  judged.judge->observe(segments_, captured.number);
  if (!judged.judge->verdict()) return;
  judged.verdict = judged.judge->verdict();
  judged.lines_after = kLinesAfter + 1;
}

// What passed the capture point is departing for one end and arriving for the other.
void CapturedConversation::judge(const Captured& captured, const CapturedPacket& packet, std::size_t from) {
  Decoded segment = *packet.segment;
  DirectionState& way = *directions_[from];
  const bool wrong = segment.fault == Fault::kChecksum;
  if (!way.filled && packet.text_kept) way.filled = !wrong;
  const bool corrupt = wrong && *way.filled;
  if (wrong && !corrupt) segment.fault = Fault::kNone;
  if (corrupt && way.corrupt == 0) way.corrupt = captured.number;
  if (!corrupt) {
    if (const auto why = beyond_us(segment)) return not_judged(captured.number, *why);
  }
  const bool again = seen_twice(segment, from);
  if (!corrupt && !again) {
    measure(segment, from, captured.when);
    note_order(segment, from, captured.number);
    note_numbers(segment, from, captured.number);
    compare_text(segment, packet.text_kept, from, captured.number);
    reset_ = reset_ || segment.ctl.rst;
  }
  if (!corrupt && !again) show(captured, segment, from, true);
  show(captured, segment, from, false);
}

void CapturedConversation::segment(const Captured& captured, const CapturedPacket& packet) {
  const Decoded& segment = *packet.segment;
  const std::size_t from = Endpoint{segment.source, segment.source_port} == directions_[0]->end ? 0 : 1;
  last_ = captured.when;
  ++packets_;
  if (!refused_.empty()) {
    reset_ = reset_ || segment.ctl.rst;
    return;
  }
  judge(captured, packet, from);
  lines_.push_back({.frame = captured.number,
                    .at = captured.when,
                    .from = from,
                    .segment = segment,
                    .octets = static_cast<std::uint32_t>(segment.text.size())});
  lines_.back().segment.text = lines_.back().segment.options = {};
  if (lines_.size() > kLines) lines_.pop_front();
  for (std::size_t end = 0; end < 2; ++end) {
    DirectionState& way = *directions_[end];
    if (way.judge) lines_.back().states[end] = way.judge->states();
    if (way.lines_after > 0 && --way.lines_after == 0) way.ladder = ladder_of(end);
  }
}

bool CapturedConversation::over() const {
  const DirectionState &a = *directions_[0], &b = *directions_[1];
  const bool closed = a.fin && b.fin && a.acked == a.next && b.acked == b.next;
  return reset_ || closed || !refused_.empty();
}

bool CapturedConversation::rests() const {
  return !refused_.empty() || std::all_of(directions_.begin(), directions_.end(), [](const auto& way) {
    return !way->judge || way->verdict || way->judge->rests();
  });
}

bool CapturedConversation::lossy() const {
  return std::any_of(directions_.begin(), directions_.end(),
                     [](const auto& way) { return way->unseen && !way->unseen_refuted; });
}

}  // namespace tcpassay
