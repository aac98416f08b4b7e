// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/plugin/child_memory.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

namespace tcpassay {
namespace {

// Looks at the turn so often before it sleeps: with a processor for each side the other answers within some ten
// microseconds. Where that does not help, since the processors are busy, it looks once in a while only.
constexpr int kSpins = 600;
constexpr unsigned kTryEvery = 64;  // waits

void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

std::uint32_t* word_of(std::atomic<std::uint32_t>& value) {
  static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
  return reinterpret_cast<std::uint32_t*>(&value);
}

}  // namespace

void ChildMemory::give(std::uint32_t whom) {
  turn.store(whom);
  if (asleep[whom].load() != 0) syscall(SYS_futex, word_of(turn), FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

bool ChildMemory::wait_for(std::uint32_t whose, std::chrono::nanoseconds most) {
  static bool helps = true;  // this process has seen that looking is enough
  static unsigned waits = 0;
  for (int i = 0; (helps || waits % kTryEvery == 0) && i < kSpins; ++i) {
    if (turn.load() == whose) return helps = true;
    pause_briefly();
  }
  helps = false;
  ++waits;
  const auto end = std::chrono::steady_clock::now() + most;
  asleep[whose].store(1);
  while (turn.load() != whose) {
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) break;
    const timespec timeout{.tv_sec = static_cast<time_t>(left.count() / 1000000000),
                           .tv_nsec = left.count() % 1000000000};
    syscall(SYS_futex, word_of(turn), FUTEX_WAIT, 1 - whose, &timeout, nullptr, 0);
  }
  asleep[whose].store(0);
  return turn.load() == whose;
}

ChildMemory* share_memory() {
  void* pages = mmap(nullptr, sizeof(ChildMemory), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw TargetError("no memory for a child process");
  return new (pages) ChildMemory;
}

void unshare_memory(ChildMemory* memory) {
  if (memory != nullptr) munmap(memory, sizeof(ChildMemory));
}

void put_call(OctetWriter& out, const UserCall& call) {
  out.put(call.handle);
  out.put(call.kind);
  out.put(call.option);
  out.put(call.error);
  out.put(call.host);
  out.put(call.urgent);
  out.put(call.port);
  out.put(call.length);
  out.put(call.how);
  out.put(call.value);
  out.put(call.result);
  out.put(call.tuple);
  out.put_block(call.text);
}

UserCall get_call(OctetReader& in) {
  UserCall call;
  call.handle = in.get<int>();
  call.kind = in.get<CallKind>();
  call.option = in.get<SocketOption>();
  call.error = in.get<UserError>();
  call.host = in.get<Host>();
  call.urgent = in.get<bool>();
  call.port = in.get<std::uint16_t>();
  call.length = in.get<std::uint32_t>();
  call.how = in.get<int>();
  call.value = in.get<std::int64_t>();
  call.result = in.get<std::int64_t>();
  call.tuple = in.get<Tuple>();
  call.text = in.get_block();
  return call;
}

std::uint64_t digest(ByteView octets, std::uint64_t before) {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
  std::uint64_t sum = before ^ octets.size();
  for (std::size_t at = 0; at < octets.size(); at += sizeof sum) {
    std::uint64_t word = 0;
    std::memcpy(&word, octets.data() + at, std::min(sizeof word, octets.size() - at));
    sum = (sum ^ word) * kFactor;
    sum ^= sum >> 29u;
  }
  return sum;
}

}  // namespace tcpassay
