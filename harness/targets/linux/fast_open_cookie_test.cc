// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/fast_open_cookie.h"

#include <gtest/gtest.h>

namespace tcpassay {
namespace {

// The cookies that packetdrill's suites give names to: TFO_COOKIE and TFO_COOKIE_ZERO, over IPv4 and IPv6.
TEST(FastOpenCookie, IsWhatTheKernelGives) {
  FastOpenKey key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(0xa1 + 0x11 * (i / 4));
  const Address client = *Address::parse("192.0.2.1"), server = *Address::parse("192.168.0.1");
  EXPECT_EQ(fast_open_cookie(key, client, server), 0x3021b9d889017eebu);
  EXPECT_EQ(fast_open_cookie({}, client, server), 0xb7c12350a90dc8f5u);
  const Address client6 = *Address::parse("fd3d:fa7b:d17d::1"), server6 = *Address::parse("fd3d:0a0b:17d6::1");
  EXPECT_EQ(fast_open_cookie(key, client6, server6), 0xc1d1e9742a47a9bcu);
  EXPECT_EQ(fast_open_cookie({}, client6, server6), 0x82af1a8f9a205c34u);
}

}  // namespace
}  // namespace tcpassay
