// SPDX-License-Identifier: Apache-2.0
// Frames of an interface, by a packet socket.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "harness/base/file_descriptor.h"
#include "harness/target/inconclusive.h"
#include "harness/target/target.h"
#include "harness/targets/remote/link.h"
#include "harness/targets/remote/tcp_checksum.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr int kReceiveBuffer = 8 << 20;  // octets

class InterfaceLink : public Link {
 public:
  explicit InterfaceLink(const std::string& name);

  void send(ByteView frame) override;
  std::optional<ByteView> receive(Time deadline) override;

 private:
  std::optional<ByteView> take();

  std::string name_;
  FileDescriptor socket_;
  Bytes frame_ = Bytes(kFrameMax);
};

[[noreturn]] void refuse(const std::string& name, const char* what) {
  throw TargetError("interface " + name + ": " + what + ": " + std::strerror(errno) +
                    (errno == EPERM ? "; run as root or with CAP_NET_RAW" : ""));
}

InterfaceLink::InterfaceLink(const std::string& name) : name_(name) {
  const unsigned index = if_nametoindex(name.c_str());
  if (index == 0) refuse(name, "not found");
  socket_ = FileDescriptor(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) refuse(name, "no packet socket");
  const int fd = socket_.get(), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
  // Tells of packets whose checksum was left to the hardware, as between two namespaces, where there is none.
  setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on);
  setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
  // Our station's link address is not the interface's, so the interface must let every frame pass.
  packet_mreq every{};
  every.mr_ifindex = static_cast<int>(index);
  every.mr_type = PACKET_MR_PROMISC;
  setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &every, sizeof every);
  sockaddr_ll place{};
  place.sll_family = AF_PACKET;
  place.sll_protocol = htons(ETH_P_ALL);
  place.sll_ifindex = static_cast<int>(index);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) refuse(name, "cannot listen");
}

void InterfaceLink::send(ByteView frame) {
  while (::send(socket_.get(), frame.data(), frame.size(), 0) < 0) {
    if (errno == EMSGSIZE) throw Inconclusive("the scenario sends a packet that is longer than the MTU of " + name_);
    if (errno == ENOBUFS || errno == EAGAIN) continue;  // its queue is full for a moment
    refuse(name_, "cannot send");
  }
}

std::optional<ByteView> InterfaceLink::receive(Time deadline) {
  for (;;) {
    if (const auto frame = take()) return frame;
    if (!wait_readable(socket_.get(), deadline)) return std::nullopt;
  }
}

std::optional<ByteView> InterfaceLink::take() {
  alignas(cmsghdr) char about[CMSG_SPACE(sizeof(tpacket_auxdata))];
  iovec place{.iov_base = frame_.data(), .iov_len = frame_.size()};
  msghdr message{};
  message.msg_iov = &place;
  message.msg_iovlen = 1;
  message.msg_control = about;
  message.msg_controllen = sizeof about;
  const ssize_t size = recvmsg(socket_.get(), &message, MSG_DONTWAIT);
  if (size < 0) {
    if (errno == EAGAIN || errno == EINTR) return std::nullopt;
    refuse(name_, "cannot receive");
  }
  const std::span<std::uint8_t> frame(frame_.data(), static_cast<std::size_t>(size));
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level != SOL_PACKET || one->cmsg_type != PACKET_AUXDATA) continue;
    tpacket_auxdata data;
    std::memcpy(&data, CMSG_DATA(one), sizeof data);
    if (data.tp_status & TP_STATUS_CSUMNOTREADY && frame.size() > ETH_HLEN) complete_checksum(frame.subspan(ETH_HLEN));
  }
  return frame;
}

}  // namespace

std::unique_ptr<Link> open_interface(const std::string& name) {
  return std::make_unique<InterfaceLink>(name);
}

}  // namespace tcpassay
