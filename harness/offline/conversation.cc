// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/conversation.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/offline/conversation_state.h"
#include "harness/session/session.h"

namespace tcpassay {
namespace {

constexpr Time kCrossingMin =
    std::chrono::milliseconds(5);  // an end processes a segment at most so long after it passed the capture point
constexpr Time kCrossingLimit = std::chrono::seconds(4);
constexpr std::size_t kLines = 14, kLinesAfter = 3;  // of a ladder in all, and after the packet that it is about
constexpr std::size_t kTextMax = 256 * 1024;         // octets of text kept for one direction
constexpr std::size_t kPacketsRemembered = 8;        // a duplicate is looked for among so many
constexpr std::uint32_t kPieceMin =
    8;  // least octets of text in a piece, when the options leave no room within the MSS
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
  for (const auto& sender : directions_) room_.used -= sender->kept.size();
}

void CapturedConversation::not_judged(std::uint64_t frame, const std::string& why) {
  if (!not_judged_because_.empty()) return;
  not_judged_because_ = why;
  not_judged_from_ = frame;
}

// Names an extension that changes what RFC 9293 demands and that the model lacks, or knows only with the history of
// earlier connections.
std::optional<std::string> CapturedConversation::unknown_extension(const Decoded& segment) const {
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

// Whether this is a packet that was captured before, for example at another interface. It was sent only once.
bool CapturedConversation::is_duplicate(const Decoded& segment, std::size_t from) {
  DirectionState& sender = *directions_[from];
  const Print print{segment.identification, segment.seq, segment.ack, length_of(segment)};
  const bool again = segment.identification != 0 &&
                     std::find(sender.recent.begin(), sender.recent.end(), print) != sender.recent.end();
  sender.recent.push_back(print);
  if (sender.recent.size() > kPacketsRemembered) sender.recent.pop_front();
  return again;
}

// Notes when the order of the packets in the capture is not the order in which they were sent.
void CapturedConversation::note_order(const Decoded& segment, std::size_t from, std::uint64_t frame) {
  constexpr int kFollows = 8;
  constexpr std::uint16_t kStepMax = 64;
  DirectionState& sender = *directions_[from];
  if (segment.identification != 0) {
    const auto step = static_cast<std::uint16_t>(segment.identification - sender.identification);
    const bool back = step > 0xff00;
    if (back && sender.in_order >= kFollows) sender.doubted(frame, "it was overtaken on its way to the capture point");
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
  sender.mss = syn.opt.mss.value_or(syn.source.family == 6 ? kMssIpv6 : kMssIpv4);
}

// Follows the sequence numbers and notes what the capture lacks.
void CapturedConversation::note_numbers(const Decoded& segment, std::size_t from, std::uint64_t frame) {
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
    }
    // The other end has acknowledged octets that the capture lacks. This segment starts with them, so this end had not
    // sent them yet.
    if (other.unseen && frame != other.unseen->frame) {
      if (segment.seq == other.unseen_from) other.unseen_refuted = true;
    }
    if (before(sender.next, end)) sender.next = end;
  }
  sender.fin = sender.fin || (segment.ctl.fin && !segment.ctl.rst);
  if (!segment.ctl.ack || segment.ctl.rst) return;
  const bool unknown = !other.syn || before(other.next, segment.ack);
  if (unknown && !sender.unseen && !(segment.ctl.syn && !other.syn)) {
    sender.unseen = DirectionState::Doubt{frame, "it acknowledges what the capture does not have"};
    sender.unseen_from = other.next;
    sender.unseen_to = segment.ack;
  } else if (!unknown && before(other.acked, segment.ack)) {
    other.acked = segment.ack;
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

// Measures how far an end is from the capture point, by what it answers at once: SYN,ACK, the ACK of that, other ACKs.
void CapturedConversation::measure(const Decoded& segment, std::size_t from, Time at) {
  DirectionState& sender = *directions_[from];
  DirectionState& other = *directions_[1 - from];
  if (sender.asked && segment.ctl.ack && segment.ack == sender.asked_ack) {
    const Time took = at - *sender.asked;
    if (!sender.turnaround || took < *sender.turnaround) {
      sender.turnaround = took;
      const Time longest = std::clamp<Time>(4 * took, kCrossingMin, kCrossingLimit);
      if (sender.judge) sender.judge->set({.usual = took <= kNearerMax ? Time{} : took - took / 8, .longest = longest});
    }
    sender.asked.reset();
  }
  const std::uint32_t end = segment.seq + length_of(segment);
  if (length_of(segment) == 0 || segment.ctl.rst || segment.fault != Fault::kNone) return;
  other.asked.reset();
  const bool again = sender.syn && !before(sender.next, end);
  if (again) return;  // an answer to it may be one to an earlier copy (Karn's algorithm)
  other.asked = at;
  other.asked_ack = end;
}

// Shows the packet to the oracle of one end. A packet longer than the MSS was captured before the interface cut it, or
// after the interface joined it. The oracle sees the segments that it is on the wire.
void CapturedConversation::show_to_oracle(const Captured& captured, const Decoded& segment, std::size_t from,
                                          bool departs) {
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

// For one end the packet departs, for the other it arrives.
void CapturedConversation::judge(const Captured& captured, const CapturedPacket& packet, std::size_t from) {
  Decoded segment = *packet.segment;
  DirectionState& sender = *directions_[from];
  const bool wrong = segment.fault == Fault::kChecksum;
  if (!sender.filled && packet.text_kept) sender.filled = !wrong;
  const bool corrupt = wrong && *sender.filled;
  if (wrong && !corrupt) segment.fault = Fault::kNone;
  if (corrupt && sender.corrupt == 0) sender.corrupt = captured.number;
  if (!corrupt) {
    if (const auto why = unknown_extension(segment)) return not_judged(captured.number, *why);
  }
  const bool again = is_duplicate(segment, from);
  if (!corrupt && !again) {
    measure(segment, from, captured.when);
    note_order(segment, from, captured.number);
    note_numbers(segment, from, captured.number);
    compare_text(segment, packet.text_kept, from, captured.number);
    reset_ = reset_ || segment.ctl.rst;
  }
  if (!corrupt && !again) show_to_oracle(captured, segment, from, true);
  show_to_oracle(captured, segment, from, false);
}

void CapturedConversation::segment(const Captured& captured, const CapturedPacket& packet) {
  const Decoded& segment = *packet.segment;
  const std::size_t from = Endpoint{segment.source, segment.source_port} == directions_[0]->end ? 0 : 1;
  last_ = captured.when;
  ++packets_;
  if (!not_judged_because_.empty()) {
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
    DirectionState& sender = *directions_[end];
    if (sender.judge) lines_.back().states[end] = sender.judge->states();
    if (sender.lines_after == 0) continue;
    --sender.lines_after;
    if (sender.lines_after == 0) sender.ladder = ladder_of(end);
  }
}

bool CapturedConversation::is_over() const {
  const DirectionState &a = *directions_[0], &b = *directions_[1];
  const bool closed = a.fin && b.fin && a.acked == a.next && b.acked == b.next;
  return reset_ || closed || !not_judged_because_.empty();
}

bool CapturedConversation::is_forgotten() const {
  return !not_judged_because_.empty() || std::all_of(directions_.begin(), directions_.end(), [](const auto& sender) {
    return !sender->judge || sender->verdict || sender->judge->rests();
  });
}

bool CapturedConversation::is_lossy() const {
  return std::any_of(directions_.begin(), directions_.end(),
                     [](const auto& sender) { return sender->unseen && !sender->unseen_refuted; });
}

}  // namespace tcpassay
