// SPDX-License-Identifier: Apache-2.0
#include "harness/script/names.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/script/reader.h"

namespace tcpassay {
namespace {

// The first of several names for one error is the one that is printed.
constexpr ErrorName kErrors[] = {
    {UserError::kWouldBlock, 11, "EAGAIN", "Resource temporarily unavailable"},
    {UserError::kWouldBlock, 11, "EWOULDBLOCK", "Resource temporarily unavailable"},
    {UserError::kInProgress, 115, "EINPROGRESS", "Operation now in progress"},
    {UserError::kAlready, 114, "EALREADY", "Operation already in progress"},
    {UserError::kIsConnected, 106, "EISCONN", "Transport endpoint is already connected"},
    {UserError::kNotConnected, 107, "ENOTCONN", "Transport endpoint is not connected"},
    {UserError::kRefused, 111, "ECONNREFUSED", "Connection refused"},
    {UserError::kReset, 104, "ECONNRESET", "Connection reset by peer"},
    {UserError::kAborted, 103, "ECONNABORTED", "Software caused connection abort"},
    {UserError::kTimedOut, 110, "ETIMEDOUT", "Connection timed out"},
    {UserError::kPipe, 32, "EPIPE", "Broken pipe"},
    {UserError::kAddressInUse, 98, "EADDRINUSE", "Address already in use"},
    {UserError::kInvalid, 22, "EINVAL", "Invalid argument"},
    {UserError::kBadHandle, 9, "EBADF", "Bad file descriptor"},
    {UserError::kUnreachable, 113, "EHOSTUNREACH", "No route to host"},
    {UserError::kUnreachable, 101, "ENETUNREACH", "Network is unreachable"},
    {UserError::kNoBuffers, 105, "ENOBUFS", "No buffer space available"},
    {UserError::kNotSupported, 95, "EOPNOTSUPP", "Operation not supported"},
    {UserError::kNoProtocolOption, 92, "ENOPROTOOPT", "Protocol not available"},
    {UserError::kOther, 5, "EIO", "Input output error"},
};

constexpr int kIp = 0, kSocket = 1, kTcp = 6, kIpv6 = 41;
struct LevelName {
  const char* name;
  int number;
};
constexpr LevelName kLevels[] = {{"SOL_SOCKET", kSocket}, {"SOL_TCP", kTcp},   {"IPPROTO_TCP", kTcp},  {"SOL_IP", kIp},
                                 {"IPPROTO_IP", kIp},     {"SOL_IPV6", kIpv6}, {"IPPROTO_IPV6", kIpv6}};

constexpr OptionName kOptions[] = {
    {SocketOption::kReuseAddress, "SOL_SOCKET", "SO_REUSEADDR", kSocket, 2, true},
    {SocketOption::kLinger, "SOL_SOCKET", "SO_LINGER", kSocket, 13, true},
    {SocketOption::kReceiveBuffer, "SOL_SOCKET", "SO_RCVBUF", kSocket, 8, true},
    {SocketOption::kSendBuffer, "SOL_SOCKET", "SO_SNDBUF", kSocket, 7, true},
    {SocketOption::kError, "SOL_SOCKET", "SO_ERROR", kSocket, 4, true},
    {SocketOption::kKeepAlive, "SOL_SOCKET", "SO_KEEPALIVE", kSocket, 9, true},
    {SocketOption::kOutOfBandInline, "SOL_SOCKET", "SO_OOBINLINE", kSocket, 10, true},
    {SocketOption::kTypeOfService, "SOL_IP", "IP_TOS", kIp, 1, true},
    {SocketOption::kTimeToLive, "SOL_IP", "IP_TTL", kIp, 2, true},
    {SocketOption::kTypeOfService, "SOL_IPV6", "IPV6_TCLASS", kIpv6, 67, true},
    {SocketOption::kTimeToLive, "SOL_IPV6", "IPV6_UNICAST_HOPS", kIpv6, 16, true},
    {SocketOption::kNoDelay, "SOL_TCP", "TCP_NODELAY", kTcp, 1, true},
    {SocketOption::kMaxSegment, "SOL_TCP", "TCP_MAXSEG", kTcp, 2, true},
    {SocketOption::kUserTimeout, "SOL_TCP", "TCP_USER_TIMEOUT", kTcp, 18, true},
    {SocketOption::kKeepIdle, "SOL_TCP", "TCP_KEEPIDLE", kTcp, 4, true},
    {SocketOption::kKeepInterval, "SOL_TCP", "TCP_KEEPINTVL", kTcp, 5, true},
    {SocketOption::kKeepCount, "SOL_TCP", "TCP_KEEPCNT", kTcp, 6, true},
    {SocketOption::kQuickAck, "SOL_TCP", "TCP_QUICKACK", kTcp, 12, true},
    {SocketOption::kCork, "SOL_TCP", "TCP_CORK", kTcp, 3, true},
    {SocketOption::kFastOpen, "SOL_TCP", "TCP_FASTOPEN", kTcp, 23, true},
    {SocketOption::kOther, "SOL_SOCKET", "SO_PRIORITY", kSocket, 12, false},
    {SocketOption::kOther, "SOL_SOCKET", "SO_RCVLOWAT", kSocket, 18, false},
    {SocketOption::kOther, "SOL_SOCKET", "SO_TIMESTAMP", kSocket, 29, false},
    {SocketOption::kOther, "SOL_SOCKET", "SO_MARK", kSocket, 36, false},
    {SocketOption::kOther, "SOL_SOCKET", "SO_TIMESTAMPING", kSocket, 37, false},
    {SocketOption::kOther, "SOL_SOCKET", "SO_BUSY_POLL", kSocket, 46, false},
    {SocketOption::kOther, "SOL_SOCKET", "SO_MAX_PACING_RATE", kSocket, 47, false},
    {SocketOption::kOther, "SOL_SOCKET", "SO_ZEROCOPY", kSocket, 60, false},
    {SocketOption::kOther, "SOL_IP", "IP_MTU_DISCOVER", kIp, 10, true},
    {SocketOption::kOther, "SOL_IP", "IP_RECVERR", kIp, 11, false},
    {SocketOption::kOther, "SOL_IP", "IP_MTU", kIp, 14, true},
    {SocketOption::kOther, "SOL_IP", "IP_FREEBIND", kIp, 15, false},
    {SocketOption::kOther, "SOL_IPV6", "IPV6_RECVERR", kIpv6, 25, false},
    {SocketOption::kOther, "SOL_TCP", "TCP_SYNCNT", kTcp, 7, true},
    {SocketOption::kOther, "SOL_TCP", "TCP_LINGER2", kTcp, 8, true},
    {SocketOption::kOther, "SOL_TCP", "TCP_DEFER_ACCEPT", kTcp, 9, true},
    {SocketOption::kOther, "SOL_TCP", "TCP_WINDOW_CLAMP", kTcp, 10, true},
    {SocketOption::kOther, "SOL_TCP", "TCP_NOTSENT_LOWAT", kTcp, 25, false},
    {SocketOption::kOther, "SOL_TCP", "TCP_SAVE_SYN", kTcp, 27, false},
    {SocketOption::kOther, "SOL_TCP", "TCP_FASTOPEN_CONNECT", kTcp, 30, false},
    {SocketOption::kOther, "SOL_TCP", "TCP_FASTOPEN_KEY", kTcp, 33, true},
    {SocketOption::kOther, "SOL_TCP", "TCP_FASTOPEN_NO_COOKIE", kTcp, 34, true},
    {SocketOption::kOther, "SOL_TCP", "TCP_INQ", kTcp, 36, false},
    {SocketOption::kOther, "SOL_TCP", "TCP_TX_DELAY", kTcp, 37, true},
};

constexpr PollName kPollEvents[] = {{1, "POLLIN"}, {2, "POLLPRI"}, {4, "POLLOUT"}, {8, "POLLERR"}, {16, "POLLHUP"}};

int level_number(const std::string& level) {
  const auto* known =
      std::find_if(std::begin(kLevels), std::end(kLevels), [&](const LevelName& each) { return level == each.name; });
  if (known != std::end(kLevels)) return known->number;
  return static_cast<int>(integer(level).value_or(-1));
}

}  // namespace

const ErrorName* error_named(const std::string& text) {
  const auto value = integer(text);
  const auto* known = std::find_if(std::begin(kErrors), std::end(kErrors), [&](const ErrorName& error) {
    return text == error.name || (value && *value == error.number);
  });
  return known == std::end(kErrors) ? nullptr : known;
}

const ErrorName* name_of(UserError error) {
  const auto* known = std::find_if(std::begin(kErrors), std::end(kErrors),
                                   [&](const ErrorName& candidate) { return candidate.error == error; });
  return known == std::end(kErrors) ? nullptr : known;
}

const OptionName* option_named(const std::string& level, const std::string& name) {
  const int number = level_number(level);
  const auto value = integer(name);
  const auto* known = std::find_if(std::begin(kOptions), std::end(kOptions), [&](const OptionName& option) {
    return number == option.level_number && (name == option.name || (value && *value == option.number));
  });
  return known == std::end(kOptions) ? nullptr : known;
}

const OptionName* name_of(SocketOption option) {
  const auto* known = std::find_if(std::begin(kOptions), std::end(kOptions),
                                   [&](const OptionName& each) { return option == each.option; });
  return known == std::end(kOptions) || option == SocketOption::kOther ? nullptr : known;
}

int poll_bit(std::string_view name) {
  const auto* known = std::find_if(std::begin(kPollEvents), std::end(kPollEvents),
                                   [&](const PollName& event) { return name == event.name; });
  return known == std::end(kPollEvents) ? 0 : known->bit;
}

std::string poll_names(std::int64_t bits) {
  std::string names;
  for (const PollName& event : kPollEvents) {
    if ((bits & event.bit) != 0) names += fmt::format("{}{}", names.empty() ? "" : "|", event.name);
  }
  return names.empty() ? "0" : names;
}

}  // namespace tcpassay
