// SPDX-License-Identifier: Apache-2.0
// ICMP error messages (RFC 792, RFC 4443) that quote a segment sent by the target: from script text to octets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "harness/wire/packet.h"
#include "models/event.h"

namespace tcpassay {

// `icmp unreachable host_unreachable [1:1461(1460)]`, `icmp unreachable frag_needed mtu 1200 [1:1461(1460)]`, and in
// numbers `icmp type_3 code_1`. Behind the code `remote_port 9` or `local_port 9` says what port the quote has.
struct IcmpSpec {
  std::string type{}, code{};
  std::uint32_t mtu = 0;
  std::uint32_t seq = 0;                                     // of the quoted segment, counted from the target's SYN
  std::optional<std::uint16_t> local_port{}, remote_port{};  // where they are not those of the script's connection
  friend bool operator==(const IcmpSpec&, const IcmpSpec&) = default;
};

// From the script's text after `<`; empty when it is not understood.
std::optional<IcmpSpec> read_icmp(const std::string& text);

// Type, code and MTU as numbers of this IP version; empty when this version has no such message.
std::optional<IcmpArrives> icmp_numbers(const IcmpSpec& spec, std::uint8_t version);

// The message as packetdrill writes it, without the quoted segment: "unreachable frag_needed mtu 1200", "type_9
// code_1".
std::string icmp_words(const IcmpArrives& message);

// The packet, sent from the peer's address as if by a router, to the target. It quotes the IP header and the first
// eight octets of the segment `quoted`, which the target has sent.
Bytes encode_icmp(const IcmpArrives& message, const PacketFields& quoted);

}  // namespace tcpassay
