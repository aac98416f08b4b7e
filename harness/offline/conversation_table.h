// SPDX-License-Identifier: Apache-2.0
// The conversations of a capture, told apart by their four-tuples while they run side by side. What is kept is bounded:
// so many live ones, and for each a bounded amount.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/offline/conversation.h"

namespace tcpassay {

// What was in the capture beside the segments that were judged.
struct CaptureCounts {
  std::uint64_t packets = 0;   // of IP
  std::uint64_t segments = 0;  // of TCP, all their headers there
  std::uint64_t fragments = 0, others = 0, cut = 0, malformed = 0;
  std::uint64_t text_cut = 0;  // segments whose text is not all there
  std::uint64_t given_up = 0;  // conversations left before they were over, since too many were live
  std::uint64_t moved = 0;     // frames that stood in the file behind later ones
  bool lossy = false;          // something was acknowledged that the capture does not have
};

// An end that is judged: an address, and a port if not zero.
struct ChosenEnd {
  Address address{};
  std::uint16_t port = 0;

  static std::optional<ChosenEnd> parse(const std::string& text);  // "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80"
  bool is(const Endpoint& end) const { return address == end.address && (port == 0 || port == end.port); }
};

class ConversationTable {
 public:
  using Sink = std::function<void(ConversationResult)>;
  static constexpr std::size_t kLiveMax = 4096;

  // `ends`: whom to judge; everybody when empty. `sink` gets each conversation when it is over.
  ConversationTable(Edition edition, std::vector<ChosenEnd> ends, Sink sink);

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
    std::unique_ptr<CapturedConversation> heard;
    std::list<Key>::iterator place;
  };
  using Table = std::unordered_map<Key, Live, Hash>;

  static Key key_of(const Endpoint& a, const Endpoint& b);
  void not_judged(const CapturedPacket& packet, std::uint64_t frame, const std::string& why);
  void segment(const Captured& captured, const CapturedPacket& packet);
  void end(Table::iterator live);
  bool chosen(const Endpoint& end) const;

  Edition edition_;
  std::vector<ChosenEnd> ends_;
  Sink sink_;
  CaptureCounts counts_;
  TextRoom room_;
  Table table_;
  std::list<Key> order_;  // the one that was quiet for longest comes first
  Bytes mended_;
};

}  // namespace tcpassay
