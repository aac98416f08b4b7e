// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/kernel_sockets.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>
#include <string>

#include "harness/targets/linux/kernel_implementation_specific.h"

namespace tcpassay {
namespace {

constexpr int kFirstHandle = 3;
constexpr std::size_t kSocketsMax = 1000;  // handles of one scenario
constexpr std::size_t kFlowsMax = 64;      // more than these are found by a dump
constexpr std::size_t kReadMax = 1 << 20;  // octets of one read
constexpr int kClearRoundsMax = 8;         // dumps until nothing is left

constexpr Address kLoopback{.octets = {127, 0, 0, 1}};
constexpr Address kBroadcastAddress{.octets = {255, 255, 255, 255}};
constexpr Address kAllHosts{.octets = {224, 0, 0, 1}};

UserError user_error(int error) {
  switch (error) {
    case 0:
      return UserError::kNone;
    case EAGAIN:
      return UserError::kWouldBlock;
    case EINPROGRESS:
      return UserError::kInProgress;
    case EALREADY:
      return UserError::kAlready;
    case EISCONN:
      return UserError::kIsConnected;
    case ENOTCONN:
      return UserError::kNotConnected;
    case ECONNREFUSED:
      return UserError::kRefused;
    case ECONNRESET:
      return UserError::kReset;
    case ECONNABORTED:
      return UserError::kAborted;
    case ETIMEDOUT:
      return UserError::kTimedOut;
    case EPIPE:
      return UserError::kPipe;
    case EADDRINUSE:
      return UserError::kAddressInUse;
    case EINVAL:
      return UserError::kInvalid;
    case EBADF:
      return UserError::kBadHandle;
    case EHOSTUNREACH:
    case ENETUNREACH:
      return UserError::kUnreachable;
    case ENOBUFS:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return UserError::kNoBuffers;
    case EOPNOTSUPP:
      return UserError::kNotSupported;
    case ENOPROTOOPT:
      return UserError::kNoProtocolOption;
    default:
      return UserError::kOther;
  }
}

std::optional<State> state_of(int kernel_state) {
  switch (kernel_state) {
    case TCP_ESTABLISHED:
      return State::kEstablished;
    case TCP_SYN_SENT:
      return State::kSynSent;
    case TCP_SYN_RECV:
      return State::kSynReceived;
    case TCP_FIN_WAIT1:
      return State::kFinWait1;
    case TCP_FIN_WAIT2:
      return State::kFinWait2;
    case TCP_TIME_WAIT:
      return State::kTimeWait;
    case TCP_CLOSE_WAIT:
      return State::kCloseWait;
    case TCP_LAST_ACK:
      return State::kLastAck;
    case TCP_CLOSING:
      return State::kClosing;
    case 12:
      return State::kSynReceived;  // TCP_NEW_SYN_RECV: a request, not yet a socket
    default:
      return std::nullopt;  // CLOSED and LISTEN
  }
}

// The options that are one int for the kernel too.
struct IntOption {
  SocketOption option;
  int level, name;
};
constexpr IntOption kIntOptions[] = {
    {SocketOption::kReuseAddress, SOL_SOCKET, SO_REUSEADDR},
    {SocketOption::kNoDelay, IPPROTO_TCP, TCP_NODELAY},
    {SocketOption::kMaxSegment, IPPROTO_TCP, TCP_MAXSEG},
    {SocketOption::kReceiveBuffer, SOL_SOCKET, SO_RCVBUF},
    {SocketOption::kSendBuffer, SOL_SOCKET, SO_SNDBUF},
    {SocketOption::kError, SOL_SOCKET, SO_ERROR},
    {SocketOption::kUserTimeout, IPPROTO_TCP, TCP_USER_TIMEOUT},
    {SocketOption::kKeepAlive, SOL_SOCKET, SO_KEEPALIVE},
    {SocketOption::kKeepIdle, IPPROTO_TCP, TCP_KEEPIDLE},
    {SocketOption::kKeepInterval, IPPROTO_TCP, TCP_KEEPINTVL},
    {SocketOption::kKeepCount, IPPROTO_TCP, TCP_KEEPCNT},
    {SocketOption::kQuickAck, IPPROTO_TCP, TCP_QUICKACK},
    {SocketOption::kCork, IPPROTO_TCP, TCP_CORK},
    {SocketOption::kOutOfBandInline, SOL_SOCKET, SO_OOBINLINE},
    {SocketOption::kTypeOfService, IPPROTO_IP, IP_TOS},
    {SocketOption::kTimeToLive, IPPROTO_IP, IP_TTL},
    {SocketOption::kFastOpen, IPPROTO_TCP, TCP_FASTOPEN},
};

// What has a name of its own over IPv6.
constexpr IntOption kIpv6Options[] = {
    {SocketOption::kTypeOfService, IPPROTO_IPV6, IPV6_TCLASS},
    {SocketOption::kTimeToLive, IPPROTO_IPV6, IPV6_UNICAST_HOPS},
};

bool is_ipv6(int fd) {
  int family = 0;
  socklen_t size = sizeof family;
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family == AF_INET6;
}

const IntOption* int_option(SocketOption option, int fd) {
  for (const IntOption& each : kIpv6Options) {
    if (each.option == option && is_ipv6(fd)) return &each;
  }
  for (const IntOption& each : kIntOptions) {
    if (each.option == option) return &each;
  }
  return nullptr;
}

int clamp_to_int(std::int64_t value) {
  return static_cast<int>(std::clamp<std::int64_t>(value, INT_MIN, INT_MAX));
}

void succeed(UserCall& call, std::int64_t result) {
  call.result = result;
  call.error = UserError::kNone;
}

void fail(UserCall& call, int error) {
  call.result = -1;
  call.error = user_error(error);
}

// For calls that return what the system call returned.
void conclude(UserCall& call, std::int64_t result) {
  if (result >= 0) {
    succeed(call, result);
  } else {
    fail(call, errno);
  }
}

int family_of(const Address& address) {
  return address.family == 6 ? AF_INET6 : AF_INET;
}

// An address and a port as the kernel wants them.
class SocketName {
 public:
  SocketName() = default;
  SocketName(const Address& address, std::uint16_t port) {
    if (address.family == 6) {
      sockaddr_in6 name{};
      name.sin6_family = AF_INET6;
      name.sin6_port = htons(port);
      std::memcpy(&name.sin6_addr, address.octets.data(), sizeof name.sin6_addr);
      std::memcpy(&storage_, &name, size_ = sizeof name);
      return;
    }
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    std::memcpy(&name.sin_addr, address.octets.data(), sizeof name.sin_addr);
    std::memcpy(&storage_, &name, size_ = sizeof name);
  }

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  socklen_t* room() { return &size_; }

  std::uint16_t port() const {  // stands at the same place in both families
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    sockaddr_in name;
    std::memcpy(&name, &storage_, sizeof name);
    return ntohs(name.sin_port);
  }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = sizeof storage_;
};

std::uint16_t local_port(int fd) {
  SocketName name;
  return getsockname(fd, name.get(), name.room()) == 0 ? name.port() : std::uint16_t{0};
}

// One request of the socket monitoring interface: about one flow, or a dump of all.
struct DiagRequest {
  nlmsghdr header;
  inet_diag_req_v2 body;
};
static_assert(sizeof(DiagRequest) % NLMSG_ALIGNTO == 0, "requests stand one behind another in a batch");

DiagRequest diag_request(std::uint16_t type, std::uint16_t flags, const Flow& flow = {}) {
  DiagRequest request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  request.body.sdiag_family = static_cast<std::uint8_t>(family_of(flow.target_address));
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = ~0u;
  request.body.id.idiag_sport = htons(flow.tuple.local);
  request.body.id.idiag_dport = htons(flow.tuple.remote);
  static_assert(sizeof request.body.id.idiag_src == sizeof flow.target_address.octets);
  std::memcpy(request.body.id.idiag_src, flow.target_address.octets.data(), sizeof request.body.id.idiag_src);
  std::memcpy(request.body.id.idiag_dst, flow.peer_address.octets.data(), sizeof request.body.id.idiag_dst);
  request.body.id.idiag_cookie[0] = request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return request;
}

Flow flow_of(const inet_diag_msg& message) {
  const auto version = static_cast<std::uint8_t>(message.idiag_family == AF_INET6 ? 6 : 4);
  Flow flow{.target_address = {.family = version}, .peer_address = {.family = version}};
  const std::size_t octets = version == 6 ? 16 : 4;
  std::memcpy(flow.target_address.octets.data(), message.id.idiag_src, octets);
  std::memcpy(flow.peer_address.octets.data(), message.id.idiag_dst, octets);
  flow.tuple = {.local = ntohs(message.id.idiag_sport), .remote = ntohs(message.id.idiag_dport)};
  return flow;
}

// Calls visit(header, payload) for each netlink message in a datagram; payload points to at least `minimum` octets.
template <class Visit>
void for_each_message(ByteView datagram, Visit visit) {
  nlmsghdr header;
  while (datagram.size() >= sizeof header) {
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > datagram.size()) return;
    visit(header, datagram.subspan(sizeof header, header.nlmsg_len - sizeof header));
    datagram = datagram.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
  }
}

int error_in(ByteView payload) {
  int error = -EPROTO;
  if (payload.size() >= sizeof error) std::memcpy(&error, payload.data(), sizeof error);
  return -error;
}

[[noreturn]] void no_monitoring(int error) {
  throw TargetError(std::string("the kernel does not let its sockets be looked at (") + std::strerror(error) +
                    "): modprobe tcp_diag, or a kernel with CONFIG_INET_DIAG and CONFIG_INET_DIAG_DESTROY");
}

NetlinkSocket open_diag(const NetworkNamespace& where) {
  const NetworkNamespace::Visit visit(where);
  return NetlinkSocket(NETLINK_SOCK_DIAG);
}

}  // namespace

KernelSockets::KernelSockets(const NetworkNamespace& where) : where_(where), diag_(open_diag(where)), text_(kReadMax) {
  remaining();  // loads the kernel's module for it, or throws
  // Nothing is there to be destroyed; a kernel that can destroy says so.
  const DiagRequest request = diag_request(SOCK_DESTROY, NLM_F_ACK);
  if (send(diag_.get(), &request, sizeof request, 0) < 0) no_monitoring(errno);
  const ssize_t size = recv(diag_.get(), answer_.data(), answer_.size(), 0);
  if (size < 0) no_monitoring(errno);
  for_each_message(ByteView(answer_.data(), static_cast<std::size_t>(size)), [](const nlmsghdr&, ByteView payload) {
    if (error_in(payload) != ENOENT) no_monitoring(error_in(payload));
  });
}

void KernelSockets::use(const Address& target, const Address& peer) {
  assert(sockets_.empty());
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
  const int fd = socket->fd.get();
  switch (call.kind) {
    case CallKind::kSocket:
      return;
    case CallKind::kBind:
      return bind_socket(*socket, call);
    case CallKind::kListen:
      return conclude(call, listen(fd, clamp_to_int(call.length)));
    case CallKind::kConnect:
      return connect_socket(*socket, call);
    case CallKind::kAccept:
      return accept_connection(*socket, call);
    case CallKind::kWrite:
      return conclude(call, send(fd, call.text.data(), call.text.size(),
                                 MSG_NOSIGNAL | MSG_DONTWAIT | (call.urgent ? MSG_OOB : 0)));
    case CallKind::kSendTo:
      return connect_socket(*socket, call);
    case CallKind::kRead:
      return read_text(*socket, call);
    case CallKind::kShutdown:
      return conclude(call, shutdown(fd, call.how));
    case CallKind::kClose:
      socket->fd.close();
      return succeed(call, 0);
    case CallKind::kSetOption:
      return set_option(*socket, call);
    case CallKind::kGetOption:
      return get_option(*socket, call);
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
  const NetworkNamespace::Visit visit(where_);
  FileDescriptor fd(socket(family_of(target_address_), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail(call, errno);
  // As every server does: a port whose earlier connections are in TIME-WAIT can be listened on again.
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  add_socket(std::move(fd), {}, call);
}

void KernelSockets::bind_socket(const Socket& socket, UserCall& call) {
  SocketName name(call.host == Host::kElsewhere ? kLoopback : target_address_, call.port);
  conclude(call, bind(socket.fd.get(), name.get(), name.size()));
}

void KernelSockets::connect_socket(Socket& socket, UserCall& call) {
  SocketName name(call.host == Host::kBroadcast   ? kBroadcastAddress
                  : call.host == Host::kMulticast ? kAllHosts
                                                  : peer_address_,
                  call.port);
  const int fd = socket.fd.get();
  conclude(call, call.kind == CallKind::kConnect
                     ? connect(fd, name.get(), name.size())
                     : sendto(fd, call.text.data(), call.text.size(), MSG_FASTOPEN | MSG_NOSIGNAL | MSG_DONTWAIT,
                              name.get(), name.size()));
  if (call.result < 0 && call.error != UserError::kInProgress) return;
  socket.tuple = call.tuple = {.local = local_port(socket.fd.get()), .remote = call.port};
  note_flow({.target_address = target_address_, .peer_address = peer_address_, .tuple = call.tuple});
}

void KernelSockets::accept_connection(const Socket& listener, UserCall& call) {
  if (sockets_.size() == kSocketsMax) return fail(call, EMFILE);
  SocketName name;
  FileDescriptor fd(accept4(listener.fd.get(), name.get(), name.room(), SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) return fail(call, errno);
  call.tuple = {.local = local_port(fd.get()), .remote = name.port()};
  add_socket(std::move(fd), call.tuple, call);
}

void KernelSockets::read_text(const Socket& socket, UserCall& call) {
  const std::size_t size = std::min<std::size_t>(call.length, text_.size());
  conclude(call, recv(socket.fd.get(), text_.data(), size, MSG_DONTWAIT));
  call.text = ByteView(text_.data(), call.result > 0 ? static_cast<std::size_t>(call.result) : 0);
}

void KernelSockets::set_option(const Socket& socket, UserCall& call) {
  if (call.option == SocketOption::kLinger) {
    const linger value{.l_onoff = call.value >= 0, .l_linger = clamp_to_int(std::max<std::int64_t>(call.value, 0))};
    return conclude(call, setsockopt(socket.fd.get(), SOL_SOCKET, SO_LINGER, &value, sizeof value));
  }
  const IntOption* const option = int_option(call.option, socket.fd.get());
  if (option == nullptr) return fail(call, ENOPROTOOPT);
  const int value = clamp_to_int(call.value);
  conclude(call, setsockopt(socket.fd.get(), option->level, option->name, &value, sizeof value));
}

void KernelSockets::get_option(const Socket& socket, UserCall& call) {
  if (call.option == SocketOption::kLinger) {
    linger value{};
    socklen_t size = sizeof value;
    conclude(call, getsockopt(socket.fd.get(), SOL_SOCKET, SO_LINGER, &value, &size));
    call.value = value.l_onoff ? value.l_linger : -1;
    return;
  }
  if (call.option == SocketOption::kAtMark) {
    int at_mark = 0;
    conclude(call, ioctl(socket.fd.get(), SIOCATMARK, &at_mark));
    call.value = at_mark;
    return;
  }
  const IntOption* const option = int_option(call.option, socket.fd.get());
  if (option == nullptr) return fail(call, ENOPROTOOPT);
  int value = 0;
  socklen_t size = sizeof value;
  conclude(call, getsockopt(socket.fd.get(), option->level, option->name, &value, &size));
  call.value = call.option == SocketOption::kError ? static_cast<int>(user_error(value)) : value;
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

std::optional<std::int64_t> KernelSockets::implementation_specific(int handle, std::string_view name,
                                                                   std::optional<std::int64_t> value) {
  const Socket* socket = find(handle);
  return socket ? kernel_implementation_specific(socket->fd.get(), name, value) : std::nullopt;
}

std::optional<State> KernelSockets::state(Tuple tuple) {
  // A tenth of the price where there is a socket. One in CLOSED may have left its tuple to a remainder in TIME-WAIT or
  // to another connection.
  for (const Socket& socket : sockets_) {
    if (!socket.fd || socket.tuple != tuple) continue;
    tcp_info info{};
    socklen_t size = sizeof info;
    if (getsockopt(socket.fd.get(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) continue;
    if (const auto state = state_of(info.tcpi_state)) return state;
  }
  return look_up(tuple);
}

std::optional<State> KernelSockets::look_up(Tuple tuple) {
  const Flow flow{.target_address = target_address_, .peer_address = peer_address_, .tuple = tuple};
  const DiagRequest request = diag_request(SOCK_DIAG_BY_FAMILY, 0, flow);
  if (send(diag_.get(), &request, sizeof request, 0) < 0) no_monitoring(errno);
  const ssize_t size = recv(diag_.get(), answer_.data(), answer_.size(), 0);
  if (size < 0) no_monitoring(errno);
  std::optional<State> state;
  for_each_message(ByteView(answer_.data(), static_cast<std::size_t>(size)),
                   [&](const nlmsghdr& header, ByteView payload) {
                     inet_diag_msg message;
                     if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || payload.size() < sizeof message) return;
                     std::memcpy(&message, payload.data(), sizeof message);
                     if (flow_of(message) == flow) state = state_of(message.idiag_state);  // a miss brings the listener
                   });
  return state;
}

void KernelSockets::note_arriving(ByteView packet) {
  constexpr std::size_t kControlBits = 13;  // their offset in a TCP header
  constexpr std::uint8_t kSyn = 0x02;
  if (packet.empty()) return;
  const std::uint8_t version = packet[0] >> 4;
  const bool ipv6 = version == 6;
  const std::size_t header = ipv6 ? 40 : 20, addresses = ipv6 ? 8 : 12, octets = ipv6 ? 16 : 4;
  if ((version != 4 && !ipv6) || packet.size() < header) return;
  const std::uint8_t protocol = packet[ipv6 ? 6 : 9];
  if (ipv6 && protocol != IPPROTO_TCP) flows_overflowed_ = true;  // behind an extension header may be a SYN
  if (protocol != IPPROTO_TCP) return;
  const std::size_t tcp = ipv6 ? header : static_cast<std::size_t>(packet[0] & 15) * 4;
  if (packet.size() <= tcp + kControlBits || !(packet[tcp + kControlBits] & kSyn)) return;
  Flow flow{.target_address = {.family = version}, .peer_address = {.family = version}};
  std::memcpy(flow.peer_address.octets.data(), &packet[addresses], octets);
  std::memcpy(flow.target_address.octets.data(), &packet[addresses + octets], octets);
  flow.tuple.remote = static_cast<std::uint16_t>(packet[tcp] << 8 | packet[tcp + 1]);
  flow.tuple.local = static_cast<std::uint16_t>(packet[tcp + 2] << 8 | packet[tcp + 3]);
  note_flow(flow);
}

void KernelSockets::note_flow(const Flow& flow) {
  if (flows_overflowed_ || std::find(flows_.rbegin(), flows_.rend(), flow) != flows_.rend()) return;
  if (flows_.size() == kFlowsMax) {
    flows_overflowed_ = true;
    return;
  }
  flows_.push_back(flow);
}

void KernelSockets::clear() {
  // Listeners go first or last, it does not matter: a connection that waits to be accepted ends with its listener.
  const linger abort_at_close{.l_onoff = 1, .l_linger = 0};
  for (const Socket& socket : sockets_) {
    if (socket.fd) setsockopt(socket.fd.get(), SOL_SOCKET, SO_LINGER, &abort_at_close, sizeof abort_at_close);
  }
  sockets_.clear();
  // Now no listener is left that an exact look-up could take for a connection it does not find.
  if (flows_overflowed_ || !destroy(flows_)) destroy_remaining();
  flows_.clear();
  flows_overflowed_ = false;
}

bool KernelSockets::destroy(const std::vector<Flow>& flows) {
  if (flows.empty()) return true;
  std::array<DiagRequest, kFlowsMax> batch;
  assert(flows.size() <= batch.size());
  std::transform(flows.begin(), flows.end(), batch.begin(),
                 [](const Flow& flow) { return diag_request(SOCK_DESTROY, 0, flow); });
  if (send(diag_.get(), batch.data(), flows.size() * sizeof(DiagRequest), 0) < 0) return false;
  // The kernel has done it all when send() returns, and answers only where it failed.
  bool done = true;
  for (;;) {
    const ssize_t size = recv(diag_.get(), answer_.data(), answer_.size(), MSG_DONTWAIT);
    if (size < 0) return done && errno == EAGAIN;
    for_each_message(ByteView(answer_.data(), static_cast<std::size_t>(size)), [&](const nlmsghdr&, ByteView payload) {
      if (error_in(payload) != ENOENT) done = false;  // ENOENT: nothing was left
    });
  }
}

std::vector<Flow> KernelSockets::remaining() {
  std::vector<Flow> flows;
  dump(4, flows);
  if (where_.has_ipv6()) dump(6, flows);
  return flows;
}

void KernelSockets::dump(std::uint8_t version, std::vector<Flow>& flows) {
  const Flow any{.target_address = {.family = version}};
  const DiagRequest request = diag_request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, any);
  if (send(diag_.get(), &request, sizeof request, 0) < 0) no_monitoring(errno);
  for (bool done = false; !done;) {
    const ssize_t size = recv(diag_.get(), answer_.data(), answer_.size(), 0);
    if (size < 0) no_monitoring(errno);
    for_each_message(ByteView(answer_.data(), static_cast<std::size_t>(size)),
                     [&](const nlmsghdr& header, ByteView payload) {
                       if (header.nlmsg_type == NLMSG_DONE) done = true;
                       if (header.nlmsg_type == NLMSG_ERROR) no_monitoring(error_in(payload));
                       inet_diag_msg message;
                       if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || payload.size() < sizeof message) return;
                       std::memcpy(&message, payload.data(), sizeof message);
                       flows.push_back(flow_of(message));
                     });
  }
}

void KernelSockets::destroy_remaining() {
  for (int round = 0; round < kClearRoundsMax; ++round) {
    const std::vector<Flow> flows = remaining();
    if (flows.empty()) return;
    for (std::size_t at = 0; at < flows.size(); at += kFlowsMax) {
      const std::size_t end = std::min(flows.size(), at + kFlowsMax);
      destroy(std::vector<Flow>(flows.begin() + static_cast<std::ptrdiff_t>(at),
                                flows.begin() + static_cast<std::ptrdiff_t>(end)));
    }
  }
  throw TargetError("the kernel does not forget " + std::to_string(remaining().size()) +
                    " connections of an earlier scenario; make a new target");
}

}  // namespace tcpassay
