// SPDX-License-Identifier: Apache-2.0
// One stack under the oracle, led by libFuzzer or an engine with the same entry points. The environment may say more:
//   TCPASSAY_TARGET        another target
//   TCPASSAY_PLANT         a defect to plant in the own stack
//   TCPASSAY_FINDINGS      the folder for findings; without it a finding is only printed
//   TCPASSAY_FINDINGS_MAX  abort (so that the engine stops) after findings of so many rules (1)
//   TCPASSAY_IGNORE        rules that make no finding, separated by commas
//   TCPASSAY_SIGNALS       what counts as coverage besides the code: all, none, or some, as in --signals of a campaign
//   TCPASSAY_MUTATOR       octets: the engine's own mutations only, to compare with
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "harness/hunt/engine_hunt.h"

namespace {

[[gnu::section("__libfuzzer_extra_counters"), gnu::used]] std::uint8_t signals[1 << 15];

tcpassay::EngineHunt& hunt() {
  static tcpassay::EngineHunt instance(tcpassay::terms_of_environment(TCPASSAY_FUZZ_TARGET), signals);
  return instance;
}

bool by_octets() {
  const char* word = std::getenv("TCPASSAY_MUTATOR");
  return word != nullptr && std::string_view(word) == "octets";
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) try {
  hunt();
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s_fuzzer: %s\n", TCPASSAY_FUZZ_TARGET, error.what());
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (!hunt().play({data, size})) std::abort();
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  static const bool octets = by_octets();
  return octets ? LLVMFuzzerMutate(data, size, most) : hunt().mutate(data, size, most, seed);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size, const std::uint8_t* two,
                                                 std::size_t two_size, std::uint8_t* made, std::size_t most,
                                                 unsigned seed) {
  return hunt().cross({one, one_size}, {two, two_size}, made, most, seed);
}
