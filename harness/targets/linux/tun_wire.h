// SPDX-License-Identifier: Apache-2.0
// The host kernel at the other end of a TUN device: write() delivers a packet to it and returns when it has answered.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "harness/base/file_descriptor.h"
#include "harness/targets/linux/departure_capture.h"
#include "harness/targets/linux/departure_ring.h"
#include "harness/targets/linux/kernel_wire.h"
#include "harness/targets/linux/namespace.h"

namespace tcpassay {

class TunWire : public KernelWire {
 public:
  // How the wire learns of the packets that leave: from a program in the kernel that copies them, where the user may
  // load one, else from a ring that says when to read the device.
  enum class Departures : std::uint8_t { kCaptured, kByRing };

  // Makes the device in the namespace and gives it the target's addresses. Throws TargetError.
  explicit TunWire(const NetworkNamespace& target, Departures wanted = Departures::kCaptured);

  void put(ByteView packet) override;
  std::optional<ByteView> take() override;
  void empty() override;
  bool set_mtu(std::uint32_t octets) override;
  bool coalesce(std::uint16_t octets) override;
  bool can_change() const override { return true; }
  bool renew() override;
  void link_changes() override;
  int pollable() const override { return tun_.get(); }
  bool watch(bool on) override;
  bool captures() const { return capture_.is_open(); }

 private:
  void open_device();
  std::optional<ByteView> take_captured();
  std::optional<ByteView> read_device();

  const NetworkNamespace& where_;
  Departures wanted_;
  FileDescriptor tun_;
  DepartureCapture capture_;
  bool passes_ = false;        // the capture is not to be used
  DepartureRing departures_;   // where there is no capture
  bool fresh_ = false;         // packets may have left before the ring was open
  std::uint16_t segment_ = 0;  // coalesce()
  Bytes buffer_, out_;
};

inline constexpr char kTunDevice[] = "/dev/net/tun";

// The line that says why the device cannot be opened.
std::string why_no_tun(int error);

}  // namespace tcpassay
