// SPDX-License-Identifier: Apache-2.0
// The congestion window of RFC 5681 with the recovery of RFC 6582 (NewReno), in octets. What changes it: congestion.cc.
#pragma once

#include <algorithm>
#include <cstdint>

#include "harness/targets/own/seq.h"
#include "harness/targets/own/time.h"

namespace own {

struct Congestion {
  static constexpr std::uint32_t kArbitrarilyHigh = 1u << 30;

  std::uint32_t smss = 536;
  std::uint32_t cwnd = 536, ssthresh = kArbitrarilyHigh;
  std::uint32_t initial = 536;  // IW
  std::uint32_t counted = 0;    // octets acknowledged in congestion avoidance since cwnd last grew
  unsigned duplicates = 0;      // duplicate ACKs in a row
  std::uint32_t limited = 0;    // octets sent by limited transmit (RFC 3042)
  std::uint32_t limit = 0;      // how far above SND.UNA limited transmit may send, beside cwnd
  bool recovering = false;      // fast recovery
  bool timed_out = false;       // the segment at SND.UNA was sent again by the timer
  bool recover_known = false;
  bool front_again = false;  // the segment at SND.UNA is to be sent again
  SeqNum recover = 0;        // behind the highest octet sent when the last recovery or timeout began
  SeqNum resend = 0;         // octets from here to SND.NXT are considered lost and sent again as cwnd allows
  Time sent_at = 0;          // when text was last sent

  bool slow_start() const { return cwnd < ssthresh; }
  // Equation (4) of RFC 5681; octets sent by limited transmit do not count.
  void reduce(std::uint32_t flight) {
    ssthresh = std::max((flight - std::min(flight, limited)) / 2, 2 * smss);
    counted = 0;
  }
};

}  // namespace own
