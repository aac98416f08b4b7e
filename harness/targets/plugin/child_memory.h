// SPDX-License-Identifier: Apache-2.0
// The memory that a target in a child process shares with its owner: a batch of requests one way, the answer the other
// way, and whose turn it is. One wake-up a batch.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "harness/target/target.h"

namespace tcpassay {

inline constexpr std::size_t kBatchMax = 1 << 20;   // octets of one batch of requests
inline constexpr std::size_t kAnswerMax = 4 << 20;  // octets of one answer; what does not fit comes with the next
inline constexpr std::size_t kWatchedMax = 64;      // conversations whose states come with every answer

struct ChildMemory {
  static constexpr std::uint32_t kOwner = 0, kChild = 1;

  std::atomic<std::uint32_t> turn{kOwner};
  std::atomic<std::uint32_t> asleep[2]{};  // who sleeps until the turn changes
  std::atomic<std::int32_t> death{0};      // what waitpid() said of a child of the child; 0: it lives
  std::uint32_t batch_size = 0, answer_size = 0;
  std::uint8_t batch[kBatchMax];
  std::uint8_t answer[kAnswerMax];

  // Hands the turn over and wakes who waits for it.
  void give(std::uint32_t whom);
  // Waits until it is `whose` turn, or until the time is over: false.
  bool wait_for(std::uint32_t whose, std::chrono::nanoseconds most);
};

// The pages are shared with processes forked later. Throws TargetError.
ChildMemory* share_memory();
void unshare_memory(ChildMemory* memory);

// Writes plain values one behind the other. Writing more than there is room for leaves full() true.
class OctetWriter {
 public:
  OctetWriter(std::uint8_t* begin, std::size_t room) : begin_(begin), room_(room) {}
  template <typename T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    put_octets({reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
  }
  void put_octets(ByteView octets) {
    if (octets.size() > room_ - size_) full_ = true;
    if (full_ || octets.empty()) return;
    std::memcpy(begin_ + size_, octets.data(), octets.size());
    size_ += octets.size();
  }
  void put_text(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    put_octets({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  void put_block(ByteView octets) {
    put(static_cast<std::uint32_t>(octets.size()));
    put_octets(octets);
  }
  // A block whose length is not known yet: what is written until close_block(its place).
  std::size_t open_block() {
    put(std::uint32_t{});
    return size_;
  }
  void close_block(std::size_t place) {
    const auto length = static_cast<std::uint32_t>(size_ - place);
    if (!full_) std::memcpy(begin_ + place - sizeof length, &length, sizeof length);
  }
  void back_to(std::size_t size) { size_ = size; }
  bool fits(std::size_t octets) const { return octets <= room_ - size_; }
  std::size_t size() const { return size_; }
  ByteView octets() const { return {begin_, size_}; }
  bool full() const { return full_; }

 private:
  std::uint8_t* begin_;
  std::size_t room_, size_ = 0;
  bool full_ = false;
};

// Reads them back. Throws TargetError where there is nothing more: a child that was overrun may have written anything.
class OctetReader {
 public:
  explicit OctetReader(ByteView octets) : rest_(octets) {}
  template <typename T>
  T get() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  ByteView get_block() { return take(get<std::uint32_t>()); }
  std::string get_text() {
    const ByteView octets = get_block();
    return {octets.begin(), octets.end()};
  }
  bool at_end() const { return rest_.empty(); }
  std::size_t left() const { return rest_.size(); }

 private:
  ByteView take(std::size_t count) {
    if (count > rest_.size()) throw TargetDied("its process has overwritten the memory that it shares with tcpassay");
    const ByteView taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  ByteView rest_;
};

// What an answer begins with. Behind kError and kDied comes what to throw.
enum class AnswerKind : std::uint8_t { kWell, kError, kDied };

// The requests of a batch: a Request, then what belongs to it.
enum class Request : std::uint8_t {
  kReset,      // seed (64 bits), IP version
  kConfigure,  // name, value
  kInject,     // packet
  kAdvance,    // deadline
  kCall,       // a call (put_call)
  kWatch,      // Tuple: its state comes with every answer until the next reset
  kForget,     // nothing: no state is watched any more
  kCollect,    // nothing: what the target has sent since
  kDiscard,    // nothing: the answer so far counts as given (after a false foresight)
  kForeseen,   // Foreseen::handle_of, Foreseen::repeat, then a request that gets an answer of its own
};
inline constexpr std::uint32_t kNoHandle = 0xffffffff;  // Foreseen::handle_of

// A UserCall, its handle first. `text` is valid as long as what is read.
void put_call(OctetWriter& out, const UserCall& call);
UserCall get_call(OctetReader& in);

// A number that stands for the octets and what came before them.
std::uint64_t digest(ByteView octets, std::uint64_t before);
inline std::uint64_t digest_of(std::uint64_t number, std::uint64_t before) {
  return digest({reinterpret_cast<const std::uint8_t*>(&number), sizeof number}, before);
}

}  // namespace tcpassay
