// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/kernel_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "harness/targets/linux/kernel_answers.h"

namespace tcpassay {
namespace {

// The options whose value is one int.
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

// Options that have another name over IPv6.
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

}  // namespace

void set_kernel_option(int fd, UserCall& call) {
  if (call.option == SocketOption::kLinger) {
    const linger value{.l_onoff = call.value >= 0, .l_linger = clamp_to_int(std::max<std::int64_t>(call.value, 0))};
    return conclude(call, setsockopt(fd, SOL_SOCKET, SO_LINGER, &value, sizeof value));
  }
  const IntOption* const option = int_option(call.option, fd);
  if (option == nullptr) return fail(call, ENOPROTOOPT);
  const int value = clamp_to_int(call.value);
  conclude(call, setsockopt(fd, option->level, option->name, &value, sizeof value));
}

void get_kernel_option(int fd, UserCall& call) {
  if (call.option == SocketOption::kLinger) {
    linger value{};
    socklen_t size = sizeof value;
    conclude(call, getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &size));
    call.value = value.l_onoff ? value.l_linger : -1;
    return;
  }
  if (call.option == SocketOption::kAtMark) {
    int at_mark = 0;
    conclude(call, ioctl(fd, SIOCATMARK, &at_mark));
    call.value = at_mark;
    return;
  }
  const IntOption* const option = int_option(call.option, fd);
  if (option == nullptr) return fail(call, ENOPROTOOPT);
  int value = 0;
  socklen_t size = sizeof value;
  conclude(call, getsockopt(fd, option->level, option->name, &value, &size));
  call.value = call.option == SocketOption::kError ? static_cast<int>(user_error(value)) : value;
}

}  // namespace tcpassay
