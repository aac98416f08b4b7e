// SPDX-License-Identifier: Apache-2.0
// Captures with the verdicts as comments on the packets that they are about.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/offline/judge.h"

namespace tcpassay {

struct PacketComment {
  std::uint64_t frame = 0;  // from 1, as Wireshark counts
  std::string text{};
};

// What was found in a judged capture, by frame.
std::vector<PacketComment> comments_of(const FileResult& result);

// Of a run whose packets were captured from the first to the last: a verdict about a silence or a call stands on the
// packet before it.
std::vector<PacketComment> comments_of(const Trace& trace, const std::vector<Verdict>& verdicts);

// Writes the IP packets of the capture again, as pcapng, with the comments. Throws CaptureError.
void annotate_capture(const std::string& capture, const std::vector<PacketComment>& comments, const std::string& to);

// In a folder of captures with their logs, as `check --pcap` writes them: for each whose run broke a rule, the same
// with comments beside it, as .pcapng. Returns how many.
std::size_t annotate_runs(const std::string& folder, Edition edition, bool strict);

}  // namespace tcpassay
