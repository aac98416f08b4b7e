// SPDX-License-Identifier: Apache-2.0
#include "harness/base/write_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace tcpassay {
namespace {

[[noreturn]] void fail(const std::string& path, int reason) {
  throw std::runtime_error(fmt::format("cannot write {}: {}", path, std::strerror(reason != 0 ? reason : EIO)));
}

}  // namespace

void write_file(const std::string& path, const std::string& content) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    std::FILE* device = std::fopen(path.c_str(), "wb");  // such as /dev/stdout
    if (device == nullptr) fail(path, errno);
    const bool whole = std::fwrite(content.data(), 1, content.size(), device) == content.size();
    if (std::fclose(device) != 0 || !whole) fail(path, errno);
    return;
  }
  const std::string part = path + ".part";
  std::FILE* file = std::fopen(part.c_str(), "wb");
  if (file == nullptr) fail(path, errno);
  errno = 0;
  bool whole = std::fwrite(content.data(), 1, content.size(), file) == content.size();
  whole = std::fflush(file) == 0 && whole;
  int reason = errno;
  if (std::fclose(file) != 0 && whole) {
    whole = false;
    reason = errno;
  }
  std::error_code error;
  if (whole) std::filesystem::rename(part, path, error);
  if (whole && !error) return;
  std::filesystem::remove(part, ignored);
  fail(path, error ? error.value() : reason);
}

}  // namespace tcpassay
