// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/flow_log.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "harness/wire/other_octets.h"

namespace tcpassay {
namespace {

constexpr std::uint8_t kFinBit = 0x01, kSynBit = 0x02;

bool is_fragment(ByteView ipv4) {
  return ipv4[0] >> 4 == 4 && ((ipv4[6] & 0x3f) != 0 || ipv4[7] != 0);
}

// The place of the TCP header; empty when there is none, or it stands behind other headers.
std::optional<std::size_t> tcp_header(ByteView packet) {
  constexpr std::size_t kControlBits = 13;
  if (packet.empty()) return std::nullopt;
  const bool ipv6 = packet[0] >> 4 == 6;
  if ((!ipv6 && packet[0] >> 4 != 4) || packet.size() < (ipv6 ? 40 : 20)) return std::nullopt;
  if (packet[ipv6 ? 6 : 9] != IPPROTO_TCP || is_fragment(packet)) return std::nullopt;
  const std::size_t tcp = ipv6 ? 40 : static_cast<std::size_t>(packet[0] & 15) * 4;
  if (packet.size() <= tcp + kControlBits) return std::nullopt;
  return tcp;
}

std::uint8_t control_bits(ByteView packet, std::size_t tcp) {
  return packet[tcp + 13];
}

// A SYN may come in it, or together with other packets, although none is seen.
bool may_hide_syn(ByteView packet) {
  if (packet.size() >= 40 && packet[0] >> 4 == 6) return packet[6] != IPPROTO_TCP;
  return packet.size() >= 20 && packet[0] >> 4 == 4 && packet[9] == IPPROTO_TCP && is_fragment(packet);
}

Flow flow_of(ByteView packet, std::size_t tcp, bool arrives) {
  const std::uint8_t version = packet[0] >> 4;
  const std::size_t addresses = version == 6 ? 8 : 12, octets = version == 6 ? 16 : 4;
  Flow flow{.target_address = {.family = version}, .peer_address = {.family = version}};
  std::memcpy(flow.peer_address.octets.data(), &packet[addresses], octets);
  std::memcpy(flow.target_address.octets.data(), &packet[addresses + octets], octets);
  flow.tuple.remote = static_cast<std::uint16_t>(packet[tcp] << 8 | packet[tcp + 1]);
  flow.tuple.local = static_cast<std::uint16_t>(packet[tcp + 2] << 8 | packet[tcp + 3]);
  if (arrives) return flow;
  std::swap(flow.peer_address, flow.target_address);
  std::swap(flow.tuple.remote, flow.tuple.local);
  return flow;
}

// A packet that no receiver may discard for its headers.
std::optional<Decoded> sound(ByteView packet) {
  if (ip_discards(packet)) return std::nullopt;
  const auto decoded = decode(packet);
  if (!decoded || decoded->fault != Fault::kNone || decoded->ip_options || !decoded->options.empty())
    return std::nullopt;
  return decoded;
}

std::uint32_t behind_fin(const Decoded& packet) {
  return packet.seq + static_cast<std::uint32_t>(packet.text.size()) + 1;
}

}  // namespace

FlowLog::Known* FlowLog::find(const Flow& flow) {
  const auto found = std::find_if(known_.rbegin(), known_.rend(), [&](const Known& each) { return each.flow == flow; });
  return found == known_.rend() ? nullptr : &*found;
}

std::optional<Flow> FlowLog::add(const Flow& flow) {
  if (overflowed_) return std::nullopt;
  if (Known* const again = find(flow)) {
    ending_ -= again->target_end && !again->ended && !again->unclear;
    again->unclear = true;
    again->ended = false;
    return std::nullopt;
  }
  overflowed_ = known_.size() == SocketMonitor::kFlowsMax;
  if (overflowed_) return std::nullopt;
  known_.push_back({.flow = flow});
  return ended_[place_of(flow)] ? std::optional(flow) : std::nullopt;
}

void FlowLog::note_opened(const Flow& flow) {
  add(flow);
}

void FlowLog::note_accepted(Tuple tuple) {
  for (Known& each : known_) each.accepted = each.accepted || each.flow.tuple == tuple;
}

bool FlowLog::may_wait() const {
  const auto waits = [](const Known& each) { return !each.accepted || each.unclear; };
  return overflowed_ || std::any_of(known_.begin(), known_.end(), waits);
}

std::optional<Flow> FlowLog::note_arriving(ByteView packet) {
  const auto tcp = tcp_header(packet);
  if (!tcp) {
    overflowed_ = overflowed_ || may_hide_syn(packet);
    return std::nullopt;
  }
  const std::uint8_t bits = control_bits(packet, *tcp);
  if (bits & kSynBit) return add(flow_of(packet, *tcp, true));
  if (!(bits & kFinBit) && ending_ == 0) return std::nullopt;
  if (const auto decoded = sound(packet)) note_peer_end(flow_of(packet, *tcp, true), *decoded);
  return std::nullopt;
}

void FlowLog::note_peer_end(const Flow& flow, const Decoded& packet) {
  Known* const known = find(flow);
  if (known == nullptr || known->unclear || known->ended) return;
  if (packet.ctl.fin) {
    known->unclear = known->peer_end || packet.ctl.rst;
    known->peer_end = behind_fin(packet);
    return;
  }
  const bool bare = packet.ctl == Ctl{.ack = true} && packet.text.empty();
  known->ended = bare && known->target_end && packet.seq == *known->peer_end && packet.ack == *known->target_end;
  ending_ -= known->ended;
}

void FlowLog::note_leaving(ByteView packet) {
  const auto tcp = tcp_header(packet);
  if (!tcp || !(control_bits(packet, *tcp) & kFinBit)) return;
  Known* const known = find(flow_of(packet, *tcp, false));
  if (known == nullptr || known->unclear) return;
  const auto decoded = sound(packet);
  if (known->target_end || !decoded || !decoded->ctl.ack || known->peer_end != decoded->ack) {
    ending_ -= known->target_end && !known->ended;
    known->unclear = true;
    known->ended = false;
    return;
  }
  known->target_end = behind_fin(*decoded);
  ++ending_;
}

std::vector<Flow> FlowLog::end_scenario() {
  std::vector<Flow> due;
  for (const Known& each : known_) {
    if (!each.ended) {
      due.push_back(each.flow);
      continue;
    }
    ended_[place_of(each.flow)] = true;
    ++ended_count_;
  }
  known_.clear();
  ending_ = 0;
  return due;
}

void FlowLog::forget() {
  known_.clear();
  ended_.reset();
  overflowed_ = false;
  ended_count_ = ending_ = 0;
}

}  // namespace tcpassay
