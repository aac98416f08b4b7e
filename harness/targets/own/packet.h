// SPDX-License-Identifier: Apache-2.0
// TCP segments of the own stack: reading and writing (RFC 9293 section 3.1). ip.h does the same for the IP header.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/targets/own/ip.h"
#include "harness/targets/own/seq.h"

namespace own {

struct Ctl {
  bool fin = false, syn = false, rst = false, psh = false, ack = false, urg = false, ece = false, cwr = false;
};

// Octets that a SACK option names: the first, and the one behind the last (RFC 2018 section 3).
struct Block {
  SeqNum left = 0, right = 0;
  bool has(SeqNum number) const { return left != right && le(left, number) && lt(number, right); }
  friend bool operator==(const Block&, const Block&) = default;
};

struct Timestamps {
  std::uint32_t value = 0, echo = 0;  // TSval, TSecr
};

// Of the Fast Open option (RFC 7413 section 4.1.1); without octets it is a request.
struct Cookie {
  std::uint8_t octets = 0;
  std::array<std::uint8_t, 16> octet{};
  friend bool operator==(const Cookie&, const Cookie&) = default;
};

// SEG.SEQ, SEG.ACK, SEG.WND, SEG.UP and the rest of one segment.
struct Segment {
  Address source{}, destination{};
  std::uint16_t source_port = 0, destination_port = 0;
  SeqNum seq = 0, ack = 0;
  std::uint32_t wnd = 0;
  std::uint16_t up = 0;
  SeqNum urgent_point = 0;  // SEG.UP: SEG.SEQ as it arrived plus the urgent pointer
  std::uint8_t traffic_class = 0, ttl = 64;
  std::uint16_t identification = 0;
  std::uint8_t ip_options = 0;  // octets
  std::uint8_t reserved = 0;
  std::uint8_t ecn = 0;  // the last two bits of the IP header's traffic class (RFC 3168 section 5)
  Ctl ctl{};
  std::optional<std::uint16_t> mss{};
  bool fast_open = false, fast_open_experiment = false;
  Cookie cookie{};
  bool sack_permitted = false;
  std::uint8_t blocks = 0;  // how many of `block` there are
  std::array<Block, 4> block{};
  std::optional<std::uint8_t> window_scale{};  // RFC 7323 section 2.2
  std::optional<Timestamps> timestamps{};      // RFC 7323 section 3.2
  ByteView text{};
  // Set by parse().
  bool checksum_ok = true;
  std::uint16_t checksum = 0;     // as it stands there
  bool stamps_elsewhere = false;  // timestamps that stand not behind two NOPs at the beginning
  bool options_ok = true;         // no option length is 0, 1 or runs past the header
  bool unknown_at_end = false;    // an option that is not known ends where the header ends
  bool unknown_options = false;
  bool corrupt_blocks = false;  // the length of a SACK option is no number of blocks
  bool mss_behind_nop = false, mss_unaligned = false;
  bool user_timeout_option = false, authentication_option = false;
  // Set by defects, for emit.
  bool length_too_long = false;   // of the first option
  bool padded_with_ones = false;  // End of Option List, and octets behind it that are not zero
  // Set while the segment is processed.
  bool answered = false;  // it has had its acknowledgment
  bool empty = true;      // it came without text, SYN and FIN, whatever of them lies in the window

  // SEG.LEN counts the text, SYN and FIN.
  std::uint32_t len() const { return static_cast<std::uint32_t>(text.size()) + ctl.syn + ctl.fin; }
};

inline constexpr std::uint32_t kOptionsMax = 40;
inline constexpr std::uint32_t kTimestampsLength = 12;  // with what aligns it

// The octets that the options of a segment take, a multiple of four.
std::uint32_t option_octets(const Segment& seg);
inline constexpr std::uint8_t kEct1 = 1, kEct0 = 2, kCe = 3;  // of Segment::ecn

// Empty when the bytes are not a whole, unfragmented IP packet that carries TCP with a possible data offset.
std::optional<Segment> parse(ByteView packet);

// Appends a packet with `text_length` octets of text still to be filled in and returns their place.
std::span<std::uint8_t> begin_packet(std::vector<std::uint8_t>& wire, const Segment& seg, std::size_t text_length);
// Writes the TCP checksum of the packet that starts at `start` and ends with the last octet of `wire`.
void finish_packet(std::vector<std::uint8_t>& wire, std::size_t start, bool pad_in_front = false);

}  // namespace own
