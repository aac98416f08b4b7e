// SPDX-License-Identifier: Apache-2.0
// Converts between script terms and wire terms: sequence numbers, options, handles, ports.
#include <fmt/format.h>

#include <algorithm>

#include "harness/script/names.h"
#include "harness/script/packet_damage.h"
#include "harness/script/reader.h"
#include "harness/script/scenario.h"
#include "harness/script/tcp_options.h"
#include "harness/session/session_impl.h"

namespace tcpassay {
namespace {

constexpr std::uint32_t kTextMax = 65535 - 40 - 60;  // octets of text that fit an IPv6 packet beside full options
constexpr std::uint32_t kWriteMax = 1 << 20;         // octets of one write

// POLLPRI, what poll() tells unasked (POLLERR, POLLHUP), and every event that it can tell.
constexpr std::int64_t kUrgentEvent = 2, kAlwaysTold = 8 | 16, kAllEvents = 0x3fff;

}  // namespace

Tuple Session::Impl::pair(std::optional<std::uint16_t> local, std::optional<std::uint16_t> remote) const {
  return {.local = local.value_or(pair_now.local), .remote = remote.value_or(pair_now.remote)};
}

Conversation& Session::Impl::conversation(Tuple tuple) {
  for (auto& known : conversations) {
    if (known.peer.tuple == tuple) return known;
  }
  auto& fresh = conversations.emplace_back();
  fresh.peer.tuple = tuple;
  return fresh;
}

// TSecr on the wire: if a `>` line gave this number to a TSval, the real TSval; else counted from the target's latest
// TSval.
std::uint32_t Session::Impl::echo_on_wire(std::uint32_t echo, const SegmentSpec& spec, const Conversation& with) const {
  for (const auto& [script, wire] : timestamps) {
    if (script == echo) return wire;
  }
  const bool valid = spec.ctl.ack && timestamps.empty() && with.peer.tsval;
  if (!valid) return echo;
  const bool takes_time = options.round_trip > Time{};
  const auto known = takes_time ? with.path.stamp_known(target.now(), options.round_trip) : with.peer.tsval;
  return echo + known.value_or(*with.peer.tsval);
}

// Writes the cookie in place of its name, if it is known: the latest that the target gave, or what it would give.
void Session::Impl::name_cookie(OptionSpec& option) const {
  constexpr int kOctets = 8, kAnySocket = -1;
  const bool zeros = option.name == kCookieOfZeros;
  Bytes octets = zeros ? Bytes{} : cookie;
  if (octets.empty()) {
    const auto told = target.implementation_specific(kAnySocket, zeros ? kCookieOfZeros : kCookieOfTarget);
    for (int i = 0; told && i < kOctets; ++i) {
      octets.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(*told) >> (8 * (kOctets - 1 - i))));
    }
  }
  if (octets.empty()) return;
  if (option.name == kCookieChanged) octets.back() ^= 1;
  option.octets = octets;
  option.name.clear();
}

// SACK edges in our segments are sequence numbers of the target.
const std::vector<OptionSpec>& Session::Impl::on_wire(const SegmentSpec& spec, const Conversation& with) {
  adjusted = spec.options;
  for (auto& option : adjusted) {
    if (option.kind == OptionSpec::Kind::kSack) {
      for (auto& edge : option.values) edge += with.peer.irs.value_or(0) - (with.peer.irs ? with.script_iss : 0);
    }
    const bool fast_open = option.kind == OptionSpec::Kind::kFastOpen || option.kind == OptionSpec::Kind::kFastOpenExp;
    if (fast_open && !option.name.empty()) name_cookie(option);
    if (option.kind == OptionSpec::Kind::kTimestamp && option.values.size() == 2) {
      option.values[1] = echo_on_wire(option.values[1], spec, with);
    }
  }
  return adjusted;
}

// Writes the segment to `packet`, in wire numbers.
void Session::Impl::encode_segment(const SegmentSpec& spec, const Conversation& with) {
  const Tuple tuple = pair(spec.local_port, spec.remote_port);
  const std::uint32_t first = spec.seq + spec.ctl.syn;
  text.resize(std::min(spec.length, kTextMax));
  for (std::uint32_t i = 0; i < text.size(); ++i) text[i] = peer_octet(first + i);
  std::copy_n(spec.payload.begin(), std::min(spec.payload.size(), text.size()), text.begin());
  put_text_said(spec, 0, text);
  Bytes option_area;
  if (!spec.options.empty()) option_area = option_octets(on_wire(spec, with));

  const Identity& identity = target.identity();
  const bool ipv6 = ip == 6;
  PacketFields fields{.source = spec.damage.source.value_or(ipv6 ? identity.ipv6_peer_address : identity.peer_address),
                      .destination = spec.damage.destination.value_or(ipv6 ? identity.ipv6_address : identity.address),
                      .source_port = tuple.remote,
                      .destination_port = tuple.local,
                      .seq = spec.seq};
  if (spec.ack) fields.ack = *spec.ack + (with.peer.irs ? *with.peer.irs - with.script_iss : 0);
  fields.ctl = control_of(spec);
  fields.wnd = spec.wnd.value_or(kDefaultWindow);
  fields.up = spec.up.value_or(0);
  if (spec.ttl) fields.ttl = *spec.ttl;
  if (spec.traffic_class) fields.traffic_class = *spec.traffic_class;
  fields.options = option_area;
  fields.text = text;
  fields.damage = spec.damage;
  encode(fields, packet);
  put_headers_said(spec, packet);
}

void Session::encode_segment(const SegmentSpec& spec) {
  impl_->encode_segment(spec, impl_->conversation(impl_->pair(spec.local_port, spec.remote_port)));
}

// Where a round trip takes time, waits until the peer can know what the segment acknowledges. True when time has
// passed.
bool Session::await_answer(const SegmentSpec& spec) {
  Impl& self = *impl_;
  if (self.options.round_trip <= Time{}) return false;
  encode_segment(spec);
  const auto decoded = decode(self.packet);
  if (!decoded || decoded->fault != Fault::kNone) return false;
  const Tuple tuple = self.pair(spec.local_port, spec.remote_port);
  const auto earliest = self.conversation(tuple).path.earliest(*decoded, self.options.round_trip);
  if (!earliest) return false;
  const bool together = self.options.manner >= PeerManner::kBursts;    // whatever falls due in this round trip
  const Time began = self.target.now() - self.options.round_trip / 4;  // a burst takes time where time is real
  const Time due = together ? std::max(*earliest, began) : *earliest;
  const Time at = arrival(due, self.options.round_trip, self.options.manner);
  if (at <= self.target.now()) return false;
  self.complete_pending(at - Time(1));
  self.advance_to(at);
  return true;
}

void Session::inject(const SegmentSpec& spec, const Place& where) {
  await_answer(spec);
  encode_segment(spec);
  impl_->put(impl_->packet, impl_->pair(spec.local_port, spec.remote_port), where);
}

void Session::inject_packet(ByteView ip_packet) {
  Tuple tuple = impl_->pair_now;
  if (const auto decoded = decode(ip_packet)) {
    const std::uint8_t version = decoded->source.family;
    if (version != impl_->ip) {
      throw TargetError(fmt::format("a packet of IPv{} in a conversation over IPv{}", version, impl_->ip));
    }
    tuple = {.local = decoded->destination_port, .remote = decoded->source_port};
  }
  impl_->put(ip_packet, tuple, {});
}

Socket* Session::Impl::by_script(int number) {
  for (auto socket = sockets.rbegin(); socket != sockets.rend(); ++socket) {
    if (socket->script == number) return &*socket;
  }
  return nullptr;
}

Socket* Session::Impl::by_handle(int handle) {
  for (auto& socket : sockets) {
    if (socket.handle == handle) return &socket;
  }
  return nullptr;
}

UserCall Session::Impl::wire_call(const Call& call, const Socket* socket) {
  UserCall made;
  made.kind = call.kind;
  made.handle = socket ? socket->handle : call.handle;
  made.port = call.port;
  const bool addressed = call.arguments.size() > 1;
  const bool unspecified = addressed && call.arguments[1].find("htons(0)") != std::string::npos;
  const bool opens = call.kind == CallKind::kConnect || call.kind == CallKind::kSendTo;
  const bool names = call.kind == CallKind::kBind || opens;
  if (made.port == 0 && names && !unspecified) made.port = kTargetPort;
  made.length = call.length;
  made.how = call.how;
  made.urgent = call.urgent;
  made.more = call.more;
  made.record_end = call.record_end;
  made.zero_copy = call.zero_copy;
  made.host = host_of(call, target.identity());
  made.option = call.option;
  made.value = call.value;
  // A user of a target without urgent data has nothing to ask it about that.
  if (call.kind == CallKind::kPoll && !target.identity().can(Ability::kUrgentData)) {
    made.value = (call.value == 0 ? kAllEvents : call.value | kAlwaysTold) & ~kUrgentEvent;
  }
  if (call.kind != CallKind::kWrite && call.kind != CallKind::kSendTo) return made;
  made.length = std::min(call.length, kWriteMax);
  const std::uint32_t offset = socket ? socket->written : 0;
  text.resize(made.length);
  for (std::uint32_t i = 0; i < made.length; ++i) text[i] = target_octet(offset + i);
  made.text = text;
  return made;
}

// Of each element of the vector that a write names, where it shows.
static std::optional<std::int64_t> element_octets(const Call& call) {
  const std::string& text = call.implementation_specific;
  if (!text.starts_with(kElementOctets)) return std::nullopt;
  return integer(text.substr(std::min(text.find('=') + 1, text.size())));
}

UserCall Session::Impl::call(const Call& call, const Place& where) {
  const Socket* socket = call.kind == CallKind::kSocket ? nullptr : by_script(call.handle);
  if (call.kind != CallKind::kSocket && !socket && named && call.implementation_specific != kSplice &&
      call.implementation_specific != "EPOLL_WAIT") {  // the call that should have made this handle failed
    UserCall refused = wire_call(call, nullptr);
    refused.result = -1;
    refused.error = UserError::kBadHandle;
    return refused;
  }
  if (call.option == SocketOption::kOther) return implementation_specific_call(call, socket);
  if (const auto opened = late_open(call, where)) return *opened;
  if (call.address == kNoAddress && socket) return disconnect(call, *by_script(call.handle), where);
  if (socket && call.kind == CallKind::kWrite) hold_text(call, *by_script(call.handle), where);
  const Tuple tuple = socket && socket->role == Role::kConnection ? socket->tuple : Tuple{};
  // How the next call is made: that shows in what is sent, or read.
  if (call.implementation_specific == kSplice) return splice(call, socket, where);
  if (const auto octets = element_octets(call)) {
    target.implementation_specific(socket ? socket->handle : call.handle, kElementOctets, octets);
  }
  UserCall made = make(wire_call(call, socket), tuple, where);
  learn(call, made);
  settle();
  return made;
}

// No rule mentions these values, so the oracle is not told.
UserCall Session::Impl::implementation_specific_call(const Call& call, const Socket* socket) {
  reached(target.now());
  UserCall made = wire_call(call, socket);
  const bool sets = call.kind == CallKind::kSetOption;
  const auto told = target.implementation_specific(made.handle, call.implementation_specific,
                                                   sets ? std::optional(call.value) : std::nullopt);
  made.result = told ? 0 : -1;
  const bool queue = call.implementation_specific == "MSG_ERRQUEUE";  // there was nothing
  made.error = told ? UserError::kNone : queue ? UserError::kWouldBlock : UserError::kNoProtocolOption;
  Socket* of = by_script(call.handle);
  if (of && sets && told && call.implementation_specific.ends_with("TCP_FASTOPEN_CONNECT")) {
    of->opens_late = call.value != 0;
  }
  if (told && !sets) made.value = *told;
  clock = target.now();
  settle();
  return made;
}

// Learns handles, ports and stream offsets from a call that succeeded.
void Session::Impl::learn(const Call& call, const UserCall& made) {
  const bool names = call.result && *call.result >= 0;
  if ((made.kind == CallKind::kSocket || made.kind == CallKind::kAccept) && made.result >= 0) {
    Socket fresh;
    fresh.handle = static_cast<int>(made.result);
    fresh.script = names ? static_cast<int>(*call.result) : fresh.handle;
    named = named || names;
    if (made.kind == CallKind::kAccept) {
      fresh.role = Role::kConnection;
      fresh.tuple = made.tuple;
    }
    sockets.push_back(fresh);
    return;
  }
  Socket* socket = by_handle(made.handle);
  if (!socket) return;
  const bool opens = made.kind == CallKind::kConnect || made.kind == CallKind::kSendTo;
  if (opens && (made.result >= 0 || made.error == UserError::kInProgress)) {
    const bool shown = socket->role == Role::kConnection && socket->tuple.local != 0;
    socket->role = Role::kConnection;
    if (made.result < 0) socket->written = 0;  // another attempt: the text of an earlier connection is gone
    const bool elsewhere = made.tuple.remote != 0 && made.tuple.remote != socket->tuple.remote;
    const bool another_port = made.tuple.local != 0 && made.tuple.local != socket->tuple.local;
    if (!shown || elsewhere || another_port) socket->tuple = {.local = made.tuple.local, .remote = made.port};
    if (made.kind == CallKind::kSendTo && made.result > 0) socket->written += static_cast<std::uint32_t>(made.result);
    pair_now = socket->tuple;
    return;
  }
  const bool asked = made.kind == CallKind::kGetOption && made.option == SocketOption::kError && made.result == 0;
  const UserError told = asked ? static_cast<UserError>(made.value) : made.error;
  const auto closed = [&] {  // a soft error does not end the connection
    if (told == UserError::kNone || told == UserError::kWouldBlock || told == UserError::kInProgress) return false;
    const auto state = target.state(socket->tuple);
    return target.identity().can(Ability::kState) && (!state || state->state == State::kClosed);
  };
  const bool over = told == UserError::kTimedOut || told == UserError::kReset || told == UserError::kRefused;
  if ((asked || made.result < 0) && (over || closed())) socket->written = 0;  // the text of this connection is gone
  if (made.result < 0) return;
  switch (made.kind) {
    case CallKind::kShutdown:  // of an attempt that was not answered, the text is gone, too
      if (made.how != 0 && socket->role == Role::kConnection && !conversation(socket->tuple).peer.acked)
        socket->written = 0;
      break;
    case CallKind::kBind:
      pair_now.local = made.port;
      break;
    case CallKind::kListen:
      socket->role = Role::kListener;
      break;
    case CallKind::kWrite:
      socket->written += static_cast<std::uint32_t>(made.result);
      break;
    case CallKind::kClose:
      sockets.erase(sockets.begin() + (socket - sockets.data()));
      break;
    default:
      break;
  }
}

UserCall Session::call(const Call& call, const Place& where) {
  const UserCall made = impl_->call(call, where);
  impl_->compare(call, made, where);
  return made;
}

}  // namespace tcpassay
