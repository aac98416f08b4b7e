// SPDX-License-Identifier: Apache-2.0
// What packetdrill cannot say about a packet, at the end of its line: `//! damage: checksum options=0200` (see
// parse.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "harness/script/reader.h"
#include "harness/script/scenario.h"

namespace tcpassay {

// What has no field in Damage stands among the options as kRaw with one of these names: octets from `values[0]` on, of
// the IP header, the TCP header or the text; the address of another peer than the usual one; that the target sent a
// wrong checksum. Such an entry is no octet of the option area.
inline constexpr const char *kIpSaid = "ip", *kTcpSaid = "tcp", *kTextSaid = "text", *kPeerSaid = "peer",
                            *kChecksumSaid = "checksum";

std::string damage_word(const OptionSpec& said);  // as a script writes it: "ip[8]=01"
std::optional<Address> peer_of(const SegmentSpec& segment);
// `from`: which octet of the segment's text is the first of `text`.
void put_text_said(const SegmentSpec& segment, std::uint32_t from, Bytes& text);
void put_headers_said(const SegmentSpec& segment, Bytes& packet);
bool has_what_is_said(const SegmentSpec& segment, ByteView packet);  // all but the peer

// Reads from `//!` to the end of the line into `segment`.
void read_damage(ScriptReader& in, bool inbound, SegmentSpec& segment);

}  // namespace tcpassay
