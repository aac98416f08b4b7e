// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/kernel_implementation_specific.h"

#include <linux/errqueue.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tcpassay {
namespace {

struct Field {
  const char* name;
  std::int64_t (*value)(const tcp_info& info);
};
#define FIELD(name) {"tcpi_" #name, [](const tcp_info& info) { return static_cast<std::int64_t>(info.tcpi_##name); }}
constexpr Field kFields[] = {
    FIELD(state),         FIELD(ca_state),
    FIELD(probes),        FIELD(backoff),
    FIELD(options),       FIELD(snd_wscale),
    FIELD(rcv_wscale),    FIELD(rto),
    FIELD(ato),           FIELD(snd_mss),
    FIELD(rcv_mss),       FIELD(unacked),
    FIELD(sacked),        FIELD(lost),
    FIELD(retrans),       FIELD(last_data_sent),
    FIELD(last_ack_sent), FIELD(last_data_recv),
    FIELD(last_ack_recv), FIELD(pmtu),
    FIELD(rcv_ssthresh),  FIELD(rtt),
    FIELD(rttvar),        FIELD(snd_ssthresh),
    FIELD(snd_cwnd),      FIELD(advmss),
    FIELD(reordering),    FIELD(rcv_rtt),
    FIELD(rcv_space),     FIELD(total_retrans),
    FIELD(pacing_rate),   FIELD(max_pacing_rate),
    FIELD(bytes_acked),   FIELD(bytes_received),
    FIELD(segs_out),      FIELD(segs_in),
    FIELD(notsent_bytes), FIELD(min_rtt),
    FIELD(data_segs_in),  FIELD(data_segs_out),
    FIELD(delivery_rate), FIELD(busy_time),
    FIELD(rwnd_limited),  FIELD(sndbuf_limited),
    FIELD(delivered),     FIELD(delivered_ce),
    FIELD(bytes_sent),    FIELD(bytes_retrans),
    FIELD(dsack_dups),    FIELD(reord_seen),
    FIELD(rcv_ooopack),   FIELD(snd_wnd),
    FIELD(retransmits),
};
#undef FIELD

struct Option {
  const char* name;
  int level, number;
};
constexpr Option kOptions[] = {
    {"SOL_SOCKET.SO_PRIORITY", SOL_SOCKET, SO_PRIORITY},
    {"SOL_SOCKET.SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT},
    {"SOL_SOCKET.SO_TIMESTAMP", SOL_SOCKET, SO_TIMESTAMP},
    {"SOL_SOCKET.SO_MARK", SOL_SOCKET, SO_MARK},
    {"SOL_SOCKET.SO_TIMESTAMPING", SOL_SOCKET, SO_TIMESTAMPING},
    {"SOL_SOCKET.SO_BUSY_POLL", SOL_SOCKET, SO_BUSY_POLL},
    {"SOL_SOCKET.SO_MAX_PACING_RATE", SOL_SOCKET, SO_MAX_PACING_RATE},
    {"SOL_SOCKET.SO_ZEROCOPY", SOL_SOCKET, SO_ZEROCOPY},
    {"SOL_IP.IP_MTU_DISCOVER", IPPROTO_IP, IP_MTU_DISCOVER},
    {"SOL_IP.IP_RECVERR", IPPROTO_IP, IP_RECVERR},
    {"SOL_IP.IP_MTU", IPPROTO_IP, IP_MTU},
    {"SOL_IP.IP_FREEBIND", IPPROTO_IP, IP_FREEBIND},
    {"SOL_IPV6.IPV6_RECVERR", IPPROTO_IPV6, IPV6_RECVERR},
    {"SOL_TCP.TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT},
    {"SOL_TCP.TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2},
    {"SOL_TCP.TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT},
    {"SOL_TCP.TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP},
    {"SOL_TCP.TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT},
    {"SOL_TCP.TCP_SAVE_SYN", IPPROTO_TCP, TCP_SAVE_SYN},
    {"SOL_TCP.TCP_FASTOPEN_CONNECT", IPPROTO_TCP, TCP_FASTOPEN_CONNECT},
    {"SOL_TCP.TCP_FASTOPEN_NO_COOKIE", IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE},
    {"SOL_TCP.TCP_INQ", IPPROTO_TCP, TCP_INQ},
    {"SOL_TCP.TCP_TX_DELAY", IPPROTO_TCP, TCP_TX_DELAY},
};

// Of SO_MEMINFO, in the order of the kernel's array.
constexpr const char* kMemory[] = {"SK_MEMINFO_RMEM_ALLOC", "SK_MEMINFO_RCVBUF",    "SK_MEMINFO_WMEM_ALLOC",
                                   "SK_MEMINFO_SNDBUF",     "SK_MEMINFO_FWD_ALLOC", "SK_MEMINFO_WMEM_QUEUED",
                                   "SK_MEMINFO_OPTMEM",     "SK_MEMINFO_BACKLOG",   "SK_MEMINFO_DROPS"};

std::optional<std::int64_t> memory_value(int fd, std::size_t index) {
  std::uint32_t values[16]{};
  socklen_t size = sizeof values;
  if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values, &size) != 0 || size <= index * sizeof values[0])
    return std::nullopt;
  return values[index];
}

// The oldest message of the error queue: ee_code, ee_info and ee_data, 24 bits each. Empty when there is none.
std::optional<std::int64_t> queued_error(int fd) {
  alignas(cmsghdr) char control[512];
  msghdr message{};
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return std::nullopt;
  std::int64_t value = 0;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
    const bool ipv4 = each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_RECVERR;
    const bool ipv6 = each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_RECVERR;
    if ((!ipv4 && !ipv6) || each->cmsg_len < CMSG_LEN(sizeof(sock_extended_err))) continue;
    sock_extended_err error{};
    std::memcpy(&error, CMSG_DATA(each), sizeof error);
    constexpr std::int64_t kBits = 0xffffff;
    value = (std::int64_t{error.ee_code} << 48) | ((error.ee_info & kBits) << 24) | (error.ee_data & kBits);
  }
  return value;
}

struct Request {
  const char* name;
  unsigned long number;
};
constexpr Request kRequests[] = {{"SIOCINQ", SIOCINQ}, {"SIOCOUTQ", SIOCOUTQ}, {"SIOCOUTQNSD", SIOCOUTQNSD}};

std::optional<std::int64_t> option_value(int fd, const Option& option, std::optional<std::int64_t> value) {
  int number = static_cast<int>(value.value_or(0));
  if (value && setsockopt(fd, option.level, option.number, &number, sizeof number) != 0) return std::nullopt;
  socklen_t size = sizeof number;
  if (getsockopt(fd, option.level, option.number, &number, &size) != 0) return std::nullopt;
  return number;
}

// The octets are written as hexadecimal digits.
std::optional<std::int64_t> set_fast_open_key(int fd, std::string_view digits) {
  std::vector<std::uint8_t> key(digits.size() / 2);
  for (std::size_t i = 0; i < key.size(); ++i) {
    const std::string_view two = digits.substr(2 * i, 2);
    if (std::from_chars(two.data(), two.data() + two.size(), key[i], 16).ec != std::errc{}) return std::nullopt;
  }
  if (setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, key.data(), static_cast<socklen_t>(key.size())) != 0)
    return std::nullopt;
  return 0;
}

}  // namespace

std::vector<std::string> kernel_peculiar_names() {
  std::vector<std::string> names;
  for (const Field& field : kFields) names.emplace_back(field.name);
  for (const Option& option : kOptions) names.emplace_back(option.name);
  for (const Request& request : kRequests) names.emplace_back(request.name);
  for (const char* each : kMemory) names.emplace_back(each);
  for (const char* each : {"MSG_ERRQUEUE", "MSG_MORE", "EPOLL_CTL_ADD", "EPOLL_CTL_MOD", "EPOLL_WAIT", "AF_UNSPEC",
                           "splice", "SOL_TCP.TCP_FASTOPEN_KEY"})
    names.emplace_back(each);
  return names;
}

std::optional<std::int64_t> kernel_implementation_specific(int fd, std::string_view name,
                                                           std::optional<std::int64_t> value) {
  for (const Field& field : kFields) {
    if (name != field.name || value) continue;
    tcp_info info{};
    socklen_t size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
    return field.value(info);
  }
  for (const Option& option : kOptions) {
    if (name == option.name) return option_value(fd, option, value);
  }
  if (constexpr std::string_view kKey = "SOL_TCP.TCP_FASTOPEN_KEY="; name.starts_with(kKey) && value)
    return set_fast_open_key(fd, name.substr(kKey.size()));
  if (name == "MSG_ERRQUEUE" && !value) return queued_error(fd);
  const auto* memory = std::find(std::begin(kMemory), std::end(kMemory), name);
  if (memory != std::end(kMemory) && !value) return memory_value(fd, static_cast<std::size_t>(memory - kMemory));
  for (const Request& request : kRequests) {
    int octets = 0;
    if (name == request.name && !value && ioctl(fd, request.number, &octets) == 0) return octets;
  }
  return std::nullopt;
}

}  // namespace tcpassay
