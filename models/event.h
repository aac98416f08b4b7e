// SPDX-License-Identifier: Apache-2.0
// An event is something that happened between the peer, the target and the target's user. The oracle reads nothing
// else.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "models/segment.h"

namespace tcpassay {

using Time = std::chrono::nanoseconds;  // since the start of the trace

// The two ports name a conversation; the addresses of target and peer are fixed within a trace.
struct Tuple {
  std::uint16_t local = 0;   // the target's port
  std::uint16_t remote = 0;  // the peer's port

  friend constexpr bool operator==(const Tuple&, const Tuple&) = default;
};

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
inline constexpr int kStates = 11;
const char* to_string(State state);  // "FIN-WAIT-1"

// The user's calls in socket terms. The oracle maps them to the calls of RFC 9293 section 3.10.1 to 3.10.6.
enum class CallKind : std::uint8_t {
  kSocket,     // a handle
  kBind,       // port
  kListen,     // passive OPEN; length is the backlog
  kConnect,    // active OPEN to port
  kAccept,     // takes a connection that a passive OPEN brought; result is the new handle
  kWrite,      // SEND of length octets
  kSendTo,     // active OPEN to port and SEND at once (RFC 7413); result is what was taken, or kInProgress and nothing
  kRead,       // RECEIVE of up to length octets
  kShutdown,   // CLOSE in the RFC's sense for how = 1 (write) and 2 (both); 0 ends receiving only
  kClose,      // CLOSE, and the user neither sends nor receives any more; ABORT when linger is set to zero
  kSetOption,  // option, value
  kGetOption,  // option; result 0 and value
  kPoll,       // which of the asked events are there; result is their bit set (1 in, 2 urgent, 4 out, 8 error,
               // 16 hang-up), value the asked ones, 0 for all
};
const char* to_string(CallKind kind);  // "write"

// Socket options a scenario may set or get. A target refuses what it does not know with kNoProtocolOption.
enum class SocketOption : std::uint8_t {
  kNone,
  kReuseAddress,
  kLinger,
  kNoDelay,
  kMaxSegment,
  kReceiveBuffer,
  kSendBuffer,
  kError,
  kUserTimeout,
  kKeepAlive,
  kKeepIdle,
  kKeepInterval,
  kKeepCount,
  kQuickAck,
  kCork,
  kOutOfBandInline,  // urgent octets stay in the stream (RFC 6093 section 6)
  kAtMark,           // asked only: 1 when the next octet to read is at the urgent mark
  kTypeOfService,    // the traffic class of what is sent, DSCP and ECN
  kTimeToLive,       // or hop limit
  kFastOpen,         // of a listener: how many may be pending; 0 is off
  kOther,
};

// What a call reported when it did not succeed; the names are those of errno.
enum class UserError : std::uint8_t {
  kNone,
  kWouldBlock,
  kInProgress,
  kAlready,
  kIsConnected,
  kNotConnected,
  kRefused,
  kReset,
  kAborted,
  kTimedOut,
  kPipe,
  kAddressInUse,
  kInvalid,
  kBadHandle,
  kUnreachable,
  kNoBuffers,
  kNotSupported,
  kNoProtocolOption,
  kOther,
};
const char* to_string(UserError error);  // "ECONNRESET"

// Which host an address of a call names.
enum class Host : std::uint8_t {
  kUsual,      // none, or the address of the trace
  kNamed,      // kBind: the address of the trace, and not left to the target to choose
  kElsewhere,  // kBind: another address of the target
  kBroadcast,  // kConnect: no host, but all of them
  kMulticast,  // kConnect: no host, but some of them
};

struct UserCall {
  CallKind kind = CallKind::kSocket;
  int handle = -1;           // the socket the call was made on; -1 for kSocket
  std::uint16_t port = 0;    // kBind: the local one; kConnect, kSendTo: the remote one
  std::uint32_t length = 0;  // kWrite, kSendTo, kRead: octets asked for; kListen: backlog
  int how = 0;               // kShutdown
  bool urgent = false;       // kWrite: the octets are urgent (3.9.1.2)
  // kWrite, for the target alone: what it makes of them shows in what is sent.
  bool more = false, record_end = false, zero_copy = false;  // MSG_MORE, MSG_EOR, MSG_ZEROCOPY
  Host host = Host::kUsual;
  SocketOption option = SocketOption::kNone;
  std::int64_t value = 0;  // kSetOption: what is set (kLinger: seconds, -1 for off); kGetOption: the answer
  // Results.
  std::int64_t result = 0;  // octets, new handle, bit set or 0; -1 when error says why
  UserError error = UserError::kNone;
  Tuple tuple{};                         // kConnect, kSendTo, kAccept: the conversation, as far as it is known
  std::span<const std::uint8_t> text{};  // kRead: what was delivered; kWrite: what was given
};

// A white-box target reports its state and variables. Fields that it does not know are empty.
struct StateReport {
  State state = State::kClosed;
  std::optional<std::uint32_t> snd_una{}, snd_nxt{}, rcv_nxt{};  // as on the wire
};

// An ICMP error message that quotes a segment of the target. The event's tuple is that of the quoted segment.
struct IcmpArrives {
  std::uint8_t version = 4;  // of IP: the numbers of types and codes differ
  std::uint8_t type = 0, code = 0;
  std::uint32_t mtu = 0;  // of the next hop, in a message of the kind "too big"
  SndSeq seq{};           // SEG.SEQ of the quoted segment
};

// Nothing of the target's was seen until then.
struct Quiet {
  bool idle = true;       // it has nothing more to say until something is done to it or time passes; a record that goes
                          // on does not know that: an answer may be late
  bool reacting = false;  // and what comes next is a segment of its own, which may be the answer
};

struct Event {
  Time from{}, until{};  // it happened in this interval; equal where time is virtual
  Tuple tuple{};         // unused by kQuiet and by calls that name no conversation
  std::variant<Arriving, Departing, UserCall, StateReport, Quiet, IcmpArrives> what{};
};

}  // namespace tcpassay
