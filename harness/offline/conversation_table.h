// SPDX-License-Identifier: Apache-2.0
// Sorts the packets of a capture into conversations by their addresses and ports. Memory is bounded: at most kLiveMax
// conversations at once, and a limit for each.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/offline/conversation.h"

namespace tcpassay {

// Counts what the capture contains.
struct CaptureCounts {
  std::uint64_t packets = 0;   // IP packets
  std::uint64_t segments = 0;  // TCP segments with complete headers
  std::uint64_t fragments = 0, others = 0, cut = 0, malformed = 0;
  std::uint64_t text_cut = 0;  // segments whose text the capture has cut
  std::uint64_t given_up = 0;  // conversations dropped before they were over, since there were too many at once
  std::uint64_t moved = 0;     // frames that stood in the file behind later ones; they were put in order
  std::uint64_t not_read = 0;  // frames of link types that are not read
  bool lossy = false;          // an end acknowledges octets that are not in the capture
};

// An end that the user wants judged: an address, and a port unless it is zero.
struct ChosenEnd {
  Address address{};
  std::uint16_t port = 0;

  static std::optional<ChosenEnd> parse(const std::string& text);  // "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80"
  bool is(const Endpoint& end) const { return address == end.address && (port == 0 || port == end.port); }
};

// Ends that are judged again, by the first frame of their conversations: segments to them are lost on their way.
struct Again {
  std::array<std::optional<Time>, 2> reach{};  // of ConversationResult::ends; none: this end is only the peer
};
using AgainByFrame = std::map<std::uint64_t, Again>;

class ConversationTable {
 public:
  using Sink = std::function<void(ConversationResult)>;
  static constexpr std::size_t kLiveMax = 4096;

  // Judges only `ends`, or every end if it is empty. `sink` gets the result of each conversation that is over.
  ConversationTable(const Terms& terms, std::vector<ChosenEnd> ends, Sink sink);

  // `accused` gets the result so far of each conversation as soon as one more of its ends is blamed.
  void tell_accused(std::function<void(const ConversationResult&)> accused) { accused_ = std::move(accused); }

  // Judges only these.
  void judge_again(const AgainByFrame* again) { again_ = again; }

  void packet(const Captured& captured);
  void finish();

  const CaptureCounts& counts() const { return counts_; }

 private:
  struct Key {
    Endpoint low, high;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  struct Live {
    std::unique_ptr<CapturedConversation> conversation;
    std::list<Key>::iterator place;
    int blamed = 0;  // ends, when it was last told
  };
  using Table = std::unordered_map<Key, Live, Hash>;

  static Key key_of(const Endpoint& a, const Endpoint& b);
  void not_judged(const CapturedPacket& packet, std::uint64_t frame, const std::string& why);
  void segment(const Captured& captured, const CapturedPacket& packet);
  void end(Table::iterator live);
  std::unique_ptr<CapturedConversation> begin(const Captured& captured, const Decoded& opening,
                                              CapturedConversation::Chosen who);
  bool chosen(const Endpoint& end) const;

  Terms terms_;  // the edition, and whether they are strict
  std::vector<ChosenEnd> ends_;
  Sink sink_;
  std::function<void(const ConversationResult&)> accused_{};
  const AgainByFrame* again_ = nullptr;  // null: every end
  CaptureCounts counts_;
  TextRoom room_;
  CaptureClock clock_;
  Table table_;
  std::list<Key> order_;  // the conversation that has been quiet for longest comes first
  Bytes mended_;
};

}  // namespace tcpassay
