// SPDX-License-Identifier: Apache-2.0
// Congestion control, RFC 5681 with RFC 6582 (NewReno): how much may be in flight at most. Which algorithm a target
// runs is its own choice (RFC 9293 section 3.8.2, MAY-18), so two bounds are kept. `cwnd` is the widest that the
// accepted profiles give: ten segments at first (RFC 6928), doubling per round trip, 0.7 of what was in flight after a
// loss and half as much again per round trip (RFC 9438). `reno` is what RFC 5681 itself says, with byte counting up to
// 2*SMSS (RFC 3465). Octets throughout.
#pragma once

#include <cstdint>

#include "models/event.h"
#include "models/rule.h"
#include "models/seq.h"

namespace tcpassay {

struct Step;

struct Congestion {
  enum class Phase : std::uint8_t {
    kNone,      // not ESTABLISHED yet
    kOpen,      // slow start or congestion avoidance
    kRecovery,  // fast recovery: the front was sent again upon duplicate ACKs
    kLoss,      // the retransmission timer has expired
  };
  static constexpr std::uint32_t kArbitrarilyHigh = 1u << 30;
  static constexpr Time kNever{-1};

  Phase phase = Phase::kNone;
  bool lost_told = false;            // an ICMP message said that what is in flight did not pass (RFC 1191)
  bool arrived_since_quiet = false;  // something has arrived since the target last fell silent
  bool progress = false;             // ... and it acknowledged new text
  bool window_moved = false;         // ... or moved the window
  bool duplicated = false;           // ... or was a duplicate ACK
  bool news = false;                 // new text has left since then
  bool recover_known = false;
  bool lossless = true;         // no loss was seen on this connection
  bool halves = false;          // a loss has halved what is in flight: RFC 5681 itself is at work
  bool other = false;           // another algorithm is
  bool after_partial = false;   // NewReno: the recovery has had a partial ACK
  bool fr_due = false;          // the third duplicate ACK has come
  bool lt_due = false;          // the first or second has
  bool partial_due = false;     // a partial ACK has
  std::uint8_t duplicates = 0;  // in a row
  std::uint8_t syn_losses = 0;  // SYNs that the timer sent again
  std::uint8_t acks = 0;        // ACKs of new text in this round trip
  std::uint8_t flat = 0;        // round trips in a row whose flight did not grow as it should
  Rule cap{}, soft_cap{};       // what bounds cwnd, and reno
  std::uint32_t smss = 536;
  std::uint32_t largest = 1;  // segment of text that has left: what the target takes for SMSS
  std::uint32_t initial = 0;  // IW
  std::uint32_t cwnd = kArbitrarilyHigh, ssthresh = kArbitrarilyHigh;
  std::uint32_t reno = kArbitrarilyHigh, reno_ssthresh = kArbitrarilyHigh;
  std::uint32_t prior = 0;      // cwnd before the last loss, which may turn out to have been none
  std::uint32_t left = 0;       // octets in flight that have left the network, as far as the ACKs tell
  std::uint32_t limited = 0;    // octets that limited transmit has let go
  std::uint32_t resent = 0;     // octets sent since recovery began, new and again
  std::uint32_t delivered = 0;  // octets that duplicate ACKs have told of since then
  std::uint32_t round_flight = 0;
  std::uint32_t sure = 0;         // cwnd is at least so much, as what has left shows
  std::uint32_t scaled = 0;       // cwnd in proportion to the segments of a path that takes smaller ones; 0: as it was
  std::uint32_t scaled_sent = 0;  // octets sent since then
  SndSeq recover{};               // behind the highest octet sent when the last loss was seen
  SndSeq timed_out{};             // the front that the timer last sent again
  SndSeq resent_to{};             // behind what was sent again since
  SndSeq round_end{};
  Time sent_at = kNever;  // when text last left

  friend bool operator==(const Congestion&, const Congestion&) = default;
};

// An acceptable ACK is about to move SND.UNA to SEG.ACK.
void congestion_acked(Step& on, SndSeq ack);
// Any other acceptable ACK, before the window is taken from it.
void congestion_not_acked(Step& on, bool duplicate);
// SACK blocks and timestamps of an ACK may say more about what has left the network.
void congestion_informed(Step& on, SndSeq highest, bool undone);
// Segments were too large for the path: what is in flight has not passed, and goes again in such of `after` octets.
void congestion_path_lowered(Step& on, std::uint32_t before, std::uint32_t after);
// Text leaves, new or again: is there room for it? Refuses when there is not. What was sent again may end with new
// text, of which SND.NXT tells already: `added` octets.
bool congestion_admits(Step& on, SndSeq seq, std::uint32_t octets, bool again, std::uint32_t added = 0);
// The target falls silent: what kept it from sending more?
void congestion_silent(Step& on);

}  // namespace tcpassay
