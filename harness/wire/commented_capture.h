// SPDX-License-Identifier: Apache-2.0
// Writes pcapng captures whose packets have comments: Wireshark shows them, `tshark -Y frame.comment` finds them.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "harness/wire/packet.h"

namespace tcpassay {

// IP packets (link type RAW) with times in nanoseconds. Until close() succeeds the file is called FILE.part; the
// destructor removes that if close() was not called. Throws CaptureError.
class CommentedCapture {
 public:
  explicit CommentedCapture(std::string path);
  ~CommentedCapture();
  CommentedCapture(const CommentedCapture&) = delete;
  CommentedCapture& operator=(const CommentedCapture&) = delete;

  // `comment` may be empty.
  void write(Time when, ByteView packet, std::string_view comment = {});
  void close();

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  void block(std::uint32_t type, const Bytes& body);

  std::string path_, part_;
  std::unique_ptr<std::FILE, Closer> file_;
};

}  // namespace tcpassay
