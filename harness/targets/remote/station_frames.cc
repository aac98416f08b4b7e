// SPDX-License-Identifier: Apache-2.0
// The frames of a station: ARP (RFC 826), neighbour discovery (RFC 4861), echo (RFC 792, RFC 4443).
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "harness/targets/remote/station.h"
#include "harness/targets/remote/tcp_checksum.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr std::size_t kEthernetHeader = 14, kIpv4Header = 20, kIpv6Header = 40;
constexpr std::uint16_t kTypeIpv4 = 0x0800, kTypeArp = 0x0806, kTypeIpv6 = 0x86dd;
constexpr std::uint8_t kIcmp = 1, kIcmp6 = 58;
constexpr std::uint8_t kEchoReply = 0, kEchoRequest = 8, kEchoRequest6 = 128, kEchoReply6 = 129;
constexpr std::uint8_t kSolicitation = 135, kAdvertisement = 136;
constexpr std::uint8_t kOwnLinkOption = 1, kTargetLinkOption = 2;
constexpr LinkAddress kEveryone = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

std::uint16_t word_at(ByteView octets, std::size_t at) {
  return static_cast<std::uint16_t>(octets[at] << 8 | octets[at + 1]);
}

Address address_at(ByteView octets, std::size_t at, std::uint8_t family) {
  Address address{.family = family};
  std::memcpy(address.octets.data(), &octets[at], family == 6 ? 16 : 4);
  return address;
}

void append(Bytes& to, const Address& address) {
  to.insert(to.end(), address.octets.begin(), address.octets.begin() + (address.family == 6 ? 16 : 4));
}

// The message with its checksum, in a packet.
Bytes icmp_packet(const Address& from, const Address& to, Bytes message) {
  const auto length = static_cast<std::uint16_t>(message.size());
  Bytes packet;
  std::uint32_t pseudo = 0;
  if (from.family == 6) {
    packet = {0x60, 0, 0, 0, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length), kIcmp6, 255};
    append(packet, from);
    append(packet, to);
    constexpr std::size_t kAddresses = 8;
    pseudo = static_cast<std::uint16_t>(~internet_checksum(ByteView(packet).subspan(kAddresses)));
    pseudo += length + std::uint32_t{kIcmp6};
  } else {
    const auto total = static_cast<std::uint16_t>(kIpv4Header + length);
    packet = {0x45, 0, static_cast<std::uint8_t>(total >> 8), static_cast<std::uint8_t>(total), 0, 0, 0, 0, 64, kIcmp,
              0,    0};
    append(packet, from);
    append(packet, to);
    const std::uint16_t sum = internet_checksum(packet);
    packet[10] = static_cast<std::uint8_t>(sum >> 8);
    packet[11] = static_cast<std::uint8_t>(sum);
  }
  const std::uint16_t sum = internet_checksum(message, pseudo);
  message[2] = static_cast<std::uint8_t>(sum >> 8);
  message[3] = static_cast<std::uint8_t>(sum);
  packet.insert(packet.end(), message.begin(), message.end());
  return packet;
}

Bytes neighbour_message(std::uint8_t type, std::uint8_t flags, const Address& about, std::uint8_t option,
                        const LinkAddress& link) {
  Bytes message{type, 0, 0, 0, flags, 0, 0, 0};
  append(message, about);
  message.insert(message.end(), {option, 1});  // its length in units of eight octets
  message.insert(message.end(), link.begin(), link.end());
  return message;
}

}  // namespace

void Station::send_frame(const LinkAddress& to, std::uint16_t type, ByteView payload) {
  if (!link_->ethernet()) return link_->send(payload);
  frame_.assign(to.begin(), to.end());
  frame_.insert(frame_.end(), own_link_.begin(), own_link_.end());
  frame_.insert(frame_.end(), {static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type)});
  frame_.insert(frame_.end(), payload.begin(), payload.end());
  link_->send(frame_);
}

void Station::send(ByteView packet) {
  if (packet.empty()) return;
  const bool ipv6 = packet[0] >> 4 == 6;
  // A scenario may speak from another address, and what is sent there is an answer, too.
  if (packet.size() >= (ipv6 ? kIpv6Header : kIpv4Header)) {
    const Address from = ipv6 ? address_at(packet, 8, 6) : address_at(packet, 12, 4);
    if (from != addresses_.own && from != addresses_.own6) pretended_.push_back(from);
  }
  send_frame(ipv6 ? target6_link_ : target_link_, ipv6 ? kTypeIpv6 : kTypeIpv4, packet);
}

void Station::ask_neighbour(const Address& wanted, const Address& own) {
  if (wanted.family == 6) {
    Address group{.family = 6, .octets = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}};
    std::copy_n(wanted.octets.begin() + 13, 3, group.octets.begin() + 13);
    const LinkAddress to = {0x33, 0x33, 0xff, group.octets[13], group.octets[14], group.octets[15]};
    const Bytes message = neighbour_message(kSolicitation, 0, wanted, kOwnLinkOption, own_link_);
    return send_frame(to, kTypeIpv6, icmp_packet(own, group, message));
  }
  Bytes request{0, 1, 8, 0, 6, 4, 0, 1};
  request.insert(request.end(), own_link_.begin(), own_link_.end());
  append(request, own);
  request.insert(request.end(), 6, 0);
  append(request, wanted);
  send_frame(kEveryone, kTypeArp, request);
}

void Station::ask_echo() {
  ++echo_sent_;
  const bool ipv6 = ip_ == 6;
  const Bytes message{ipv6 ? kEchoRequest6 : kEchoRequest,
                      0,
                      0,
                      0,
                      static_cast<std::uint8_t>(echo_id_ >> 8),
                      static_cast<std::uint8_t>(echo_id_),
                      static_cast<std::uint8_t>(echo_sent_ >> 8),
                      static_cast<std::uint8_t>(echo_sent_)};
  send(ipv6 ? icmp_packet(addresses_.own6, addresses_.target6, message)
            : icmp_packet(addresses_.own, addresses_.target, message));
}

void Station::take_frame(ByteView frame) {
  LinkAddress from{};
  if (link_->ethernet()) {
    if (frame.size() < kEthernetHeader + kIpv4Header) return;
    std::copy_n(frame.begin() + 6, from.size(), from.begin());
    const std::uint16_t type = word_at(frame, 12);
    frame = frame.subspan(kEthernetHeader);
    if (type == kTypeArp) return take_arp(frame);
    if (type != kTypeIpv4 && type != kTypeIpv6) return;
  }
  take_packet(frame, from);
}

void Station::take_arp(ByteView packet) {
  constexpr std::size_t kArp = 28;
  constexpr std::uint16_t kRequest = 1, kReply = 2;
  if (packet.size() < kArp || word_at(packet, 2) != kTypeIpv4) return;
  LinkAddress link;
  std::copy_n(packet.begin() + 8, link.size(), link.begin());
  const Address from = address_at(packet, 14, 4), asked = address_at(packet, 24, 4);
  if (word_at(packet, 6) == kReply) return take_neighbour(from, link);
  if (word_at(packet, 6) != kRequest || asked != addresses_.own) return;
  Bytes reply{0, 1, 8, 0, 6, 4, 0, 2};
  reply.insert(reply.end(), own_link_.begin(), own_link_.end());
  append(reply, addresses_.own);
  reply.insert(reply.end(), link.begin(), link.end());
  append(reply, from);
  send_frame(link, kTypeArp, reply);
}

void Station::take_neighbour(const Address& address, const LinkAddress& link) {
  if (address == wanted_) found_ = link;
}

// What carries TCP to one of our addresses is kept.
void Station::take_packet(ByteView packet, const LinkAddress& from) {
  if (packet.size() < kIpv4Header) return;
  const bool ipv6 = packet[0] >> 4 == 6;
  if (ipv6 && packet.size() < kIpv6Header) return;
  // A short frame is padded behind its packet.
  const std::size_t length = ipv6 ? kIpv6Header + word_at(packet, 4) : word_at(packet, 2);
  if (length >= kIpv4Header && length < packet.size()) packet = packet.first(length);
  const Address to = ipv6 ? address_at(packet, 24, 6) : address_at(packet, 16, 4);
  if (ipv6 && packet[6] == kIcmp6) return take_icmp6(packet, from);
  const bool ours = to == (ipv6 ? addresses_.own6 : addresses_.own);
  if (!ours && std::find(pretended_.begin(), pretended_.end(), to) == pretended_.end()) return;
  if (!ipv6 && packet[9] == kIcmp)
    return take_icmp(packet.subspan(std::min<std::size_t>((packet[0] & 15u) * 4u, packet.size())));
  if (!tcp_header_in(packet)) return;
  arrived_.push_back({.from = floor_, .until = now(), .packet = Bytes(packet.begin(), packet.end())});
}

void Station::take_icmp(ByteView message) {
  constexpr std::size_t kEcho = 8;
  if (message.size() < kEcho) return;
  const bool reply = message[0] == (ip_ == 6 ? kEchoReply6 : kEchoReply);
  if (reply && word_at(message, 4) == echo_id_) echo_seen_ = word_at(message, 6);
}

void Station::take_icmp6(ByteView packet, const LinkAddress& from) {
  constexpr std::size_t kNeighbour = 24;
  const ByteView message = packet.subspan(kIpv6Header);
  if (message.empty()) return;
  if (message[0] == kEchoReply6 && address_at(packet, 24, 6) == addresses_.own6) return take_icmp(message);
  if (message.size() < kNeighbour) return;
  const Address about = address_at(message, 8, 6);
  if (message[0] == kAdvertisement) return take_neighbour(about, from);
  if (message[0] != kSolicitation || about != addresses_.own6) return;
  constexpr std::uint8_t kSolicitedOverride = 0x60;
  const Bytes answer = neighbour_message(kAdvertisement, kSolicitedOverride, about, kTargetLinkOption, own_link_);
  send_frame(from, kTypeIpv6, icmp_packet(addresses_.own6, address_at(packet, 8, 6), answer));
}

}  // namespace tcpassay
