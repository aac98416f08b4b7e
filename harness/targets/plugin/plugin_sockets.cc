// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/plugin/plugin_sockets.h"

#include <algorithm>

namespace tcpassay {
namespace {

constexpr std::int64_t kIn = 1, kPriority = 2, kOut = 4, kErr = 8, kHangUp = 16;
constexpr std::uint16_t kFirstPort = 49152;  // RFC 6335: the dynamic ports
constexpr std::uint32_t kReadMax = 1 << 20;  // octets of one read

static_assert(TCPASSAY_OTHER == static_cast<int>(UserError::kOther));
static_assert(TCPASSAY_RESET == static_cast<int>(UserError::kReset));
static_assert(TCPASSAY_NO_PROTOCOL_OPTION == static_cast<int>(UserError::kNoProtocolOption));

void fail(UserCall& call, UserError error) {
  call.result = -1;
  call.error = error;
}

// Both enumerations have the same numbers. `code` is what the adapter returned: negative is an error.
UserError error_of(std::int64_t code) {
  if (code >= 0) return UserError::kNone;
  return -code > TCPASSAY_OTHER ? UserError::kOther : static_cast<UserError>(-code);
}

// Fails the call if the adapter's answer says so.
bool refused(UserCall& call, std::int64_t code) {
  if (code >= 0) return false;
  fail(call, error_of(code));
  return true;
}

tcpassay_address remote_address(Host host, const tcpassay_address& peer) {
  tcpassay_address address{.family = 4};
  const std::uint8_t all[4] = {255, 255, 255, 255}, some[4] = {224, 0, 0, 1};
  if (host != Host::kBroadcast && host != Host::kMulticast) return peer;
  if (host == Host::kMulticast && peer.family == 6) {
    address = {.family = 6, .octets = {0xff, 0x02}};
    address.octets[15] = 1;
    return address;
  }
  std::copy_n(host == Host::kBroadcast ? all : some, 4, address.octets);
  return address;
}

// The number of an option in the interface, if the adapter has it.
const OptionRow* row_of(SocketOption option, std::uint32_t has) {
  for (const OptionRow& row : plugin_options()) {
    if (row.option == option && (has & (1u << row.plugin)) != 0) return &row;
  }
  return nullptr;
}

bool is_connection(const tcpassay_status& status) {
  return status.phase >= TCPASSAY_OPENING;
}

}  // namespace

void PluginSockets::reset(void* stack, const tcpassay_address& peer) {
  stack_ = stack;
  peer_ = peer;
  sockets_.clear();
}

PluginSockets::Socket* PluginSockets::at(int handle) {
  const auto index = static_cast<std::size_t>(handle - kFirstHandle);
  return index < sockets_.size() && sockets_[index].used ? &sockets_[index] : nullptr;
}

tcpassay_status PluginSockets::status_of(Socket& socket) {
  tcpassay_status status{};
  if (table_.status(stack_, socket.endpoint, &status) < 0) status.phase = TCPASSAY_ENDED;
  if (status.soft_error != 0) socket.soft_error = error_of(-std::int64_t{status.soft_error});
  return status;
}

// Returns once why the connection ended.
UserError PluginSockets::take_error(Socket& socket, const tcpassay_status& status) {
  if (socket.told || status.error == 0) return UserError::kNone;
  socket.told = true;
  return error_of(-std::int64_t{status.error});
}

bool PluginSockets::port_is_free(const Socket& socket, std::uint16_t port) const {
  return std::none_of(sockets_.begin(), sockets_.end(), [&](const Socket& other) {
    return other.used && &other != &socket && other.port == port && !(socket.reuse_address && other.reuse_address);
  });
}

std::uint16_t PluginSockets::free_port() const {
  std::uint16_t port = kFirstPort;
  while (!port_is_free(Socket{}, port)) ++port;
  return port;
}

int PluginSockets::add(std::int32_t endpoint) {
  auto unused = std::find_if(sockets_.begin(), sockets_.end(), [](const Socket& s) { return !s.used; });
  if (unused == sockets_.end()) unused = sockets_.insert(sockets_.end(), Socket{});
  *unused = Socket{.used = true, .endpoint = endpoint};
  return static_cast<int>(unused - sockets_.begin()) + kFirstHandle;
}

void PluginSockets::call(UserCall& call) {
  call.result = 0;
  call.error = UserError::kNone;
  if (call.kind == CallKind::kSocket) return socket(call);
  Socket* s = at(call.handle);
  if (s == nullptr) return fail(call, UserError::kBadHandle);
  switch (call.kind) {
    case CallKind::kBind:
      return bind(call, *s);
    case CallKind::kListen:
      return listen(call, *s);
    case CallKind::kConnect:
      return connect(call, *s);
    case CallKind::kAccept:
      return accept(call, *s);
    case CallKind::kWrite:
      return write(call, *s);
    case CallKind::kRead:
      return read(call, *s);
    case CallKind::kShutdown:
      return shutdown(call, *s);
    case CallKind::kClose:
      return close(call, *s);
    case CallKind::kSetOption:
      return set_option(call, *s);
    case CallKind::kGetOption:
      return get_option(call, *s);
    case CallKind::kPoll:
      return poll(call, *s);
    case CallKind::kSendTo:
      return send_to(call, *s);
    case CallKind::kSocket:
      break;
  }
  fail(call, UserError::kNotSupported);
}

void PluginSockets::socket(UserCall& call) {
  const std::int32_t endpoint = table_.open(stack_);
  if (!refused(call, endpoint)) call.result = add(endpoint);
}

void PluginSockets::bind(UserCall& call, Socket& s) {
  if (s.port != 0) return fail(call, UserError::kInvalid);
  const bool elsewhere = call.host == Host::kElsewhere;
  if (elsewhere && !has_option(table_, TCPASSAY_BOUND_ELSEWHERE)) return fail(call, UserError::kNotSupported);
  const std::uint16_t port = call.port != 0 ? call.port : free_port();
  const bool listened = std::any_of(sockets_.begin(), sockets_.end(), [&](Socket& other) {
    return other.used && other.port == port && status_of(other).phase == TCPASSAY_LISTENING;
  });
  // MUST-42: a connection does not keep others from listening on its port; the stack decides, in listen().
  const bool taken = std::any_of(sockets_.begin(), sockets_.end(), [&](Socket& other) {
    return other.used && other.port == port && !(s.reuse_address && other.reuse_address) &&
           !is_connection(status_of(other));
  });
  if (listened || taken) return fail(call, UserError::kAddressInUse);
  if (elsewhere && refused(call, table_.set_option(stack_, s.endpoint, TCPASSAY_BOUND_ELSEWHERE, 1))) return;
  s.port = port;
}

void PluginSockets::listen(UserCall& call, Socket& s) {
  const tcpassay_status status = status_of(s);
  if (is_connection(status)) return fail(call, UserError::kInvalid);
  if (table_.listen == nullptr) return fail(call, UserError::kNotSupported);
  if (status.phase == TCPASSAY_LISTENING) return;
  if (s.port == 0) s.port = free_port();
  refused(call, table_.listen(stack_, s.endpoint, s.port, std::max(call.length, 1u)));
}

void PluginSockets::connect(UserCall& call, Socket& s) {
  tcpassay_status status = status_of(s);
  if (status.phase == TCPASSAY_LISTENING) return fail(call, UserError::kNotSupported);
  if (status.phase == TCPASSAY_OPENING) return fail(call, UserError::kAlready);
  if (is_connection(status)) {
    if (const UserError error = take_error(s, status); error != UserError::kNone) return fail(call, error);
    if (status.phase == TCPASSAY_CONNECTED || status.error == 0) return fail(call, UserError::kIsConnected);
    table_.close(stack_, s.endpoint);  // the failure has been reported; the user may try again
    const std::int32_t fresh = table_.open(stack_);
    if (refused(call, fresh)) return;
    s.endpoint = fresh;
    s.told = s.read_end = s.write_end = false;
    for (const auto& [option, value] : s.options) {  // they are the socket's, whichever endpoint it has
      if (const OptionRow* row = row_of(option, table_.options)) {
        table_.set_option(stack_, fresh, row->plugin, value);
      }
    }
  }
  if (table_.connect == nullptr) return fail(call, UserError::kNotSupported);
  if (call.port == 0) return fail(call, UserError::kInvalid);  // "error: remote socket unspecified"
  const tcpassay_address remote = remote_address(call.host, peer_);
  if (refused(call, table_.connect(stack_, s.endpoint, s.port, &remote, call.port))) return;
  status = status_of(s);
  if (status.local_port != 0) s.port = status.local_port;
  call.tuple = {.local = s.port, .remote = call.port};
  fail(call, UserError::kInProgress);
}

// OPEN with text (RFC 7413).
void PluginSockets::send_to(UserCall& call, Socket& s) {
  if (!has_option(table_, TCPASSAY_FAST_OPEN_CONNECT)) return fail(call, UserError::kNotSupported);
  if (!is_connection(status_of(s)) &&
      refused(call, table_.set_option(stack_, s.endpoint, TCPASSAY_FAST_OPEN_CONNECT, 1)))
    return;
  connect(call, s);
  if (call.error != UserError::kInProgress) return;
  const std::int64_t taken = table_.send(stack_, s.endpoint, call.text.data(), call.text.size(), 0);
  const tcpassay_status status = status_of(s);
  if (status.local_port != 0) s.port = status.local_port;
  call.tuple.local = s.port;
  if (refused(call, taken)) return;
  call.result = taken;
  call.error = UserError::kNone;
}

void PluginSockets::accept(UserCall& call, Socket& s) {
  if (status_of(s).phase != TCPASSAY_LISTENING) return fail(call, UserError::kInvalid);
  const std::int32_t endpoint = table_.accept(stack_, s.endpoint);
  if (refused(call, endpoint)) return;
  const Socket parent = s;  // add() may move it
  const int handle = add(endpoint);
  Socket& accepted = *at(handle);
  accepted.port = parent.port;
  accepted.linger = parent.linger;
  accepted.options = parent.options;
  accepted.reuse_address = parent.reuse_address;
  const tcpassay_status status = status_of(accepted);
  call.result = handle;
  call.tuple = {.local = status.local_port != 0 ? status.local_port : parent.port, .remote = status.remote_port};
}

void PluginSockets::write(UserCall& call, Socket& s) {
  const tcpassay_status status = status_of(s);
  if (!is_connection(status)) return fail(call, UserError::kNotConnected);  // "error: connection does not exist"
  if (const UserError error = take_error(s, status); error != UserError::kNone) return fail(call, error);
  if (s.write_end || status.phase == TCPASSAY_ENDED) return fail(call, UserError::kPipe);  // "... closing"
  const std::uint32_t flags = call.urgent ? TCPASSAY_SEND_URGENT : 0;
  const std::int64_t taken = table_.send(stack_, s.endpoint, call.text.data(), call.text.size(), flags);
  if (refused(call, taken)) return;
  if (taken == 0 && !call.text.empty()) return fail(call, UserError::kWouldBlock);
  call.result = taken;
}

void PluginSockets::read(UserCall& call, Socket& s) {
  call.text = {};
  const tcpassay_status status = status_of(s);
  if (!is_connection(status)) return fail(call, UserError::kNotConnected);
  if (const UserError error = take_error(s, status); error != UserError::kNone) return fail(call, error);
  if (call.length == 0) return;
  if (status.phase == TCPASSAY_ENDED && status.readable == 0) return;
  text_.resize(std::min(call.length, kReadMax));
  const std::int64_t got = table_.receive(stack_, s.endpoint, text_.data(), text_.size());
  if (error_of(got) == UserError::kWouldBlock && s.read_end) return;
  if (refused(call, got)) return;
  if (static_cast<std::size_t>(got) > text_.size())
    throw TargetError("the adapter's receive() returns more than there is room for");
  call.text = ByteView(text_).first(static_cast<std::size_t>(got));
  call.result = got;
}

// CLOSE for how = 1 and 2; 0 and 2 end receiving.
void PluginSockets::shutdown(UserCall& call, Socket& s) {
  if (call.how < 0 || call.how > 2) return fail(call, UserError::kInvalid);
  const tcpassay_status status = status_of(s);
  if (!is_connection(status) || status.phase == TCPASSAY_ENDED) return fail(call, UserError::kNotConnected);
  if (call.how != 1) s.read_end = true;
  if (call.how == 0 || s.write_end) return;
  if (table_.shutdown == nullptr) return fail(call, UserError::kNotSupported);
  s.write_end = !refused(call, table_.shutdown(stack_, s.endpoint));
}

// The user neither sends nor receives any more.
void PluginSockets::close(UserCall& call, Socket& s) {
  const bool aborts = s.linger == 0 && table_.abort != nullptr && is_connection(status_of(s));
  refused(call, aborts ? table_.abort(stack_, s.endpoint) : table_.close(stack_, s.endpoint));
  s = Socket{};
}

void PluginSockets::set_option(UserCall& call, Socket& s) {
  if (call.option == SocketOption::kReuseAddress) {
    s.reuse_address = call.value != 0;
    return;
  }
  if (call.option == SocketOption::kLinger) {
    s.linger = std::max<std::int64_t>(call.value, -1);
    return;
  }
  const OptionRow* row = row_of(call.option, table_.options);
  if (row == nullptr) return fail(call, UserError::kNoProtocolOption);
  const bool octet = call.option == SocketOption::kTimeToLive;
  if (octet && (call.value < 1 || call.value > 255)) return fail(call, UserError::kInvalid);
  if (!refused(call, table_.set_option(stack_, s.endpoint, row->plugin, call.value)))
    s.options[call.option] = call.value;
}

void PluginSockets::get_option(UserCall& call, Socket& s) {
  if (call.option == SocketOption::kError) {
    UserError error = take_error(s, status_of(s));
    if (error == UserError::kNone) error = s.soft_error;
    s.soft_error = UserError::kNone;
    call.value = static_cast<std::int64_t>(error);
    return;
  }
  if (call.option == SocketOption::kReuseAddress || call.option == SocketOption::kLinger) {
    call.value = call.option == SocketOption::kLinger ? s.linger : s.reuse_address;
    return;
  }
  const OptionRow* row = row_of(call.option, table_.options);
  if (row == nullptr) return fail(call, UserError::kNoProtocolOption);
  if (table_.get_option != nullptr) {
    refused(call, table_.get_option(stack_, s.endpoint, row->plugin, &call.value));
    return;
  }
  const auto set = s.options.find(call.option);
  if (set == s.options.end()) return fail(call, UserError::kNoProtocolOption);
  call.value = set->second;
}

void PluginSockets::poll(UserCall& call, Socket& s) {
  const tcpassay_status status = status_of(s);
  std::int64_t events = 0;
  if (status.phase == TCPASSAY_LISTENING) {
    if (status.acceptable > 0) events = kIn;
  } else if (!is_connection(status)) {
    events = kOut | kHangUp;
  } else {
    const bool closed = status.phase == TCPASSAY_ENDED, open = status.phase == TCPASSAY_CONNECTED;
    const bool end_of_stream = closed || status.eof != 0 || s.read_end;
    if (status.readable > 0 || end_of_stream) events |= kIn;
    if (status.urgent != 0) events |= kPriority;  // MUST-32, MUST-33
    if (closed || s.write_end || (open && status.writable > 0)) events |= kOut;
    if (!s.told && status.error != 0) events |= kErr;
    if (closed || (end_of_stream && s.write_end)) events |= kHangUp;
  }
  constexpr std::int64_t kAlwaysTold = kErr | kHangUp;
  call.result = call.value != 0 ? events & (call.value | kAlwaysTold) : events;
}

}  // namespace tcpassay
