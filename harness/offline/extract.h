// SPDX-License-Identifier: Apache-2.0
// One conversation of a capture alone, without the addresses and the text of its ends, to attach to a bug report.
#pragma once

#include <cstdint>
#include <string>

#include "harness/offline/judge.h"

namespace tcpassay {

// Writes TO.pcapng, with the verdicts as comments, and TO.pkt, the script of the end that is accused. `frame`: of the
// conversation's first packet or of a finding; 0 for the first conversation that is condemned, else the first of all.
// The ends become 192.0.2.1 or 2001:db8::1 (who sent the first packet) and 192.168.0.1 or fd3d:fa7b:d17d::1, with the
// ports 40000 and 8080. An octet of text becomes a function of its place in the stream; where a later copy of it was
// another octet, it still is. Throws CaptureError when there is no such conversation.
// Returns a sentence that says whether the script shows the same as the capture, which is also the script's first line.
std::string extract_conversation(const FileResult& judged, std::uint64_t frame, const std::string& to);

}  // namespace tcpassay
