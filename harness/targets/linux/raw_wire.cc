// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/raw_wire.h"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "harness/target/target.h"
#include "harness/targets/linux/netlink.h"

namespace tcpassay {
namespace {

constexpr char kTargetInterface[] = "target0", kPeerInterface[] = "peer0";
constexpr std::array<std::uint8_t, 6> kTargetLink = {2, 0, 10, 77, 0, 1};
constexpr std::array<std::uint8_t, 6> kPeerLink = {2, 0, 10, 77, 0, 2};
constexpr std::array<std::uint8_t, 6> kInterfaceLink = {2, 0, 10, 77,
                                                        0, 3};  // of peer0; the target sends to another link address
constexpr std::size_t kLinkHeader = 14;                         // octets
// The link carries packets of any length to the target; the target's routes have the usual MTU.
constexpr std::uint32_t kLinkMtu = 65535, kTargetMtu = 1500;   // octets
constexpr std::uint8_t kIpHeader = 20, kEchoHeader = 8;        // octets
constexpr std::uint8_t kEchoRequest = 8, kEchoRequest6 = 128;  // RFC 792, RFC 4443
constexpr int kEchoTimeoutMs = 5000;
constexpr int kCaptureBuffer = 8 << 20;  // octets
constexpr int kSnapLength = 65535 + kLinkHeader;

// Offloads that let a device compute checksums or split and join segments: switched off.
constexpr std::uint32_t kOffloads[] = {ETHTOOL_SRXCSUM, ETHTOOL_STXCSUM, ETHTOOL_SSG,
                                       ETHTOOL_STSO,    ETHTOOL_SGSO,    ETHTOOL_SGRO};

// In the calling thread's namespace.
void turn_off_offloads(const char* interface) {
  const FileDescriptor any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  for (const std::uint32_t offload : kOffloads) {
    ethtool_value value{.cmd = offload, .data = 0};
    ifreq request{};
    std::strncpy(request.ifr_name, interface, sizeof request.ifr_name - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    if (ioctl(any.get(), SIOCETHTOOL, &request) != 0 && errno != EOPNOTSUPP) {
      throw TargetError(std::string("cannot turn off the offloads of ") + interface + ": " + std::strerror(errno));
    }
  }
}

sockaddr_in destination() {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  std::memcpy(&name.sin_addr, kTargetAddress.octets.data(), sizeof name.sin_addr);
  return name;
}

sockaddr_in6 destination6() {
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  std::memcpy(&name.sin6_addr, kTargetIpv6.octets.data(), sizeof name.sin6_addr);
  return name;
}

// RFC 1071, of an even number of octets.
std::uint16_t internet_checksum(ByteView octets) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < octets.size(); i += 2) sum += octets[i] << 8u | octets[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void add_pair(Interfaces& interfaces, int peer_namespace) {
  interfaces.add_veth({.name = kTargetInterface, .link_address = kTargetLink},
                      {.name = kPeerInterface, .link_address = kInterfaceLink}, peer_namespace, kLinkMtu);
}

FileDescriptor open_raw_socket(int family) {
  FileDescriptor raw(socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));  // implies IP_HDRINCL
  if (!raw) throw TargetError(std::string("no raw socket: ") + std::strerror(errno) + "; run as root");
  return raw;
}

}  // namespace

void probe_raw_wire() {
  const FileDescriptor own(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  Interfaces interfaces;
  add_pair(interfaces, own.get());
  open_raw_socket(AF_INET);
}

RawWire::RawWire(const NetworkNamespace& target) {
  {
    const NetworkNamespace::Visit visit(target);
    Interfaces interfaces;
    add_pair(interfaces, peer_.fd());
    turn_off_offloads(kTargetInterface);
    interfaces.add_address(kTargetInterface, kTargetAddress, kPrefixLength);
    interfaces.bring_up(kTargetInterface);
    interfaces.add_route(kTargetInterface, kPeerAddress, 32, kTargetMtu);
    interfaces.add_neighbour(kTargetInterface, kPeerAddress, kPeerLink);
  }
  set_up_peer(target.has_ipv6());
  // Now that both ends are up. The visit to the peer is over: without root a visit to the target is none, since the
  // thread is there already.
  if (!target.has_ipv6()) return;
  const NetworkNamespace::Visit there(target);
  Interfaces its;
  its.add_address(kTargetInterface, kTargetIpv6, kIpv6PrefixLength);
  its.add_route(kTargetInterface, kPeerIpv6, 128, kTargetMtu);
  its.add_neighbour(kTargetInterface, kPeerIpv6, kPeerLink);
}

void RawWire::set_up_peer(bool with_ipv6) {
  const NetworkNamespace::Visit visit(peer_);
  Interfaces interfaces;
  turn_off_offloads(kPeerInterface);
  interfaces.bring_up(kPeerInterface);
  interfaces.add_route(kPeerInterface, kNetwork, kPrefixLength);
  interfaces.add_neighbour(kPeerInterface, kTargetAddress, kTargetLink);
  socket_ = open_raw_socket(AF_INET);
  if (with_ipv6) {
    // Without an address of its own, the peer's kernel would not send the packets that we write.
    interfaces.add_address(kPeerInterface, ipv6_address(3), kIpv6PrefixLength);
    interfaces.add_neighbour(kPeerInterface, kTargetIpv6, kTargetLink);
    socket6_ = open_raw_socket(AF_INET6);
  }
  open_capture();
}

void RawWire::open_capture() {
  char why[PCAP_ERRBUF_SIZE] = "";
  capture_.reset(pcap_create(kPeerInterface, why));
  if (!capture_) throw TargetError(std::string("libpcap: ") + why);
  pcap_t* const capture = capture_.get();
  pcap_set_snaplen(capture, kSnapLength);
  pcap_set_immediate_mode(capture, 1);
  pcap_set_buffer_size(capture, kCaptureBuffer);
  const std::string wanted = "((ip proto 6 or icmp[icmptype] == icmp-echoreply) and src host " + kTargetAddress.text() +
                             ") or ((ip6 proto 6 or (icmp6 and ip6[40] == 129)) and src host " + kTargetIpv6.text() +
                             ")";
  bpf_program filter{};
  const bool open = pcap_activate(capture) >= 0 && pcap_setnonblock(capture, 1, why) == 0 &&
                    pcap_setdirection(capture, PCAP_D_IN) == 0 &&
                    pcap_compile(capture, &filter, wanted.c_str(), 1, PCAP_NETMASK_UNKNOWN) == 0 &&
                    pcap_setfilter(capture, &filter) == 0;
  pcap_freecode(&filter);
  readable_ = open ? pcap_get_selectable_fd(capture) : -1;
  if (readable_ < 0) throw TargetError(std::string("libpcap: ") + pcap_geterr(capture) + why);
}

void RawWire::put(ByteView packet) {
  static const sockaddr_in name = destination();
  static const sockaddr_in6 name6 = destination6();
  const bool ipv6 = !packet.empty() && packet[0] >> 4 == 6 && socket6_;
  const int fd = ipv6 ? socket6_.get() : socket_.get();
  const auto* const to = ipv6 ? reinterpret_cast<const sockaddr*>(&name6) : reinterpret_cast<const sockaddr*>(&name);
  if (sendto(fd, packet.data(), packet.size(), 0, to, ipv6 ? sizeof name6 : sizeof name) >= 0) return;
  if (errno == EINVAL) return;  // not an IP packet at all
  throw TargetError("the raw socket refuses a packet of " + std::to_string(packet.size()) +
                    " octets: " + std::strerror(errno));
}

void RawWire::before_stimulus() {
  if (const int cpu = sched_getcpu(); cpu >= 0) CPU_SET(static_cast<unsigned>(cpu), &touched_);
}

void RawWire::after_stimulus() {
  before_stimulus();
}

bool RawWire::fence() {
  const int here = sched_getcpu();
  if (CPU_COUNT(&touched_) == 1 && here >= 0 && CPU_ISSET(static_cast<unsigned>(here), &touched_)) {
    send_echo_request();
  } else {  // the thread was moved: an echo request into the queue of each processor that it was on
    cpu_set_t usual{};
    sched_getaffinity(0, sizeof usual, &usual);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &touched_)) continue;
      cpu_set_t one{};
      CPU_SET(cpu, &one);
      if (sched_setaffinity(0, sizeof one, &one) == 0) send_echo_request();
    }
    sched_setaffinity(0, sizeof usual, &usual);
  }
  CPU_ZERO(&touched_);
  return true;
}

// The kernel under test answers with the same identifier and sequence number.
void RawWire::send_echo_request() {
  ++echo_;
  std::array<std::uint8_t, kEchoHeader> echo{ip_ == 6 ? kEchoRequest6 : kEchoRequest};
  echo[6] = static_cast<std::uint8_t>(echo_ >> 8);
  echo[7] = static_cast<std::uint8_t>(echo_);
  Bytes packet, covered;  // by the checksum: ICMPv6 counts a pseudo header too
  if (ip_ == 6) {
    packet = {0x60, 0, 0, 0, 0, kEchoHeader, IPPROTO_ICMPV6, 64};
    packet.insert(packet.end(), kPeerIpv6.octets.begin(), kPeerIpv6.octets.end());
    packet.insert(packet.end(), kTargetIpv6.octets.begin(), kTargetIpv6.octets.end());
    covered.assign(packet.begin() + 8, packet.end());
    covered.insert(covered.end(), {0, 0, 0, kEchoHeader, 0, 0, 0, IPPROTO_ICMPV6});
  } else {
    packet = {0x45, 0, 0, kIpHeader + kEchoHeader, 0, 0, 0, 0, 64, IPPROTO_ICMP, 0, 0};
    packet.insert(packet.end(), kPeerAddress.octets.begin(), kPeerAddress.octets.begin() + 4);
    packet.insert(packet.end(), kTargetAddress.octets.begin(), kTargetAddress.octets.begin() + 4);
  }
  covered.insert(covered.end(), echo.begin(), echo.end());
  const std::uint16_t checksum = internet_checksum(covered);
  echo[2] = static_cast<std::uint8_t>(checksum >> 8);
  echo[3] = static_cast<std::uint8_t>(checksum);
  packet.insert(packet.end(), echo.begin(), echo.end());
  put(packet);
  ++replies_due_;
}

bool RawWire::is_echo_reply(ByteView packet) const {
  if (packet.size() < kIpHeader) return false;
  return packet[0] >> 4 == 6 ? packet[6] == IPPROTO_ICMPV6 : packet[9] == IPPROTO_ICMP;
}

std::optional<ByteView> RawWire::take() {
  for (;;) {
    pcap_pkthdr* header = nullptr;
    const u_char* frame = nullptr;
    const int got = pcap_next_ex(capture_.get(), &header, &frame);
    if (got < 0) throw TargetError(std::string("libpcap: ") + pcap_geterr(capture_.get()));
    if (got == 0) {
      if (replies_due_ == 0) return std::nullopt;
      pollfd wait{.fd = readable_, .events = POLLIN, .revents = 0};
      if (poll(&wait, 1, kEchoTimeoutMs) == 0) {
        throw TargetError("the kernel under test does not answer an echo request: cannot tell silence from delay");
      }
      continue;
    }
    if (header->caplen < kLinkHeader) continue;
    const ByteView packet(frame + kLinkHeader, header->caplen - kLinkHeader);
    if (!is_echo_reply(packet)) return packet;
    if (replies_due_ > 0) --replies_due_;
  }
}

}  // namespace tcpassay
