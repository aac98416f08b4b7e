// SPDX-License-Identifier: Apache-2.0
// Explicit congestion notification (RFC 3168 section 6.1): who agreed to it, which packets may carry ECT, the echo of
// CE until CWR, and the reaction to that echo.
#pragma once

#include <cstdint>

#include "models/segment.h"
#include "models/seq.h"

namespace tcpassay {

struct Step;

struct ExplicitCongestion {
  enum class Echo : std::uint8_t { kOff, kEnding, kOn };  // of CE, on our acknowledgments; kEnding: CWR has come
  enum class Cwr : std::uint8_t { kNo, kMay, kAfterLoss, kDue };  // on the next new text

  // 6.1.1: ECN-setup SYN and SYN,ACK, and the others.
  bool setup_sent = false, other_sent = false, setup_received = false, other_received = false;
  bool reflected = false;                                 // the SYN,ACK that arrived had CWR: our own bits, sent back
  bool accurate_offered = false, accurate_asked = false;  // the target's SYN, the peer's SYN had AE too (RFC 9768)
  bool unjudged = false;                                  // Accurate ECN is in use, or the SYNs crossed
  bool marks = false;                                     // text was sent with ECT

  Echo echo = Echo::kOff;
  bool echoed = false;  // on a segment since the CE arrived
  bool ended = false;   // CWR has ended an echo before

  Cwr cwr = Cwr::kNo;
  bool cwr_sent = false;         // on the last new text
  bool reacts = false;           // the window of data that ends at `recover` has had its reduction
  bool heard = false;            // an echo has come, which may be believed even if nothing was marked
  bool limited = false;          // the congestion window alone held text back when the target was last quiet
  std::uint32_t held_at = 0;     // what was in flight then
  std::uint32_t flight = 0;      // the same when the echo came
  std::uint32_t reduced_to = 0;  // what may be in flight when that window is acknowledged; 0: not known
  SndSeq recover{};
  std::uint8_t singles = 0;    // echoes in a row that came while one segment was all that could be in flight
  bool single = false;         // ... and the window was one segment already
  std::int64_t single_at = 0;  // ns

  // 6.1.1: "an ECN-capable connection", for its two roles.
  bool processes_ce() const { return setup_sent && setup_received && !other_received && !unjudged; }
  bool may_mark() const { return setup_sent && setup_received && !other_sent; }

  friend bool operator==(const ExplicitCongestion&, const ExplicitCongestion&) = default;
};

// What a departing segment was measured against: the send variables before it.
struct SendBefore {
  SndSeq snd_una{}, snd_nxt{}, snd_edge{};
  std::uint32_t snd_wnd = 0;
};

namespace ecn {

void syn_arrives(Step& on, const Arriving& syn);
bool tries_without(Step& on);                      // a RST has answered the SYN: another SYN may follow
void syns_cross(Step& on);                         // a simultaneous open
void text_arrives(Step& on, const Arriving& seg);  // an acceptable segment: CE and CWR
void unacceptable_arrives(Step& on, const Arriving& seg);
void ack_arrives(Step& on, const Arriving& seg, bool news);  // ECE; `news`: it acknowledges something new

void syn_departs(Step& on, const Departing& syn, bool again);
void reset_departs(Step& on, const Departing& rst);
void segment_departs(Step& on, const Departing& seg, const SendBefore& before);
void falls_quiet(Step& on);

}  // namespace ecn
}  // namespace tcpassay
