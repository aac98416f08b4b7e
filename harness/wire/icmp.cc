// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/icmp.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "harness/wire/packet.h"
#include "models/event.h"

namespace tcpassay {
namespace {

struct Name {
  const char *type, *code;  // "" for the first code of the type
  std::uint8_t version, type_number, code_number;
  bool ours = false;  // an extension: packetdrill does not know this name
};
// One name stands for the corresponding message of both IP versions. Of messages that only one version has, the table
// lists those that packetdrill knows.
constexpr Name kNames[] = {
    {"unreachable", "net_unreachable", 4, 3, 0},
    {"unreachable", "", 4, 3, 0},
    {"unreachable", "host_unreachable", 4, 3, 1},
    {"unreachable", "protocol_unreachable", 4, 3, 2},
    {"unreachable", "port_unreachable", 4, 3, 3},
    {"unreachable", "frag_needed", 4, 3, 4},
    {"unreachable", "source_route_failed", 4, 3, 5},
    {"unreachable", "net_unknown", 4, 3, 6},
    {"unreachable", "host_unknown", 4, 3, 7},
    {"unreachable", "source_host_isolated", 4, 3, 8},
    {"unreachable", "net_prohibited", 4, 3, 9},
    {"unreachable", "host_prohibited", 4, 3, 10},
    {"unreachable", "net_unreachable_for_tos", 4, 3, 11},
    {"unreachable", "host_unreachable_for_tos", 4, 3, 12},
    {"unreachable", "packet_filtered", 4, 3, 13},
    {"unreachable", "precedence_violation", 4, 3, 14},
    {"unreachable", "precedence_cutoff", 4, 3, 15},
    {"echo_reply", "", 4, 0, 0},
    {"source_quench", "", 4, 4, 0},
    {"redirect", "", 4, 5, 0},
    {"redirect", "net_redirect", 4, 5, 0, true},
    {"redirect", "host_redirect", 4, 5, 1, true},
    {"redirect", "net_redirect_for_tos", 4, 5, 2, true},
    {"redirect", "host_redirect_for_tos", 4, 5, 3, true},
    {"echo_request", "", 4, 8, 0},
    {"time_exceeded", "", 4, 11, 0},
    {"time_exceeded", "ttl_exceeded", 4, 11, 0, true},
    {"time_exceeded", "ttl_exceeded_in_transit", 4, 11, 0, true},
    {"time_exceeded", "fragment_reassembly_time_exceeded", 4, 11, 1, true},
    {"time_exceeded", "reassembly_timeout", 4, 11, 1, true},
    {"time_exceeded", "frag_reass_exceeded", 4, 11, 1, true},
    {"parameter_problem", "", 4, 12, 0},
    {"timestamp_request", "", 4, 13, 0},
    {"timestamp_reply", "", 4, 14, 0},
    {"information_request", "", 4, 15, 0},
    {"information_reply", "", 4, 16, 0},
    {"address_mask_request", "", 4, 17, 0},
    {"address_mask_reply", "", 4, 18, 0},
    {"unreachable", "no_route", 6, 1, 0},
    {"unreachable", "", 6, 1, 0},
    {"unreachable", "net_unreachable", 6, 1, 0, true},
    {"unreachable", "admin_prohibited", 6, 1, 1},
    {"unreachable", "packet_filtered", 6, 1, 1, true},
    {"unreachable", "not_neighbour", 6, 1, 2},
    {"unreachable", "address_unreachable", 6, 1, 3},
    {"unreachable", "host_unreachable", 6, 1, 3, true},
    {"unreachable", "port_unreachable", 6, 1, 4},
    {"packet_too_big", "", 6, 2, 0},
    {"unreachable", "frag_needed", 6, 2, 0, true},
    {"time_exceeded", "exceeded_hop_limit", 6, 3, 0},
    {"time_exceeded", "", 6, 3, 0},
    {"time_exceeded", "ttl_exceeded", 6, 3, 0, true},
    {"time_exceeded", "exceeded_frag_time", 6, 3, 1},
    {"time_exceeded", "reassembly_timeout", 6, 3, 1, true},
    {"parameter_problem", "header_field", 6, 4, 0},
    {"parameter_problem", "", 6, 4, 0},
    {"parameter_problem", "unknown_next_header", 6, 4, 1},
    {"parameter_problem", "unknown_option", 6, 4, 2},
};

constexpr std::size_t kIcmpHeader = 8, kQuotedOctets = 8;

void put16(std::uint8_t* at, std::uint32_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

std::uint16_t checksum(const Bytes& octets) {
  std::uint32_t total = 0;
  for (std::size_t i = 0; i < octets.size(); ++i) total += i % 2 == 0 ? octets[i] << 8 : octets[i];
  while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
  return static_cast<std::uint16_t>(~total);
}

std::optional<std::uint32_t> number(const std::string& text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return value;
}

// The number after the prefix, as in "code_1": 0 to 255.
std::optional<std::uint8_t> numbered(const std::string& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  const auto value = number(text.substr(prefix.size()));
  return value && *value <= 255 ? std::optional(static_cast<std::uint8_t>(*value)) : std::nullopt;
}

}  // namespace

std::optional<IcmpSpec> read_icmp(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  if (words.size() < 2 || words[0] != "icmp") return std::nullopt;
  IcmpSpec spec{.type = words[1]};
  for (std::size_t i = 2; i < words.size(); ++i) {
    if (words[i].front() == '[') {
      const auto seq = number(words[i].substr(1));
      if (!seq) return std::nullopt;
      spec.seq = *seq;
      break;
    }
    if (words[i] == "mtu" || words[i] == "local_port" || words[i] == "remote_port") {
      const auto value = i + 1 < words.size() ? number(words[i + 1]) : std::nullopt;
      if (!value) return std::nullopt;
      if (words[i] == "mtu") spec.mtu = *value;
      if (words[i] == "local_port") spec.local_port = static_cast<std::uint16_t>(*value);
      if (words[i] == "remote_port") spec.remote_port = static_cast<std::uint16_t>(*value);
      ++i;
    } else if (spec.code.empty()) {
      spec.code = words[i];
    } else {
      return std::nullopt;
    }
  }
  if (!icmp_numbers(spec, 4) && !icmp_numbers(spec, 6)) return std::nullopt;
  return spec;
}

std::optional<IcmpArrives> icmp_numbers(const IcmpSpec& spec, std::uint8_t version) {
  const auto type = numbered(spec.type, "type_"), code = numbered(spec.code, "code_");
  for (const Name& name : kNames) {
    if (name.version != version || (type ? *type != name.type_number : spec.type != name.type)) continue;
    const bool first = spec.code.empty() && name.code[0] == '\0';
    if (code || first || (!spec.code.empty() && spec.code == name.code)) {
      return IcmpArrives{
          .version = version, .type = name.type_number, .code = code.value_or(name.code_number), .mtu = spec.mtu};
    }
  }
  if (!type || (!code && !spec.code.empty())) return std::nullopt;
  return IcmpArrives{.version = version, .type = *type, .code = code.value_or(0), .mtu = spec.mtu};
}

std::string icmp_words(const IcmpArrives& message) {
  const auto same_type = [&](const Name& name) {
    return name.version == message.version && name.type_number == message.type && !name.ours;
  };
  const auto* same = std::find_if(std::begin(kNames), std::end(kNames), [&](const Name& name) {
    return same_type(name) && name.code_number == message.code;
  });
  const auto* like = std::find_if(std::begin(kNames), std::end(kNames), same_type);
  std::string words = like == std::end(kNames) ? "type_" + std::to_string(message.type) : like->type;
  if (same == std::end(kNames)) {
    words += " code_" + std::to_string(message.code);
  } else if (same->code[0] != '\0') {
    words += std::string(" ") + same->code;
  }
  return message.mtu == 0 ? words : words + " mtu " + std::to_string(message.mtu);
}

Bytes encode_icmp(const IcmpArrives& message, const PacketFields& quoted) {
  Bytes segment;
  encode(quoted, segment);
  const bool v6 = quoted.source.family == 6;
  const std::size_t ip_header = v6 ? 40 : 20;
  segment.resize(std::min(segment.size(), ip_header + kQuotedOctets));

  Bytes icmp(kIcmpHeader);
  icmp[0] = message.type;
  icmp[1] = message.code;
  put16(&icmp[6], message.mtu);
  if (v6) put16(&icmp[4], message.mtu >> 16);
  icmp.insert(icmp.end(), segment.begin(), segment.end());
  Bytes covered;
  const std::size_t octets = v6 ? 16 : 4;
  if (v6) {  // the pseudo header: from the peer to the target (the quoted segment has the opposite direction)
    covered.insert(covered.end(), quoted.destination.octets.begin(), quoted.destination.octets.end());
    covered.insert(covered.end(), quoted.source.octets.begin(), quoted.source.octets.end());
    covered.insert(covered.end(), {0, 0, 0, static_cast<std::uint8_t>(icmp.size()), 0, 0, 0, 58});
  }
  covered.insert(covered.end(), icmp.begin(), icmp.end());
  put16(&icmp[2], checksum(covered));

  Bytes packet(ip_header);
  if (v6) {
    packet[0] = 0x60;
    put16(&packet[4], static_cast<std::uint32_t>(icmp.size()));
    packet[6] = 58;
    packet[7] = 64;
  } else {
    packet[0] = 0x45;
    put16(&packet[2], static_cast<std::uint32_t>(ip_header + icmp.size()));
    packet[8] = 64;
    packet[9] = 1;
  }
  const std::size_t addresses = v6 ? 8 : 12;
  std::memcpy(&packet[addresses], quoted.destination.octets.data(), octets);
  std::memcpy(&packet[addresses + octets], quoted.source.octets.data(), octets);
  if (!v6) put16(&packet[10], checksum(packet));
  packet.insert(packet.end(), icmp.begin(), icmp.end());
  return packet;
}

}  // namespace tcpassay
