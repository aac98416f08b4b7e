// SPDX-License-Identifier: Apache-2.0
// The own TCP: packets in, packets out, user calls and time, written after RFC 9293 section 3.10.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "harness/targets/own/connection.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/own/isn.h"
#include "harness/targets/own/legal_variants.h"
#include "harness/targets/own/packet.h"
#include "harness/targets/own/settings.h"

namespace own {

inline constexpr Time kMsl = 120 * kSecond;  // section 3.4.2
inline constexpr Time kDelayedAck = 200 * kMillisecond;
inline constexpr Time kSwsOverride = 500 * kMillisecond;
inline constexpr Time kChallengePeriod = 5 * kSecond;  // RFC 5961 section 7
inline constexpr Time kR2Syn = 180 * kSecond;          // MUST-23
inline constexpr Time kR2Data = 100 * kSecond;         // SHLD-11
inline constexpr std::uint16_t kFirstEphemeral = 49152;
inline constexpr std::size_t kConnectionsMax = 4096;      // "insufficient resources" beyond
inline constexpr std::size_t kWireOctetsMax = 64u << 20;  // more uncollected packets are dropped

// A passive OPEN. Every connection from it starts with a copy of its choices.
struct Listener {
  bool open = false;
  std::uint16_t port = 0;
  std::uint32_t backlog = 1;
  std::uint32_t embryonic = 0;              // connections in SYN-RECEIVED
  std::vector<Connection*> accept_queue{};  // established and waiting for the user, oldest first
  Choices choices{};
};

bool is_icmp(ByteView packet);

class Stack {
 public:
  // One address of each family.
  Stack(const Address& ipv4, const Address& ipv6);

  Planted planted;
  LegalVariants variants;
  Settings settings;

  // Forgets everything. Time starts at zero; all random choices follow from the seed.
  void reset(std::uint64_t seed);

  Time now() const { return now_; }
  // Lets time pass until `deadline` or until the stack sends something.
  void advance(Time deadline);
  Time next_due() const;  // when the next timer runs out; kNever without one

  void inject(ByteView packet);
  struct Sent {
    Time at;
    ByteView packet;  // valid until the next call
  };
  std::optional<Sent> collect();

  // The user calls of sections 3.10.1 to 3.10.6. Pointers stay valid until release() or reset().
  Listener* open_passive(std::uint16_t port, std::uint32_t backlog, const Choices& choices);
  Connection* open_active(std::uint16_t local_port, const Address& remote_address, std::uint16_t remote_port,
                          const Choices& choices, const ByteView* fast_open_text = nullptr);
  Connection* accept(Listener& listener);
  std::uint32_t send(Connection& c, ByteView text, bool urgent = false);
  std::uint32_t receive(Connection& c, std::span<std::uint8_t> out);
  void close(Connection& c);
  void abort(Connection& c);
  void close(Listener& listener);
  void set_user_timeout(Connection& c, Time timeout);
  void set_no_delay(Connection& c, bool on);
  void set_keep_alive(Connection& c, const Choices& choices);
  void send_urgently(Connection& c);
  bool urgent_waits(const Connection& c) const;
  bool at_urgent_mark(const Connection& c) const;
  std::uint32_t up_to_mark(const Connection& c, std::uint32_t length) const;
  // The user closes the socket: CLOSE, or ABORT when text is unread. The connection then ends without a user.
  void release(Connection& c);

  Listener* find_listener(std::uint16_t port);
  Connection* find(std::uint16_t local_port, const Address& remote_address, std::uint16_t remote_port);
  bool port_in_use(std::uint16_t port, bool only_beyond_opening) const;
  std::uint16_t ephemeral_port(const Address& remote_address, std::uint16_t remote_port);
  // The stack's address of the same family.
  bool may_be_a_host(const Address& address) const;
  const Address& address_for(const Address& peer) const { return peer.is_ipv4() ? ipv4_ : ipv6_; }

 private:
  enum class Then : std::uint8_t { kProceed, kReturn };

  // segment_arrives.cc: section 3.10.7
  void segment_arrives(Segment& seg);
  void closed_state(const Segment& seg);
  void beyond_backlog(const Segment& syn);
  void listen_state(Listener& listener, const Segment& seg, std::optional<Reopened> old = std::nullopt);
  void syn_sent_state(Connection& c, Segment& seg);
  void synchronize(Connection& c, const Segment& seg);
  void other_states(Connection& c, Segment& seg);

  // steps.cc: section 3.10.7.4, first to fourth step
  Then check_sequence_number(Connection& c, Segment& seg);
  Then unacceptable(Connection& c, Segment& seg);
  Then check_rst_bit(Connection& c, Segment& seg);
  void challenge_reset(Connection& c, Segment& seg);
  void reset_arrives(Connection& c);
  Then check_security(Connection& c, Segment& seg);
  Then check_syn_bit(Connection& c, Segment& seg);
  void enter_time_wait(Connection& c);
  void return_to_listen(Connection& c);
  void handshake_ends(Connection& c, Ended why);

  // ack_field.cc: fifth step
  Then check_ack_field(Connection& c, Segment& seg);
  void nothing_new(Connection& c, const Segment& seg);
  Then after_ack(Connection& c);
  Then ack_in_syn_received(Connection& c, Segment& seg);
  void established(Connection& c);
  void acknowledge(Connection& c, SeqNum ack);
  void update_window(Connection& c, const Segment& seg);
  void take_window(Connection& c, const Segment& seg);

  // segment_text.cc: seventh and eighth step
  Then process_segment_text(Connection& c, Segment& seg);
  void schedule_ack(Connection& c, std::uint32_t count, bool at_gap);
  Then check_fin_bit(Connection& c, Segment& seg);

  // extensions.cc: RFC 7323, RFC 6191
  std::uint8_t receive_shift(const Choices& choices) const;
  void offer_options(Connection& c, Segment& syn);
  void settle_options(Connection& c, const Segment& syn);
  Then check_timestamps(Connection& c, Segment& seg);
  void record_timestamp(Connection& c, const Segment& seg);
  std::uint32_t timestamp_clock(Connection& c);
  Time timestamp_tick() const;
  Timestamps stamp(Connection& c, const Segment& seg, bool again);
  std::optional<Time> echoed_round_trip(Connection& c);
  Then syn_in_time_wait(Connection& c, const Segment& seg);
  bool honours(const Connection& c, const Segment& seg) const;
  bool reopens(Connection& c, const Segment& seg);

  // output.cc: segments departing
  void respond(Connection& c);
  void send_queued(Connection& c, bool override_sws = false);
  bool may_send(Connection& c, std::uint32_t d, std::uint32_t u, std::uint32_t in_flight) const;
  void transmit(Connection& c, SeqNum seq, std::uint32_t length, bool fin);
  void send_syn(Connection& c);
  void send_ack(Connection& c);
  void challenge(Connection& c, Segment& seg);
  void send_reset(Connection& c);
  void send_reset_for(const Segment& seg);
  bool tries_larger_path(const Connection& c) const;
  std::uint32_t announced_window(const Connection& c) const;
  void tell_growth(Connection& c, Segment& seg);
  Segment from(const Connection& c) const;
  void emit(Connection& c, Segment seg, std::uint32_t offset = 0, std::uint32_t length = 0);
  void depart(const Segment& seg, const Ring* text, std::uint32_t offset, std::uint32_t length, bool altered = false);
  bool open_window(Connection& c);
  SeqNum choose_iss(const Connection& c);

  // congestion.cc: RFC 5681
  void start_congestion_control(Connection& c);
  std::uint32_t congestion_window(const Connection& c, bool again) const;
  bool restores_window(const Connection& c, std::uint32_t octets) const;
  void keep_more(Congestion& cc, std::uint32_t flight) const;
  unsigned duplicates_needed(const Connection& c) const;
  void grow_window(Congestion& cc, std::uint32_t octets) const;
  void new_ack(Connection& c, std::uint32_t octets);
  bool is_duplicate_ack(const Connection& c, const Segment& seg) const;
  void duplicate_ack(Connection& c);
  void congestion_timeout(Connection& c);
  void restart_after_idle(Connection& c);

  // selective.cc: RFC 2018
  bool offers_sack(const Connection& c) const {
    return settings.sack && c.choices.sack && !variants.has(LegalVariant::sack_not_offered);
  }
  void note_duplicate(Connection& c, const Segment& seg);
  void note_island(Connection& c, SeqNum seq, std::uint32_t length);
  void add_blocks(Connection& c, Segment& seg) const;
  std::uint32_t segment_room(Connection& c) const;

  // ecn.cc: RFC 3168
  void ecn_setup(Connection& c, Segment& syn);
  void ecn_setup_arrives(Connection& c, const Segment& syn);
  void ecn_mark(Connection& c, Segment& seg, bool again);
  void ecn_reduced(Connection& c);
  void reduce_for_loss(Connection& c, bool silent = false);
  void ecn_echo_arrives(Connection& c, const Segment& seg);
  void ecn_text_arrives(Connection& c, const Segment& seg);
  void ecn_unacceptable(Connection& c, const Segment& seg);

  // urgent.cc: sections 3.8.4 and 3.8.5, and the sixth step of 3.10.7.4
  Then check_urg_bit(Connection& c, Segment& seg);
  void mark_urgent(const Connection& c, Segment& seg) const;
  Time keep_idle(const Connection& c) const;
  void start_keep_alive_timer(Connection& c);
  void keep_alive_timeout(Connection& c);

  // icmp.cc: section 3.9.2.2
  void icmp_arrives(ByteView packet);
  void too_big(Connection& c, std::uint32_t mtu, std::uint32_t total);
  void limit_to_path(Connection& c);

  // address.cc: section 3.9.2
  bool stray(const Segment& seg) const;
  bool ip_options_drop(const Segment& seg) const;
  bool is_held_by_identification(Connection& c, const Segment& seg) const;
  bool ip_drops(const Segment& seg);
  // recovery.cc: RFC 6675
  bool update_scoreboard(Connection& c, const Segment& seg) const;
  void duplicate_by_sack(Connection& c);
  void recover_by_sack(Connection& c);
  SeqNum next_unsacked(const Connection& c, SeqNum from) const;
  SeqNum next_sacked(const Connection& c, SeqNum from) const;
  bool is_lost(const Connection& c, SeqNum seq) const;
  std::uint32_t pipe(const Connection& c) const;
  bool probe_for_loss(Connection& c);

  // fast_open.cc: RFC 7413
  Cookie cookie_for(const Address& address) const;
  std::uint32_t pending_fast_opens(const Listener& listener) const;
  void fast_open_syn_arrives(Listener& listener, Connection& c, const Segment& syn);
  void fast_open_syn_ack(Connection& c, Segment& syn_ack);
  FastOpenServer& server_at(const Address& address);
  std::uint32_t fast_open_text(Connection& c, ByteView text);
  std::uint32_t fast_open_syn(Connection& c, Segment& syn);
  void fast_open_syn_ack_arrives(Connection& c, const Segment& seg);
  void fast_open_resend(Connection& c);

  // timeouts.cc: section 3.10.8
  bool run_timer(Connection& c);
  void retransmission_timeout(Connection& c);
  void retransmit(Connection& c);
  void probe(Connection& c);
  void send_acknowledged_octet(Connection& c, std::uint32_t more);
  void start_retransmission_timer(Connection& c);
  void arm_user_timer(Connection& c);
  bool excessive(const Connection& c) const;

  // stack.cc: TCBs
  Connection* create(std::uint16_t local_port, const Address& remote_address, std::uint16_t remote_port,
                     const Choices& choices);
  void adapt(Connection& c) const;
  void delete_tcb(Connection& c, Ended why);

  Address ipv4_, ipv6_;
  Time now_ = 0;
  Secret secret_{};
  std::uint16_t next_ephemeral_ = kFirstEphemeral;
  std::uint8_t last_reserved_ = 0;                  // for reserved_bits_sent
  std::optional<std::uint32_t> provoking_stamp_{};  // TSval of the segment that is answered by the RST of a connection
  std::optional<SeqNum> isn_shift_{};               // from the ISN generator to the ISS that was set
  SeqNum isn_ahead_ = 0;                            // how far TIME-WAIT has moved the ISN generator beyond its clock
  Address last_source_{};                           // for passive_open_calls_out
  std::uint16_t last_source_port_ = 0;
  SeqNum last_iss_ = 0;  // for isn_small_steps and isn_computed

  struct Key {
    Address remote_address;
    std::uint16_t remote_port, local_port;
    friend bool operator==(const Key&, const Key&) = default;
  };
  std::vector<Key> keys_;              // of the connections that exist, side by side with
  std::vector<Connection*> existing_;  // the connections themselves
  std::vector<std::unique_ptr<Connection>> pool_;
  std::vector<Connection*> free_;
  std::vector<std::unique_ptr<Listener>> listeners_;

  std::vector<FastOpenServer> servers_;  // that a client has used Fast Open with

  struct Departed {
    Time at;
    std::size_t start, length;
  };
  std::vector<std::uint8_t> wire_;
  std::vector<Departed> departed_;
  std::size_t collected_ = 0;
};

}  // namespace own
