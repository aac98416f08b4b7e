// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/tun_wire.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "harness/target/target.h"
#include "harness/targets/linux/netlink.h"

namespace tcpassay {
namespace {

constexpr char kInterface[] = "tun0";
constexpr std::uint32_t kQueuePackets = 4096;  // packets that the kernel may send before we read; it drops more

}  // namespace

std::string why_no_tun(int error) {
  const std::string what = std::string(kTunDevice) + " (" + std::strerror(error) + "): ";
  switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return "no " + what + "modprobe tun, or in a container add --device " + kTunDevice;
    case EACCES:
      return "cannot open " + what + "run as root or chmod 0666 " + kTunDevice;
    default:
      return "cannot use " + what + "run as root, in a container with --device " + kTunDevice;
  }
}

TunWire::TunWire(const NetworkNamespace& target) : buffer_(kPacketMax) {
  const NetworkNamespace::Visit visit(target);  // the device appears where it is opened
  tun_ = FileDescriptor(open(kTunDevice, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!tun_) throw TargetError(why_no_tun(errno));
  ifreq request{};
  std::memcpy(request.ifr_name, kInterface, sizeof kInterface);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;  // not IFF_NAPI: the kernel must process a packet inside our write()
  if (ioctl(tun_.get(), TUNSETIFF, &request) != 0) throw TargetError(why_no_tun(errno));

  Interfaces interfaces;
  interfaces.set_queue_length(kInterface, kQueuePackets);
  interfaces.add_address(kInterface, kTargetAddress, kPrefixLength);
  interfaces.bring_up(kInterface);
  if (target.has_ipv6()) interfaces.add_address(kInterface, kTargetIpv6, kIpv6PrefixLength);
}

void TunWire::put(ByteView packet) {
  if (write(tun_.get(), packet.data(), packet.size()) >= 0) return;
  if (errno == EINVAL) return;  // not an IP packet at all: the device drops it as a link would
  throw TargetError(std::string("the TUN device refuses a packet: ") + std::strerror(errno));
}

std::optional<ByteView> TunWire::take() {
  const ssize_t size = read(tun_.get(), buffer_.data(), buffer_.size());
  if (size >= 0) return ByteView(buffer_.data(), static_cast<std::size_t>(size));
  if (errno == EAGAIN || errno == EINTR) return std::nullopt;
  throw TargetError(std::string("the TUN device cannot be read: ") + std::strerror(errno));
}

}  // namespace tcpassay
