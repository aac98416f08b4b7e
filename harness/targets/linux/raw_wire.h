// SPDX-License-Identifier: Apache-2.0
// The host kernel at the other end of a veth pair: packets go to it by raw socket and come from it by libpcap.
#pragma once

#include <pcap/pcap.h>
#include <sched.h>

#include <memory>

#include "harness/base/file_descriptor.h"
#include "harness/targets/linux/kernel_wire.h"
#include "harness/targets/linux/namespace.h"

namespace tcpassay {

// Our side is a second namespace whose kernel never answers: the peer's address is assigned to nothing, and the frames
// that carry packets for it name a link address that is not its interface's. No frame but those of TCP is on the link,
// since the neighbours are permanent entries. The link carries packets of any length to the target; its routes have the
// usual MTU. Nothing on the way touches TCP checksums or segment boundaries; the total length and the checksum of the
// IP header are written anew by our side's kernel.
//
// Usually the answer to a packet has been captured when sendto() returns. On a busy machine, though, the soft interrupt
// that processes the packet may run later. So an echo request follows the stimulus on the same processor, hence in the
// same queue: all immediate answers to the stimulus come before the echo reply.
class RawWire : public KernelWire {
 public:
  // Makes the pair between the namespace and one of its own. Throws TargetError.
  explicit RawWire(const NetworkNamespace& target);

  void put(ByteView packet) override;
  void before_stimulus() override;
  void after_stimulus() override;
  void use_ip(std::uint8_t version) override { ip_ = version; }
  bool fence() override;
  std::optional<ByteView> take() override;
  int pollable() const override { return readable_; }

 private:
  struct Closer {
    void operator()(pcap_t* capture) const { pcap_close(capture); }
  };

  void set_up_peer(bool with_ipv6);
  void open_capture();
  void send_echo_request();
  bool is_echo_reply(ByteView packet) const;

  NetworkNamespace peer_;
  FileDescriptor socket_, socket6_;
  std::uint8_t ip_ = 4;  // of the echo requests
  std::unique_ptr<pcap_t, Closer> capture_;
  int readable_ = -1;
  cpu_set_t touched_{};     // the processors that handled stimuli since the last echo request
  std::uint16_t echo_ = 0;  // the number of the last echo request
  int replies_due_ = 0;
};

// Tries everything that may be missing on a machine, in the calling thread's namespace, which is not used afterwards.
// Throws TargetError.
void probe_raw_wire();

}  // namespace tcpassay
