// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/netlink.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <chrono>

#include "harness/target/target.h"

namespace tcpassay {
namespace {

std::uint8_t family_of(const Address& address) {
  return static_cast<std::uint8_t>(address.family == 4 ? AF_INET : AF_INET6);
}

int index_of(const std::string& name) {
  const unsigned index = if_nametoindex(name.c_str());
  if (index == 0) throw TargetError("the interface " + name + " is missing: " + std::strerror(errno));
  return static_cast<int>(index);
}

void add_address_attribute(NetlinkMessage& message, std::uint16_t type, const Address& address) {
  if (address.family == 6) {
    message.attribute(type, address.octets);
    return;
  }
  std::array<std::uint8_t, 4> octets{};
  std::memcpy(octets.data(), address.octets.data(), octets.size());
  message.attribute(type, octets);
}

// The kernel adds the local route of a new IPv6 address a little later and drops packets to it until then. So this
// sends packets from the address to itself until one arrives. Runs in the calling thread's namespace, whose `lo` must
// be up.
void await_route_to_self(const Address& address) {
  constexpr std::chrono::seconds kPatience{20};  // many namespaces may be made at once
  constexpr int kTryMs = 2;
  const FileDescriptor self(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  std::memcpy(&name.sin6_addr, address.octets.data(), sizeof name.sin6_addr);
  socklen_t size = sizeof name;
  auto* const as_any = reinterpret_cast<sockaddr*>(&name);
  const bool bound = bind(self.get(), as_any, size) == 0 && getsockname(self.get(), as_any, &size) == 0;
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (bound && std::chrono::steady_clock::now() < until) {
    pollfd asked{.fd = self.get(), .events = POLLIN, .revents = 0};
    sendto(self.get(), "", 1, MSG_DONTWAIT, as_any, size);  // where it fails, nothing arrives
    if (poll(&asked, 1, kTryMs) == 1) return;
  }
  throw TargetError("the kernel does not take packets for its address " + address.text());
}

}  // namespace

NetlinkMessage::NetlinkMessage(std::uint16_t type, std::uint16_t flags) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  append(&header, sizeof header);
}

void NetlinkMessage::append(const void* data, std::size_t size) {
  const std::size_t at = bytes_.size();
  bytes_.resize(at + NLMSG_ALIGN(size));
  std::memcpy(bytes_.data() + at, data, size);
}

NetlinkMessage& NetlinkMessage::attribute(std::uint16_t type, const void* data, std::size_t size) {
  const std::size_t opened = open(type);
  append(data, size);
  close(opened);
  // The length of an attribute does not count its padding.
  const auto length = static_cast<std::uint16_t>(sizeof(nlattr) + size);
  std::memcpy(bytes_.data() + opened, &length, sizeof length);
  return *this;
}

std::size_t NetlinkMessage::open(std::uint16_t type) {
  const std::size_t at = bytes_.size();
  const nlattr header{.nla_len = 0, .nla_type = type};
  append(&header, sizeof header);
  return at;
}

void NetlinkMessage::close(std::size_t opened) {
  const auto length = static_cast<std::uint16_t>(bytes_.size() - opened);
  std::memcpy(bytes_.data() + opened, &length, sizeof length);
}

ByteView NetlinkMessage::finish() {
  const auto length = static_cast<std::uint32_t>(bytes_.size());
  std::memcpy(bytes_.data(), &length, sizeof length);
  return bytes_;
}

NetlinkSocket::NetlinkSocket(int protocol) : fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)) {
  if (!fd_) throw TargetError(std::string("the kernel offers no netlink socket: ") + std::strerror(errno));
  const int on = 1;
  setsockopt(fd_.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);  // errors do not echo the request: shorter
}

int NetlinkSocket::request(NetlinkMessage& message) {
  const ByteView bytes = message.finish();
  if (send(fd_.get(), bytes.data(), bytes.size(), 0) < 0) return errno;
  std::array<std::uint8_t, 4096> answer;
  const ssize_t size = recv(fd_.get(), answer.data(), answer.size(), 0);
  if (size < 0) return errno;
  nlmsghdr header;
  nlmsgerr error;
  if (static_cast<std::size_t>(size) < sizeof header + sizeof error.error) return EPROTO;
  std::memcpy(&header, answer.data(), sizeof header);
  std::memcpy(&error.error, answer.data() + sizeof header, sizeof error.error);
  return header.nlmsg_type == NLMSG_ERROR ? -error.error : EPROTO;
}

void Interfaces::request(NetlinkMessage& message, const std::string& what) {
  if (const int error = socket_.request(message)) throw TargetError("cannot " + what + ": " + std::strerror(error));
}

void Interfaces::add_veth(const VethEnd& here, const VethEnd& there, int there_namespace, std::uint32_t mtu) {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  message.body(ifinfomsg{}).attribute(IFLA_IFNAME, here.name).attribute(IFLA_ADDRESS, here.link_address);
  message.attribute(IFLA_MTU, mtu);
  const std::size_t info = message.open(IFLA_LINKINFO);
  message.attribute(IFLA_INFO_KIND, std::string("veth"));
  const std::size_t data = message.open(IFLA_INFO_DATA);
  const std::size_t peer = message.open(VETH_INFO_PEER);
  message.body(ifinfomsg{}).attribute(IFLA_IFNAME, there.name).attribute(IFLA_ADDRESS, there.link_address);
  message.attribute(IFLA_MTU, mtu).attribute(IFLA_NET_NS_FD, there_namespace);
  message.close(peer);
  message.close(data);
  message.close(info);
  request(message, "make a veth pair (modprobe veth)");
}

void Interfaces::bring_up(const std::string& name) {
  ifinfomsg link{};
  link.ifi_index = index_of(name);
  link.ifi_flags = link.ifi_change = IFF_UP;
  NetlinkMessage message(RTM_NEWLINK, NLM_F_ACK);
  request(message.body(link), "bring " + name + " up");
}

void Interfaces::set_mtu(const std::string& name, std::uint32_t octets) {
  ifinfomsg link{};
  link.ifi_index = index_of(name);
  NetlinkMessage message(RTM_NEWLINK, NLM_F_ACK);
  request(message.body(link).attribute(IFLA_MTU, octets), "set the MTU of " + name);
}

void Interfaces::set_queue_length(const std::string& name, std::uint32_t packets) {
  ifinfomsg link{};
  link.ifi_index = index_of(name);
  NetlinkMessage message(RTM_NEWLINK, NLM_F_ACK);
  request(message.body(link).attribute(IFLA_TXQLEN, packets), "set the queue length of " + name);
}

void Interfaces::add_address(const std::string& name, const Address& address, std::uint8_t prefix_length) {
  ifaddrmsg body{};
  body.ifa_family = family_of(address);
  if (address.family == 6) body.ifa_flags = IFA_F_NODAD;
  body.ifa_prefixlen = prefix_length;
  body.ifa_index = static_cast<std::uint32_t>(index_of(name));
  NetlinkMessage message(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  message.body(body);
  add_address_attribute(message, IFA_LOCAL, address);
  add_address_attribute(message, IFA_ADDRESS, address);
  request(message, "give " + name + " an address");
  if (address.family == 6) await_route_to_self(address);
}

void Interfaces::add_route(const std::string& name, const Address& network, std::uint8_t prefix_length,
                           std::optional<std::uint32_t> mtu) {
  rtmsg body{};
  body.rtm_family = family_of(network);
  body.rtm_dst_len = prefix_length;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_scope = RT_SCOPE_LINK;
  body.rtm_type = RTN_UNICAST;
  NetlinkMessage message(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
  message.body(body);
  add_address_attribute(message, RTA_DST, network);
  if (mtu) {
    const std::size_t metrics = message.open(RTA_METRICS);
    message.attribute(RTAX_MTU, *mtu);
    message.close(metrics);
  }
  request(message.attribute(RTA_OIF, index_of(name)), "add a route over " + name);
}

void Interfaces::forget_path(const Address& to) {
  rtmsg body{};
  body.rtm_family = family_of(to);
  body.rtm_dst_len = 128;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_flags = RTM_F_CLONED;
  NetlinkMessage message(RTM_DELROUTE, NLM_F_ACK);
  message.body(body);
  add_address_attribute(message, RTA_DST, to);
  const int error = socket_.request(message);
  const bool nothing_known = error == ESRCH || error == ENOENT;
  if (error != 0 && !nothing_known) throw TargetError(std::string("cannot forget a path: ") + std::strerror(error));
}

void Interfaces::add_neighbour(const std::string& name, const Address& address,
                               std::array<std::uint8_t, 6> link_address) {
  ndmsg body{};
  body.ndm_family = family_of(address);
  body.ndm_ifindex = index_of(name);
  body.ndm_state = NUD_PERMANENT;
  NetlinkMessage message(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
  message.body(body);
  add_address_attribute(message, NDA_DST, address);
  request(message.attribute(NDA_LLADDR, link_address), "add a neighbour on " + name);
}

}  // namespace tcpassay
