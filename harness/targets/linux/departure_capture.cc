// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/departure_capture.h"

#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <utility>

#include "harness/base/file_descriptor.h"

namespace tcpassay {
namespace {

constexpr std::uint32_t kCopies = 64, kCopyOctets = 2048, kHeaderOctets = 64;

struct Copy {
  std::uint32_t octets, passed_before;  // how many packets had passed to the device when this one was copied
  std::uint8_t packet[kCopyOctets - 8];
};
static_assert(sizeof(Copy) == kCopyOctets && (kCopies & (kCopies - 1)) == 0);

using Instruction = bpf_insn;
enum Register : std::uint8_t {
  kAnswer,
  kArgument1,
  kArgument2,
  kArgument3,
  kArgument4,
  kPacket = 6,
  kMemory,
  kCount,
  kOctets
};

constexpr Instruction instruction(int code, int to, int from, int offset, std::uint32_t number) {
  return {.code = static_cast<std::uint8_t>(code),
          .dst_reg = static_cast<std::uint8_t>(to & 15),
          .src_reg = static_cast<std::uint8_t>(from & 15),
          .off = static_cast<std::int16_t>(offset),
          .imm = static_cast<std::int32_t>(number)};
}
constexpr Instruction copy(int to, int from) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}
constexpr Instruction set(int to, std::uint32_t number) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, number);
}
constexpr Instruction apply(int operation, int to, std::uint32_t number) {
  return instruction(BPF_ALU64 | operation | BPF_K, to, 0, 0, number);
}
constexpr Instruction add(int to, int from) {
  return instruction(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0);
}
constexpr Instruction load(int to, int from, std::size_t offset) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, to, from, static_cast<int>(offset), 0);
}
constexpr Instruction store(int to, std::size_t offset, int from) {
  return instruction(BPF_STX | BPF_MEM | BPF_W, to, from, static_cast<int>(offset), 0);
}
// Adds a register that holds 1, after all that was stored before.
constexpr Instruction count_one(int to, std::size_t offset, int one) {
  return instruction(BPF_STX | BPF_ATOMIC | BPF_W, to, one, static_cast<int>(offset), BPF_ADD | BPF_FETCH);
}
constexpr Instruction call(std::uint32_t function) {
  return instruction(BPF_JMP | BPF_CALL, 0, 0, 0, function);
}
constexpr Instruction leave() {
  return instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}
constexpr int kToPass = 0x7fff;  // a jump to where the packet is let pass
constexpr Instruction pass_if(int condition, int left, std::uint32_t right) {
  return instruction(BPF_JMP | condition | BPF_K, left, 0, kToPass, right);
}

long bpf(bpf_cmd command, bpf_attr& attributes) {
  return syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

}  // namespace

// As the program sees it; the program alone writes the first two.
struct DepartureCapture::Shared {
  std::uint32_t copied, passed, taken, all_pass;
  std::uint8_t unused[kHeaderOctets - 16];
  Copy copies[kCopies];
};

namespace {

template <class Shared>
FileDescriptor load_program(int memory) {
  constexpr std::size_t kPacketMost = sizeof(Copy::packet);
  auto program = std::to_array<Instruction>({
      copy(kPacket, kArgument1),
      instruction(BPF_LD | BPF_IMM | BPF_DW, kMemory, BPF_PSEUDO_MAP_VALUE, 0, static_cast<std::uint32_t>(memory)),
      instruction(0, 0, 0, 0, 0),
      load(kOctets, kPacket, offsetof(__sk_buff, len)),
      load(kCount, kMemory, offsetof(Shared, copied)),
      pass_if(BPF_JGT, kOctets, kPacketMost),
      pass_if(BPF_JEQ, kOctets, 0),
      load(kArgument2, kMemory, offsetof(Shared, all_pass)),
      pass_if(BPF_JNE, kArgument2, 0),
      // One copy stays free: the packet that was taken last may still be looked at.
      load(kArgument2, kMemory, offsetof(Shared, taken)),
      copy(kArgument3, kCount),
      instruction(BPF_ALU | BPF_SUB | BPF_X, kArgument3, kArgument2, 0, 0),
      pass_if(BPF_JGE, kArgument3, kCopies - 1),
      // kArgument3 = &copies[copied % kCopies]
      apply(BPF_AND, kCount, kCopies - 1),
      apply(BPF_MUL, kCount, sizeof(Copy)),
      copy(kArgument3, kMemory),
      apply(BPF_ADD, kArgument3, offsetof(Shared, copies)),
      add(kArgument3, kCount),
      store(kArgument3, offsetof(Copy, octets), kOctets),
      load(kArgument2, kMemory, offsetof(Shared, passed)),
      store(kArgument3, offsetof(Copy, passed_before), kArgument2),
      apply(BPF_ADD, kArgument3, offsetof(Copy, packet)),
      copy(kArgument1, kPacket),
      set(kArgument2, 0),
      copy(kArgument4, kOctets),
      call(BPF_FUNC_skb_load_bytes),
      pass_if(BPF_JNE, kAnswer, 0),
      set(kArgument1, 1),
      count_one(kMemory, offsetof(Shared, copied), kArgument1),
      set(kAnswer, 0),  // the device drops the packet
      leave(),
      // To pass:
      set(kArgument1, 1),
      count_one(kMemory, offsetof(Shared, passed), kArgument1),
      copy(kAnswer, kOctets),
      leave(),
  });
  constexpr int kPass = program.size() - 4;
  for (int at = 0; Instruction & each : program) {
    ++at;
    if (each.off == kToPass) each.off = static_cast<std::int16_t>(kPass - at);
  }
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  attributes.insns = reinterpret_cast<std::uint64_t>(program.data());
  attributes.insn_cnt = program.size();
  attributes.license = reinterpret_cast<std::uint64_t>("Apache-2.0");
  return FileDescriptor(static_cast<int>(bpf(BPF_PROG_LOAD, attributes)));
}

}  // namespace

bool DepartureCapture::open(int device) {
  close();
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = sizeof(std::uint32_t);
  attributes.value_size = sizeof(Shared);
  attributes.max_entries = 1;
  attributes.map_flags = BPF_F_MMAPABLE;
  const FileDescriptor memory(static_cast<int>(bpf(BPF_MAP_CREATE, attributes)));
  if (!memory) return false;
  const FileDescriptor program = load_program<Shared>(memory.get());
  if (!program) return false;
  void* const shared = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (shared == MAP_FAILED) return false;
  shared_ = static_cast<Shared*>(shared);
  const int fd = program.get();
  if (ioctl(device, TUNSETFILTEREBPF, &fd) != 0) close();
  return is_open();
}

void DepartureCapture::close() {
  if (shared_ != nullptr) munmap(shared_, sizeof(Shared));
  shared_ = nullptr;
  taken_ = read_ = 0;
}

bool DepartureCapture::holds() const {
  return std::atomic_ref(shared_->copied).load(std::memory_order_acquire) != taken_;
}

DepartureCapture::Place DepartureCapture::next() const {
  if (holds()) return shared_->copies[taken_ % kCopies].passed_before == read_ ? Place::kHere : Place::kInDevice;
  return std::atomic_ref(shared_->passed).load(std::memory_order_acquire) == read_ ? Place::kNowhere : Place::kInDevice;
}

ByteView DepartureCapture::take() {
  const Copy& oldest = shared_->copies[taken_ % kCopies];
  std::atomic_ref(shared_->taken).store(++taken_, std::memory_order_release);
  return {oldest.packet, oldest.octets};
}

// The device's queue was full.
bool DepartureCapture::lost_in_device() {
  if (!holds()) return false;
  read_ = shared_->copies[taken_ % kCopies].passed_before;
  return true;
}

void DepartureCapture::let_pass(bool all) {
  std::atomic_ref(shared_->all_pass).store(all ? 1 : 0, std::memory_order_seq_cst);
}

}  // namespace tcpassay
