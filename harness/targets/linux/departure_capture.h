// SPDX-License-Identifier: Apache-2.0
// Takes the packets that leave a TUN device out of memory that the kernel shares with us, without system calls.
#pragma once

#include <cstddef>
#include <cstdint>

#include "harness/wire/packet.h"

namespace tcpassay {

// The kernel runs a small program of ours for each packet that is about to be queued at the device. The program copies
// the packet into shared memory, and the device drops it: that is less work than to queue it and to read it. Whatever
// it cannot copy (a long packet, one more than there is room for) it lets pass to the device, to be read from there.
//
// Needs the right to load such a program (CAP_BPF), and a queueing discipline on the device: the kernel would tell TCP
// of a drop if there were none.
class DepartureCapture {
 public:
  DepartureCapture() = default;
  DepartureCapture(const DepartureCapture&) = delete;
  DepartureCapture& operator=(const DepartureCapture&) = delete;
  ~DepartureCapture() { close(); }

  // Before the device is brought up. False when the kernel or the user's rights do not allow it.
  bool open(int device);
  void close();
  bool is_open() const { return shared_ != nullptr; }

  // Where the oldest packet is that left and was not taken.
  enum class Place : std::uint8_t { kNowhere, kHere, kInDevice };
  Place next() const;

  ByteView take();  // of kHere; valid until the next take()
  void taken_from_device() { ++read_; }
  // The device has no packet although next() says so. False when nothing that came later shows that it was lost.
  bool lost_in_device();

  // From now on all packets pass to the device, or no longer: whoever polls it waits for them.
  void let_pass(bool all);

 private:
  struct Shared;

  bool holds() const;
  std::uint32_t passed_before() const;

  Shared* shared_ = nullptr;
  std::uint32_t taken_ = 0, read_ = 0;  // of the packets that were copied, and of those that passed
};

}  // namespace tcpassay
