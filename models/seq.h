// SPDX-License-Identifier: Apache-2.0
// Sequence numbers, RFC 9293 section 3.4: arithmetic and comparison are modulo 2^32.
#pragma once

#include <cstdint>

namespace tcpassay {

// A sequence number counts octets in one direction. SndSeq numbers the octets that the target sends (ISS,
// SND.UNA, SEG.ACK of an arriving segment); RcvSeq those that it receives (IRS, RCV.NXT, SEG.SEQ of an arriving
// segment). Comparing across directions is always a mistake, so it does not compile.
template <class Direction>
struct Seq {
  std::uint32_t value = 0;

  friend constexpr bool operator==(Seq, Seq) = default;
  // a < b when b is less than 2^31 ahead of a. Not transitive: never the key of a sorted container.
  friend constexpr bool operator<(Seq a, Seq b) { return static_cast<std::int32_t>(a.value - b.value) < 0; }
  friend constexpr bool operator<=(Seq a, Seq b) { return a == b || a < b; }
  friend constexpr bool operator>(Seq a, Seq b) { return b < a; }
  friend constexpr bool operator>=(Seq a, Seq b) { return b <= a; }
  friend constexpr Seq operator+(Seq a, std::uint32_t n) { return {a.value + n}; }
  friend constexpr Seq operator-(Seq a, std::uint32_t n) { return {a.value - n}; }
  // The octets from b up to a; meaningful when b <= a.
  friend constexpr std::uint32_t operator-(Seq a, Seq b) { return a.value - b.value; }
};

using SndSeq = Seq<struct Snd>;
using RcvSeq = Seq<struct Rcv>;

template <class D>
constexpr Seq<D> later(Seq<D> a, Seq<D> b) {
  return a < b ? b : a;
}
template <class D>
constexpr Seq<D> earlier(Seq<D> a, Seq<D> b) {
  return a < b ? a : b;
}

static_assert(SndSeq{0xffffffff} < SndSeq{0}, "comparison wraps");

}  // namespace tcpassay
