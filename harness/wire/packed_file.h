// SPDX-License-Identifier: Apache-2.0
// Reads a file or standard input octet by octet as it was before gzip, zstd or xz packed it. Reads as it goes: what is
// held is one buffer and the window of the packing, which is bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace tcpassay {

class PackedFile {
 public:
  // `path` may be kStandardInput (capture_reader.h). Throws CaptureError when it cannot be opened, and when this build
  // cannot unpack it. As soon as `stop` says so, the file ends: a pipe may be silent for long.
  explicit PackedFile(const std::string& path, bool (*stop)() = nullptr);
  ~PackedFile();
  PackedFile(PackedFile&&) noexcept;

  // Up to `count` octets; fewer only at the end. Throws std::runtime_error when what is packed is garbled, ends early,
  // needs a window of more than kWindowMax or grows suspiciously: see kGrowthMax.
  std::size_t read(void* into, std::size_t count);

  static constexpr std::size_t kWindowMax = std::size_t{256} << 20;       // octets
  static constexpr std::uint64_t kGrowthMax = 4096;                       // octets for each packed one ...
  static constexpr std::uint64_t kGrowthFree = std::uint64_t{256} << 20;  // ... once there are so many

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "gzip" and other names by the first octets of a file; nullptr when they are those of no packing that is known.
const char* packing_of(const std::uint8_t* octets, std::size_t count);
bool unpacks(const std::string& packing);  // whether this build can

}  // namespace tcpassay
