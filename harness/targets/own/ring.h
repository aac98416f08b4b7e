// SPDX-License-Identifier: Apache-2.0
// A queue of octets in a ring buffer, whose memory is reused for the next connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace own {

class Ring {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Forgets the octets and keeps the memory, unless a defect needs a buffer that grows.
  void clear() {
    head_ = size_ = 0;
    if (misplaces) octets_.clear();
  }

  // Writes `text` at `offset` octets behind the front; the queue does not become longer by it.
  void put(std::size_t offset, std::span<const std::uint8_t> text);
  // The next `count` octets behind the end, put there before, now belong to the queue.
  void extend(std::size_t count) { size_ += count; }
  void append(std::span<const std::uint8_t> text);

  // Copies out.size() octets from `offset` on; they must be there.
  void copy(std::size_t offset, std::span<std::uint8_t> out) const;
  // Forgets all octets behind the first `count`.
  void cut(std::size_t count) { size_ = count; }
  // Takes `count` octets from the front.
  void drop(std::size_t count);

  bool misplaces = false;  // the defect buffer_grows_misplaced

 private:
  void reserve(std::size_t count);

  std::vector<std::uint8_t> octets_;  // its size is zero or a power of two
  std::size_t head_ = 0, size_ = 0;
};

}  // namespace own
