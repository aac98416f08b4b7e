// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/tun_wire.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>  // IWYU pragma: keep
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "harness/target/target.h"
#include "harness/targets/linux/netlink.h"

namespace tcpassay {
namespace {

constexpr char kInterface[] = "tun0";
constexpr std::uint32_t kQueuePackets = 4096;  // packets that the kernel may send before we read; it drops more

// The header of <linux/virtio_net.h>, which is no C++, in the machine's own octet order.
struct OffloadHeader {
  std::uint8_t flags = 0, gso_type = 0;
  std::uint16_t header_octets = 0, gso_size = 0, checksum_start = 0, checksum_offset = 0;
};
static_assert(sizeof(OffloadHeader) == 10);
constexpr std::uint8_t kTcpOverIpv4 = 1, kTcpOverIpv6 = 4;

// What the interface says of a packet that it has put together from segments of `octets`: packetdrill's `--mss`.
OffloadHeader offload_of(ByteView packet, std::uint16_t octets) {
  OffloadHeader header{};
  const bool ipv6 = !packet.empty() && packet[0] >> 4 == 6;
  const std::size_t ip = ipv6 ? 40 : 20, protocol = ipv6 ? 6 : 9, data_offset = 12;
  if (octets == 0 || packet.size() <= ip + data_offset || packet[protocol] != IPPROTO_TCP) return header;
  const std::size_t tcp = ipv6 ? ip : static_cast<std::size_t>(packet[0] & 15) * 4;
  if (packet.size() <= tcp + data_offset) return header;
  const std::size_t headers = tcp + static_cast<std::size_t>(packet[tcp + data_offset] >> 4) * 4;
  if (packet.size() <= headers + octets) return header;
  header.gso_type = ipv6 ? kTcpOverIpv6 : kTcpOverIpv4;
  header.gso_size = octets;
  return header;
}

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

TunWire::TunWire(const NetworkNamespace& target, Departures wanted)
    : where_(target), wanted_(wanted), buffer_(sizeof(OffloadHeader) + kPacketMax) {
  open_device();
}

bool TunWire::renew() {
  capture_.close();
  departures_.close();
  tun_.close();
  segment_ = 0;
  passes_ = false;
  open_device();
  return true;
}

bool TunWire::set_mtu(std::uint32_t octets) {
  const NetworkNamespace::Visit visit(where_);
  Interfaces().set_mtu(kInterface, octets);
  return true;
}

bool TunWire::coalesce(std::uint16_t octets) {
  segment_ = octets;
  return true;
}

void TunWire::open_device() {
  const NetworkNamespace::Visit visit(where_);  // the device appears where it is opened
  tun_ = FileDescriptor(open(kTunDevice, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!tun_) throw TargetError(why_no_tun(errno));
  ifreq request{};
  std::memcpy(request.ifr_name, kInterface, sizeof kInterface);
  request.ifr_flags =
      IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;  // not IFF_NAPI: the kernel must process a packet inside our write()
  if (ioctl(tun_.get(), TUNSETIFF, &request) != 0) throw TargetError(why_no_tun(errno));
  const bool captured = wanted_ == Departures::kCaptured && capture_.open(tun_.get());

  Interfaces interfaces;
  interfaces.set_queue_length(kInterface, kQueuePackets);
  interfaces.add_address(kInterface, kTargetAddress, kPrefixLength);
  interfaces.bring_up(kInterface);
  if (where_.has_ipv6()) interfaces.add_address(kInterface, kTargetIpv6, kIpv6PrefixLength);
  if (!captured) departures_.open(kInterface);
  fresh_ = !captured;
}

void TunWire::put(ByteView packet) {
  const OffloadHeader header = offload_of(packet, segment_);
  out_.resize(sizeof header + packet.size());
  std::memcpy(out_.data(), &header, sizeof header);
  std::copy(packet.begin(), packet.end(), out_.begin() + sizeof header);
  if (write(tun_.get(), out_.data(), out_.size()) >= 0) return;
  if (errno == EINVAL) return;  // not an IP packet at all: the device drops it as a link would
  throw TargetError(std::string("the TUN device refuses a packet: ") + std::strerror(errno));
}

// No system call where there can be no packet.
std::optional<ByteView> TunWire::take() {
  if (capture_.is_open()) return take_captured();
  if (!departures_.may_have()) return std::nullopt;
  return read_device();
}

std::optional<ByteView> TunWire::take_captured() {
  for (;;) {
    const DepartureCapture::Place place = capture_.next();
    if (place == DepartureCapture::Place::kNowhere) return std::nullopt;
    if (place == DepartureCapture::Place::kHere) return capture_.take();
    if (const auto packet = read_device()) {
      capture_.taken_from_device();
      return packet;
    }
    if (!capture_.lost_in_device()) return std::nullopt;
  }
}

// `tc` and `ip` may take the queueing discipline away.
void TunWire::link_changes() {
  passes_ = true;
  if (capture_.is_open()) capture_.let_pass(true);
}

bool TunWire::watch(bool on) {
  if (!capture_.is_open() || passes_) return true;
  capture_.let_pass(on);
  return capture_.next() == DepartureCapture::Place::kNowhere;
}

// Asks the device itself once, so that what left before the ring was open goes too.
void TunWire::empty() {
  if (!std::exchange(fresh_, false)) return KernelWire::empty();
  while (read_device()) {
  }
}

std::optional<ByteView> TunWire::read_device() {
  const ssize_t size = read(tun_.get(), buffer_.data(), buffer_.size());
  constexpr std::size_t kHeader = sizeof(OffloadHeader);
  if (size >= 0) departures_.taken();
  if (size >= static_cast<ssize_t>(kHeader)) {
    return ByteView(buffer_).subspan(kHeader, static_cast<std::size_t>(size) - kHeader);
  }
  if (size >= 0) return std::nullopt;
  if (errno == EAGAIN || errno == EINTR) return std::nullopt;
  throw TargetError(std::string("the TUN device cannot be read: ") + std::strerror(errno));
}

}  // namespace tcpassay
