// SPDX-License-Identifier: Apache-2.0
// Writes a file whole or not at all.
#pragma once

#include <string>

namespace tcpassay {

// Writes to PATH.part and renames it to `path`. When that fails, neither file is left of this, an older `path` stays,
// and std::runtime_error says in one line why.
void write_file(const std::string& path, const std::string& content);

}  // namespace tcpassay
