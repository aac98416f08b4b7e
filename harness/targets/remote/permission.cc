// SPDX-License-Identifier: Apache-2.0
// Which interface leads to a target, and whether packets may take it.
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "harness/base/file_descriptor.h"
#include "harness/target/target.h"
#include "harness/targets/remote/remote_place.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr std::uint16_t kAnyPort = 9;

// The address of ours that the kernel would send from to this one; empty when it knows no way.
std::optional<Address> source_towards(const Address& target) {
  const bool ipv6 = target.family == 6;
  const FileDescriptor fd(socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{}, from{};
  sockaddr_in6 to6{}, from6{};
  to.sin_family = AF_INET;
  to6.sin6_family = AF_INET6;
  to.sin_port = to6.sin6_port = htons(kAnyPort);
  std::memcpy(&to.sin_addr, target.octets.data(), sizeof to.sin_addr);
  std::memcpy(&to6.sin6_addr, target.octets.data(), sizeof to6.sin6_addr);
  const auto* name = ipv6 ? reinterpret_cast<const sockaddr*>(&to6) : reinterpret_cast<const sockaddr*>(&to);
  auto* own = ipv6 ? reinterpret_cast<sockaddr*>(&from6) : reinterpret_cast<sockaddr*>(&from);
  socklen_t size = ipv6 ? sizeof to6 : sizeof to;
  if (connect(fd.get(), name, size) != 0 || getsockname(fd.get(), own, &size) != 0) return std::nullopt;
  Address source{.family = target.family};
  std::memcpy(source.octets.data(), ipv6 ? static_cast<const void*>(&from6.sin6_addr) : &from.sin_addr, ipv6 ? 16 : 4);
  return source;
}

Address address_of(const sockaddr* name) {
  Address address{.family = static_cast<std::uint8_t>(name->sa_family == AF_INET6 ? 6 : 4)};
  const bool ipv6 = address.family == 6;
  const auto* octets = reinterpret_cast<const char*>(name) +
                       (ipv6 ? offsetof(sockaddr_in6, sin6_addr) : offsetof(sockaddr_in, sin_addr));
  std::memcpy(address.octets.data(), octets, ipv6 ? 16 : 4);
  return address;
}

// An address of an interface with its netmask.
struct Assigned {
  std::string interface{};
  Address address{}, mask{};
  bool loopback = false;
};

std::vector<Assigned> assigned_addresses() {
  std::vector<Assigned> found;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return found;
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_netmask == nullptr) continue;
    if (each->ifa_addr->sa_family != AF_INET && each->ifa_addr->sa_family != AF_INET6) continue;
    found.push_back({.interface = each->ifa_name,
                     .address = address_of(each->ifa_addr),
                     .mask = address_of(each->ifa_netmask),
                     .loopback = (each->ifa_flags & IFF_LOOPBACK) != 0});
  }
  freeifaddrs(all);
  return found;
}

bool same_network(const Address& a, const Address& b, const Address& mask) {
  for (std::size_t i = 0; i < a.octets.size(); ++i) {
    if ((a.octets[i] ^ b.octets[i]) & mask.octets[i]) return false;
  }
  return true;
}

std::string driver_of(const std::string& interface) {
  const FileDescriptor any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ethtool_drvinfo about{.cmd = ETHTOOL_GDRVINFO};
  ifreq request{};
  std::strncpy(request.ifr_name, interface.c_str(), sizeof request.ifr_name - 1);
  request.ifr_data = reinterpret_cast<char*>(&about);
  return ioctl(any.get(), SIOCETHTOOL, &request) == 0 ? about.driver : "";
}

// A route to everywhere: what is sent may leave the machine through another namespace.
bool has_default_route() {
  std::ifstream table("/proc/thread-self/net/route");
  std::string line;
  std::getline(table, line);
  for (std::string interface, network, gateway, flags, mask; std::getline(table, line);) {
    std::istringstream words(line);
    std::string skip;
    words >> interface >> network >> gateway >> flags >> skip >> skip >> skip >> mask;
    if (network == "00000000" && mask == "00000000") return true;
  }
  std::ifstream table6("/proc/thread-self/net/ipv6_route");
  while (std::getline(table6, line)) {
    if (line.starts_with("00000000000000000000000000000000 00 ") && !line.ends_with(" lo")) return true;
  }
  return false;
}

bool stays_here(const std::string& interface) {
  const std::string driver = driver_of(interface);
  return (driver == "veth" || driver == "tun" || driver == "dummy") && !has_default_route();
}

void find_interface(RemotePlace& place, const Address& target) {
  const auto source = source_towards(target);
  if (!source) {
    throw TargetError("no route to " + target.text() + ": name the interface (remote:" + target.text() +
                      "?interface=NAME)");
  }
  for (const Assigned& each : assigned_addresses()) {
    if (each.address != *source) continue;
    if (each.loopback || each.address == target) {
      throw TargetError(target.text() + " is an address of this machine, whose kernel is tested as `linux` and " +
                        "`linux-raw`; remote: needs the other end of a link");
    }
    place.wire = each.interface;
    if (place.gateway || same_network(*source, target, each.mask)) return;
    throw TargetError(target.text() + " is not on the link of " + each.interface + ": name the router (gateway=ADDR)");
  }
  throw TargetError("no interface has the address " + source->text() + ": name it (interface=NAME)");
}

std::optional<std::string> packet_socket_missing() {
  const FileDescriptor any(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (any) return std::nullopt;
  return std::string("no packet socket (") + std::strerror(errno) + "): run as root or with CAP_NET_RAW";
}

std::optional<std::string> tap_missing() {
  const FileDescriptor any(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (any) return std::nullopt;
  return std::string("/dev/net/tun: ") + std::strerror(errno) + "; modprobe tun, and run as root or in its group";
}

constexpr WireKind kWireKinds[] = {
    {"remote:ADDR", "whatever has this address at the other end of an interface",
     "from=SPARE, an address that nobody has; agent=HOST:PORT, tcpassay-agent there; --i-may-test beyond this machine",
     packet_socket_missing},
    {"tap:NAME", "whatever uses the tap device NAME, whose wire we are",
     "agent=HOST:PORT; target=ADDR, or else 10.77.0.1", tap_missing},
    {"unix:PATH", "a guest of QEMU, or passt, that has a UNIX socket for its network",
     "agent=HOST:PORT; target=ADDR, or else 10.77.0.1", [] { return std::optional<std::string>{}; }},
};

}  // namespace

std::span<const WireKind> wire_kinds() {
  return kWireKinds;
}

void complete_interface(RemotePlace& place) {
  const Address& target = place.target == Address{} ? place.target6 : place.target;
  if (place.wire.empty()) find_interface(place, target);
  const bool ipv6 = place.target6 != Address{};
  const bool permitted = (place.target == Address{} || may_test(place.target)) && (!ipv6 || may_test(place.target6));
  if (!permitted && !stays_here(place.wire)) {
    const Address& asked = place.target != Address{} && !may_test(place.target) ? place.target : place.target6;
    throw TargetError("packets to " + asked.text() + " would leave this machine by " + place.wire +
                      ": say that you may test it with --i-may-test " + asked.text());
  }
  if (place.target != Address{} && place.from == Address{}) {
    throw TargetError("a spare address of the target's network is needed, one that nobody has: remote:" +
                      target.text() + "?from=SPARE");
  }
}

}  // namespace tcpassay
