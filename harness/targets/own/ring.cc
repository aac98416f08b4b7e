// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/ring.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

namespace own {
namespace {
constexpr std::size_t kOctetsMin = 2048;
}  // namespace

void Ring::put(std::size_t offset, std::span<const std::uint8_t> text) {
  if (text.empty()) return;
  reserve(offset + text.size());
  const std::size_t at = (head_ + offset) & (octets_.size() - 1);
  const std::size_t first = std::min(text.size(), octets_.size() - at);
  std::memcpy(octets_.data() + at, text.data(), first);
  if (first < text.size()) std::memcpy(octets_.data(), text.data() + first, text.size() - first);
}

void Ring::append(std::span<const std::uint8_t> text) {
  put(size_, text);
  extend(text.size());
}

void Ring::copy(std::size_t offset, std::span<std::uint8_t> out) const {
  if (out.empty()) return;
  assert(offset + out.size() <= size_);
  const std::size_t at = (head_ + offset) & (octets_.size() - 1);
  const std::size_t first = std::min(out.size(), octets_.size() - at);
  std::memcpy(out.data(), octets_.data() + at, first);
  if (first < out.size()) std::memcpy(out.data() + first, octets_.data(), out.size() - first);
}

void Ring::drop(std::size_t count) {
  assert(count <= size_);
  if (count == 0) return;
  head_ = (head_ + count) & (octets_.size() - 1);
  size_ -= count;
}

// Octets put behind the end of the queue keep their places too, so the whole circle is laid out anew.
void Ring::reserve(std::size_t count) {
  if (count <= octets_.size()) return;
  std::vector<std::uint8_t> larger(std::bit_ceil(std::max(count, kOctetsMin)));
  std::rotate_copy(octets_.begin(), octets_.begin() + static_cast<std::ptrdiff_t>(head_), octets_.end(),
                   larger.begin());
  if (misplaces) std::copy(octets_.begin(), octets_.end(), larger.begin());
  octets_.swap(larger);
  if (!misplaces) head_ = 0;
}

}  // namespace own
