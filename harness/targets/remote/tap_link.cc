// SPDX-License-Identifier: Apache-2.0
// The wire of a tap device: what its interface sends is read here.
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "harness/base/file_descriptor.h"
#include "harness/target/target.h"
#include "harness/targets/remote/link.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr char kDevice[] = "/dev/net/tun";

class TapLink : public Link {
 public:
  explicit TapLink(const std::string& name);

  bool ethernet() const override { return ethernet_; }
  void send(ByteView frame) override;
  std::optional<ByteView> receive(Time deadline) override;

 private:
  std::string name_;
  FileDescriptor device_;
  bool ethernet_ = true;
  Bytes frame_ = Bytes(kFrameMax);
};

TapLink::TapLink(const std::string& name) : name_(name), device_(open(kDevice, O_RDWR | O_CLOEXEC | O_NONBLOCK)) {
  if (!device_) throw TargetError(std::string(kDevice) + ": " + std::strerror(errno));
  ifreq request{};
  if (name.size() >= sizeof request.ifr_name) throw TargetError("tap:" + name + ": the name is too long");
  std::strncpy(request.ifr_name, name.c_str(), sizeof request.ifr_name - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (ioctl(device_.get(), TUNSETIFF, &request) == 0) return;
  const int why = errno;
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  ethernet_ = false;
  if (why == EINVAL && ioctl(device_.get(), TUNSETIFF, &request) == 0) return;  // it is there, and of the other kind
  throw TargetError("tap:" + name + ": " + std::strerror(why) +
                    (why == EBUSY ? ": another process holds it; an interface that another program made is tested "
                                    "with remote:ADDR?interface=" +
                                        name
                     : why == EPERM
                         ? "; run as root, or make it for your user: ip tuntap add " + name + " mode tap user NAME"
                         : ""));
}

void TapLink::send(ByteView frame) {
  if (write(device_.get(), frame.data(), frame.size()) >= 0) return;
  if (errno == EINVAL && !ethernet_) return;  // not an IP packet at all
  throw TargetError("tap:" + name_ + ": cannot send: " + std::strerror(errno) +
                    (errno == EIO ? "; is the interface up? ip link set " + name_ + " up" : ""));
}

std::optional<ByteView> TapLink::receive(Time deadline) {
  for (;;) {
    const ssize_t size = read(device_.get(), frame_.data(), frame_.size());
    if (size > 0) return ByteView(frame_.data(), static_cast<std::size_t>(size));
    if (size < 0 && errno != EAGAIN && errno != EINTR) {
      throw TargetError("tap:" + name_ + ": cannot receive: " + std::strerror(errno));
    }
    if (!wait_readable(device_.get(), deadline)) return std::nullopt;
  }
}

}  // namespace

std::unique_ptr<Link> open_tap(const std::string& name) {
  return std::make_unique<TapLink>(name);
}

}  // namespace tcpassay
