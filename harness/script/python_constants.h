// SPDX-License-Identifier: Apache-2.0
// The constants that code in scripts may name, with Linux's numbers.
#pragma once

#include <span>
#include <string_view>

namespace tcpassay {

struct PythonConstant {
  const char* name;
  double value;
};
std::span<const PythonConstant> python_constants();

// "SK_MEMINFO_RCVBUF": what Linux tells of a socket's memory, a field that the target is asked for.
bool is_memory_field(std::string_view name);

}  // namespace tcpassay
