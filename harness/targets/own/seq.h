// SPDX-License-Identifier: Apache-2.0
// Sequence number arithmetic of the own stack: everything is modulo 2^32 (RFC 9293 section 3.4).
#pragma once

#include <cstdint>

namespace own {

using SeqNum = std::uint32_t;

// How far a is ahead of b; negative when it is behind.
constexpr std::int32_t ahead(SeqNum a, SeqNum b) {
  return static_cast<std::int32_t>(a - b);
}

constexpr bool lt(SeqNum a, SeqNum b) {
  return ahead(a, b) < 0;
}  // a < b
constexpr bool le(SeqNum a, SeqNum b) {
  return ahead(a, b) <= 0;
}  // a =< b
constexpr bool gt(SeqNum a, SeqNum b) {
  return ahead(a, b) > 0;
}  // a > b
constexpr bool ge(SeqNum a, SeqNum b) {
  return ahead(a, b) >= 0;
}  // a >= b

constexpr SeqNum max(SeqNum a, SeqNum b) {
  return lt(a, b) ? b : a;
}
constexpr SeqNum min(SeqNum a, SeqNum b) {
  return lt(a, b) ? a : b;
}

static_assert(lt(0xffffffffu, 0u) && gt(5u, 0xfffffff0u), "comparison wraps");

}  // namespace own
