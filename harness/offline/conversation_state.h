// SPDX-License-Identifier: Apache-2.0
// What is kept of a conversation while it is overheard: for each end what it has sent, and the last packets.
#pragma once

#include "harness/offline/conversation.h"
#include "harness/wire/segment_of.h"

namespace tcpassay {

// Who answers so soon is where the capture was taken; or so soon, and the other end takes several times as long.
inline constexpr Time kNearMax = std::chrono::microseconds(150), kNearerMax = std::chrono::milliseconds(1);
inline constexpr int kNearerTimes = 8;

// A text of so many octets. The judge of overheard conversations counts them only.
inline ByteView text_of(std::size_t octets) {
  static const Bytes kText(65536);
  return ByteView(kText).first(octets);
}

template <class SegmentT>
SegmentT segment_of(const Decoded& packet, std::uint32_t seq, std::uint32_t ack) {
  SegmentT segment = observed<SegmentT>(packet);
  segment.seq.value = seq;
  segment.ack.value = ack;
  segment.text = {};
  if (packet.ip_options) segment.ip.oddity = Carrier::Oddity::kOptions;
  return segment;
}

// What makes a packet the same one as another.
struct Print {
  std::uint16_t identification = 0;
  std::uint32_t seq = 0, ack = 0, length = 0;
  friend bool operator==(const Print&, const Print&) = default;
};

// What one end sends.
struct CapturedConversation::DirectionState {
  Endpoint end;
  std::optional<PassiveOracle> judge;
  bool syn = false, fin = false;
  std::optional<Decoded> opening;                // another SYN, which begins a connection when it is answered
  std::uint32_t first = 0, next = 0, acked = 0;  // its SYN, behind the highest octet seen, the highest ACK of the other
  std::uint32_t mss = 0;                         // that it has announced
  std::optional<bool> filled;  // its first checksum was right: the interface that fills them in comes before us
  std::uint16_t identification = 0;
  int in_order = 0;  // identifications that followed each other
  std::optional<std::uint32_t> tsval;
  std::deque<Print> recent;

  // How long it took to answer, at least.
  std::optional<Time> turnaround;
  std::optional<Time> asked;    // when what it answers at once arrived
  std::uint32_t asked_ack = 0;  // and the acknowledgment which that must have

  // Text that is not acknowledged, from `kept_from` on.
  Bytes kept;
  std::uint32_t kept_from = 0;
  bool compared = true;  // false: some was not kept

  // What speaks against the capture, and where.
  struct Doubt {
    std::uint64_t frame = 0;
    std::string why;
  };
  std::optional<Doubt> doubt;   // of this end's own segments
  std::optional<Doubt> unseen;  // it has acknowledged what the capture does not have ...
  std::uint32_t unseen_from = 0, unseen_to = 0;
  bool unseen_refuted = false;           // ... but the other end has not sent it, as it showed later
  std::optional<std::uint64_t> differs;  // a retransmission had other octets
  std::uint64_t corrupt = 0;             // a frame whose checksum was wrong

  std::optional<Verdict> verdict;
  std::string ladder;
  std::size_t lines_after = 0;

  void doubted(std::uint64_t frame, std::string why) {
    if (!doubt) doubt = Doubt{frame, std::move(why)};
  }
};

struct CapturedConversation::LadderEntry {
  std::uint64_t frame = 0;
  Time at{};
  std::size_t from = 0;
  Decoded segment;  // without views
  std::uint32_t octets = 0;
  std::string states[2];
};

}  // namespace tcpassay
