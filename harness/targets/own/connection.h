// SPDX-License-Identifier: Apache-2.0
// One connection: the transmission control block of RFC 9293 section 3.3.1, its buffers and its timers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "harness/targets/own/congestion.h"
#include "harness/targets/own/ip.h"
#include "harness/targets/own/packet.h"
#include "harness/targets/own/reassembly.h"
#include "harness/targets/own/ring.h"
#include "harness/targets/own/rto.h"
#include "harness/targets/own/seq.h"
#include "harness/targets/own/time.h"

namespace own {

// The states of RFC 9293 section 3.3.2.
enum class State : std::uint8_t {
  kClosed,
  kListen,
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
};

// Why a connection ended; decides which error its user gets.
enum class Ended : std::uint8_t { kNot, kNormally, kRefused, kReset, kTimedOut, kUnreachable };

inline constexpr Time kDefaultIdle = 7200 * kSecond;  // MUST-28
inline constexpr Time kDefaultInterval = 75 * kSecond;

// What the user may choose before or while a connection exists.
struct Choices {
  std::uint32_t receive_buffer = 65535;    // RCV.BUFF, octets; without window scaling the window cannot be larger
  std::uint32_t send_buffer = 256 * 1024;  // octets
  std::uint16_t mss = 1460;                // RMSS (3.7.1); over IPv6 at most 1440
  bool no_delay = false;                   // turns the Nagle algorithm off (MUST-17)
  bool sack = true;                        // offers and accepts selective acknowledgment
  Time user_timeout = 0;                   // R2 of this connection (MUST-21); 0 for the default
  bool keep_alive = false;                 // MUST-24, MUST-25
  Time keep_idle = kDefaultIdle, keep_interval = kDefaultInterval;  // MUST-27
  unsigned keep_count = 9;         // probes that go unanswered before the connection is given up
  std::uint8_t traffic_class = 0;  // MUST-48
  std::uint8_t ttl = 64;           // MUST-49
  bool elsewhere = false;          // MUST-43: bound to an address that gets no packets here

  std::uint32_t fast_open = 0;  // of a passive OPEN: requests that may be pending; 0 is off (RFC 7413)
};

struct Timers {
  Time retransmission = kNever;  // also probes a zero window
  Time delayed_ack = kNever;
  Time override = kNever;  // silly window avoidance, rule (4) of section 3.8.6.2.1
  Time time_wait = kNever;
  Time user = kNever;
  Time keep_alive = kNever;

  Time next() const { return std::min({retransmission, delayed_ack, override, time_wait, user, keep_alive}); }
};

// RFC 7323 section 2: the scale factors from both SYNs.
struct Scaling {
  bool offered = false, ok = false;
  std::uint8_t snd = 0, rcv = 0;  // Snd.Wind.Shift, Rcv.Wind.Shift
  std::uint16_t announced = 0;    // the last SEG.WND sent, in units of the shift
};

// RFC 7323 sections 3 to 5.
struct Stamps {
  bool offered = false, ok = false;     // Snd.TS.OK
  std::uint32_t recent = 0;             // TS.Recent
  Time recent_at = 0;                   // when it was taken
  SeqNum last_ack_sent = 0;             // Last.ACK.sent
  std::uint32_t offset = 0;             // of this connection's clock
  std::uint32_t first = 0, last = 0;    // TSvals sent
  std::uint32_t count = 0;              // for ts_clock_per_segment
  std::uint32_t held = 0;               // for paws_rechecks_queue: the TSval of text above a gap
  std::optional<std::uint32_t> echo{};  // TSecr of the segment that is being processed
};

// What is left of a connection in TIME-WAIT while a new SYN tries to reopen it (MAY-2 of section 3.6.1).
struct Reopened {
  SeqNum snd_nxt = 0, rcv_nxt = 0;
  SeqNum used = 0;  // behind the largest sequence number of it, and of attempts that failed
  std::uint32_t rcv_wnd = 0;
  Time time_wait = kNever;
  Scaling scaling{};
  Stamps stamps{};
};

// Selective acknowledgment (RFC 2018, RFC 2883), as receiver of text.
struct Selective {
  static constexpr std::size_t kIslandsMax = 8;  // how many are remembered; an option can report fewer

  bool permitted = false;  // both SYNs carried SACK-permitted
  std::uint8_t islands = 0;
  std::array<Block, kIslandsMax> island{};  // text held above RCV.NXT, that which grew last first
  std::optional<Block> duplicate{};         // octets that came a second time, to be reported once
  bool told = false;                        // a duplicate has been reported
  std::optional<Block> dropped{};           // the latest segment, not held: reported once, as if it were (section 8)
};

// RFC 3168 section 6.1.
struct Ecn {
  bool asked = false, peer_asked = false;  // by an ECN-setup SYN
  bool declined = false;                   // a SYN of ours has gone again without the question
  bool agreed = false;
  bool echo = false;       // CE has arrived, and no CWR since
  bool ended = false;      // CWR has ended an echo before
  bool cwr_due = false;    // on the next new text
  bool reacts = false;     // the window of text up to `recover` has had its reduction
  bool halved = false;     // by an echo, and not by a loss
  bool no_growth = false;  // the ACK at hand has ECE
  bool waits = false;      // new text waits for the retransmission timer
  SeqNum recover = 0;
};

// The scoreboard of the peer's SACK options, and the progress of recovery (RFC 6675 sections 2 and 3).
struct Scoreboard {
  static constexpr std::size_t kSpansMax = 32;  // more reports are ignored

  std::uint8_t spans = 0;
  std::array<Block, kSpansMax> span{};      // in order, apart from each other
  SeqNum high_rxt = 0;                      // behind the highest octet that this recovery has sent again
  bool reported = false, progress = false;  // of the current segment; recovery continues after its text is processed
  bool doubled = false;                     // a D-SACK block has arrived since recovery began
  int probes = 0;                           // for defects that send probes
  Block discarded{};                        // for the defect that discards reported octets
};

// RFC 7413 section 4.2.
struct FastOpen {
  // As a server.
  bool enabled = false, asked = false;
  bool grant = false;   // the SYN,ACK gives a cookie
  bool opened = false;  // FastOpened: the text of the SYN was taken
  // As a client.
  bool wanted = false;
  Cookie cookie{};         // on our SYN; without octets a request
  std::uint32_t text = 0;  // octets on our SYN
};

// What a client remembers of a server (section 4.1.3).
struct FastOpenServer {
  Address address{};
  Cookie cookie{};
  std::uint16_t mss = 536;
  std::uint16_t negative_port = 0;  // a port that did not accept text on the SYN; 0: none
};

struct Listener;

struct Tcb {
  State state = State::kClosed;
  bool passive = false;  // SYN-RECEIVED was or will be reached by a passive OPEN (MUST-11)
  Address remote_address{};
  std::uint16_t local_port = 0, remote_port = 0;
  Choices choices{};

  // Send sequence variables.
  SeqNum snd_una = 0, snd_nxt = 0, snd_wl1 = 0, snd_wl2 = 0, iss = 0;
  std::uint32_t snd_wnd = 0, max_snd_wnd = 0;  // MAX.SND.WND of RFC 5961 section 5
  std::uint16_t eff_snd_mss = 536;             // Eff.snd.MSS (3.7.1)
  bool peer_mss_known = false;
  std::uint8_t last_octet = 0;  // of the text that was acknowledged, for defects that send it again
  SeqNum small_end = 0;         // behind the last small segment sent, of nagle_of_minshall
  bool syn_acked = false, fin_queued = false, fin_sent = false, fin_acked = false;

  // Urgent data (3.8.5): SND.UP and RCV.UP, the octets that follow it.
  bool urgent_out = false, urgent_in = false;
  SeqNum snd_up = 0, rcv_up = 0;

  // Path MTU discovery and ICMP (3.9.2.2).
  std::uint16_t path_mtu = 1500, mss_of_peer = 536;
  Time path_mtu_at = 0;
  bool soft_error = false;  // one has come and was not asked for

  // Keep-alives (3.8.4).
  Time heard = 0;               // when the last segment came
  unsigned keep_probes = 0;     // since then
  bool kept_alive = false;      // for keep_alive_soon_again
  std::uint16_t last_id = 0;    // for identification_tells_duplicates
  std::uint16_t held_id = 0;    // for identification_of_held_text
  std::uint8_t last_class = 0;  // for dscp_change_drops

  // Receive sequence variables. RCV.NXT+RCV.WND never moves left.
  SeqNum rcv_nxt = 0, irs = 0;
  std::uint32_t rcv_wnd = 0;
  std::uint32_t buffer_limit = 0;  // what the receive buffer may grow to
  bool grows_untold = false;       // the user has read, and the buffer grows with the next segment
  std::uint16_t rcv_mss = 1460;    // the MSS that is announced
  bool fin_received = false;
  Selective selective{};
  enum class Challenged : std::uint8_t { kNot, kByRst, kBySyn } challenged = Challenged::kNot;

  Scaling scaling{};
  Stamps stamps{};
  Scoreboard board{};

  // Acknowledgments that are due.
  bool ack_now = false;
  bool window_unused = false;        // for opened_window_unused_beyond_established
  unsigned segments_unacked = 0;     // text segments since the last ACK
  std::uint32_t octets_unacked = 0;  // and their octets
  Time challenged_at = kNotYet;      // the last challenge ACK

  Ecn ecn{};
  FastOpen fast_open{};

  // Congestion control, retransmission.
  Congestion cc{};
  Rto rto{};
  Time probe_interval = 0;  // of a zero window
  Time zero_since = 0;      // its first probe, for zero_window_ends_in_ten_minutes
  bool timing = false;      // an unambiguous segment is being timed (Karn)
  SeqNum timed_end = 0;
  Time timed_at = 0;
  Time r2_since = 0;           // R2 counts from here
  Time last_sent = 0;          // of the segment at the front of the retransmission queue
  Time undelivered_since = 0;  // the user timeout counts from here
  bool syn_retransmitted = false;
  bool probed = false;  // something was sent into a zero window and has not been acknowledged
  Timers timers{};

  std::optional<Reopened> reopened{};
  std::optional<SeqNum> attempted{};  // TIME-WAIT: behind the number of an attempt to reopen it that failed

  // The user.
  Listener* parent = nullptr;  // of a passive OPEN, until the user has accepted the connection
  bool held = false;           // a socket still refers to this connection, also after its end
  bool has_read = false;       // for partial_read_forgets_rest
  bool user_gone = false;      // CLOSE came from a user who will not receive any more
  bool reading_ended = false;  // the user has ended receiving, but not sending
  Ended ended = Ended::kNot;   // told to the user once
  bool was_established = false;
};

struct Connection : Tcb {
  Ring send_queue;  // from the octet after SND.UNA's SYN on: text sent but not acknowledged, then text not sent
  Reassembly received;

  // The sequence number of the first octet in the send queue.
  SeqNum send_base() const { return syn_acked ? snd_una : iss + 1; }
  // Octets of text sent and not acknowledged.
  std::uint32_t text_in_flight() const { return fin_acked ? 0 : snd_nxt - fin_sent - send_base(); }
  std::uint32_t text_queued() const { return static_cast<std::uint32_t>(send_queue.size()); }
  // The sequence number of the next octet that the user reads.
  SeqNum read_to() const { return rcv_nxt - fin_received - received.user(); }
  bool in_flight() const { return snd_una != snd_nxt; }
  // Text or a FIN waits to be sent for the first time.
  bool unsent() const { return text_queued() > text_in_flight() || (fin_queued && !fin_sent); }

  bool synchronized() const { return state >= State::kEstablished; }
  // The states in which the peer's FIN has not been received and text is taken.
  bool receives() const {
    return state == State::kEstablished || state == State::kFinWait1 || state == State::kFinWait2;
  }
  bool sends() const {
    return state == State::kEstablished || state == State::kCloseWait || state == State::kFinWait1 ||
           state == State::kClosing || state == State::kLastAck || (state == State::kSynReceived && fast_open.opened);
  }
};

}  // namespace own
