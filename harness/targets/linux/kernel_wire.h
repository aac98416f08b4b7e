// SPDX-License-Identifier: Apache-2.0
// The wire between our side and the host kernel: IP packets in, IP packets out, whatever the device beneath.
#pragma once

#include <optional>

#include "harness/wire.h"

namespace tcpassay {

// The addresses on every such wire.
inline constexpr Address kTargetAddress{.family = 4, .octets = {10, 77, 0, 1}};
inline constexpr Address kPeerAddress{.family = 4, .octets = {10, 77, 0, 2}};
inline constexpr Address kNetwork{.family = 4, .octets = {10, 77, 0, 0}};
inline constexpr std::uint8_t kPrefixLength = 24;

inline constexpr std::size_t kPacketMax = 65535;  // octets of an IPv4 packet

class KernelWire {
 public:
  virtual ~KernelWire() = default;

  // Hands one packet to the kernel, which has processed it on return.
  virtual void put(ByteView packet) = 0;

  // What is done next makes the kernel send; and it has been done. Between the two the wire may look where it happens.
  virtual void before_stimulus() {}
  virtual void after_stimulus() {}

  // From now on take() gives nothing only when all that the stimuli so far made the kernel send at once has come.
  virtual void fence() {}

  // The next packet that the kernel sent, or nothing when none is there. Valid until the next call.
  virtual std::optional<ByteView> take() = 0;

  // Becomes readable when take() has something.
  virtual int pollable() const = 0;
};

}  // namespace tcpassay
