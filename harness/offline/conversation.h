// SPDX-License-Identifier: Apache-2.0
// One conversation of a capture. Both ends are judged: each is the target once, while the other one is its peer.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/offline/capture_clock.h"
#include "harness/offline/outcome.h"
#include "harness/wire/captured_packet.h"
#include "models/passive_oracle.h"

namespace tcpassay {

struct Passing;

struct Endpoint {
  Address address{};
  std::uint16_t port = 0;

  std::string text() const;  // "192.0.2.1:80", "[2001:db8::1]:80"
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// The result of judging one end of a conversation.
struct EndpointResult {
  Endpoint end{};
  Outcome outcome = Outcome::kPass;
  std::string why{};                 // one line; empty when it passed
  std::uint64_t frame = 0;           // number of the packet that `why` is about, as Wireshark counts; 0: none
  std::optional<Verdict> verdict{};  // the verdict of the oracle, even where something excuses this end
  std::string ladder{};              // the packets around that one
  std::vector<Verdict> tolerated{};  // freedoms that no text grants and that this end took; `event` is the frame
};

// Between the capture point and an end segments are lost.
struct Losses {
  std::uint64_t frame = 0;  // which shows it
  std::string why;
};

struct ConversationResult {
  std::array<EndpointResult, 2> ends{};           // first the end that sent the first packet
  std::array<std::optional<Losses>, 2> losses{};  // what shows that segments to or from an end are lost on their way
  std::array<Time, 2> reach{};  // the longest time between a segment to an end and what shows that the end has it
  std::uint64_t first_frame = 0, packets = 0;

  Outcome outcome() const;
};

// Counts the octets of unacknowledged text that all conversations together keep, to compare retransmissions with.
struct TextRoom {
  std::size_t used = 0;
  static constexpr std::size_t kMax = std::size_t{64} << 20;
};

class CapturedConversation {
 public:
  // Which ends are judged. An end that is not judged is only the peer.
  struct Chosen {
    bool first = true, second = true;
  };

  // Of `held_to` the edition counts, and whether it is strict.
  CapturedConversation(const Captured& captured, const Decoded& opening, const Terms& held_to, Chosen chosen,
                       TextRoom& room, const CaptureClock& clock);
  ~CapturedConversation();
  CapturedConversation(const CapturedConversation&) = delete;
  CapturedConversation& operator=(const CapturedConversation&) = delete;

  void segment(const Captured& captured, const CapturedPacket& packet);
  void not_judged(std::uint64_t frame, const std::string& why);  // what follows is not judged for this reason
  void finish() { release(); }                                   // no packet follows

  // Judges this end as one to which segments are lost behind the capture point. To be called before any segment.
  void expect_losses(std::size_t end, Time reach);

  bool is_over() const;       // both FINs are acknowledged, or there was a reset
  bool is_forgotten() const;  // neither end has any state left, not even TIME-WAIT
  bool is_lossy() const;      // the capture lacks segments: octets that are not in it are acknowledged, and the sender
                              // has gone on behind them
  Time last() const { return last_; }
  int blamed() const;  // ends that the oracle blames; result() says what may excuse them

  ConversationResult result() const;

 private:
  struct DirectionState;
  struct LadderEntry;
  struct Waiting;
  // A packet that waits: it, or one before it, acknowledges what has not passed the capture point yet.
  struct Held {
    Captured captured{};
    Bytes octets{};
    std::size_t from = 0;
    std::uint32_t ack = 0;
  };

  void take(const Captured& captured, const CapturedPacket& packet);
  void release();
  bool is_early(const Decoded& segment, std::size_t from) const;
  bool is_awaited(const Decoded& segment, std::size_t from, Time at) const;
  void judge(const Captured& captured, const CapturedPacket& packet, std::size_t from);
  void measure(const Decoded& segment, std::size_t from, Time at, std::uint64_t frame);
  bool measure_lag(const Decoded& segment, std::size_t from, Time at, std::uint64_t frame);
  void measure_passing(const Decoded& segment, std::size_t from, Time at, std::uint64_t frame);
  void note_reports(const Decoded& segment, std::size_t from, Time at, std::uint64_t frame);
  void note_stamps(const Decoded& segment, std::size_t from, Time at, std::uint64_t frame);
  void lacks_answer(const Decoded& segment, std::size_t from, Time at, std::uint64_t frame);
  void note_arrival(const Decoded& segment, std::size_t from, const Passing& passed, std::uint64_t frame);
  void compare_text(const Decoded& segment, bool kept, std::size_t from, std::uint64_t frame);
  void begin(std::size_t from, const Decoded& syn);
  void note_numbers(const Decoded& segment, std::size_t from, Time at, std::uint64_t frame);
  void note_losses(const Decoded& segment, std::size_t from, std::uint64_t frame);
  void note_order(const Decoded& segment, std::size_t from, std::uint64_t frame);
  std::optional<std::string> unknown_extension(const Decoded& segment) const;
  bool is_duplicate(const Decoded& segment, std::size_t from, Time at);
  bool repeats_reset(const Decoded& segment, std::size_t from, Time at);
  bool answers_ack_of_fin(const Decoded& segment, std::size_t from) const;
  std::uint32_t piece_of(const Decoded& segment, std::size_t from) const;
  template <class SegmentT>
  void cut(const Decoded& segment, std::size_t from, Time at, std::uint32_t first, std::uint32_t count);
  void show_departing(const Captured& captured, const Decoded& segment, std::size_t from);
  void show_arriving(const Captured& captured, const Decoded& segment, std::size_t from);
  void show_part(Waiting& one, std::size_t from, std::uint32_t count);
  void take_waiting(const Decoded& segment, std::size_t from, Time at);
  static void note_verdict(DirectionState& judged);
  bool is_near(std::size_t end) const;
  EndpointResult result_of(std::size_t end) const;
  std::string ladder_of(std::size_t end) const;

  std::array<std::unique_ptr<DirectionState>, 2> directions_;  // what each end has sent, and what is known of it
  std::deque<Held> held_;
  std::vector<Event> segments_;    // of the current packet
  std::deque<LadderEntry> lines_;  // the latest segments, for a ladder diagram
  TextRoom& room_;
  const CaptureClock& clock_;
  std::uint64_t first_frame_, packets_ = 0;
  Time last_{};
  std::string not_judged_because_{};   // empty: the conversation is judged
  std::uint64_t not_judged_from_ = 0;  // frame
  bool reset_ = false;
};

}  // namespace tcpassay
