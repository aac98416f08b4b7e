// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/sockets.h"

#include <algorithm>

namespace own {
namespace {

constexpr std::int64_t kIn = 1, kPriority = 2, kOut = 4, kErr = 8, kHangUp = 16;

Result fail(Error error) {
  return {.value = -1, .error = error};
}

Error error_of(Ended ended) {
  switch (ended) {
    case Ended::kRefused:
      return Error::kRefused;
    case Ended::kReset:
      return Error::kReset;
    case Ended::kTimedOut:
      return Error::kTimedOut;
    case Ended::kUnreachable:
      return Error::kUnreachable;
    case Ended::kNot:
    case Ended::kNormally:
      break;
  }
  return Error::kNone;
}

}  // namespace

Sockets::Socket* Sockets::at(int handle) {
  const auto index = static_cast<std::size_t>(handle - kFirstHandle);
  return index < sockets_.size() && sockets_[index].used ? &sockets_[index] : nullptr;
}

const Connection* Sockets::connection(int handle) {
  const Socket* s = at(handle);
  return s == nullptr ? nullptr : s->connection;
}

// Returns once why the connection ended.
Error Sockets::take_error(Connection& c) {
  const Error error = error_of(c.ended);
  if (error != Error::kNone) c.ended = Ended::kNormally;
  return error;
}

Result Sockets::socket() {
  auto unused = std::find_if(sockets_.begin(), sockets_.end(), [](const Socket& s) { return !s.used; });
  if (unused == sockets_.end()) {
    if (sockets_.size() >= kSocketsMax) return fail(Error::kNoBuffers);
    unused = sockets_.insert(sockets_.end(), Socket{});
  }
  *unused = Socket{.used = true};
  return {.value = (unused - sockets_.begin()) + kFirstHandle};
}

// MUST-42: a connection that is still being opened does not keep others from listening on its port.
bool Sockets::port_is_free(std::uint16_t port, bool reuse_address) const {
  for (const Socket& s : sockets_) {
    if (!s.used || s.port != port || s.connection != nullptr) continue;
    if (s.listener != nullptr || !(reuse_address && s.reuse_address)) return false;
  }
  if (plants(Defect::listen_needs_free_port)) return !stack_.port_in_use(port, false);
  return reuse_address || !stack_.port_in_use(port, true);
}

Result Sockets::bind(int handle, std::uint16_t port, bool elsewhere) {
  Socket* s = at(handle);
  if (s == nullptr) return fail(Error::kBadHandle);
  if (s->port != 0) return fail(Error::kInvalid);
  if (port == 0) port = stack_.ephemeral_port({}, 0);
  if (port == 0 || !port_is_free(port, s->reuse_address)) return fail(Error::kAddressInUse);
  s->port = port;
  s->choices.elsewhere = elsewhere;
  return {};
}

Result Sockets::listen(int handle, std::uint32_t backlog) {
  Socket* s = at(handle);
  if (s == nullptr) return fail(Error::kBadHandle);
  if (s->connection != nullptr) {
    return plants(Defect::listen_on_connection_taken) ? Result{} : fail(Error::kInvalid);
  }
  if (s->listener != nullptr) {
    s->listener->backlog = std::max(backlog, 1u);
    return {};
  }
  if (s->port == 0) s->port = stack_.ephemeral_port({}, 0);
  s->listener = stack_.open_passive(s->port, backlog, s->choices);
  return s->listener == nullptr ? fail(Error::kAddressInUse) : Result{};
}

Result Sockets::connect(int handle, const Address& address, std::uint16_t port) {
  return open(handle, address, port, nullptr);
}

Result Sockets::send_to(int handle, const Address& address, std::uint16_t port, ByteView text) {
  return open(handle, address, port, &text);
}

// `text` is null without Fast Open.
Result Sockets::open(int handle, const Address& address, std::uint16_t port, const ByteView* text) {
  Socket* s = at(handle);
  if (s == nullptr) return fail(Error::kBadHandle);
  if (s->listener != nullptr) return fail(Error::kNotSupported);
  if (Connection* c = s->connection) {
    if (c->state == State::kSynSent || c->state == State::kSynReceived) {
      return plants(Defect::open_twice_taken) ? Result{} : fail(Error::kAlready);
    }
    if (const Error error = take_error(*c); error != Error::kNone) return fail(error);
    const bool half = c->state == State::kCloseWait && plants(Defect::connect_again_in_close_wait);
    if (half || (c->state != State::kClosed && plants(Defect::open_twice_taken))) return {};
    if (c->was_established || c->state != State::kClosed) return fail(Error::kIsConnected);
    s->connection = nullptr;  // the failure has been reported; the user may try again
    stack_.release(*c);
  }
  const bool careless = plants(s->port == 0 ? Defect::connect_without_remote : Defect::bound_connect_without_remote);
  if (port == 0 && !careless) return fail(Error::kInvalid);  // "error: remote socket unspecified"
  // MUST-46
  if (!stack_.may_be_a_host(address) && !plants(Defect::connects_to_group)) return fail(Error::kUnreachable);
  const std::uint16_t local = s->port != 0 ? s->port : stack_.ephemeral_port(address, port);
  // "error: connection already exists"
  if (local == 0 || stack_.find(local, address, port) != nullptr) return fail(Error::kAddressInUse);
  Connection* c = stack_.open_active(local, address, port, s->choices, text);
  if (c == nullptr) return fail(Error::kNoBuffers);  // "error: insufficient resources"
  s->port = local;
  s->connection = c;
  if (c->fast_open.text > 0) return {.value = c->fast_open.text};
  return fail(Error::kInProgress);
}

Result Sockets::accept(int handle) {
  const Socket* s = at(handle);
  if (s == nullptr) return fail(Error::kBadHandle);
  if (s->listener == nullptr) return fail(Error::kInvalid);
  if (s->listener->accept_queue.empty()) return fail(Error::kWouldBlock);
  const Socket parent = *s;
  const Result made = socket();
  if (made.error != Error::kNone) return made;
  Socket& accepted = *at(static_cast<int>(made.value));
  accepted.connection = stack_.accept(*parent.listener);
  accepted.port = parent.port;
  accepted.linger = parent.linger;
  accepted.reuse_address = parent.reuse_address;
  accepted.choices = parent.listener->choices;  // those of its connection: what was set later is the listener's alone
  return made;
}

Result Sockets::write(int handle, ByteView text, bool urgent) {
  Socket* s = at(handle);
  if (s == nullptr) return fail(Error::kBadHandle);
  Connection* c = s->connection;
  if (c == nullptr) return fail(Error::kNotConnected);  // "error: connection does not exist"
  if (const Error error = take_error(*c); error != Error::kNone) return fail(error);
  const auto taken = Result{.value = static_cast<std::int64_t>(text.size())};
  if (c->fin_queued && plants(Defect::send_after_close_taken)) return taken;
  if (c->state == State::kClosed && plants(Defect::send_without_connection)) return taken;
  const bool refused = c->state == State::kCloseWait && plants(Defect::send_refused_in_close_wait);
  if (refused) return fail(Error::kPipe);
  if (c->fin_queued && plants(Defect::send_after_close_leaves)) stack_.send(*c, text, urgent);
  const bool opening = c->state == State::kSynSent || c->state == State::kSynReceived;
  if (c->fin_queued || !(opening || c->sends())) return fail(Error::kPipe);  // "error: connection closing"
  const std::uint32_t sent = stack_.send(*c, text, urgent);
  if (sent == 0 && !text.empty()) return fail(Error::kWouldBlock);
  return {.value = sent};
}

Result Sockets::read(int handle, std::uint32_t length, std::vector<std::uint8_t>& out) {
  out.clear();
  Socket* s = at(handle);
  if (s == nullptr) return fail(Error::kBadHandle);
  Connection* c = s->connection;
  if (c == nullptr && plants(Defect::receive_of_nothing_ends)) return {};
  if (c == nullptr) return fail(Error::kNotConnected);
  if (const Error error = take_error(*c); error != Error::kNone) {
    const bool hidden = error == Error::kReset && plants(Defect::reset_reported_as_eof);
    return hidden ? Result{} : fail(error);
  }
  const bool early = plants(Defect::synrcvd_delivers_early) && c->state == State::kSynReceived;
  if (early) c->rcv_nxt += c->received.deliver(c->rcv_nxt);
  if (c->received.user() > 0 && plants(Defect::text_unreadable)) return fail(Error::kWouldBlock);
  const bool skip = c->fin_received && plants(Defect::eof_before_data);
  if (c->received.user() > 0 && !skip) {
    const std::uint32_t most = stack_.up_to_mark(*c, std::min(length, c->received.user()));
    out.resize(most);
    stack_.receive(*c, out);
    if (!out.empty() && plants(Defect::receive_scrambles)) out[0] = static_cast<std::uint8_t>(~out[0]);
    if (c->urgent_in && c->read_to() == c->rcv_up && plants(Defect::urgent_octet_taken_out)) out.pop_back();
    return out.empty() ? fail(Error::kWouldBlock) : Result{.value = static_cast<std::int64_t>(out.size())};
  }
  if (c->fin_received && plants(Defect::end_of_stream_untold)) return fail(Error::kWouldBlock);
  const bool ended = c->state == State::kClosed && c->was_established;
  if (ended && plants(Defect::receive_without_connection)) return fail(Error::kWouldBlock);
  const bool opening = c->state == State::kSynSent || c->state == State::kSynReceived;
  if (opening && plants(Defect::receive_ends_early)) return {};
  if (opening && plants(Defect::receive_says_closing)) return fail(Error::kPipe);
  if (length == 0 || c->state == State::kClosed || c->fin_received || c->reading_ended) return {};
  return fail(Error::kWouldBlock);
}

// CLOSE for how = 1 and 2; 0 and 2 end receiving.
Result Sockets::shutdown(int handle, int how) {
  Socket* s = at(handle);
  if (s == nullptr) return fail(Error::kBadHandle);
  if (how < 0 || how > 2) return fail(Error::kInvalid);
  if (s->listener != nullptr && how != 1) {
    stack_.close(*s->listener);
    s->listener = nullptr;
    return {};
  }
  Connection* c = s->connection;
  const bool gone = c == nullptr || c->state == State::kClosed;
  if (c == nullptr && how == 2 && plants(Defect::shutdown_of_nothing_succeeds)) return {};
  if (gone && c != nullptr && plants(Defect::shutdown_of_ended_succeeds)) return {};
  if (gone) return plants(Defect::close_of_nothing_succeeds) ? Result{} : fail(Error::kNotConnected);
  if (how != 1) c->reading_ended = true;
  if (how != 0) stack_.close(*c);
  return {};
}

// The user neither sends nor receives any more.
Result Sockets::close(int handle) {
  Socket* s = at(handle);
  if (s == nullptr) return fail(Error::kBadHandle);
  const bool stays = s->linger == 0 && stack_.port_in_use(s->port, true) && plants(Defect::aborted_listener_stays);
  if (s->listener != nullptr && !stays) stack_.close(*s->listener);
  if (Connection* c = s->connection) {
    if (s->linger == 0) stack_.abort(*c);
    stack_.release(*c);
  }
  *s = Socket{};
  return {};
}

Result Sockets::set(int handle, Option option, std::int64_t value) {
  Socket* s = at(handle);
  if (s == nullptr) return fail(Error::kBadHandle);
  Connection* c = s->connection;
  constexpr std::int64_t kOctetsMax = 1 << 30;
  switch (option) {
    case Option::kReuseAddress:
      s->reuse_address = value != 0;
      return {};
    case Option::kLinger:
      s->linger = std::max<std::int64_t>(value, -1);
      return {};
    case Option::kNoDelay:
      s->choices.no_delay = value != 0;
      if (c != nullptr) stack_.set_no_delay(*c, value != 0);
      return {};
    case Option::kMaxSegment:
      if (value < 1 || value > interface_mss(ipv4(0))) return fail(Error::kInvalid);
      s->choices.mss = static_cast<std::uint16_t>(value);
      return {};
    case Option::kReceiveBuffer:
      if (value < 1) return fail(Error::kInvalid);
      s->choices.receive_buffer = static_cast<std::uint32_t>(std::min(value, kOctetsMax));
      return {};
    case Option::kSendBuffer:
      if (value < 1) return fail(Error::kInvalid);
      s->choices.send_buffer = static_cast<std::uint32_t>(std::min(value, kOctetsMax));
      if (c != nullptr) c->choices.send_buffer = s->choices.send_buffer;
      return {};
    case Option::kFastOpen:
      if (value < 0 || value > kOctetsMax) return fail(Error::kInvalid);
      s->choices.fast_open = static_cast<std::uint32_t>(value);
      if (s->listener != nullptr) s->listener->choices.fast_open = s->choices.fast_open;
      return {};
    case Option::kUserTimeout:
      if (value < 0 || value > kOctetsMax) return fail(Error::kInvalid);
      s->choices.user_timeout = value * kMillisecond;
      if (c != nullptr) stack_.set_user_timeout(*c, s->choices.user_timeout);
      return {};
    case Option::kKeepAlive:
    case Option::kKeepIdle:
    case Option::kKeepInterval:
    case Option::kKeepCount:
      return set_keep_alive(*s, option, value);
    case Option::kTypeOfService:
    case Option::kTimeToLive:
      return set_ip_field(*s, option, value);
    case Option::kOutOfBandInline:
      return value != 0 ? Result{} : fail(Error::kInvalid);
    case Option::kAtMark:
      break;
  }
  return fail(Error::kNoProtocolOption);
}

Result Sockets::set_keep_alive(Socket& s, Option option, std::int64_t value) {
  if (value < (option == Option::kKeepAlive ? 0 : 1) || value > 32767) return fail(Error::kInvalid);
  if (option == Option::kKeepAlive) s.choices.keep_alive = value != 0;
  if (option == Option::kKeepIdle) s.choices.keep_idle = value * kSecond;
  if (option == Option::kKeepInterval) s.choices.keep_interval = value * kSecond;
  if (option == Option::kKeepCount) s.choices.keep_count = static_cast<unsigned>(value);
  const bool idle = option == Option::kKeepIdle && plants(Defect::keep_alive_by_idle_time);
  const bool number = option == Option::kKeepCount && plants(Defect::keep_alive_by_count);
  const bool interval = option == Option::kKeepInterval && plants(Defect::keep_alive_by_interval);
  if (idle || number || interval) s.choices.keep_alive = true;
  Connection* c = s.connection;
  if (c != nullptr && c->state != State::kClosed) stack_.set_keep_alive(*c, s.choices);
  return {};
}

Result Sockets::set_ip_field(Socket& s, Option option, std::int64_t value) {
  if (value < (option == Option::kTimeToLive ? 1 : 0) || value > 255) return fail(Error::kInvalid);
  Connection* c = s.connection;
  if (c != nullptr && c->choices.traffic_class != 0 && plants(Defect::dscp_fixed_once_open)) return {};
  if (c != nullptr && c->in_flight() && plants(Defect::dscp_fixed_in_flight)) return {};
  (option == Option::kTypeOfService ? s.choices.traffic_class : s.choices.ttl) = static_cast<std::uint8_t>(value);
  if (c != nullptr) {
    c->choices.traffic_class = s.choices.traffic_class;
    c->choices.ttl = s.choices.ttl;
  }
  return {};
}

Result Sockets::get(int handle, Option option) {
  const Socket* s = at(handle);
  if (s == nullptr) return fail(Error::kBadHandle);
  const Choices& choices = s->choices;
  switch (option) {
    case Option::kReuseAddress:
      return {.value = s->reuse_address};
    case Option::kLinger:
      return {.value = s->linger};
    case Option::kNoDelay:
      return {.value = choices.no_delay};
    case Option::kMaxSegment:
      if (s->connection != nullptr) return {.value = s->connection->eff_snd_mss};
      return {.value = std::min(choices.mss, default_send_mss(ipv4(0)))};
    case Option::kReceiveBuffer:
      return {.value = choices.receive_buffer};
    case Option::kSendBuffer:
      return {.value = choices.send_buffer};
    case Option::kUserTimeout:
      return {.value = choices.user_timeout / kMillisecond};
    case Option::kKeepAlive:
      return {.value = choices.keep_alive};
    case Option::kKeepIdle:
      return {.value = choices.keep_idle / kSecond};
    case Option::kKeepInterval:
      return {.value = choices.keep_interval / kSecond};
    case Option::kKeepCount:
      return {.value = choices.keep_count};
    case Option::kTypeOfService:
      return {.value = choices.traffic_class};
    case Option::kTimeToLive:
      return {.value = choices.ttl};
    case Option::kOutOfBandInline:
      return {.value = 1};
    case Option::kAtMark:
      return {.value = s->connection != nullptr && stack_.at_urgent_mark(*s->connection)};
    case Option::kFastOpen:
      return {.value = choices.fast_open};
  }
  return fail(Error::kNoProtocolOption);
}

Result Sockets::pending_error(int handle) {
  const Socket* s = at(handle);
  if (s == nullptr) return fail(Error::kBadHandle);
  if (s->connection == nullptr) return {};
  Connection& c = *s->connection;
  const bool again = c.in_flight() && c.last_sent > c.r2_since;
  if (again && plants(Defect::trouble_told_early)) {
    return {.value = static_cast<std::int64_t>(Error::kTimedOut)};
  }
  Error error = take_error(c);
  if (error == Error::kNone && c.soft_error) error = Error::kUnreachable;  // SHLD-25
  c.soft_error = false;
  return {.value = static_cast<std::int64_t>(error)};
}

Result Sockets::poll(int handle) {
  const Socket* s = at(handle);
  if (s == nullptr) return fail(Error::kBadHandle);
  if (s->listener != nullptr) return {.value = s->listener->accept_queue.empty() ? 0 : kIn};
  const Connection* c = s->connection;
  if (c == nullptr) return {.value = kOut | kHangUp};

  const bool closed = c->state == State::kClosed;
  const bool untold = c->state == State::kClosing && plants(Defect::remote_close_not_polled_in_closing);
  const bool told = c->fin_received && !untold && !plants(Defect::remote_close_not_polled);
  const bool end_of_stream = closed || told || c->reading_ended;
  const bool room = c->text_queued() < c->choices.send_buffer;
  std::int64_t events = 0;
  if (c->received.user() > 0 || end_of_stream) events |= kIn;
  if (stack_.urgent_waits(*c)) events |= kPriority;  // MUST-32, MUST-33
  if (closed || (c->sends() && room) || c->fin_sent) events |= kOut;
  if (error_of(c->ended) != Error::kNone) events |= kErr;
  if (closed || (end_of_stream && c->fin_queued)) events |= kHangUp;
  return {.value = events};
}

}  // namespace own
