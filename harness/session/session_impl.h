// SPDX-License-Identifier: Apache-2.0
// The private state and steps of a session. session.cc plays scenarios, stimuli.cc makes stimuli and records what
// follows, foresight.cc tells a target in another process what comes next, icmp_stimuli.cc does the same for ICMP
// messages, translation.cc converts between script and wire terms, assertions.cc compares with the script.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "harness/script/addresses.h"
#include "harness/script/python_code.h"
#include "harness/script/schedule.h"
#include "harness/session/round_trip.h"
#include "harness/session/session.h"
#include "harness/target/foresight.h"
#include "harness/wire/icmp.h"
#include "harness/wire/reassembly.h"

namespace tcpassay {

// The kind of socket behind a handle.
enum class Role : std::uint8_t { kIdle, kListener, kConnection };

struct Socket {
  bool corked = false;      // the latest write had MSG_MORE
  bool opens_late = false;  // TCP_FASTOPEN_CONNECT: connect() leaves the SYN to the first write
  bool opening = false;     // ... which is still to come
  int script = -1;          // its number in the script
  int handle = -1;          // its number at the target
  Role role = Role::kIdle;
  Tuple tuple{};              // of a connection, as far as it is known
  std::uint32_t written = 0;  // octets the target has taken: the stream offset of the next
};

struct Conversation {
  Session::Peer peer;
  std::uint32_t script_iss = 0;  // SEG.SEQ of the target's SYN in the script
  RoundTrip path{};
};

// A packet that the target sent, for expect() and take_packets().
struct Sent {
  Time from{}, until{};
  bool matched = false;
  Bytes packet{};
};

// A blocking call that has not returned yet.
struct Pending {
  Call call;
  Time returns{};
  std::int64_t done = 0;  // octets of a write taken so far
  Place where;
};

// What finish() asks of a listener and of a connection.
inline UserCall last_accept(int handle) {
  return {.kind = CallKind::kAccept, .handle = handle};
}
inline UserCall last_read(int handle) {
  constexpr std::uint32_t kReadSize = 65536;
  return {.kind = CallKind::kRead, .handle = handle, .length = kReadSize};
}

struct Session::Impl {
  Impl(Target& under_test, SessionOptions chosen) : target(under_test), options(chosen), ip(chosen.ip) {
    const Identity& identity = target.identity();
    virtual_time = identity.can(Ability::kVirtualTime);
    synchronous = identity.can(Ability::kSynchronous);
    foresighted = dynamic_cast<Foresighted*>(&target);
    white_box = options.white_box && identity.can(Ability::kState);
  }

  void start(const std::string& name, std::uint64_t seed);
  void forget();

  // Stimuli and what follows them.
  void put(ByteView packet, Tuple tuple, const Place& where);
  void put_icmp(const IcmpSpec& spec, const Place& where);
  UserCall make(UserCall call, Tuple tuple, const Place& where);
  void hold_text(const Call& call, Socket& socket, const Place& where);
  std::optional<UserCall> late_open(const Call& call, const Place& where);
  Time begin_stimulus();
  Time reached(Time now);
  Time over(const Event& stimulus);
  void settle();
  bool drain();
  void advance_to(Time deadline);
  void wait_for_departure(Time deadline);
  void report_states();

  // Observations.
  void depart(const Collected& collected);
  void depart_broken(const Collected& collected);
  // Whether anybody is told of events: the oracle, the trace or an observer.
  bool told() const { return options.judge || options.keep_trace || options.observer != nullptr; }
  void record(Event& event, const Place& where = {});
  void keep_text(Event& event);
  void note_departure(Tuple tuple, const Decoded& packet);
  void note_arrival(Peer& peer, const Decoded& packet);

  // Script terms.
  void encode_segment(const SegmentSpec& spec, const Conversation& with);
  Tuple pair(std::optional<std::uint16_t> local, std::optional<std::uint16_t> remote) const;
  Conversation& conversation(Tuple tuple);
  std::uint32_t echo_on_wire(std::uint32_t echo, const SegmentSpec& spec, const Conversation& with) const;
  void name_cookie(OptionSpec& option) const;
  const std::vector<OptionSpec>& on_wire(const SegmentSpec& spec, const Conversation& with);
  UserCall call(const Call& call, const Place& where);
  UserCall splice(const Call& call, const Socket* socket, const Place& where);
  UserCall disconnect(const Call& call, Socket& socket, const Place& where);
  UserCall implementation_specific_call(const Call& call, const Socket* socket);
  UserCall wire_call(const Call& call, const Socket* socket);
  void learn(const Call& call, const UserCall& made);
  void compare(const Call& call, const UserCall& made, const Place& where);
  Socket* by_script(int number);
  Socket* by_handle(int handle);

  // Assertions.
  Sent* next_unmatched(const SegmentSpec& spec);
  bool expect(const SegmentSpec& spec, std::optional<Time> earliest, Time deadline, const Place& where);
  bool expect_pieces(const SegmentSpec& spec, Sent* first, Time deadline, const Place& where);
  bool agrees(const SegmentSpec& spec, const Sent& sent, const Place& where);
  void mismatch(const Place& where, std::string expected, std::string seen);
  void run_code(const std::string& code, const Place& where);

  // Whole scenarios.
  void play(const Scenario& scenario);
  void play_step(const ScriptStep& step, const Schedule::Slot& slot);
  void complete_pending(Time until);
  void await_return(int handle);
  bool still_opens(const Pending& due);
  void wait_until(Time at);
  void stimulus_at(Time at) { scheduled = at; }
  bool complete(const Pending& due, bool last);
  void finish();
  // Tells the target what it is going to be asked (foresight.cc).
  class Foresight;
  void foresee(std::span<const ScriptStep> next, const Schedule& schedule, bool finishes);
  void foresee_end();
  void examine(int handle, Role role);

  Target& target;
  Foresighted* foresighted = nullptr;  // the target, if it gains by knowing what comes
  SessionOptions options;
  std::uint8_t ip;  // the version in use
  Oracle oracle;
  std::optional<std::uint32_t> mtu{};  // of the interface, for the next start()
  Time clock{};                        // of the target, when it was last read
  Time late{};  // by how much the latest stimulus came later than the script says, where time is real
  std::optional<Time> scheduled{};  // when the script says that the next stimulus comes
  bool fast_open_unseen = false;    // Terms::fast_open_unseen of the next start()
  bool virtual_time = false, synchronous = false, white_box = false, strict = false;

  Trace trace;
  std::vector<Mismatch> mismatches;
  std::vector<Conversation> conversations;
  std::vector<Socket> sockets;
  CodeNames code_names;  // the variables of the script's code
  bool named = false;    // the script says which number each handle has
  Tuple pair_now{};      // the script's only pair
  Tuple latest{};        // the conversation of the latest packet
  std::vector<Pending> pending;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> timestamps;  // TSval in the script, TSval on the wire

  Reassembly fragments;    // of a packet of the target's
  std::vector<Sent> sent;  // a ring; logical index i is at i % options.packets_kept
  std::size_t sent_end = 0, sent_taken = 0, sent_cursor = 0;

  Bytes cookie;                   // the latest Fast Open cookie from the target
  Bytes packet, text, read_text;  // scratch
  std::vector<OptionSpec> adjusted;
  const Place nowhere{};
};

}  // namespace tcpassay
