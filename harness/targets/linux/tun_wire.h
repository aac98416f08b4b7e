// SPDX-License-Identifier: Apache-2.0
// The host kernel at the other end of a TUN device: write() delivers a packet to it and returns when it has answered.
#pragma once

#include <memory>
#include <string>

#include "harness/base/file_descriptor.h"
#include "harness/targets/linux/departure_ring.h"
#include "harness/targets/linux/kernel_wire.h"
#include "harness/targets/linux/namespace.h"

namespace tcpassay {

class TunWire : public KernelWire {
 public:
  // Makes the device in the namespace and gives it the target's addresses. Throws TargetError.
  explicit TunWire(const NetworkNamespace& target);

  void put(ByteView packet) override;
  std::optional<ByteView> take() override;
  void empty() override;
  bool set_mtu(std::uint32_t octets) override;
  bool coalesce(std::uint16_t octets) override;
  bool can_change() const override { return true; }
  bool renew() override;
  int pollable() const override { return tun_.get(); }

 private:
  void open_device();
  std::optional<ByteView> read_device();

  const NetworkNamespace& where_;
  FileDescriptor tun_;
  DepartureRing departures_;
  bool fresh_ = false;         // packets may have left before the ring was open
  std::uint16_t segment_ = 0;  // coalesce()
  Bytes buffer_, out_;
};

inline constexpr char kTunDevice[] = "/dev/net/tun";

// The line that says why the device cannot be opened.
std::string why_no_tun(int error);

}  // namespace tcpassay
