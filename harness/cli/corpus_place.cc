// SPDX-License-Identifier: Apache-2.0
// CMake gives two paths: TCPASSAY_SOURCE_DIR, where the sources stand, and TCPASSAY_CORPUS_FROM_PROGRAM, which leads
// from the installed program's folder to the installed corpus.
#include "harness/cli/corpus_place.h"

#include <system_error>

namespace tcpassay {

namespace fs = std::filesystem;

fs::path installed_corpus(const fs::path& program) {
  return (program.parent_path() / TCPASSAY_CORPUS_FROM_PROGRAM).lexically_normal();
}

std::optional<fs::path> own_corpus() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    fs::path installed = installed_corpus(program);
    if (fs::is_directory(installed, error)) return installed;
  }
  fs::path sources = fs::path(TCPASSAY_SOURCE_DIR) / "corpus";
  if (fs::is_directory(sources, error)) return sources;
  return std::nullopt;
}

}  // namespace tcpassay
