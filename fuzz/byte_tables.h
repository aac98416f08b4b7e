// SPDX-License-Identifier: Apache-2.0
// The tables of the byte language. Saved inputs depend on every entry, so entries must not change.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

#include "fuzz/scenario_bytes.h"

namespace tcpassay {

// Openings by the low four bits of the first octet: whole handshakes are the common case.
inline constexpr Opening kOpenings[] = {
    Opening::kPassive,     Opening::kActive,  Opening::kListen,     Opening::kSynSent,
    Opening::kSynReceived, Opening::kCrossed, Opening::kUnaccepted, Opening::kNone,
    Opening::kPassive,     Opening::kPassive, Opening::kPassive,    Opening::kPassive,
    Opening::kActive,      Opening::kActive,  Opening::kActive,     Opening::kPassive,
};
inline constexpr std::uint8_t kOverIpv6 = 0x80;  // in the header's last octet
inline constexpr int kNoMss = -1;
inline constexpr int kMss[] = {1460, 536, kNoMss, 1000, 100, 0, 65535, 1};
inline constexpr int kBuffers[] = {0, 2048, 8192, 65536};  // 0: the target's own choice
inline constexpr std::uint32_t kFirst[] = {0, 0xfffffff0, 0x7ffffff0, 1000000};
inline constexpr std::uint32_t kBacklogs[] = {1, 5, 0, 2};

// The op for the low five bits of a record's first octet. The encoder writes the first entry of each op.
inline constexpr Op kOps[] = {
    Op::kSegment, Op::kText,       Op::kExact,      Op::kPoliteAck, Op::kPoliteText, Op::kPoliteFin, Op::kPoliteSyn,
    Op::kCall,    Op::kAdvance,    Op::kSegment,    Op::kSegment,   Op::kSegment,    Op::kSegment,   Op::kSegment,
    Op::kSegment, Op::kText,       Op::kText,       Op::kText,      Op::kText,       Op::kPoliteAck, Op::kPoliteAck,
    Op::kCall,    Op::kCall,       Op::kCall,       Op::kCall,      Op::kCall,       Op::kAdvance,   Op::kAdvance,
    Op::kExact,   Op::kPoliteText, Op::kPoliteText, Op::kPoliteFin,
};
static_assert(std::size(kOps) == 32);

// Control bits as they stand in the header: F S R P A U E C from the lowest.
inline constexpr std::uint8_t kF = 1, kS = 2, kR = 4, kP = 8, kA = 16, kU = 32, kE = 64, kC = 128;
inline constexpr std::uint8_t kSegmentFlags[] = {
    kA, kA,      kA,      kA,      kA,      kA,      kF | kA,      kF | kA, kF | kA,      kF | kA,      kF,
    kR, kR,      kR,      kR | kA, kR | kA, kS,      kS,           kS,      kS | kA,      kS | kA,      kS | kA,
    0,  kP | kA, kU | kA, kS | kF, kS | kR, kF | kR, kF | kR | kA, kE | kA, kS | kE | kC, kF | kP | kU,
};
inline constexpr std::uint8_t kTextFlags[] = {
    kP | kA, kP | kA,      kP | kA, kP | kA, kA, kA,      kA, kF | kA, kF | kA, kF | kP | kA, kP,      0,
    kF,      kP | kA | kU, kU,      kS,      kS, kS | kA, kR, kR | kA, kS | kF, kP | kA,      kP | kA, kA | kU,
};
inline constexpr std::uint32_t kLengths[] = {  // above 127, where the code is the length
    128,  200,  255,  256,  400,  500,  512,  535,  536,  537,  700,  1000, 1024, 1072,  1200,  1400,
    1439, 1440, 1459, 1460, 1461, 2000, 2048, 2920, 3000, 4000, 4096, 5000, 8192, 10000, 16384, 65536};
inline constexpr std::uint32_t kTextMax = 1440;   // octets of text that fit an Ethernet's packet beside full options
inline constexpr std::uint32_t kWriteMax = 8192;  // octets of one write: the peer's MSS may be 1
inline constexpr std::uint16_t kWindows[] = {65535, 65535, 65535, 65535, 65535, 65535, 65535, 65535, 0,     1,    2,
                                             10,    100,   200,   536,   1000,  1072,  1460,  2000,  2920,  4096, 5000,
                                             8192,  10000, 16384, 20000, 29200, 32768, 40000, 50000, 60000, 65534};
inline constexpr int kTimesMs[] = {1,    10,   40,   100,   200,   250,   500,    600,    1000,  1500,
                                   2000, 3000, 5000, 10000, 30000, 60000, 120000, 240000, 300000};
inline constexpr std::uint32_t kTimeMaxMs = 300000;

enum class UserOp : std::uint8_t {
  kAccept,
  kWrite,
  kRead,
  kShutdownWrite,
  kClose,
  kAbort,
  kShutdownBoth,
  kShutdownRead,
  kCloseListener,
  kConnect,
};
inline constexpr UserOp kUserOps[] = {
    UserOp::kAccept,        UserOp::kWrite,         UserOp::kRead,         UserOp::kShutdownWrite,
    UserOp::kClose,         UserOp::kAbort,         UserOp::kShutdownBoth, UserOp::kShutdownRead,
    UserOp::kCloseListener, UserOp::kConnect,       UserOp::kWrite,        UserOp::kWrite,
    UserOp::kRead,          UserOp::kShutdownWrite, UserOp::kWrite,        UserOp::kClose,
};
static_assert(std::size(kUserOps) == 16);

// Where the parts of a record stand.
enum Octet : std::size_t {
  kOpAt,
  kChoiceAt,
  kSeqAt,
  kSeqDistanceAt,
  kAckAt = 5,
  kAckDistanceAt,
  kLengthAt = 8,
  kWindowAt,
  kExtraAt,
  kExtraValueAt
};
inline constexpr std::uint8_t kSecondPort = 0x80;  // in the op's octet
inline constexpr std::uint8_t kWide = 0x80;  // in an anchor's octet: the distance has sixteen bits, otherwise eight

// What the octet at kExtraAt does to a segment, up to the limit given.
enum class Extra : std::uint8_t { kNothing, kOptions, kChecksum, kDataOffset, kTruncate, kUrgent, kReserved };
inline constexpr std::pair<int, Extra> kExtras[] = {
    {171, Extra::kNothing},  {211, Extra::kOptions}, {220, Extra::kChecksum}, {229, Extra::kDataOffset},
    {235, Extra::kTruncate}, {247, Extra::kUrgent},  {255, Extra::kReserved},
};

// Options that are put on a segment by kOptions, as octets: good, unknown and broken ones.
inline constexpr std::array<std::uint8_t, 12> kOptionOctets[] = {
    {2, 4, 0x05, 0xb4},                // MSS 1460
    {2, 4, 0, 0},                      // MSS 0
    {2, 4, 0, 1},                      // MSS 1
    {2, 4, 0xff, 0xff},                // MSS 65535
    {1, 1, 1, 1},                      // NOP
    {0, 0, 0, 0},                      // End of Option List
    {77, 4, 1, 2},                     // unknown
    {254, 8, 1, 2, 3, 4, 5, 6},        // experimental
    {77, 0, 1, 1},                     // length 0
    {77, 1, 1, 1},                     // length 1
    {77, 40, 1, 1},                    // runs past the header
    {1, 1, 1, 77},                     // kind without a length
    {2, 3, 5, 1},                      // MSS of a wrong length
    {2, 4, 0x02, 0x18, 2, 4, 5, 180},  // MSS twice
    {1, 2, 4, 0x02, 0x18, 1, 1, 0},    // MSS not aligned
    {0, 77, 0, 3},                     // something behind the end
};
inline constexpr std::size_t kOptionSizes[] = {4, 4, 4, 4, 4, 4, 4, 8, 4, 4, 4, 4, 4, 8, 8, 4};
static_assert(std::size(kOptionOctets) == std::size(kOptionSizes));

inline Ctl control(std::uint8_t flags) {
  return {.fin = (flags & kF) != 0,
          .syn = (flags & kS) != 0,
          .rst = (flags & kR) != 0,
          .psh = (flags & kP) != 0,
          .ack = (flags & kA) != 0,
          .urg = (flags & kU) != 0,
          .ece = (flags & kE) != 0,
          .cwr = (flags & kC) != 0};
}

inline std::uint32_t length_of(std::uint8_t code) {
  return code < 128 ? code : kLengths[(code - 128) % std::size(kLengths)];
}

// State of a conversation that the session does not keep.
struct Side {
  std::optional<std::uint32_t> acked{};  // the highest SEG.ACK we sent: the target's SND.UNA, as far as we know
  std::uint32_t last_seq = 0, last_ack = 0;

  void note(const SegmentSpec& sent, std::uint32_t seq, std::uint32_t ack) {
    last_seq = seq;
    if (!sent.ack) return;
    last_ack = ack;
    if (!acked || static_cast<std::int32_t>(ack - *acked) > 0) acked = ack;
  }
};

inline std::uint32_t resolve(SeqAnchor anchor, const Session::Peer& peer, const Side& side) {
  switch (anchor) {
    case SeqAnchor::kRcvNxt:
      return peer.snd_nxt;
    case SeqAnchor::kWindowEnd:
      return peer.snd_nxt + peer.rcv_wnd;
    case SeqAnchor::kIrs:
      return peer.iss;
    case SeqAnchor::kOpposite:
      return peer.snd_nxt + 0x80000000u;
    case SeqAnchor::kWindowMiddle:
      return peer.snd_nxt + peer.rcv_wnd / 2u;
    case SeqAnchor::kLast:
      return side.last_seq;
    case SeqAnchor::kZero:
      return 0;
    case SeqAnchor::kBelowWindow:
      return peer.snd_nxt - 65535;
  }
  return 0;
}

// As on the wire.
inline std::uint32_t resolve(AckAnchor anchor, const Session::Peer& peer, const Side& side) {
  const std::uint32_t snd_nxt = peer.rcv_nxt.value_or(0), iss = peer.irs.value_or(0);
  switch (anchor) {
    case AckAnchor::kSndNxt:
      return snd_nxt;
    case AckAnchor::kSndUna:
      return side.acked.value_or(iss);
    case AckAnchor::kIss:
      return iss;
    case AckAnchor::kOpposite:
      return snd_nxt + 0x80000000u;
    case AckAnchor::kBelow:
      return side.acked.value_or(iss) - 65535;
    case AckAnchor::kLast:
      return side.last_ack;
    case AckAnchor::kZero:
      return 0;
    case AckAnchor::kBeyond:
      return snd_nxt + 65535;
  }
  return 0;
}

}  // namespace tcpassay
