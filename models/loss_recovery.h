// SPDX-License-Identifier: Apache-2.0
// How a sender recovers from losses that the peer's SACK options report (RFC 2018 section 5, RFC 6675), and the loss
// probes of RFC 8985.
#pragma once

#include "models/step.h"

namespace tcpassay {

// An acceptable ACK has arrived; `una` and `wnd` are SND.UNA and SND.WND before it.
void report_arrives(Step& on, const Arriving& seg, SndSeq una, std::uint32_t wnd);

// A segment departs with octets that had left before; `end` is behind its last octet. Called before SND.NXT moves.
void text_departs_again(Step& on, const Departing& seg, SndSeq end);

// The target falls silent: text that an ACK has shown to be lost should have left again.
void recovery_falls_quiet(Step& on);

// IsLost () of RFC 6675, of the segment at SND.UNA: may the target believe so?
bool front_is_lost(const Tcb& tcb);

// The ACKs tell of a loss: three duplicates or reports, IsLost (), or a report that has closed the window.
bool loss_is_told(const Tcb& tcb);

// Was this octet reported before the retransmission timer expired?
bool was_reported(const Tcb& tcb, SndSeq seq);

}  // namespace tcpassay
