// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/kernel_settings.h"

#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/tcp_metrics.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "harness/base/file_descriptor.h"
#include "harness/target/target.h"
#include "harness/targets/linux/kernel_wire.h"
#include "harness/targets/linux/namespace.h"
#include "harness/targets/linux/netlink.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

// Names of harness/target/settings.def and the sysctls for them.
struct Sysctl {
  std::string_view name;
  const char* file;         // below net/ipv4
  std::int64_t factor = 1;  // from the setting's value to the kernel's
};
constexpr Sysctl kSysctls[] = {
    {"ecn", "tcp_ecn"},
    {"fast-open", "tcp_fastopen", 3},  // one bit for clients, one for servers
    {"timestamps", "tcp_timestamps"},
    {"window-scaling", "tcp_window_scaling"},
    {"sack", "tcp_sack"},
    {"dsack", "tcp_dsack"},
    {"rfc1337", "tcp_rfc1337"},
    {"keepalive-time", "tcp_keepalive_time"},
    {"keepalive-interval", "tcp_keepalive_intvl"},
    {"keepalive-probes", "tcp_keepalive_probes"},
    {"syn-retries", "tcp_syn_retries"},
    {"synack-retries", "tcp_synack_retries"},
    {"retries1", "tcp_retries1"},
    {"retries2", "tcp_retries2"},
    {"orphan-retries", "tcp_orphan_retries"},
    {"fin-timeout", "tcp_fin_timeout"},
    {"mtu-probing", "tcp_mtu_probing"},
    {"syncookies", "tcp_syncookies"},
    {"abort-on-overflow", "tcp_abort_on_overflow"},
    {"slow-start-after-idle", "tcp_slow_start_after_idle"},
};

std::string path_of(const Sysctl& sysctl) {
  return std::string("/proc/sys/net/ipv4/") + sysctl.file;
}

std::optional<std::string> read_file(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char text[256];
  const ssize_t count = file ? read(file.get(), text, sizeof text) : -1;
  if (count < 0) return std::nullopt;
  return std::string(text, static_cast<std::size_t>(count));
}

// The kernel keeps Fast Open cookies with its metrics of a destination (tcp_metrics). Only root may delete these;
// otherwise they stay.
void forget_servers(const Address* only = nullptr) {
  NetlinkSocket socket(NETLINK_GENERIC);
  NetlinkMessage ask(GENL_ID_CTRL, 0);
  ask.body(genlmsghdr{.cmd = CTRL_CMD_GETFAMILY, .version = 1, .reserved = 0});
  ask.attribute(CTRL_ATTR_FAMILY_NAME, std::string(TCP_METRICS_GENL_NAME));
  const ByteView question = ask.finish();
  std::array<std::uint8_t, 4096> answer;
  if (send(socket.get(), question.data(), question.size(), 0) < 0) return;
  const ssize_t size = recv(socket.get(), answer.data(), answer.size(), 0);
  constexpr std::size_t kAttributes = NLMSG_HDRLEN + GENL_HDRLEN;
  std::uint16_t family = 0;
  for (std::size_t at = kAttributes; size > 0 && at + sizeof(nlattr) <= static_cast<std::size_t>(size);) {
    nlattr attribute;
    std::memcpy(&attribute, &answer[at], sizeof attribute);
    if (attribute.nla_len < sizeof attribute) return;
    if (attribute.nla_type == CTRL_ATTR_FAMILY_ID) std::memcpy(&family, &answer[at + sizeof attribute], sizeof family);
    at += NLA_ALIGN(attribute.nla_len);
  }
  if (family == 0) return;
  NetlinkMessage flush(family, NLM_F_ACK);
  flush.body(genlmsghdr{.cmd = TCP_METRICS_CMD_DEL, .version = TCP_METRICS_GENL_VERSION, .reserved = 0});
  if (only != nullptr && only->family == 6) flush.attribute(TCP_METRICS_ATTR_ADDR_IPV6, only->octets);
  if (only != nullptr && only->family != 6) {
    std::array<std::uint8_t, 4> octets;
    std::copy_n(only->octets.begin(), octets.size(), octets.begin());
    flush.attribute(TCP_METRICS_ATTR_ADDR_IPV4, octets);
  }
  socket.request(flush);
}

}  // namespace

std::vector<std::string> KernelSettings::names() const {
  const NetworkNamespace::Visit visit(where_);
  std::vector<std::string> names;
  for (const Sysctl& sysctl : kSysctls) {
    if (access(path_of(sysctl).c_str(), R_OK) == 0) names.emplace_back(sysctl.name);
  }
  return names;
}

bool KernelSettings::set(std::string_view name, std::int64_t value) {
  const auto* sysctl = std::find_if(std::begin(kSysctls), std::end(kSysctls),
                                    [&](const Sysctl& candidate) { return candidate.name == name; });
  if (sysctl == std::end(kSysctls)) return false;
  const NetworkNamespace::Visit visit(where_);
  const std::string path = path_of(*sysctl);
  const auto before = read_file(path);
  if (!before) return false;
  const int error = write_sysctl(path.c_str(), std::to_string(value * sysctl->factor));
  if (error == EINVAL || error == ERANGE) return false;
  if (error != 0) throw TargetError(why_no_settings(path, error));
  changed_.push_back({.path = path, .before = *before});
  return true;
}

namespace {

// Only what belongs to the network namespace: empty for anything else.
std::string path_of(std::string name) {
  if (!name.starts_with("net.") || name.find("..") != std::string::npos || name.find('/') != std::string::npos)
    return "";
  std::replace(name.begin(), name.end(), '.', '/');
  return "/proc/sys/" + name;
}

}  // namespace

bool KernelSettings::has_sysctl(const std::string& name) const {
  const NetworkNamespace::Visit visit(where_);
  const std::string path = path_of(name);
  return !path.empty() && access(path.c_str(), W_OK) == 0;
}

bool KernelSettings::has_congestion_control(const std::string& name) const {
  constexpr const char* kUsed = "/proc/sys/net/ipv4/tcp_congestion_control";
  const NetworkNamespace::Visit visit(where_);
  const auto available = read_file("/proc/sys/net/ipv4/tcp_available_congestion_control"), before = read_file(kUsed);
  std::istringstream words(available.value_or(""));
  for (std::string word; words >> word;) {
    if (word == name) return true;
  }
  if (!before || write_sysctl(kUsed, name) != 0) return false;  // the kernel may load it now
  write_sysctl(kUsed, *before);
  return true;
}

bool KernelSettings::set_sysctl(const std::string& name, const std::string& value) {
  const NetworkNamespace::Visit visit(where_);
  const std::string path = path_of(name);
  const auto before = path.empty() ? std::nullopt : read_file(path);
  if (!before || write_sysctl(path.c_str(), value) != 0) return false;
  changed_.push_back({.path = path, .before = *before});
  return true;
}

std::vector<KernelSettings::Changed> KernelSettings::all() const {
  const NetworkNamespace::Visit visit(where_);
  std::vector<Changed> now;
  std::error_code ignored;
  for (const char* folder : {"/proc/sys/net/ipv4", "/proc/sys/net/ipv6", "/proc/sys/net/core"}) {
    for (std::filesystem::recursive_directory_iterator each(folder, ignored), end; each != end;
         each.increment(ignored)) {
      const std::string path = each->path().string();
      if (!each->is_regular_file(ignored) || access(path.c_str(), R_OK | W_OK) != 0) continue;
      if (auto text = read_file(path)) now.push_back({.path = path, .before = std::move(*text)});
    }
  }
  return now;
}

void KernelSettings::will_restore(const std::vector<Changed>& before) {
  const NetworkNamespace::Visit visit(where_);
  for (const Changed& each : before) {
    const auto now = read_file(each.path);
    if (now && *now != each.before) changed_.push_back(each);
  }
}

void KernelSettings::forget_server(const Address& peer) {
  forget_servers(&peer);
}

void KernelSettings::forget_paths() {
  const NetworkNamespace::Visit visit(where_);
  constexpr const char* kFlush = "/proc/sys/net/ipv4/route/flush";
  if (const int error = write_sysctl(kFlush, "1")) throw TargetError(why_no_settings(kFlush, error));
  Interfaces().forget_path(kPeerIpv6);
}

void KernelSettings::restore() {
  if (changed_.empty()) return;
  const NetworkNamespace::Visit visit(where_);
  forget_servers();
  for (; !changed_.empty(); changed_.pop_back()) {
    const Changed& last = changed_.back();
    if (const int error = write_sysctl(last.path.c_str(), last.before)) {
      throw TargetError(why_no_settings(last.path, error));
    }
  }
}

}  // namespace tcpassay
