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
  std::uint32_t initial = 536;    // IW
  std::uint32_t counted = 0;      // octets acknowledged in congestion avoidance since cwnd last grew
  unsigned duplicates = 0;        // duplicate ACKs in a row
  unsigned refused = 0;           // ... of them before the path refused what was in flight
  std::uint32_t limited = 0;      // octets sent by limited transmit (RFC 3042)
  std::uint32_t limit = 0;        // how far above SND.UNA limited transmit may send, beside cwnd
  bool recovering = false;        // fast recovery
  bool after_timeout = false;     // the last loss was shown by the timer
  bool timed_out_before = false;  // on this connection, for recover_of_first_timeout
  bool timed_out = false;         // the segment at SND.UNA was sent again by the timer
  bool recover_known = false;
  bool partial = false;                                        // a partial ACK has come in this recovery
  bool restarted = false;                                      // a pause has lowered the window
  bool front_again = false;                                    // the segment at SND.UNA is to be sent again
  std::uint32_t prior = 0, prior_ssthresh = kArbitrarilyHigh;  // before the last loss
  std::uint32_t resent_stamp = 0;                              // TSval of the first segment sent again since then
  bool resent_stamped = false, repaired_much = false;          // that is set; more than one segment was sent again
  SeqNum recover = 0;  // behind the highest octet sent when the last recovery or timeout began
  SeqNum resend = 0;   // octets from here to SND.NXT are considered lost and sent again as cwnd allows
  Time sent_at = 0;    // when text was last sent

  void undo() {
    cwnd = std::max(cwnd, prior);
    ssthresh = prior_ssthresh;
    recovering = timed_out = after_timeout = false;
  }
  // The window was reduced already, and nothing is to be restored.
  void keep() {
    prior = cwnd;
    prior_ssthresh = ssthresh;
    resent_stamped = repaired_much = false;
    counted = 0;
  }
  bool slow_start() const { return cwnd < ssthresh; }
  // Equation (4) of RFC 5681; octets sent by limited transmit do not count.
  void reduce(std::uint32_t flight) {
    prior = cwnd;
    prior_ssthresh = std::max(flight, ssthresh);
    resent_stamped = repaired_much = false;
    ssthresh = std::max((flight - std::min(flight, limited)) / 2, 2 * smss);
    counted = 0;
  }
};

}  // namespace own
