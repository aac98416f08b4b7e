// SPDX-License-Identifier: Apache-2.0
#include "harness/base/read_file.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace tcpassay {

std::string read_whole_file(const std::string& path) {
  const auto fail = [&](int reason) {
    throw std::runtime_error(fmt::format("{}: cannot be read: {}", path, std::strerror(reason != 0 ? reason : EIO)));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) fail(errno);
  std::string content;
  std::array<char, 65536> part{};
  errno = 0;
  while (const std::size_t got = std::fread(part.data(), 1, part.size(), file.get())) content.append(part.data(), got);
  if (std::ferror(file.get()) != 0) fail(errno);  // such as of a folder
  return content;
}

}  // namespace tcpassay
