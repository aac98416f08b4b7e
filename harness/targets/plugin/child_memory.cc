// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/plugin/child_memory.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace tcpassay {
namespace {

// Looks at the turn so often before it sleeps: with a processor for each side the other answers within some
// microseconds. Where that does not help, since the processors are busy, it looks once in a while only.
constexpr int kSpins = 200;
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

CallFields fields_of(const UserCall& call) {
  return {.kind = call.kind,
          .option = call.option,
          .error = call.error,
          .host = call.host,
          .urgent = call.urgent,
          .port = call.port,
          .length = call.length,
          .handle = call.handle,
          .how = call.how,
          .value = call.value,
          .result = call.result,
          .tuple = call.tuple};
}

void set_fields(const CallFields& fields, UserCall& call) {
  call.kind = fields.kind;
  call.option = fields.option;
  call.error = fields.error;
  call.host = fields.host;
  call.urgent = fields.urgent;
  call.port = fields.port;
  call.length = fields.length;
  call.handle = fields.handle;
  call.how = fields.how;
  call.value = fields.value;
  call.result = fields.result;
  call.tuple = fields.tuple;
}

}  // namespace tcpassay
