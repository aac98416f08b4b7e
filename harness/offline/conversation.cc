// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/conversation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "harness/offline/conversation_state.h"
#include "harness/session/session.h"

namespace tcpassay {
namespace {

constexpr std::size_t kLines = 14;         // of a ladder in all
constexpr std::uint32_t kPiecesMax = 128;  // of one frame
constexpr Time kResequencedMax = std::chrono::milliseconds(10);
constexpr std::size_t kHeldMax = 16;  // packets

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

CapturedConversation::CapturedConversation(const Captured& captured, const Decoded& opening, const Terms& held_to,
                                           Chosen chosen, TextRoom& room, const CaptureClock& clock)
    : room_(room), clock_(clock), first_frame_(captured.number) {
  Terms terms = terms_over(opening.source.family);
  terms.edition = held_to.edition;
  terms.strict = held_to.strict;
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
  if (segment.ctl.rst && segment.opt.signature) {
    return "a reset with a signature (RFC 2385, RFC 5925): whether its receiver takes it depends on the key";
  }
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

// RFC 5681 section 4.2 lets an end answer every segment with one ACK, so also the one that acknowledges its FIN. Some
// do, though nothing asks for it.
bool CapturedConversation::answers_ack_of_fin(const Decoded& segment, std::size_t from) const {
  const DirectionState &sender = *directions_[from], &other = *directions_[1 - from];
  return sender.fin_acknowledged && segment.ctl == Ctl{.ack = true} && segment.text.empty() &&
         segment.seq == sender.next && segment.ack == other.next && other.acked == other.next;
}

// Two RSTs that leave at once, one that answers a segment and one of an ABORT, may be captured in either order: two
// processors send them. Only the first decides.
bool CapturedConversation::repeats_reset(const Decoded& segment, std::size_t from, Time at) {
  DirectionState& sender = *directions_[from];
  const std::uint64_t heard = directions_[1 - from]->said;
  const bool repeats =
      segment.ctl.rst && sender.reset_at && sender.reset_heard == heard && at - *sender.reset_at <= kResequencedMin;
  if (segment.ctl.rst) sender.reset_at = at;
  sender.reset_heard = heard;
  return repeats;
}

// For one end the packet departs, for the other it arrives.
void CapturedConversation::judge(const Captured& captured, const CapturedPacket& packet, std::size_t from) {
  Decoded segment = *packet.segment;
  DirectionState &sender = *directions_[from], &other = *directions_[1 - from];
  const bool wrong = segment.fault == Fault::kChecksum;
  if (!sender.filled && packet.text_kept) sender.filled = !wrong;
  const bool corrupt = wrong && *sender.filled;
  if (wrong && !corrupt) segment.fault = Fault::kNone;
  if (corrupt && sender.corrupt == 0) sender.corrupt = captured.number;
  if (!corrupt) {
    if (const auto why = unknown_extension(segment)) return not_judged(captured.number, *why);
  }
  if (const std::uint32_t piece = piece_of(segment, from); piece != 0 && segment.text.size() > piece * kPiecesMax) {
    return not_judged(captured.number,
                      fmt::format("frame {} is longer than {} segments of the MSS", captured.number, kPiecesMax));
  }
  const bool again = is_duplicate(segment, from, captured.when);
  const bool extra = repeats_reset(segment, from, captured.when) || answers_ack_of_fin(segment, from);
  sender.fin_acknowledged = false;
  const bool open = before(other.acked, other.next);
  if (!corrupt && !again) {
    measure(segment, from, captured.when, captured.number);
    note_order(segment, from, captured.number);
    note_numbers(segment, from, captured.when, captured.number);
    compare_text(segment, packet.text_kept, from, captured.number);
    reset_ = reset_ || segment.ctl.rst;
    const bool empty = length_of(segment) == 0 && !segment.ctl.rst;
    other.fin_acknowledged = empty && other.fin && open && !before(other.acked, other.next);
  }
  if (!corrupt && !again) take_waiting(segment, from, captured.when);
  if (!corrupt && !again && !extra) show_departing(captured, segment, from);
  show_arriving(captured, segment, from);
}

// Whether an ACK passed the capture point before what it acknowledges. That is on its way still if what the capture
// has next starts there.
bool CapturedConversation::is_early(const Decoded& segment, std::size_t from) const {
  const DirectionState& other = *directions_[1 - from];
  return segment.ctl.ack && !segment.ctl.rst && segment.fault == Fault::kNone && other.syn &&
         before(other.next, segment.ack) && !directions_[from]->unseen;
}

// Whether the packet is one that the held ACK acknowledges. The sender cannot have been asked for it by that ACK: it
// follows sooner than the sender ever answered. It overtakes no packet of its own sender, which may be such an answer.
bool CapturedConversation::is_awaited(const Decoded& segment, std::size_t from, Time at) const {
  const Held& held = held_.front();
  const DirectionState& sender = *directions_[from];
  const Time answered = std::clamp(sender.turnaround.value_or(Time{}), kResequencedMin, kResequencedMax);
  const std::uint32_t end = segment.seq + length_of(segment);
  const bool whole = !before(held.ack, end) || segment.text.size() > piece_of(segment, from);
  const bool overtakes = std::any_of(held_.begin(), held_.end(), [&](const Held& one) { return one.from == from; });
  return !overtakes && from != held.from && at - held.captured.when <= answered && segment.seq == sender.next &&
         end != segment.seq && segment.fault == Fault::kNone && whole;
}

void CapturedConversation::segment(const Captured& captured, const CapturedPacket& packet) {
  const Decoded& segment = *packet.segment;
  const std::size_t from = Endpoint{segment.source, segment.source_port} == directions_[0]->end ? 0 : 1;
  last_ = captured.when;
  ++packets_;
  if (!not_judged_because_.empty()) {
    held_.clear();
    reset_ = reset_ || segment.ctl.rst;
    return;
  }
  if (held_.empty() && !is_early(segment, from)) return take(captured, packet);
  if (!held_.empty() && is_awaited(segment, from, captured.when)) {
    Captured sooner = captured;
    sooner.when = held_.front().captured.when;
    take(sooner, packet);
    directions_[1 - from]->asked.reset();  // the times do not tell how long the answer took
    if (!before(directions_[from]->next, held_.front().ack)) release();
    return;
  }
  held_.push_back({.captured = captured,
                   .octets = Bytes(captured.packet.begin(), captured.packet.end()),
                   .from = from,
                   .ack = segment.ack});
  if (held_.size() > kHeldMax || captured.when - held_.front().captured.when > kResequencedMax) release();
}

void CapturedConversation::release() {
  Bytes room;
  while (!held_.empty()) {
    Held held = std::move(held_.front());
    held_.pop_front();
    held.captured.packet = held.octets;
    take(held.captured, read_captured(held.captured, room));
  }
}

void CapturedConversation::take(const Captured& captured, const CapturedPacket& packet) {
  if (!not_judged_because_.empty()) return;
  const Decoded& segment = *packet.segment;
  const std::size_t from = Endpoint{segment.source, segment.source_port} == directions_[0]->end ? 0 : 1;
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

void CapturedConversation::expect_losses(std::size_t end, Time reach) {
  if (directions_[end]->judge) directions_[end]->judge->expect_losses(std::clamp(reach, kCrossingMin, kCrossingLimit));
}

bool CapturedConversation::is_over() const {
  const DirectionState &a = *directions_[0], &b = *directions_[1];
  const bool closed = a.fin && b.fin && a.acked == a.next && b.acked == b.next;
  return reset_ || closed || !not_judged_because_.empty();
}

bool CapturedConversation::is_forgotten() const {
  return !not_judged_because_.empty() || std::all_of(directions_.begin(), directions_.end(), [](const auto& sender) {
    return !sender->judge || sender->verdict || (sender->waiting.empty() && sender->judge->rests());
  });
}

bool CapturedConversation::is_lossy() const {
  return std::any_of(directions_.begin(), directions_.end(),
                     [](const auto& sender) { return sender->unseen && sender->unseen_proven; });
}

}  // namespace tcpassay
