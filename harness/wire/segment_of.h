// SPDX-License-Identifier: Apache-2.0
// What the oracle is shown of a packet: the segment in it.
#pragma once

#include "harness/wire/packet.h"
#include "models/segment.h"

namespace tcpassay {

// SegmentT is Arriving or Departing. Its text lives in the packet's octets. Carrier::oddity is left to the caller, who
// knows the addresses.
template <class SegmentT>
SegmentT observed(const Decoded& packet) {
  SegmentT segment;
  segment.seq.value = packet.seq;
  segment.ack.value = packet.ack;
  segment.wnd = packet.wnd;
  segment.up = packet.up;
  segment.ctl = packet.ctl;
  segment.fault = packet.fault;
  segment.opt = packet.opt;
  segment.ip = {.ttl = packet.ttl,
                .traffic_class = packet.traffic_class,
                .identification = packet.identification,
                .dont_fragment = packet.dont_fragment};
  segment.text = packet.text;
  return segment;
}

}  // namespace tcpassay
