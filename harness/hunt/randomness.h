// SPDX-License-Identifier: Apache-2.0
// A source of numbers that is quick and the same on every machine (xorshift64*).
#pragma once

#include <cstddef>
#include <cstdint>

namespace tcpassay {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 0x1234567u) {
    if (state_ == 0) state_ = 1;
    next();
    next();
  }

  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1du;
  }
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : static_cast<std::size_t>((next() >> 16) % limit); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  std::uint32_t between(std::uint32_t least, std::uint32_t most) {
    return least + static_cast<std::uint32_t>(below(most - least + 1u));
  }
  template <class T, std::size_t n>
  const T& of(const T (&table)[n]) {
    return table[below(n)];
  }

 private:
  std::uint64_t state_;
};

}  // namespace tcpassay
