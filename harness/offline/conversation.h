// SPDX-License-Identifier: Apache-2.0
// One conversation of a capture: both ends are judged in turn, each once as the target and once as the peer.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/offline/outcome.h"
#include "harness/wire/captured_packet.h"
#include "models/passive_oracle.h"

namespace tcpassay {

struct Endpoint {
  Address address{};
  std::uint16_t port = 0;

  std::string text() const;  // "192.0.2.1:80", "[2001:db8::1]:80"
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// What is said of one end.
struct EndResult {
  Endpoint end{};
  Outcome kind = Outcome::kPass;
  std::string why{};                 // one line; empty when accepted
  std::uint64_t frame = 0;           // the packet that `why` is about, as Wireshark counts; 0: none
  std::optional<Verdict> verdict{};  // what the judge said, condemned or not
  std::string ladder{};              // what was seen around that packet
};

struct ConversationResult {
  std::array<EndResult, 2> ends{};  // the one that spoke first, and the other
  std::uint64_t first_frame = 0, packets = 0;

  Outcome kind() const;
};

// Octets that all conversations keep of the texts that are not acknowledged yet, to compare retransmissions with.
struct TextRoom {
  std::size_t used = 0;
  static constexpr std::size_t kMax = std::size_t{64} << 20;
};

class CapturedConversation {
 public:
  // Which ends are judged; the other one is only the peer.
  struct Chosen {
    bool first = true, second = true;
  };

  CapturedConversation(const Captured& captured, const Decoded& opening, Edition edition, Chosen chosen,
                       TextRoom& room);
  ~CapturedConversation();
  CapturedConversation(const CapturedConversation&) = delete;
  CapturedConversation& operator=(const CapturedConversation&) = delete;

  void segment(const Captured& captured, const CapturedPacket& packet);
  void not_judged(std::uint64_t frame, const std::string& why);  // from here on, by this name

  bool over() const;   // both FINs are acknowledged, or it was reset
  bool rests() const;  // neither end has anything left of it, TIME-WAIT neither
  bool lossy() const;  // something was acknowledged that the capture does not have
  Time last() const { return last_; }

  ConversationResult result() const;

 private:
  struct DirectionState;
  struct LadderEntry;

  void judge(const Captured& captured, const CapturedPacket& packet, std::size_t from);
  void measure(const Decoded& segment, std::size_t from, Time at);
  void compare_text(const Decoded& segment, bool kept, std::size_t from, std::uint64_t frame);
  void begin(std::size_t from, const Decoded& syn);
  void note_numbers(const Decoded& segment, std::size_t from, std::uint64_t frame);
  void note_order(const Decoded& segment, std::size_t from, std::uint64_t frame);
  std::optional<std::string> beyond_us(const Decoded& segment) const;
  bool seen_twice(const Decoded& segment, std::size_t from);
  void show(const Captured& captured, const Decoded& segment, std::size_t from, bool departs);
  bool near(std::size_t end) const;
  EndResult end_result(std::size_t end) const;
  std::string ladder_of(std::size_t end) const;

  std::array<std::unique_ptr<DirectionState>, 2> directions_;  // what each end sends, and what is known of it
  std::vector<Event> segments_;                                // of the packet at hand
  std::deque<LadderEntry> lines_;                              // the last segments, for a ladder
  TextRoom& room_;
  std::uint64_t first_frame_, packets_ = 0;
  Time last_{};
  std::string refused_{};  // why nothing is judged, or nothing any more
  std::uint64_t refused_at_ = 0;
  bool reset_ = false;
};

}  // namespace tcpassay
