// SPDX-License-Identifier: Apache-2.0
// The constants that code in scripts may name, with Linux's numbers.
#pragma once

#include <span>

namespace tcpassay {

struct PythonConstant {
  const char* name;
  double value;
};
std::span<const PythonConstant> python_constants();

}  // namespace tcpassay
