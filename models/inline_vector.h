// SPDX-License-Identifier: Apache-2.0
// A list of a few items without an allocation.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace tcpassay {

// A small list inside a TCB. Beyond the limit further entries are left out. Of cites and reported blocks that means
// that a rule is counted less often; where it could hide a fault, whoever adds one looks whether there was room.
template <class T, int kMax>
struct InlineVector {
  std::array<T, kMax> items{};
  std::uint8_t size = 0;

  bool add(const T& item) {  // false: there was no room
    if (size == kMax) return false;
    items[size++] = item;
    return true;
  }
  bool has(const T& item) const {
    for (const T& i : *this) {
      if (i == item) return true;
    }
    return false;
  }
  void remove(const T& item) {
    int kept = 0;
    for (int i = 0; i < size; ++i) {
      if (!(items[i] == item)) items[kept++] = items[i];
    }
    size = static_cast<std::uint8_t>(kept);
  }
  void remove_first(const T& item) {
    T* found = std::find(items.data(), items.data() + size, item);
    if (found == items.data() + size) return;
    std::move(found + 1, items.data() + size, found);
    --size;
  }
  void clear() { size = 0; }
  bool empty() const { return size == 0; }
  const T* begin() const { return items.data(); }
  const T* end() const { return items.data() + size; }
  const T& back() const { return items[size - 1]; }
  friend bool operator==(const InlineVector& a, const InlineVector& b) {
    return a.size == b.size && std::equal(a.begin(), a.end(), b.begin());
  }
};

}  // namespace tcpassay
