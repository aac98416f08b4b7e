// SPDX-License-Identifier: Apache-2.0
// The mutator of campaigns for AFL++: AFL_CUSTOM_MUTATOR_LIBRARY=tcpassay_afl_mutator.so
#include <algorithm>
#include <cstring>

#include "harness/hunt/engine_hunt.h"
#include "harness/hunt/move_octets.h"
#include "harness/hunt/randomness.h"

namespace {

struct Mutator {
  tcpassay::EngineHunt hunt{tcpassay::terms_of_environment("own"), {}};
  tcpassay::Random random;
  tcpassay::Bytes made = tcpassay::Bytes(tcpassay::kMoveOctetsMax);

  explicit Mutator(unsigned seed) : random(seed) {}
};

}  // namespace

extern "C" void* afl_custom_init(void* /*afl*/, unsigned seed) {
  return new Mutator(seed);
}

extern "C" void afl_custom_deinit(void* data) {
  delete static_cast<Mutator*>(data);
}

extern "C" std::size_t afl_custom_fuzz(void* data, std::uint8_t* input, std::size_t size, std::uint8_t** out,
                                       std::uint8_t* other, std::size_t other_size, std::size_t most) {
  auto& mutator = *static_cast<Mutator*>(data);
  const std::size_t room = std::min(most, mutator.made.size());
  *out = mutator.made.data();
  const std::uint64_t seed = mutator.random.next();
  if (other != nullptr && other_size > 0)
    return mutator.hunt.cross({input, size}, {other, other_size}, *out, room, seed);
  const std::size_t kept = std::min(size, room);
  std::memcpy(*out, input, kept);
  return mutator.hunt.mutate(*out, kept, room, seed);
}
