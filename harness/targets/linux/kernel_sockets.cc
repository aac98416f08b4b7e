// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/kernel_sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/targets/linux/fast_open_cookie.h"
#include "harness/targets/linux/kernel_answers.h"
#include "harness/targets/linux/kernel_implementation_specific.h"
#include "harness/targets/linux/kernel_options.h"
#include "harness/targets/linux/namespace.h"
#include "harness/targets/linux/socket_monitor.h"
#include "harness/targets/linux/socket_name.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr int kFirstHandle = 3;
// Names for implementation_specific(): connect() to no address; how the next call is made.
constexpr std::string_view kDisconnect = "AF_UNSPEC", kSplice = "splice", kElementOctets = "iovec";
constexpr std::size_t kElementsMax = 1024;  // of a vector: UIO_MAXIOV

// Names for implementation_specific(): what scripts write in place of a cookie's octets.
constexpr std::string_view kFastOpenCookie = "TFO_COOKIE", kFastOpenCookieOfZeros = "TFO_COOKIE_ZERO";
constexpr std::size_t kSocketsMax = 1000;  // handles of one scenario
constexpr std::size_t kReadMax = 1 << 20;  // octets of one read

constexpr Address kLoopback{.octets = {127, 0, 0, 1}};
constexpr Address kBroadcastAddress{.octets = {255, 255, 255, 255}};
constexpr Address kAllHosts{.octets = {224, 0, 0, 1}};
constexpr Address kAllNodes{.family = 6, .octets = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

std::uint16_t local_port(int fd) {
  SocketName name;
  return getsockname(fd, name.get(), name.room()) == 0 ? name.port() : std::uint16_t{0};
}

}  // namespace

KernelSockets::KernelSockets(const NetworkNamespace& where, Sharing sharing)
    : where_(where), sharing_(sharing), monitor_(where, sharing == Sharing::kAlone), text_(kReadMax) {}

void KernelSockets::use(const Address& target, const Address& peer) {
  assert(sockets_.empty());
  if (target != target_address_) kept_.take();
  target_address_ = target;
  peer_address_ = peer;
}

KernelSockets::Socket* KernelSockets::find(int handle) {
  const auto index = static_cast<std::size_t>(handle) - kFirstHandle;
  if (handle < kFirstHandle || index >= sockets_.size() || !sockets_[index].fd) return nullptr;
  return &sockets_[index];
}

void KernelSockets::call(UserCall& call) {
  if (call.kind == CallKind::kSocket) return make_socket(call);
  Socket* const socket = find(call.handle);
  if (socket == nullptr) return fail(call, EBADF);
  note_plainness(*socket, call);
  const bool as_before = call.kind == CallKind::kListen || (call.kind == CallKind::kBind && socket->kept_port != 0);
  if (!as_before || !socket->still) stop_listening();
  const int fd = socket->fd.get();
  switch (call.kind) {
    case CallKind::kSocket:
      return;
    case CallKind::kBind:
      return bind_socket(*socket, call);
    case CallKind::kListen:
      return listen_at(*socket, call);
    case CallKind::kConnect:
      return connect_socket(*socket, call);
    case CallKind::kAccept:
      return accept_connection(*socket, call);
    case CallKind::kWrite:
      return write_text(*socket, call);
    case CallKind::kSendTo:
      return connect_socket(*socket, call);
    case CallKind::kRead:
      return std::exchange(socket->splices, false) ? splice_text(*socket, call) : read_text(*socket, call);
    case CallKind::kShutdown:
      return conclude(call, shutdown(fd, call.how));
    case CallKind::kClose:
      if (!keep(*socket)) socket->fd.close();
      return succeed(call, 0);
    case CallKind::kSetOption:
      return set_kernel_option(fd, call);
    case CallKind::kGetOption:
      return get_kernel_option(fd, call);
    case CallKind::kPoll:
      return poll_socket(*socket, call);
  }
}

void KernelSockets::add_socket(FileDescriptor fd, Tuple tuple, UserCall& call) {
  sockets_.push_back({.fd = std::move(fd), .tuple = tuple});
  succeed(call, kFirstHandle + static_cast<int>(sockets_.size()) - 1);
}

void KernelSockets::make_socket(UserCall& call) {
  if (sockets_.size() == kSocketsMax) return fail(call, EMFILE);
  if (!sockets_.empty()) renew(sockets_.front());
  KeptListener::Kept kept = sockets_.empty() ? kept_.take() : KeptListener::Kept{};
  if (!kept.socket) kept.socket = open_socket();
  if (!kept.socket) return fail(call, errno);
  add_socket(std::move(kept.socket), {}, call);
  sockets_.back().kept_port = kept.port;
  sockets_.back().still = kept.backlog;
}

FileDescriptor KernelSockets::open_socket() const {
  const NetworkNamespace::Visit visit(where_);
  FileDescriptor fd(socket(family_of(target_address_), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // As servers do, so that a port can be listened on while earlier connections of it are in TIME-WAIT.
  const int on = 1;
  if (fd) setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return fd;
}

// Puts a new socket in the place of one that an earlier scenario has bound.
void KernelSockets::renew(Socket& socket) const {
  if (std::exchange(socket.kept_port, 0) == 0) return;
  socket.fd.close();
  socket.fd = open_socket();
  socket.still.reset();
}

// A socket that was kept does for a scenario that binds it to the same port, and does nothing else to it before.
void KernelSockets::note_plainness(Socket& socket, const UserCall& call) const {
  const bool reuse = call.kind == CallKind::kSetOption && call.option == SocketOption::kReuseAddress && call.value != 0;
  const bool same = call.kind == CallKind::kBind && call.port == socket.kept_port && call.host != Host::kElsewhere;
  if (!reuse && !same) renew(socket);
  constexpr CallKind kHarmless[] = {CallKind::kBind,  CallKind::kListen, CallKind::kAccept,
                                    CallKind::kClose, CallKind::kPoll,   CallKind::kGetOption};
  socket.plain = socket.plain && (reuse || std::ranges::count(kHarmless, call.kind) != 0);
}

bool KernelSockets::keep(Socket& socket) {
  const bool known = sharing_ == Sharing::kAlone && socket.plain && socket.listens && socket.port != 0;
  const bool waits = !known || flows_.may_wait();
  return known && kept_.keep(socket.fd, socket.port, waits ? std::nullopt : std::optional(socket.backlog));
}

// A listener of an earlier scenario, which this one may find only after its own listen().
void KernelSockets::stop_listening() {
  kept_.stop();
  if (sockets_.empty() || !std::exchange(sockets_.front().still, std::nullopt)) return;
  const bool stopped = shutdown(sockets_.front().fd.get(), SHUT_RD) == 0;
  assert(stopped);
}

void KernelSockets::listen_at(Socket& socket, UserCall& call) {
  const int backlog = clamp_to_int(call.length);
  const bool does = std::exchange(socket.still, std::nullopt) == backlog;
  conclude(call, does ? 0 : listen(socket.fd.get(), backlog));
  if (call.result != 0) return;
  socket.listens = true;
  socket.backlog = backlog;
}

void KernelSockets::bind_socket(Socket& socket, UserCall& call) {
  if (std::exchange(socket.kept_port, 0) != 0) {
    socket.port = call.port;
    return succeed(call, 0);
  }
  SocketName name(call.host == Host::kElsewhere ? kLoopback : target_address_, call.port);
  conclude(call, bind(socket.fd.get(), name.get(), name.size()));
  if (call.result == 0 && call.host != Host::kElsewhere) socket.port = call.port;
}

void KernelSockets::connect_socket(Socket& socket, UserCall& call) {
  SocketName name(call.host == Host::kBroadcast   ? kBroadcastAddress
                  : call.host == Host::kMulticast ? (peer_address_.family == 6 ? kAllNodes : kAllHosts)
                                                  : peer_address_,
                  call.port);
  const int fd = socket.fd.get();
  if (call.zero_copy) call.text = pinned_.emplace_back(call.text.begin(), call.text.end());
  conclude(call, call.kind == CallKind::kConnect
                     ? connect(fd, name.get(), name.size())
                     : sendto(fd, call.text.data(), call.text.size(),
                              MSG_FASTOPEN | MSG_NOSIGNAL | MSG_DONTWAIT | (call.zero_copy ? MSG_ZEROCOPY : 0),
                              name.get(), name.size()));
  if (call.result < 0 && call.error != UserError::kInProgress) return;
  socket.tuple = call.tuple = {.local = local_port(socket.fd.get()), .remote = call.port};
  flows_.note_opened({.target_address = target_address_, .peer_address = peer_address_, .tuple = call.tuple});
}

void KernelSockets::accept_connection(const Socket& listener, UserCall& call) {
  if (sockets_.size() == kSocketsMax) return fail(call, EMFILE);
  SocketName name;
  FileDescriptor fd(accept4(listener.fd.get(), name.get(), name.room(), SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) return fail(call, errno);
  call.tuple = {.local = listener.port != 0 ? listener.port : local_port(fd.get()), .remote = name.port()};
  flows_.note_accepted(call.tuple);
  add_socket(std::move(fd), call.tuple, call);
}

void KernelSockets::write_text(Socket& socket, UserCall& call) {
  const int fd = socket.fd.get();
  const std::size_t piece = std::exchange(socket.piece, 0);
  const int flags = (call.urgent ? MSG_OOB : 0) | (call.more ? MSG_MORE : 0) | (call.record_end ? MSG_EOR : 0) |
                    (call.zero_copy ? MSG_ZEROCOPY : 0);
  ByteView text = call.text;
  if (call.zero_copy) text = pinned_.emplace_back(text.begin(), text.end());  // the kernel may read it again later
  if (piece == 0 || text.size() > piece * kElementsMax)
    return conclude(call, send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT | flags));
  // Elements that touch would be one fragment.
  constexpr std::size_t kGap = 16;
  std::vector<iovec> elements;
  Bytes& apart = pinned_.emplace_back(text.size() + (text.size() / piece + 1) * kGap);
  for (std::size_t from = 0, to = 0; from < text.size(); from += piece, to += piece + kGap) {
    const std::size_t octets = std::min(piece, text.size() - from);
    std::copy_n(text.begin() + static_cast<std::ptrdiff_t>(from), octets,
                apart.begin() + static_cast<std::ptrdiff_t>(to));
    elements.push_back({&apart[to], octets});
  }
  msghdr message{};
  message.msg_iov = elements.data();
  message.msg_iovlen = elements.size();
  conclude(call, sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT | flags));
}

// By splice() into a pipe, which is read then.
void KernelSockets::splice_text(const Socket& socket, UserCall& call) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return fail(call, errno);
  const FileDescriptor out(ends[0]), in(ends[1]);
  const std::size_t size = std::min<std::size_t>(call.length, text_.size());
  const int fd = socket.fd.get();
  ssize_t moved = ::splice(fd, nullptr, in.get(), nullptr, size, SPLICE_F_NONBLOCK);
  pollfd asked{.fd = fd, .events = POLLPRI, .revents = 0};
  if (moved < 0 && errno == EAGAIN && poll(&asked, 1, 0) == 1) {  // a call that may wait ends at urgent data, with 0
    const timeval limit{.tv_sec = 0, .tv_usec = 20'000}, none{};
    const int flags = fcntl(fd, F_GETFL);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    moved = ::splice(fd, nullptr, in.get(), nullptr, size, 0);
    const int error = errno;
    fcntl(fd, F_SETFL, flags);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
    errno = error;
  }
  conclude(call, moved);
  std::size_t have = 0;
  while (moved > 0 && have < static_cast<std::size_t>(moved)) {
    const ssize_t some = read(out.get(), text_.data() + have, text_.size() - have);
    if (some <= 0) break;
    have += static_cast<std::size_t>(some);
  }
  call.text = ByteView(text_.data(), have);
}

void KernelSockets::read_text(const Socket& socket, UserCall& call) {
  const std::size_t size = std::min<std::size_t>(call.length, text_.size());
  conclude(call, recv(socket.fd.get(), text_.data(), size, MSG_DONTWAIT));
  call.text = ByteView(text_.data(), call.result > 0 ? static_cast<std::size_t>(call.result) : 0);
}

void KernelSockets::poll_socket(const Socket& socket, UserCall& call) {
  pollfd asked{.fd = socket.fd.get(), .events = POLLIN | POLLPRI | POLLOUT, .revents = 0};
  if (poll(&asked, 1, 0) < 0) return fail(call, errno);
  std::int64_t bits = 0;
  if (asked.revents & POLLIN) bits |= 1;
  if (asked.revents & POLLPRI) bits |= 2;
  if (asked.revents & POLLOUT) bits |= 4;
  if (asked.revents & POLLERR) bits |= 8;
  if (asked.revents & POLLHUP) bits |= 16;
  succeed(call, bits);
}

// connect() to no address ends the connection, and leaves the socket.
std::optional<std::int64_t> KernelSockets::disconnect(Socket& socket) {
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  if (connect(socket.fd.get(), &none, sizeof none) != 0) return std::nullopt;
  socket.tuple = {};
  return 0;
}

std::optional<std::int64_t> KernelSockets::implementation_specific(int handle, std::string_view name,
                                                                   std::optional<std::int64_t> value) {
  stop_listening();
  if (name == "EPOLL_WAIT" && !value) return epoll_told();
  if (name == kFastOpenCookie || name == kFastOpenCookieOfZeros) return fast_open_cookie(name == kFastOpenCookie);
  Socket* socket = find(handle);
  if (socket) renew(*socket);
  if (socket) socket->plain = false;
  if (socket && value && name == kDisconnect) return disconnect(*socket);
  if (socket && value && name == kSplice) return socket->splices = true;
  if (socket && value && name == kElementOctets) return socket->piece = static_cast<std::size_t>(*value);
  if (socket && value && name.starts_with("EPOLL_CTL_")) return epoll_watch(socket->fd.get(), name, *value);
  return socket ? kernel_implementation_specific(socket->fd.get(), name, value) : std::nullopt;
}

std::optional<std::int64_t> KernelSockets::epoll_watch(int fd, std::string_view how, std::int64_t events) {
  if (!epoll_) epoll_ = FileDescriptor(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = static_cast<std::uint32_t>(events);
  const int operation = how == "EPOLL_CTL_MOD" ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (epoll_ctl(epoll_.get(), operation, fd, &event) != 0) return std::nullopt;
  return 0;
}

// The events of the first socket that has some, or none.
std::optional<std::int64_t> KernelSockets::epoll_told() const {
  epoll_event event{};
  const int count = epoll_wait(epoll_.get(), &event, 1, 0);
  if (count < 0) return std::nullopt;
  return count == 0 ? 0 : std::int64_t{event.events};
}

// With the key that the latest socket was given or, as usual, that of the namespace.
std::optional<std::int64_t> KernelSockets::fast_open_cookie(bool with_key) const {
  FastOpenKey key{};
  socklen_t size = sizeof key;
  const bool any = !sockets_.empty() && sockets_.back().fd;
  const bool own = any && getsockopt(sockets_.back().fd.get(), IPPROTO_TCP, TCP_FASTOPEN_KEY, key.data(), &size) == 0 &&
                   size == sizeof key;
  if (with_key && !own) {
    const NetworkNamespace::Visit visit(where_);
    const auto global = fast_open_key();
    if (!global) return std::nullopt;
    key = *global;
  }
  if (!with_key) key = {};
  return static_cast<std::int64_t>(tcpassay::fast_open_cookie(key, peer_address_, target_address_));
}

std::optional<State> KernelSockets::state(Tuple tuple) {
  // Asking a socket takes a tenth of the time of asking the monitor. When the socket is in CLOSED, a TIME-WAIT entry or
  // another connection may have its tuple: then ask the monitor.
  for (const Socket& socket : sockets_) {
    if (!socket.fd || socket.tuple != tuple) continue;
    tcp_info info{};
    socklen_t size = sizeof info;
    if (getsockopt(socket.fd.get(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) continue;
    if (const auto state = state_of(info.tcpi_state)) return state;
  }
  return monitor_.state({.target_address = target_address_, .peer_address = peer_address_, .tuple = tuple});
}

void KernelSockets::note_arriving(ByteView packet) {
  stop_listening();
  const auto again = flows_.note_arriving(packet);
  if (again && monitor_.state(*again)) monitor_.destroy({*again});
}

void KernelSockets::clear() {
  // The order does not matter: a connection that waits to be accepted ends with its listener.
  const linger abort_at_close{.l_onoff = 1, .l_linger = 0};
  for (Socket& socket : sockets_) {
    if (socket.fd && !keep(socket))
      setsockopt(socket.fd.get(), SOL_SOCKET, SO_LINGER, &abort_at_close, sizeof abort_at_close);
  }
  sockets_.clear();
  kept_.allow();
  epoll_.close();
  pinned_.clear();
  if (sharing_ == Sharing::kShared) {
    flows_.forget();
    return destroy_of_peer();
  }
  const bool known = !flows_.overflowed();
  const std::vector<Flow> left = flows_.end_scenario();
  if (known && left.empty()) return;
  stop_listening();  // the kernel would answer a request for a connection that is gone with the listener
  if (known && monitor_.destroy(left)) return;
  flows_.forget();
  monitor_.destroy_all();
}

void KernelSockets::destroy_of_peer() {
  std::vector<Flow> left = monitor_.all();
  std::erase_if(left, [&](const Flow& flow) { return flow.peer_address != peer_address_; });
  for (std::size_t at = 0; at < left.size(); at += SocketMonitor::kFlowsMax) {
    const auto begin = left.begin() + static_cast<std::ptrdiff_t>(at);
    const auto size = std::min(left.size() - at, SocketMonitor::kFlowsMax);
    monitor_.destroy(std::vector<Flow>(begin, begin + static_cast<std::ptrdiff_t>(size)));
  }
}

}  // namespace tcpassay
