// SPDX-License-Identifier: Apache-2.0
// Sends ICMP messages.
#include "harness/session/session_impl.h"

namespace tcpassay {

// The message quotes a segment of the script's only connection, or of a connection between other ports.
void Session::Impl::put_icmp(const IcmpSpec& spec, const Place& where) {
  const Identity& identity = target.identity();
  const Tuple tuple = pair(spec.local_port, spec.remote_port);
  const Conversation& with = conversation(pair({}, {}));
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
  event.from = reached(target.now());
  if (options.capture) options.capture->write(event.from, packet);
  target.inject(packet);
  event.until = over(event);
  event.what = *message;
  record(event, where);
  settle();
}

void Session::icmp(const IcmpSpec& message, const Place& where) {
  impl_->put_icmp(message, where);
}

}  // namespace tcpassay
