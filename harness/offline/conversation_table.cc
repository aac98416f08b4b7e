// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/conversation_table.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>
#include <utility>

namespace tcpassay {
namespace {

constexpr Time kLinger = std::chrono::minutes(10);  // a conversation that is over may still see packets for so long

// A SYN after such a silence begins a conversation of its own: the ends of the former one may have given up, by
// keep-alives that were lost (3.8.4: after two hours) or with their machines.
constexpr Time kQuietMax = std::chrono::hours(2);

bool less(const Endpoint& a, const Endpoint& b) {
  if (a.address.octets != b.address.octets) return a.address.octets < b.address.octets;
  return a.port < b.port;
}

std::string_view octets_of(const Address& address) {
  return {reinterpret_cast<const char*>(address.octets.data()), address.octets.size()};
}

}  // namespace

std::optional<ChosenEnd> ChosenEnd::parse(const std::string& text) {
  ChosenEnd end;
  std::string host = text, port;
  const std::size_t bracket = text.find(']');
  const std::size_t colon = text.rfind(':');
  if (text.starts_with("[") && bracket != std::string::npos) {
    host = text.substr(1, bracket - 1);
    if (bracket + 1 < text.size() && text[bracket + 1] == ':') port = text.substr(bracket + 2);
  } else if (colon != std::string::npos && text.find(':') == colon) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  const auto address = Address::parse(host);
  if (!address) return std::nullopt;
  end.address = *address;
  if (port.empty()) return end;
  const auto [rest, error] = std::from_chars(port.data(), port.data() + port.size(), end.port);
  if (error != std::errc{} || rest != port.data() + port.size()) return std::nullopt;
  return end;
}

std::size_t ConversationTable::Hash::operator()(const Key& key) const {
  const std::hash<std::string_view> hash;
  std::size_t value = hash(octets_of(key.low.address)) * 31 + hash(octets_of(key.high.address));
  return (value * 65599 + key.low.port) * 65599 + key.high.port;
}

ConversationTable::ConversationTable(const Terms& terms, std::vector<ChosenEnd> ends, Sink sink)
    : terms_(terms), ends_(std::move(ends)), sink_(std::move(sink)) {}

ConversationTable::Key ConversationTable::key_of(const Endpoint& a, const Endpoint& b) {
  return less(b, a) ? Key{b, a} : Key{a, b};
}

bool ConversationTable::chosen(const Endpoint& end) const {
  if (ends_.empty()) return true;
  for (const ChosenEnd& one : ends_) {
    if (one.is(end)) return true;
  }
  return false;
}

void ConversationTable::packet(const Captured& captured) {
  ++counts_.packets;
  clock_.note(captured);
  const CapturedPacket packet = read_captured(captured, mended_);
  switch (packet.kind) {
    case CapturedPacket::Kind::kSegment:
      segment(captured, packet);
      return;
    case CapturedPacket::Kind::kFragment:
      ++counts_.fragments;
      not_judged(packet, captured.number, fmt::format("frame {} is a fragment", captured.number));
      return;
    case CapturedPacket::Kind::kCut:
      ++counts_.cut;
      not_judged(packet, captured.number, fmt::format("frame {} is cut before its headers end", captured.number));
      return;
    case CapturedPacket::Kind::kOtherProtocol:
      ++counts_.others;
      return;
    case CapturedPacket::Kind::kMalformed:
      ++counts_.malformed;
      return;
    case CapturedPacket::Kind::kIcmp:
      ++counts_.others;
      not_judged(packet, captured.number,
                 fmt::format("frame {} is an ICMP message (type {}, code {}) about a segment of {}", captured.number,
                             packet.named->type, packet.named->code,
                             Endpoint{packet.named->source, packet.named->source_port}.text()));
      return;
  }
}

// In the conversation that the packet belongs to, nothing is judged from here on.
void ConversationTable::not_judged(const CapturedPacket& packet, std::uint64_t frame, const std::string& why) {
  if (!packet.named) {  // it does not show to which conversation it belongs
    counts_.lossy = counts_.lossy || packet.kind == CapturedPacket::Kind::kCut;
    return;
  }
  const QuotedSegment& of = *packet.named;
  const auto live = table_.find(key_of({of.source, of.source_port}, {of.destination, of.destination_port}));
  if (live != table_.end()) live->second.conversation->not_judged(frame, why + ": what follows is not judged");
}

void ConversationTable::segment(const Captured& captured, const CapturedPacket& packet) {
  ++counts_.segments;
  if (!packet.text_kept) ++counts_.text_cut;
  const Decoded& decoded = *packet.segment;
  const Endpoint from{decoded.source, decoded.source_port}, to{decoded.destination, decoded.destination_port};
  const CapturedConversation::Chosen who{.first = chosen(from), .second = chosen(to)};
  if (!who.first && !who.second) return;
  // Forget conversations that are over and have been quiet since.
  while (!order_.empty()) {
    const auto oldest = table_.find(order_.front());
    const bool past =
        oldest->second.conversation->is_over() && captured.when - oldest->second.conversation->last() > kLinger;
    if (!past) break;
    end(oldest);
  }
  const Key key = key_of(from, to);
  auto live = table_.find(key);
  const bool opens = decoded.ctl.syn && !decoded.ctl.ack && !decoded.ctl.rst && decoded.fault != Fault::kTruncated;
  const bool long_quiet = live != table_.end() && captured.when - live->second.conversation->last() > kQuietMax;
  if (live != table_.end() && opens &&
      (long_quiet || (live->second.conversation->is_over() && live->second.conversation->is_forgotten()))) {
    end(live);
    live = table_.end();
  }
  if (live == table_.end()) {
    if (table_.size() == kLiveMax) {
      const auto oldest = table_.find(order_.front());
      if (!oldest->second.conversation->is_over()) {
        ++counts_.given_up;
        oldest->second.conversation->not_judged(
            captured.number, fmt::format("more than {} conversations at once: given up in frame {}, quiet for longest",
                                         kLiveMax, captured.number));
      }
      end(oldest);
    }
    order_.push_back(key);
    live = table_.emplace(key, Live{begin(captured, decoded, who), std::prev(order_.end())}).first;
  } else {
    order_.splice(order_.end(), order_, live->second.place);
  }
  live->second.conversation->segment(captured, packet);
  if (!accused_) return;
  const int blamed = live->second.conversation->blamed();
  if (blamed > std::exchange(live->second.blamed, blamed)) accused_(live->second.conversation->result());
}

std::unique_ptr<CapturedConversation> ConversationTable::begin(const Captured& captured, const Decoded& opening,
                                                               CapturedConversation::Chosen who) {
  Again again;
  if (again_ != nullptr) {
    const auto known = again_->find(captured.number);
    if (known != again_->end()) again = known->second;
    who = {.first = again.reach[0].has_value(), .second = again.reach[1].has_value()};
  }
  auto one = std::make_unique<CapturedConversation>(captured, opening, terms_, who, room_, clock_);
  for (std::size_t end = 0; end < 2; ++end) {
    if (again.reach.at(end)) one->expect_losses(end, *again.reach.at(end));
  }
  return one;
}

void ConversationTable::end(Table::iterator live) {
  live->second.conversation->finish();
  counts_.lossy = counts_.lossy || live->second.conversation->is_lossy();
  sink_(live->second.conversation->result());
  order_.erase(live->second.place);
  table_.erase(live);
}

void ConversationTable::finish() {
  while (!order_.empty()) end(table_.find(order_.front()));
}

}  // namespace tcpassay
