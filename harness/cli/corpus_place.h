// SPDX-License-Identifier: Apache-2.0
// Where the program finds the scenarios that came with it.
#pragma once

#include <filesystem>
#include <optional>

namespace tcpassay {

// The corpus that was installed with the program, else the one in the sources that it was built from.
std::optional<std::filesystem::path> own_corpus();

// The installed one, for a program that stands there: BINDIR/tcpassay -> DATADIR/tcpassay/corpus.
std::filesystem::path installed_corpus(const std::filesystem::path& program);

}  // namespace tcpassay
