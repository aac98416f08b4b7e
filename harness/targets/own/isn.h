// SPDX-License-Identifier: Apache-2.0
// Initial sequence numbers: ISN = M + F(localip, localport, remoteip, remoteport, secretkey), RFC 6528 section 3.
#pragma once

#include <cstdint>

#include "harness/targets/own/ip.h"
#include "harness/targets/own/seq.h"
#include "harness/targets/own/time.h"

namespace own {

// A secret of 128 bits. It comes from the seed, so that a run can be repeated.
struct Secret {
  std::uint64_t k0 = 0, k1 = 0;

  static Secret from_seed(std::uint64_t seed);
};

struct FourTuple {
  Address local_address{}, remote_address{};
  std::uint16_t local_port = 0, remote_port = 0;
};

// F, a pseudorandom function keyed by the secret.
std::uint64_t prf(const Secret& secret, const FourTuple& tuple);

// M is the 4 microsecond timer (MUST-8).
SeqNum initial_sequence_number(const Secret& secret, const FourTuple& tuple, Time now);

}  // namespace own
