// SPDX-License-Identifier: Apache-2.0
// Reads recorded conversations from capture files: pcap, pcapng and snoop, also packed by gzip, zstd or xz.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "harness/wire/packet.h"

namespace tcpassay {

struct Captured {
  Time when{};                // as the file has it: since 1970, or since the trace's start for our own files
  ByteView packet{};          // an IP packet, valid until the next call of next()
  bool whole = true;          // false when the capture kept only the packet's first octets
  std::uint64_t number = 0;   // of the frame in the file, from 1, as Wireshark counts
  bool time_is_valid = true;  // false: the part below a second says a second or more
};

// The format of a file by its first octets.
enum class FileKind : std::uint8_t { kOther, kCapture, kPacked };
// kPacked: packed in a way that this build does not read, or what is packed is no capture. `what` names it.
FileKind kind_of_file(const std::string& path, std::string& what);

inline constexpr const char* kStandardInput = "-";  // as a path: what is piped in, as by tcpdump -w -

// Frames of link types that are not read are passed over; if all are, the link type is named (link_layer.h has those
// that are read). Tunnels are followed to the innermost IP packet.
class CaptureReader {
 public:
  // As soon as `stop` says so, the file ends, if need be within a frame.
  explicit CaptureReader(std::string path, bool (*stop)() = nullptr);
  ~CaptureReader();
  CaptureReader(CaptureReader&&) noexcept;

  // The next frame that carries an IP packet; empty at the end of the file. Throws when the file ends within a frame.
  std::optional<Captured> next();

  std::size_t interfaces() const;     // that the file has described so far; those of the present section
  std::uint64_t passed_over() const;  // frames of link types that are not read

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpassay
