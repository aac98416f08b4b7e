// SPDX-License-Identifier: Apache-2.0
// An input of a campaign: a scenario whose numbers are distances from what the connection has reached. Steps can be
// inserted, removed and repeated, and those behind them still mean the same.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "harness/script/scenario.h"
#include "harness/session/session.h"

namespace tcpassay {

inline constexpr std::size_t kMovesMax = 120;

// From where SEG.SEQ is counted, in the peer's bookkeeping of its conversation.
enum class SeqAnchor : std::uint8_t {
  kNext,        // behind the last octet that the peer has sent in order
  kAcked,       // the target's RCV.NXT, as it was told last
  kWindowEdge,  // the same and the window that was told
  kFirst,       // the peer's SYN
  kOpposite,    // kNext + 2^31
  kLast,        // SEG.SEQ of the peer's segment before
  kZero,
};
inline constexpr int kSeqAnchors = 7;

// From where SEG.ACK is counted.
enum class AckAnchor : std::uint8_t {
  kSndNxt,    // behind the last octet that the target has sent in order
  kSndUna,    // the highest SEG.ACK of the peer
  kFirst,     // the target's SYN
  kOpposite,  // kSndNxt + 2^31
  kLast,      // SEG.ACK of the peer's segment before
};
inline constexpr int kAckAnchors = 5;

// `spec` has everything but SEG.SEQ and SEG.ACK, which are computed when the segment is sent; spec.ack only says
// whether there is one. Edges of SACK are counted from kSndUna.
struct SegmentMove {
  SegmentSpec spec{};
  SeqAnchor seq = SeqAnchor::kNext;
  AckAnchor ack = AckAnchor::kSndNxt;
  std::int32_t seq_distance = 0, ack_distance = 0;
};

inline constexpr int kIcmpMessages = 10;

// An ICMP message (icmp_moves.h says which), which quotes a segment that the target may have sent.
struct IcmpMove {
  std::uint8_t message = 0;
  std::uint16_t mtu = 0;  // of the message "too big"
  AckAnchor seq = AckAnchor::kSndUna;
  std::int32_t distance = 0;
};

struct WaitMove {};  // only time passes

struct Move {
  Time wait{};  // before it
  std::variant<WaitMove, SegmentMove, Call, IcmpMove> what{};
};

struct Moves {
  std::uint8_t ip = 4;
  std::vector<Setting> settings{};
  std::vector<Move> moves{};
};

// Why a campaign cannot use the scenario as a seed: commands, code and options of the script have no moves.
bool can_be_moves(const Scenario& scenario);

// The moves of the scenario, with the anchor nearest to each number. Plays the scenario on the session, which does not
// need a judge.
Moves moves_of(const Scenario& scenario, Session& session);

// What the anchors are counted from.
struct Side {
  Tuple pair{};
  std::uint32_t last_seq = 0, last_ack = 0;  // on the wire
  std::uint32_t acked = 0;                   // the highest SEG.ACK of the peer
  bool has_acked = false;

  void note(const SegmentSpec& sent, std::uint32_t irs);
};

// The peer's bookkeeping of each pair of ports.
class Sides {
 public:
  void clear() { sides_.clear(); }
  Side& of(Tuple pair);

 private:
  std::vector<Side> sides_;
};

std::uint32_t value_of(SeqAnchor anchor, const Session::Peer& peer, const Side& side);
std::uint32_t value_of(AckAnchor anchor, const Session::Peer& peer, const Side& side);  // as on the wire

}  // namespace tcpassay
