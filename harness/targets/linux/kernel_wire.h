// SPDX-License-Identifier: Apache-2.0
// The wire between our side and the host kernel: IP packets in, IP packets out, whatever the device beneath.
#pragma once

#include <optional>

#include "harness/wire/packet.h"

namespace tcpassay {

// The addresses on every such wire.
inline constexpr Address kTargetAddress{.family = 4, .octets = {10, 77, 0, 1}};
inline constexpr Address kPeerAddress{.family = 4, .octets = {10, 77, 0, 2}};
inline constexpr Address kNetwork{.family = 4, .octets = {10, 77, 0, 0}};
inline constexpr std::uint8_t kPrefixLength = 24;

// 2001:db8:77::1, ::2 and, for our side's own kernel, ::3.
constexpr Address ipv6_address(std::uint8_t host) {
  return {.family = 6, .octets = {0x20, 0x01, 0x0d, 0xb8, 0, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, host}};
}
inline constexpr Address kTargetIpv6 = ipv6_address(1), kPeerIpv6 = ipv6_address(2);
inline constexpr std::uint8_t kIpv6PrefixLength = 64;

inline constexpr std::size_t kPacketMax = 65535;  // octets of an IP packet, jumbograms left out

class KernelWire {
 public:
  virtual ~KernelWire() = default;

  // Hands one packet to the kernel, which has processed it on return.
  virtual void put(ByteView packet) = 0;

  // What is done next makes the kernel send; and it has been done. Between the two the wire may look where it happens.
  virtual void before_stimulus() {}
  virtual void after_stimulus() {}

  virtual void use_ip(std::uint8_t version) { (void)version; }  // of what comes next: 4 or 6

  // From now on take() gives nothing only when all that the stimuli so far made the kernel send at once has come.
  virtual void fence() {}

  // The next packet that the kernel sent, or nothing when none is there. Valid until the next call.
  virtual std::optional<ByteView> take() = 0;

  // Becomes readable when take() has something.
  virtual int pollable() const = 0;
};

}  // namespace tcpassay
