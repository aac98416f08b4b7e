// SPDX-License-Identifier: Apache-2.0
// TCP options: between octets and the words of a script (RFC 9293 section 3.1; RFCs 7323, 2018, 7413, 2385, 9768).
#pragma once

#include <cstddef>
#include <vector>

#include "harness/script/scenario.h"
#include "harness/wire/packet.h"

namespace tcpassay {

// Written instead of a TSval of the target, and OptionSpec::name then: whatever its clock says.
inline constexpr const char* kAnyValue = "...";

inline constexpr std::size_t kOptionOctetsMax = 40;  // RFC 9293 section 3.1: the data offset has four bits

// The octets of the listed options, without padding. Throws std::runtime_error when they are longer than
// kOptionOctetsMax, or when an option has the wrong number of values.
Bytes option_octets(const std::vector<OptionSpec>& options);

// The inverse, for any octets: an unknown or malformed option becomes kRaw.
std::vector<OptionSpec> parse_options(ByteView octets);

// Whether the segment has an MD5 signature.
bool is_signed(const SegmentSpec& segment);

}  // namespace tcpassay
