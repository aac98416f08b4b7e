// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/remote/remote_target.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "harness/base/file_descriptor.h"
#include "harness/target/target.h"
#include "harness/targets/remote/agent_client.h"
#include "harness/targets/remote/application.h"
#include "harness/targets/remote/link.h"
#include "harness/targets/remote/remote_place.h"
#include "harness/targets/remote/station.h"
#include "harness/targets/remote/tcp_checksum.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr std::size_t kSourcePort = 0, kDestinationPort = 2, kTcpChecksum = 16;  // in a TCP header
constexpr std::size_t kIpv4Header = 20, kIpv6Header = 40;
constexpr std::uint8_t kIcmp = 1, kIcmp6 = 58;
constexpr std::uint16_t kScriptPort = 8080;  // on which scripts listen, where they name no other: that of a service

// Lays the pattern over the target's port of a packet to it: the destination port, or in an ICMP message the source
// port of the segment that it quotes.
void mask_to_target(std::span<std::uint8_t> packet, std::uint16_t mask) {
  if (const auto tcp = tcp_header_in(packet)) {
    return change_word(packet, *tcp + kDestinationPort, mask, *tcp + kTcpChecksum);
  }
  if (packet.size() < kIpv4Header) return;
  constexpr std::size_t kIcmpHeader = 8, kIcmpChecksum = 2;
  const bool ipv6 = packet[0] >> 4 == 6;
  const std::size_t icmp = ipv6 ? kIpv6Header : (packet[0] & 15u) * 4u;
  if (packet[ipv6 ? 6 : 9] != (ipv6 ? kIcmp6 : kIcmp) || packet.size() < icmp + kIcmpHeader) return;
  const auto quoted = tcp_header_in(packet.subspan(icmp + kIcmpHeader));
  if (quoted) change_word(packet, icmp + kIcmpHeader + *quoted + kSourcePort, mask, icmp + kIcmpChecksum);
}

void mask_from_target(std::span<std::uint8_t> packet, std::uint16_t mask) {
  if (const auto tcp = tcp_header_in(packet)) change_word(packet, *tcp + kSourcePort, mask, *tcp + kTcpChecksum);
}

// The nth address after this one.
Address spare(Address first, std::uint16_t nth) {
  if (first == Address{.family = first.family}) return first;
  for (std::size_t i = first.family == 6 ? 16 : 4; i-- > 0 && nth > 0;) {
    const unsigned sum = first.octets[i] + nth;
    first.octets[i] = static_cast<std::uint8_t>(sum);
    nth = static_cast<std::uint16_t>(sum >> 8);
  }
  return first;
}

std::string text_or_nothing(const Address& address) {
  return address == Address{} ? "" : address.text();
}

std::unique_ptr<Link> open_link(const RemotePlace& place) {
  switch (place.kind) {
    case RemotePlace::Kind::kTap:
      return open_tap(place.wire);
    case RemotePlace::Kind::kUnix:
      return open_unix(place.wire, place.own_path);
    case RemotePlace::Kind::kInterface:
      break;
  }
  return open_interface(place.wire);
}

}  // namespace

// The three highest bits and two low ones, so that ports which are near each other stay apart.
std::uint16_t Seat::port_mask() const {
  return static_cast<std::uint16_t>((number & 7) << 13 | (number >> 3) << 5);
}

Seat take_seat(const std::string& place, std::uint16_t seats) {
  for (std::uint16_t i = 0; i < seats; ++i) {
    FileDescriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const std::string text = "tcpassay " + place + " " + std::to_string(i);
    sockaddr_un name{};  // an abstract name, which goes with its socket
    name.sun_family = AF_UNIX;
    const std::size_t length = std::min(text.size(), sizeof name.sun_path - 1);
    std::memcpy(name.sun_path + 1, text.data() + (text.size() - length), length);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), size) == 0)
      return {.number = i, .held = std::move(fd)};
    if (errno != EADDRINUSE) throw TargetError(std::string("cannot take a seat: ") + std::strerror(errno));
  }
  throw TargetError(seats == 1 ? "another process uses this wire: play with --jobs 1"
                               : "too many processes test this target: play with --jobs " + std::to_string(seats));
}

RemoteTarget::RemoteTarget(const RemotePlace& place, Seat seat, std::unique_ptr<Station> station,
                           std::unique_ptr<Application> application)
    : identity_{.name = place.stack,
                .version = "unknown",
                .abilities = {Ability::kSynchronous},
                .address = place.target,
                .peer_address = spare(place.from, seat.number),
                .ipv6_address = place.target6,
                .ipv6_peer_address = spare(place.from6, seat.number)},
      seat_(std::move(seat)),
      port_mask_(place.port != 0 ? place.port ^ kScriptPort : seat_.port_mask()),
      station_(std::move(station)),
      application_(std::move(application)) {
  application_->describe(identity_);
  if (place.target6 != Address{}) identity_.abilities.push_back(Ability::kIpv6);
  reset(0);
}

void RemoteTarget::reset(std::uint64_t) {
  application_->reset(ip_, std::exchange(icmp_seen_, false));
  station_->use_ip(ip_);
  station_->fence();
  station_->restart();
  ahead_.reset();
  begun_ = false;
}

void RemoteTarget::begin() {
  if (std::exchange(begun_, true)) return;
  application_->begin();
  station_->restart();  // waiting for others took no time of the scenario
}

bool RemoteTarget::configure(std::string_view name, std::int64_t value) {
  return application_->configure(name, value);
}

bool RemoteTarget::tune(const std::string& name, const std::string& value) {
  return application_->tune(name, value);
}

void RemoteTarget::inject(ByteView packet) {
  begin();
  sent_.assign(packet.begin(), packet.end());
  icmp_seen_ = icmp_seen_ || !tcp_header_in(packet);
  mask_to_target(sent_, port_mask_);
  application_->sent(sent_);
  station_->send(sent_);
  station_->fence();
}

std::optional<Collected> RemoteTarget::received(Time deadline) {
  const auto collected = station_->receive(deadline);
  if (!collected) return std::nullopt;
  packet_.assign(collected->packet.begin(), collected->packet.end());
  application_->received(packet_);
  mask_from_target(packet_, port_mask_);
  return Collected{.from = collected->from, .until = collected->until, .packet = packet_};
}

std::optional<Collected> RemoteTarget::collect() {
  if (ahead_) return std::exchange(ahead_, std::nullopt);
  return received(Time{});
}

void RemoteTarget::advance(Time deadline) {
  begin();
  if (!ahead_) ahead_ = received(deadline);
}

void RemoteTarget::call(UserCall& call) {
  begin();
  const std::uint16_t mask = port_mask_;
  if (call.kind == CallKind::kBind && call.port != 0) call.port ^= mask;
  application_->call(call);
  if (call.kind == CallKind::kBind && call.port != 0) call.port ^= mask;
  if (call.tuple.local != 0) call.tuple.local ^= mask;
  station_->fence();
}

std::optional<StateReport> RemoteTarget::state(Tuple tuple) {
  tuple.local ^= port_mask_;
  return application_->state(tuple);
}

std::optional<std::int64_t> RemoteTarget::implementation_specific(int handle, std::string_view name,
                                                                  std::optional<std::int64_t> value) {
  return application_->implementation_specific(handle, name, value);
}

std::unique_ptr<Target> make_remote(const std::string& name) {
  RemotePlace place = remote_place(name);
  const bool shared = place.kind == RemotePlace::Kind::kInterface;
  if (shared) complete_interface(place);
  // A % in the path of a UNIX socket or in the name of a tap device stands for the number of the seat: each process has
  // a wire of its own.
  const std::size_t percent = shared ? std::string::npos : place.wire.find('%');
  const bool many = shared || percent != std::string::npos;
  // Without an agent the target's ports are those of its services.
  Seat seat = take_seat(name.substr(0, name.find('?')), many && !place.agent.empty() ? kSeats : 1);
  if (many && !shared) place.wire.replace(percent, 1, std::to_string(seat.number));
  const StationAddresses addresses{.target = place.target,
                                   .own = spare(place.from, seat.number),
                                   .target6 = place.target6,
                                   .own6 = spare(place.from6, seat.number),
                                   .gateway = place.gateway};
  auto station = std::make_unique<Station>(open_link(place), addresses, place.settle);
  std::unique_ptr<Application> application;
  if (place.agent.empty() && place.port == 0) {
    application = std::make_unique<NoApplication>();
  } else if (place.agent.empty()) {
    application = std::make_unique<Service>(place.port);
  } else {
    application =
        std::make_unique<AgentClient>(place.agent, AgentAddresses{.target = text_or_nothing(addresses.target),
                                                                  .peer = text_or_nothing(addresses.own),
                                                                  .target6 = text_or_nothing(addresses.target6),
                                                                  .peer6 = text_or_nothing(addresses.own6)});
  }
  return std::make_unique<RemoteTarget>(place, std::move(seat), std::move(station), std::move(application));
}

}  // namespace tcpassay
