// SPDX-License-Identifier: Apache-2.0
// What the model knows of one connection: the RFC's variables (3.3.1), bounds for what the target chooses, and what the
// target has still to send.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "models/between.h"
#include "models/congestion/congestion.h"
#include "models/event.h"
#include "models/explicit_congestion.h"
#include "models/fast_open.h"
#include "models/freedom.h"
#include "models/inline_vector.h"
#include "models/retransmission_timer.h"
#include "models/rule.h"
#include "models/seq.h"
#include "models/spurious.h"

namespace tcpassay {

struct Cite {
  Rule rule{};
  bool taken = true;  // for a MAY: whether the option was taken
  friend bool operator==(const Cite&, const Cite&) = default;
};

// A segment that must leave before the target falls quiet, with its form fixed by the RFC.
struct Reply {
  enum class Form : std::uint8_t {
    kNone,
    kRst,     // <SEQ=seq><CTL=RST>; ACK=ack (or RCV.NXT) is not forbidden. `other` is a second right SEQ
    kRstAck,  // <SEQ=seq><ACK=ack><CTL=RST,ACK>
    kSyn,     // <SEQ=ISS><CTL=SYN>
    kSynAck,  // <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>
    kAck,     // <SEQ=seq><ACK=ack><CTL=ACK>: of a connection that is no more
  };
  Form form = Form::kNone;
  bool must = true;                    // false: its absence departs from a SHOULD, or costs nothing when optional
  bool optional = false;               // it may leave or not; leaving takes `freedom`
  bool ends = false, lets_go = false;  // the connection is there until it leaves; what an ACK lets go may be first
  Freedom freedom{};
  SndSeq seq{}, other{};
  RcvSeq ack{};
  Rule rule{};
  friend bool operator==(const Reply&, const Reply&) = default;
};

// What the user has still to be told.
enum class Signal : std::uint8_t { kNone, kNotOpened, kRefused, kReset, kTimedOut, kUnreachable };
inline constexpr int kHeldMax = 8;  // spans of out-of-order text remembered

struct Span {
  RcvSeq from{}, to{};
  friend bool operator==(const Span&, const Span&) = default;
};

// What the SACK options of the target may report (RFC 2018, RFC 2883): which text of the peer came ahead of a gap or
// again, and what was reported already.
struct Sack {
  bool peer_permits = false, target_permits = false;  // its SYN carried SACK-permitted
  bool generates = false;                             // the target has sent a SACK option
  bool vague = false;                                 // we do not know exactly which octets the target holds
  bool triggered = false, unanswered = false;         // `trigger` has just arrived; no ACK has left since it did
  bool duplicate = false;                             // the last of `duplicates` has just arrived
  bool exact = false;                                 // the bounds of that duplicate are known
  RcvSeq partial{};                                   // behind the segment, the rest of which was new; else RcvSeq{}
  Rule omitted_rule{};                                // which asked for `omitted`
  Span trigger{};                                     // text that came ahead of a gap
  Span earlier{};                        // text that came ahead of a gap before `trigger` and was not acknowledged yet
  Span omitted{};                        // was missing in an option: later segments show whether the target held it
  Span told{};                           // the last D-SACK block
  Span kept{};                           // was reported in an ACK for other text as well, so the target holds it
  InlineVector<Span, 4> reported{};      // first blocks of earlier options, the latest first
  InlineVector<Span, 3> duplicates{};    // octets that came again and were not reported yet, oldest first
  InlineVector<Span, kHeldMax> parts{};  // others of the latest segment that did, if the target did not hold those
  friend bool operator==(const Sack&, const Sack&) = default;
};

// Timestamps on this connection: RFC 7323 sections 3 to 5.
struct Stamps {
  bool offered = false;        // the target's SYN or SYN,ACK carried them
  bool peer = false;           // the peer's SYN did
  bool free = false;           // crossing SYNs, one with and one without: it is open whether timestamps are in use
  bool unsure = false;         // TS.Recent may be another value than those of `recent`
  bool stale_echo = false;     // the peer has echoed a TSval that was not the latest: measured round trips may be wrong
  bool old_duplicate = false;  // ... on a segment that acknowledged nothing new
  bool sent = false;           // `last` is set
  bool held_is_older = false;  // text that was held has an older TSval than the segment that filled the gap
  bool several = false;        // text ahead of a gap came in several stretches: one alone may have been held
  enum class Reset : std::uint8_t { kAbort, kPlain, kProvoked, kWithin } reset{};  // what a RST that leaves now answers
  std::uint32_t reset_echo = 0;              // TSval of the segment that provoked it
  std::optional<std::uint32_t> of_reset{};   // a RST has brought this TSval, which is newer than TS.Recent
  InlineVector<std::uint32_t, 3> recent{};   // TS.Recent is one of these
  InlineVector<std::uint32_t, 4> arrived{};  // TSvals of the peer, latest last
  Rule why{};                                // what the latest segment says of TS.Recent; Rule{} when nothing
  Rule other_rule{};                         // a stack that departs from this rule would echo `other`; Rule{} when none
  std::uint32_t other = 0;
  std::uint32_t held = 0;  // the latest TSval of text ahead of a gap
  Time recent_at{};        // when TS.Recent was last confirmed
  // The target's clock: the latest TSval, where it last changed, from where it is measured, how long it stood still.
  std::uint32_t last = 0, anchor = 0;
  std::uint32_t rate = 0;  // ticks in 1000 s; 0 while it is not known
  SndSeq changed_seq{};
  Time last_at{}, changed_at{}, anchor_at{}, still_for{};

  bool on() const { return offered && peer && !free; }
  friend bool operator==(const Stamps&, const Stamps&) = default;
};

inline constexpr std::uint8_t kWindowShiftMax = 14;  // RFC 7323 section 2.3: a shift above it is used as 14

// Window scaling on this connection: RFC 7323 section 2.
struct Scale {
  bool peer_offered = false, target_offered = false;  // its SYN carried Window Scale
  std::uint8_t named = 0;                             // the shift in the peer's SYN, as it stands
  std::uint8_t rcv_shift = 0, withdrawn = 0;          // Rcv.Wind.Shift, of its SYN; what its SYN,ACK then left out
  bool of_syn = true;                                 // SND.WND is that of a SYN, never scaled
  bool stray = false, syn_trimmed = false;  // Window Scale came on no SYN; of the segment at hand a SYN was trimmed off
  bool receded = false;                     // the peer's right edge has moved left
  std::uint16_t peer_wnd = 0;               // SEG.WND of the peer's latest window
  std::uint16_t wnd = 0;                    // SEG.WND of the target's
  SndSeq peer_edge{};                       // the right edge that the peer has offered last
  RcvSeq edge{};                            // the one that the target has
  SndSeq former{};                          // the peer's before its latest window counted
  SndSeq stale{};                           // the one that a segment has named which was too old to count

  std::uint8_t snd_shift() const { return std::min(named, kWindowShiftMax); }  // Snd.Wind.Shift
  friend bool operator==(const Scale&, const Scale&) = default;
};

// Text that came ahead of a gap, and may have been kept.
struct HeldText {
  InlineVector<Span, kHeldMax> spans{};
  RcvSeq top{};              // behind the last octet seen ahead of a gap
  bool overflow = false;     // more spans than `spans` remembers: from `beyond` on
  RcvSeq beyond{};           // where text begins that was seen ahead of more gaps than `spans` remembers
  Between<RcvSeq> unsure{};  // text that was seen here may have lain beyond the window
  bool gap() const { return !spans.empty() || overflow; }
  friend bool operator==(const HeldText&, const HeldText&) = default;
};

// TIME-WAIT, 3.6.1 and RFC 1337.
struct TimeWait {
  Time from{}, to{};          // it ends in this interval
  RcvSeq least_seq{};         // the least SEG.SEQ seen in it, when it is below RCV.NXT
  bool acknowledged = false;  // an acknowledgment has left in it
  bool ignored_rst = false;
  friend bool operator==(const TimeWait&, const TimeWait&) = default;
};

// The connection in TIME-WAIT whose place a SYN has taken: its numbers, in case the SYN was an old one (MAY-2).
struct FormerConnection {
  bool kept = false, stamped = false, scaled_offered = false;
  Scale scale{};
  SndSeq snd_nxt{};
  RcvSeq rcv_nxt{};
  friend bool operator==(const FormerConnection&, const FormerConnection&) = default;
};

// Challenge ACKs, RFC 5961.
struct Challenge {
  enum class By : std::uint8_t { kNone, kRst, kSyn };
  By drawn_by = By::kNone;  // the last one
  Time at{-1};              // when it left; negative: never
  friend bool operator==(const Challenge&, const Challenge&) = default;
};

struct SndSpan {
  SndSeq from{}, to{};
  friend bool operator==(const SndSpan&, const SndSpan&) = default;
};

// Which text of the target the peer's SACK options have reported, and which has left again (RFC 6675, RFC 8985).
struct Scoreboard {
  bool vague = false;        // more was reported than `sacked` remembers
  bool uses = false;         // text was sent again because of a report: the target recovers as RFC 6675 has it
  bool reordered = false;    // text was reported late that had left once only
  bool after_rto = false;    // a timer has sent SND.UNA again, and `recover` is not acknowledged yet
  bool front_again = false;  // SND.UNA has left again since it became SND.UNA
  bool probed = false;       // a timer has sent the end of the flight again since anything arrived
  bool probed_all = false;   // ... which was all of the flight: its ACK measures nothing without timestamps
  bool sack_with_text_or_window_change = false;  // a report came with text or with another window
  bool duplicate = false;                        // the last ACK had a D-SACK block
  bool owes = false;                     // the latest segment shows that SND.UNA was lost, so it must leave again
  bool owes_old = false, skips = false;  // ... that text reported before a timeout is missing; what is behind has left
  std::uint8_t news = 0;                 // ACKs with something new since SND.UNA moved
  SndSeq again{}, recover{};             // behind the highest octet that left again; SND.NXT when the timer expired
  SndSpan before{};                      // the lowest span reported before the timer expired
  Time arrived_at{};                     // the last ACK
  Time news_at{};                        // the first ACK with something new since SND.UNA moved
  InlineVector<SndSpan, 4> sacked{};     // apart from each other
  friend bool operator==(const Scoreboard&, const Scoreboard&) = default;
};

inline constexpr int kDebtsMax = 4;  // answers that are due at once, beside the latest
inline constexpr int kCitesMax = 24;
inline constexpr int kDemeritsMax = 6;
inline constexpr int kTraits = static_cast<int>(
#define TRAIT(id, name, rule, sentence) +1
    0
#include "models/traits.def"
#undef TRAIT
);

// The urgent mechanism, 3.8.5.
struct Urgent {
  bool arrived = false;              // a segment with URG has
  bool sure = false;                 // RCV.UP is known to be `rcv_up`; otherwise nothing of it is judged
  bool in_line = false;              // the user has asked for urgent octets in the stream (SO_OOBINLINE)
  bool bare = false;                 // a pointer has arrived without URG
  bool at_closed_window = false;     // RCV.UP came while the window was closed (MUST-66)
  bool late = false;                 // URG has arrived behind the peer's FIN
  bool given = false;                // the user has sent urgent octets
  std::uint8_t out_left = 0;         // so many octets of those ...
  Between<RcvSeq> out{};             // ... may not be read with the others, since they are urgent and not in line
  RcvSeq rcv_from{};                 // where the run of urgent octets began
  RcvSeq rcv_up{}, above_to{};       // RCV.UP: the octet that follows the urgent data; see urgent_above_gap()
  SndSeq snd_up{};                   // SND.UP, the same for what the user sends; like snd_end before ISS is known
  SndSeq plain_end{};                // SND.NXT when octets became urgent: what lies before it left without URG
  InlineVector<SndSeq, 3> former{};  // earlier values of SND.UP, which a retransmission may still name
  friend bool operator==(const Urgent&, const Urgent&) = default;
};

// Keep-alives, 3.8.4.
struct KeepAlive {
  bool on = false, was_set = false;      // the user has turned them on; has chosen at all
  std::uint8_t unanswered = 0;           // probes since something arrived
  std::uint32_t idle = 0, interval = 0;  // seconds, as the user has set them; 0: the defaults
  std::uint32_t count = 0, running = 0;  // probes before the user gives up; the least interval since the last probe
  Time since{};                          // when the user chose last
  Time heard_from{}, heard_to{};         // the last segment arrived in this interval
  Time probed_from{}, probed_to{};       // the last probe left in this interval
  friend bool operator==(const KeepAlive&, const KeepAlive&) = default;
};

// What the connection tells IP and learns from ICMP, 3.9.2.
struct IpLayer {
  bool dscp_set = false, dscp_changed = false, ttl_set = false;  // by the user
  std::uint8_t traffic_class = 0, ttl = 0;                       // what was set
  std::uint8_t arrived_class = 0;                                // of the last segment that arrived
  bool ids_count = false;                                        // its identification is a little above the one before
  std::uint16_t arrived_id = 0, front_id = 0;  // IP's identification of it; of the front of the retransmission queue
  bool soft_error = false;  // an ICMP message of a soft error has arrived, and the user was not told of it
  bool may_tell = false;    // any ICMP message that the user may be told of
  bool too_big_seen = false, smaller_told = false;   // the latter: it named less than the path took until then
  std::uint16_t announced = 0, least_told = 0xffff;  // the MTU of the last such message; the least of all, to the floor
  std::uint16_t path_mtu = 0;                        // RFC 1191, 8201: the least that was announced and obeyed; 0: none
  bool ignores_too_big = false, unnamed = false;     // of this possible TCB; a message named no MTU
  bool lowered = false, repeated = false;            // since the target was last quiet, by a message; not by it
  bool raise_announced = false;                      // a larger MTU was announced later
  bool below_floor = false;                          // a message named less than IP's least MTU
  Time path_mtu_at{};
  friend bool operator==(const IpLayer&, const IpLayer&) = default;
};

struct Tcb {
  State state = State::kClosed;
  bool passive = false;                           // came from LISTEN (MUST-11)
  bool iss_known = false;                         // ISS is drawn by the target and revealed by its first SYN
  bool was_open = false;                          // has been ESTABLISHED, or further
  bool fin_queued = false, closed_early = false;  // CLOSE: a FIN is behind all text given to SEND; in SYN-RECEIVED
  bool user_gone = false;                         // the user neither sends nor receives any more
  bool rcv_fin = false;                           // the peer's FIN was processed
  bool held_fin = false;                          // a FIN was seen ahead of missing text
  bool mss_given = false;                         // the peer announced an MSS
  bool mss_omitted = false;        // the target announced none, and has taken no segment above the default (SHLD-5)
  bool no_delay = false;           // the user has turned the Nagle algorithm off
  bool corked = false;             // the user gives text without PUSH: it may wait for more (3.9.1.2)
  bool nagle_free = false;         // whether Nagle is on is not known
  bool contradicted = false;       // the peer sent text beyond its own FIN, or moved it
  bool reads_shut = false;         // the user has said that it will not receive
  bool told = false;               // the user knows of the signal
  bool held_fin_outside = false;   // it stood beyond the window when it was seen
  bool edge_of_syn = false;        // rcv_edge is what the target's SYN offered, before it knew RCV.NXT
  bool scaled_offered = false;     // the target has offered a window on other than a SYN
  bool edge_known = false;         // the target has offered a window
  bool filled = false;             // RCV.NXT's bounds differ by text that had been held
  bool timed = false;              // rexmit_due is set ...
  bool late = false;               // ... to the horizon: what it waits for is late
  bool mss_among_options = false;  // the peer's MSS stood among No-Operations or End of Option List
  bool mss_unaligned = false;      // ... and not on a word boundary
  bool partial_gap_ack = false;    // an acknowledgment went only part of the way to `partial_gap_ack_end`

  // Send sequence variables.
  SndSeq iss{}, snd_una{}, snd_nxt{}, snd_wl2{};
  SndSeq snd_far{};   // the greatest right edge that the peer has offered; ISS until it has
  SndSeq snd_end{1};  // behind the last octet the user has given to SEND; ISS counts as 0 until it is known
  std::uint32_t snd_wnd = 0, given_early = 0;  // octets that SEND took in SYN-SENT or SYN-RECEIVED
  std::uint32_t max_snd_wnd = 0;               // MAX.SND.WND of RFC 5961
  std::uint16_t snd_mss = 536;                 // what the peer announced, or the default (3.7.1)

  // Receive sequence variables. RCV.NXT is at least rcv_nxt and at most rcv_nxt_max; the next acknowledgment tells.
  RcvSeq irs{}, rcv_nxt{}, rcv_nxt_max{}, snd_wl1{};
  RcvSeq snd_wl1_least{};     // SND.WL1, if nothing empty that came ahead of a gap was taken
  RcvSeq rcv_nxt_before{};    // what the latest arriving segment met
  RcvSeq rcv_edge{};          // the greatest RCV.NXT+RCV.WND that was offered
  RcvSeq rcv_acked{};         // the last acknowledgment that was sent
  RcvSeq rcv_user{};          // the next octet for the user
  RcvSeq fin_seq{};           // where the peer's FIN stands, when held_fin or rcv_fin
  Between<RcvSeq> uncoded{};  // octets of the peer's that do not follow from their place lie here
  Between<RcvSeq> cut{};      // where text or a FIN ends that was cut off at the right edge
  bool cut_at_shut = false;   // ... at a window of zero
  RcvSeq peer_end{};          // behind the last octet that the peer has sent
  RcvSeq rcv_far{};           // the greatest right edge ever offered, by a SYN too
  Time read_all_at{};         // since then nothing waits to be read; zero: something does
  RcvSeq user_at_offer{};     // RCV.USER when the target has last offered a window
  RcvSeq syn_text_end{};      // behind the text that came with the SYN
  RcvSeq partial_gap_ack_end{};
  RcvSeq mss_refuted{};         // with mss_omitted: behind the text of a segment above the default; zero: none has come
  std::uint16_t rcv_mss = 536;  // what the target announced, or the default
  std::uint16_t syn_wnd = 0;    // the window that the target's SYN offered
  std::uint16_t snd_full = 0;   // the largest segment of new text so far
  std::uint32_t rcv_wnd_max = 0;  // the largest window the target has offered: its buffer, as far as is known
  std::uint32_t shrunk_by = 0;    // so far left of rcv_edge lies the latest edge
  std::uint32_t rcv_unacked = 0, rcv_unacked_before = 0;  // octets taken since the last acknowledgment; but the latest
  HeldText held{};
  Sack selective{};
  Scoreboard board{};
  Stamps stamps{};
  Scale scale{};
  // What the target owes: to the latest segment or call, and to those before it.
  Reply reply{};
  InlineVector<Reply, kDebtsMax> debts{};
  bool ack_now = false, ack_now_must = false;  // an acknowledgment before it falls quiet ...
  bool ack_later = false;                      // ... or until ack_due
  bool ack_put_off = false;                    // ... though another segment has called for it meanwhile
  std::uint8_t ack_credits = 0;                // pure acknowledgments that arriving segments have called for
  bool ack_missed = false;                     // one that should have left at once has not: late, it is no second one
  Rule ack_now_rule{}, ack_rule{};
  Time ack_due{};
  bool send_pending = false;  // text or FIN must leave until send_due
  Time send_due{};
  Time rexmit_due{};            // the front of the retransmission queue, or a window probe, must leave until then
  std::uint8_t rexmits = 0;     // since the last progress
  std::uint8_t backed_off = 0;  // doublings that no measurement has undone yet
  Time sent_at{};               // when the front of the queue was first sent
  Time user_timeout{}, user_set_at{};  // what the user has set, and when; zero: nothing
  Time given_at{};                     // since when the user waits for what was given to be acknowledged
  Time rtt_max{};                      // the longest round trip seen
  Time front_from{}, front_to{};       // the front of the queue, or a probe, last left in this interval
  Time front_gap{};                    // the time before that since it left the last time, at least
  bool front_alone = false;            // nothing has arrived since then
  Time zero_at{};                      // when the window last closed
  Time window_at{};                    // when the window or the text to send last changed
  Time small_from{};                   // since when text waits for a larger window, with nothing in flight
  SndSeq small_end{};                  // behind the last segment smaller than the MSS
  Time quiet_since{};                  // FIN-WAIT-2 of a connection whose user is gone: since when
  std::uint8_t prompt_acks = 0;        // for text in sequence, one after the other, none of them delayed
  std::uint8_t silly_updates = 0;      // windows opened by a few octets, one after the other

  TimeWait time_wait{};
  FormerConnection former{};
  Challenge challenge{};
  Congestion congestion{};
  Spurious spurious{};
  RetransmissionTimer timer{};
  ExplicitCongestion ecn{};
  Urgent up{};
  KeepAlive keep{};
  IpLayer ip{};
  FastOpen fast_open{};

  Signal signal = Signal::kNone;
  std::array<std::int8_t, kTraits> traits{};  // -1 no, 1 yes, 0 not yet known

  friend bool operator==(const Tcb&, const Tcb&) = default;

  SndSeq snd_limit() const { return snd_end + (fin_queued ? 1u : 0u); }  // behind the FIN, when there is one
  bool fin_sent() const { return fin_queued && snd_nxt == snd_end + 1; }
  bool fin_acked() const { return fin_sent() && snd_una == snd_nxt; }
  bool scaled() const { return scale.peer_offered && scale.target_offered; }
  bool sack() const { return selective.peer_permits && selective.target_permits; }
  bool timestamped() const { return stamps.on(); }
  // RCV.NXT, as far as it is known; an acknowledgment tells it.
  Between<RcvSeq> rcv_next() const { return {rcv_nxt, rcv_nxt_max, true}; }
  // The octet behind the receive window: nothing beyond `most` is acceptable. Rounding may hide one unit of the scale.
  Between<RcvSeq> right_edge() const {
    const std::uint32_t shift = scaled() ? scale.rcv_shift : 0;
    const RcvSeq least = edge_known ? later(rcv_edge - shrunk_by, rcv_nxt) : rcv_nxt;
    const bool known = edge_known && (shift == 0 || scaled_offered);  // a SYN's window is not scaled
    // What the user has read since the target offered a window may have moved the edge without a word.
    const std::uint32_t read = user_at_offer < rcv_user ? rcv_user - user_at_offer : 0;
    const RcvSeq offered = later(later(rcv_far, rcv_edge + read), read > 0 ? rcv_user + rcv_wnd_max : rcv_edge);
    const RcvSeq most = known ? offered + ((1u << shift) - 1) : rcv_nxt_max + (0xffffu << shift);
    return {least, later(later(most, least), rcv_nxt_max), true};
  }
  SndSeq snd_edge() const { return snd_una + snd_wnd; }
  // 3.8.6.2.1: nothing is in flight, and the text that is left may wait for the override timeout.
  bool waits_for_larger_window() const { return snd_una == snd_nxt && snd_nxt < snd_end && snd_wnd > 0; }
};

constexpr bool synchronized(State state) {
  return state > State::kSynReceived;
}

}  // namespace tcpassay
