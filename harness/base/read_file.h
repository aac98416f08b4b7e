// SPDX-License-Identifier: Apache-2.0
// Reads a file whole, or says why that is not possible.
#pragma once

#include <string>

namespace tcpassay {

// The content of the file. std::runtime_error says in one line why it cannot be read: "PATH: cannot be read: REASON".
std::string read_whole_file(const std::string& path);

}  // namespace tcpassay
