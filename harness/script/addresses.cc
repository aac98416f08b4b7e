// SPDX-License-Identifier: Apache-2.0
#include "harness/script/addresses.h"

namespace tcpassay {
namespace {

Ctl with_ace(Ctl ctl, int ace) {
  ctl.ece = (ace & 1) != 0;
  ctl.cwr = (ace & 2) != 0;
  ctl.reserved = static_cast<std::uint8_t>((ctl.reserved & 0x0e) | (ace >> 2 & 1));
  return ctl;
}

// Broadcast or multicast.
bool is_a_group(const Address& address) {
  if (address.family == 6) return address.octets[0] == 0xff;
  return address.octets[0] >= 224 || address.octets[3] == 255;
}

// No single host on a wire has it: a group, this network, or loopback.
bool is_nobodys(const Address& address) {
  if (is_a_group(address)) return true;
  if (address.family == 6) return address == Address{.family = 6} || address == *Address::parse("::1");
  return address.octets[0] == 0 || address.octets[0] == 127;
}

}  // namespace

Ctl control_of(const SegmentSpec& spec) {
  return spec.ace ? with_ace(spec.ctl, *spec.ace) : spec.ctl;
}

Carrier::Oddity oddity_of(const Decoded& packet) {
  if (is_nobodys(packet.destination)) return Carrier::Oddity::kGroupDestination;
  if (is_nobodys(packet.source)) return Carrier::Oddity::kNobodysSource;
  return packet.ip_options ? Carrier::Oddity::kOptions : Carrier::Oddity::kNone;
}

Host host_of(const Call& call, const Identity& identity) {
  const bool connects = call.kind == CallKind::kConnect;
  if (!connects && call.kind != CallKind::kBind) return Host::kUsual;
  const auto address = call.address.empty() ? std::nullopt : Address::parse(call.address);
  if (!address) return Host::kUsual;
  if (address->family == 6) return connects && is_a_group(*address) ? Host::kMulticast : Host::kUsual;
  if (!connects) {
    return *address == identity.address ? Host::kNamed : address->octets[0] == 127 ? Host::kElsewhere : Host::kUsual;
  }
  const bool multicast = address->octets[0] >= 224 && address->octets[0] < 240;
  return multicast ? Host::kMulticast : is_a_group(*address) ? Host::kBroadcast : Host::kUsual;
}

}  // namespace tcpassay
