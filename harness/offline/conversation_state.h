// SPDX-License-Identifier: Apache-2.0
// What is known of a captured conversation so far: what each end has sent, and the latest packets.
#pragma once

#include <utility>

#include "harness/offline/conversation.h"
#include "harness/wire/segment_of.h"

namespace tcpassay {

// An end is near the capture point when it answers within kNearMax; or within kNearerMax, while the other end takes
// kNearerTimes as long.
inline constexpr Time kNearMax = std::chrono::microseconds(150), kNearerMax = std::chrono::milliseconds(1);
inline constexpr int kNearerTimes = 8;

// Text of this length. PassiveOracle only counts the octets of a text.
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

// Two packets with the same print may be copies of one. An IP identification of zero tells nothing (RFC 6864 lets an
// unfragmented packet have any): such packets are copies only when nothing has arrived between them.
struct Print {
  std::uint16_t identification = 0;
  std::uint32_t seq = 0, ack = 0, length = 0;
  Ctl ctl{};
  std::uint16_t wnd = 0;
  std::optional<Options::Timestamps> timestamps{};
  std::uint64_t heard = 0;  // packets of the other end before it; zero where the identification tells
  friend bool operator==(const Print&, const Print&) = default;
};

// Numbers of one end, `to` excluded.
struct Range {
  std::uint32_t from = 0, to = 0;
  Time at{};               // when it was found to be missing
  bool confirmed = false;  // the other end lacks it, too
};

// A segment that passed the capture point and has not been acknowledged yet.
struct Passing {
  std::uint32_t seq = 0, end = 0;
  Time at{}, first{};     // of its latest copy, and of its first
  bool again = false;     // there are several copies
  bool reported = false;  // by a SACK option: it has arrived
};

// A packet with a timestamp, and no text, that the other end has not echoed yet.
struct Stamp {
  std::uint32_t value = 0;
  Time at{};
};

// An end processes a segment at most so long after it passed the capture point, if nothing shows more.
inline constexpr Time kCrossingMin = std::chrono::milliseconds(5);
// Within this time a capture may swap two packets.
inline constexpr Time kResequencedMin = std::chrono::milliseconds(1);
inline constexpr Time kCrossingLimit = std::chrono::seconds(4);

inline bool before(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) < 0;
}

inline std::uint32_t length_of(const Decoded& segment) {
  return static_cast<std::uint32_t>(segment.text.size()) + segment.ctl.syn + segment.ctl.fin;
}

// A packet that the oracle of the end to which it goes has not seen yet, or only in part.
struct CapturedConversation::Waiting {
  std::uint64_t number = 0;
  Time at{};
  Decoded segment{};
  std::uint32_t octets = 0, done = 0;  // of text: in all, and shown
};

// What one end sends, and the oracle that judges it.
struct CapturedConversation::DirectionState {
  Endpoint end;
  std::optional<PassiveOracle> judge;
  Time shown = Time::min();     // time of the latest packet that the oracle has seen
  std::deque<Waiting> waiting;  // packets that have arrived and are not shown to it yet
  bool syn = false, fin = false;
  std::optional<Decoded> opening;  // another SYN; a new connection begins when it is answered
  std::uint32_t first = 0;         // number of its SYN
  std::uint32_t next = 0;          // behind the highest number seen
  std::uint32_t acked = 0;         // the highest number that the other end has acknowledged
  std::uint32_t mss = 0;           // announced by this end
  std::optional<bool> filled;      // its first checksum was right, so checksums are filled in before the capture point
  std::uint16_t identification = 0;
  int in_order = 0;                   // IP identifications in a row that were in order
  std::deque<std::uint16_t> skipped;  // the latest IP identifications that were left out by a small step
  std::optional<std::uint32_t> tsval;
  std::deque<std::pair<Print, Time>> recent;
  std::uint64_t said = 0;         // packets
  bool fin_acknowledged = false;  // by the latest packet that arrived, which it has not answered

  std::vector<Range> holes;                 // numbers below `next` that the capture lacks so far
  std::optional<std::uint32_t> whole_from;  // behind the last number that it ever lacked
  std::deque<Passing> unanswered;           // its segments that the other end has not acknowledged
  Time lag{};                               // the longest time after which it evidently had not processed a segment

  // The shortest time that it took to answer.
  std::optional<Time> turnaround;
  std::optional<Time> asked;    // when a segment passed that it answers at once
  std::uint32_t asked_ack = 0;  // the acknowledgment number of that answer

  // Text that is not acknowledged; its first octet has the number `kept_from`.
  Bytes kept;
  std::uint32_t kept_from = 0;
  bool compared = true;  // false: some text was not kept, so that it cannot be compared

  // A reason to doubt that the capture is complete and in order, and its frame.
  struct Doubt {
    std::uint64_t frame = 0;
    std::string why;
  };
  std::optional<Doubt> doubt;    // about segments of this end
  std::optional<Doubt> lossy;    // this end has not received what the capture has: it was lost behind the capture point
  std::optional<Losses> losses;  // between this end and the capture point segments are lost
  Time reach{};                  // the longest time between a segment to this end and what shows that it has it
  std::deque<Stamp> stamps;      // that have arrived at this end, oldest first
  std::uint32_t overlooked = 0;  // one of them that its latest segment does not echo, though it had passed ...
  Time overlooked_for{};         // ... for so long; zero: none
  std::optional<std::uint32_t> echo;  // what its latest segment echoes
  Time acked_at{};                    // when `acked` came, and the timestamp of the packet
  std::optional<std::uint32_t> acked_stamp;
  std::optional<Doubt> unseen;  // this end has acknowledged octets that the capture lacks ...
  std::uint32_t unseen_from = 0, unseen_to = 0;
  bool unseen_refuted = false;           // ... but the other end had not sent them, as a later segment shows
  bool unseen_proven = false;            // ... and the other end went on behind them
  std::optional<std::uint64_t> differs;  // frame of a retransmission with other octets
  std::uint64_t corrupt = 0;             // frame whose checksum was wrong; 0: none
  std::uint64_t reset = 0;               // frame of its latest RST before it was blamed; 0: none
  std::optional<Time> reset_at;          // when its latest RST passed, and how many packets had arrived by then
  std::uint64_t reset_heard = 0;

  std::optional<Verdict> verdict;
  std::string ladder;
  std::size_t lines_after = 0;

  void doubted(std::uint64_t frame, std::string why) {
    if (!doubt) doubt = Doubt{frame, std::move(why)};
  }
  void loses(std::uint64_t frame, const char* why) {
    if (!losses) losses = Losses{.frame = frame, .why = why};
  }
  bool lacks_below(std::uint32_t number) const;  // the capture lacks octets with lower numbers
  bool captured(Range octets);                   // these are no longer missing; true: they came late
  bool has_skipped(std::uint16_t number) const;  // a packet with a higher IP identification has come before this one
  void skip_to(std::uint16_t number);            // the next IP identification: what lies between was left out
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
