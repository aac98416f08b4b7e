// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "harness/base/file_descriptor.h"
#include "harness/target/target.h"
#include "harness/targets/linux/netlink.h"

namespace tcpassay {
namespace {

constexpr char kThreadNamespace[] = "/proc/thread-self/ns/net";

// Sysctls of every new namespace, written before an interface exists. Those that an older kernel lacks are skipped.
struct Setting {
  const char* path;
  std::string_view value;
};
constexpr Setting kSettings[] = {
    // No rate limits: every segment that calls for a challenge ACK gets one (RFC 5961 section 7 allows limits).
    {"/proc/sys/net/ipv4/tcp_invalid_ratelimit", "0"},
    {"/proc/sys/net/ipv4/tcp_challenge_ack_limit", "2147483647"},
    // Nothing is remembered from one connection to the next.
    {"/proc/sys/net/ipv4/tcp_no_metrics_save", "1"},
    // Standard congestion control; bbr, the default of some hosts, would pace segments.
    {"/proc/sys/net/ipv4/tcp_congestion_control", "reno"},
    // Many half-open connections, each with a TCB.
    {"/proc/sys/net/ipv4/tcp_syncookies", "0"},
    {"/proc/sys/net/ipv4/tcp_max_syn_backlog", "65536"},
    {"/proc/sys/net/core/somaxconn", "65535"},
    // Otherwise the namespace would inherit the host's choice.
    {"/proc/sys/net/ipv4/conf/all/rp_filter", "0"},
    {"/proc/sys/net/ipv4/conf/default/rp_filter", "0"},
    // IPv6 without packets of its own: no automatic addresses, no duplicate address detection, no router discovery. It
    // still sends multicast group reports, which are not TCP.
    {"/proc/sys/net/ipv6/conf/all/disable_ipv6", "0"},
    {"/proc/sys/net/ipv6/conf/default/disable_ipv6", "0"},
    {"/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1"},
    {"/proc/sys/net/ipv6/conf/default/accept_dad", "0"},
    {"/proc/sys/net/ipv6/conf/default/dad_transmits", "0"},
    {"/proc/sys/net/ipv6/conf/default/accept_ra", "0"},
    {"/proc/sys/net/ipv6/conf/default/router_solicitations", "0"},
};

int write_file(const char* path, std::string_view text) {
  const FileDescriptor file(open(path, O_WRONLY | O_CLOEXEC));
  if (!file) return errno;
  return write(file.get(), text.data(), text.size()) < 0 ? errno : 0;
}

bool speaks_ipv6() {
  const FileDescriptor setting(open("/proc/sys/net/ipv6/conf/all/disable_ipv6", O_RDONLY | O_CLOEXEC));
  const FileDescriptor any(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return setting && any;
}

FileDescriptor open_own_namespace() {
  FileDescriptor file(open(kThreadNamespace, O_RDONLY | O_CLOEXEC));
  if (!file)
    throw TargetError(std::string("cannot open ") + kThreadNamespace + ": " + std::strerror(errno) + "; mount /proc");
  return file;
}

// Maps the user's own user id into the user namespace.
void keep_user(uid_t user, gid_t group) {
  write_file("/proc/self/setgroups", "deny");
  const std::string users = std::to_string(user) + " " + std::to_string(user) + " 1";
  const std::string groups = std::to_string(group) + " " + std::to_string(group) + " 1";
  write_file("/proc/self/uid_map", users);
  write_file("/proc/self/gid_map", groups);
}

}  // namespace

void write_run_settings() {
  for (const Setting& setting : kSettings) {
    const int error = write_file(setting.path, setting.value);
    if (error != 0 && error != ENOENT) throw TargetError(why_no_settings(setting.path, error));
  }
}

int write_sysctl(const char* path, std::string_view text) {
  return write_file(path, text);
}

int enter_new_network_namespace(bool& with_user_namespace) {
  with_user_namespace = false;
  if (unshare(CLONE_NEWNET) == 0) return 0;
  if (errno != EPERM) return errno;
  with_user_namespace = true;
  return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 0 : errno;
}

std::string why_no_namespace(int error) {
  if (error == EINVAL) {
    return "no private network namespace: the process has more than one thread; make the target first, or run as root";
  }
  return std::string("no private network namespace (") + std::strerror(error) +
         "): run as root or allow unprivileged user namespaces (sysctl user.max_user_namespaces, "
         "kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)";
}

std::string why_no_settings(const std::string& path, int error) {
  return "cannot write " + path + " (" + std::strerror(error) +
         "): mount /proc/sys writable (in a container run it "
         "privileged)";
}

NetworkNamespace::NetworkNamespace() {
  home_ = open_own_namespace();
  const uid_t user = geteuid();
  const gid_t group = getegid();
  bool with_user_namespace = false;
  if (const int error = enter_new_network_namespace(with_user_namespace)) throw TargetError(why_no_namespace(error));
  if (with_user_namespace) {
    keep_user(user, group);
    home_.close();
  }
  try {
    own_ = open_own_namespace();
    write_run_settings();
    has_ipv6_ = speaks_ipv6();
    Interfaces().bring_up("lo");
  } catch (...) {
    if (home_) setns(home_.get(), CLONE_NEWNET);
    throw;
  }
  if (home_ && setns(home_.get(), CLONE_NEWNET) != 0) {
    throw TargetError(std::string("cannot return to the caller's network namespace: ") + std::strerror(errno));
  }
}

NetworkNamespace::NetworkNamespace(AsItIs) : own_(open_own_namespace()), has_ipv6_(speaks_ipv6()) {}

NetworkNamespace NetworkNamespace::current() {
  return NetworkNamespace(AsItIs{});
}

NetworkNamespace::Visit::Visit(const NetworkNamespace& visited) : home_(visited.home_.get()) {
  if (home_ >= 0 && setns(visited.own_.get(), CLONE_NEWNET) != 0) {
    throw TargetError(std::string("cannot enter the private network namespace: ") + std::strerror(errno));
  }
}

NetworkNamespace::Visit::~Visit() {
  if (home_ < 0) return;
  const bool returned = setns(home_, CLONE_NEWNET) == 0;
  assert(returned);
}

}  // namespace tcpassay
