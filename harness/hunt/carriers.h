// SPDX-License-Identifier: Apache-2.0
// Packets that a target has to refuse for what carries the segment: addresses that are no party to a connection (RFC
// 9293 section 3.9.2.3), and checksum fields that say that there is no checksum, as UDP has it (MUST-3).
#pragma once

#include <cstdint>
#include <optional>

#include "harness/script/scenario.h"

namespace tcpassay {

// By number, so that a move can be written as octets; 0 is none.
inline constexpr std::uint8_t kOddAddresses = 8;
std::optional<Address> odd_address(std::uint8_t number);
std::uint8_t number_of(const std::optional<Address>& address);

enum class ChecksumField : std::uint8_t { kRight, kZero, kOnes };
inline constexpr int kChecksumFields = 3;
void set_checksum(SegmentSpec& segment, ChecksumField field);
ChecksumField checksum_of(const SegmentSpec& segment);

}  // namespace tcpassay
