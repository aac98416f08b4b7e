// SPDX-License-Identifier: Apache-2.0
#include "fuzz/parsers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tcpassay::try_capture({data, size});
  return 0;
}
