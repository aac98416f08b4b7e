// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/fast_open_cookie.h"

#include <bit>
#include <cstdio>

namespace tcpassay {
namespace {

std::uint64_t little_endian(const std::uint8_t* octets) {
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | octets[i];
  return value;
}

// SipHash-2-4 (Aumasson and Bernstein, 2012).
struct SipHash {
  std::uint64_t v0, v1, v2, v3;

  explicit SipHash(const FastOpenKey& key) {
    const std::uint64_t k0 = little_endian(&key[0]), k1 = little_endian(&key[8]);
    v0 = k0 ^ 0x736f6d6570736575u;
    v1 = k1 ^ 0x646f72616e646f6du;
    v2 = k0 ^ 0x6c7967656e657261u;
    v3 = k1 ^ 0x7465646279746573u;
  }

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }

  void take(std::uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }

  std::uint64_t finish() {
    v2 ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

}  // namespace

std::optional<FastOpenKey> fast_open_key() {
  std::FILE* file = std::fopen("/proc/sys/net/ipv4/tcp_fastopen_key", "re");
  if (file == nullptr) return std::nullopt;
  unsigned words[4]{};
  const int count = std::fscanf(file, "%x-%x-%x-%x", &words[0], &words[1], &words[2], &words[3]);
  std::fclose(file);
  if (count != 4) return std::nullopt;
  FastOpenKey key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(words[i / 4] >> (8 * (i % 4)));
  return key;
}

std::uint64_t fast_open_cookie(const FastOpenKey& key, const Address& client, const Address& server) {
  const std::size_t octets = client.family == 6 ? 16 : 4;
  std::array<std::uint8_t, 32> text{};
  for (std::size_t i = 0; i < octets; ++i) {
    text[i] = client.octets[i];
    text[octets + i] = server.octets[i];
  }
  SipHash hash(key);
  for (std::size_t at = 0; at < 2 * octets; at += 8) hash.take(little_endian(&text[at]));
  hash.take(std::uint64_t{2 * octets} << 56);
  const std::uint64_t value = hash.finish();  // the kernel stores it as little-endian
  std::uint64_t cookie = 0;
  for (int i = 0; i < 8; ++i) cookie = cookie << 8 | (value >> (8 * i) & 0xff);
  return cookie;
}

}  // namespace tcpassay
