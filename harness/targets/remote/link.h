// SPDX-License-Identifier: Apache-2.0
// The interface of a wire to anything: frames out, frames in. Ethernet stations (station.h) stand on it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "harness/target/target.h"

namespace tcpassay {

inline constexpr std::size_t kFrameMax = 65535 + 14;  // octets: an IP packet of any length behind an Ethernet header

// The monotonic clock, on which the deadlines of links are.
Time steady_now();

class Link {
 public:
  virtual ~Link() = default;

  // Whether frames begin with an Ethernet header; if not, they are IP packets.
  virtual bool ethernet() const { return true; }

  // Throws TargetError when the link is down or refuses the frame.
  virtual void send(ByteView frame) = 0;

  // The next frame, or nothing when none has come by the deadline. Valid until the next call. Throws TargetError when
  // the other end is gone.
  virtual std::optional<ByteView> receive(Time deadline) = 0;
};

// Waits until the descriptor is readable; false when the deadline has passed.
bool wait_readable(int fd, Time deadline);

// Frames of an interface of this namespace, by a packet socket: what arrives there, for whatever station. Without a
// station's link address of its own the kernel takes no part, since no address of ours is assigned to it.
std::unique_ptr<Link> open_interface(const std::string& name);

// The wire itself: what the interface NAME sends comes here, and what is sent here arrives there. An interface that is
// a TUN device carries IP packets.
std::unique_ptr<Link> open_tap(const std::string& name);

// A UNIX socket to which QEMU (-netdev stream, -netdev dgram) or passt is bound. A stream carries the length of each
// frame in four octets before it, a datagram is a frame. `own` is the path that datagrams come to.
std::unique_ptr<Link> open_unix(const std::string& path, const std::string& own);

}  // namespace tcpassay
