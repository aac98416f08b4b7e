// SPDX-License-Identifier: Apache-2.0
// Says without a system call whether an interface may have sent a packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "harness/base/file_descriptor.h"

namespace tcpassay {

// A packet socket on the interface, with a ring in memory that the kernel shares with us. The kernel writes a frame to
// the ring before it passes a packet that leaves to the device. So where the ring has no frame, the device has no
// packet, and a read of it would only cost time. The packets themselves are read from the device: the ring has one
// octet of each.
class DepartureRing {
 public:
  DepartureRing() = default;
  DepartureRing(const DepartureRing&) = delete;
  DepartureRing& operator=(const DepartureRing&) = delete;
  ~DepartureRing() { close(); }

  void open(const std::string& interface);
  void close();

  // False only if every packet that left was taken. A closed ring does not know, and says true.
  bool may_have() const;

  // One packet was taken from the device.
  void taken();

 private:
  std::uint32_t& status() const;

  FileDescriptor socket_;
  std::uint8_t* frames_ = nullptr;
  std::size_t next_ = 0;  // the frame of the oldest packet that was not taken
  bool lost_ = false;     // the ring was full once: it knows of fewer packets than there are
};

}  // namespace tcpassay
