// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/own_target.h"

#include "harness/targets/own/implementation_specific.h"

namespace tcpassay {
namespace {

// 10.77.0.1 and 2001:db8:77::1, both with the peer one further.
constexpr own::Address kIpv4 = own::ipv4(0x0a4d0001), kPeerIpv4 = own::ipv4(0x0a4d0002);
constexpr std::uint64_t kPrefix = 0x20010db800770000;
constexpr own::Address kIpv6{.high = kPrefix, .low = 1}, kPeerIpv6{.high = kPrefix, .low = 2};

Address to_address(const own::Address& address) {
  Address result{.family = static_cast<std::uint8_t>(address.is_ipv4() ? 4 : 6)};
  for (std::size_t i = 0; i < 8; ++i) {
    if (address.is_ipv4()) {
      if (i < 4) result.octets[i] = static_cast<std::uint8_t>(address.low >> (24 - 8 * i));
      continue;
    }
    result.octets[i] = static_cast<std::uint8_t>(address.high >> (56 - 8 * i));
    result.octets[8 + i] = static_cast<std::uint8_t>(address.low >> (56 - 8 * i));
  }
  return result;
}

// Both enumerations list the states of section 3.3.2 in its order.
State to_state(own::State state) {
  return static_cast<State>(state);
}
static_assert(static_cast<int>(State::kTimeWait) == static_cast<int>(own::State::kTimeWait));
static_assert(static_cast<int>(State::kSynReceived) == static_cast<int>(own::State::kSynReceived));
static_assert(static_cast<int>(State::kCloseWait) == static_cast<int>(own::State::kCloseWait));

UserError to_error(own::Error error) {
  switch (error) {
    case own::Error::kNone:
      return UserError::kNone;
    case own::Error::kWouldBlock:
      return UserError::kWouldBlock;
    case own::Error::kInProgress:
      return UserError::kInProgress;
    case own::Error::kAlready:
      return UserError::kAlready;
    case own::Error::kIsConnected:
      return UserError::kIsConnected;
    case own::Error::kNotConnected:
      return UserError::kNotConnected;
    case own::Error::kRefused:
      return UserError::kRefused;
    case own::Error::kReset:
      return UserError::kReset;
    case own::Error::kTimedOut:
      return UserError::kTimedOut;
    case own::Error::kPipe:
      return UserError::kPipe;
    case own::Error::kAddressInUse:
      return UserError::kAddressInUse;
    case own::Error::kInvalid:
      return UserError::kInvalid;
    case own::Error::kBadHandle:
      return UserError::kBadHandle;
    case own::Error::kNoBuffers:
      return UserError::kNoBuffers;
    case own::Error::kNotSupported:
      return UserError::kNotSupported;
    case own::Error::kNoProtocolOption:
      return UserError::kNoProtocolOption;
    case own::Error::kUnreachable:
      return UserError::kUnreachable;
  }
  return UserError::kOther;
}

own::Address remote_address(Host host, const own::Address& peer) {
  if (host == Host::kBroadcast) return own::ipv4(0xffffffff);
  if (host != Host::kMulticast) return peer;
  constexpr own::Address kAllNodes{.high = 0xff02'0000'0000'0000, .low = 1};
  return peer.is_ipv4() ? own::ipv4(0xe0000001) : kAllNodes;
}

std::optional<own::Option> to_option(SocketOption option) {
  switch (option) {
    case SocketOption::kReuseAddress:
      return own::Option::kReuseAddress;
    case SocketOption::kLinger:
      return own::Option::kLinger;
    case SocketOption::kNoDelay:
      return own::Option::kNoDelay;
    case SocketOption::kMaxSegment:
      return own::Option::kMaxSegment;
    case SocketOption::kReceiveBuffer:
      return own::Option::kReceiveBuffer;
    case SocketOption::kSendBuffer:
      return own::Option::kSendBuffer;
    case SocketOption::kUserTimeout:
      return own::Option::kUserTimeout;
    case SocketOption::kKeepAlive:
      return own::Option::kKeepAlive;
    case SocketOption::kKeepIdle:
      return own::Option::kKeepIdle;
    case SocketOption::kKeepInterval:
      return own::Option::kKeepInterval;
    case SocketOption::kKeepCount:
      return own::Option::kKeepCount;
    case SocketOption::kOutOfBandInline:
      return own::Option::kOutOfBandInline;
    case SocketOption::kAtMark:
      return own::Option::kAtMark;
    case SocketOption::kTypeOfService:
      return own::Option::kTypeOfService;
    case SocketOption::kTimeToLive:
      return own::Option::kTimeToLive;
    case SocketOption::kFastOpen:
      return own::Option::kFastOpen;
    default:
      return std::nullopt;
  }
}

}  // namespace

OwnTarget::OwnTarget()
    : identity_{.name = "own",
                .version = "1",
                .abilities = {Ability::kVirtualTime, Ability::kSynchronous, Ability::kState, Ability::kPassiveOpen,
                              Ability::kActiveOpen, Ability::kIpv6, Ability::kUrgentData, Ability::kHalfClose,
                              Ability::kAbort, Ability::kSecondAddress},
                .msl = Time(own::kMsl),
                .address = to_address(kIpv4),
                .peer_address = to_address(kPeerIpv4),
                .ipv6_address = to_address(kIpv6),
                .ipv6_peer_address = to_address(kPeerIpv6)},
      peer_(kPeerIpv4),
      stack_(kIpv4, kIpv6) {
  for (int i = 0; const char* name = own::setting_name(i); ++i) identity_.settings.emplace_back(name);
  for (int i = 0; const char* name = own::implementation_specific_name(i); ++i)
    identity_.implementation_specific.emplace_back(name);
}

void OwnTarget::use_ip(std::uint8_t version) {
  peer_ = version == 6 ? kPeerIpv6 : kPeerIpv4;
}

void OwnTarget::reset(std::uint64_t seed) {
  stack_.reset(seed);
  sockets_.reset();
}

std::optional<Collected> OwnTarget::collect() {
  const std::optional<own::Stack::Sent> sent = stack_.collect();
  if (!sent) return std::nullopt;
  return Collected{.from = Time(sent->at), .until = Time(sent->at), .packet = sent->packet};
}

void OwnTarget::call(UserCall& call) {
  const own::Result result = perform(call);
  call.result = result.value;
  call.error = to_error(result.error);
  const bool opened = call.error == UserError::kNone || call.error == UserError::kInProgress;
  const bool opens = call.kind == CallKind::kConnect || call.kind == CallKind::kSendTo;
  if (opens && opened) fill_tuple(call, call.handle);
  if (call.kind == CallKind::kAccept && opened) fill_tuple(call, static_cast<int>(call.result));
  if (call.kind == CallKind::kRead) call.text = text_;
}

own::Result OwnTarget::perform(UserCall& call) {
  switch (call.kind) {
    case CallKind::kSocket:
      return sockets_.socket();
    case CallKind::kBind:
      return sockets_.bind(call.handle, call.port, call.host == Host::kElsewhere);
    case CallKind::kListen:
      return sockets_.listen(call.handle, call.length);
    case CallKind::kConnect:
      return sockets_.connect(call.handle, remote_address(call.host, peer_), call.port);
    case CallKind::kAccept:
      return sockets_.accept(call.handle);
    case CallKind::kWrite:
      return sockets_.write(call.handle, call.text, call.urgent);
    case CallKind::kSendTo:
      return sockets_.send_to(call.handle, peer_, call.port, call.text);
    case CallKind::kRead:
      return sockets_.read(call.handle, call.length, text_);
    case CallKind::kShutdown:
      return sockets_.shutdown(call.handle, call.how);
    case CallKind::kClose:
      return sockets_.close(call.handle);
    case CallKind::kSetOption:
      if (const auto option = to_option(call.option)) return sockets_.set(call.handle, *option, call.value);
      return {.value = -1, .error = own::Error::kNoProtocolOption};
    case CallKind::kGetOption:
      return get_option(call);
    case CallKind::kPoll: {
      own::Result events = sockets_.poll(call.handle);
      constexpr std::int64_t kAlwaysTold = 8 | 16;
      if (call.value != 0 && events.value > 0) events.value &= call.value | kAlwaysTold;
      return events;
    }
  }
  return {.value = -1, .error = own::Error::kInvalid};
}

own::Result OwnTarget::get_option(UserCall& call) {
  own::Result result{.value = -1, .error = own::Error::kNoProtocolOption};
  if (call.option == SocketOption::kError) {
    result = sockets_.pending_error(call.handle);
    if (result.value >= 0) result.value = static_cast<std::int64_t>(to_error(static_cast<own::Error>(result.value)));
  } else if (const auto option = to_option(call.option)) {
    result = sockets_.get(call.handle, *option);
  }
  if (result.error != own::Error::kNone) return result;
  call.value = result.value;
  return {};
}

void OwnTarget::fill_tuple(UserCall& call, int handle) {
  const own::Connection* c = sockets_.connection(handle);
  if (c != nullptr) call.tuple = {.local = c->local_port, .remote = c->remote_port};
}

std::optional<StateReport> OwnTarget::state(Tuple tuple) {
  const own::Connection* c = stack_.find(tuple.local, peer_, tuple.remote);
  if (c == nullptr) return std::nullopt;
  StateReport report{.state = to_state(c->state), .snd_una = c->snd_una, .snd_nxt = c->snd_nxt};
  if (c->state != own::State::kSynSent) report.rcv_nxt = c->rcv_nxt;
  return report;
}

std::optional<std::int64_t> OwnTarget::implementation_specific(int handle, std::string_view name,
                                                               std::optional<std::int64_t> value) {
  const own::Connection* c = sockets_.connection(handle);
  return c == nullptr || value ? std::nullopt : own::implementation_specific(*c, name);
}

}  // namespace tcpassay
