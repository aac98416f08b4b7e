// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/isn.h"

#include <bit>

namespace own {
namespace {

constexpr Time kTick = 4000;  // four microseconds

// A permutation of 64 bits in which every input bit affects every output bit.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// Mixes four words by addition, rotation and exclusive or, as SipHash does.
struct CliOptions {
  std::uint64_t a, b, c, d;

  void round() {
    a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
    c += d, d = std::rotl(d, 16) ^ c;
    a += d, d = std::rotl(d, 21) ^ a;
    c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
  }

  void absorb(std::uint64_t word) {
    d ^= word;
    round();
    round();
    a ^= word;
  }
};

}  // namespace

Secret Secret::from_seed(std::uint64_t seed) {
  return {.k0 = mix(seed + 0x9e3779b97f4a7c15u), .k1 = mix(seed + 2 * 0x9e3779b97f4a7c15u)};
}

std::uint64_t prf(const Secret& secret, const FourTuple& tuple) {
  CliOptions words{.a = secret.k0 ^ 0x243f6a8885a308d3u,
                   .b = secret.k1 ^ 0x13198a2e03707344u,
                   .c = secret.k0 ^ 0xa4093822299f31d0u,
                   .d = secret.k1 ^ 0x082efa98ec4e6c89u};
  for (const Address& address : {tuple.local_address, tuple.remote_address}) {
    words.absorb(address.high);
    words.absorb(address.low);
  }
  words.absorb(std::uint64_t{tuple.local_port} << 16 | tuple.remote_port);
  words.c ^= 0xff;
  for (int i = 0; i < 4; ++i) words.round();
  return words.a ^ words.b ^ words.c ^ words.d;
}

SeqNum initial_sequence_number(const Secret& secret, const FourTuple& tuple, Time now) {
  const auto m = static_cast<SeqNum>(now / kTick);
  return m + static_cast<SeqNum>(prf(secret, tuple));
}

}  // namespace own
