// SPDX-License-Identifier: Apache-2.0
// The interface of the wire between the peer's side and the host kernel: IP packets in, IP packets out.
#pragma once

#include <optional>

#include "harness/wire/packet.h"

namespace tcpassay {

// The addresses that every kind of wire uses.
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

  // Passes one packet to the kernel. The kernel has processed it when this returns.
  virtual void put(ByteView packet) = 0;

  // Called before and after something that may make the kernel send, so that the wire can note the processor it ran on.
  virtual void before_stimulus() {}
  virtual void after_stimulus() {}

  virtual void use_ip(std::uint8_t version) { (void)version; }  // the version of the packets that follow: 4 or 6

  // The MTU of the interface in octets; false when it cannot be changed.
  virtual bool set_mtu(std::uint32_t /*octets*/) { return false; }

  // From now on, text longer than this arrives as an interface with receive offload hands it over: as one packet made
  // of segments of so many octets. Zero for as it is. False when the wire cannot.
  virtual bool coalesce(std::uint16_t /*octets*/) { return false; }

  // Takes the interface down and makes a new one, so that all that was changed on it is gone. Only for a wire that can.
  virtual bool can_change() const { return false; }
  virtual bool renew() { return false; }

  // After this, when take() returns nothing, all packets that the kernel sent at once in answer to stimuli have been
  // taken. False when that is so without it.
  virtual bool fence() { return false; }

  // The next packet that the kernel sent, or nothing when none is there. Valid until the next call.
  virtual std::optional<ByteView> take() = 0;

  // Throws away all that the kernel has sent.
  virtual void empty() {
    while (take()) {
    }
  }

  // `ip` or `tc` is going to change the interface.
  virtual void link_changes() {}

  // Becomes readable when take() has something, while somebody watches it.
  virtual int pollable() const = 0;

  // Begins to watch, or ends it. False when take() may have something already.
  virtual bool watch(bool /*on*/) { return true; }
};

}  // namespace tcpassay
