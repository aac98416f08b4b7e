// SPDX-License-Identifier: Apache-2.0
// One TCP segment as the model sees it (RFC 9293 section 3.1), and the octets that fill streams.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "models/seq.h"

namespace tcpassay {

// The control bits and the reserved ones, RFC 9293 section 3.1.
struct Ctl {
  bool fin = false, syn = false, rst = false, psh = false, ack = false, urg = false, ece = false, cwr = false;
  std::uint8_t reserved = 0;  // four bits; the lowest is AE of Accurate ECN

  friend constexpr bool operator==(const Ctl&, const Ctl&) = default;
};

// What was wrong with a packet when it was put on the wire or read from it. A stimulus is damaged on purpose.
enum class Fault : std::uint8_t {
  kNone,
  kChecksum,      // the TCP checksum does not verify (3.1)
  kDataOffset,    // the data offset is below 5 or beyond the segment (3.1)
  kOptionLength,  // an option's length is 0, 1 or runs past the header (3.1, MUST-7)
  kTruncated,     // shorter than a TCP header
};

// The options of a segment. Sequence numbers in them are as on the wire.
struct Options {
  struct Timestamps {
    std::uint32_t value = 0, echo = 0;  // TSval, TSecr
    friend constexpr bool operator==(const Timestamps&, const Timestamps&) = default;
  };
  struct Block {
    std::uint32_t left = 0, right = 0;  // the first octet, and the one behind the last
    friend constexpr bool operator==(const Block&, const Block&) = default;
  };

  std::optional<std::uint16_t> mss;          // kind 2, RFC 9293 section 3.7.1
  std::optional<std::uint8_t> window_scale;  // kind 3, RFC 7323 section 2.2: the shift
  bool sack_permitted = false;               // kind 4, RFC 2018 section 2
  std::uint8_t blocks = 0;                   // kind 5, RFC 2018 section 3: how many of `block` there are
  std::array<Block, 4> block{};
  std::optional<Timestamps> timestamps;       // kind 8, RFC 7323 section 3.2
  std::optional<std::uint16_t> user_timeout;  // kind 28, RFC 5482 section 3: granularity bit and 15 bits of time
  bool fast_open = false;                     // kind 34, RFC 7413 section 4.1.1
  std::uint8_t cookie_octets = 0;             // of its cookie; 0 asks for one
  std::array<std::uint8_t, 16> cookie{};
  bool fast_open_experiment = false;  // kind 254 with the number of Fast Open (RFC 7413 section 9); cookie as above
  bool signature = false;             // kind 19 or 29: MD5 (RFC 2385) or TCP-AO (RFC 5925)
  bool authentication = false;        // kind 29
  bool repeated = false;              // an option other than NOP stands there twice
  bool nonzero_after_end = false;     // an octet other than zero follows End of Option List (MUST-69)
  bool unknown = false;               // an option beside those above is there, or one of them with another length
  bool unaligned = false;             // an option other than NOP begins off a word boundary
  bool at_odd_octet = false;          // ... and not where two NOPs put one, as Appendix A of RFC 7323 has it
  std::uint8_t octets = 0;            // length of the option area, a multiple of four
};

// What the IP header says that TCP answers for (RFC 9293 section 3.9.2, RFC 3168).
struct Carrier {
  // Arriving: the packet names somebody who cannot be a party to a connection, or has something beside a plain header.
  // Departing: it does not come from the address of the trace.
  enum class Oddity : std::uint8_t { kNone, kGroupDestination, kNobodysSource, kOptions, kOtherSource };

  std::uint8_t ttl = 64;           // or hop limit
  std::uint8_t traffic_class = 0;  // six bits of DSCP, two of ECN
  std::uint16_t identification = 0;
  bool dont_fragment = true;
  Oddity oddity = Oddity::kNone;

  constexpr std::uint8_t ecn() const { return traffic_class & 3; }  // 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE
};

// SEG.SEQ and SEG.ACK count in opposite directions, so arriving and departing segments are different types.
template <class SeqT, class AckT>
struct Segment {
  SeqT seq{};             // SEG.SEQ
  AckT ack{};             // SEG.ACK, meaningful when ctl.ack is set
  std::uint16_t wnd = 0;  // SEG.WND as printed in the header, before any scaling
  std::uint16_t up = 0;   // the urgent pointer field
  Ctl ctl{};
  Fault fault = Fault::kNone;
  Options opt{};
  Carrier ip{};
  std::span<const std::uint8_t> text{};  // the segment's data; owned by whoever made the segment

  // SEG.LEN counts the text, SYN and FIN.
  constexpr std::uint32_t len() const { return static_cast<std::uint32_t>(text.size()) + ctl.syn + ctl.fin; }
};
using Arriving = Segment<RcvSeq, SndSeq>;   // put in by the peer
using Departing = Segment<SndSeq, RcvSeq>;  // seen out of the target

// Both streams are position-coded: an octet has a value computed from its place, so that every octet transmitted,
// retransmitted or delivered is checked, not only counted. The peer's octets follow from their sequence number on the
// wire; the target's from their offset in the stream of what its user has written, since the user does not know ISS.
constexpr std::uint8_t peer_octet(std::uint32_t seq) {
  return static_cast<std::uint8_t>((seq * 0x9E3779B1u + 0x12345u) >> 23);
}
constexpr std::uint8_t target_octet(std::uint32_t offset) {
  return static_cast<std::uint8_t>((offset * 0x85EBCA6Bu + 0x54321u) >> 22);
}

// "S.", "P.", "R" ... as packetdrill writes flags: F S R P . U E W and, for none, "-".
std::string to_string(const Ctl& ctl);
const char* to_string(Fault fault);

}  // namespace tcpassay
