// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/departure_ring.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <atomic>
#include <iterator>
#include <utility>

namespace tcpassay {
namespace {

constexpr std::size_t kFrameOctets = 128, kFrames = 8192, kBlockOctets = 65536;  // more frames than the queue has room
constexpr std::size_t kRingOctets = kFrameOctets * kFrames;
static_assert(kRingOctets % kBlockOctets == 0 && kFrameOctets % TPACKET_ALIGNMENT == 0);

// Keeps one octet of each packet that leaves, and nothing of those that arrive.
bool keep_departures(int socket) {
  constexpr auto kPacketType = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE);
  sock_filter program[] = {{BPF_LD | BPF_B | BPF_ABS, 0, 0, kPacketType},
                           {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, PACKET_OUTGOING},
                           {BPF_RET | BPF_K, 0, 0, 1},
                           {BPF_RET | BPF_K, 0, 0, 0}};
  const sock_fprog filter{.len = std::size(program), .filter = program};
  return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

bool make_ring(int socket) {
  const int version = TPACKET_V2;
  const tpacket_req wanted{.tp_block_size = kBlockOctets,
                           .tp_block_nr = kRingOctets / kBlockOctets,
                           .tp_frame_size = kFrameOctets,
                           .tp_frame_nr = kFrames};
  return setsockopt(socket, SOL_PACKET, PACKET_VERSION, &version, sizeof version) == 0 &&
         setsockopt(socket, SOL_PACKET, PACKET_RX_RING, &wanted, sizeof wanted) == 0;
}

bool listen_on(int socket, const std::string& interface) {
  sockaddr_ll name{};
  name.sll_family = AF_PACKET;
  name.sll_protocol = htons(ETH_P_ALL);
  name.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  return name.sll_ifindex != 0 && bind(socket, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
}

}  // namespace

void DepartureRing::open(const std::string& interface) {
  close();
  FileDescriptor fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!fd || !keep_departures(fd.get()) || !make_ring(fd.get())) return;
  void* const ring = mmap(nullptr, kRingOctets, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (ring == MAP_FAILED) return;
  frames_ = static_cast<std::uint8_t*>(ring);
  socket_ = std::move(fd);
  if (!listen_on(socket_.get(), interface)) close();
}

void DepartureRing::close() {
  if (frames_ != nullptr) munmap(frames_, kRingOctets);
  frames_ = nullptr;
  socket_.close();
  next_ = 0;
  lost_ = false;
}

std::uint32_t& DepartureRing::status() const {
  return reinterpret_cast<tpacket2_hdr*>(frames_ + next_ * kFrameOctets)->tp_status;
}

bool DepartureRing::may_have() const {
  if (frames_ == nullptr || lost_) return true;
  return std::atomic_ref(status()).load(std::memory_order_acquire) != TP_STATUS_KERNEL;
}

void DepartureRing::taken() {
  if (frames_ == nullptr || lost_) return;
  const std::atomic_ref frame(status());
  if (frame.load(std::memory_order_acquire) == TP_STATUS_KERNEL) return;  // it left before the ring was open
  lost_ = (frame.load(std::memory_order_acquire) & TP_STATUS_LOSING) != 0;
  frame.store(TP_STATUS_KERNEL, std::memory_order_release);
  next_ = (next_ + 1) % kFrames;
}

}  // namespace tcpassay
