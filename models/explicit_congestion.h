// SPDX-License-Identifier: Apache-2.0
// Explicit congestion notification (RFC 3168 section 6.1): whether both sides have agreed to it, which packets may
// carry ECT, how CE is echoed until CWR arrives, and how the sender reacts to an echo.
#pragma once

#include <cstdint>

#include "models/segment.h"
#include "models/seq.h"

namespace tcpassay {

struct Step;

struct ExplicitCongestion {
  enum class Echo : std::uint8_t { kOff, kEnding, kOn };          // ECE on the target's ACKs; kEnding: CWR has arrived
  enum class Cwr : std::uint8_t { kNo, kMay, kAfterLoss, kDue };  // on the next new text

  // 6.1.1: ECN-setup SYN and SYN,ACK, and the others.
  bool setup_sent = false, other_sent = false, setup_received = false, other_received = false;
  bool reflected = false;                                 // the SYN,ACK that arrived sends the SYN's bits back
  bool accurate_offered = false, accurate_asked = false;  // the target's SYN, the peer's SYN had AE too (RFC 9768)
  bool accurate = false;                                  // both sides have agreed to Accurate ECN
  bool unjudged = false;                                  // Accurate ECN is in use, or the SYNs crossed
  bool marks = false;                                     // text was sent with ECT

  Echo echo = Echo::kOff;
  bool echoed = false;  // a segment with ECE has left since CE arrived
  bool ended = false;   // CWR has ended an echo before

  Cwr cwr = Cwr::kNo;
  bool cwr_sent = false;             // the last new text had CWR
  bool reduced = false;              // the congestion window was reduced for the window of data up to `recover`
  bool perhaps_reduced = false;      // ... was perhaps reduced for that up to `perhaps`
  SndSeq recover{}, perhaps{};       // SND.NXT at the time of the reduction
  bool echo_now = false;             // the latest ACK has ECE, and speaks of text that was marked
  bool echo_arrived = false;         // a target may react to an echo even if it has marked nothing
  bool cwnd_limited = false;         // only the congestion window held text back when the target was last silent
  bool timed_out = false;            // the last of those may be a timeout, behind which windows may count anew
  SndSeq echo_until{};               // SND.NXT when an echo arrived that the target may have reacted to
  std::uint32_t flight_at_echo = 0;  // the flight when the target was last silent before the echo
  std::uint32_t reduced_to = 0;      // the largest flight once that window of data is acknowledged; 0: not known
  std::uint32_t grown = 0;           // octets by which ACKs without ECE may have opened the window since
  std::uint8_t one_segment_echoes =
      0;  // echoes in a row, without growth between, that arrived while the flight was limited to one segment
  bool at_one_segment = false;           // the last of them found a window of one segment (6.1.2)
  std::int64_t one_segment_echo_at = 0;  // when it arrived, ns
  bool one_segment_met = false;          // an echo has met a flight of one segment, whether or not it is reacted to ...
  SndSeq one_segment_until{};            // ... and this was SND.NXT

  // 6.1.1: "an ECN-capable connection", for its two roles.
  bool processes_ce() const { return setup_sent && setup_received && !other_received && !unjudged; }
  bool may_mark() const { return setup_sent && setup_received && !other_sent; }
  // 6.1.2: "only once in response to a series of dropped and/or CE packets from a single window of data".
  bool reduced_for(SndSeq una) const { return reduced && una < recover; }
  // The flight that an echo has met which the target may have reacted to for this window of data; 0: there is none.
  std::uint32_t met_by_echo(SndSeq una) const { return una < echo_until ? flight_at_echo : 0; }
  // 6.1.2: an echo may have met a window of one segment, and then new text waits for the retransmission timer.
  void echo_meets(std::uint32_t flight, std::uint32_t segment, SndSeq snd_nxt) {
    one_segment_met = flight <= segment;
    one_segment_until = snd_nxt;
  }
  bool may_wait_for_timer(SndSeq snd_una) const { return one_segment_met && snd_una <= one_segment_until; }

  friend bool operator==(const ExplicitCongestion&, const ExplicitCongestion&) = default;
};

// The send variables before a departing segment moved them.
struct SendBefore {
  SndSeq snd_una{}, snd_nxt{}, snd_edge{};
  SndSeq resent_to{};  // behind the last octet that had left again
  std::uint32_t snd_wnd = 0;
};

namespace ecn {

// Whether the reserved bits of this segment are zero, or AE where RFC 9768 has it: on a SYN that asks for Accurate ECN
// (3.1.1), on the SYN,ACK that answers one (table 2), and in the counter ACE of a connection that uses it (3.2.2).
bool reserved_bits_are_right(const ExplicitCongestion& state, const Departing& seg);

void syn_arrives(Step& on, const Arriving& syn);
bool tries_without(Step& on);                      // a RST has answered the SYN: a SYN without ECN may follow
void syns_cross(Step& on);                         // a simultaneous open
void text_arrives(Step& on, const Arriving& seg);  // an acceptable segment: CE and CWR
void unacceptable_arrives(Step& on, const Arriving& seg);
void ack_arrives(Step& on, const Arriving& seg, bool news);  // ECE; `news`: it acknowledges something new

void syn_departs(Step& on, const Departing& syn, bool again);
void reset_departs(Step& on, const Departing& rst);
void segment_departs(Step& on, const Departing& seg, const SendBefore& before);
void falls_quiet(Step& on);

// The sender's part. New text leaves: false when it is refused.
bool new_text_departs(Step& on, const Departing& seg, SndSeq end);
void mixed_text_departs(Step& on, const Departing& seg);  // a segment of old and new text
// Text is sent again, as a rule because it was lost, and a loss reduces the congestion window like an echo.
void resent_departs(Step& on, const Departing& seg, SndSeq end, const SendBefore& before);
void loss_is_shown(Step& on);     // by the ACK that has arrived
void nothing_was_lost(Step& on);  // though the target has taken it for lost

}  // namespace ecn
}  // namespace tcpassay
