// SPDX-License-Identifier: Apache-2.0
// Classifies a captured IP packet: a TCP segment, an ICMP error about one, or the reason why it is neither.
#pragma once

#include <cstdint>
#include <optional>

#include "harness/wire/capture_reader.h"
#include "harness/wire/packet.h"

namespace tcpassay {

// Addresses and ports of a segment that an ICMP error quotes, or of which the capture kept nothing else.
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
    kOtherProtocol,  // for example UDP
    kCut,            // the capture kept less than the headers
    kMalformed,      // the IP header contradicts itself, or a host would not pass the packet to TCP
  };
  Kind kind = Kind::kOtherProtocol;
  std::optional<Decoded> segment{};
  std::optional<QuotedSegment> named{};  // kIcmp; kFragment and kCut as far as the ports are there
  bool text_kept = true;  // false: the capture cut the text, which reads as zeros; the checksum cannot be verified
};

// Views in the result point into `captured`, or into `room` when the packet had to be completed: the capture cut its
// text, or the sending interface does the segmentation and left the length field zero.
CapturedPacket read_captured(const Captured& captured, Bytes& room);

}  // namespace tcpassay
