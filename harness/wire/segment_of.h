// SPDX-License-Identifier: Apache-2.0
// Converts a decoded packet to the segment that the oracle is given.
#pragma once

#include "harness/wire/packet.h"
#include "models/segment.h"

namespace tcpassay {

// SegmentT is Arriving or Departing. Its text points into the packet's octets. The caller sets Carrier::oddity, because
// that depends on the target's addresses.
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
