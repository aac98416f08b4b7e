// SPDX-License-Identifier: Apache-2.0
// Addresses, and ICMP messages put on the wire.
#include "harness/session_impl.h"

namespace tcpassay {
namespace {

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

Carrier::Oddity oddity_of(const Decoded& packet) {
  if (is_a_group(packet.destination)) return Carrier::Oddity::kGroupDestination;
  if (is_nobodys(packet.source)) return Carrier::Oddity::kNobodysSource;
  return packet.ip_options ? Carrier::Oddity::kOptions : Carrier::Oddity::kNone;
}

Host host_of(const Call& call, const Identity& identity) {
  const bool connects = call.kind == CallKind::kConnect;
  if (!connects && call.kind != CallKind::kBind) return Host::kUsual;
  const auto address = call.address.empty() ? std::nullopt : Address::parse(call.address);
  if (!address || address->family != 4) return Host::kUsual;
  if (!connects) {
    return *address == identity.address ? Host::kNamed : address->octets[0] == 127 ? Host::kElsewhere : Host::kUsual;
  }
  const bool multicast = address->octets[0] >= 224 && address->octets[0] < 240;
  return multicast ? Host::kMulticast : is_a_group(*address) ? Host::kBroadcast : Host::kUsual;
}

// About a segment that the target sent in the script's only pair.
void Session::Impl::put_icmp(const IcmpSpec& spec, const Place& where) {
  const Identity& identity = target.identity();
  const Tuple tuple = pair({}, {});
  const Conversation& with = conversation(tuple);
  const bool ipv6 = ip == 6;
  auto message = icmp_numbers(spec, ip);
  if (!message) return;
  const std::uint32_t first = with.peer.irs ? *with.peer.irs - with.script_iss : 0;
  message->seq = SndSeq{spec.seq + first};
  packet = encode_icmp(*message, {.source = ipv6 ? identity.ipv6_address : identity.address,
                                  .destination = ipv6 ? identity.ipv6_peer_address : identity.peer_address,
                                  .source_port = tuple.local,
                                  .destination_port = tuple.remote,
                                  .seq = spec.seq + first,
                                  .ctl = {.ack = true}});
  Event event;
  event.tuple = tuple;
  event.from = target.now();
  if (options.capture) options.capture->write(event.from, packet);
  target.inject(packet);
  event.until = virtual_time ? event.from : target.now();
  event.what = *message;
  record(event, where);
  settle();
}

}  // namespace tcpassay
