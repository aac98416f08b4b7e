// SPDX-License-Identifier: Apache-2.0
// The list of TCP options on a packet's line: `<mss 1460,nop,wscale 6,sackOK,TS val 100 ecr 0>`.
#pragma once

#include <string>

#include "harness/script/reader.h"
#include "harness/script/scenario.h"

namespace tcpassay {

// Reads from `<` to `>` into `segment`. An option that tcpassay does not play is named in `unsupported`; what the
// language does not have is a ScriptError.
void read_option_list(ScriptReader& in, bool inbound, SegmentSpec& segment, std::string& unsupported);

// Fails at `start` when the segment's options are longer than a TCP header has room for.
void check_option_octets(const ScriptReader& in, const SegmentSpec& segment, std::size_t start);

}  // namespace tcpassay
