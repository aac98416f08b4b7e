// SPDX-License-Identifier: Apache-2.0
// What a captured IP packet holds: a TCP segment, an ICMP error about one, or why it is neither.
#pragma once

#include <cstdint>
#include <optional>

#include "harness/wire/capture_file.h"
#include "harness/wire/packet.h"

namespace tcpassay {

// Whose segment it is that an ICMP error message quotes, or of which no more is known than that.
struct QuotedSegment {
  std::uint8_t type = 0, code = 0;  // of the ICMP message
  Address source{}, destination{};
  std::uint16_t source_port = 0, destination_port = 0;
};

struct CapturedPacket {
  enum class Kind : std::uint8_t {
    kSegment,
    kIcmp,
    kFragment,       // of a packet that may hold a segment
    kOtherProtocol,  // UDP, say
    kCut,            // the capture kept less than the headers
    kMalformed,      // the IP header contradicts itself, or asks for what no host does for TCP
  };
  Kind kind = Kind::kOtherProtocol;
  std::optional<Decoded> segment{};
  std::optional<QuotedSegment> named{};  // kIcmp; kFragment and kCut as far as the ports are there
  bool text_kept = true;  // false: the capture cut the text, whose octets read as zero; the checksum is not known then
};

// Views in the result point into `captured` or into `room`, which is used when the packet must be mended: the capture
// cut its text, or an interface that segments by itself left the length open.
CapturedPacket read_captured(const Captured& captured, Bytes& room);

}  // namespace tcpassay
